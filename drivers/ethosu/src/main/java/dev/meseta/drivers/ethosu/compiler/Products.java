package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.graph.DType;
import dev.meseta.graph.Node;
import dev.meseta.graph.Op;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.quantized.QuantizedOp;
import dev.meseta.graph.quantized.QuantizedOp.Contraction;
import dev.meseta.graph.quantized.Scaling;
import org.jspecify.annotations.Nullable;

/** Convolutions and fully connected layers. */
record Products(
        Lowering to,
        Node node,
        Contraction op,
        Tensor weights,
        @Nullable Tensor bias) {
    /** Elements that a window may reach over on an axis. */
    static final int LARGEST_REACH = 64;

    private static final long MOST_WEIGHTS = 1 << 26;

    static void lower(Lowering to, Node n, Contraction op, Place out) {
        Tensor weights = to.constant(n.operand(1), "weights");
        Tensor bias = n.operands().size() > 2 ? to.constant(n.operand(2), "a bias") : null;
        Products p = new Products(to, n, op, weights, bias);
        switch (op) {
            case QuantizedOp.Convolution o -> p.convolution(o, out);
            case QuantizedOp.FullyConnected _ -> p.fullyConnected(out);
            case QuantizedOp.TransposedConvolution o -> p.transposed(o, out);
        }
    }

    /** Whether a convolution takes padding of its operand as its own. */
    static boolean takesPadding(Lowering to, Node reader, Node pad) {
        if (!(QuantizedOp.of(reader.op()).orElse(null) instanceof QuantizedOp.Convolution c)) return false;
        if (!(pad.op() instanceof Op.Pad p) || reader.operand(0) != pad.result()) return false;
        Tensor w = to.known(reader.operand(1));
        Tensor value = to.known(pad.operand(1));
        if (w == null || value == null || value.getLong(0) != c.inputZero()) return false;
        for (int i = 0; i < 4; i++) {
            boolean spatial = i == 1 || i == 2;
            long reach = spatial ? (w.shape().extent(i) - 1) * c.dilations().get(i - 1) + 1 : 1;
            if (p.low().get(i) + (spatial ? c.low().get(i - 1) : 0) >= reach) return false;
            if (p.high().get(i) + (spatial ? c.high().get(i - 1) : 0) >= reach) return false;
        }
        return true;
    }

    private void convolution(QuantizedOp.Convolution o, Place out) {
        Node pad = to.fusedPad(node.operand(0));
        Place x = to.place(pad == null ? node.operand(0) : pad.operand(0));
        int channels = Math.toIntExact(x.extent(3));
        int outputs = extent(o.depthwise() ? 3 : 0);
        int stored = o.depthwise() ? 1 : extent(3);
        boolean each = o.depthwise() && outputs == channels;
        boolean sparse = o.depthwise() && !each;
        int groups = o.depthwise() ? 1 : channels / stored;
        Window.Axis[] axes = new Window.Axis[2];
        int[] spread = new int[2];
        for (int i = 0; i < 2; i++) {
            long low = o.low().get(i)
                    + (pad != null && pad.op() instanceof Op.Pad p ? p.low().get(i + 1) : 0);
            axes[i] = axis(o, i, Math.toIntExact(low));
            spread[i] = extent(i + 1) == 1 ? 1 : (axes[i].size() - 1) / (extent(i + 1) - 1);
        }
        Window w = new Window(axes[0], axes[1]);
        // A depthwise convolution with several outputs an input is one of all inputs, most of whose weights are 0.
        int inputs = sparse ? channels : stored;
        int count = outputs / groups;
        for (int g = 0; g < groups; g++) {
            int first = g * count;
            int[] values = values(count, inputs, w, (c, y, v, i) -> {
                if (y % spread[0] != 0 || v % spread[1] != 0) return 0;
                long at = (long) y / spread[0] * extent(2) + v / spread[1];
                if (o.depthwise()) {
                    return sparse && i != c / (outputs / channels) ? 0 : weight(at * outputs + c);
                }
                return weight(((long) (first + c) * extent(1) * extent(2) + at) * stored + i);
            });
            Product p = product(Weights.of(values, count, inputs, w, each, x.dtype() == DType.I16), first, x);
            Place in = each ? x : x.slice(3, (long) g * inputs, inputs, 1);
            emit(each ? Kind.DEPTHWISE : Kind.CONVOLUTION, in, out.slice(3, first, count, 1), w, p);
        }
    }

    /** As the device walks it: a dilation above 2 is one of 1 or 2 of a larger window, in which zeros stand. */
    private Window.Axis axis(QuantizedOp.Convolution o, int i, int low) {
        long d = o.dilations().get(i);
        int n = extent(i + 1);
        long reach = (n - 1) * d + 1;
        Refusal.unless(reach <= LARGEST_REACH, "its window reaches over " + reach + " elements");
        int dilation = n > 1 && d % 2 == 0 ? 2 : 1;
        int size = Math.toIntExact((reach - 1) / dilation + 1);
        return new Window.Axis(size, Math.toIntExact(o.strides().get(i)), dilation, low, 0);
    }

    private void fullyConnected(Place out) {
        Place x = to.place(node.operand(0));
        int inputs = extent(1);
        int[] values = values(extent(0), inputs, Window.ONE, (c, _, _, i) -> weight((long) c * inputs + i));
        Weights w = Weights.of(values, extent(0), inputs, Window.ONE, false, x.dtype() == DType.I16);
        emit(Kind.CONVOLUTION, x.ofRank(4), out.ofRank(4), Window.ONE, product(w, 0, x));
    }

    /**
     * Each element of x times the kernel, laid over the result: results whose places have the same remainder by the stride see the same part of the
     * kernel, and are a convolution of their own.
     */
    private void transposed(QuantizedOp.TransposedConvolution o, Place out) {
        Place x = to.place(node.operand(0));
        int inputs = extent(3);
        for (int y = 0; y < Math.min(o.strides().get(0), out.extent(1)); y++) {
            for (int v = 0; v < Math.min(o.strides().get(1), out.extent(2)); v++) {
                Phase rows = phase(o, 0, y);
                Phase columns = phase(o, 1, v);
                Window w = new Window(rows.axis, columns.axis);
                int[] values = values(extent(0), inputs, w, (c, i, k, n) -> {
                    long ky = rows.last - i * rows.stride;
                    long kx = columns.last - k * columns.stride;
                    boolean there = ky >= 0 && kx >= 0 && ky < extent(1) && kx < extent(2);
                    return there ? weight(((c * extent(1) + ky) * extent(2) + kx) * inputs + n) : 0;
                });
                Weights own = Weights.of(values, extent(0), inputs, w, false, x.dtype() == DType.I16);
                Place seen = columns.in(rows.in(x, 1), 2);
                Place result = columns.out(rows.out(out, 1, y), 2, v);
                emit(Kind.CONVOLUTION, seen, result, w, product(own, 0, x));
            }
        }
    }

    /**
     * Results of a transposed convolution on an axis that are a stride apart.
     *
     * @param skip elements of the operand before those that the first result sees
     * @param last the element of the kernel that meets the first element seen
     */
    private record Phase(Window.Axis axis, int stride, int skip, long last) {
        Place in(Place x, int axisOfX) {
            Refusal.unless(skip < x.extent(axisOfX), "results see no element of the operand");
            return x.slice(axisOfX, skip, x.extent(axisOfX) - skip, 1);
        }

        Place out(Place all, int axisOfAll, int from) {
            long count = (all.extent(axisOfAll) - from + stride - 1) / stride;
            return all.slice(axisOfAll, from, count, stride);
        }
    }

    /** Result i is the sum over j of x[j] * kernel[i + low - j * stride]. */
    private Phase phase(QuantizedOp.TransposedConvolution o, int axis, int i) {
        int stride = Math.toIntExact(o.strides().get(axis));
        int place = i + Math.toIntExact(o.low().get(axis));
        int taps = Math.max(1, (extent(axis + 1) - place % stride + stride - 1) / stride);
        int firstSeen = place / stride - taps + 1;
        Window.Axis a = new Window.Axis(taps, 1, 1, Math.max(0, -firstSeen), 0);
        return new Phase(a, stride, Math.max(0, firstSeen), place % stride + (taps - 1L) * stride);
    }

    private void emit(Kind kind, Place x, Place out, Window window, Product p) {
        for (long n = 0; n < x.extent(0); n++) {
            Maps.windows(x.at(n).map(), out.at(n).map(), window, (in, result, w) -> {
                Work work = to.work(kind, in, result, w).product(p);
                Elementwise.clamped(work.zeros(op.inputZero(), 0), op.clamp());
            });
        }
    }

    private int extent(int axis) {
        return Math.toIntExact(weights.shape().extent(axis));
    }

    private long weight(long at) {
        return weights.getLong(at) - op.weightZero();
    }

    private interface Weight {
        long at(int output, int y, int x, int input);
    }

    /** Weights less their zero point, by output, height, width, input. */
    private int[] values(int outputs, int inputs, Window w, Weight weight) {
        long count = (long) outputs * w.elements() * inputs;
        Refusal.unless(count <= MOST_WEIGHTS, "it has more than " + MOST_WEIGHTS + " weights");
        int[] values = new int[(int) count];
        int width = w.x().size();
        for (int k = 0; k < count; k++) {
            int place = k / inputs;
            int output = place / w.elements();
            int y = place % w.elements() / width;
            values[k] = (int) weight.at(output, y, place % width, k % inputs);
            Refusal.unless(Math.abs(values[k]) < 256, "weights have more than 9 bits");
        }
        return values;
    }

    private Product product(Weights w, int first, Place x) {
        long largest = largest(x.dtype(), op.inputZero());
        long[] biases = new long[w.outputs()];
        Ratio[] ratios = new Ratio[w.outputs()];
        Scaling s = op.scaling();
        int each = w.values().length / w.outputs();
        for (int c = 0; c < w.outputs(); c++) {
            if (bias != null) biases[c] = bias.getLong(first + c);
            long bound = Math.abs(biases[c]);
            for (int i = 0; i < each; i++) bound += Math.abs(w.values()[c * each + i]) * largest;
            ratios[c] = s.wide() ? Ratio.once(s, first + c, bound) : Ratio.twice(s, first + c, bound);
        }
        return new Product(w, biases, ratios, s.wide() ? 2 : 0);
    }

    /** Of the magnitudes of a type's elements less a zero point. */
    static long largest(DType t, long zero) {
        return Math.max(Math.abs(t.minInteger() - zero), Math.abs(t.maxInteger() - zero));
    }
}
