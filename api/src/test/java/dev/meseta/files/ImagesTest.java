package dev.meseta.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.files.Images.Channels;
import dev.meseta.files.Images.Layout;
import dev.meseta.files.Images.Preparation;
import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ImagesTest {
    @TempDir
    Path folder;

    private Path png(BufferedImage image) throws IOException {
        Path file = folder.resolve("p.png");
        assertTrue(ImageIO.write(image, "png", file.toFile()));
        return file;
    }

    /** Two rows of two pixels: red, green; blue, (10, 20, 30). */
    private static BufferedImage fourPixels() {
        BufferedImage image = new BufferedImage(2, 2, BufferedImage.TYPE_INT_RGB);
        image.setRGB(0, 0, 0xff0000);
        image.setRGB(1, 0, 0x00ff00);
        image.setRGB(0, 1, 0x0000ff);
        image.setRGB(1, 1, 0x0a141e);
        return image;
    }

    private static Preparation plain(DType dtype, Layout layout, Channels channels) {
        return new Preparation(dtype, layout, channels, 0, 0, List.of(0.0), List.of(1.0));
    }

    @Test
    void layoutsAndChannels() throws IOException {
        Path file = png(fourPixels());
        Tensor nchw = Images.read(file, plain(DType.U8, Layout.NCHW, Channels.RGB));
        assertEquals("u8[1,3,2,2]", nchw.describe());
        assertArrayEquals(new long[] {255, 0, 0, 10, 0, 255, 0, 20, 0, 0, 255, 30}, nchw.toLongs());
        Tensor hwc = Images.read(file, plain(DType.F32, Layout.HWC, Channels.BGR));
        assertEquals("f32[2,2,3]", hwc.describe());
        assertArrayEquals(new long[] {0, 0, 255, 0, 255, 0, 255, 0, 0, 30, 20, 10}, hwc.toLongs());
        Tensor gray = Images.read(file, plain(DType.F32, Layout.NHWC, Channels.GRAY));
        assertEquals("f32[1,2,2,1]", gray.describe());
        assertEquals(0.299 * 255, gray.getDouble(0), 1e-4);
    }

    @Test
    void meanAndScaleByChannelAndRangeOfIntegers() throws IOException {
        Path file = png(fourPixels());
        Tensor t = Images.read(
                file,
                new Preparation(
                        DType.F32,
                        Layout.CHW,
                        Channels.RGB,
                        0,
                        0,
                        List.of(127.0, 0.0, 1.0),
                        List.of(1 / 128.0, 1.0, 2.0)));
        assertArrayEquals(new float[] {1, -127 / 128f, -127 / 128f, -117 / 128f}, Arrays.copyOf(t.toFloats(), 4));
        assertEquals(58, t.getDouble(11));
        Tensor i8 = Images.read(
                file, new Preparation(DType.I8, Layout.CHW, Channels.RGB, 0, 0, List.of(0.0), List.of(1.0)));
        assertEquals(127, i8.getLong(0), "kept in range");
        assertThrows(
                InvalidInputException.class,
                () -> new Preparation(DType.F32, Layout.CHW, Channels.RGB, 0, 0, List.of(1.0, 2.0), List.of(1.0)));
    }

    @Test
    void greyLevelsAreTakenAsTheyAre() throws IOException {
        BufferedImage grey = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_GRAY);
        grey.getRaster().setSample(0, 0, 0, 128);
        grey.getRaster().setSample(1, 0, 0, 7);
        assertArrayEquals(
                new long[] {128, 7},
                Images.read(png(grey), plain(DType.U8, Layout.CHW, Channels.GRAY))
                        .toLongs());
        BufferedImage deep = new BufferedImage(1, 1, BufferedImage.TYPE_USHORT_GRAY);
        deep.getRaster().setSample(0, 0, 0, 0x8080);
        assertArrayEquals(
                new long[] {128, 128, 128},
                Images.read(png(deep), plain(DType.U8, Layout.CHW, Channels.RGB))
                        .toLongs());
    }

    @Test
    void shrinkingAveragesAndGrowingInterpolates() throws IOException {
        BufferedImage stripes = new BufferedImage(64, 4, BufferedImage.TYPE_BYTE_GRAY);
        for (int x = 0; x < 64; x++)
            for (int y = 0; y < 4; y++) stripes.getRaster().setSample(x, y, 0, x % 2 * 200);
        Path file = png(stripes);
        Tensor small = Images.read(
                file, new Preparation(DType.F32, Layout.CHW, Channels.GRAY, 8, 2, List.of(0.0), List.of(1.0)));
        for (int i = 0; i < small.elements(); i++) assertEquals(100, small.getDouble(i), 8);
        BufferedImage two = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_GRAY);
        two.getRaster().setSample(1, 0, 0, 100);
        Tensor grown = Images.read(
                png(two), new Preparation(DType.F32, Layout.CHW, Channels.GRAY, 4, 1, List.of(0.0), List.of(1.0)));
        assertArrayEquals(new float[] {0, 25, 75, 100}, grown.toFloats(), 1e-3f);
    }

    @Test
    void whatIsNoPictureIsRefused() throws IOException {
        Path file = folder.resolve("x.png");
        Preparation how = plain(DType.F32, Layout.NCHW, Channels.RGB);
        assertThrows(InvalidInputException.class, () -> Images.read(file, how));
        Files.writeString(file, "hello");
        assertTrue(assertThrows(InvalidInputException.class, () -> Images.read(file, how))
                .getMessage()
                .contains("not a picture"));
        byte[] good = Files.readAllBytes(png(fourPixels()));
        for (int n = 8; n < good.length / 2; n += 5) {
            Files.write(file, Arrays.copyOf(good, n));
            assertThrows(InvalidInputException.class, () -> Images.read(file, how));
        }
        // A header that claims a gigantic picture.
        byte[] huge = good.clone();
        for (int i = 16; i < 24; i++) huge[i] = (byte) (i % 4 == 0 ? 0x7f : 0xff);
        Files.write(file, huge);
        assertThrows(InvalidInputException.class, () -> Images.read(file, how));
    }

    @Test
    void rawFilesMustHaveTheirTypesSize() throws IOException {
        Path file = folder.resolve("x.raw");
        Files.write(file, "abcdefgh".getBytes(StandardCharsets.ISO_8859_1));
        assertEquals(0x64636261, Raw.read(file, TensorType.of(DType.I32, 2)).getLong(0));
        assertTrue(assertThrows(InvalidInputException.class, () -> Raw.read(file, TensorType.of(DType.I32, 3)))
                .getMessage()
                .contains("12 bytes"));
    }
}
