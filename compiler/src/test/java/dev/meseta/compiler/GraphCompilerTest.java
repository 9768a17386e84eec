package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.CommandList;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What is fused, where results lie, and what is reported. */
class GraphCompilerTest {

    private static GraphBuilder builder() {
        return new GraphBuilder("test", Interpreter::evaluate);
    }

    private static List<Tensor> both(Graph g, Tensor... inputs) {
        List<Tensor> in = Arrays.asList(inputs);
        List<Tensor> expected = Interpreter.run(g, in);
        List<Tensor> actual = SlowDevice.run(GraphCompiler.compile(g, Targets.AVX2), in);
        for (int i = 0; i < expected.size(); i++)
            RandomGraphTest.compare("output " + i, expected.get(i), actual.get(i), 1e-5);
        return actual;
    }

    @Test
    void biasActivationAndResidualAreFusedIntoAProduct() {
        GraphBuilder b = builder();
        Value x = b.input("x", TensorType.of(DType.F32, 13, 24));
        Value y = b.plus(
                b.matmul(x, b.constant(ShapesTest.random(1, 24, 40)), DType.F32), b.constant(ShapesTest.random(2, 40)));
        Value z = b.plus(b.input("residual", TensorType.of(DType.F32, 13, 40)), b.add(new Op.Map(MapFunction.TANH), y));
        Graph g = b.build(List.of(z));
        CommandList list = GraphCompiler.compile(g, Targets.AVX2);
        assertEquals(1, list.commands().size());
        assertEquals(0, list.arenaBytes());
        both(g, ShapesTest.random(3, 13, 24), ShapesTest.random(4, 13, 40));
    }

    @Test
    void aReshapedValueIsNotCopied() {
        GraphBuilder b = builder();
        Value x = b.input("x", TensorType.of(DType.F32, 6, 4));
        Value sums = b.sum(x, 1, false);
        Value y = b.add(new Op.Map(MapFunction.EXP), b.add(new Op.Map(MapFunction.TANH), sums));
        Graph g = b.build(List.of(y, b.reshape(y, 2, 3), b.reshape(x, 24)));
        CommandList list = GraphCompiler.compile(g, Targets.AVX2);
        assertEquals(1, list.commands().size());
        assertEquals(list.outputs().get(0).slot(), list.outputs().get(1).slot());
        assertEquals(list.inputs().getFirst().intValue(), list.outputs().get(2).slot());
        both(g, ShapesTest.random(5, 6, 4));
    }

    @Test
    void aPositionOutsideIsReported() {
        GraphBuilder b = builder();
        Value x = b.input("x", TensorType.of(DType.F32, 5, 3));
        Value p = b.input("p", TensorType.of(DType.I64, 4));
        Graph g = b.build(List.of(b.add(new Op.Gather(0), x, p)));
        both(g, ShapesTest.random(6, 5, 3), Tensor.of(new long[] {4, 0, 2, 2}, 4));
        CommandList list = GraphCompiler.compile(g, Targets.AVX2);
        for (long wrong : new long[] {5, -1, Long.MAX_VALUE, Long.MIN_VALUE}) {
            Tensor at = Tensor.of(new long[] {0, 1, wrong, 2}, 4);
            assertThrows(
                    SlowDevice.PositionOutside.class,
                    () -> SlowDevice.run(list, List.of(ShapesTest.random(6, 5, 3), at)));
        }
    }

    @Test
    void temporariesThatDoNotMeetShareMemory() {
        GraphBuilder b = builder();
        Value x = b.input("x", TensorType.of(DType.F32, 8, 8));
        Value v = x;
        for (int i = 0; i < 10; i++) v = b.matmul(v, x, DType.F32);
        Graph g = b.build(List.of(v));
        CommandList list = GraphCompiler.compile(g, Targets.AVX2);
        assertTrue(list.arenaBytes() <= 2 * 8 * 8 * 4, list.arenaBytes() + " bytes");
        both(g, ShapesTest.random(7, 8, 8));
    }

    @Test
    void longSumsAreAccurate() {
        GraphBuilder b = builder();
        Value x = b.input("x", TensorType.of(DType.F32, 20_000, 2));
        Graph g = b.build(List.of(b.add(new Op.Reduce(ReduceKind.SUM, List.of(0)), x)));
        float[] v = new float[40_000];
        Arrays.fill(v, 0.1f);
        Tensor sum = both(g, Tensor.of(v, 20_000, 2)).getFirst();
        assertEquals(0.1f * 20_000.0, sum.getDouble(0), 0.02);
    }

    @Test
    void bitcastsAndMovesKeepEveryBit() {
        Random random = new Random(1);
        for (DType from : DType.values()) {
            for (DType to : DType.values()) {
                if (from.bits() != to.bits() || from == DType.BOOL) continue;
                GraphBuilder b = builder();
                Value x = b.input("x", TensorType.of(from, 5, 7));
                Value y = b.transpose(b.add(new Op.Bitcast(to), b.transpose(x, 1, 0)), 1, 0);
                Graph g = b.build(List.of(y));
                Tensor in = bytes(random, x.type());
                Tensor out = SlowDevice.run(GraphCompiler.compile(g, Targets.AVX2), List.of(in))
                        .getFirst();
                Tensor expected = Interpreter.run(g, List.of(in)).getFirst();
                assertEquals(-1, expected.data().mismatch(out.data()), from + " to " + to);
            }
        }
    }

    /** Random bytes that are elements of a type. */
    private static Tensor bytes(Random random, TensorType type) {
        Tensor t = Tensor.allocate(type);
        int bits = Math.min(8, type.dtype().bits());
        int low = type.dtype().isSigned() ? -(1 << bits - 1) : 0;
        for (long i = 0; i < t.data().byteSize(); i++)
            t.data().set(ValueLayout.JAVA_BYTE, i, (byte) (low + random.nextInt(1 << bits)));
        return t;
    }
}
