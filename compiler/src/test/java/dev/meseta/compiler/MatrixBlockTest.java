package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.kernel.KernelText;
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
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products of bytes by a processor's instructions for matrices are exact, whatever the extents and the signs. */
class MatrixBlockTest {
    private static final List<DType> BYTES = List.of(DType.U8, DType.I8);

    /** As x86 has them; vectors are short, so that the interpreter has less to do. */
    private static final Target TARGET = new Target(
            64,
            32,
            2,
            32 << 10,
            1024 << 10,
            true,
            false,
            false,
            false,
            0,
            0,
            0,
            0,
            BYTES.stream()
                    .flatMap(l -> BYTES.stream().map(r -> new Target.Matrix(16, 16, 64, l, r, DType.I32, 1)))
                    .toList());

    private static final long SEED = Long.getLong("seed", 1);

    private static Tensor random(Random random, DType type, Shape shape) {
        Tensor x = Tensor.allocate(type, shape);
        for (long i = 0; i < x.elements(); i++)
            x.setLong(
                    i,
                    random.nextInt(4) == 0
                            ? type.maxInteger()
                            : random.nextLong(type.minInteger(), type.maxInteger() + 1));
        return x;
    }

    /** Compares with the reference, and returns how many kernels have matrices. */
    private static int compare(Graph graph, Tensor x) {
        CommandList list = GraphCompiler.compile(graph, TARGET);
        int found = 0;
        for (CommandList.Command c : list.commands()) {
            if (!(c instanceof CommandList.Launch l)) continue;
            KernelVerifier.verify(l.kernel());
            if (KernelText.of(l.kernel()).contains("by fours")) found++;
        }
        Tensor expected = Interpreter.run(graph, List.of(x)).getFirst();
        Tensor actual = SlowDevice.run(list, List.of(x)).getFirst();
        for (long i = 0; i < expected.elements(); i++)
            assertEquals(expected.getDouble(i), actual.getDouble(i), "seed " + SEED + ", element " + i);
        return found;
    }

    private static int product(DType left, DType right, Dim rows, long depth, long columns) {
        Random random = new Random(SEED);
        GraphBuilder b = new GraphBuilder("product", Interpreter::evaluate);
        Tensor x = random(random, left, Shape.of(List.of(rows, Dim.of(depth))));
        Value y = b.matmul(
                b.input("x", x.type()), b.constant(random(random, right, Shape.of(depth, columns))), DType.I32);
        return compare(b.build(List.of(b.times(b.cast(y, DType.F32), b.scalar(DType.F32, 0.37)))), x);
    }

    /** One block and several, with others over them at the ends. */
    @ParameterizedTest
    @CsvSource({"32, 64, 16", "33, 128, 40", "47, 64, 32", "48, 192, 63", "100, 64, 17", "36, 64, 100"})
    void ofEverySize(long rows, long depth, long columns) {
        assertEquals(1, product(DType.U8, DType.I8, Dim.of(rows), depth, columns));
        assertEquals(1, product(DType.U8, DType.I8, Dim.symbolic("rows", rows), depth, columns));
    }

    @ParameterizedTest
    @CsvSource({"U8, U8", "U8, I8", "I8, U8", "I8, I8"})
    void ofAllSigns(DType left, DType right) {
        assertEquals(1, product(left, right, Dim.of(35), 64, 50));
    }

    /** Too few rows or columns, and sums that the depth does not divide. */
    @Test
    void whatDoesNotFit() {
        assertEquals(0, product(DType.U8, DType.I8, Dim.of(31), 64, 32));
        assertEquals(0, product(DType.U8, DType.I8, Dim.of(32), 64, 15));
        assertEquals(0, product(DType.U8, DType.I8, Dim.of(32), 96, 32));
    }

    /** Convolutions of one pixel are products; what a kernel of several pixels reads does not lie evenly. */
    @ParameterizedTest
    @CsvSource({"1, 1", "3, 0"})
    void ofConvolutions(long size, int blocks) {
        Random random = new Random(SEED);
        GraphBuilder b = new GraphBuilder("convolution", Interpreter::evaluate);
        Tensor x = random(random, DType.U8, Shape.of(1, 6, 7, 64));
        List<Long> ones = List.of(1L, 1L);
        List<Long> none = List.of(0L, 0L);
        Op.Convolution o = new Op.Convolution(ones, none, none, ones, ones, 1, DType.I32);
        Tensor w = random(random, DType.I8, Shape.of(24, 64, size, size));
        Value y = b.add(o, b.transpose(b.input("x", x.type()), 0, 3, 1, 2), b.constant(w));
        Graph graph = b.build(List.of(b.transpose(y, 0, 2, 3, 1)));
        assertEquals(blocks, compare(graph, x));
    }

    /** The choices for a large product take the registers there are. */
    @Test
    void blocksAreLarge() {
        GraphBuilder b = new GraphBuilder("large", Interpreter::evaluate);
        Tensor x = Tensor.allocate(DType.U8, Shape.of(512, 384));
        Tensor w = Tensor.allocate(DType.I8, Shape.of(384, 384));
        Graph graph = b.build(List.of(b.matmul(b.input("x", x.type()), b.constant(w), DType.I32)));
        String text = Stream.of(GraphCompiler.compile(graph, TARGET).commands().getLast())
                .map(c -> KernelText.of(((CommandList.Launch) c).kernel()))
                .findFirst()
                .orElseThrow();
        assertTrue(text.contains("i32[1024]"), text);
    }
}
