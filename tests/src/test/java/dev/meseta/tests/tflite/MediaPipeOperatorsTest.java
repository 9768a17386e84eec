package dev.meseta.tests.tflite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.frontends.tflite.TfliteReader;
import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** MediaPipe's custom operators, which TFLite does not know, against loops. */
final class MediaPipeOperatorsTest {
    private static final int SAME = 1;
    private static final int VALID = 2;

    private final Draws draws = new Draws(new Random(3));

    private static byte[] options(int... numbers) {
        ByteBuffer b = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int n : numbers) b.putInt(n);
        return b.array();
    }

    private static void check(String where, OneOperator model, List<Tensor> expected) {
        for (String device : List.of("reference", "cpu")) {
            List<Tensor> found = TfliteOperatorsTest.ours(
                    TfliteReader.read(MemorySegment.ofArray(model.bytes())), device, model.values);
            for (int i = 0; i < expected.size(); i++) {
                TfliteOperatorsTest.compare(
                        where + " on " + device, expected.get(i), found.get(i), 0, TfliteOperatorsTest.TOLERANCE);
            }
        }
    }

    private static long at(Tensor t, long... position) {
        long at = 0;
        for (int i = 0; i < position.length; i++) at = at * t.shape().extents()[i] + position[i];
        return at;
    }

    @Test
    void transposedConvolution() {
        for (int i = 0; i < 20; i++) {
            int padding = draws.one(SAME, VALID);
            int stride = draws.between(1, 3);
            int h = draws.between(1, 6);
            int w = draws.between(1, 6);
            int kernel = draws.between(1, 4);
            Tensor x = draws.tensor(DType.F32, 2, h, w, 3);
            Tensor k = draws.tensor(DType.F32, 5, kernel, kernel, 3);
            Tensor bias = draws.tensor(DType.F32, 5);
            int cutHeight = padding == SAME ? Math.max(0, kernel - (h - 1) % stride - 1) : 0;
            int cutWidth = padding == SAME ? Math.max(0, kernel - (w - 1) % stride - 1) : 0;
            Tensor y = Tensor.allocate(
                    DType.F32,
                    Shape.of(2, stride * (h - 1) + kernel - cutHeight, stride * (w - 1) + kernel - cutWidth, 5));
            for (long e = 0; e < y.elements(); e++) y.setDouble(e, bias.getDouble(e % 5));
            for (int place = 0; place < 2 * h * w; place++) {
                int row = place / w % h;
                int column = place % w;
                for (int in = 0; in < 3; in++) {
                    for (int out = 0; out < 5; out++) {
                        for (int p = 0; p < kernel * kernel; p++) {
                            long toRow = row * stride - cutHeight / 2 + p / kernel;
                            long toColumn = column * stride - cutWidth / 2 + p % kernel;
                            if (toRow < 0 || toColumn < 0) continue;
                            if (toRow >= y.shape().extents()[1]
                                    || toColumn >= y.shape().extents()[2]) continue;
                            long to = at(y, place / (h * w), toRow, toColumn, out);
                            double product =
                                    x.getDouble(place * 3L + in) * k.getDouble(at(k, out, p / kernel, p % kernel, in));
                            y.setDouble(to, y.getDouble(to) + product);
                        }
                    }
                }
            }
            OneOperator m = OneOperator.custom("Convolution2DTransposeBias", options(padding, stride, stride, 0, 0))
                    .input(x)
                    .constant(k)
                    .constant(bias)
                    .output(DType.F32, null, y.shape().extents());
            check("case " + i, m, List.of(y));
        }
    }

    @Test
    void poolingAndBack() {
        Tensor x = draws.tensor(DType.F32, 1, 4, 6, 3);
        Tensor most = Tensor.allocate(DType.F32, Shape.of(1, 2, 3, 3));
        Tensor places = Tensor.allocate(DType.F32, Shape.of(1, 2, 3, 3));
        Tensor back = Tensor.allocate(DType.F32, Shape.of(1, 4, 6, 3));
        for (int y = 0; y < 2; y++) {
            for (int z = 0; z < 9; z++) {
                int best = 0;
                for (int p = 1; p < 4; p++) if (window(x, y, z, p) > window(x, y, z, best)) best = p;
                long to = at(most, 0, y, z / 3, z % 3);
                most.setDouble(to, window(x, y, z, best));
                places.setDouble(to, best + 0.1f);
                back.setDouble(at(back, 0, y * 2 + best / 2, z / 3 * 2 + best % 2, z % 3), window(x, y, z, best));
            }
        }
        OneOperator pool = OneOperator.custom("MaxPoolingWithArgmax2D", options(SAME, 2, 2, 2, 2, 0))
                .input(x)
                .output(DType.F32, null, most.shape().extents())
                .output(DType.F32, null, places.shape().extents());
        check("pooling", pool, List.of(most, places));
        OneOperator unpool = OneOperator.custom("MaxUnpooling2D", options(SAME, 2, 2, 2, 2, 0))
                .input(most)
                .input(places)
                .output(DType.F32, null, back.shape().extents());
        check("back", unpool, List.of(back));
    }

    /** Element p of the window of row y, and column and channel z. */
    private static double window(Tensor x, int y, int z, int p) {
        return x.getDouble(at(x, 0, y * 2 + p / 2, z / 3 * 2 + p % 2, z % 3));
    }

    @Test
    void optionsThatAreTooShortAreTold() {
        OneOperator m = OneOperator.custom("MaxUnpooling2D", options(SAME, 2))
                .input(draws.tensor(DType.F32, 1, 2, 2, 1))
                .input(draws.tensor(DType.F32, 1, 2, 2, 1))
                .output(DType.F32, null, 1, 4, 4, 1);
        InvalidInputException e =
                assertThrows(InvalidInputException.class, () -> TfliteReader.read(MemorySegment.ofArray(m.bytes())));
        assertTrue(e.getMessage().contains("options have 8 bytes"), e.getMessage());
        assertEquals(1, e.getMessage().lines().count());
    }
}
