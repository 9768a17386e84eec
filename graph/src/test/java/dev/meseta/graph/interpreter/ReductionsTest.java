package dev.meseta.graph.interpreter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ReductionsTest {
    private static final double INF = Double.POSITIVE_INFINITY;
    private static final double NAN = Double.NaN;
    private final Random random = new Random(2);

    private static Tensor eval(Op op, Tensor x) {
        return Interpreter.evaluate(op, List.of(x)).getFirst();
    }

    private Tensor numbers(DType d, long... extents) {
        Tensor t = Tensor.allocate(TensorType.of(d, extents));
        for (long i = 0; i < t.elements(); i++) {
            if (d.isFloat()) t.setDouble(i, random.nextInt(-8, 8) / 4.0);
            else t.setLong(i, random.nextLong());
        }
        return t;
    }

    private static double combine(ReduceKind k, double a, double b) {
        return switch (k) {
            case SUM -> a + b;
            case PROD -> a * b;
            case MIN -> Math.min(a, b);
            case MAX -> Math.max(a, b);
            default -> throw new AssertionError(k);
        };
    }

    @Test
    void reductionsOverAnyAxes() {
        Tensor x = numbers(DType.F32, 3, 4, 2, 5);
        for (ReduceKind k : List.of(ReduceKind.SUM, ReduceKind.PROD, ReduceKind.MIN, ReduceKind.MAX)) {
            for (List<Integer> axes :
                    List.of(List.of(0), List.of(1, 3), List.of(0, 1, 2, 3), List.of(2), List.<Integer>of())) {
                Tensor y = eval(new Op.Reduce(k, axes), x);
                double[] expected = new double[(int) y.elements()];
                java.util.Arrays.fill(
                        expected,
                        k == ReduceKind.SUM ? 0 : k == ReduceKind.PROD ? 1 : k == ReduceKind.MIN ? INF : -INF);
                for (long i = 0; i < x.elements(); i++) {
                    long[] at = ProductsTest.index(x.shape(), i);
                    long to = 0;
                    for (int a = 0; a < 4; a++)
                        if (!axes.contains(a)) to = to * x.shape().extent(a) + at[a];
                    expected[(int) to] = combine(k, expected[(int) to], x.getDouble(i));
                }
                for (int i = 0; i < expected.length; i++)
                    assertEquals(expected[i], y.getDouble(i), 1e-6 * Math.abs(expected[i]));
            }
        }
    }

    @Test
    void emptyReductionsGiveTheIdentity() {
        Tensor f = Tensor.allocate(TensorType.of(DType.F16, 2, 0));
        assertArrayEquals(
                new double[] {0, 0},
                eval(new Op.Reduce(ReduceKind.SUM, List.of(1)), f).toDoubles());
        assertArrayEquals(
                new double[] {1, 1},
                eval(new Op.Reduce(ReduceKind.PROD, List.of(1)), f).toDoubles());
        assertArrayEquals(
                new double[] {INF, INF},
                eval(new Op.Reduce(ReduceKind.MIN, List.of(1)), f).toDoubles());
        assertArrayEquals(
                new double[] {-INF, -INF},
                eval(new Op.Reduce(ReduceKind.MAX, List.of(1)), f).toDoubles());
        Tensor i = Tensor.allocate(TensorType.of(DType.I8, 0));
        assertEquals(127, eval(new Op.Reduce(ReduceKind.MIN, List.of(0)), i).getLong(0));
        assertEquals(-128, eval(new Op.Reduce(ReduceKind.MAX, List.of(0)), i).getLong(0));
        Tensor u = Tensor.allocate(TensorType.of(DType.U64, 0));
        assertEquals(-1, eval(new Op.Reduce(ReduceKind.MIN, List.of(0)), u).getLong(0));
        Tensor b = Tensor.allocate(TensorType.of(DType.BOOL, 0));
        assertEquals(1, eval(new Op.Reduce(ReduceKind.AND, List.of(0)), b).getLong(0));
        assertEquals(0, eval(new Op.Reduce(ReduceKind.OR, List.of(0)), b).getLong(0));
    }

    @Test
    void integersWrapAndNaNWins() {
        Tensor x = Tensor.allocate(TensorType.of(DType.U8, 3));
        for (int i = 0; i < 3; i++) x.setLong(i, 100);
        assertEquals(
                300 & 255, eval(new Op.Reduce(ReduceKind.SUM, List.of(0)), x).getLong(0));
        assertEquals(
                1_000_000 & 255,
                eval(new Op.Reduce(ReduceKind.PROD, List.of(0)), x).getLong(0));
        Tensor f = Tensor.of(new double[] {1, NAN, -5});
        assertEquals(NAN, eval(new Op.Reduce(ReduceKind.MIN, List.of(0)), f).getDouble(0));
        assertEquals(NAN, eval(new Op.Reduce(ReduceKind.MAX, List.of(0)), f).getDouble(0));
    }

    @Test
    void longSumsOfSinglesAreExactToTheLastBit() {
        Tensor x = Tensor.allocate(TensorType.of(DType.F32, 1_000_000));
        for (long i = 0; i < x.elements(); i++) x.setDouble(i, 0.1f);
        assertEquals(
                (float) (1_000_000 * (double) 0.1f),
                eval(new Op.Reduce(ReduceKind.SUM, List.of(0)), x).getDouble(0));
    }

    @Test
    void windowsAreTheFormula() {
        for (int round = 0; round < 200; round++) {
            Tensor x = numbers(DType.F32, 2, 1 + random.nextInt(6), 1 + random.nextInt(6));
            ReduceKind k = List.of(ReduceKind.SUM, ReduceKind.MIN, ReduceKind.MAX, ReduceKind.PROD)
                    .get(round % 4);
            List<Long> window = random.longs(3, 1, 3).boxed().toList();
            List<Long> strides = random.longs(3, 1, 4).boxed().toList();
            List<Long> dilations = random.longs(3, 1, 3).boxed().toList();
            List<Long> low = random.longs(3, 0, 3).boxed().toList();
            List<Long> high = random.longs(3, 2, 4).boxed().toList();
            Op.WindowReduce op = new Op.WindowReduce(k, window, strides, dilations, low, high);
            Tensor y = eval(op, x);
            Shape box = Shape.of(window.stream().mapToLong(Long::longValue).toArray());
            for (long i = 0; i < y.elements(); i++) {
                long[] at = ProductsTest.index(y.shape(), i);
                double expected = k == ReduceKind.SUM ? 0 : k == ReduceKind.PROD ? 1 : k == ReduceKind.MIN ? INF : -INF;
                for (long w = 0; w < box.elements(); w++) {
                    long[] in = ProductsTest.index(box, w);
                    boolean inside = true;
                    for (int a = 0; a < 3; a++) {
                        in[a] = at[a] * strides.get(a) - low.get(a) + in[a] * dilations.get(a);
                        inside &= in[a] >= 0 && in[a] < x.shape().extent(a);
                    }
                    if (inside) expected = combine(k, expected, x.getDouble(ProductsTest.number(x.shape(), in)));
                }
                assertEquals(expected, y.getDouble(i), op.toString());
            }
        }
    }

    @Test
    void windowsOfIntegers() {
        Tensor x = Tensor.of(new int[] {1, -5, 3, 7});
        Op op = new Op.WindowReduce(ReduceKind.MAX, List.of(3L), List.of(1L), List.of(1L), List.of(1L), List.of(1L));
        assertArrayEquals(new long[] {1, 3, 7, 7}, eval(op, x).toLongs());
    }

    @Test
    void runningCombinations() {
        Tensor x = Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
        assertArrayEquals(
                new double[] {1, 3, 6, 4, 9, 15},
                eval(new Op.Cumulative(ReduceKind.SUM, 1, false, false), x).toDoubles());
        assertArrayEquals(
                new double[] {0, 1, 3, 0, 4, 9},
                eval(new Op.Cumulative(ReduceKind.SUM, 1, true, false), x).toDoubles());
        assertArrayEquals(
                new double[] {6, 5, 3, 15, 11, 6},
                eval(new Op.Cumulative(ReduceKind.SUM, 1, false, true), x).toDoubles());
        assertArrayEquals(
                new double[] {4, 5, 6, 1, 1, 1},
                eval(new Op.Cumulative(ReduceKind.PROD, 0, true, true), x).toDoubles());
        Tensor i = Tensor.of(new int[] {3, 1, 2});
        assertArrayEquals(
                new long[] {3, 1, 1},
                eval(new Op.Cumulative(ReduceKind.MIN, 0, false, false), i).toLongs());
        assertEquals(
                0,
                eval(
                                new Op.Cumulative(ReduceKind.SUM, 1, false, false),
                                Tensor.allocate(TensorType.of(DType.F32, 2, 0)))
                        .elements());
    }

    @Test
    void positionsOfExtremes() {
        Tensor x = Tensor.of(new double[] {1, 3, 3, -0.0, 0, -2});
        assertEquals(1, eval(new Op.ArgReduce(true, 0, false), x).getLong(0));
        assertEquals(2, eval(new Op.ArgReduce(true, 0, true), x).getLong(0));
        Tensor z = Tensor.of(new double[] {0, -0.0});
        assertEquals(0, eval(new Op.ArgReduce(false, 0, false), z).getLong(0));
        Tensor n = Tensor.of(new double[] {1, NAN, -INF, NAN});
        assertEquals(1, eval(new Op.ArgReduce(true, 0, false), n).getLong(0));
        assertEquals(1, eval(new Op.ArgReduce(false, 0, false), n).getLong(0));
        assertEquals(3, eval(new Op.ArgReduce(false, 0, true), n).getLong(0));
        Tensor u = Tensor.allocate(TensorType.of(DType.U64, 2));
        u.setLong(0, -1);
        assertEquals(0, eval(new Op.ArgReduce(true, 0, false), u).getLong(0));
        Tensor m = Tensor.of(new int[] {1, 5, 9, 2, 7, 4}, 3, 2);
        assertArrayEquals(
                new long[] {1, 0}, eval(new Op.ArgReduce(true, 0, false), m).toLongs());
    }

    @Test
    void sortsAreStableAndNaNIsLargest() {
        Tensor x = Tensor.of(new double[] {2, NAN, -1, 2, INF});
        List<Tensor> down = Interpreter.evaluate(new Op.TopK(Dim.of(5), 0, true), List.of(x));
        assertArrayEquals(new double[] {NAN, INF, 2, 2, -1}, down.get(0).toDoubles());
        assertArrayEquals(new long[] {1, 4, 0, 3, 2}, down.get(1).toLongs());
        List<Tensor> up = Interpreter.evaluate(new Op.TopK(Dim.of(3), 0, false), List.of(x));
        assertArrayEquals(new double[] {-1, 2, 2}, up.get(0).toDoubles());
        assertArrayEquals(new long[] {2, 0, 3}, up.get(1).toLongs());
        Tensor m = Tensor.of(new int[] {1, 5, 9, 2, 7, 4}, 3, 2);
        List<Tensor> columns = Interpreter.evaluate(new Op.TopK(Dim.of(2), 0, true), List.of(m));
        assertArrayEquals(new long[] {9, 5, 7, 4}, columns.get(0).toLongs());
        assertArrayEquals(new long[] {1, 0, 2, 2}, columns.get(1).toLongs());
        assertEquals(
                0,
                Interpreter.evaluate(new Op.TopK(Dim.of(0), 0, true), List.of(m))
                        .get(1)
                        .elements());
    }
}
