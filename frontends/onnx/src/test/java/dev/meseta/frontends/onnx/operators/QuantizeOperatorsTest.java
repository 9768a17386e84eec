package dev.meseta.frontends.onnx.operators;

import static dev.meseta.frontends.onnx.operators.OneNode.floats;
import static dev.meseta.frontends.onnx.operators.OneNode.shape;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class QuantizeOperatorsTest {
    private static Tensor random(Random r, DType t, long... extents) {
        Tensor x = Tensor.allocate(t, Shape.of(extents));
        for (int i = 0; i < x.elements(); i++) x.setLong(i, r.nextInt());
        return x;
    }

    @Test
    void integerProductsSubtractZeroPointsOfRowsAndColumns() {
        Random r = new Random(1);
        Tensor a = random(r, DType.U8, 2, 3, 4);
        Tensor b = random(r, DType.I8, 2, 4, 5);
        Tensor az = random(r, DType.U8, 2, 3, 1);
        Tensor bz = random(r, DType.I8, 2, 1, 5);
        Tensor y = OneNode.of("MatMulInteger", 10).run(a, b, az, bz);
        assertEquals(DType.I32, y.dtype());
        for (int n = 0; n < 2; n++) {
            for (int i = 0; i < 3; i++) {
                for (int j = 0; j < 5; j++) {
                    long sum = 0;
                    for (int k = 0; k < 4; k++) {
                        sum += (a.getLong((n * 3 + i) * 4 + k) - az.getLong(n * 3 + i))
                                * (b.getLong((n * 4 + k) * 5 + j) - bz.getLong(n * 5 + j));
                    }
                    assertEquals(sum, y.getLong((n * 3 + i) * 5 + j));
                }
            }
        }
    }

    @Test
    void integerProductsTakeVectors() {
        Tensor a = random(new Random(2), DType.U8, 3);
        Tensor b = random(new Random(3), DType.U8, 3);
        Tensor zero = Tensor.scalar(DType.U8, 100L);
        long sum = 0;
        for (int i = 0; i < 3; i++) sum += (a.getLong(i) - 100) * b.getLong(i);
        Tensor y = OneNode.of("MatMulInteger", 10).run(a, b, zero);
        assertEquals(0, y.shape().rank());
        assertEquals(sum, y.getLong(0));
    }

    @Test
    void blocksHaveAScaleEach() {
        Tensor x = floats(shape(1, 5), 1, 2, 3, 4, 5);
        Tensor scale = floats(shape(1, 3), 1, 2, 0.5);
        OneNode quantize = OneNode.of("QuantizeLinear", 21)
                .with("axis", 1L)
                .with("block_size", 2L)
                .with("output_dtype", 22L);
        Tensor y = quantize.run(x, scale);
        assertEquals(DType.I4, y.dtype());
        assertArrayEquals(new long[] {1, 2, 2, 2, 7}, y.toLongs());
        OneNode dequantize = OneNode.of("DequantizeLinear", 21).with("axis", 1L).with("block_size", 2L);
        assertArrayEquals(
                new float[] {1, 2, 4, 4, 3.5f}, dequantize.run(y, scale).toFloats());
        assertThrows(InvalidInputException.class, () -> dequantize.run(y, floats(shape(1, 2), 1, 2)));
    }

    @Test
    void rangesOfZerosQuantizeToZero() {
        List<Tensor> y = OneNode.of("DynamicQuantizeLinear", 11).outputs(3).runAll(floats(0, 0));
        assertArrayEquals(new long[] {0, 0}, y.get(0).toLongs());
        assertEquals(0, y.get(1).getDouble(0));
        List<Tensor> z = OneNode.of("DynamicQuantizeLinear", 11).outputs(3).runAll(floats(-1, 2));
        assertArrayEquals(new long[] {85}, z.get(2).toLongs());
        assertArrayEquals(new long[] {0, 255}, z.get(0).toLongs());
    }

    @Test
    void gemmTransposesAndScales() {
        Tensor a = floats(shape(2, 3), 1, 2, 3, 4, 5, 6);
        Tensor b = floats(shape(1, 2), 1, -1);
        Tensor y = OneNode.of("Gemm", 13)
                .with("transA", 1L)
                .with("transB", 1L)
                .with("alpha", 2f)
                .with("beta", 0.5f)
                .run(a, b, floats(10));
        assertEquals(Shape.of(3, 1), y.shape());
        assertArrayEquals(new float[] {-1, -1, -1}, y.toFloats());
    }
}
