package dev.meseta.frontends.onnx.operators;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Lowering;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.jspecify.annotations.Nullable;

/** ImageDecoder: the bytes of a picture's file to pixels [height, width, channels]. What cannot be decoded is [0, 0, 0], as ONNX says. */
final class ImageOperators {
    /** Most pixels of a picture; a file of a few bytes can claim any number. */
    private static final long MOST_PIXELS = 1L << 27;

    private ImageOperators() {}

    static void register(Registry r) {
        r.host("ImageDecoder", 20, node -> {
            String format = node.attributes().string("pixel_format", "RGB");
            if (!List.of("RGB", "BGR", "Grayscale").contains(format)) {
                throw node.error("unknown pixel_format '" + format + "'");
            }
            Lowering.Host host = data -> List.of(decode(new Operands(node, data), format));
            return host;
        });
    }

    private static Tensor decode(Operands o, String format) {
        byte[] file = o.tensor(0).data().toArray(JAVA_BYTE);
        int channels = format.equals("Grayscale") ? 1 : 3;
        BufferedImage image;
        try {
            image = Netpbm.isNetpbm(file) ? Netpbm.read(file, MOST_PIXELS) : read(o, file);
        } catch (IOException | RuntimeException e) {
            // The decoders of the JDK throw all kinds of exceptions for broken files.
            if (e instanceof dev.meseta.graph.InvalidInputException ours) throw ours;
            image = null;
        }
        if (image == null) return Tensor.allocate(DType.U8, Shape.of(0, 0, channels));
        int width = image.getWidth();
        int height = image.getHeight();
        boolean gray = image.getRaster().getNumBands() == 1 && image.getType() == BufferedImage.TYPE_BYTE_GRAY;
        Tensor t = Tensor.allocate(DType.U8, Shape.of(height, width, channels));
        long at = 0;
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                // A gray raster is read as it is: getRGB would apply the colour space's curve.
                int rgb = gray ? image.getRaster().getSample(x, y, 0) * 0x010101 : image.getRGB(x, y);
                at = put(t, at, rgb, format);
            }
        }
        return t;
    }

    private static long put(Tensor t, long at, int rgb, String format) {
        int red = rgb >> 16 & 255;
        int green = rgb >> 8 & 255;
        int blue = rgb & 255;
        if (format.equals("Grayscale")) {
            // The luma of BT.601 in 16-bit fixed point.
            int luma = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
            t.setLong(at, luma);
            return at + 1;
        }
        boolean rgbOrder = format.equals("RGB");
        t.setLong(at, rgbOrder ? red : blue);
        t.setLong(at + 1, green);
        t.setLong(at + 2, rgbOrder ? blue : red);
        return at + 3;
    }

    /** Formats that the JDK knows: BMP, GIF, JPEG, PNG, TIFF. Null if it is none of them. */
    private static @Nullable BufferedImage read(Operands o, byte[] file) throws IOException {
        if (isForeign(file)) throw o.error("WebP and JPEG 2000 pictures are not supported; convert them to PNG");
        try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(file))) {
            Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
            if (!readers.hasNext()) return null;
            ImageReader reader = readers.next();
            try {
                reader.setInput(in);
                if ((long) reader.getWidth(0) * reader.getHeight(0) > MOST_PIXELS) {
                    throw o.error("the picture says that it has " + reader.getWidth(0) + " x " + reader.getHeight(0)
                            + " pixels, which is too much");
                }
                return reader.read(0);
            } finally {
                reader.dispose();
            }
        }
    }

    private static boolean isForeign(byte[] f) {
        boolean webp = f.length > 12 && f[0] == 'R' && f[1] == 'I' && f[8] == 'W' && f[9] == 'E' && f[10] == 'B';
        boolean jpeg2000 = f.length > 8 && f[0] == 0 && f[3] == 12 && f[4] == 'j' && f[5] == 'P'
                || f.length > 4 && (f[0] & 255) == 0xff && f[1] == 0x4f && (f[2] & 255) == 0xff && f[3] == 0x51;
        return webp || jpeg2000;
    }
}
