package dev.meseta.tests.oracle;

import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.Arrays;
import java.util.List;

/** Operators with windows over space: convolution, pooling, resampling. */
final class WindowRows {
    private WindowRows() {}

    /** How a window moves. Extents of 0 mean that an attribute is not given. */
    private record Window(
            int rank, long[] input, long[] kernel, long[] strides, long[] dilations, long[] pads, String auto) {

        void attributes(Draw d, NodeCase n, boolean dilated) {
            n.with(!auto.equals("NOTSET") || d.rarely(4), "auto_pad", auto);
            n.with(!all(strides, 1) || d.flag(), "strides", strides);
            n.with(dilated && (!all(dilations, 1) || d.rarely(4)), "dilations", dilations);
            n.with(auto.equals("NOTSET") && (!all(pads, 0) || d.rarely(4)), "pads", pads);
        }

        static boolean all(long[] v, long x) {
            return Arrays.stream(v).allMatch(e -> e == x);
        }

        long[] with(long n, long c) {
            long[] e = new long[rank + 2];
            e[0] = n;
            e[1] = c;
            System.arraycopy(input, 0, e, 2, rank);
            return e;
        }
    }

    /** A window that fits its input, and whose padding is smaller than the kernel. */
    private static Window window(Draw d, int rank, boolean dilated, boolean automatic) {
        long[] input = new long[rank];
        long[] kernel = new long[rank];
        long[] strides = new long[rank];
        long[] dilations = new long[rank];
        long[] pads = new long[2 * rank];
        boolean plain = d.flag();
        for (int i = 0; i < rank; i++) {
            kernel[i] = d.integer(1, rank == 3 ? 3 : 4);
            strides[i] = d.flag() ? 1 : d.integer(1, 3);
            dilations[i] = dilated && !plain ? d.integer(1, 2) : 1;
            long effective = (kernel[i] - 1) * dilations[i] + 1;
            input[i] = effective + d.integer(0, rank == 1 ? 30 : rank == 2 ? 9 : 3);
            pads[i] = d.flag() ? 0 : d.integer(0, (int) kernel[i] - 1);
            pads[rank + i] = d.flag() ? pads[i] : d.integer(0, (int) kernel[i] - 1);
        }
        String auto = automatic && d.rarely(3) ? d.pick("SAME_UPPER", "SAME_LOWER", "VALID") : "NOTSET";
        return new Window(rank, input, kernel, strides, dilations, pads, auto);
    }

    /** A window for pooling. With padding by name, the oracle forgets the dilations, and takes what a stride skips for padding. */
    private static Window pooling(Draw d, int rank, boolean dilated) {
        Window w = window(d, rank, dilated, true);
        if (w.auto().startsWith("SAME")) {
            Arrays.fill(w.dilations(), 1);
            for (int i = 0; i < rank; i++) w.strides()[i] = Math.min(w.strides()[i], w.kernel()[i]);
        }
        return w;
    }

    static void addTo(Catalogue c) {
        c.add("Conv", List.of(1, 11, 22), WindowRows::convolution);
        c.add("ConvTranspose", List.of(1, 11, 22), WindowRows::transposed);
        c.add("ConvInteger", List.of(10), WindowRows::integers);
        c.add("QLinearConv", List.of(10), WindowRows::quantised);
        c.add("MaxPool", List.of(1, 8, 10, 11, 12, 22), WindowRows::largest);
        c.add("AveragePool", List.of(1, 7, 10, 11, 19, 22), WindowRows::average);
        c.add("LpPool", List.of(2, 11, 18, 22), d -> {
            Window w = pooling(d, d.integer(d.since(11) ? 1 : 2, 3), d.since(18));
            NodeCase n = pool(d, w, DType.F32).with(d.flag(), "p", d.integer(1, 3));
            w.attributes(d, n, d.since(18));
            return n.with(d.since(18) && ceiling(d, w), "ceil_mode", 1);
        });
        c.add(
                "GlobalMaxPool",
                List.of(1, 22),
                d -> d.node().input(d.tensor(d.pick(DType.F32, DType.F64), d.filled(3, 5))));
        c.add(
                "GlobalAveragePool",
                List.of(1, 22),
                d -> d.node().input(d.tensor(d.pick(DType.F32, DType.F64), d.filled(3, 5))));
        c.add(
                "GlobalLpPool",
                List.of(2, 22),
                d -> d.node().input(d.tensor(DType.F32, d.filled(3, 5))).with(d.flag(), "p", d.integer(1, 3)));
        c.add("MaxUnpool", List.of(9, 11, 22), WindowRows::unpool);
        c.add("Col2Im", List.of(18), WindowRows::columns);
        c.add("DepthToSpace", List.of(1, 11, 13), d -> {
            int b = d.integer(1, 3);
            return d.node()
                    .input(d.tensor(
                            d.pick(DType.F32, DType.F64),
                            d.integer(1, 2),
                            (long) b * b * d.integer(1, 3),
                            d.integer(1, 5),
                            d.integer(1, 5)))
                    .with("blocksize", b)
                    .with(d.since(11) && d.flag(), "mode", d.pick("DCR", "CRD"));
        });
        c.add("SpaceToDepth", List.of(1, 13), d -> {
            int b = d.integer(1, 3);
            return d.node()
                    .input(d.tensor(
                            d.pick(DType.F32, DType.F64),
                            d.integer(1, 2),
                            d.integer(1, 3),
                            (long) b * d.integer(1, 5),
                            (long) b * d.integer(1, 5)))
                    .with("blocksize", b);
        });
        c.addOld("Upsample", List.of(7, 9), d -> {
            boolean linear = d.flag();
            Shape s = linear ? d.filled(4, 4) : d.filled(1, 4);
            float[] scales = new float[s.rank()];
            for (int i = 0; i < scales.length; i++)
                scales[i] = linear && i < 2 ? 1 : linear ? d.pick(1f, 2f, 1.5f, 2.7f, 3f) : d.pick(1f, 2f, 1.5f, 3f);
            NodeCase n = d.node().input(d.tensor(DType.F32, s)).with("mode", linear ? "linear" : "nearest");
            return d.since(9) ? n.constant(Draw.list(scales)) : n.with("scales", scales);
        });
        c.add("Resize", List.of(10, 11, 13, 18, 19), ResizeRows::resize);
        c.add("GridSample", List.of(16, 20, 22), ResizeRows::gridSample);
        c.add("AffineGrid", List.of(20), ResizeRows::affineGrid);
        c.add("RoiAlign", List.of(10, 16, 22), ResizeRows::roiAlign);
        c.add("MaxRoiPool", List.of(1, 22), ResizeRows::maxRoiPool);
        c.add("DeformConv", List.of(19, 22), WindowRows::deformed);
    }

    private static Shape weights(long out, long in, long[] kernel) {
        long[] e = new long[kernel.length + 2];
        e[0] = out;
        e[1] = in;
        System.arraycopy(kernel, 0, e, 2, kernel.length);
        return Shape.of(e);
    }

    private record Channels(int groups, long in, long out) {
        static Channels of(Draw d) {
            int groups = d.flag() ? 1 : d.integer(1, 4);
            long in = d.rarely(5) ? d.integer(5, 20) : d.integer(1, 4);
            long out = d.rarely(5) ? d.integer(5, 20) : d.integer(1, 4);
            return d.rarely(4) ? new Channels((int) in, 1, d.integer(1, 2)) : new Channels(groups, in, out);
        }
    }

    private static NodeCase convolution(Draw d) {
        DType t = d.pick(DType.F32, DType.F32, DType.F16, DType.F64);
        Window w = window(d, d.integer(1, 3), true, true);
        Channels ch = Channels.of(d);
        NodeCase n = d.node()
                .input(d.tensor(t, w.with(d.integer(1, 2), ch.groups() * ch.in())))
                .operand(d.tensor(t, weights(ch.groups() * ch.out(), ch.in(), w.kernel())), d.flag());
        if (d.flag()) n.operand(d.tensor(t, ch.groups() * ch.out()), d.flag());
        w.attributes(d, n, true);
        return n.with(ch.groups() > 1, "group", ch.groups()).with(d.flag(), "kernel_shape", w.kernel());
    }

    private static NodeCase transposed(Draw d) {
        DType t = d.pick(DType.F32, DType.F32, DType.F16);
        Window w = window(d, d.integer(1, 3), true, true);
        Channels ch = Channels.of(d);
        NodeCase n = d.node()
                .input(d.tensor(t, w.with(d.integer(1, 2), ch.groups() * ch.in())))
                .operand(d.tensor(t, weights(ch.groups() * ch.in(), ch.out(), w.kernel())), d.flag());
        if (d.flag()) n.operand(d.tensor(t, ch.groups() * ch.out()), d.flag());
        w.attributes(d, n, true);
        n.with(ch.groups() > 1, "group", ch.groups()).with(d.flag(), "kernel_shape", w.kernel());
        long[] extra = new long[w.rank()];
        for (int i = 0; i < extra.length; i++) {
            extra[i] = d.integer(0, (int) Math.max(0, Math.max(w.strides()[i], w.dilations()[i]) - 1));
        }
        if (d.flag()) n.with("output_padding", extra);
        else if (d.rarely(3)) {
            long[] shape = new long[w.rank()];
            for (int i = 0; i < shape.length; i++)
                shape[i] = w.strides()[i] * (w.input()[i] - 1)
                        + (w.kernel()[i] - 1) * w.dilations()[i]
                        + 1
                        - d.integer(0, (int) w.kernel()[i] - 1);
            n.with("output_shape", shape);
        }
        return n;
    }

    private static NodeCase integers(Draw d) {
        DType x = d.pick(DType.U8, DType.U8, DType.I8);
        DType y = d.pick(DType.U8, DType.I8);
        Window w = window(d, d.integer(1, 2), true, true);
        Channels ch = Channels.of(d);
        NodeCase n = d.node()
                .input(d.extreme(x, Shape.of(w.with(d.integer(1, 2), ch.groups() * ch.in()))))
                .operand(d.extreme(y, weights(ch.groups() * ch.out(), ch.in(), w.kernel())), d.flag());
        if (d.flag()) {
            n.operand(d.tensor(x, Shape.of()), d.flag());
            if (d.flag()) n.operand(d.tensor(y, d.flag() ? Shape.of() : Shape.of(ch.groups() * ch.out())), d.flag());
        }
        w.attributes(d, n, true);
        return n.with(ch.groups() > 1, "group", ch.groups());
    }

    private static NodeCase quantised(Draw d) {
        DType x = d.pick(DType.U8, DType.I8);
        DType y = x == DType.I8 ? DType.I8 : d.pick(DType.U8, DType.I8);
        Window w = window(d, d.integer(1, 2), true, true);
        Channels ch = Channels.of(d);
        long outs = ch.groups() * ch.out();
        boolean perChannel = d.flag();
        NodeCase n = d.node()
                .input(d.tensor(
                        x, Shape.of(w.with(d.integer(1, 2), ch.groups() * ch.in())), x.minInteger(), x.maxInteger()))
                .constant(Tensor.scalar(DType.F32, d.real(0.01, 0.1)))
                .constant(d.tensor(x, Shape.of()))
                .constant(d.tensor(y, weights(outs, ch.in(), w.kernel()), y.minInteger(), y.maxInteger()))
                .constant(d.tensor(DType.F32, perChannel ? Shape.of(outs) : Shape.of(), 0.01, 0.1))
                .constant(perChannel ? Tensor.allocate(y, Shape.of(outs)) : d.tensor(y, Shape.of()))
                .constant(Tensor.scalar(DType.F32, d.real(0.05, 0.9)))
                .constant(d.tensor(x, Shape.of()));
        if (d.flag()) n.constant(d.tensor(DType.I32, Shape.of(outs), -2000, 2000));
        w.attributes(d, n, true);
        return n.with(ch.groups() > 1, "group", ch.groups()).tolerance(Tolerance.ONE_STEP);
    }

    private static NodeCase pool(Draw d, Window w, DType t) {
        Tensor x = d.tensor(t, w.with(d.integer(1, 2), d.integer(1, 3)));
        return d.node().input(x).with("kernel_shape", w.kernel());
    }

    /** Whether to round the output's extents up. With padding by name, there is nothing to round. */
    private static boolean ceiling(Draw d, Window w) {
        return w.auto().equals("NOTSET") && d.flag();
    }

    private static NodeCase largest(Draw d) {
        DType t = d.since(12) ? d.pick(DType.F32, DType.F32, DType.F64, DType.F16, DType.I8, DType.U8) : DType.F32;
        Window w = pooling(d, d.integer(1, 3), d.since(10));
        NodeCase n = pool(d, w, t);
        w.attributes(d, n, d.since(10));
        boolean indices = d.since(8) && d.rarely(3);
        return n.with(d.since(10) && ceiling(d, w), "ceil_mode", 1)
                .with(indices && d.flag(), "storage_order", d.flag())
                .outputs(indices ? 2 : 1);
    }

    private static NodeCase average(Draw d) {
        DType t = d.pick(DType.F32, DType.F32, DType.F16);
        Window w = pooling(d, d.integer(1, 3), d.since(19));
        NodeCase n = pool(d, w, t);
        w.attributes(d, n, d.since(19));
        return n.with(d.since(10) && ceiling(d, w), "ceil_mode", 1)
                .with(d.since(7) && d.flag(), "count_include_pad", d.flag());
    }

    private static NodeCase unpool(Draw d) {
        int rank = d.integer(1, 3);
        long[] in = new long[rank + 2];
        long[] kernel = new long[rank];
        long[] full = new long[rank + 2];
        in[0] = full[0] = d.integer(1, 2);
        in[1] = full[1] = d.integer(1, 3);
        for (int i = 0; i < rank; i++) {
            kernel[i] = d.integer(1, 3);
            in[i + 2] = d.integer(1, 4);
            full[i + 2] = in[i + 2] * kernel[i];
        }
        Tensor x = d.tensor(DType.F32, in);
        Tensor at = Tensor.allocate(DType.I64, Shape.of(in));
        long room = Shape.of(full).elements() / at.elements();
        // Every index once: what two values at one place leave there is not said.
        for (long i = 0; i < at.elements(); i++) at.setLong(i, i * room + d.integer(0, (int) room - 1));
        // With a shape of the output's own, the oracle takes the indices for ones into it; ONNX means the shape
        // without.
        return d.node().input(x).input(at).with("kernel_shape", kernel).with("strides", kernel);
    }

    private static NodeCase columns(Draw d) {
        int rank = d.integer(1, 3);
        // The oracle is wrong about dilations but in two dimensions.
        Window w = window(d, rank, rank == 2, false);
        long blocks = 1;
        long size = 1;
        for (int i = 0; i < rank; i++) {
            long effective = (w.kernel()[i] - 1) * w.dilations()[i] + 1;
            blocks *= (w.input()[i] + w.pads()[i] + w.pads()[rank + i] - effective) / w.strides()[i] + 1;
            size *= w.kernel()[i];
        }
        return d.node()
                .input(d.tensor(DType.F32, d.integer(1, 2), size * d.integer(1, 3), blocks))
                .operand(Draw.list(w.input()), d.flag())
                .operand(Draw.list(w.kernel()), d.flag())
                .with("strides", w.strides())
                .with("dilations", w.dilations())
                .with("pads", w.pads());
    }

    private static NodeCase deformed(Draw d) {
        DType t = d.pick(DType.F32, DType.F32, DType.F64);
        Window w = window(d, 2, true, false);
        int groups = d.integer(1, 2);
        int offsets = d.integer(1, 2);
        long in = 2L * d.integer(1, 2);
        long out = (long) groups * d.integer(1, 3);
        long batch = d.integer(1, 2);
        long[] o = new long[2];
        for (int i = 0; i < 2; i++) {
            long effective = (w.kernel()[i] - 1) * w.dilations()[i] + 1;
            o[i] = (w.input()[i] + w.pads()[i] + w.pads()[2 + i] - effective) / w.strides()[i] + 1;
        }
        long taps = w.kernel()[0] * w.kernel()[1];
        NodeCase n = d.node()
                .input(d.tensor(t, w.with(batch, in)))
                .operand(d.tensor(t, weights(out, in / groups, w.kernel())), d.flag())
                .input(d.tensor(t, batch, offsets * 2 * taps, o[0], o[1]));
        boolean bias = d.flag();
        boolean mask = d.flag();
        if (bias) n.operand(d.tensor(t, out), d.flag());
        if (mask && !bias) n.none();
        if (mask) n.input(d.tensor(t, Shape.of(batch, offsets * taps, o[0], o[1]), 0, 1));
        return n.with("kernel_shape", w.kernel())
                .with("strides", w.strides())
                .with("dilations", w.dilations())
                .with("pads", w.pads())
                .with(groups > 1, "group", groups)
                .with(offsets > 1, "offset_group", offsets);
    }
}
