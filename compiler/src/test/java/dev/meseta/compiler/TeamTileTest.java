package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Products and convolutions by teams: the blocks' ends, sums whose length no step divides, every way in which operands may lie. */
class TeamTileTest {
    private static Target target(int team, long sharedBytes) {
        return Target.lockstep(32, 8192, false, team, sharedBytes, 0, team, List.of());
    }

    private static Tensor random(Random random, Shape shape) {
        Tensor x = Tensor.allocate(DType.F32, shape);
        for (long i = 0; i < x.elements(); i++) x.setDouble(i, random.nextInt(-8, 9));
        return x;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7})
    void products(int seed) {
        Random random = new Random(seed);
        long m = random.nextLong(16, 150);
        long n = random.nextLong(16, 150);
        long k = random.nextLong(16, 60);
        boolean symbolic = random.nextBoolean();
        Dim rows = symbolic ? Dim.symbolic("m", m) : Dim.of(m);
        GraphBuilder b = new GraphBuilder("product", Interpreter::evaluate);
        Tensor x = random(random, Shape.of(List.of(rows, Dim.of(k))));
        Tensor w = random(random, random.nextBoolean() ? Shape.of(k, n) : Shape.of(n, k));
        Value left = b.input("x", x.type());
        Value right = seed % 2 == 0 ? b.constant(w) : b.input("w", w.type());
        if (w.shape().extent(0) == n && w.shape().extent(1) == k) right = b.transpose(right, 1, 0);
        Value y = b.matmul(left, right, DType.F32);
        Graph graph = b.build(List.of(b.plus(y, b.scalar(DType.F32, 3))));
        check(graph, seed % 2 == 0 ? List.of(x) : List.of(x, w), target(random.nextBoolean() ? 256 : 128, 32 << 10));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void convolutions(long stride) {
        Random random = new Random(stride);
        GraphBuilder b = new GraphBuilder("convolution", Interpreter::evaluate);
        Tensor x = random(random, Shape.of(2, 5, 11, 40));
        Tensor w = random(random, Shape.of(20, 5, 3, 2));
        List<Long> ones = List.of(1L, 1L);
        Op.Convolution o =
                new Op.Convolution(List.of(stride, stride), List.of(1L, 0L), List.of(0L, 1L), ones, ones, 1, DType.F32);
        Graph graph = b.build(List.of(b.add(o, b.input("x", x.type()), b.constant(w))));
        check(graph, List.of(x), target(256, 16 << 10));
    }

    private static void check(Graph graph, List<Tensor> inputs, Target target) {
        CommandList list = GraphCompiler.compile(graph, target);
        List<Kernel> teams = new ArrayList<>();
        for (CommandList.Command c : list.commands()) {
            if (!(c instanceof CommandList.Launch l) || l.kernel().team() == 1) continue;
            KernelVerifier.verify(l.kernel());
            assertTrue(l.kernel().team() <= target.team());
            teams.add(l.kernel());
        }
        assertEquals(1, teams.size(), "kernels of teams");
        Tensor expected = Interpreter.run(graph, inputs).getFirst();
        Tensor actual = SlowDevice.run(list, inputs).getFirst();
        for (long i = 0; i < expected.elements(); i++)
            assertEquals(expected.getDouble(i), actual.getDouble(i), "element " + i);
    }
}
