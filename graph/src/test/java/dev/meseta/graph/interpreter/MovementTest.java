package dev.meseta.graph.interpreter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Movement against the formulas of the specification, for elements of every width. */
class MovementTest {
    private final Random random = new Random(1);

    private Tensor numbered(DType d, Shape s) {
        Tensor t = Tensor.allocate(d, s);
        for (long i = 0; i < t.data().byteSize(); i++) t.data().set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt(2));
        return t;
    }

    private Shape shape(int rank) {
        long[] e = new long[rank];
        for (int i = 0; i < rank; i++) e[i] = 1 + random.nextInt(5);
        return Shape.of(e);
    }

    private static void sameElement(Tensor x, long i, Tensor y, long j, Object what) {
        long size = x.dtype().bytes();
        assertEquals(-1, x.data().asSlice(i * size, size).mismatch(y.data().asSlice(j * size, size)), what.toString());
    }

    @ParameterizedTest
    @EnumSource(names = {"I8", "F16", "F32", "F64", "C128"})
    void slicesTransposesAndBroadcasts(DType d) {
        for (int round = 0; round < 100; round++) {
            Shape s = shape(random.nextInt(5));
            Tensor x = numbered(d, s);
            List<Integer> order = new ArrayList<>();
            List<Long> starts = new ArrayList<>();
            List<Dim> sizes = new ArrayList<>();
            List<Long> steps = new ArrayList<>();
            for (int a = 0; a < s.rank(); a++) {
                order.add(a);
                long step = random.nextInt(1, 3) * (random.nextBoolean() ? 1 : -1);
                long start = random.nextLong(s.extent(a));
                long most = 1 + (step > 0 ? s.extent(a) - 1 - start : start) / Math.abs(step);
                starts.add(start);
                steps.add(step);
                sizes.add(Dim.of(random.nextLong(most + 1)));
            }
            Collections.shuffle(order, random);
            Op.Transpose transpose = new Op.Transpose(order);
            Tensor y = Interpreter.evaluate(transpose, List.of(x)).getFirst();
            for (long i = 0; i < y.elements(); i++) {
                long[] at = ProductsTest.index(y.shape(), i);
                long[] from = new long[at.length];
                for (int a = 0; a < at.length; a++) from[order.get(a)] = at[a];
                sameElement(x, ProductsTest.number(s, from), y, i, transpose);
            }
            Op.Slice slice = new Op.Slice(starts, sizes, steps);
            y = Interpreter.evaluate(slice, List.of(x)).getFirst();
            for (long i = 0; i < y.elements(); i++) {
                long[] at = ProductsTest.index(y.shape(), i);
                for (int a = 0; a < at.length; a++) at[a] = starts.get(a) + at[a] * steps.get(a);
                sameElement(x, ProductsTest.number(s, at), y, i, slice);
            }
            Shape wide = s;
            for (int a = 0; a < s.rank(); a++) if (s.extent(a) == 1) wide = wide.with(a, Dim.of(3));
            y = Interpreter.evaluate(new Op.Broadcast(wide), List.of(x)).getFirst();
            for (long i = 0; i < y.elements(); i++) {
                long[] at = ProductsTest.index(wide, i);
                for (int a = 0; a < at.length; a++) if (s.extent(a) == 1) at[a] = 0;
                sameElement(x, ProductsTest.number(s, at), y, i, wide);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"I8", "F16", "F32", "F64", "C128"})
    void padsAndConcats(DType d) {
        for (int round = 0; round < 60; round++) {
            Shape s = shape(1 + random.nextInt(3));
            Tensor x = numbered(d, s);
            Tensor value = numbered(d, Shape.SCALAR);
            List<Long> low = random.longs(s.rank(), 0, 3).boxed().toList();
            List<Long> high = random.longs(s.rank(), 0, 3).boxed().toList();
            Tensor y = Interpreter.evaluate(new Op.Pad(low, high), List.of(x, value))
                    .getFirst();
            for (long i = 0; i < y.elements(); i++) {
                long[] at = ProductsTest.index(y.shape(), i);
                boolean inside = true;
                for (int a = 0; a < at.length; a++) {
                    at[a] -= low.get(a);
                    inside &= at[a] >= 0 && at[a] < s.extent(a);
                }
                sameElement(inside ? x : value, inside ? ProductsTest.number(s, at) : 0, y, i, low);
            }
            int axis = random.nextInt(s.rank());
            Tensor other = numbered(d, s.with(axis, Dim.of(random.nextInt(3))));
            Tensor c = Interpreter.evaluate(new Op.Concat(axis), List.of(x, other, x))
                    .getFirst();
            for (long i = 0; i < c.elements(); i++) {
                long[] at = ProductsTest.index(c.shape(), i);
                Tensor from = x;
                if (at[axis] >= s.extent(axis)) {
                    at[axis] -= s.extent(axis);
                    from = other;
                    if (at[axis] >= other.shape().extent(axis)) {
                        at[axis] -= other.shape().extent(axis);
                        from = x;
                    }
                }
                sameElement(from, ProductsTest.number(from.shape(), at), c, i, axis);
            }
        }
    }

    @Test
    void iotaCountsAlongItsAxis() {
        Tensor t = Interpreter.evaluate(new Op.Iota(DType.F16, Shape.of(2, 3), 1), List.of())
                .getFirst();
        assertArrayEquals(new double[] {0, 1, 2, 0, 1, 2}, t.toDoubles());
        t = Interpreter.evaluate(new Op.Iota(DType.U8, Shape.of(2, 3), 0), List.of())
                .getFirst();
        assertArrayEquals(new long[] {0, 0, 0, 1, 1, 1}, t.toLongs());
        assertEquals(
                0,
                Interpreter.evaluate(new Op.Iota(DType.U8, Shape.of(0, 3), 1), List.of())
                        .getFirst()
                        .elements());
    }

    @Test
    void whatDoesNotFitIsRefused() {
        Tensor one = Tensor.allocate(TensorType.of(DType.F32, 1, 1));
        Op op = new Op.Broadcast(Shape.of(1L << 20, 1L << 20));
        InvalidInputException e =
                assertThrows(InvalidInputException.class, () -> Interpreter.evaluate(op, List.of(one)));
        assertEquals(true, e.getMessage().contains("4096.00 GiB"), e.getMessage());
    }
}
