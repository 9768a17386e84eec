package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.graph.DType;
import dev.meseta.graph.Node;
import dev.meseta.graph.Op;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.quantized.QuantizedOp;
import dev.meseta.graph.quantized.QuantizedOp.Contraction;
import dev.meseta.graph.quantized.Scaling;
import java.util.Arrays;
import java.util.stream.LongStream;

/** Convolutions and fully connected layers. */
record Products(Lowering to, Node node, Contraction op, Kernel kernel, long[] bias) {
    /** Elements that a window may reach over on an axis. */
    static final int LARGEST_REACH = 64;

    private static final long MOST_WEIGHTS = 1 << 26;

    private interface Weight {
        long at(int output, int y, int x, int input);
    }

    /** Weights of a node; a depthwise one has one input. */
    private record Kernel(Tensor all, long zero, boolean depthwise, int outputs, int height, int width, int inputs) {
        static Kernel of(Tensor all, long zero, boolean depthwise) {
            int[] e = LongStream.of(all.shape().extents())
                    .mapToInt(Math::toIntExact)
                    .toArray();
            if (e.length == 2) return new Kernel(all, zero, false, e[0], 1, 1, e[1]);
            return new Kernel(all, zero, depthwise, depthwise ? e[3] : e[0], e[1], e[2], depthwise ? 1 : e[3]);
        }

        /** A weight less its zero point; 0 outside of the kernel. */
        long at(int output, int y, int x, int input) {
            if (y < 0 || x < 0 || y >= height || x >= width) return 0;
            long place = (long) y * width + x;
            long outputFirst = ((long) output * height * width + place) * inputs + input;
            return all.getLong(depthwise ? place * outputs + output : outputFirst) - zero;
        }
    }

    static void lower(Lowering to, Node n, Contraction op, Place out) {
        boolean depthwise = op instanceof QuantizedOp.Convolution o && o.depthwise();
        Kernel k = Kernel.of(to.constant(n.operand(1), "weights"), op.weightZero(), depthwise);
        long[] bias = new long[k.outputs];
        if (n.operands().size() > 2) Arrays.setAll(bias, to.constant(n.operand(2), "a bias")::getLong);
        Products p = new Products(to, n, op, k, bias);
        switch (op) {
            case QuantizedOp.Convolution o -> p.convolution(o, out);
            case QuantizedOp.FullyConnected _ -> {
                Place x = to.place(n.operand(0)).ofRank(4);
                p.emit(Kind.CONVOLUTION, x, out.ofRank(4), Window.ONE, 0, k::at);
            }
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
        boolean each = kernel.depthwise && kernel.outputs == channels;
        boolean sparse = kernel.depthwise && !each;
        int groups = kernel.depthwise ? 1 : channels / kernel.inputs;
        Window.Axis[] axes = new Window.Axis[2];
        int[] spread = new int[2];
        for (int i = 0; i < 2; i++) {
            long low = o.low().get(i)
                    + (pad != null && pad.op() instanceof Op.Pad p ? p.low().get(i + 1) : 0);
            int taps = i == 0 ? kernel.height : kernel.width;
            axes[i] = axis(o, i, taps, Math.toIntExact(low));
            spread[i] = taps == 1 ? 1 : (axes[i].size() - 1) / (taps - 1);
        }
        Window w = new Window(axes[0], axes[1]);
        // A depthwise convolution with several outputs an input is one of all inputs, most of whose weights are 0.
        int seen = sparse ? channels : kernel.inputs;
        int count = kernel.outputs / groups;
        for (int g = 0; g < groups; g++) {
            int first = g * count;
            Place in = each ? x : x.slice(3, (long) g * seen, seen, 1);
            Place result = out.slice(3, first, count, 1);
            emit(each ? Kind.DEPTHWISE : Kind.CONVOLUTION, in, result, w, first, (c, y, v, i) -> {
                boolean between = y % spread[0] != 0 || v % spread[1] != 0;
                boolean other = sparse && i != c / (kernel.outputs / channels);
                return between || other ? 0 : kernel.at(c, y / spread[0], v / spread[1], i);
            });
        }
    }

    /** As the device walks it: a dilation above 2 is one of 1 or 2 of a larger window, in which zeros stand. */
    private static Window.Axis axis(QuantizedOp.Convolution o, int i, int taps, int low) {
        long d = o.dilations().get(i);
        long reach = (taps - 1) * d + 1;
        Refusal.unless(reach <= LARGEST_REACH, "its window reaches over " + reach + " elements");
        int dilation = taps > 1 && d % 2 == 0 ? 2 : 1;
        int size = Math.toIntExact((reach - 1) / dilation + 1);
        return new Window.Axis(size, Math.toIntExact(o.strides().get(i)), dilation, low, 0);
    }

    /**
     * Each element of x times the kernel, laid over the result: results whose places have the same remainder by the stride see the same part of the
     * kernel, and are a convolution of their own.
     */
    private void transposed(QuantizedOp.TransposedConvolution o, Place out) {
        Place x = to.place(node.operand(0));
        for (int y = 0; y < Math.min(o.strides().get(0), out.extent(1)); y++) {
            for (int v = 0; v < Math.min(o.strides().get(1), out.extent(2)); v++) {
                Phase rows = phase(o, 0, kernel.height, y);
                Phase columns = phase(o, 1, kernel.width, v);
                Place seen = columns.in(rows.in(x, 1), 2);
                Place result = columns.out(rows.out(out, 1, y), 2, v);
                Weight part =
                        (c, i, k, n) -> kernel.at(c, rows.last - i * rows.stride, columns.last - k * columns.stride, n);
                emit(Kind.CONVOLUTION, seen, result, new Window(rows.axis, columns.axis), 0, part);
            }
        }
    }

    /**
     * Results of a transposed convolution on an axis that are a stride apart.
     *
     * @param skip elements of the operand before those that the first result sees
     * @param last the element of the kernel that meets the first element seen
     */
    private record Phase(Window.Axis axis, int stride, int skip, int last) {
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
    private static Phase phase(QuantizedOp.TransposedConvolution o, int axis, int size, int i) {
        int stride = Math.toIntExact(o.strides().get(axis));
        int place = i + Math.toIntExact(o.low().get(axis));
        int taps = Math.max(1, (size - place % stride + stride - 1) / stride);
        int firstSeen = place / stride - taps + 1;
        Window.Axis a = new Window.Axis(taps, 1, 1, Math.max(0, -firstSeen), 0);
        return new Phase(a, stride, Math.max(0, firstSeen), place % stride + (taps - 1) * stride);
    }

    /** The product of x with weights, of outputs from one on. */
    private void emit(Kind kind, Place x, Place out, Window window, int first, Weight weight) {
        Product p = product(kind, x, Math.toIntExact(out.extent(3)), window, first, weight);
        for (long n = 0; n < x.extent(0); n++) {
            Maps.windows(x.at(n).map(), out.at(n).map(), window, (in, result, w) -> {
                Work work = to.work(kind, in, result, w).product(p);
                Elementwise.clamped(work.zeros(op.inputZero(), 0), op.clamp());
            });
        }
    }

    private Product product(Kind kind, Place x, int count, Window w, int first, Weight weight) {
        boolean alone = kind == Kind.DEPTHWISE;
        int seen = alone ? 1 : Math.toIntExact(x.extent(3));
        long each = (long) w.elements() * seen;
        Refusal.unless(count * each <= MOST_WEIGHTS, "it has more than " + MOST_WEIGHTS + " weights");
        int[] values = new int[(int) (count * each)];
        long largest = largest(x.dtype(), op.inputZero());
        long[] biases = Arrays.copyOfRange(bias, first, first + count);
        Ratio[] ratios = new Ratio[count];
        Scaling s = op.scaling();
        for (int c = 0; c < count; c++) {
            long bound = Math.abs(biases[c]);
            for (int k = 0; k < each; k++) {
                int place = k / seen;
                long value = weight.at(first + c, place / w.x().size(), place % w.x().size(), k % seen);
                Refusal.unless(Math.abs(value) < 256, "weights have more than 9 bits");
                values[(int) (c * each + k)] = (int) value;
                bound += Math.abs(value) * largest;
            }
            ratios[c] = s.wide() ? Ratio.once(s, first + c, bound) : Ratio.twice(s, first + c, bound);
        }
        return new Product(Weights.of(values, count, seen, w, alone, x.bytes() == 2), biases, ratios, s.wide() ? 2 : 0);
    }

    /** Of the magnitudes of a type's elements less a zero point. */
    static long largest(DType t, long zero) {
        return Math.max(Math.abs(t.minInteger() - zero), Math.abs(t.maxInteger() - zero));
    }
}
