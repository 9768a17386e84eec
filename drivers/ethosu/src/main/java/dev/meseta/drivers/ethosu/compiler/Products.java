package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.compiler.Step.Kind;
import dev.meseta.drivers.ethosu.compiler.Step.Product;
import dev.meseta.drivers.ethosu.compiler.Step.Ratio;
import dev.meseta.drivers.ethosu.compiler.Step.Window;
import dev.meseta.drivers.ethosu.compiler.Step.Work;
import dev.meseta.graph.DType;
import dev.meseta.graph.Node;
import dev.meseta.graph.Op;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.quantized.Clamp;
import dev.meseta.graph.quantized.QuantizedOp;
import dev.meseta.graph.quantized.Scaling;
import org.jspecify.annotations.Nullable;

/** Convolutions and fully connected layers. */
final class Products {
    private static final int LARGEST_REACH = 64;
    private static final int LARGEST_WINDOW = 64 * 64;
    private static final long MOST_WEIGHTS = 1 << 26;

    private final Lowering to;
    private final Node node;
    private final Tensor weights;
    private final @Nullable Tensor bias;

    Products(Lowering to, Node node) {
        this.to = to;
        this.node = node;
        this.weights = to.constant(node.operand(1), "weights");
        this.bias = node.operands().size() > 2 ? to.constant(node.operand(2), "a bias") : null;
        Refusal.unless(weights.elements() <= MOST_WEIGHTS, "it has more than " + MOST_WEIGHTS + " weights");
    }

    /** Whether a convolution takes padding of its operand as its own. */
    static boolean takesPadding(Lowering to, Node reader, Node pad) {
        if (!(QuantizedOp.of(reader.op()).orElse(null) instanceof QuantizedOp.Convolution c)) return false;
        if (!(pad.op() instanceof Op.Pad p) || reader.operand(0) != pad.result()) return false;
        Tensor w = to.known(reader.operand(1));
        Tensor value = to.known(pad.operand(1));
        if (w == null || value == null || p.low().size() != 4 || value.getLong(0) != c.inputZero()) return false;
        for (int axis : new int[] {0, 3}) if (p.low().get(axis) != 0 || p.high().get(axis) != 0) return false;
        for (int i = 0; i < 2; i++) {
            long reach = (w.shape().extent(i + 1) - 1) * c.dilations().get(i) + 1;
            if (p.low().get(i + 1) + c.low().get(i) >= reach) return false;
            if (p.high().get(i + 1) + c.high().get(i) >= reach) return false;
        }
        return true;
    }

    void convolution(QuantizedOp.Convolution o, Place out) {
        Node pad = to.fusedPad(node.operand(0));
        Place x = to.place(pad == null ? node.operand(0) : pad.operand(0));
        long[] low = {o.low().get(0), o.low().get(1)};
        if (pad != null && pad.op() instanceof Op.Pad p) {
            for (int i = 0; i < 2; i++) low[i] += p.low().get(i + 1);
        }
        long channels = x.extents().get(3);
        long inputs = weights.shape().extent(o.depthwise() ? 0 : 3);
        long outputs = weights.shape().extent(o.depthwise() ? 3 : 0);
        int groups = Math.toIntExact(o.depthwise() ? 1 : channels / inputs);
        boolean eachOwn = o.depthwise() && outputs == channels;
        Geometry g = Geometry.of(o, weights, low);
        int[] values = values(o, g, Math.toIntExact(channels));
        int depth = Math.toIntExact(eachOwn || !o.depthwise() ? inputs : channels);
        boolean words = x.dtype() == DType.I16;
        for (int group = 0; group < groups; group++) {
            int count = Math.toIntExact(outputs / groups);
            int first = group * count;
            boolean part = !eachOwn && Blocks.isPartFirst(depth, g.window, words);
            int each = values.length / Math.toIntExact(outputs);
            int[] own = java.util.Arrays.copyOfRange(values, first * each, (first + count) * each);
            Weights w = new Weights(
                    own,
                    count,
                    g.window.height(),
                    g.window.width(),
                    depth,
                    eachOwn,
                    part,
                    words,
                    g.window.dilationY(),
                    g.window.dilationX());
            Product p = product(w, first, o.scaling(), o.inputZero(), x);
            for (long n = 0; n < x.extents().getFirst(); n++) {
                View in = x.at(n).view();
                View result = out.at(n).view();
                if (groups > 1) {
                    in = in.channels(group * depth, depth);
                    result = result.channels(first, count);
                }
                emit(eachOwn ? Kind.DEPTHWISE : Kind.CONVOLUTION, in, result, g.window, p, o.inputZero(), o.clamp());
            }
        }
    }

    /**
     * Each element of x times the kernel, laid over the result: results whose places have the same remainder by the stride see the same part of the
     * kernel, and are a convolution of their own.
     */
    void transposed(QuantizedOp.TransposedConvolution o, Place out) {
        Place x = to.place(node.operand(0));
        int[] size = {extent(1), extent(2)};
        int inputs = extent(3);
        int outputs = extent(0);
        boolean words = x.dtype() == DType.I16;
        Phase[] rows = Phase.all(o, 0, size[0]);
        Phase[] columns = Phase.all(o, 1, size[1]);
        for (Phase y : rows) {
            for (Phase v : columns) {
                int[] values = new int[outputs * y.taps * v.taps * inputs];
                for (int i = 0; i < values.length; i++) {
                    int input = i % inputs;
                    int kx = v.last() - i / inputs % v.taps * v.stride;
                    int ky = y.last() - i / inputs / v.taps % y.taps * y.stride;
                    int c = i / inputs / v.taps / y.taps;
                    boolean inside = kx >= 0 && ky >= 0 && kx < size[1] && ky < size[0];
                    long at = (((long) c * size[0] + ky) * size[1] + kx) * inputs + input;
                    values[i] = inside ? (int) (weights.getLong(at) - o.weightZero()) : 0;
                }
                Window w = new Window(y.taps, v.taps, 1, 1, 1, 1, y.pad, v.pad, 0, 0);
                boolean part = Blocks.isPartFirst(inputs, w, words);
                Weights own = new Weights(values, outputs, y.taps, v.taps, inputs, false, part, words, 1, 1);
                Product p = product(own, 0, o.scaling(), o.inputZero(), x);
                for (long n = 0; n < x.extents().getFirst(); n++) {
                    View all = out.at(n).view();
                    View result = new View(
                            all.buffer(),
                            all.dtype(),
                            y.count,
                            v.count,
                            all.depth(),
                            all.offset() + y.from * all.strideY() + v.from * all.strideX(),
                            all.strideY() * y.stride,
                            all.strideX() * v.stride);
                    View in = x.at(n).view();
                    boolean seen = y.skip < in.height() && v.skip < in.width();
                    Refusal.unless(seen, "results see no element of the operand");
                    in = in.rows(y.skip, in.height() - y.skip).columns(v.skip, in.width() - v.skip);
                    emit(Kind.CONVOLUTION, in, result, w, p, o.inputZero(), o.clamp());
                }
            }
        }
    }

    /**
     * Results of a transposed convolution on an axis that are a stride apart.
     *
     * @param from the first of them
     * @param taps elements of the kernel that one of them sees
     * @param pad elements that the first one sees before the operand's
     * @param skip elements of the operand before those that the first one sees
     * @param first the element of the kernel that meets the last element seen
     */
    private record Phase(int from, int count, int stride, int taps, int pad, int skip, int first) {
        /** The element of the kernel that meets the first element seen. */
        int last() {
            return first + (taps - 1) * stride;
        }

        static Phase[] all(QuantizedOp.TransposedConvolution o, int axis, int size) {
            int stride = Math.toIntExact(o.strides().get(axis));
            int low = Math.toIntExact(o.low().get(axis));
            int extent = Math.toIntExact(o.extents().get(axis));
            Phase[] phases = new Phase[Math.min(stride, extent)];
            for (int i = 0; i < phases.length; i++) {
                // Result i is the sum over j of x[j] * kernel[i + low - j * stride].
                int first = (i + low) % stride;
                int lastSeen = (i + low) / stride;
                int taps = Math.max(1, (size - first + stride - 1) / stride);
                int firstSeen = lastSeen - taps + 1;
                int count = (extent - i + stride - 1) / stride;
                phases[i] = new Phase(i, count, stride, taps, Math.max(0, -firstSeen), Math.max(0, firstSeen), first);
            }
            return phases;
        }
    }

    private int extent(int axis) {
        return Math.toIntExact(weights.shape().extent(axis));
    }

    void fullyConnected(QuantizedOp.FullyConnected o, Place out) {
        Place x = to.place(node.operand(0));
        int outputs = Math.toIntExact(weights.shape().extent(0));
        int inputs = Math.toIntExact(weights.shape().extent(1));
        int[] values = new int[Math.toIntExact(weights.elements())];
        for (int i = 0; i < values.length; i++) values[i] = (int) (weights.getLong(i) - o.weightZero());
        boolean words = x.dtype() == DType.I16;
        Weights w = new Weights(values, outputs, 1, 1, inputs, false, inputs <= Machine.UNIT_DEPTH, words, 1, 1);
        Product p = product(w, 0, o.scaling(), o.inputZero(), x);
        emit(Kind.CONVOLUTION, x.view(), out.view(), Window.ONE, p, o.inputZero(), o.clamp());
    }

    private void emit(Kind kind, View in, View out, Window window, Product p, long zero, Clamp clamp) {
        Windows.each(
                in,
                out,
                window,
                (i, r, w) -> to.add(Work.plain(kind, i, r, w, to.origin())
                        .zero(zero)
                        .outZero(clamp.zero())
                        .limits(clamp.min(), clamp.max())
                        .product(p)));
    }

    /**
     * The window as the device walks it: a dilation above 2 is one of 1 or 2 of a larger window, in which zeros stand.
     *
     * @param spread how far the weights of the model stand apart in it
     */
    private record Geometry(Window window, int spreadY, int spreadX) {
        static Geometry of(QuantizedOp.Convolution o, Tensor w, long[] low) {
            int[] size = new int[2];
            int[] dilation = new int[2];
            int[] spread = new int[2];
            for (int i = 0; i < 2; i++) {
                long d = o.dilations().get(i);
                long n = w.shape().extent(i + 1);
                dilation[i] = n > 1 && d % 2 == 0 ? 2 : 1;
                spread[i] = n > 1 ? Math.toIntExact(d / dilation[i]) : 1;
                long reach = (n - 1) * d + 1;
                Refusal.unless(reach <= LARGEST_REACH, "its window reaches over " + reach + " elements");
                size[i] = Math.toIntExact((n - 1) * spread[i] + 1);
            }
            Refusal.unless(size[0] * size[1] <= LARGEST_WINDOW, "its window is too large");
            Window window = new Window(
                    size[0],
                    size[1],
                    Math.toIntExact(o.strides().get(0)),
                    Math.toIntExact(o.strides().get(1)),
                    dilation[0],
                    dilation[1],
                    Math.toIntExact(low[0]),
                    Math.toIntExact(low[1]),
                    0,
                    0);
            return new Geometry(window, spread[0], spread[1]);
        }
    }

    /** Weights less their zero point, by output, height, width, input. Depthwise ones with several outputs an input become those of all inputs. */
    private int[] values(QuantizedOp.Convolution o, Geometry g, int channels) {
        int outputs = Math.toIntExact(weights.shape().extent(o.depthwise() ? 3 : 0));
        int height = Math.toIntExact(weights.shape().extent(1));
        int width = Math.toIntExact(weights.shape().extent(2));
        int stored = Math.toIntExact(o.depthwise() ? 1 : weights.shape().extent(3));
        boolean sparse = o.depthwise() && outputs != channels;
        int inputs = sparse ? channels : stored;
        Window w = g.window;
        long count = (long) outputs * w.height() * w.width() * inputs;
        Refusal.unless(count <= MOST_WEIGHTS, "it has more than " + MOST_WEIGHTS + " weights");
        int[] values = new int[(int) count];
        for (int c = 0; c < outputs; c++) {
            for (int y = 0; y < height; y++) {
                for (int x = 0; x < width; x++) {
                    for (int i = 0; i < stored; i++) {
                        long from = o.depthwise()
                                ? ((long) y * width + x) * outputs + c
                                : (((long) c * height + y) * width + x) * stored + i;
                        int input = sparse ? c / (outputs / channels) : i;
                        int at = ((c * w.height() + y * g.spreadY) * w.width() + x * g.spreadX) * inputs + input;
                        values[at] = (int) (weights.getLong(from) - o.weightZero());
                    }
                }
            }
        }
        return values;
    }

    private Product product(Weights w, int first, Scaling scaling, long zero, Place x) {
        int[] values = w.values();
        long largest = largest(x.dtype(), zero);
        long[] biases = new long[w.outputs()];
        Ratio[] ratios = new Ratio[w.outputs()];
        int each = values.length / w.outputs();
        for (int c = 0; c < w.outputs(); c++) {
            long bound = 0;
            for (int i = 0; i < each; i++) {
                int v = values[c * each + i];
                Refusal.unless(Math.abs(v) < 256, "weights have more than 9 bits");
                bound += Math.abs(v) * largest;
            }
            if (bias != null) biases[c] = bias.getLong(first + c);
            bound += Math.abs(biases[c]);
            long m = scaling.multiplier(first + c);
            long s = scaling.shift(first + c);
            ratios[c] = scaling.wide() ? Ratios.once(m, s, bound) : Ratios.twice(m, s, bound);
        }
        return new Product(w, biases, ratios, scaling.wide() ? 2 : 0);
    }

    /** Of the magnitudes of a type's elements less a zero point. */
    static long largest(DType t, long zero) {
        int bits = t.bits();
        long low = t == DType.U8 ? 0 : -(1L << bits - 1);
        long high = low + (1L << bits) - 1;
        return Math.max(Math.abs(low - zero), Math.abs(high - zero));
    }
}
