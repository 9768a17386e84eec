package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Attention and what goes with it. */
final class AttentionOperators {
    private AttentionOperators() {}

    static void register(Registry r) {
        r.expand("Attention", 23, AttentionOperators::attention);
        r.expand("RotaryEmbedding", 23, node -> {
            Attributes a = node.attributes();
            boolean interleaved = a.flag("interleaved", false);
            long heads = a.integer("num_heads", 0);
            long rotated = a.integer("rotary_embedding_dim", 0);
            return c -> List.of(rotary(
                    c, c.operand(0), c.operand(1), c.operand(2), c.operandOrNull(3), interleaved, heads, rotated));
        });
        r.expand("LinearAttention", 27, AttentionOperators::linear);
        r.add(Registry.PREVIEW, "FlexAttention", 1, FlexibleAttention::define);
    }

    /**
     * What an attention computes beside its operands.
     *
     * @param scale of the scores
     * @param softcap scores become softcap * tanh(scores / softcap); 0 for not
     * @param softmax element type of the softmax; null for that of the scores
     * @param causal whether query i sees key j only if j <= i + offset
     * @param left how many keys before its own a query sees; -1 for all
     * @param right how many after it; -1 for all
     */
    record Settings(double scale, double softcap, @Nullable DType softmax, boolean causal, long left, long right) {
        static Settings plain(double scale) {
            return new Settings(scale, 0, null, false, -1, -1);
        }

        Settings withCausal(boolean on) {
            return new Settings(scale, softcap, softmax, on, left, right);
        }

        Settings withLeft(long keys) {
            return new Settings(scale, softcap, softmax, causal, keys, right);
        }

        Settings withSoftcap(double cap) {
            return new Settings(scale, cap, softmax, causal, left, right);
        }

        boolean positional() {
            return causal || left >= 0 || right >= 0;
        }
    }

    /** What the optional second result shows of the scores. */
    enum Shown {
        NOTHING,
        RAW,
        CAPPED,
        BIASED,
        PROBABILITIES
    }

    /**
     * The operands of an attention, by head.
     *
     * @param q [B, Hq, Sq, D]
     * @param k [B, Hk, Sk, D], Hq a multiple of Hk
     * @param v [B, Hk, Sk, Dv]
     * @param mask broadcasts to [B, Hq, Sq, Sk]: BOOL (true: take part) or a float that is added to the scores
     * @param valid I64 [B]: how many of the keys there are; the last query is at the last of them
     * @param offset position of the first query among the keys, where there is no {@code valid}
     */
    record Operands(
            Value q,
            Value k,
            Value v,
            @Nullable Value mask,
            @Nullable Value valid,
            long offset) {}

    /** The result [B, Hq, Sq, Dv] in q's type, and the scores as shown [B, Hq, Sq, Sk]. */
    static List<Value> attend(LoweringContext c, Settings s, Operands o, Shown shown) {
        requireFit(c, o);
        List<Value> operands = new ArrayList<>(List.of(o.q, o.k, o.v));
        if (o.mask != null) operands.add(o.mask);
        if (o.valid != null) operands.add(o.valid);
        Map<String, Object> attributes = new HashMap<>();
        attributes.put("scale", s.scale);
        attributes.put("softcap", s.softcap);
        attributes.put("causal", s.causal);
        attributes.put("left", s.left);
        attributes.put("right", s.right);
        attributes.put("offset", o.offset);
        attributes.put("mask", o.mask != null);
        attributes.put("valid", o.valid != null);
        attributes.put("softmax", s.softmax == null ? "" : s.softmax.text());
        attributes.put("shown", shown.name().toLowerCase(java.util.Locale.ROOT));
        return c.builder().composite("attention", attributes, operands, (b, in) -> {
            int next = 3;
            Value mask = o.mask == null ? null : in.get(next++);
            Value valid = o.valid == null ? null : in.get(next);
            return body(b, s, new Operands(in.get(0), in.get(1), in.get(2), mask, valid, o.offset), shown);
        });
    }

    private static void requireFit(LoweringContext c, Operands o) {
        Shape q = o.q.shape();
        Shape k = o.k.shape();
        Shape v = o.v.shape();
        boolean fits = q.rank() == 4 && k.rank() == 4 && v.rank() == 4;
        fits = fits && q.extent(0) == k.extent(0) && q.extent(0) == v.extent(0) && q.extent(3) == k.extent(3);
        fits = fits && k.extent(1) == v.extent(1) && k.extent(2) == v.extent(2);
        fits = fits && k.extent(1) > 0 && q.extent(1) % k.extent(1) == 0;
        c.require(
                fits,
                "queries " + o.q.type() + ", keys " + o.k.type() + " and values " + o.v.type()
                        + " do not fit: expected [B, Hq, Sq, D], [B, Hk, Sk, D] and [B, Hk, Sk, Dv] with Hq a multiple of Hk");
    }

    private static List<Value> body(GraphBuilder b, Settings s, Operands o, Shown shown) {
        DType type = o.q.dtype().computeType();
        Value root = b.scalar(type, Math.sqrt(s.scale));
        Value raw = scores(b, b.times(b.cast(o.q, type), root), b.times(b.cast(o.k, type), root));
        Value capped = raw;
        if (s.softcap != 0) {
            Value cap = b.scalar(type, s.softcap);
            capped = b.times(b.map(MapFunction.TANH, b.divide(raw, cap)), cap);
        }
        Value bias = bias(b, s, o, raw);
        Value biased = bias == null ? capped : b.plus(capped, bias);
        Value p = Shorthand.softmax(b, s.softmax == null ? biased : b.cast(biased, s.softmax));
        if (bias != null) {
            // A row in which every key is masked gives zeros, not 0/0.
            Value most = b.reduce(ReduceKind.MAX, bias, List.of(bias.rank() - 1), true);
            Value masked = b.map(MapFunction.EQ, most, b.scalar(type, Double.NEGATIVE_INFINITY));
            p = b.select(masked, Shorthand.like(b, p, 0), p);
        }
        Value y = b.cast(weighted(b, b.cast(p, type), b.cast(o.v, type)), o.q.dtype());
        Value show = switch (shown) {
            case NOTHING -> null;
            case RAW -> raw;
            case CAPPED -> capped;
            case BIASED -> biased;
            case PROBABILITIES -> p;
        };
        return show == null ? List.of(y) : List.of(y, b.cast(show, o.q.dtype()));
    }

    /** [B, Hq, Sq, Sk]; the queries of all heads that share a key's head are rows of one product. */
    static Value scores(GraphBuilder b, Value q, Value k) {
        Value y = b.add(
                new Op.Contraction(List.of(0, 1), List.of(0, 1), List.of(3), List.of(3), q.dtype()),
                grouped(b, q, k),
                k);
        return b.reshape(
                y,
                Shorthand.shape(
                        q.shape().dim(0),
                        q.shape().dim(1),
                        q.shape().dim(2),
                        k.shape().dim(2)));
    }

    static Value weighted(GraphBuilder b, Value p, Value v) {
        Value y = b.add(
                new Op.Contraction(List.of(0, 1), List.of(0, 1), List.of(3), List.of(2), p.dtype()),
                grouped(b, p, v),
                v);
        return b.reshape(
                y,
                Shorthand.shape(
                        p.shape().dim(0),
                        p.shape().dim(1),
                        p.shape().dim(2),
                        v.shape().dim(3)));
    }

    private static Value grouped(GraphBuilder b, Value q, Value k) {
        Dim share = Shorthand.over(q.shape().dim(1), k.extent(1));
        return b.reshape(
                q,
                Shorthand.shape(
                        q.shape().dim(0),
                        k.shape().dim(1),
                        share.times(q.shape().dim(2)),
                        q.shape().dim(3)));
    }

    /** What is added to the scores: 0 or -infinity, or a mask's own numbers; null for nothing. */
    private static @Nullable Value bias(GraphBuilder b, Settings s, Operands o, Value scores) {
        Value zero = Shorthand.like(b, scores, 0);
        Value never = Shorthand.like(b, scores, Double.NEGATIVE_INFINITY);
        Value bias = null;
        Value allowed = null;
        if (o.mask != null) {
            Value mask = o.mask;
            long missing = o.k.extent(2) - mask.extent(mask.rank() - 1);
            if (missing > 0 && mask.extent(mask.rank() - 1) > 1) {
                double filling = mask.dtype() == DType.BOOL ? 0 : Double.NEGATIVE_INFINITY;
                if (mask.dtype() != DType.BOOL) mask = b.cast(mask, scores.dtype());
                mask = Shorthand.pad(b, mask, mask.rank() - 1, 0, missing, filling);
            }
            if (mask.dtype() == DType.BOOL) allowed = mask;
            else bias = b.cast(mask, scores.dtype());
        }
        Value keys = b.iota(DType.I64, Shorthand.shape(Dim.of(1), o.k.shape().dim(2)), 1);
        if (s.positional()) allowed = and(b, allowed, window(b, s, o, keys));
        if (o.valid != null) allowed = and(b, allowed, b.map(MapFunction.LT, keys, Shorthand.along(b, o.valid, 0, 4)));
        if (allowed == null) return bias;
        return b.select(allowed, bias == null ? zero : bias, never);
    }

    private static Value and(GraphBuilder b, @Nullable Value x, Value y) {
        return x == null ? y : b.map(MapFunction.AND, x, y);
    }

    private static Value window(GraphBuilder b, Settings s, Operands o, Value keys) {
        Dim queries = o.q.shape().dim(2);
        Value at = b.iota(DType.I64, Shorthand.shape(queries, Dim.of(1)), 0);
        if (o.valid == null) {
            if (o.offset != 0) at = b.plus(at, b.scalar(DType.I64, o.offset));
        } else {
            Value first = b.minus(o.valid, b.scalar(DType.I64, queries.extent()));
            at = b.plus(at, Shorthand.along(b, first, 0, 4));
        }
        Value seen = null;
        if (s.causal) seen = b.map(MapFunction.LE, keys, at);
        if (s.left >= 0) seen = and(b, seen, b.map(MapFunction.GE, keys, b.minus(at, b.scalar(DType.I64, s.left))));
        if (s.right >= 0) seen = and(b, seen, b.map(MapFunction.LE, keys, b.plus(at, b.scalar(DType.I64, s.right))));
        return java.util.Objects.requireNonNull(seen, "a window has a bound");
    }

    /** [B, S, H * D] as [B, H, S, D]. */
    static Value splitHeads(LoweringContext c, Value x, long heads, String what) {
        c.require(
                x.rank() == 3 && heads > 0 && x.extent(2) % heads == 0,
                what + " " + x.type() + " does not split into " + heads + " heads");
        GraphBuilder b = c.builder();
        Dim size = Shorthand.over(x.shape().dim(2), heads);
        return b.transpose(Shorthand.split(b, x, 2, Dim.of(heads), size), 0, 2, 1, 3);
    }

    /** [B, H, S, D] as [B, S, H * D]. */
    static Value mergeHeads(GraphBuilder b, Value x) {
        return Shorthand.merge(b, b.transpose(x, 0, 2, 1, 3), 2, 4);
    }

    private static Lowering.Expand attention(OperatorNode node) {
        Attributes a = node.attributes();
        long queryHeads = a.integer("q_num_heads", 0);
        long keyHeads = a.integer("kv_num_heads", 0);
        boolean causal = a.flag("is_causal", false);
        double softcap = a.real("softcap", 0);
        DType softmax =
                a.has("softmax_precision") ? ElementTypes.attribute(node, "softmax_precision", DType.F32) : null;
        if (softmax != null && !(softmax.isFloat() && softmax.isArithmetic()))
            throw node.error("softmax_precision " + softmax + " is not a float type of 16 bits or more");
        long left = a.integer("left_window_size", -1);
        long right = a.integer("right_window_size", -1);
        if (left < -1 || right < -1)
            throw node.error("window sizes must be -1 or more, found " + left + " and " + right);
        long mode = a.integer("qk_matmul_output_mode", 0);
        if (mode < 0 || mode > 3) throw node.error("qk_matmul_output_mode " + mode + " is outside [0, 3]");
        float scale = a.real("scale", Float.NaN);
        Shown shown = node.hasOutput(3) ? Shown.values()[(int) mode + 1] : Shown.NOTHING;
        return c -> {
            GraphBuilder b = c.builder();
            Value q = c.operand(0);
            Value k = c.operand(1);
            Value v = c.operand(2);
            boolean packed = q.rank() == 3;
            if (packed) {
                q = splitHeads(c, q, queryHeads, "Q");
                k = splitHeads(c, k, keyHeads, "K");
                v = splitHeads(c, v, keyHeads, "V");
            }
            c.require(c.has(4) == c.has(5), "past_key and past_value must be given together");
            c.require(!c.has(4) || !c.has(6), "nonpad_kv_seqlen cannot be combined with past_key");
            long offset = 0;
            if (c.has(4)) {
                c.require(
                        c.operand(4).rank() == 4 && c.operand(5).rank() == 4,
                        "past_key and past_value must have rank 4");
                offset = c.operand(4).extent(2);
                k = b.concat(2, c.operand(4), k);
                v = b.concat(2, c.operand(5), v);
            }
            c.require(
                    q.rank() == 4 && k.rank() == 4 && v.rank() == 4,
                    "Q, K and V must all have rank 3 or all 4, found " + c.type(0) + ", " + c.type(1) + " and "
                            + c.type(2));
            c.require(
                    !c.has(6)
                            || c.operand(6).rank() == 1
                                    && c.operand(6).extent(0) == q.extent(0)
                                    && c.operand(6).dtype() == DType.I64,
                    "nonpad_kv_seqlen must be an i64 for each of " + q.extent(0) + " batches, found "
                            + (c.has(6) ? c.type(6) : "none"));
            double factor = Float.isNaN(scale) ? 1 / Math.sqrt(q.extent(3)) : scale;
            Settings s = new Settings(factor, softcap, softmax, causal, left, right);
            List<Value> y = attend(c, s, new Operands(q, k, v, c.operandOrNull(3), c.operandOrNull(6), offset), shown);
            Value out = packed ? mergeHeads(b, y.getFirst()) : y.getFirst();
            return shown == Shown.NOTHING ? List.of(out, k, v) : List.of(out, k, v, y.get(1));
        };
    }

    /**
     * Rotates pairs of elements of each head by angles that depend on the position.
     *
     * @param x [B, H, S, D], or [B, S, H * D] with {@code heads}
     * @param cosines [positions, half] with {@code positions}, else [B, S, half]
     * @param positions I64 [B, S], or null
     * @param interleaved pairs are neighbours; else element i goes with i + half
     * @param rotated how many elements of a head turn, from the front; 0 for all
     */
    static Value rotary(
            LoweringContext c,
            Value x,
            Value cosines,
            Value sines,
            @Nullable Value positions,
            boolean interleaved,
            long heads,
            long rotated) {
        GraphBuilder b = c.builder();
        boolean packed = x.rank() == 3;
        c.require(packed || x.rank() == 4, "the input must have rank 3 or 4, found " + x.type());
        c.require(
                !packed || heads > 0 && x.extent(2) % heads == 0,
                "num_heads " + heads + " does not divide " + x.type());
        // [B, S, H, D]
        Value v = packed
                ? Shorthand.split(
                        b, x, 2, Dim.of(heads), Shorthand.over(x.shape().dim(2), heads))
                : b.transpose(x, 0, 2, 1, 3);
        long size = v.extent(3);
        long turned = rotated == 0 ? size : rotated;
        c.require(
                turned > 0 && turned <= size && turned % 2 == 0,
                "rotary_embedding_dim " + turned + " must be even and at most the head size " + size);
        Value cos = angles(c, cosines, positions, v, turned / 2, "cos_cache");
        Value sin = angles(c, sines, positions, v, turned / 2, "sin_cache");
        Value turning = b.slice(v, 3, 0, turned);
        Dim half = Dim.of(turned / 2);
        Value first = interleaved ? b.slice(turning, 3, 0, half, 2) : b.slice(turning, 3, 0, half);
        Value second = interleaved ? b.slice(turning, 3, 1, half, 2) : b.slice(turning, 3, turned / 2, half);
        Value real = b.minus(b.times(cos, first), b.times(sin, second));
        Value imaginary = b.plus(b.times(sin, first), b.times(cos, second));
        Value y = interleaved
                ? b.reshape(
                        b.concat(4, Shorthand.unsqueeze(b, real, 4), Shorthand.unsqueeze(b, imaginary, 4)),
                        turning.shape())
                : b.concat(3, real, imaginary);
        if (turned < size) y = b.concat(3, y, b.slice(v, 3, turned, size - turned));
        return packed ? b.reshape(y, x.shape()) : b.transpose(y, 0, 2, 1, 3);
    }

    /** [B or 1, S, 1, half]. */
    private static Value angles(
            LoweringContext c, Value table, @Nullable Value positions, Value v, long half, String what) {
        GraphBuilder b = c.builder();
        Value t = positions == null ? table : b.add(new Op.Gather(0), table, b.cast(positions, DType.I64));
        c.require(
                t.rank() == 3
                        && t.extent(2) == half
                        && t.extent(1) == v.extent(1)
                        && (t.extent(0) == v.extent(0) || t.extent(0) == 1),
                what + " gives " + t.type() + " for the input's positions, expected [" + v.extent(0) + ", "
                        + v.extent(1) + ", " + half + "]");
        return b.cast(Shorthand.unsqueeze(b, t, 2), v.dtype());
    }

    /** A recurrence over the sequence with a matrix for each head as its state; in F32. */
    private static Lowering.Expand linear(OperatorNode node) {
        Attributes a = node.attributes();
        long queryHeads = a.integer("q_num_heads");
        long keyHeads = a.integer("kv_num_heads");
        String rule = a.string("update_rule", "gated_delta");
        float scale = a.real("scale", 0);
        if (!List.of("linear", "gated", "delta", "gated_delta").contains(rule))
            throw node.error("update_rule '" + rule + "' is not one of linear, gated, delta, gated_delta");
        if (keyHeads < 1 || queryHeads < 1 || queryHeads % keyHeads != 0)
            throw node.error("q_num_heads " + queryHeads + " must be a multiple of kv_num_heads " + keyHeads);
        boolean gated = rule.startsWith("gated");
        boolean delta = rule.endsWith("delta");
        return c -> linear(c, queryHeads, keyHeads, gated, delta, scale);
    }

    private static List<Value> linear(
            LoweringContext c, long queryHeads, long keyHeads, boolean gated, boolean delta, float scale) {
        GraphBuilder b = c.builder();
        Value q = timeFirst(c, c.operand(0), queryHeads, "query");
        Value k = timeFirst(c, c.operand(1), keyHeads, "key");
        Value v = timeFirst(c, c.operand(2), keyHeads, "value");
        Dim batch = q.shape().dim(1);
        Shape state = Shorthand.shape(
                batch, Dim.of(keyHeads), k.shape().dim(3), v.shape().dim(3));
        if (c.has(3))
            c.require(c.operand(3).shape().equals(state), "past_state must be " + state + ", found " + c.type(3));
        Value start = c.has(3) ? b.cast(c.operand(3), DType.F32) : Shorthand.zeros(b, DType.F32, state);
        List<Value> scanned = new ArrayList<>(List.of(q, k, v));
        if (gated) {
            Value g = c.operand(4);
            c.require(
                    g.rank() == 3 && (g.extent(2) == keyHeads || g.extent(2) == keyHeads * k.extent(3)),
                    "decay must have " + keyHeads + " or " + keyHeads * k.extent(3) + " as its last extent, found "
                            + g.type());
            scanned.add(timeFirst(c, g, keyHeads, "decay"));
        }
        if (delta) {
            Value beta = c.operand(5);
            c.require(
                    beta.rank() == 3 && (beta.extent(2) == keyHeads || beta.extent(2) == 1),
                    "beta must have " + keyHeads + " or 1 as its last extent, found " + beta.type());
            scanned.add(timeFirst(c, beta, beta.extent(2), "beta"));
        }
        double factor = scale == 0 ? 1 / Math.sqrt(k.extent(3)) : scale;
        List<Value> operands = new ArrayList<>(List.of(start));
        operands.addAll(scanned);
        List<TensorType> types = new ArrayList<>(List.of(start.type()));
        for (Value s : scanned) types.add(s.type().with(s.shape().without(0)));
        var body = b.body("linear_attention", types, (g, in) -> step(g, in, gated, delta, factor));
        List<Value> results = b.addAll(new Op.Scan(body, 1, scanned.size(), q.extent(0), false), operands);
        DType type = c.operand(0).dtype();
        // [T, B, H, D] to [B, T, H * D]
        Value y = Shorthand.merge(b, b.transpose(results.get(1), 1, 0, 2, 3), 2, 4);
        return List.of(
                b.cast(y, type),
                b.cast(results.getFirst(), c.has(3) ? c.operand(3).dtype() : type));
    }

    /** State, q, k, v, then the gate and the update rate where there are such; gives the next state and the step's result. */
    private static List<Value> step(GraphBuilder b, List<Value> in, boolean gated, boolean delta, double scale) {
        Value state = in.get(0);
        Value q = in.get(1);
        Value k = in.get(2);
        Value v = in.get(3);
        if (gated) state = b.times(state, Shorthand.unsqueeze(b, Shorthand.exp(b, in.get(4)), 3));
        if (delta) {
            // What the state holds for this key is taken off the value, so that writing replaces it.
            Value held = b.add(
                    new Op.Contraction(List.of(0, 1), List.of(0, 1), List.of(2), List.of(2), DType.F32), state, k);
            v = b.times(in.get(gated ? 5 : 4), b.minus(v, held));
        }
        state = b.plus(state, b.times(Shorthand.unsqueeze(b, k, 3), Shorthand.unsqueeze(b, v, 2)));
        Value rows = b.reshape(
                q,
                Shorthand.shape(
                        q.shape().dim(0),
                        k.shape().dim(1),
                        Dim.of(q.extent(1) / k.extent(1)),
                        q.shape().dim(2)));
        Value y =
                b.add(new Op.Contraction(List.of(0, 1), List.of(0, 1), List.of(3), List.of(2), DType.F32), rows, state);
        y = b.reshape(
                y, Shorthand.shape(q.shape().dim(0), q.shape().dim(1), v.shape().dim(2)));
        return List.of(state, b.times(y, Shorthand.like(b, y, scale)));
    }

    /** [B, T, H * D] as [T, B, H, D] in F32. */
    private static Value timeFirst(LoweringContext c, Value x, long heads, String what) {
        c.require(
                x.rank() == 3 && x.extent(2) % heads == 0,
                what + " " + x.type() + " does not split into " + heads + " heads");
        GraphBuilder b = c.builder();
        Dim size = Shorthand.over(x.shape().dim(2), heads);
        Value v = Shorthand.split(b, b.cast(x, DType.F32), 2, Dim.of(heads), size);
        return b.transpose(v, 1, 0, 2, 3);
    }
}
