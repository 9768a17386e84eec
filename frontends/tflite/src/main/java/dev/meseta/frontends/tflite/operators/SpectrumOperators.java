package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.FlexBuffer;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.FourierTransform;
import dev.meseta.graph.FourierTransform.Complex;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** What models of speech begin with: Fourier transforms, complex numbers, and TFLite's two custom operators for spectra of sound. */
final class SpectrumOperators {
    /** Elements of the longest transform. */
    private static final long LONGEST = 1 << 20;

    /** Elements of the longest window of sound, or bins of its spectrum, whose matrices then take some megabytes. */
    private static final long LONGEST_WINDOW = 1 << 13;

    /** Below it, an energy counts as this. */
    private static final double LEAST_ENERGY = 1e-12;

    private static final long MOST_CHANNELS = 4096;

    private SpectrumOperators() {}

    static void register(Registry r) {
        r.expand("RFFT2D", SpectrumOperators::realTransform);
        r.expand("REAL", node -> parts(node, (b, z) -> z.real()));
        r.expand("IMAG", node -> parts(node, (b, z) -> imaginary(z)));
        r.expand("COMPLEX_ABS", node -> parts(node, SpectrumOperators::magnitude));
        r.expandCustom("AudioSpectrogram", SpectrumOperators::spectrogram);
        r.expandCustom("Mfcc", SpectrumOperators::cepstrum);
    }

    // ---- complex numbers: the real part is the lower half of 64 bits ----

    private interface OfComplex {
        Value apply(GraphBuilder b, Complex z);
    }

    private static Lowering.Expand parts(OperatorNode node, OfComplex f) {
        if (node.inputType(0) != DType.C64) throw node.unsupportedTypes();
        return c -> {
            GraphBuilder b = c.builder();
            Value bits = b.add(new Op.Bitcast(DType.U64), c.operand(0));
            Value upper = b.map(MapFunction.SHIFT_RIGHT, bits, b.scalar(DType.U64, 32L));
            return List.of(f.apply(b, new Complex(float32(b, bits), float32(b, upper))));
        };
    }

    private static Value imaginary(Complex z) {
        return Objects.requireNonNull(z.imaginary(), "a complex number has two parts");
    }

    private static Value float32(GraphBuilder b, Value bits) {
        Value lower = b.map(MapFunction.AND, bits, b.scalar(DType.U64, 0xffff_ffffL));
        return b.add(new Op.Bitcast(DType.F32), b.cast(lower, DType.U32));
    }

    private static Value complex(GraphBuilder b, Complex z) {
        Value re = b.cast(b.add(new Op.Bitcast(DType.U32), z.real()), DType.U64);
        Value im = b.cast(b.add(new Op.Bitcast(DType.U32), imaginary(z)), DType.U64);
        Value upper = b.map(MapFunction.SHIFT_LEFT, im, b.scalar(DType.U64, 32L));
        return b.add(new Op.Bitcast(DType.C64), b.map(MapFunction.OR, re, upper));
    }

    private static Value squares(GraphBuilder b, Complex z) {
        return b.plus(b.times(z.real(), z.real()), b.times(imaginary(z), imaginary(z)));
    }

    private static Value magnitude(GraphBuilder b, Complex z) {
        return b.map(MapFunction.SQRT, squares(b, z));
    }

    // ---- transforms ----

    /** Operands: x [.., height, width], the two extents that it is cut or filled to. The result has the first half of each row's spectrum. */
    private static Lowering.Expand realTransform(OperatorNode node) {
        if (node.inputType(0) != DType.F32) throw node.unsupportedTypes();
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            long[] lengths = c.constant(1).toLongs();
            c.require(
                    x.rank() >= 2 && lengths.length == 2, "expected rank 2 or more and two lengths, found " + x.type());
            for (long n : lengths)
                c.require(
                        n >= 1 && n <= LONGEST && Long.bitCount(n) == 1,
                        "a length of " + n + " is no power of two from 1 to " + LONGEST);
            int rank = x.rank();
            Value fitted = fit(b, fit(b, x, rank - 2, lengths[0]), rank - 1, lengths[1]);
            long batch = x.shape().elements() == 0 ? 0 : 1;
            for (int i = 0; i < rank - 2; i++) batch *= x.extent(i);
            long height = lengths[0];
            long half = lengths[1] / 2 + 1;
            Value rows = b.reshape(fitted, Shape.of(batch * height, lengths[1]));
            Complex z = FourierTransform.ofRows(b, new Complex(rows, null), Dim.of(lengths[1]), Dim.of(half), false);
            if (height > 1) z = columns(b, z, batch, height, half);
            List<Dim> dims = new ArrayList<>(x.shape().dims().subList(0, rank - 2));
            dims.add(Dim.of(height));
            dims.add(Dim.of(half));
            return List.of(b.reshape(complex(b, z), Shape.of(dims)));
        };
    }

    /** Transforms along the other axis of [batch * height, half]. */
    private static Complex columns(GraphBuilder b, Complex z, long batch, long height, long half) {
        Complex turned = z.map(v -> b.reshape(
                b.transpose(b.reshape(v, Shape.of(batch, height, half)), 0, 2, 1), Shape.of(batch * half, height)));
        return FourierTransform.ofRows(b, turned, Dim.of(height), Dim.of(height), false)
                .map(v -> b.transpose(b.reshape(v, Shape.of(batch, half, height)), 0, 2, 1));
    }

    private static Value fit(GraphBuilder b, Value x, int axis, long n) {
        long missing = n - x.extent(axis);
        if (missing == 0) return x;
        if (missing < 0) return b.slice(x, axis, 0, n);
        List<Long> none = Collections.nCopies(x.rank(), 0L);
        List<Long> high = new ArrayList<>(none);
        high.set(axis, missing);
        return b.add(new Op.Pad(none, high), x, b.scalar(x.dtype(), 0.0));
    }

    // ---- sound ----

    /**
     * Operand: samples [time, channels]. Result: [channels, places of a window, bins], the squared magnitudes of the windows' spectra, or
     * their roots. Windows are weighted by Hann's function, and filled with zeros to a power of two.
     */
    private static Lowering.Expand spectrogram(OperatorNode node) {
        if (node.inputType(0) != DType.F32) throw node.unsupportedTypes();
        Map<String, Object> options = FlexBuffer.map(node.customOptions(), node.where());
        long window = whole(node, options, "window_size", LONGEST_WINDOW);
        long stride = whole(node, options, "stride", Integer.MAX_VALUE);
        node.require(window >= 2, "a window of " + window + " samples has no spectrum");
        boolean squared = Boolean.TRUE.equals(options.get("magnitude_squared"))
                || options.get("magnitude_squared") instanceof Number n && n.doubleValue() != 0;
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            c.require(x.rank() == 2, "expected samples [time, channels], found " + x.type());
            c.require(x.extent(0) >= window, "there are " + x.extent(0) + " samples, a window has " + window);
            long bins = Long.highestOneBit(2 * window - 1) / 2 + 1;
            // [channels, 1, time] by kernels that are cosines and sines under the window.
            Value sound = b.reshape(b.transpose(x, 1, 0), Shape.of(x.extent(1), 1, x.extent(0)));
            List<Long> none = List.of(0L);
            List<Long> one = List.of(1L);
            Op op = new Op.Convolution(List.of(stride), none, none, one, one, 1, DType.F32);
            Value spectra = b.add(op, sound, b.constant(waves(window, bins)));
            Complex z = new Complex(b.slice(spectra, 1, 0, bins), b.slice(spectra, 1, bins, bins));
            return List.of(b.transpose(squared ? squares(b, z) : magnitude(b, z), 0, 2, 1));
        };
    }

    private static Tensor waves(long window, long bins) {
        Tensor t = Tensor.allocate(DType.F32, Shape.of(2 * bins, 1, window));
        long length = 2 * (bins - 1);
        for (long k = 0; k < bins; k++) {
            for (long i = 0; i < window; i++) {
                double weight = 0.5 - 0.5 * Math.cos(2 * Math.PI * i / window);
                double angle = FourierTransform.angle(i, k, length);
                t.setDouble(k * window + i, weight * Math.cos(angle));
                t.setDouble((bins + k) * window + i, -weight * Math.sin(angle));
            }
        }
        return t;
    }

    /** Operands: a spectrogram of squared magnitudes [channels, places, bins], the rate of samples. */
    private static Lowering.Expand cepstrum(OperatorNode node) {
        if (node.inputType(0) != DType.F32 || node.inputType(1) != DType.I32) throw node.unsupportedTypes();
        Map<String, Object> options = FlexBuffer.map(node.customOptions(), node.where());
        // TFLite reads both as integers.
        long high = (long) number(node, options, "upper_frequency_limit");
        long low = (long) number(node, options, "lower_frequency_limit");
        int channels = (int) whole(node, options, "filterbank_channel_count", MOST_CHANNELS);
        int coefficients = (int) whole(node, options, "dct_coefficient_count", MOST_CHANNELS);
        node.require(
                low >= 0 && high > low && coefficients <= channels,
                "frequencies from " + low + " to " + high + " with " + coefficients + " coefficients of " + channels
                        + " channels make no sense");
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            c.require(
                    x.rank() == 3 && x.extent(2) >= 2 && x.extent(2) <= LONGEST_WINDOW,
                    "expected a spectrogram [channels, places, bins], found " + x.type());
            long[] rate = c.constant(1).toLongs();
            c.require(rate.length == 1 && rate[0] > 0, "the rate of samples must be one number above 0");
            Value energies =
                    along(b, b.map(MapFunction.SQRT, x), MelFilters.weights(x.extent(2), rate[0], channels, low, high));
            Value least = b.map(MapFunction.MAX, energies, b.scalar(DType.F32, LEAST_ENERGY));
            return List.of(along(b, b.map(MapFunction.LOG, least), cosines(channels, coefficients)));
        };
    }

    /** Products of the last axis with a matrix. */
    private static Value along(GraphBuilder b, Value x, Tensor m) {
        return b.add(
                new Op.Contraction(List.of(), List.of(), List.of(x.rank() - 1), List.of(0), DType.F32),
                x,
                b.constant(m));
    }

    /** The cosine transform's matrix [channels, coefficients]. */
    private static Tensor cosines(int channels, int coefficients) {
        Tensor t = Tensor.allocate(DType.F32, Shape.of(channels, coefficients));
        double norm = Math.sqrt(2.0 / channels);
        for (int j = 0; j < channels; j++)
            for (int i = 0; i < coefficients; i++)
                t.setDouble((long) j * coefficients + i, norm * Math.cos(i * Math.PI / channels * (j + 0.5)));
        return t;
    }

    private static double number(OperatorNode node, Map<String, Object> options, String name) {
        if (options.get(name) instanceof Number n && Double.isFinite(n.doubleValue())) return n.doubleValue();
        throw node.error("has no option '" + name + "'");
    }

    private static long whole(OperatorNode node, Map<String, Object> options, String name, long most) {
        double v = number(node, options, name);
        node.require(
                v >= 1 && v <= most && v == Math.rint(v), "option '" + name + "' is " + v + ", expected 1 to " + most);
        return (long) v;
    }
}
