package dev.meseta.tests.tflite;

import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.tests.tflite.OneOperator.Scale;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;

/**
 * Random models of one quantised operator, over all that a device may know of it: shapes, windows, strides, dilations and paddings that
 * differ along height and width, zero points anywhere, scales a channel, biases or none, ranges of activation functions, three types.
 */
final class QuantizedModels {
    private static final byte SAME = 0;
    private static final byte VALID = 1;

    /** Scales of results around which sums of random products spread over a type's range. */
    private static final double SPREAD = 8;

    /** An operator, and how many of a hundred models are of it. */
    private record Kind(String name, int share, Function<Draws, OneOperator> draw) {}

    /**
     * A model.
     *
     * @param kind the operator, and what else tells rows of a report apart
     */
    record Draw(String kind, OneOperator model) {}

    private static final List<Kind> KINDS = List.of(
            new Kind("CONV_2D", 22, QuantizedModels::convolution),
            new Kind("DEPTHWISE_CONV_2D", 14, QuantizedModels::depthwise),
            new Kind("FULLY_CONNECTED", 8, QuantizedModels::connected),
            new Kind("TRANSPOSE_CONV", 6, QuantizedModels::transposed),
            new Kind("AVERAGE_POOL_2D", 5, d -> pool(d, "AVERAGE_POOL_2D")),
            new Kind("MAX_POOL_2D", 5, d -> pool(d, "MAX_POOL_2D")),
            new Kind("ADD", 5, d -> pair(d, "ADD")),
            new Kind("SUB", 3, d -> pair(d, "SUB")),
            new Kind("MUL", 4, d -> pair(d, "MUL")),
            new Kind("MAXIMUM", 2, d -> pair(d, "MAXIMUM")),
            new Kind("MINIMUM", 2, d -> pair(d, "MINIMUM")),
            new Kind("QUANTIZE", 3, QuantizedModels::quantize),
            new Kind("rectifier", 2, QuantizedModels::rectifier),
            new Kind("function", 5, QuantizedModels::function),
            new Kind("MEAN", 4, d -> reduction(d, "MEAN")),
            new Kind("SUM", 2, d -> reduction(d, "SUM")),
            new Kind("SOFTMAX", 3, QuantizedModels::softmax),
            new Kind("RESIZE_NEAREST_NEIGHBOR", 2, d -> resize(d, "RESIZE_NEAREST_NEIGHBOR", 0)),
            new Kind("RESIZE_BILINEAR", 2, d -> resize(d, "RESIZE_BILINEAR", 2)),
            new Kind("CONCATENATION", 1, QuantizedModels::concatenation));

    private QuantizedModels() {}

    /** The model of a seed. */
    static Draw of(long seed) {
        Random random = new Random(seed);
        // Neighbouring seeds begin alike.
        random.nextLong();
        Draws d = new Draws(random);
        int choice = d.between(0, KINDS.stream().mapToInt(Kind::share).sum() - 1);
        for (Kind k : KINDS) {
            if (choice < k.share()) return new Draw(k.name(), k.draw().apply(d));
            choice -= k.share();
        }
        throw new AssertionError("shares");
    }

    /** The names of all kinds. */
    static List<String> kinds() {
        return KINDS.stream().map(Kind::name).toList();
    }

    private static DType type(Draws d) {
        return d.one(DType.I8, DType.I8, DType.I8, DType.U8, DType.I16);
    }

    private static byte activation(Draws d) {
        return d.one((byte) 0, (byte) 0, (byte) 0, (byte) 1, (byte) 2, (byte) 3);
    }

    private static int zero(Draws d, DType t) {
        int edge = t == DType.U8 ? 0 : -128;
        return t == DType.I16 ? 0 : d.one(d.zero(t), d.zero(t), edge, edge + 128);
    }

    private static Scale scale(Draws d, DType t) {
        return Scale.of(d.real(0.002, 0.3), zero(d, t));
    }

    /** For sums of so many products. */
    private static Scale resultScale(Draws d, DType t, Scale x, Scale w, long count) {
        double range = t == DType.I16 ? 2e4 : 70;
        double typical = x.scales()[0] * w.scales()[0] * range * 70 * Math.sqrt(count);
        return Scale.of(typical / range * d.real(1 / SPREAD, SPREAD), zero(d, t));
    }

    /** Weights of a channel along an axis have scales of their own, but for bytes without a sign, which have a zero point. */
    private static Scale weightScale(Draws d, DType t, int channels, int axis) {
        if (t == DType.U8) return Scale.of(d.real(0.002, 0.03), d.zero(DType.U8));
        return d.flag() ? d.channels(channels, axis, 0.001, 0.03) : Scale.of(d.real(0.001, 0.03), 0);
    }

    private static Tensor weights(Draws d, DType t, long... shape) {
        return t == DType.U8 ? d.tensor(DType.U8, shape) : d.integers(DType.I8, -127, 127, shape);
    }

    private static void bias(Draws d, OneOperator m, DType t, Scale x, Scale w, int channels) {
        if (d.between(0, 4) == 0) {
            m.missing();
            return;
        }
        float[] scales = w.scales().clone();
        for (int i = 0; i < scales.length; i++) scales[i] *= x.scales()[0];
        DType type = t == DType.I16 ? DType.I64 : DType.I32;
        int most = t == DType.I16 ? 3_000_000 : 20_000;
        m.constant(d.integers(type, -most, most, channels), new Scale(scales, new long[scales.length], 0));
    }

    /** A window on one axis: its extent, stride, dilation, and the extent that it moves over. */
    private record Axis(int window, int stride, int dilation, int extent) {
        static Axis of(Draws d, int mostWindow, int mostExtent) {
            int window = d.between(1, mostWindow);
            int stride = d.one(1, 1, 2, 2, 3);
            int dilation = stride == 1 && window > 1 ? d.one(1, 1, 2, 3) : 1;
            int reach = (window - 1) * dilation + 1;
            return new Axis(window, stride, dilation, reach + d.between(0, Math.max(0, mostExtent - reach)));
        }

        Axis plain() {
            return new Axis(window, stride, 1, extent);
        }

        int places(byte padding) {
            int reach = (window - 1) * dilation + 1;
            return padding == SAME ? (extent + stride - 1) / stride : (extent - reach) / stride + 1;
        }
    }

    private static int channels(Draws d) {
        return d.one(d.between(1, 8), d.between(1, 24), d.one(8, 16, 32, 48), d.between(25, 70));
    }

    private static OneOperator convolution(Draws d) {
        DType t = type(d);
        byte padding = d.one(SAME, VALID);
        Axis h = Axis.of(d, 5, 14);
        Axis w = Axis.of(d, 5, 14);
        int c = channels(d);
        int o = channels(d);
        Scale xs = scale(d, t);
        Scale ws = weightScale(d, t, o, 0);
        OneOperator m = new OneOperator("CONV_2D", 3)
                .with(0, padding)
                .with(1, w.stride())
                .with(2, h.stride())
                .with(3, activation(d))
                .with(4, w.dilation())
                .with(5, h.dilation())
                .input(d.tensor(t, 1, h.extent(), w.extent(), c), xs)
                .constant(weights(d, t, o, h.window(), w.window(), c), ws);
        bias(d, m, t, xs, ws, o);
        Scale ys = resultScale(d, t, xs, ws, (long) h.window() * w.window() * c);
        return m.output(t, ys, 1, h.places(padding), w.places(padding), o);
    }

    private static OneOperator depthwise(Draws d) {
        DType t = type(d);
        byte padding = d.one(SAME, VALID);
        Axis h = Axis.of(d, 5, 14);
        Axis w = Axis.of(d, 5, 14);
        int c = channels(d);
        int times = c == 1 ? d.between(1, 8) : d.one(1, 1, 1, 1, 2);
        int o = c * times;
        Scale xs = scale(d, t);
        Scale ws = weightScale(d, t, o, 3);
        OneOperator m = new OneOperator("DEPTHWISE_CONV_2D", 3)
                .with(0, padding)
                .with(1, w.stride())
                .with(2, h.stride())
                .with(3, times)
                .with(4, activation(d))
                .with(5, w.dilation())
                .with(6, h.dilation())
                .input(d.tensor(t, 1, h.extent(), w.extent(), c), xs)
                .constant(weights(d, t, 1, h.window(), w.window(), o), ws);
        bias(d, m, t, xs, ws, o);
        Scale ys = resultScale(d, t, xs, ws, (long) h.window() * w.window());
        return m.output(t, ys, 1, h.places(padding), w.places(padding), o);
    }

    private static OneOperator connected(Draws d) {
        DType t = type(d);
        int k = d.one(d.between(1, 40), d.between(1, 300));
        int o = d.one(d.between(1, 12), d.between(1, 100));
        int rows = d.one(1, 1, d.between(1, 6));
        Scale xs = scale(d, t);
        Scale ws = weightScale(d, t, o, 0);
        OneOperator m = new OneOperator("FULLY_CONNECTED", 4)
                .with(0, activation(d))
                .with(2, false)
                .input(d.tensor(t, rows, k), xs)
                .constant(weights(d, t, o, k), ws);
        bias(d, m, t, xs, ws, o);
        return m.output(t, resultScale(d, t, xs, ws, k), rows, o);
    }

    private static OneOperator transposed(Draws d) {
        DType t = type(d);
        byte padding = d.one(SAME, VALID);
        int[] stride = {d.between(1, 2), d.between(1, 2)};
        if (d.flag()) stride[1] = stride[0];
        int[] window = {d.between(1, 5), d.between(1, 5)};
        int[] extent = {d.between(1, 7), d.between(1, 7)};
        int[] result = new int[2];
        for (int i = 0; i < 2; i++) {
            result[i] = padding == SAME ? extent[i] * stride[i] : (extent[i] - 1) * stride[i] + window[i];
        }
        int c = channels(d);
        int o = channels(d);
        Scale xs = scale(d, t);
        Scale ws = weightScale(d, t, o, 0);
        OneOperator m = new OneOperator("TRANSPOSE_CONV", 3)
                .with(0, padding)
                .with(1, stride[1])
                .with(2, stride[0])
                .constant(Tensor.of(new int[] {1, result[0], result[1], o}, 4))
                .constant(weights(d, t, o, window[0], window[1], c), ws)
                .input(d.tensor(t, 1, extent[0], extent[1], c), xs);
        bias(d, m, t, xs, ws, o);
        Scale ys = resultScale(d, t, xs, ws, (long) window[0] * window[1] * c);
        return m.output(t, ys, 1, result[0], result[1], o);
    }

    private static OneOperator pool(Draws d, String name) {
        DType t = type(d);
        byte padding = d.one(SAME, VALID);
        Axis h = Axis.of(d, 6, 14).plain();
        Axis w = Axis.of(d, 6, 14).plain();
        int c = channels(d);
        Scale s = scale(d, t);
        return new OneOperator(name, 3)
                .with(0, padding)
                .with(1, w.stride())
                .with(2, h.stride())
                .with(3, w.window())
                .with(4, h.window())
                .with(5, activation(d))
                .input(d.tensor(t, 1, h.extent(), w.extent(), c), s)
                .output(t, s, 1, h.places(padding), w.places(padding), c);
    }

    /** Of equal shapes, one of extent 1 on some axes, or a constant. */
    private static OneOperator pair(Draws d, String name) {
        DType t = type(d);
        boolean extreme = name.startsWith("M") && !name.equals("MUL");
        long[] left = {1, d.between(1, 12), d.between(1, 12), channels(d)};
        long[] right = left.clone();
        if (d.flag()) for (int i = 1; i < 4; i++) if (d.flag()) right[i] = 1;
        Scale first = scale(d, t);
        Scale second = extreme ? first : scale(d, t);
        double ratio = d.real(0.5, 4);
        double result = name.equals("MUL")
                ? first.scales()[0] * second.scales()[0] * (t == DType.I16 ? 2e4 : 60) * ratio
                : Math.max(first.scales()[0], second.scales()[0]) * ratio;
        Scale third = extreme ? first : Scale.of(result, zero(d, t));
        boolean exchanged = !extreme && d.between(0, 3) == 0;
        OneOperator m = new OneOperator(name, 2);
        if (!extreme) m.with(0, activation(d));
        if (name.equals("ADD") || name.equals("SUB")) m.with(1, Boolean.FALSE);
        Tensor a = d.tensor(t, exchanged ? right : left);
        Tensor b = d.tensor(t, exchanged ? left : right);
        m.input(a, first);
        if (d.between(0, 3) == 0) m.constant(b, second);
        else m.input(b, second);
        return m.output(t, third, left);
    }

    private static long[] shape(Draws d) {
        return new long[] {1, d.between(1, 10), d.between(1, 10), channels(d)};
    }

    private static OneOperator quantize(Draws d) {
        DType from = type(d);
        DType to = from == DType.I16 ? d.one(DType.I8, DType.I16) : d.one(DType.I8, DType.U8, DType.I16);
        Scale x = scale(d, from);
        double span = from == DType.I16 && to != DType.I16 ? 256 : from != DType.I16 && to == DType.I16 ? 1.0 / 256 : 1;
        Scale y = Scale.of(x.scales()[0] * span * d.real(0.3, 3), zero(d, to));
        long[] shape = shape(d);
        return new OneOperator("QUANTIZE", 2).input(d.tensor(from, shape), x).output(to, y, shape);
    }

    private static OneOperator rectifier(Draws d) {
        DType t = type(d);
        long[] shape = shape(d);
        String name = d.one("RELU", "RELU6", "RELU_N1_TO_1");
        return new OneOperator(name, name.equals("RELU_N1_TO_1") ? 1 : 2)
                .input(d.tensor(t, shape), scale(d, t))
                .output(t, scale(d, t), shape);
    }

    private static OneOperator function(Draws d) {
        String name = d.one("LOGISTIC", "TANH", "HARD_SWISH", "LEAKY_RELU", "ABS", "NEG", "ELU", "EXP", "GELU");
        DType t = d.one(DType.I8, DType.I8, DType.U8);
        Scale y = name.equals("LOGISTIC") ? Scale.of(1.0 / 256, t == DType.I8 ? -128 : 0) : scale(d, t);
        Scale x = Scale.of(d.real(0.01, 0.1), zero(d, t));
        if (name.equals("HARD_SWISH")) y = Scale.of(x.scales()[0] * d.real(0.5, 2), zero(d, t));
        long[] shape = shape(d);
        OneOperator m = new OneOperator(name, 2);
        if (name.equals("LEAKY_RELU")) m.with(0, (float) d.real(0.01, 0.9));
        return m.input(d.tensor(t, shape), x).output(t, y, shape);
    }

    private static OneOperator reduction(Draws d, String name) {
        DType t = type(d);
        long[] shape = {1, d.between(1, 12), d.between(1, 12), channels(d)};
        int[] axes = d.one(new int[] {1, 2}, new int[] {1, 2}, new int[] {1}, new int[] {2}, new int[] {3});
        long count = 1;
        for (int a : axes) count *= shape[a];
        Scale x = scale(d, t);
        double grows = name.equals("SUM") ? Math.sqrt(count) : 1 / Math.sqrt(count);
        Scale y = Scale.of(x.scales()[0] * grows * d.real(0.5, 3), zero(d, t));
        return new OneOperator(name, 2)
                .with(0, d.flag())
                .input(d.tensor(t, shape), x)
                .constant(Tensor.of(axes, axes.length))
                .output(t, y, 1, 1, 1, 1);
    }

    private static OneOperator softmax(Draws d) {
        DType t = d.one(DType.I8, DType.I8, DType.U8);
        long[] shape =
                d.one(new long[] {1, d.between(2, 100)}, new long[] {d.between(1, 8), d.between(2, 40)}, new long[] {
                    1, d.between(1, 5), d.between(1, 5), d.between(2, 30)
                });
        return new OneOperator("SOFTMAX", 2)
                .with(0, 1.0f)
                .input(d.tensor(t, shape), Scale.of(d.real(0.005, 0.2), zero(d, t)))
                .output(t, Scale.of(1.0 / 256, t == DType.I8 ? -128 : 0), shape);
    }

    private static OneOperator resize(Draws d, String name, int first) {
        DType t = d.one(DType.I8, DType.I8, DType.U8, DType.I16);
        int h = d.between(1, 8);
        int w = d.between(1, 8);
        boolean corners = d.flag();
        int[] size = d.one(new int[] {2 * h, 2 * w}, new int[] {2 * h - 1, 2 * w - 1}, new int[] {
            d.between(1, 15), d.between(1, 15)
        });
        Scale s = scale(d, t);
        return new OneOperator(name, 3)
                .with(first, corners)
                .with(first + 1, !corners && d.flag())
                .input(d.tensor(t, 1, h, w, channels(d)), s)
                .constant(Tensor.of(size, 2))
                .output(t, s, 1, 1, 1, 1);
    }

    private static OneOperator concatenation(Draws d) {
        DType t = d.one(DType.I8, DType.U8);
        int axis = d.between(1, 3);
        long[] shape = shape(d);
        OneOperator m = new OneOperator("CONCATENATION", 2).with(0, axis);
        List<Scale> scales = new ArrayList<>();
        for (int i = d.between(2, 4); i > 0; i--) {
            long[] part = shape.clone();
            part[axis] = d.between(1, 12);
            scales.add(d.flag() || scales.isEmpty() ? scale(d, t) : scales.getFirst());
            m.input(d.tensor(t, part), scales.getLast());
        }
        return m.output(t, d.flag() ? scales.getFirst() : scale(d, t), 1, 1, 1, 1);
    }
}
