package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Products and convolutions of bytes of both signs by constants give, to the bit, what the reference interpreter gives. */
class ByteProductTest {
    private static final List<Target> TARGETS = List.of(
            Targets.AVX512,
            Targets.AVX2,
            Targets.NEON,
            new Target(32, 16, 2, 32 << 10, 512 << 10, false, false, false, false, 0, 0, 0, 0, List.of()),
            new Target(16, 16, 2, 32 << 10, 512 << 10, false, false, false, false, 0, 0, 0, 0, List.of()),
            Targets.LOCKSTEP,
            Targets.SUBGROUPS);

    /** The first seed and the number of products; -Dseed=S -Dproducts=1 replays one. */
    private static final long SEED = Long.getLong("seed", 1);

    private static final long PRODUCTS = Long.getLong("products", 120);

    private static Tensor bytes(Random random, DType t, Shape shape) {
        Tensor x = Tensor.allocate(t, shape);
        for (long i = 0; i < x.elements(); i++)
            x.setLong(i, random.nextInt(4) == 0 ? t.maxInteger() : random.nextLong(t.minInteger(), t.maxInteger() + 1));
        return x;
    }

    @Test
    void productsAreExact() {
        List<String> failures = new ArrayList<>();
        int dots = 0;
        for (long seed = SEED; seed < SEED + PRODUCTS; seed++) {
            try {
                if (run(seed)) dots++;
            } catch (RuntimeException | AssertionError t) {
                failures.add("seed " + seed + ": " + t);
                if (PRODUCTS == 1) t.printStackTrace();
            }
        }
        if (!failures.isEmpty())
            fail(failures.size() + " of " + PRODUCTS + " products fail (replay with -Dseed=S -Dproducts=1):\n"
                    + String.join("\n", failures));
        if (PRODUCTS >= 100) assertTrue(dots > PRODUCTS / 2, dots + " of them were dot products");
    }

    /** Whether it was computed by dot products. */
    private static boolean run(long seed) {
        Random random = new Random(seed);
        DType left = random.nextBoolean() ? DType.U8 : DType.I8;
        DType right = random.nextBoolean() ? DType.U8 : DType.I8;
        GraphBuilder b = new GraphBuilder("bytes", Interpreter::evaluate);
        Tensor x;
        Value y;
        if (random.nextInt(3) > 0) {
            long rows = random.nextLong(1, 30);
            long k = random.nextLong(4, 40);
            long columns = random.nextLong(1, 60);
            Dim m = random.nextBoolean() ? Dim.symbolic("m", rows) : Dim.of(rows);
            x = bytes(random, left, Shape.of(List.of(m, Dim.of(k))));
            y = b.matmul(b.input("x", x.type()), b.constant(bytes(random, right, Shape.of(k, columns))), DType.I32);
        } else {
            int groups = random.nextInt(3) == 0 ? 2 : 1;
            long c = groups * random.nextLong(1, 8);
            x = bytes(random, left, Shape.of(1, c, random.nextLong(3, 8), random.nextLong(3, 8)));
            Tensor w = bytes(random, right, Shape.of(groups * random.nextLong(1, 20), c / groups, 3, 2));
            List<Long> ones = List.of(1L, 1L);
            long stride = random.nextLong(1, 3);
            Op.Convolution o = new Op.Convolution(
                    List.of(stride, stride), List.of(1L, 0L), List.of(0L, 1L), ones, ones, groups, DType.I32);
            y = b.add(o, b.input("x", x.type()), b.constant(w));
            y = b.add(
                    o,
                    b.add(new Op.Cast(left, Op.Cast.Rounding.WRAP), y),
                    b.constant(bytes(random, right, Shape.of(groups, y.shape().extent(1) / groups, 1, 1))));
        }
        Value scaled = b.times(b.cast(y, DType.F32), b.scalar(DType.F32, 0.37));
        Graph graph = b.build(random.nextBoolean() ? List.of(y) : List.of(scaled));
        CommandList list = GraphCompiler.compile(graph, TARGETS.get((int) (seed % TARGETS.size())));
        Tensor expected = Interpreter.run(graph, List.of(x)).getFirst();
        Tensor actual = SlowDevice.run(list, List.of(x)).getFirst();
        if (!expected.type().equals(actual.type())) fail(actual.type() + ", expected " + expected.type());
        for (long i = 0; i < expected.elements(); i++)
            if (expected.getDouble(i) != actual.getDouble(i))
                fail("element " + i + " is " + actual.getDouble(i) + ", expected " + expected.getDouble(i));
        return list.commands().stream()
                .anyMatch(k -> k instanceof CommandList.Launch l
                        && KernelText.of(l.kernel()).contains("dot("));
    }

    /** Where it was asked for, products of two neighbours in the sum are added with saturation, and nothing else is. */
    @Test
    void saturatesAsAsked() {
        Random random = new Random(SEED);
        int saturated = 0;
        for (int round = 0; round < 12; round++) {
            int rows = random.nextInt(1, 12);
            int k = random.nextInt(4, 70);
            int columns = random.nextInt(8, 60);
            Tensor x = bytes(random, DType.U8, Shape.of(rows, k));
            Tensor y = bytes(random, DType.I8, Shape.of(k, columns));
            GraphBuilder b = new GraphBuilder("saturating", Interpreter::evaluate);
            Graph graph = b.build(List.of(b.matmul(b.input("x", x.type()), b.constant(y), DType.I32)));
            Target target = new Target(
                    round % 2 == 0 ? 32 : 16,
                    16,
                    2,
                    32 << 10,
                    512 << 10,
                    true,
                    true,
                    false,
                    false,
                    0,
                    0,
                    0,
                    0,
                    List.of());
            Tensor actual = SlowDevice.run(GraphCompiler.compile(graph, target), List.of(x))
                    .getFirst();
            Tensor exact = Interpreter.run(graph, List.of(x)).getFirst();
            // Sums of few elements are no dot products, and exact.
            if ((long) rows * columns < 32) continue;
            for (int i = 0; i < rows; i++) {
                for (int j = 0; j < columns; j++) {
                    long sum = 0;
                    for (int l = 0; l < k; l += 2) {
                        long two = product(x, y, i, j, l) + (l + 1 < k ? product(x, y, i, j, l + 1) : 0);
                        sum += Math.clamp(two, Short.MIN_VALUE, Short.MAX_VALUE);
                    }
                    long found = actual.getLong((long) i * columns + j);
                    if (sum != found)
                        fail("seed " + SEED + ", round " + round + ", element " + i + ", " + j + " is " + found
                                + ", expected " + sum);
                    if (sum != exact.getLong((long) i * columns + j)) saturated++;
                }
            }
        }
        assertTrue(saturated > 100, saturated + " sums saturated");
    }

    private static long product(Tensor x, Tensor y, int row, int column, int l) {
        return x.getLong(row * x.type().shape().extent(1) + l)
                * y.getLong(l * y.type().shape().extent(1) + column);
    }
}
