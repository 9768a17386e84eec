package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import dev.meseta.graph.quantized.QuantizedOp;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Convolutions. TFLite's values lie channels-last, those of the op set's convolution channels-second: transposes around it say so, and cost
 * nothing where a device keeps values channels-last.
 */
final class ConvolutionOperators {
    private ConvolutionOperators() {}

    static void register(Registry r) {
        r.expand("CONV_2D", node -> convolution(node, Form.plain(node)));
        r.expand("DEPTHWISE_CONV_2D", node -> convolution(node, Form.depthwise(node)));
        r.expand("CONV_3D", node -> convolution(node, Form.volume(node)));
        r.expand("TRANSPOSE_CONV", node -> transposed(node));
        r.expand("CONV_3D_TRANSPOSE", node -> transposedVolume(node));
        r.expandCustom("Convolution2DTransposeBias", node -> transposedWithBias(node));
    }

    /**
     * What the options of a convolution say; lists have one entry a spatial axis.
     *
     * @param kernelOrder the kernel's axes in the order: outputs, inputs, spatial
     * @param depthwise whether each input channel has its own outputs
     */
    private record Form(
            int padding,
            List<Long> strides,
            List<Long> dilations,
            Activation activation,
            int[] kernelOrder,
            boolean depthwise) {
        static Form plain(OperatorNode n) {
            return new Form(
                    n.options().choice(0),
                    longs(n.options().integer(2), n.options().integer(1)),
                    longs(n.options().integer(5, 1), n.options().integer(4, 1)),
                    Activation.of(n, 3),
                    new int[] {0, 3, 1, 2},
                    false);
        }

        static Form depthwise(OperatorNode n) {
            return new Form(
                    n.options().choice(0),
                    longs(n.options().integer(2), n.options().integer(1)),
                    longs(n.options().integer(6, 1), n.options().integer(5, 1)),
                    Activation.of(n, 4),
                    new int[] {3, 0, 1, 2},
                    true);
        }

        static Form volume(OperatorNode n) {
            return new Form(
                    n.options().choice(0),
                    longs(
                            n.options().integer(1),
                            n.options().integer(3),
                            n.options().integer(2)),
                    longs(
                            n.options().integer(5, 1),
                            n.options().integer(7, 1),
                            n.options().integer(6, 1)),
                    Activation.of(n, 4),
                    new int[] {4, 3, 0, 1, 2},
                    false);
        }

        int spatial() {
            return strides.size();
        }
    }

    private static List<Long> longs(long... values) {
        List<Long> list = new ArrayList<>();
        for (long v : values) list.add(v);
        return list;
    }

    private static Lowering.Expand convolution(OperatorNode node, Form form) {
        DType x = node.inputType(0);
        DType w = node.inputType(1);
        if (x == DType.F32 && w == DType.F32) return c -> List.of(real(c, node, form, c.operand(0), c.operand(1)));
        if (x == DType.F32 && w == DType.I8 && form.spatial() == 2) {
            HybridProducts hybrid = HybridProducts.of(
                    node, form.depthwise() || node.inputScale(1).isPerChannel());
            return c -> List.of(hybridConvolution(c, node, form, hybrid));
        }
        boolean bytes = x == DType.I8 && (w == DType.I8 || w == DType.I4) || x == DType.U8 && w == DType.U8;
        boolean words = x == DType.I16 && w == DType.I8;
        if ((!bytes && !words) || node.outputType(0) != x) throw node.unsupportedTypes();
        boolean wide = words && (!node.hasInput(2) || node.inputType(2) == DType.I64);
        Rescale rescale = Rescale.ofProducts(node, form.activation(), wide);
        return outer -> List.of(Composites.of(outer, named(outer, node, form, rescale), new int[] {0, 1, 2}, c -> {
            Value sums = quantizedSums(c, node, form, wide ? DType.I64 : DType.I32);
            return rescale.apply(c.builder(), sums, c.operandOrNull(2));
        }));
    }

    private static QuantizedOp named(LoweringContext c, OperatorNode node, Form form, Rescale rescale) {
        Padding p = Padding.of(c, node, form, c.operand(0), c.operand(1));
        return new QuantizedOp.Convolution(
                form.depthwise(),
                form.strides(),
                form.dilations(),
                p.low(),
                p.high(),
                node.inputScale(0).zeroPoint(0),
                node.inputType(1) == DType.U8 ? node.inputScale(1).zeroPoint(0) : 0,
                Composites.scaling(rescale),
                Composites.clamp(rescale));
    }

    /** Around an input; one entry a spatial axis. */
    private record Padding(List<Long> low, List<Long> high) {
        static Padding of(LoweringContext c, OperatorNode node, Form form, Value x, Value w) {
            requireRanks(c, form, x, w);
            Padding p = new Padding(new ArrayList<>(), new ArrayList<>());
            for (int i = 0; i < form.spatial(); i++) {
                Windows place = window(node, form, x, w, i);
                p.low.add(place.low());
                p.high.add(place.high());
            }
            return p;
        }

        static Padding none(Form form) {
            List<Long> zeros = Collections.nCopies(form.spatial(), 0L);
            return new Padding(zeros, zeros);
        }

        /** With none on the axes of the batch and the channels. */
        Op.Pad around() {
            return new Op.Pad(ends(low), ends(high));
        }

        private static List<Long> ends(List<Long> spatial) {
            List<Long> all = new ArrayList<>(spatial);
            all.addFirst(0L);
            all.addLast(0L);
            return all;
        }
    }

    /** Operands in floats. */
    private static Value real(LoweringContext c, OperatorNode node, Form form, Value x, Value w) {
        GraphBuilder b = c.builder();
        Value y = channelsLast(b, convolve(c, node, form, x, w, true, DType.F32));
        Value biased = c.has(2) ? b.plus(y, c.operand(2)) : y;
        return form.activation().apply(b, biased);
    }

    private static Value hybridConvolution(LoweringContext c, OperatorNode node, Form form, HybridProducts hybrid) {
        GraphBuilder b = c.builder();
        HybridProducts.Quantized x = hybrid.quantizeBatches(b, c.operand(0));
        Value sums = channelsLast(b, convolve(c, node, form, x.integers(), c.operand(1), true, DType.I32));
        Value y = hybrid.real(b, sums, x.scales());
        return form.activation().apply(b, c.has(2) ? b.plus(y, c.operand(2)) : y);
    }

    /** Sums of (x - its zero point) (w - its zero point), channels last. */
    private static Value quantizedSums(LoweringContext c, OperatorNode node, Form form, DType dtype) {
        GraphBuilder b = c.builder();
        Quantization xq = node.inputScale(0);
        Quantization wq = node.inputScale(1);
        int zero = xq.zeroPoint(0);
        Value w = c.operand(1);
        if (w.dtype() == DType.I4) w = b.cast(w, DType.I8);
        if (node.inputType(0) == DType.U8 && !form.depthwise()) return unsignedSums(c, node, form, dtype);
        if (node.inputType(0) == DType.U8 && wq.zeroPoint(0) != 0) {
            // Products of bytes as they are would need the sums of each window's bytes: as costly where each channel
            // has its own.
            Value x = b.cast(FixedPoint.minus(b, c.operand(0), zero), DType.I16);
            Value k = b.cast(FixedPoint.minus(b, w, wq.zeroPoint(0)), DType.I16);
            return channelsLast(b, convolve(c, node, form, x, k, true, dtype));
        }
        if (zero == 0) return channelsLast(b, convolve(c, node, form, c.operand(0), w, true, dtype));
        // Around the input lie elements that stand for 0.
        Value padded = pad(c, node, form, c.operand(0), b.scalar(c.operand(0).dtype(), (long) zero));
        Value sums = channelsLast(b, convolve(c, node, form, padded, w, false, dtype));
        return b.minus(sums, b.times(kernelSums(b, form, w, dtype), b.scalar(dtype, (long) zero)));
    }

    /**
     * Sums of bytes without a sign. Weights less 128 are bytes with one; what their zero point adds is corrected for by the sums of what
     * each window holds.
     */
    private static Value unsignedSums(LoweringContext c, OperatorNode node, Form form, DType dtype) {
        GraphBuilder b = c.builder();
        int zero = node.inputScale(0).zeroPoint(0);
        int weightZero = node.inputScale(1).zeroPoint(0) - 128;
        Value w = b.cast(FixedPoint.minus(b, c.operand(1), 128), DType.I8);
        Value x = pad(c, node, form, c.operand(0), b.scalar(DType.U8, (long) zero));
        Value sums = channelsLast(b, convolve(c, node, form, x, w, false, dtype));
        Value ofWeights = b.times(kernelSums(b, form, w, dtype), b.scalar(dtype, (long) zero));
        if (weightZero == 0) return b.minus(sums, ofWeights);
        c.require(w.extent(form.kernelOrder()[1]) == x.extent(x.rank() - 1), "groups of bytes without a sign");
        List<Long> window = new ArrayList<>(List.of(1L));
        List<Long> strides = new ArrayList<>(List.of(1L));
        List<Long> dilations = new ArrayList<>(List.of(1L));
        long count = x.extent(x.rank() - 1);
        for (int i = 0; i < form.spatial(); i++) {
            window.add(w.extent(form.kernelOrder()[i + 2]));
            strides.add(form.strides().get(i));
            dilations.add(form.dilations().get(i));
            count *= window.getLast();
        }
        for (List<Long> l : List.of(window, strides, dilations)) l.add(1L);
        List<Long> none = Collections.nCopies(x.rank(), 0L);
        Value perPixel = b.sum(b.cast(x, dtype), x.rank() - 1, true);
        Value perWindow = b.add(new Op.WindowReduce(ReduceKind.SUM, window, strides, dilations, none, none), perPixel);
        Value ofInput = b.times(b.minus(perWindow, b.scalar(dtype, zero * count)), b.scalar(dtype, (long) weightZero));
        return b.minus(b.minus(sums, ofWeights), ofInput);
    }

    /** The sum of each output channel's weights. */
    private static Value kernelSums(GraphBuilder b, Form form, Value w, DType dtype) {
        int out = form.kernelOrder()[0];
        Tensor known = b.known(w);
        if (known == null) {
            List<Integer> axes = new ArrayList<>();
            for (int i = 0; i < w.rank(); i++) if (i != out) axes.add(i);
            return b.reduce(ReduceKind.SUM, b.cast(w, dtype), axes, false);
        }
        long[] sums = new long[Math.toIntExact(w.extent(out))];
        long inner = 1;
        for (int i = out + 1; i < w.rank(); i++) inner *= w.extent(i);
        for (long i = 0; i < known.elements(); i++) sums[(int) (i / inner % sums.length)] += known.getLong(i);
        Tensor t = Tensor.allocate(dtype, Shape.of(sums.length));
        for (int i = 0; i < sums.length; i++) t.setLong(i, sums[i]);
        return b.constant(t);
    }

    private static Windows window(OperatorNode node, Form form, Value x, Value w, int axis) {
        int kernelAxis = form.kernelOrder()[axis + 2];
        return Windows.place(
                node,
                form.padding(),
                x.extent(axis + 1),
                w.extent(kernelAxis),
                form.strides().get(axis),
                form.dilations().get(axis));
    }

    private static Value pad(LoweringContext c, OperatorNode node, Form form, Value x, Value value) {
        return c.builder().add(Padding.of(c, node, form, x, c.operand(1)).around(), x, value);
    }

    /** Products and their sums, channels second. */
    private static Value convolve(
            LoweringContext c, OperatorNode node, Form form, Value x, Value w, boolean padded, DType dtype) {
        GraphBuilder b = c.builder();
        requireRanks(c, form, x, w);
        Padding p = padded ? Padding.of(c, node, form, x, w) : Padding.none(form);
        long channels = x.extent(x.rank() - 1);
        long inputs = w.extent(form.kernelOrder()[1]);
        c.require(
                form.depthwise() ? inputs == 1 && w.extent(3) % channels == 0 : inputs > 0 && channels % inputs == 0,
                "the input " + x.type() + " does not fit the kernel " + w.type());
        long groups = form.depthwise() ? channels : channels / inputs;
        List<Long> ones = Collections.nCopies(form.spatial(), 1L);
        Op op = new Op.Convolution(
                form.strides(), p.low(), p.high(), ones, form.dilations(), Math.toIntExact(groups), dtype);
        return b.add(op, channelsSecond(b, x), b.transpose(w, form.kernelOrder()));
    }

    private static void requireRanks(LoweringContext c, Form form, Value x, Value w) {
        int rank = form.spatial() + 2;
        c.require(
                x.rank() == rank && w.rank() == rank,
                "input and kernel must have rank " + rank + ", found " + x.type() + " and " + w.type());
    }

    static Value channelsSecond(GraphBuilder b, Value x) {
        int[] order = new int[x.rank()];
        order[1] = x.rank() - 1;
        for (int i = 2; i < order.length; i++) order[i] = i - 1;
        return b.transpose(x, order);
    }

    static Value channelsLast(GraphBuilder b, Value x) {
        int[] order = new int[x.rank()];
        order[x.rank() - 1] = 1;
        for (int i = 1; i + 1 < order.length; i++) order[i] = i + 1;
        return b.transpose(x, order);
    }

    /** Operands: the result's shape, the kernel as outputs, height, width, inputs, the input, the bias. */
    private static Lowering.Expand transposed(OperatorNode node) {
        DType x = node.inputType(2);
        DType w = node.inputType(1);
        Activation activation = Activation.of(node, 3);
        if (x == DType.F32 && w == DType.F32) {
            return c -> {
                GraphBuilder b = c.builder();
                Value y = spread(b, Spread.of(c, node), c.operand(2), c.operand(1), DType.F32);
                return List.of(activation.apply(b, c.has(3) ? b.plus(y, c.operand(3)) : y));
            };
        }
        if (x == DType.F32 && w == DType.I8) {
            HybridProducts hybrid = HybridProducts.of(node, true);
            return c -> {
                GraphBuilder b = c.builder();
                HybridProducts.Quantized q = hybrid.quantizeBatches(b, c.operand(2));
                Value sums = spread(b, Spread.of(c, node), q.integers(), c.operand(1), DType.I32);
                Value y = hybrid.real(b, sums, q.scales());
                return List.of(activation.apply(b, c.has(3) ? b.plus(y, c.operand(3)) : y));
            };
        }
        boolean bytes = x == DType.I8 && w == DType.I8 || x == DType.U8 && w == DType.U8;
        boolean words = x == DType.I16 && w == DType.I8;
        if ((!bytes && !words) || node.outputType(0) != x) throw node.unsupportedTypes();
        boolean wide = words && (!node.hasInput(3) || node.inputType(3) == DType.I64);
        Quantization xq = node.inputScale(2);
        Quantization wq = node.inputScale(1);
        FixedPoint.Multiplier[] m = new FixedPoint.Multiplier[wq.scales().length];
        for (int i = 0; i < m.length; i++) {
            double product = x == DType.U8 ? xq.scale(0) * wq.scale(i) : (double) xq.scale(0) * wq.scale(i);
            m[i] = FixedPoint.Multiplier.of(product / node.outputScale(0).scale(0));
        }
        Rescale rescale = Rescale.to(node, m, activation, wide);
        return c -> {
            Spread s = Spread.of(c, node);
            QuantizedOp named = new QuantizedOp.TransposedConvolution(
                    s.strides(),
                    s.cut(),
                    s.extents(),
                    xq.zeroPoint(0),
                    wq.zeroPoint(0),
                    Composites.scaling(rescale),
                    Composites.clamp(rescale));
            List<Value> operands = new ArrayList<>(List.of(c.operand(2), c.operand(1)));
            if (c.has(3)) operands.add(c.operand(3));
            return List.of(Composites.of(c.builder(), named, operands, (b, in) -> {
                Value input = b.cast(FixedPoint.minus(b, in.get(0), xq.zeroPoint(0)), DType.I16);
                Value kernel = wq.zeroPoint(0) == 0
                        ? in.get(1)
                        : b.cast(FixedPoint.minus(b, in.get(1), wq.zeroPoint(0)), DType.I16);
                Value sums = spread(b, s, input, kernel, wide ? DType.I64 : DType.I32);
                return rescale.apply(b, sums, in.size() > 2 ? in.get(2) : null);
            }));
        };
    }

    /**
     * Where a transposed convolution puts what an element gives; lists have one entry a spatial axis.
     *
     * @param cut how far the result begins behind what the first element gives
     * @param extents of the result
     */
    private record Spread(List<Long> strides, List<Long> dilations, List<Long> cut, List<Long> extents) {
        static Spread of(LoweringContext c, OperatorNode node) {
            List<Long> strides = longs(node.options().integer(2), node.options().integer(1));
            return of(c, node, strides, longs(1, 1), c.operand(1));
        }

        /** @param w the kernel as outputs, spatial axes, inputs */
        static Spread of(LoweringContext c, OperatorNode node, List<Long> strides, List<Long> dilations, Value w) {
            long[] shape = c.constant(0).toLongs();
            Value x = c.operand(2);
            c.require(shape.length == strides.size() + 2, "the result must have rank " + (strides.size() + 2));
            requireSpread(c, x, w, strides.size());
            List<Long> cut = new ArrayList<>();
            List<Long> extents = new ArrayList<>();
            for (int i = 0; i < strides.size(); i++) {
                long extent = shape[i + 1];
                Windows p = Windows.place(
                        node, node.options().choice(0), extent, w.extent(i + 1), strides.get(i), dilations.get(i));
                c.require(
                        p.places() == x.extent(i + 1),
                        "a result of extent " + extent + " has an input of extent " + p.places() + ", found "
                                + x.type());
                cut.add(p.low());
                extents.add(extent);
            }
            return new Spread(strides, dilations, cut, extents);
        }
    }

    private static void requireSpread(LoweringContext c, Value x, Value w, int spatial) {
        int rank = spatial + 2;
        c.require(x.rank() == rank && w.rank() == rank, "input and kernel must have rank " + rank);
        c.require(
                x.extent(rank - 1) == w.extent(rank - 1),
                "the input " + x.type() + " does not fit the kernel " + w.type());
    }

    /** Each element of x times the kernel, laid over the result a stride apart, and summed; channels last. */
    private static Value spread(GraphBuilder b, Spread s, Value x, Value w, DType dtype) {
        int spatial = s.strides().size();
        List<Long> low = new ArrayList<>();
        List<Long> high = new ArrayList<>();
        List<Long> starts = longs(0);
        List<Long> steps = longs(1);
        int[] order = new int[spatial + 2];
        order[1] = spatial + 1;
        for (int i = 0; i < spatial; i++) {
            long cut = s.cut().get(i);
            low.add((w.extent(i + 1) - 1) * s.dilations().get(i) - cut);
            high.add(s.extents().get(i) - ((x.extent(i + 1) - 1) * s.strides().get(i) + 1) + cut);
            starts.add(w.extent(i + 1) - 1);
            steps.add(-1L);
            order[i + 2] = i + 1;
        }
        starts.add(0L);
        steps.add(1L);
        Value flipped = b.add(new Op.Slice(starts, w.shape().dims(), steps), w);
        List<Long> ones = Collections.nCopies(spatial, 1L);
        Op op = new Op.Convolution(ones, low, high, s.strides(), s.dilations(), 1, dtype);
        return channelsLast(b, b.add(op, channelsSecond(b, x), b.transpose(flipped, order)));
    }

    /** Operands as those of {@link #transposed}, but the kernel: depth, height, width, outputs, inputs. */
    private static Lowering.Expand transposedVolume(OperatorNode node) {
        Form form = Form.volume(node);
        if (node.inputType(2) != DType.F32 || node.inputType(1) != DType.F32) throw node.unsupportedTypes();
        return c -> {
            GraphBuilder b = c.builder();
            c.require(c.operand(1).rank() == 5, "the kernel is " + c.type(1) + ", expected rank 5");
            Value w = b.transpose(c.operand(1), 3, 0, 1, 2, 4);
            Value y = spread(b, Spread.of(c, node, form.strides(), form.dilations(), w), c.operand(2), w, DType.F32);
            return List.of(form.activation().apply(b, c.has(3) ? b.plus(y, c.operand(3)) : y));
        };
    }

    /** MediaPipe's own, with a bias: operands are the input, the kernel as that of {@link #transposed}, and the bias. */
    private static Lowering.Expand transposedWithBias(OperatorNode node) {
        for (int i = 0; i < 3; i++) if (node.inputType(i) != DType.F32) throw node.unsupportedTypes();
        boolean same = MediaPipeOptions.isSame(node);
        List<Long> strides = longs(MediaPipeOptions.extent(node, 2), MediaPipeOptions.extent(node, 1));
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            Value w = c.operand(1);
            requireSpread(c, x, w, 2);
            List<Long> cut = new ArrayList<>();
            List<Long> extents = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                long stride = strides.get(i);
                long window = w.extent(i + 1);
                c.require(x.extent(i + 1) > 0 && window > 0, "input and kernel must not be empty");
                long last = x.extent(i + 1) - 1;
                long total = same ? Math.max(0, window - last % stride - 1) : 0;
                cut.add(total / 2);
                extents.add(Math.addExact(Math.multiplyExact(stride, last), window - total));
            }
            Spread s = new Spread(strides, longs(1, 1), cut, extents);
            return List.of(b.plus(spread(b, s, x, w, DType.F32), c.operand(2)));
        };
    }
}
