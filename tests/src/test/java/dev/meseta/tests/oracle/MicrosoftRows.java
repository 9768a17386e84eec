package dev.meseta.tests.oracle;

import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.List;

/** Operators of ONNX Runtime's own domain, which exported and optimised models have. */
final class MicrosoftRows {
    private MicrosoftRows() {}

    static void addTo(Catalogue c) {
        plain(c);
        products(c);
        normalisations(c);
        attention(c);
        quantised(c);
    }

    private static Tensor reals(Draw d, long... extents) {
        return d.tensor(DType.F32, extents);
    }

    private static Tensor scale(Draw d) {
        return Tensor.scalar(DType.F32, d.real(0.02, 0.2));
    }

    /** Codes of the type's whole range. */
    private static Tensor codes(Draw d, DType t, Shape s) {
        return d.tensor(t, s, t.minInteger(), t.maxInteger());
    }

    private static void plain(Catalogue c) {
        c.addMicrosoft("Gelu", d -> d.node().input(d.tensor(DType.F32, d.filled(1, 4))));
        c.addMicrosoft(
                "QuickGelu",
                d -> d.node().input(d.tensor(DType.F32, d.filled(1, 4))).with(d.flag(), "alpha", d.real(0.5, 2)));
        c.addMicrosoft("BiasGelu", d -> {
            Shape s = d.filled(1, 4);
            return d.node().input(d.tensor(DType.F32, s)).operand(reals(d, s.extent(s.rank() - 1)), d.flag());
        });
        c.addMicrosoft("FastGelu", d -> {
            Shape s = d.filled(1, 4);
            NodeCase n = d.node().input(d.tensor(DType.F32, s));
            return d.flag() ? n.operand(reals(d, s.extent(s.rank() - 1)), d.flag()) : n;
        });
        c.addMicrosoft("Inverse", d -> {
            long n = d.integer(1, 5);
            Tensor x = reals(d, d.integer(1, 3), n, n);
            for (long i = 0; i < x.elements(); i++) {
                if (i / n % n == i % n) x.setDouble(i, x.getDouble(i) + 12);
            }
            return d.node().input(x);
        });
        c.addMicrosoft("Trilu", d -> {
            NodeCase n = d.node().input(d.tensor(DType.F32, d.filled(2, 4))).with(d.flag(), "upper", d.flag());
            return d.flag() ? n.input(Tensor.scalar(DType.I64, d.integer(-4, 4))) : n;
        });
        c.addMicrosoft("CDist", d -> {
            long k = d.integer(1, 20);
            return d.node()
                    .input(reals(d, d.integer(1, 9), k))
                    .input(reals(d, d.integer(1, 9), k))
                    .with("metric", d.pick("euclidean", "sqeuclidean"))
                    .tolerance(new Tolerance(5, 0));
        });
        c.addMicrosoft("CropAndResize", d -> {
            long n = d.integer(1, 2);
            long boxes = d.integer(1, 4);
            return d.node()
                    .input(reals(d, n, d.integer(1, 3), d.integer(2, 8), d.integer(2, 8)))
                    .input(d.tensor(DType.F32, Shape.of(boxes, 4), -0.2, 1.2))
                    .input(d.tensor(DType.I32, Shape.of(boxes), 0, n - 1))
                    .input(Tensor.of(new int[] {d.integer(1, 5), d.integer(1, 5)}, 2))
                    .with(d.flag(), "mode", d.pick("bilinear", "nearest"))
                    .with(d.flag(), "extrapolation_value", 1.5);
        });
    }

    private static void products(Catalogue c) {
        c.addMicrosoft("FusedMatMul", MicrosoftRows::fusedProduct);
        c.addMicrosoft("FusedGemm", d -> {
            long m = d.extent();
            long k = d.extent();
            long n = d.extent();
            boolean ta = d.flag();
            boolean tb = d.flag();
            String f = d.pick("Relu", "LeakyRelu", "Sigmoid", "Tanh");
            NodeCase g = d.node()
                    .input(ta ? reals(d, k, m) : reals(d, m, k))
                    .operand(tb ? reals(d, n, k) : reals(d, k, n), d.flag())
                    .with(ta, "transA", 1)
                    .with(tb, "transB", 1)
                    .with(d.flag(), "alpha", d.real(-2, 2))
                    .with(d.flag(), "beta", d.real(-2, 2))
                    .with("activation", f)
                    .with(f.equals("LeakyRelu"), "activation_alpha", 0.3);
            return d.flag() ? g.operand(d.tensor(DType.F32, d.broadcasting(Shape.of(m, n))), d.flag()) : g;
        });
        c.addMicrosoft("MatMulNBits", MicrosoftRows::narrowProduct);
        c.addMicrosoft("DynamicQuantizeMatMul", d -> {
            Shape[] s = {Shape.of(d.extent(), 8), Shape.of(8, d.extent())};
            long n = s[1].extent(1);
            boolean columns = d.flag();
            DType t = d.pick(DType.I8, DType.U8);
            Shape per = columns ? Shape.of(n) : Shape.of(1);
            NodeCase x = d.node()
                    .input(d.tensor(DType.F32, s[0]))
                    .operand(codes(d, t, s[1]), d.flag())
                    .operand(d.tensor(DType.F32, per, 0.02, 0.2), d.flag());
            if (d.flag()) x.operand(d.tensor(t, per), true);
            else x.none();
            // A value at the edge between two codes may fall to either side.
            x.tolerance(new Tolerance(20, 0));
            return d.flag() ? x.operand(reals(d, n), d.flag()) : x;
        });
        c.addMicrosoft("MatMulIntegerToFloat", d -> {
            long n = d.extent();
            long k = d.extent();
            DType a = d.pick(DType.U8, DType.I8);
            DType b = d.pick(DType.U8, DType.I8);
            Shape per = d.flag() ? Shape.of(n) : Shape.of(1);
            NodeCase x = d.node()
                    .input(codes(d, a, Shape.of(d.extent(), k)))
                    .operand(codes(d, b, Shape.of(k, n)), d.flag())
                    .operand(scale(d), d.flag())
                    .operand(d.tensor(DType.F32, per, 0.02, 0.2), d.flag());
            if (d.flag()) x.operand(d.tensor(a, Shape.of()), d.flag()).operand(d.tensor(b, per), true);
            else x.none().none();
            return d.flag() ? x.operand(reals(d, n), d.flag()) : x;
        });
    }

    private static NodeCase fusedProduct(Draw d) {
        long m = d.extent();
        long k = d.extent();
        long n = d.extent();
        boolean ta = d.flag();
        boolean tb = d.flag();
        Shape batch = Shape.of(d.integers(d.integer(0, 2), 1, 3));
        return d.node()
                .input(d.tensor(DType.F32, ta ? MatrixRows.join(batch, k, m) : MatrixRows.join(batch, m, k)))
                .operand(
                        d.tensor(DType.F32, tb ? MatrixRows.join(batch, n, k) : MatrixRows.join(batch, k, n)), d.flag())
                .with(ta || d.flag(), "transA", ta)
                .with(tb || d.flag(), "transB", tb)
                .with(d.flag(), "alpha", d.real(-2, 2));
    }

    private static NodeCase narrowProduct(Draw d) {
        int bits = d.pick(4, 4, 8);
        int block = d.pick(16, 32, 64);
        long k = d.integer(1, 100);
        long n = d.integer(1, 12);
        long blocks = (k + block - 1) / block;
        NodeCase c = d.node()
                .input(d.tensor(DType.F32, d.flag() ? Shape.of(d.extent(), k) : Shape.of(2, d.integer(1, 4), k)))
                .constant(d.tensor(DType.U8, Shape.of(n, blocks, (long) block * bits / 8), 0, 255))
                .constant(d.tensor(DType.F32, Shape.of(n, blocks), 0.02, 0.3));
        boolean zero = d.flag();
        if (zero) c.constant(d.tensor(DType.U8, Shape.of(n, (blocks * bits + 7) / 8), 0, 255));
        if (d.rarely(3)) {
            if (!zero) c.none();
            c.none().constant(d.tensor(DType.F32, n));
        }
        return c.with("K", k)
                .with("N", n)
                .with("bits", bits)
                .with("block_size", block)
                .output(DType.F32);
    }

    private static void normalisations(Catalogue c) {
        for (String name : List.of("SkipLayerNormalization", "SkipSimplifiedLayerNormalization")) {
            c.addMicrosoft(name, d -> {
                long w = d.integer(1, 40);
                Shape s = Shape.of(d.integer(1, 3), d.integer(1, 5), w);
                Shape skip = d.pick(s, s, Shape.of(1, s.extent(1), w), Shape.of(s.extent(1), w));
                boolean simple = name.contains("Simplified");
                NodeCase n = d.node()
                        .input(d.tensor(DType.F32, s))
                        .operand(d.tensor(DType.F32, skip), d.rarely(4))
                        .operand(reals(d, w), d.flag());
                boolean bias = d.flag();
                if (!simple) {
                    if (d.flag()) n.operand(reals(d, w), d.flag());
                    else if (bias) n.none();
                }
                if (bias) n.operand(reals(d, w), d.flag());
                n.with("epsilon", 1e-2).output(true);
                return d.flag() ? n.output(false).output(false).output(true) : n;
            });
        }
        c.addMicrosoft("EmbedLayerNormalization", d -> {
            long b = d.integer(1, 3);
            long s = d.integer(1, 6);
            long w = d.integer(1, 20);
            boolean segments = d.flag();
            NodeCase n = d.node().input(d.tensor(DType.I32, Shape.of(b, s), 0, 9));
            if (segments) n.input(d.tensor(DType.I32, Shape.of(b, s), 0, 1));
            else n.none();
            n.operand(reals(d, 10, w), d.flag()).operand(reals(d, 9, w), d.flag());
            if (segments) n.operand(reals(d, 2, w), d.flag());
            else n.none();
            n.operand(reals(d, w), d.flag()).operand(reals(d, w), d.flag());
            boolean mask = d.flag();
            if (mask) {
                Tensor m = Tensor.allocate(DType.I32, Shape.of(b, s));
                for (long i = 0; i < b; i++) {
                    int length = d.integer(1, (int) s);
                    for (long j = 0; j < length; j++) m.setLong(i * s + j, 1);
                }
                n.input(m);
            }
            return n.with("epsilon", 1e-2).output(DType.F32).output(DType.I32);
        });
    }

    private static void attention(Catalogue c) {
        c.addMicrosoft("Attention", MicrosoftRows::selfAttention);
        c.addMicrosoft("MultiHeadAttention", MicrosoftRows::multiHead);
        c.addMicrosoft("GroupQueryAttention", MicrosoftRows::grouped);
        c.addMicrosoft("RotaryEmbedding", d -> {
            long b = d.integer(1, 2);
            long s = d.integer(1, 5);
            long heads = d.integer(1, 3);
            long size = 4L * d.integer(1, 4);
            boolean offset = d.flag();
            Tensor ids = offset ? Draw.list((long) d.integer(0, 3)) : d.tensor(DType.I64, Shape.of(b, s), 0, 8);
            boolean flat = d.flag();
            return d.node()
                    .input(flat ? reals(d, b, s, heads * size) : reals(d, b, heads, s, size))
                    .input(ids)
                    .operand(d.tensor(DType.F32, Shape.of(9, size / 2), -1, 1), d.flag())
                    .operand(d.tensor(DType.F32, Shape.of(9, size / 2), -1, 1), d.flag())
                    .with(d.flag(), "interleaved", d.flag());
        });
    }

    private static NodeCase selfAttention(Draw d) {
        long b = d.integer(1, 3);
        long s = d.integer(1, 6);
        long heads = d.integer(1, 3);
        long size = d.integer(1, 6);
        long in = d.integer(1, 9);
        long past = d.rarely(3) ? d.integer(1, 4) : 0;
        boolean causal = d.rarely(3);
        long hidden = heads * size;
        NodeCase n = d.node()
                .input(reals(d, b, s, in))
                .operand(reals(d, in, 3 * hidden), true)
                .operand(reals(d, 3 * hidden), d.flag());
        long total = s + past;
        switch (d.integer(0, past > 0 || causal ? 1 : 4)) {
            case 1 -> {
                Tensor mask = d.tensor(DType.I32, Shape.of(b, total), 0, 1);
                for (long i = 0; i < b; i++) mask.setLong(i * total, 1);
                n.input(mask);
            }
            case 2 -> n.input(d.tensor(DType.I32, Shape.of(b), 1, s));
            case 3 -> {
                Tensor ends = Tensor.allocate(DType.I32, Shape.of(2 * b));
                for (long i = 0; i < b; i++) {
                    int end = d.integer(1, (int) s);
                    ends.setLong(i, end);
                    ends.setLong(b + i, d.integer(0, end - 1));
                }
                n.input(ends);
            }
            case 4 -> {
                Tensor mask = d.tensor(DType.I32, Shape.of(b, s, total), 0, 1);
                for (long i = 0; i < b * s; i++) mask.setLong(i * total, 1);
                n.input(mask);
            }
            default -> n.none();
        }
        if (past > 0) n.input(reals(d, 2, b, heads, past, size));
        else n.none();
        if (d.rarely(3)) n.input(reals(d, b, heads, s, total));
        n.with("num_heads", heads).with(causal, "unidirectional", 1).with(d.rarely(4), "scale", 0.4);
        return n.outputs(past > 0 ? 2 : 1);
    }

    private static NodeCase multiHead(Draw d) {
        long b = d.integer(1, 2);
        long s = d.integer(1, 5);
        long heads = d.integer(1, 3);
        long size = d.integer(1, 6);
        long past = d.rarely(3) ? d.integer(1, 4) : 0;
        long k = past > 0 ? s : d.integer(1, 6);
        boolean causal = d.rarely(4) && k == s;
        long hidden = heads * size;
        NodeCase n = d.node()
                .input(reals(d, b, s, hidden))
                .input(reals(d, b, k, hidden))
                .input(reals(d, b, k, hidden));
        if (d.flag()) n.operand(reals(d, 3 * hidden), d.flag());
        else n.none();
        long total = k + past;
        if (past == 0 && d.flag()) {
            Tensor mask = d.tensor(DType.I32, Shape.of(b, total), 0, 1);
            for (long i = 0; i < b; i++) mask.setLong(i * total, 1);
            n.input(mask);
        } else n.none();
        if (d.flag()) n.input(reals(d, d.flag() ? 1 : b, heads, s, total));
        else n.none();
        if (past > 0) n.input(reals(d, b, heads, past, size)).input(reals(d, b, heads, past, size));
        n.with("num_heads", heads).with(causal, "unidirectional", 1).with(d.rarely(4), "scale", 0.4);
        return n.outputs(past > 0 ? 3 : 1);
    }

    private static NodeCase grouped(Draw d) {
        long b = d.integer(1, 2);
        boolean prompt = d.flag();
        long s = prompt ? d.integer(2, 6) : 1;
        long past = prompt ? 0 : d.integer(1, 6);
        long kv = d.integer(1, 2);
        long heads = kv * d.integer(1, 3);
        long size = 16;
        boolean rotary = d.flag();
        boolean packed = d.rarely(3);
        Tensor last = d.tensor(DType.I32, Shape.of(b), prompt ? s - 1 : past, prompt ? s - 1 : past);
        NodeCase n = d.node();
        if (packed) n.input(reals(d, b, s, (heads + 2 * kv) * size)).none().none();
        else
            n.input(reals(d, b, s, heads * size))
                    .input(reals(d, b, s, kv * size))
                    .input(reals(d, b, s, kv * size));
        n.input(reals(d, b, kv, past, size)).input(reals(d, b, kv, past, size));
        n.input(last).input(Tensor.of(new int[] {(int) (past + s)}, 1));
        if (rotary)
            n.input(d.tensor(DType.F32, Shape.of(16, 8), -1, 1)).input(d.tensor(DType.F32, Shape.of(16, 8), -1, 1));
        n.with("num_heads", heads).with("kv_num_heads", kv).with(rotary, "do_rotary", 1);
        n.with(rotary && d.flag(), "rotary_interleaved", 1).with(d.rarely(3), "softcap", 2.5);
        return n.with(d.rarely(3), "local_window_size", d.integer(1, 4))
                .with(d.rarely(3), "scale", 0.4)
                .outputs(3);
    }

    private static NodeCase pair(NodeCase n, Draw d, Tensor codes, boolean constant) {
        return n.operand(codes, false)
                .operand(scale(d), constant)
                .operand(d.tensor(codes.dtype(), Shape.of()), constant);
    }

    private static NodeCase result(NodeCase n, Draw d, DType t) {
        return n.constant(Tensor.scalar(DType.F32, d.real(0.05, 0.5)))
                .constant(d.tensor(t, Shape.of()))
                .tolerance(Tolerance.ONE_STEP);
    }

    private static void quantised(Catalogue c) {
        for (String name : List.of("QLinearAdd", "QLinearMul")) {
            c.addMicrosoft(name, d -> {
                DType t = d.pick(DType.U8, DType.I8);
                Shape s = d.filled(1, 4);
                NodeCase n = pair(d.node(), d, codes(d, t, s), true);
                return result(pair(n, d, codes(d, t, d.broadcasting(s)), true), d, t);
            });
        }
        for (String name : List.of("QLinearSigmoid", "QLinearLeakyRelu")) {
            c.addMicrosoft(name, d -> {
                DType t = d.pick(DType.U8, DType.I8);
                NodeCase n = pair(d.node(), d, codes(d, t, d.filled(1, 4)), d.flag());
                return result(n, d, t).with(name.equals("QLinearLeakyRelu") && d.flag(), "alpha", 0.2);
            });
        }
        c.addMicrosoft("QLinearSoftmax", d -> {
            DType t = d.pick(DType.U8, DType.I8);
            // One element alone has a share of 1, which the oracle has no code for.
            Shape s = Shape.of(d.integers(d.integer(1, 4), 2, 6));
            boolean old = d.flag();
            return pair(d.node(), d, codes(d, t, s), true)
                    .constant(Tensor.scalar(DType.F32, 1 / 256.0))
                    .constant(Tensor.scalar(t, t.minInteger()))
                    .with("opset", old ? 12 : 13)
                    .with("axis", d.integer(0, s.rank() - 1))
                    .tolerance(Tolerance.ONE_STEP);
        });
        c.addMicrosoft("QLinearConcat", d -> {
            DType t = d.pick(DType.U8, DType.I8);
            Shape s = d.filled(1, 4);
            int axis = d.axis(s.rank());
            NodeCase n = d.node()
                    .constant(Tensor.scalar(DType.F32, d.real(0.05, 0.5)))
                    .constant(d.tensor(t, Shape.of()));
            int count = d.integer(1, 4);
            for (int i = 0; i < count; i++) {
                long[] e = s.extents();
                e[axis < 0 ? axis + e.length : axis] = d.integer(1, 5);
                pair(n, d, codes(d, t, Shape.of(e)), true);
            }
            return n.with("axis", axis).tolerance(Tolerance.ONE_STEP);
        });
        c.addMicrosoft("QLinearGlobalAveragePool", d -> {
            boolean last = d.flag();
            NodeCase n = pair(d.node(), d, codes(d, DType.U8, d.filled(4, 4)), true);
            return result(n, d, DType.U8).with(last || d.flag(), "channels_last", last);
        });
        c.addMicrosoft("QLinearAveragePool", d -> {
            long[] kernel = d.integers(2, 1, 3);
            NodeCase n = pair(
                    d.node(),
                    d,
                    codes(d, DType.U8, Shape.of(d.integer(1, 2), d.integer(1, 4), d.integer(3, 8), d.integer(3, 8))),
                    true);
            long p = Math.min(kernel[0], kernel[1]) - 1;
            return result(n, d, DType.U8)
                    .with("kernel_shape", kernel)
                    .with(d.flag(), "strides", d.integers(2, 1, 2))
                    .with(d.flag(), "pads", d.integers(4, 0, (int) p))
                    // Both at once the oracle counts what is beyond the padding, too.
                    .with(d.flag(), d.pick("count_include_pad", "ceil_mode"), 1);
        });
        c.addMicrosoft("QGemm", d -> {
            DType a = d.pick(DType.U8, DType.I8);
            DType b = a == DType.I8 ? DType.I8 : d.pick(DType.U8, DType.I8);
            long m = d.extent();
            long k = d.extent();
            long n = d.extent();
            boolean ta = d.flag();
            boolean tb = d.flag();
            boolean columns = d.flag();
            NodeCase g = d.node()
                    .input(codes(d, a, ta ? Shape.of(k, m) : Shape.of(m, k)))
                    .constant(scale(d))
                    .constant(d.tensor(a, Shape.of()))
                    .constant(codes(d, b, tb ? Shape.of(n, k) : Shape.of(k, n)))
                    .constant(d.tensor(DType.F32, columns ? Shape.of(n) : Shape.of(), 0.02, 0.2))
                    .constant(columns ? Tensor.allocate(b, Shape.of(n)) : d.tensor(b, Shape.of()));
            if (d.flag()) g.constant(d.tensor(DType.I32, Shape.of(n), -500, 500));
            else g.none();
            g.with(ta, "transA", 1).with(tb, "transB", 1).with(d.rarely(3), "alpha", 0.7);
            return d.flag() ? result(g, d, a) : g;
        });
    }
}
