package dev.meseta.files;

import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/**
 * Pictures (PNG, JPEG, and what else {@link ImageIO} reads) as tensors. Samples are those of the file, as most training code sees them:
 * colour profiles and the orientation noted by a camera are not applied, and transparency is dropped.
 */
public final class Images {
    /** The largest picture, in pixels: what is above is a mistake or an attack. */
    private static final long MOST_PIXELS = 1 << 26;
    /** No coding of a picture yields more pixels a byte (deflate at its limit of 1032:1, with one bit a pixel). */
    private static final long MOST_PIXELS_PER_BYTE = 8 * 1032;

    private Images() {}

    /** The order of a picture's dimensions: N is 1 picture, C channels, H rows, W columns. */
    public enum Layout {
        NCHW,
        NHWC,
        CHW,
        HWC;

        boolean batched() {
            return this == NCHW || this == NHWC;
        }

        boolean channelsFirst() {
            return this == NCHW || this == CHW;
        }
    }

    /** The channels and their order. */
    public enum Channels {
        RGB(0, 1, 2),
        BGR(2, 1, 0),
        /** One channel: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601). */
        GRAY(3);

        private final int[] sources;

        Channels(int... sources) {
            this.sources = sources;
        }

        /** How many there are. */
        public int count() {
            return sources.length;
        }
    }

    /**
     * How a picture becomes a tensor: resize, then for each sample (0 to 255) {@code (sample - mean) * scale}.
     *
     * @param dtype element type of the tensor; integers are rounded to nearest and kept within their range
     * @param layout the order of dimensions
     * @param channels the channels and their order
     * @param width columns to resize to, 0 for the picture's own
     * @param height rows to resize to, 0 for the picture's own
     * @param mean one number, or one a channel
     * @param scale one number, or one a channel
     */
    public record Preparation(
            DType dtype,
            Layout layout,
            Channels channels,
            int width,
            int height,
            List<Double> mean,
            List<Double> scale) {
        public Preparation {
            mean = List.copyOf(mean);
            scale = List.copyOf(scale);
            if (!dtype.isArithmetic()) {
                throw new InvalidInputException("a picture cannot become elements of type " + dtype);
            }
            checkCount("mean", mean, channels);
            checkCount("scale", scale, channels);
            if (width < 0 || height < 0 || (long) width * height > MOST_PIXELS) {
                throw new InvalidInputException("a picture cannot be resized to " + width + "x" + height);
            }
        }

        private static void checkCount(String what, List<Double> numbers, Channels channels) {
            if (numbers.size() != 1 && numbers.size() != channels.count()) {
                throw new InvalidInputException(what + " needs 1 number or " + channels.count() + " (for " + channels
                        + "), got " + numbers.size());
            }
        }
    }

    /**
     * Reads a picture.
     *
     * @return a tensor of rank 4 or 3, by the layout
     * @throws InvalidInputException if it cannot be read, is no picture of a kind that is known, or is too large
     */
    public static Tensor read(Path file, Preparation how) {
        Planes planes = decode(file);
        int width = how.width() == 0 ? planes.width() : how.width();
        int height = how.height() == 0 ? planes.height() : how.height();
        Planes sized = planes.resize(width, height);
        int channels = how.channels().count();
        boolean first = how.layout().channelsFirst();
        long[] dims = first ? new long[] {channels, height, width} : new long[] {height, width, channels};
        Shape shape = how.layout().batched() ? Shape.of(1, dims[0], dims[1], dims[2]) : Shape.of(dims);
        Tensor t = Tensor.allocate(how.dtype(), shape);
        long pixels = (long) width * height;
        for (int c = 0; c < channels; c++) {
            double mean = how.mean().get(how.mean().size() == 1 ? 0 : c);
            double scale = how.scale().get(how.scale().size() == 1 ? 0 : c);
            for (int p = 0; p < pixels; p++) {
                double v = (sized.sample(how.channels().sources[c], p) - mean) * scale;
                long at = first ? c * pixels + p : (long) p * channels + c;
                store(t, at, v);
            }
        }
        return t;
    }

    private static void store(Tensor t, long at, double v) {
        DType d = t.dtype();
        if (d.isFloat()) {
            t.setDouble(at, v);
            return;
        }
        double low = d.isSigned() ? -Math.scalb(1.0, d.bits() - 1) : 0;
        double high = Math.scalb(1.0, d.isSigned() ? d.bits() - 1 : d.bits()) - 1;
        t.setDouble(at, Math.clamp(Math.rint(v), low, high));
    }

    private static Planes decode(Path file) {
        if (!Files.isRegularFile(file)) throw new InvalidInputException(file + ": no such file");
        try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
            Iterator<ImageReader> readers =
                    in == null ? List.<ImageReader>of().iterator() : ImageIO.getImageReaders(in);
            if (!readers.hasNext()) {
                throw new InvalidInputException(file + ": not a picture of a known kind (PNG, JPEG, GIF, BMP, TIFF)");
            }
            ImageReader reader = readers.next();
            try {
                reader.setInput(in, true, true);
                long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
                if (pixels > MOST_PIXELS || pixels / MOST_PIXELS_PER_BYTE > Files.size(file)) {
                    throw new InvalidInputException(file + ": claims " + reader.getWidth(0) + "x" + reader.getHeight(0)
                            + " pixels; at most " + MOST_PIXELS + " can be read, and no more than the file can hold");
                }
                return Planes.of(reader.read(0));
            } finally {
                reader.dispose();
            }
        } catch (NoSuchFileException e) {
            throw new InvalidInputException(file + ": no such file", e);
        } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException | NegativeArraySizeException e) {
            // The readers of the JDK answer some damaged files with other exceptions than IOException.
            throw new InvalidInputException(file + ": not a valid picture: " + e.getMessage(), e);
        }
    }

    /** Red, green and blue samples, 0 to 255, row by row. */
    private record Planes(int width, int height, float[][] rgb) {
        double sample(int source, int pixel) {
            return source < 3
                    ? rgb[source][pixel]
                    : 0.299 * rgb[0][pixel] + 0.587 * rgb[1][pixel] + 0.114 * rgb[2][pixel];
        }

        static Planes of(BufferedImage image) {
            int w = image.getWidth();
            int h = image.getHeight();
            float[][] rgb = new float[3][w * h];
            Raster raster = image.getRaster();
            // Samples are taken as they are where that is possible: getRGB would bend grey levels through a colour
            // space.
            boolean direct = !(image.getColorModel() instanceof IndexColorModel)
                    && image.getColorModel().getNumComponents() == raster.getNumBands()
                    && raster.getSampleModel().getDataType() <= java.awt.image.DataBuffer.TYPE_USHORT;
            if (!direct) {
                for (int y = 0; y < h; y++) {
                    for (int x = 0; x < w; x++) {
                        int argb = image.getRGB(x, y);
                        for (int c = 0; c < 3; c++) rgb[c][y * w + x] = argb >> 16 - 8 * c & 0xff;
                    }
                }
                return new Planes(w, h, rgb);
            }
            boolean gray = raster.getNumBands() < 3;
            float[] row = new float[w];
            for (int c = 0; c < 3; c++) {
                int band = gray ? 0 : c;
                float factor = 255f / ((1 << raster.getSampleModel().getSampleSize(band)) - 1);
                for (int y = 0; y < h; y++) {
                    raster.getSamples(0, y, w, 1, band, row);
                    for (int x = 0; x < w; x++) rgb[c][y * w + x] = row[x] * factor;
                }
            }
            return new Planes(w, h, rgb);
        }

        Planes resize(int toWidth, int toHeight) {
            if (toWidth == width && toHeight == height) return this;
            if ((long) toWidth * height > MOST_PIXELS) {
                throw new InvalidInputException("a picture of " + width + "x" + height + " cannot be resized to "
                        + toWidth + "x" + toHeight + ": too large on the way");
            }
            Weights columns = Weights.of(width, toWidth);
            Weights rows = Weights.of(height, toHeight);
            float[][] out = new float[3][];
            for (int c = 0; c < 3; c++) {
                float[] narrow = new float[toWidth * height];
                for (int y = 0; y < height; y++) columns.apply(rgb[c], y * width, 1, narrow, y * toWidth, 1);
                out[c] = new float[toWidth * toHeight];
                for (int x = 0; x < toWidth; x++) rows.apply(narrow, x, toWidth, out[c], x, toWidth);
            }
            return new Planes(toWidth, toHeight, out);
        }
    }

    /**
     * A row of the resampling matrix for each output sample: a triangle whose support grows with the reduction, so that shrinking averages
     * (as Pillow's BILINEAR does; OpenCV's INTER_LINEAR does not). Sample centres are at half-integers.
     */
    private record Weights(int[] first, float[][] weights) {
        static Weights of(int from, int to) {
            double ratio = (double) from / to;
            double support = Math.max(1, ratio);
            int[] first = new int[to];
            float[][] weights = new float[to][];
            for (int i = 0; i < to; i++) {
                double centre = (i + 0.5) * ratio;
                int low = (int) Math.max(0, Math.floor(centre - support + 0.5));
                int high = (int) Math.min(from, Math.ceil(centre + support - 0.5) + 1);
                double[] raw = new double[Math.max(1, high - low)];
                double sum = 0;
                for (int k = 0; k < raw.length; k++) {
                    raw[k] = Math.max(0, 1 - Math.abs((low + k + 0.5 - centre) / support));
                    sum += raw[k];
                }
                first[i] = Math.min(low, from - 1);
                weights[i] = new float[raw.length];
                for (int k = 0; k < raw.length; k++) weights[i][k] = (float) (raw[k] / sum);
            }
            return new Weights(first, weights);
        }

        void apply(float[] from, int start, int step, float[] to, int toStart, int toStep) {
            for (int i = 0; i < first.length; i++) {
                float v = 0;
                for (int k = 0; k < weights[i].length; k++) v += weights[i][k] * from[start + (first[i] + k) * step];
                to[toStart + i * toStep] = v;
            }
        }
    }
}
