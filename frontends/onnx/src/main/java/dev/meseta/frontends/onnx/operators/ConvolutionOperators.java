package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Convolutions of every kind. */
final class ConvolutionOperators {
    private ConvolutionOperators() {}

    static void register(Registry r) {
        r.expand("Conv", 1, node -> {
            Windows w = Windows.of(node);
            int groups = groups(node);
            return c -> List.of(convolution(c, w, groups));
        });
        r.expand("ConvTranspose", 1, node -> {
            Transposed t = Transposed.of(node);
            return c -> List.of(t.expand(c));
        });
        r.expand("ConvInteger", 10, node -> {
            Windows w = Windows.of(node);
            int groups = groups(node);
            return c -> List.of(integerConvolution(
                    c, w, groups, c.operand(0), c.operand(1), c.operandOrNull(2), c.operandOrNull(3)));
        });
        r.expand("QLinearConv", 10, node -> {
            Windows w = Windows.of(node);
            int groups = groups(node);
            return c -> List.of(quantizedConvolution(c, w, groups));
        });
        r.expand("DeformConv", 19, DeformableConvolution::define);
        r.expand("Col2Im", 18, ConvolutionOperators::col2im);
        r.expand("CausalConvWithState", 27, ConvolutionOperators::causal);
    }

    static int groups(OperatorNode node) {
        long g = node.attributes().integer("group", 1);
        if (g < 1 || g > Integer.MAX_VALUE) throw node.error("group " + g + " is outside [1, 2^31)");
        return (int) g;
    }

    /** The spatial extents of a kernel, checked against {@code kernel_shape}. */
    static long[] kernelExtents(LoweringContext c, Windows w, Value x, Value kernel) {
        c.require(
                x.rank() >= 3 && kernel.rank() == x.rank(),
                "input and kernel must have the same rank of 3 or more, found " + x.type() + " and " + kernel.type());
        long[] k = new long[x.rank() - 2];
        for (int i = 0; i < k.length; i++) k[i] = kernel.extent(i + 2);
        if (w.kernel() != null)
            c.require(
                    java.util.Arrays.equals(k, w.kernel()),
                    "kernel_shape " + java.util.Arrays.toString(w.kernel()) + " is not the kernel's " + kernel.type());
        return k;
    }

    /** Operands: input, kernel, bias (optional). */
    static Value convolution(LoweringContext c, Windows w, int groups) {
        Value x = c.operand(0);
        Value k = c.operand(1);
        requireChannels(c, x, k, groups);
        Windows.Placed p = w.place(c, x.shape(), kernelExtents(c, w, x, k));
        Value y = Dequantized.convolution(c, w, groups, x, k);
        if (y == null) y = convolve(c.builder(), x, k, p, groups, x.dtype());
        return addBias(c, y, c.operandOrNull(2));
    }

    private static void requireChannels(LoweringContext c, Value x, Value k, int groups) {
        c.require(
                x.rank() >= 3
                        && k.rank() == x.rank()
                        && x.extent(1) == k.extent(1) * groups
                        && k.extent(0) % groups == 0,
                "the input " + x.type() + " does not fit the kernel " + k.type() + " in " + groups
                        + " group(s): expected input channels = kernel's axis 1 times groups, and outputs divisible by groups");
    }

    private static Value convolve(GraphBuilder b, Value x, Value k, Windows.Placed p, int groups, DType dtype) {
        List<Long> ones = Collections.nCopies(p.rank(), 1L);
        return b.add(new Op.Convolution(p.strides(), p.low(), p.high(), ones, p.dilations(), groups, dtype), x, k);
    }

    static Value addBias(LoweringContext c, Value y, @Nullable Value bias) {
        if (bias == null) return y;
        c.require(
                bias.rank() == 1 && bias.extent(0) == y.extent(1),
                "the bias must have " + y.extent(1) + " elements, found " + bias.type());
        return c.builder().plus(y, Shorthand.along(c.builder(), bias, 1, y.rank()));
    }

    /**
     * Sum of (x - x's zero point) * (k - k's zero point) as I32, with nothing outside. The input keeps its narrow type: its zero point is
     * taken off the sum, so that devices see a plain integer convolution.
     */
    static Value integerConvolution(
            LoweringContext c,
            Windows w,
            int groups,
            Value x,
            Value kernel,
            @Nullable Value xZero,
            @Nullable Value kernelZero) {
        GraphBuilder b = c.builder();
        requireChannels(c, x, kernel, groups);
        Windows.Placed p = w.place(c, x.shape(), kernelExtents(c, w, x, kernel));
        Value k = withoutZeroPoint(c, kernel, kernelZero);
        if (xZero == null || isZero(b, xZero)) return convolve(b, x, k, p, groups, DType.I32);
        Value zero = Shorthand.scalar(c, xZero, "the input's zero point");
        c.require(
                zero.dtype() == x.dtype(), "the zero point " + zero.type() + " is not of the input's type " + x.type());
        Value padded = b.add(
                new Op.Pad(Windows.Placed.withLeading(p.low(), 0), Windows.Placed.withLeading(p.high(), 0)), x, zero);
        List<Long> none = Collections.nCopies(p.rank(), 0L);
        Windows.Placed inside = new Windows.Placed(p.kernel(), p.strides(), p.dilations(), none, none, none, p.out());
        Value y = convolve(b, padded, k, inside, groups, DType.I32);
        Value weights = QuantizeOperators.rowSums(b, k);
        Value correction = b.times(weights, b.cast(zero, DType.I32));
        return b.minus(y, Shorthand.along(b, correction, 1, y.rank()));
    }

    static boolean isZero(GraphBuilder b, Value v) {
        Tensor t = b.known(v);
        if (t == null) return false;
        for (long i = 0; i < t.elements(); i++) {
            if (t.getLong(i) != 0) return false;
        }
        return true;
    }

    /** A kernel minus its zero point, a scalar or a vector along axis 0. */
    private static Value withoutZeroPoint(LoweringContext c, Value kernel, @Nullable Value zero) {
        GraphBuilder b = c.builder();
        if (zero == null || isZero(b, zero)) return kernel;
        return b.minus(
                b.cast(kernel, DType.I32), b.cast(perOutput(c, zero, kernel, "the kernel's zero point"), DType.I32));
    }

    /** A scalar, or a vector along the kernel's axis 0, in a shape that broadcasts with the kernel. */
    private static Value perOutput(LoweringContext c, Value v, Value kernel, String what) {
        if (v.shape().elements() == 1) return Shorthand.scalar(c, v, what);
        c.require(
                v.rank() == 1 && v.extent(0) == kernel.extent(0),
                what + " must be a scalar or have " + kernel.extent(0) + " elements, found " + v.type());
        return Shorthand.along(c.builder(), v, 0, kernel.rank());
    }

    /** Operands: x, scale, zero point, kernel, scale, zero point, result's scale, zero point, bias (I32, optional). */
    private static Value quantizedConvolution(LoweringContext c, Windows w, int groups) {
        GraphBuilder b = c.builder();
        Value kernel = c.operand(3);
        Value sums = integerConvolution(c, w, groups, c.operand(0), kernel, c.operand(2), c.operand(5));
        sums = addBias(c, sums, c.operandOrNull(8));
        Value xScale = Shorthand.scalar(c, c.operand(1), "the input's scale");
        Value yScale = Shorthand.scalar(c, c.operand(6), "the result's scale");
        Value kScale = c.operand(4);
        if (kScale.shape().elements() != 1) {
            c.require(
                    kScale.rank() == 1 && kScale.extent(0) == kernel.extent(0),
                    "the kernel's scale must be a scalar or have " + kernel.extent(0) + " elements, found "
                            + kScale.type());
            kScale = Shorthand.along(b, kScale, 1, sums.rank());
        } else {
            kScale = Shorthand.scalar(c, kScale, "the kernel's scale");
        }
        Value multiplier = b.divide(b.times(xScale, kScale), yScale);
        return Shorthand.requantize(b, sums, multiplier, Shorthand.scalar(c, c.operand(7), "the result's zero point"));
    }

    /**
     * A transposed convolution: a convolution of the input, spread by the strides, with the kernel turned around.
     *
     * @param outputPadding null for zeros
     * @param outputShape null where padding decides
     */
    private record Transposed(
            Windows windows, int groups, long @Nullable [] outputPadding, long @Nullable [] outputShape) {
        static Transposed of(OperatorNode node) {
            long[] padding = node.attributes().integersOrNull("output_padding");
            if (padding != null) {
                for (long p : padding) {
                    if (p < 0 || p > Integer.MAX_VALUE) throw node.error("output_padding has the value " + p);
                }
            }
            return new Transposed(
                    Windows.of(node),
                    ConvolutionOperators.groups(node),
                    padding,
                    node.attributes().integersOrNull("output_shape"));
        }

        Value expand(LoweringContext c) {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            Value k = c.operand(1);
            long[] kernel = kernelExtents(c, windows, x, k);
            c.require(
                    x.extent(1) == k.extent(0) && k.extent(0) % groups == 0,
                    "the input " + x.type() + " does not fit the kernel " + k.type() + " in " + groups
                            + " group(s): expected input channels = kernel's axis 0, divisible by groups");
            int n = kernel.length;
            long[] s = Windows.orOnes(c, windows.strides(), n, "strides");
            long[] d = Windows.orOnes(c, windows.dilations(), n, "dilations");
            List<Long> low = new ArrayList<>();
            List<Long> high = new ArrayList<>();
            for (int i = 0; i < n; i++) {
                long[] p = padding(c, i, x.extent(i + 2), kernel[i], s[i], d[i], n);
                low.add(p[0]);
                high.add(p[1]);
            }
            Value y = b.add(
                    new Op.Convolution(
                            Collections.nCopies(n, 1L), low, high, Windows.list(s), Windows.list(d), groups, x.dtype()),
                    x,
                    turned(b, k));
            return addBias(c, y, c.operandOrNull(2));
        }

        /** Padding around the spread input on one axis. */
        private long[] padding(LoweringContext c, int i, long in, long kernel, long stride, long dilation, int n) {
            long[] stated = Windows.orAll(c, windows.pads(), 2 * n, "pads", 0);
            long extra = outputPadding == null ? 0 : Windows.orAll(c, outputPadding, n, "output_padding", 0)[i];
            long dilated = (kernel - 1) * dilation + 1;
            long full = (in - 1) * stride + dilated + extra;
            long begin = stated[i];
            long end = stated[i + n];
            boolean same = windows.autoPad().startsWith("SAME");
            if (outputShape != null || same) {
                long wanted = outputShape == null ? in * stride : wantedShape(c, n)[i];
                c.require(wanted > 0, "output_shape has the value " + wanted);
                long total = Math.max(0, full - wanted);
                begin = windows.autoPad().equals("SAME_UPPER") ? total / 2 : total - total / 2;
                end = total - begin;
                // An output shape that is larger than the whole result is filled up at its end.
                if (outputShape != null) end -= Math.max(0, wanted - full);
            } else if (windows.autoPad().equals("VALID")) {
                begin = 0;
                end = 0;
            }
            return new long[] {dilated - 1 - begin, dilated - 1 - end + extra};
        }

        /** {@code output_shape} with or without batch and channels. */
        private long[] wantedShape(LoweringContext c, int n) {
            long[] o = outputShape == null ? new long[0] : outputShape;
            c.require(o.length == n || o.length == n + 2, "output_shape has " + o.length + " entries, expected " + n);
            return o.length == n ? o : java.util.Arrays.copyOfRange(o, 2, n + 2);
        }

        /** Kernel [C, O/g, spatial…] as [O, C/g, spatial…] with its spatial axes in the opposite direction. */
        private Value turned(GraphBuilder b, Value k) {
            Value v = k;
            for (int i = 2; i < k.rank(); i++) v = b.flip(v, i);
            Dim g = Dim.of(groups);
            v = Shorthand.split(b, v, 0, g, Shorthand.over(k.shape().dim(0), groups));
            int[] order = new int[k.rank() + 1];
            for (int i = 0; i < order.length; i++) order[i] = i == 1 ? 2 : i == 2 ? 1 : i;
            return Shorthand.merge(b, b.transpose(v, order), 0, 2);
        }
    }

    /** Sums blocks into an image: every element of a block is added at its place in the padded image, then the padding is cut off. */
    private static dev.meseta.graph.program.Lowering.Expand col2im(OperatorNode node) {
        Windows w = Windows.of(node);
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            long[] image = c.constant(1).toLongs();
            long[] block = c.constant(2).toLongs();
            int n = image.length;
            c.require(
                    n >= 1 && block.length == n && x.rank() == 3,
                    "expected [N, C * block, L], an image and a block of equal rank; found " + x.type() + ", " + n
                            + " and " + block.length + " extents");
            long[] s = Windows.orOnes(c, w.strides(), n, "strides");
            long[] d = Windows.orOnes(c, w.dilations(), n, "dilations");
            long[] p = Windows.orAll(c, w.pads(), 2 * n, "pads", 0);
            long[] padded = new long[n];
            long[] blocks = new long[n];
            long elements = 1;
            long count = 1;
            for (int i = 0; i < n; i++) {
                c.require(image[i] >= 1 && block[i] >= 1, "image and block extents must be 1 or more");
                padded[i] = Math.addExact(image[i], p[i] + p[i + n]);
                long dilated = Math.addExact(Math.multiplyExact(block[i] - 1, d[i]), 1);
                c.require(padded[i] >= dilated, "the block is larger than the padded image on axis " + i);
                blocks[i] = (padded[i] - dilated) / s[i] + 1;
                elements = Math.multiplyExact(elements, block[i]);
                count = Math.multiplyExact(count, blocks[i]);
            }
            c.require(
                    x.extent(1) % elements == 0 && x.extent(2) == count,
                    "expected [N, C * " + elements + ", " + count + "], found " + x.type());
            Dim channels = Shorthand.over(x.shape().dim(1), elements);
            long[] places = places(block, blocks, s, d, padded, Math.toIntExact(elements * count));
            Value rows = b.reshape(x, Shorthand.shape(x.shape().dim(0).times(channels), Dim.of(elements * count)));
            Shape flat =
                    Shorthand.shape(rows.shape().dim(0), Dim.of(Shape.of(padded).elements()));
            Value at = b.broadcast(b.longs(places), rows.shape());
            Value sum = b.add(new Op.ScatterElements(1, Op.Combine.ADD), Shorthand.zeros(b, x.dtype(), flat), at, rows);
            List<Dim> dims = new ArrayList<>(List.of(x.shape().dim(0), channels));
            for (long e : padded) dims.add(Dim.of(e));
            Value y = b.reshape(sum, Shape.of(dims));
            for (int i = 0; i < n; i++) y = b.slice(y, i + 2, p[i], image[i]);
            return List.of(y);
        };
    }

    /** The place in the flat padded image of each element of each block, elements outermost. */
    private static long[] places(long[] block, long[] blocks, long[] s, long[] d, long[] padded, int size) {
        long[] result = new long[size];
        int n = block.length;
        long[] outer = new long[2 * n];
        for (int at = 0; at < size; at++) {
            long rest = at;
            for (int i = n - 1; i >= 0; i--) {
                outer[n + i] = rest % blocks[i];
                rest /= blocks[i];
            }
            for (int i = n - 1; i >= 0; i--) {
                outer[i] = rest % block[i];
                rest /= block[i];
            }
            long place = 0;
            for (int i = 0; i < n; i++) place = place * padded[i] + outer[i] * d[i] + outer[n + i] * s[i];
            result[at] = place;
        }
        return result;
    }

    /** A depthwise convolution that looks back only, and gives the last inputs as the state of the next call. */
    private static dev.meseta.graph.program.Lowering.Expand causal(OperatorNode node) {
        String activation = node.attributes().string("activation", "none");
        if (!List.of("none", "silu", "swish").contains(activation))
            throw node.error("activation '" + activation + "' is not one of none, silu, swish");
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            Value k = c.operand(1);
            c.require(
                    x.rank() == 3
                            && k.rank() == 3
                            && k.extent(1) == 1
                            && k.extent(0) == x.extent(1)
                            && k.extent(2) >= 1,
                    "expected an input [N, C, L] and a kernel [C, 1, k], found " + x.type() + " and " + k.type());
            Dim before = Dim.of(k.extent(2) - 1);
            Shape state = x.shape().with(2, before);
            Value past = c.has(3) ? c.operand(3) : Shorthand.zeros(b, x.dtype(), state);
            c.require(past.shape().equals(state), "past_state must be " + state + ", found " + past.type());
            Value padded = b.concat(2, past, x);
            List<Long> one = List.of(1L);
            List<Long> zero = List.of(0L);
            Value y = b.add(
                    new Op.Convolution(one, zero, zero, one, one, Math.toIntExact(k.extent(0)), x.dtype()), padded, k);
            y = addBias(c, b.reshape(y, y.shape().with(2, x.shape().dim(2))), c.operandOrNull(2));
            if (!activation.equals("none")) {
                Value wide = Shorthand.wide(b, y);
                y = b.cast(b.times(wide, Shorthand.sigmoid(b, wide)), x.dtype());
            }
            return List.of(y, b.slice(padded, 2, x.extent(2), before));
        };
    }
}
