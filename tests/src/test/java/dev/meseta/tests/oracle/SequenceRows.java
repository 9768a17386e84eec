package dev.meseta.tests.oracle;

import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Operators over time: recurrence, attention, signals. */
final class SequenceRows {
    private SequenceRows() {}

    static void addTo(Catalogue c) {
        c.add("RNN", List.of(7, 14, 22), d -> recurrent(d, 1, List.of("Tanh"), 1));
        c.add("GRU", List.of(7, 14, 22), d -> recurrent(d, 3, List.of("Sigmoid", "Tanh"), 1));
        c.add("LSTM", List.of(7, 14, 22), d -> recurrent(d, 4, List.of("Sigmoid", "Tanh", "Tanh"), 2));
        c.add("Attention", List.of(23), SequenceRows::attention);
        c.add("RotaryEmbedding", List.of(23), SequenceRows::rotary);
        c.add("DFT", List.of(17, 20), SequenceRows::fourier);
        c.add("STFT", List.of(17), d -> {
            int length = d.integer(4, 12);
            int step = d.integer(1, 5);
            long signal = length + step * (long) d.integer(0, 4) + d.integer(0, 2);
            boolean window = d.flag();
            NodeCase n = d.node()
                    .input(d.tensor(DType.F32, d.integer(1, 2), signal, 1))
                    .constant(Tensor.scalar(DType.I64, step));
            if (window) n.operand(d.tensor(DType.F32, Shape.of(length), 0, 1), d.flag());
            else n.none();
            if (!window || d.flag()) n.constant(Tensor.scalar(DType.I64, length));
            return n.with(d.flag(), "onesided", d.flag());
        });
        for (String name : List.of("BlackmanWindow", "HannWindow", "HammingWindow")) {
            // A symmetric window of one place is 0 / 0 by the letter.
            c.add(
                    name,
                    List.of(17),
                    d -> d.node()
                            .operand(Tensor.scalar(d.pick(DType.I64, DType.I32), d.integer(2, 20)), d.flag())
                            .with(d.flag(), "periodic", d.flag())
                            .with(d.flag(), "output_datatype", (long) NodeCase.number(d.pick(DType.F32, DType.F64))
                                    .getNumber()));
        }
        c.add(
                "MelWeightMatrix",
                List.of(17),
                d -> d.node()
                        .constant(Tensor.scalar(DType.I64, d.integer(2, 12)))
                        .constant(Tensor.scalar(DType.I64, d.integer(16, 64)))
                        .constant(Tensor.scalar(DType.I64, d.pick(8000, 16000)))
                        .constant(Tensor.scalar(DType.F32, d.integer(0, 200)))
                        .constant(Tensor.scalar(DType.F32, d.integer(2000, 4000))));
    }

    /** Activations with no parameters, or with defaults that ONNX states. */
    private static final List<String> PLAIN =
            List.of("Relu", "Tanh", "Sigmoid", "Softsign", "Softplus", "LeakyRelu", "HardSigmoid", "Elu");

    /** Activations with two parameters each. */
    private static final List<String> WITH_PARAMETERS = List.of("Affine", "ScaledTanh", "HardSigmoid");

    private static final List<String> GATES = List.of("Sigmoid", "HardSigmoid");

    private static NodeCase recurrent(Draw d, int gates, List<String> usual, int states) {
        DType t = DType.F32;
        String direction = d.pick("forward", "reverse", "bidirectional");
        long dirs = direction.equals("bidirectional") ? 2 : 1;
        // The oracle has the other layout for none of the three.
        long steps = d.integer(1, 6);
        long batch = d.integer(1, 3);
        long in = d.integer(1, 5);
        long hidden = d.integer(1, 6);
        boolean constant = d.flag();
        NodeCase n = d.node()
                .input(d.tensor(t, steps, batch, in))
                .operand(d.tensor(t, Shape.of(dirs, gates * hidden, in), -1, 1), constant)
                .operand(d.tensor(t, Shape.of(dirs, gates * hidden, hidden), -1, 1), constant);
        optional(n, d.flag() ? d.tensor(t, Shape.of(dirs, 2L * gates * hidden), -1, 1) : null);
        optional(n, d.flag() ? d.tensor(DType.I32, Shape.of(batch), 1, steps) : null);
        for (int i = 0; i < states; i++)
            optional(n, d.flag() ? d.tensor(t, Shape.of(dirs, batch, hidden), -1, 1) : null);
        if (gates == 4) {
            optional(n, d.flag() ? d.tensor(t, Shape.of(dirs, 3 * hidden), -1, 1) : null);
            n.with(d.rarely(4), "input_forget", 1);
        }
        if (gates == 3) n.with(d.flag(), "linear_before_reset", d.flag());
        n.with("hidden_size", hidden).with(!direction.equals("forward") || d.flag(), "direction", direction);
        n.with(d.rarely(3), "clip", d.real(0.3, 2));
        if (d.rarely(3)) {
            boolean parameters = d.flag();
            List<String> names = new ArrayList<>();
            for (int i = 0; i < dirs * usual.size(); i++) {
                // A gate without bounds lets the state grow until one of the two overflows.
                boolean gate = i % usual.size() == 0 && usual.size() > 1;
                names.add(
                        gate
                                ? (parameters ? "HardSigmoid" : d.pick(GATES))
                                : d.pick(parameters ? WITH_PARAMETERS : PLAIN));
            }
            n.with("activations", names);
            n.with(parameters, "activation_alpha", d.reals(names.size(), 0.2, 0.9));
            n.with(parameters, "activation_beta", d.reals(names.size(), 0.2, 0.9));
        }
        n.output(true).output(true);
        return states == 2 ? n.output(d.flag()) : n;
    }

    private static void optional(NodeCase n, Tensor t) {
        if (t == null) n.none();
        else n.input(t);
    }

    private static NodeCase attention(Draw d) {
        DType t = d.pick(DType.F32, DType.F32, DType.F16);
        long b = d.integer(1, 2);
        long kv = d.integer(1, 3);
        long heads = kv * d.integer(1, 2);
        long q = d.integer(1, 5);
        long past = d.rarely(3) ? d.integer(1, 4) : 0;
        long k = d.integer(1, 6);
        long size = 2L * d.integer(1, 4);
        long values = d.flag() ? size : d.integer(1, 8);
        boolean flat = d.flag();
        NodeCase n = d.node()
                .input(d.tensor(t, flat ? Shape.of(b, q, heads * size) : Shape.of(b, heads, q, size)))
                .input(d.tensor(t, flat ? Shape.of(b, k, kv * size) : Shape.of(b, kv, k, size)))
                .input(d.tensor(t, flat ? Shape.of(b, k, kv * values) : Shape.of(b, kv, k, values)));
        // A single query the oracle lets see everything.
        boolean causal = q > 1 && d.flag();
        boolean mask = d.flag();
        // What is masked, the oracle shows as the smallest number, ONNX as minus infinity.
        boolean scores = t == DType.F32 && d.flag();
        long total = k + past;
        if (mask) {
            Shape s = d.pick(
                    Shape.of(q, total), Shape.of(b, 1, q, total), Shape.of(b, heads, q, total), Shape.of(1, q, total));
            Tensor m = !scores && d.flag() ? d.tensor(DType.BOOL, s) : d.tensor(t, s);
            // A row without any place to look at has no answer.
            if (m.dtype() == DType.BOOL) for (long i = 0; i < m.elements(); i += total) m.setLong(i, 1);
            n.input(m);
        } else n.none();
        if (past > 0) n.input(d.tensor(t, b, kv, past, size)).input(d.tensor(t, b, kv, past, values));
        n.with(flat, "q_num_heads", heads).with(flat, "kv_num_heads", kv).with(causal || d.flag(), "is_causal", causal);
        n.with(d.flag(), "scale", d.real(0.1, 0.9)).with(d.rarely(3), "softcap", d.real(1, 5));
        int mode = d.integer(0, 3);
        n.with(scores && d.flag(), "qk_matmul_output_mode", mode);
        n.output(true).output(past > 0).output(past > 0);
        return scores ? n.output(true) : n;
    }

    private static NodeCase rotary(Draw d) {
        DType t = d.pick(DType.F32, DType.F16);
        long b = d.integer(1, 2);
        long s = d.integer(1, 5);
        long heads = d.integer(1, 3);
        long size = 4L * d.integer(1, 3);
        boolean flat = d.flag();
        boolean partial = d.rarely(3) && size > 4;
        long rotated = partial ? size - 4 : size;
        boolean ids = d.flag();
        Shape table = ids ? Shape.of(s + 3, rotated / 2) : Shape.of(b, s, rotated / 2);
        NodeCase n = d.node()
                .input(d.tensor(t, flat ? Shape.of(b, s, heads * size) : Shape.of(b, heads, s, size)))
                .operand(d.tensor(t, table, -1, 1), d.flag())
                .operand(d.tensor(t, table, -1, 1), d.flag());
        if (ids) n.input(d.tensor(DType.I64, Shape.of(b, s), 0, s + 2));
        return n.with(flat || d.flag(), "num_heads", heads)
                .with(partial, "rotary_embedding_dim", rotated)
                .with(d.flag(), "interleaved", d.flag());
    }

    private static NodeCase fourier(Draw d) {
        DType t = d.pick(DType.F32, DType.F64);
        boolean inverse = d.rarely(3);
        boolean oneSided = !inverse && d.flag();
        Shape s = MatrixRows.join(d.filled(2, 3), oneSided ? 1 : d.integer(1, 2));
        int axis = d.integer(d.since(20) ? -s.rank() : 0, s.rank() - 2);
        if (axis == -1) axis = -2;
        NodeCase n = d.node().input(d.tensor(t, s)).with(inverse || d.flag(), "inverse", inverse);
        n.with(oneSided || d.flag(), "onesided", oneSided);
        if (d.flag()) n.constant(Tensor.scalar(DType.I64, d.integer(1, 9)));
        else n.none();
        return d.since(20) ? n.constant(Tensor.scalar(DType.I64, axis)) : n.with("axis", axis);
    }
}
