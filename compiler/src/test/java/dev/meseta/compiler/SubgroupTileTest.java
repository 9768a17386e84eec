package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelVerifier;
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
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Products by subgroups: rows and columns that no tile divides, sums of every length, every way in which operands may lie. */
class SubgroupTileTest {
    private static final Target TARGET = Targets.lockstep(4);

    private static Tensor random(Random random, Shape shape) {
        Tensor x = Tensor.allocate(DType.F32, shape);
        for (long i = 0; i < x.elements(); i++) x.setDouble(i, random.nextInt(-8, 9));
        return x;
    }

    private static Dim dim(Random random, String name, long extent) {
        return random.nextInt(3) == 0 ? Dim.symbolic(name, extent) : Dim.of(extent);
    }

    /** Sums of integers, which are exact in any order. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
    void products(int seed) {
        Random random = new Random(seed);
        Dim m = dim(random, "m", random.nextLong(2, 40));
        Dim n = dim(random, "n", random.nextLong(16, 70));
        Dim k = dim(random, "k", random.nextLong(4, 40));
        GraphBuilder b = new GraphBuilder("product", Interpreter::evaluate);
        boolean down = random.nextInt(4) == 0;
        Tensor x = random(random, Shape.of(down ? List.of(k, m) : List.of(m, k)));
        Tensor w = random(random, Shape.of(random.nextBoolean() ? List.of(k, n) : List.of(n, k)));
        boolean constant = n.symbol() == null && k.symbol() == null && random.nextBoolean();
        Value left = b.input("x", x.type());
        Value right = constant ? b.constant(w) : b.input("w", w.type());
        if (down) left = b.transpose(left, 1, 0);
        if (w.shape().dims().getFirst().equals(n)) right = b.transpose(right, 1, 0);
        Value y = b.matmul(left, right, DType.F32);
        Graph graph = b.build(List.of(b.plus(y, b.scalar(DType.F32, 3))));
        check(graph, constant ? List.of(x) : List.of(x, w), 1);
    }

    /** Three channels lie behind each other, which is less than a vector. */
    @ParameterizedTest
    @ValueSource(ints = {3, 8, 10})
    void convolutions(int channels) {
        Random random = new Random(channels);
        GraphBuilder b = new GraphBuilder("convolution", Interpreter::evaluate);
        Tensor x = random(random, Shape.of(2, channels, 9, 40));
        Tensor w = random(random, Shape.of(20, channels, 3, 2));
        Tensor second = random(random, Shape.of(channels, 20, 2, 2));
        List<Long> ones = List.of(1L, 1L);
        List<Long> none = List.of(0L, 0L);
        Op.Convolution o =
                new Op.Convolution(List.of(2L, 1L), List.of(1L, 0L), List.of(0L, 1L), ones, ones, 1, DType.F32);
        Op.Convolution next = new Op.Convolution(ones, none, none, ones, ones, 1, DType.F32);
        Value between = b.add(o, b.input("x", x.type()), b.constant(w));
        check(b.build(List.of(b.add(next, between, b.constant(second)))), List.of(x), 2);
    }

    /** Padding is read as zeros between maps that lie channels-last, and no copy is made for it. */
    @Test
    void padding() {
        Random random = new Random(1);
        GraphBuilder b = new GraphBuilder("padding", Interpreter::evaluate);
        Tensor x = random(random, Shape.of(2, 5, 7, 40));
        List<Long> ones = List.of(1L, 1L);
        List<Long> none = List.of(0L, 0L);
        Op.Convolution plain = new Op.Convolution(ones, none, none, ones, ones, 1, DType.F32);
        Op.Convolution padded =
                new Op.Convolution(List.of(2L, 1L), List.of(1L, 2L), List.of(2L, 0L), ones, ones, 1, DType.F32);
        Value first = b.add(plain, b.input("x", x.type()), b.constant(random(random, Shape.of(20, 5, 1, 1))));
        Value second = b.add(padded, first, b.constant(random(random, Shape.of(18, 20, 3, 2))));
        Value third = b.add(plain, second, b.constant(random(random, Shape.of(6, 18, 1, 1))));
        Graph graph = b.build(List.of(third));
        check(graph, List.of(x), 3);
        for (CommandList.Command c : GraphCompiler.compile(graph, TARGET).commands())
            assertNotEquals(
                    "padded", c instanceof CommandList.Launch l ? l.kernel().name() : "");
    }

    @Test
    void ofMatrices() {
        Random random = new Random(1);
        GraphBuilder b = new GraphBuilder("batch", Interpreter::evaluate);
        Tensor x = random(random, Shape.of(3, 17, 8));
        Tensor w = random(random, Shape.of(3, 8, 18));
        Value y = b.matmul(b.input("x", x.type()), b.input("w", w.type()), DType.F32);
        check(b.build(List.of(y)), List.of(x, w), 1);
    }

    private static void check(Graph graph, List<Tensor> inputs, int expectedTeams) {
        CommandList list = GraphCompiler.compile(graph, TARGET);
        int teams = 0;
        for (CommandList.Command c : list.commands()) {
            if (!(c instanceof CommandList.Launch l)) continue;
            Kernel kernel = l.kernel();
            KernelVerifier.verify(kernel);
            if (kernel.team() == 1) continue;
            assertEquals(TARGET.subgroup(), kernel.team());
            teams++;
        }
        assertEquals(expectedTeams, teams, "kernels of teams");
        Tensor expected = Interpreter.run(graph, inputs).getFirst();
        Tensor actual = SlowDevice.run(list, inputs).getFirst();
        for (long i = 0; i < expected.elements(); i++)
            assertEquals(expected.getDouble(i), actual.getDouble(i), "element " + i);
    }
}
