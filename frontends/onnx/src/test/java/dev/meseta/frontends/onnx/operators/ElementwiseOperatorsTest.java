package dev.meseta.frontends.onnx.operators;

import static dev.meseta.frontends.onnx.operators.OneNode.floats;
import static dev.meseta.frontends.onnx.operators.OneNode.longs;
import static dev.meseta.frontends.onnx.operators.OneNode.shape;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import org.junit.jupiter.api.Test;

class ElementwiseOperatorsTest {
    @Test
    void theFirstOpsetsBroadcastByAttribute() {
        Tensor a = floats(shape(2, 3, 1), 1, 2, 3, 4, 5, 6);
        Tensor b = floats(10, 20, 30);
        OneNode add = OneNode.of("Add", 6).with("broadcast", 1L).with("axis", 1L);
        assertArrayEquals(new float[] {11, 22, 33, 14, 25, 36}, add.run(a, b).toFloats());
        OneNode strict = OneNode.of("Add", 6);
        InvalidInputException e = assertThrows(InvalidInputException.class, () -> strict.run(a, b));
        assertTrue(e.getMessage().contains("'broadcast' is 0"), e.getMessage());
    }

    @Test
    void powersMixTypes() {
        Tensor squares = OneNode.of("Pow", 13).run(Tensor.of(new int[] {3, -2}), floats(2, 3));
        assertEquals(DType.I32, squares.dtype());
        assertArrayEquals(new long[] {9, -8}, squares.toLongs());
        Tensor roots = OneNode.of("Pow", 15).run(floats(4, 9), Tensor.of(new long[] {2, -1}));
        assertArrayEquals(new float[] {16, 1 / 9f}, roots.toFloats());
    }

    @Test
    void remaindersFollowTheDivisorOrTheDividend() {
        Tensor a = Tensor.of(new int[] {-4, 7, 5});
        Tensor b = Tensor.of(new int[] {3, -3, 8});
        assertArrayEquals(new long[] {2, -2, 5}, OneNode.of("Mod", 13).run(a, b).toLongs());
        assertArrayEquals(
                new long[] {-1, 1, 5},
                OneNode.of("Mod", 13).with("fmod", 1L).run(a, b).toLongs());
        assertThrows(InvalidInputException.class, () -> OneNode.of("Mod", 13).run(floats(1), floats(2)));
    }

    @Test
    void clipTakesTheUpperBoundWhereTheBoundsCross() {
        Tensor y = OneNode.of("Clip", 13)
                .run(floats(-1, 0, 1), Tensor.scalar(DType.F32, 2.0), Tensor.scalar(DType.F32, 1.0));
        assertArrayEquals(new float[] {1, 1, 1}, y.toFloats());
        Tensor onlyMax = OneNode.of("Clip", 12).run(Tensor.of(new int[] {1, 9}), null, Tensor.scalar(DType.I32, 4L));
        assertArrayEquals(new long[] {1, 4}, onlyMax.toLongs());
    }

    @Test
    void softmaxOfTheFirstOpsetsSeesAMatrix() {
        Tensor x = floats(shape(1, 2, 2), 0, 0, 0, 0);
        assertArrayEquals(
                new float[] {.25f, .25f, .25f, .25f},
                OneNode.of("Softmax", 11).run(x).toFloats());
        assertArrayEquals(
                new float[] {.5f, .5f, .5f, .5f},
                OneNode.of("Softmax", 13).run(x).toFloats());
        Tensor ties = floats(shape(1, 2, 2), 1, 3, 3, 0);
        assertArrayEquals(
                new float[] {0, 1, 0, 0}, OneNode.of("Hardmax", 11).run(ties).toFloats());
        assertArrayEquals(
                new float[] {0, 1, 1, 0}, OneNode.of("Hardmax", 13).run(ties).toFloats());
    }

    @Test
    void softmaxDoesNotOverflow() {
        Tensor y = OneNode.of("Softmax", 13).run(floats(1000, 1000));
        assertArrayEquals(new float[] {.5f, .5f}, y.toFloats());
        Tensor log = OneNode.of("ReduceLogSumExp", 18).run(floats(1000, 1000));
        assertEquals(1000 + Math.log(2), log.getDouble(0), 1e-3);
        Tensor softplus = OneNode.of("Softplus", 1).run(floats(1000, -1000));
        assertArrayEquals(new float[] {1000, 0}, softplus.toFloats());
    }

    @Test
    void reductionsOverNoAxesStillApplyTheirFunction() {
        OneNode l1 = OneNode.of("ReduceL1", 18).with("noop_with_empty_axes", 1L);
        assertArrayEquals(new float[] {1, 2}, l1.run(floats(-1, 2)).toFloats());
        OneNode all = OneNode.of("ReduceL1", 18).with("keepdims", 0L);
        assertArrayEquals(new float[] {3}, all.run(floats(-1, 2), longs()).toFloats());
    }

    @Test
    void reductionsOfNothingGiveTheIdentity() {
        Tensor none = Tensor.allocate(DType.F32, Shape.of(2, 0));
        Tensor axes = longs(1);
        assertArrayEquals(
                new float[] {Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY},
                OneNode.of("ReduceMax", 20).run(none, axes).toFloats());
        assertArrayEquals(
                new float[] {1, 1}, OneNode.of("ReduceProd", 18).run(none, axes).toFloats());
        assertArrayEquals(
                new float[] {Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY},
                OneNode.of("ReduceLogSumExp", 18).run(none, axes).toFloats());
        assertTrue(Float.isNaN(OneNode.of("ReduceMean", 18).run(none, axes).toFloats()[0]));
    }

    @Test
    void complexNumbersCanBeChosen() {
        Tensor x = Tensor.allocate(DType.C64, Shape.of(2));
        Tensor y = Tensor.allocate(DType.C64, Shape.of(2));
        for (int i = 0; i < 16; i++) y.data().set(java.lang.foreign.ValueLayout.JAVA_BYTE, i, (byte) i);
        Tensor condition = Tensor.allocate(DType.BOOL, Shape.of(2));
        condition.setLong(0, 1);
        Tensor z = OneNode.of("Where", 16).run(condition, x, y);
        assertEquals(0, z.data().get(java.lang.foreign.ValueLayout.JAVA_BYTE, 7));
        assertEquals(15, z.data().get(java.lang.foreign.ValueLayout.JAVA_BYTE, 15));
    }

    @Test
    void castsToScalesRoundAsAsked() {
        double[] values = {1, 1.25, 1.5, 3, 0x1p127 * 1.75};
        assertArrayEquals(new double[] {1, 2, 2, 4, 0x1p127}, toScale("up", true, values));
        assertArrayEquals(new double[] {1, 1, 1, 2, 0x1p127}, toScale("down", true, values));
        assertArrayEquals(new double[] {1, 1, 2, 4, 0x1p127}, toScale("nearest", true, values));
        assertArrayEquals(new double[] {1, 1, 2, 4, Double.NaN}, toScale("nearest", false, values));
        assertArrayEquals(new double[] {Double.NaN}, toScale("nearest", false, 0));
    }

    private static double[] toScale(String mode, boolean saturate, double... values) {
        return OneNode.of("Cast", 24)
                .with("to", 24L)
                .with("round_mode", mode)
                .with("saturate", saturate ? 1L : 0L)
                .run(floats(values))
                .toDoubles();
    }
}
