package dev.meseta.graph;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.meseta.graph.interpreter.Interpreter;
import java.util.List;
import org.junit.jupiter.api.Test;

class GraphBuilderTest {
    private final GraphBuilder b = new GraphBuilder("test", Interpreter::evaluate);

    private Value dims() {
        return b.dims(List.of(Dim.symbolic("batch", 2), Dim.symbolic("seq", 7), Dim.of(12)));
    }

    @Test
    void computedShapesKeepTheirSymbols() {
        Value batch = b.reshape(b.slice(dims(), 0, 0, 1), Shape.of(1));
        Value seq = b.add(new Op.Gather(0), dims(), b.longs(1));
        Value twice = b.plus(b.times(seq, b.scalar(DType.I64, 2L)), b.scalar(DType.I64, 0L));
        List<Dim> joined = b.dimsOf(b.concat(0, batch, twice, b.longs(-1), b.slice(dims(), 0, 2, 1)));
        assertEquals("[batch=2, (seq*2)=14, ?, 12]", joined.toString());
    }

    @Test
    void symbolsSurviveFloatsAndChoices() {
        Value scaled = b.cast(b.times(b.cast(dims(), DType.F32), b.scalar(DType.F32, 2.0)), DType.I64);
        assertEquals("(seq*2.0)=14", b.dimsOf(scaled).get(1).toString());
        Value open = b.map(MapFunction.EQ, dims(), b.scalar(DType.I64, -1L));
        assertEquals(
                "seq=7",
                b.dimsOf(b.select(open, b.longs(1, 1, 1), dims())).get(1).toString());
        Value all = b.reduce(ReduceKind.PROD, dims(), List.of(0), false);
        assertEquals("((batch*seq)*12)=168", b.dimsOf(all).getFirst().toString());
    }

    @Test
    void matricesSharedByABatchAreNotRepeated() {
        Value left = b.input("left", TensorType.of(DType.F32, 2, 3, 4, 5));
        for (long[] right : new long[][] {{5, 6}, {1, 5, 6}, {2, 1, 5, 6}, {3, 5, 6}, {2, 3, 5, 6}, {7, 1, 1, 5, 6}}) {
            Value r = b.input("right", TensorType.of(DType.F32, right));
            Value y = b.matmul(left, r, DType.F32);
            long[] expected = right.length == 5 ? new long[] {7, 2, 3, 4, 6} : new long[] {2, 3, 4, 6};
            assertArrayEquals(expected, y.shape().extents());
            boolean shared = right.length < 3 || right[right.length - 3] == 1;
            for (Value v : b.producer(y).operands()) {
                Node n = b.producer(v);
                boolean copied = n != null && n.op() instanceof Op.Broadcast && n.operand(0) == r;
                if (shared) assertFalse(copied, () -> v + " is a copy");
            }
        }
    }

    @Test
    void batchesBroadcastOnEitherSide() {
        Tensor left = Tensor.of(new float[] {1, 2}, 1, 2, 1, 1);
        Tensor right = Tensor.of(new float[] {10, 20, 30}, 3, 1, 1, 1);
        Value y = b.matmul(b.constant(left), b.constant(right), DType.F32);
        Tensor t = b.known(y);
        assertArrayEquals(new long[] {3, 2, 1, 1}, t.shape().extents());
        assertArrayEquals(new float[] {10, 20, 20, 40, 30, 60}, t.toFloats());
    }
}
