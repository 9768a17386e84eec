package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Loops that are written out don't make code that takes long to compile, however large the window is. */
class KernelSizeTest {
    /** Statements: sums of a tile of 28 vectors, some products of each, and indices. */
    private static final long MOST = 1000;

    /** Statements: a row of the window for eight pixels, and for one with a test. */
    private static final long MOST_DEPTHWISE = 300;

    /** Statements: the tile of the products; transforms have two lines of a tile, and those at the edge again. */
    private static final long MOST_WINOGRAD = 300;

    /** Statements: a step for every sum of a tile and its store into a local array, and a row of results. */
    private static final long MOST_PRODUCT = 160;

    @ParameterizedTest
    @CsvSource({"1, 3", "2, 1", "3, 3", "3, 8", "5, 2", "7, 3", "7, 7", "8, 8", "11, 3"})
    void convolutionsAreShort(int window, int channels) {
        for (Target target : Targets.ALL) assertShort(MOST, graph(window, channels, 1, 2), target);
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 5, 9})
    void depthwiseConvolutionsAreShort(int window) {
        for (Target target : Targets.ALL) assertShort(MOST_DEPTHWISE, graph(window, 64, 64, 2), target);
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 64})
    void transformsAreShort(int channels) {
        for (Target target : Targets.ALL)
            if (!target.lockstep()) assertShort(MOST_WINOGRAD, graph(3, channels, 1, 1), target);
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 1})
    void whatFollowsAProductIsWrittenOnce(int rows) {
        GraphBuilder b = new GraphBuilder("product", Interpreter::evaluate);
        Value x = b.input("x", TensorType.of(DType.F32, rows, 64));
        Value y = b.matmul(x, b.constant(Tensor.allocate(DType.F32, Shape.of(64, 64))), DType.F32);
        Graph graph = b.build(List.of(b.map(MapFunction.ERF, b.map(MapFunction.TANH, y))));
        for (Target target : Targets.ALL) if (!target.lockstep()) assertShort(MOST_PRODUCT, graph, target);
    }

    private static void assertShort(long most, Graph graph, Target target) {
        for (CommandList.Command c : GraphCompiler.compile(graph, target).commands()) {
            if (!(c instanceof CommandList.Launch launch)) continue;
            Kernel k = launch.kernel();
            long n = statements(k.body());
            assertTrue(n <= most, () -> k.name() + " has " + n + " statements for " + target);
        }
    }

    private static Graph graph(int window, int channels, int groups, long stride) {
        GraphBuilder b = new GraphBuilder("convolution", Interpreter::evaluate);
        Value x = b.input("x", TensorType.of(DType.F32, 1, channels, 64, 64));
        List<Long> ones = List.of(1L, 1L);
        List<Long> pad = List.of(window / 2L, window / 2L);
        Op op = new Op.Convolution(List.of(stride, stride), pad, pad, ones, ones, groups, DType.F32);
        Value kernel = b.constant(Tensor.allocate(DType.F32, Shape.of(64, channels / groups, window, window)));
        return b.build(List.of(b.add(op, x, kernel)));
    }

    /** How many statements there are when loops are written out that shall be. */
    private static long statements(Stmt s) {
        return switch (s) {
            case Stmt.Block b ->
                b.statements().stream().mapToLong(KernelSizeTest::statements).sum();
            case Stmt.For f -> 1 + statements(f.body()) * (f.unroll() ? ((Expr.Int) f.end()).value() : 1);
            case Stmt.While w -> 1 + statements(w.body());
            case Stmt.If i -> 1 + statements(i.then()) + (i.otherwise() == null ? 0 : statements(i.otherwise()));
            default -> 1;
        };
    }
}
