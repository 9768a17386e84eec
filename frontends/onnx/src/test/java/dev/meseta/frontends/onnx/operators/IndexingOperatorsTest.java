package dev.meseta.frontends.onnx.operators;

import static dev.meseta.frontends.onnx.operators.OneNode.floats;
import static dev.meseta.frontends.onnx.operators.OneNode.longs;
import static dev.meseta.frontends.onnx.operators.OneNode.shape;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

class IndexingOperatorsTest {
    @Test
    void negativePositionsCountFromTheEndAndOthersOutsideAreErrors() {
        Tensor x = floats(shape(2, 3), 1, 2, 3, 4, 5, 6);
        OneNode gather = OneNode.of("Gather", 13).with("axis", 1L);
        assertArrayEquals(new float[] {3, 1, 6, 4}, gather.run(x, longs(-1, 0)).toFloats());
        assertEquals(Shape.of(2), gather.run(x, Tensor.scalar(DType.I64, 2L)).shape());
        assertThrows(InvalidInputException.class, () -> gather.run(x, longs(-4)));
        assertThrows(InvalidInputException.class, () -> gather.run(x, longs(3)));
        Tensor at = Tensor.of(new long[] {-1, -1, 0, 1}, 2, 2);
        assertArrayEquals(
                new float[] {6, 2}, OneNode.of("GatherND", 13).run(x, at).toFloats());
    }

    @Test
    void scattersCombineInOrder() {
        Tensor x = floats(1, 2, 3);
        Tensor at = longs(0, -1, 0);
        Tensor u = floats(5, 7, 4);
        assertArrayEquals(
                new float[] {4, 2, 7},
                OneNode.of("ScatterElements", 11).run(x, at, u).toFloats());
        assertArrayEquals(
                new float[] {10, 2, 10},
                OneNode.of("ScatterElements", 16)
                        .with("reduction", "add")
                        .run(x, at, u)
                        .toFloats());
        Tensor flags = Tensor.allocate(DType.BOOL, Shape.of(3));
        flags.setLong(1, 1);
        Tensor set = Tensor.allocate(DType.BOOL, Shape.of(2));
        set.setLong(0, 1);
        Tensor y = OneNode.of("ScatterND", 18)
                .with("reduction", "max")
                .run(flags, Tensor.of(new long[] {0, 1}, 2, 1), set);
        assertArrayEquals(new long[] {1, 1, 0}, y.toLongs());
    }

    @Test
    void cachesWrapAround() {
        Tensor cache = Tensor.allocate(DType.F32, Shape.of(2, 3, 1));
        Tensor update = floats(shape(2, 2, 1), 1, 2, 3, 4);
        OneNode scatter = OneNode.of("TensorScatter", 24).with("mode", "circular");
        assertArrayEquals(
                new float[] {2, 0, 1, 3, 4, 0},
                scatter.run(cache, update, longs(2, 0)).toFloats());
        OneNode linear = OneNode.of("TensorScatter", 24);
        assertThrows(InvalidInputException.class, () -> linear.run(cache, update, longs(2, 0)));
    }

    @Test
    void oneHotCountsFromTheEndSinceOpset11() {
        Tensor depth = Tensor.scalar(DType.I64, 3L);
        Tensor values = floats(0, 1);
        Tensor at = longs(-1, 3, 1);
        assertArrayEquals(
                new float[] {0, 0, 0, 0, 0, 0, 0, 1, 0},
                OneNode.of("OneHot", 9).run(at, depth, values).toFloats());
        assertArrayEquals(
                new float[] {0, 0, 1, 0, 0, 0, 0, 1, 0},
                OneNode.of("OneHot", 11).run(at, depth, values).toFloats());
    }

    @Test
    void topKPrefersLowerPositions() {
        List<Tensor> y = OneNode.of("TopK", 11).with("largest", 0L).outputs(2).runAll(floats(2, 1, 1, 3), longs(2));
        assertArrayEquals(new float[] {1, 1}, y.get(0).toFloats());
        assertArrayEquals(new long[] {1, 2}, y.get(1).toLongs());
        assertThrows(
                InvalidInputException.class,
                () -> OneNode.of("TopK", 11).outputs(2).runAll(floats(1), longs(2)));
    }

    @Test
    void randomNumbersRepeatAndFollowTheirDistribution() {
        OneNode normal =
                OneNode.of("RandomNormal", 1).with("shape", new long[] {20_000}).with("seed", 3f);
        Tensor a = normal.with("mean", 2f).with("scale", 3f).run();
        double mean = 0;
        double square = 0;
        for (double v : a.toDoubles()) {
            mean += v / a.elements();
            square += v * v / a.elements();
        }
        assertEquals(2, mean, 0.1);
        assertEquals(9, square - mean * mean, 0.3);
        OneNode draw = OneNode.of("Multinomial", 7).with("sample_size", 10_000L);
        long[] counts = new long[2];
        for (long v : draw.run(floats(shape(1, 2), Math.log(1), Math.log(3))).toLongs()) counts[(int) v]++;
        assertEquals(7500, counts[1], 300);
    }

    @Test
    void dropoutKeepsTheExpectation() {
        Tensor ones = Tensor.allocate(DType.F32, Shape.of(10_000));
        for (int i = 0; i < ones.elements(); i++) ones.setDouble(i, 1);
        Tensor ratio = Tensor.scalar(DType.F32, 0.25);
        OneNode dropout = OneNode.of("Dropout", 13).with("seed", 7L).outputs(2);
        List<Tensor> y = dropout.runAll(ones, ratio, Tensor.scalar(DType.BOOL, 1L));
        double sum = 0;
        for (int i = 0; i < ones.elements(); i++) {
            assertEquals(
                    y.get(1).getLong(i) != 0 ? 4 / 3f : 0f, (float) y.get(0).getDouble(i));
            sum += y.get(0).getDouble(i);
        }
        assertEquals(10_000, sum, 300);
        List<Tensor> inference = dropout.runAll(ones, ratio, Tensor.scalar(DType.BOOL, 0L));
        assertEquals(-1, inference.getFirst().data().mismatch(ones.data()));
    }
}
