package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.meseta.driver.CommandList;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Long reductions to a few numbers are two kernels, of which the first has work for all threads. */
class LongReductionTest {
    private static void reduce(ReduceKind kind, Shape shape, List<Integer> axes, int kernels) {
        Random random = new Random(3);
        boolean logical = kind == ReduceKind.AND || kind == ReduceKind.OR;
        DType type = logical ? DType.BOOL : DType.F32;
        Tensor x = Tensor.allocate(type, shape);
        for (long i = 0; i < x.elements(); i++)
            x.setDouble(
                    i,
                    switch (kind) {
                        // Exact in any order.
                        case SUM -> random.nextInt(-100, 100);
                        case PROD -> random.nextInt(64) == 0 ? random.nextBoolean() ? 2 : 0.5 : 1;
                        case AND -> i == 7 || random.nextInt(30000) > 0 ? 1 : 0;
                        case OR -> random.nextInt(30000) > 0 ? 0 : 1;
                        default -> random.nextDouble(-1, 1);
                    });
        GraphBuilder b = new GraphBuilder("long", Interpreter::evaluate);
        Value y = b.add(new Op.Reduce(kind, axes), b.input("x", x.type()));
        Graph graph = b.build(List.of(logical ? y : b.times(y, b.scalar(type, 0.5))));
        CommandList list = GraphCompiler.compile(graph, Targets.AVX512);
        assertEquals(kernels, list.commands().size(), list.commands().toString());
        Tensor expected = Interpreter.run(graph, List.of(x)).getFirst();
        Tensor actual = SlowDevice.run(list, List.of(x)).getFirst();
        assertEquals(expected.type(), actual.type());
        for (long i = 0; i < expected.elements(); i++)
            assertEquals(expected.getDouble(i), actual.getDouble(i), "element " + i);
    }

    @ParameterizedTest
    @EnumSource
    void ofEveryKind(ReduceKind kind) {
        reduce(kind, Shape.of(2, 40, 512), List.of(0, 1, 2), 2);
    }

    /** Some results, of which each is of other elements; and extents that are arguments. */
    @ParameterizedTest
    @CsvSource({"0, 2", "1, 2", "2, 2"})
    void ofSomeAxes(int kept, int kernels) {
        List<Integer> axes = List.of(0, 1, 2, 3).stream().filter(a -> a != kept).toList();
        reduce(ReduceKind.SUM, Shape.of(3, 9, 5, 300), axes, kernels);
        Dim m = Dim.symbolic("m", 3);
        Dim n = Dim.symbolic("n", 9);
        reduce(ReduceKind.MAX, Shape.of(List.of(m, n, Dim.of(5), Dim.of(300))), axes, kernels);
    }

    /** Too few elements, results enough, and one axis alone. */
    @ParameterizedTest
    @CsvSource({"8, 40, 64, 3", "16, 40, 64, 2", "1, 1, 40000, 3"})
    void areOneKernel(long a, long b, long c, int reduced) {
        reduce(ReduceKind.MIN, Shape.of(a, b, c), reduced == 3 ? List.of(0, 1, 2) : List.of(1, 2), 1);
    }
}
