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
import java.util.List;
import org.junit.jupiter.api.Test;

class MovementOperatorsTest {
    private static final Tensor FIVE = floats(0, 1, 2, 3, 4);

    private static float[] slice(long start, long end, long step) {
        return OneNode.of("Slice", 13)
                .run(FIVE, longs(start), longs(end), longs(-1), longs(step))
                .toFloats();
    }

    @Test
    void slicesClampLikePython() {
        assertArrayEquals(new float[] {1, 2, 3}, slice(1, -1, 1));
        assertArrayEquals(new float[] {3, 4}, slice(-2, Long.MAX_VALUE, 1));
        assertArrayEquals(new float[] {4, 3, 2, 1, 0}, slice(Long.MAX_VALUE, Long.MIN_VALUE, -1));
        assertArrayEquals(new float[] {4, 2, 0}, slice(100, -100, -2));
        assertArrayEquals(new float[] {0}, slice(0, Integer.MAX_VALUE, Long.MAX_VALUE));
        assertArrayEquals(new float[] {4}, slice(-1, Long.MIN_VALUE, Long.MIN_VALUE));
        assertArrayEquals(new float[] {}, slice(3, 3, 1));
        assertArrayEquals(new float[] {}, slice(1, 3, -1));
        assertThrows(InvalidInputException.class, () -> slice(0, 1, 0));
    }

    private static float[] pad(String mode, long low, long high) {
        return OneNode.of("Pad", 19)
                .with("mode", mode)
                .run(floats(1, 2, 3), longs(low, high))
                .toFloats();
    }

    @Test
    void padsRepeatMirrorWrapAndCrop() {
        assertArrayEquals(new float[] {0, 1, 2, 3, 0, 0}, pad("constant", 1, 2));
        assertArrayEquals(new float[] {1, 1, 2, 3, 3, 3}, pad("edge", 1, 2));
        assertArrayEquals(new float[] {3, 2, 1, 2, 3, 2}, pad("reflect", 2, 1));
        assertArrayEquals(new float[] {1, 2, 3, 2, 1, 2, 3}, pad("reflect", 4, 0));
        assertArrayEquals(new float[] {2, 3, 1, 2, 3, 1}, pad("wrap", 2, 1));
        assertArrayEquals(new float[] {2, 3, 3}, pad("edge", -1, 1));
        assertArrayEquals(new float[] {2}, pad("constant", -1, -1));
    }

    @Test
    void unequalPartsLeaveTheLastOneSmaller() {
        List<Tensor> parts =
                OneNode.of("Split", 18).with("num_outputs", 3L).outputs(3).runAll(floats(1, 2, 3, 4, 5, 6, 7));
        assertArrayEquals(new float[] {1, 2, 3}, parts.get(0).toFloats());
        assertArrayEquals(new float[] {7}, parts.get(2).toFloats());
        assertThrows(
                InvalidInputException.class,
                () -> OneNode.of("Split", 13).outputs(2).runAll(floats(1, 2, 3)));
    }

    @Test
    void reshapeCopiesInfersAndRefuses() {
        Tensor x = floats(shape(2, 3), 1, 2, 3, 4, 5, 6);
        assertEquals(
                Shape.of(2, 1, 3),
                OneNode.of("Reshape", 13).run(x, longs(0, -1, 3)).shape());
        assertEquals(
                Shape.of(6),
                OneNode.of("Reshape", 1).with("shape", new long[] {-1}).run(x).shape());
        Tensor none = Tensor.allocate(DType.F32, Shape.of(0, 3));
        assertEquals(
                Shape.of(3, 0),
                OneNode.of("Reshape", 14)
                        .with("allowzero", 1L)
                        .run(none, longs(3, 0))
                        .shape());
        InvalidInputException e = assertThrows(
                InvalidInputException.class, () -> OneNode.of("Reshape", 13).run(x, longs(4, -1)));
        assertTrue(e.getMessage().contains("do not fill"), e.getMessage());
    }

    @Test
    void tilesRepeatEveryAxis() {
        Tensor y = OneNode.of("Tile", 13).run(floats(shape(1, 2), 1, 2), longs(2, 2));
        assertEquals(Shape.of(2, 4), y.shape());
        assertArrayEquals(new float[] {1, 2, 1, 2, 1, 2, 1, 2}, y.toFloats());
        assertEquals(
                Shape.of(0, 2),
                OneNode.of("Tile", 6)
                        .run(floats(shape(1, 2), 1, 2), longs(0, 1))
                        .shape());
    }

    @Test
    void sequencesReverseUpToTheirLengths() {
        Tensor x = floats(shape(3, 2), 1, 2, 3, 4, 5, 6);
        Tensor y = OneNode.of("ReverseSequence", 10).run(x, longs(3, 2));
        assertArrayEquals(new float[] {5, 4, 3, 2, 1, 6}, y.toFloats());
    }

    @Test
    void cropsAndPadsFromTheCentre() {
        Tensor y = OneNode.of("CenterCropPad", 18).run(FIVE, longs(2));
        assertArrayEquals(new float[] {1, 2}, y.toFloats());
        Tensor z = OneNode.of("CenterCropPad", 18).run(FIVE, longs(8));
        assertArrayEquals(new float[] {0, 0, 1, 2, 3, 4, 0, 0}, new float[] {
            z.toFloats()[0],
            z.toFloats()[1],
            z.toFloats()[2],
            z.toFloats()[3],
            z.toFloats()[4],
            z.toFloats()[5],
            z.toFloats()[6],
            z.toFloats()[7]
        });
    }

    @Test
    void rangesEndBeforeTheLimit() {
        assertArrayEquals(
                new long[] {10, 7},
                OneNode.of("Range", 11).run(scalar(10), scalar(4), scalar(-3)).toLongs());
        assertEquals(
                0, OneNode.of("Range", 11).run(scalar(3), scalar(3), scalar(1)).elements());
        assertThrows(
                InvalidInputException.class,
                () -> OneNode.of("Range", 11).run(scalar(Long.MIN_VALUE), scalar(Long.MAX_VALUE), scalar(1)));
        assertThrows(InvalidInputException.class, () -> OneNode.of("Range", 11).run(scalar(1), scalar(2), scalar(0)));
    }

    private static Tensor scalar(long v) {
        return Tensor.scalar(DType.I64, v);
    }
}
