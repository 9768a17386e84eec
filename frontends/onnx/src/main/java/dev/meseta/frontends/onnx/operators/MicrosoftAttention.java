package dev.meseta.frontends.onnx.operators;

import dev.meseta.frontends.onnx.operators.AttentionOperators.Operands;
import dev.meseta.frontends.onnx.operators.AttentionOperators.Settings;
import dev.meseta.frontends.onnx.operators.AttentionOperators.Shown;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The attention operators of domain {@code com.microsoft}. */
final class MicrosoftAttention {
    private MicrosoftAttention() {}

    static void register(Registry r) {
        String domain = Registry.MICROSOFT;
        r.add(domain, "Attention", 1, MicrosoftAttention::attention);
        r.add(domain, "QAttention", 1, MicrosoftAttention::quantized);
        r.add(domain, "MultiHeadAttention", 1, MicrosoftAttention::multiHead);
        r.add(domain, "GroupQueryAttention", 1, MicrosoftAttention::groupQuery);
        r.add(domain, "RotaryEmbedding", 1, MicrosoftAttention::rotary);
    }

    private record Heads(long number, boolean causal, double filter, float scale) {
        static Heads of(OperatorNode node) {
            Attributes a = node.attributes();
            long n = a.integer("num_heads");
            if (n < 1) throw node.error("num_heads " + n + " must be 1 or more");
            if (a.flag("do_rotary", false)) throw node.error("do_rotary is not supported here; use RotaryEmbedding");
            return new Heads(
                    n, a.flag("unidirectional", false), a.real("mask_filter_value", -10000), a.real("scale", 0));
        }

        Settings settings(Value q) {
            return Settings.plain(scale == 0 ? 1 / Math.sqrt((double) q.extent(3)) : scale)
                    .withCausal(causal);
        }
    }

    /** Operands: x, merged weights, bias, mask, past [2, B, N, P, D], what is added to the scores. */
    private static Lowering.Expand attention(OperatorNode node) {
        Heads heads = Heads.of(node);
        long[] sizes = node.attributes().integersOrNull("qkv_hidden_sizes");
        if (node.attributes().flag("past_present_share_buffer", false))
            throw node.error("past_present_share_buffer is not supported");
        boolean present = node.hasOutput(1);
        return c -> {
            Value x = c.operand(0);
            Value projected = MatrixOperators.matmul(c, x, c.operand(1), x.dtype());
            if (c.has(2)) projected = c.builder().plus(projected, c.operand(2));
            return merged(c, heads, projected, sizes, 3, 4, 5, present);
        };
    }

    /** Operands: x, weights, bias, scales of x and weights, mask, zero points of x and weights, past. */
    private static Lowering.Expand quantized(OperatorNode node) {
        Heads heads = Heads.of(node);
        boolean present = node.hasOutput(1);
        return c -> {
            GraphBuilder b = c.builder();
            Value sums = QuantizeOperators.integerMatmul(
                    c, c.operand(0), c.operandOrNull(6), c.operand(1), c.operandOrNull(7));
            Value scale = b.times(Shorthand.scalar(c, c.operand(3), "the input's scale"), c.operand(4));
            Value projected = b.plus(b.times(b.cast(sums, scale.dtype()), scale), c.operand(2));
            return merged(c, heads, projected, null, 5, 8, 9, present);
        };
    }

    /** From queries, keys and values beside each other [B, S, …]. */
    private static List<Value> merged(
            LoweringContext c,
            Heads heads,
            Value projected,
            long @Nullable [] sizes,
            int maskAt,
            int pastAt,
            int biasAt,
            boolean present) {
        GraphBuilder b = c.builder();
        c.require(projected.rank() == 3, "the input must be [B, S, hidden], found " + c.type(0));
        long third = projected.extent(2) / 3;
        long[] s = sizes == null ? new long[] {third, third, third} : sizes;
        c.require(
                s.length == 3 && s[0] + s[1] + s[2] == projected.extent(2),
                "the weights give " + projected.extent(2) + " columns, which are not queries, keys and values");
        Value q = AttentionOperators.splitHeads(c, b.slice(projected, 2, 0, s[0]), heads.number, "queries");
        Value k = AttentionOperators.splitHeads(c, b.slice(projected, 2, s[0], s[1]), heads.number, "keys");
        Value v = AttentionOperators.splitHeads(c, b.slice(projected, 2, s[0] + s[1], s[2]), heads.number, "values");
        long offset = 0;
        Value past = c.operandOrNull(pastAt);
        if (past != null) {
            c.require(past.rank() == 5 && past.extent(0) == 2, "past must be [2, B, N, P, D], found " + past.type());
            offset = past.extent(3);
            k = b.concat(2, b.select(past, 0, 0), k);
            v = b.concat(2, b.select(past, 0, 1), v);
        }
        Value mask = mask(c, c.operandOrNull(maskAt), q, k, offset, heads.filter);
        mask = sum(b, mask, c.operandOrNull(biasAt));
        Value y = AttentionOperators.attend(
                        c, heads.settings(q), new Operands(q, k, v, mask, null, offset), Shown.NOTHING)
                .getFirst();
        Value out = AttentionOperators.mergeHeads(b, y);
        if (!present) return List.of(out);
        return List.of(out, b.concat(0, Shorthand.unsqueeze(b, k, 0), Shorthand.unsqueeze(b, v, 0)));
    }

    private static @Nullable Value sum(GraphBuilder b, @Nullable Value x, @Nullable Value y) {
        if (x == null) return y;
        return y == null ? x : b.plus(x, b.cast(y, x.dtype()));
    }

    /**
     * A mask of any of the forms that exist as numbers to add: lengths [B], ends and starts [2B], or places [B, T], [B, S, T] or
     * [B, 1, M, M] that count where they are not 0.
     */
    private static @Nullable Value mask(
            LoweringContext c, @Nullable Value given, Value q, Value k, long offset, double filter) {
        if (given == null) return null;
        GraphBuilder b = c.builder();
        Dim batch = q.shape().dim(0);
        Dim keys = k.shape().dim(2);
        Value zero = b.scalar(given.dtype(), 0L);
        Value seen;
        if (given.rank() == 1) {
            Value at = b.iota(DType.I64, Shorthand.shape(Dim.of(1), keys), 1);
            Value wide = b.cast(given, DType.I64);
            boolean starts = given.extent(0) == 2 * batch.extent();
            c.require(
                    starts || given.extent(0) == batch.extent(),
                    "a mask of lengths must have " + batch.extent() + " or " + 2 * batch.extent() + " elements, found "
                            + given.type());
            Value ends = b.slice(wide, 0, 0, batch);
            seen = b.map(MapFunction.LT, at, Shorthand.unsqueeze(b, ends, 1));
            if (starts) {
                Value from = b.slice(wide, 0, batch.extent(), batch);
                seen = b.map(MapFunction.AND, seen, b.map(MapFunction.GE, at, Shorthand.unsqueeze(b, from, 1)));
            }
        } else {
            seen = b.map(MapFunction.NE, given, zero);
            if (given.rank() == 4) {
                seen = b.slice(seen, 2, offset, q.shape().dim(2));
                seen = b.slice(seen, 3, 0, keys);
            }
        }
        if (seen.rank() == 2) seen = Shorthand.unsqueeze(b, seen, 1);
        if (seen.rank() == 3) seen = Shorthand.unsqueeze(b, seen, 1);
        c.require(
                seen.extent(3) == keys.extent() && (seen.extent(2) == 1 || seen.extent(2) == q.extent(2)),
                "the mask " + given.type() + " does not fit " + q.extent(2) + " queries and " + keys + " keys");
        DType type = q.dtype().computeType();
        return b.select(seen, b.scalar(type, 0L), b.scalar(type, filter));
    }

    /** Operands: query, key, value, bias, padding mask of the keys, what is added to the scores, past key and value. */
    private static Lowering.Expand multiHead(OperatorNode node) {
        Heads heads = Heads.of(node);
        for (int i = 8; i < 10; i++)
            if (node.hasInput(i)) throw node.error("input " + i + " (beam search in a shared buffer) is not supported");
        boolean scores = node.hasOutput(3);
        return c -> {
            GraphBuilder b = c.builder();
            Value[] qkv = projections(c, heads.number);
            Value q = qkv[0];
            Value k = qkv[1];
            Value v = qkv[2];
            long offset = 0;
            if (c.has(6) && c.has(7)) {
                offset = c.operand(6).extent(2);
                k = b.concat(2, c.operand(6), k);
                v = b.concat(2, c.operand(7), v);
            }
            Value mask = mask(c, c.operandOrNull(4), q, k, offset, heads.filter);
            mask = sum(b, mask, c.operandOrNull(5));
            List<Value> y = AttentionOperators.attend(
                    c,
                    heads.settings(q),
                    new Operands(q, k, v, mask, null, offset),
                    scores ? Shown.RAW : Shown.NOTHING);
            Value out = AttentionOperators.mergeHeads(b, y.getFirst());
            return scores ? List.of(out, k, v, y.get(1)) : List.of(out, k, v);
        };
    }

    /** Queries, keys and values by head, with their biases. */
    private static Value[] projections(LoweringContext c, long heads) {
        GraphBuilder b = c.builder();
        Value query = c.operand(0);
        if (query.rank() == 5) {
            // [B, S, N, 3, D]
            c.require(
                    query.extent(3) == 3,
                    "packed queries, keys and values must be [B, S, N, 3, D], found " + query.type());
            return new Value[] {unpacked(b, query, 0), unpacked(b, query, 1), unpacked(b, query, 2)};
        }
        c.require(query.rank() == 3, "the query must be [B, S, hidden] or [B, S, N, 3, D], found " + query.type());
        long size = query.extent(2);
        Value q = AttentionOperators.splitHeads(c, biased(c, query, 0), heads, "query");
        Value key = c.operand(1);
        if (key.rank() == 5) return new Value[] {q, unpacked(b, key, 0), unpacked(b, key, 1)};
        Value value = c.operand(2);
        Value k = key.rank() == 4 ? key : AttentionOperators.splitHeads(c, biased(c, key, size), heads, "key");
        Value v = value.rank() == 4
                ? value
                : AttentionOperators.splitHeads(c, biased(c, value, 2 * size), heads, "value");
        return new Value[] {q, k, v};
    }

    private static Value biased(LoweringContext c, Value x, long from) {
        if (!c.has(3)) return x;
        Value bias = c.operand(3);
        c.require(
                bias.rank() == 1 && bias.extent(0) >= from + x.extent(2),
                "the bias " + bias.type() + " is too short for queries, keys and values");
        return c.builder().plus(x, c.builder().slice(bias, 0, from, x.extent(2)));
    }

    private static Value unpacked(GraphBuilder b, Value x, long which) {
        return b.transpose(b.select(x, 3, which), 0, 2, 1, 3);
    }

    /**
     * Attention with a cache. Operands: query (or all three packed), key, value, cached key and value [B, Hk, P, D], last valid positions
     * [B], total length, tables of cosines and sines, positions, what is added to the scores.
     */
    private static Lowering.Expand groupQuery(OperatorNode node) {
        Attributes a = node.attributes();
        long queryHeads = a.integer("num_heads");
        long keyHeads = a.integer("kv_num_heads");
        if (queryHeads < 1 || keyHeads < 1 || queryHeads % keyHeads != 0)
            throw node.error("num_heads " + queryHeads + " must be a multiple of kv_num_heads " + keyHeads);
        if (a.flag("smooth_softmax", false) || node.hasInput(11))
            throw node.error("smooth_softmax and head_sink are not supported");
        boolean turns = a.flag("do_rotary", false);
        boolean interleaved = a.flag("rotary_interleaved", false);
        long window = a.integer("local_window_size", -1);
        double softcap = a.real("softcap", 0);
        float scale = a.real("scale", 0);
        return c -> {
            GraphBuilder b = c.builder();
            Value[] packed = separated(c, queryHeads, keyHeads);
            Value[] qkv = packed;
            long steps = packed[0].extent(1);
            long total = Shorthand.oneLong(c, 6, "total_sequence_length");
            c.require(total >= steps, "total_sequence_length " + total + " is less than the " + steps + " new keys");
            boolean prompt = steps == total;
            Dim batch = packed[0].shape().dim(0);
            // Where the new keys go: at 0 for a prompt, else behind the valid ones of each sequence.
            Value ends =
                    b.plus(b.cast(b.reshape(c.operand(5), Shorthand.shape(batch)), DType.I64), b.scalar(DType.I64, 1L));
            Value first = prompt
                    ? Shorthand.zeros(b, DType.I64, Shorthand.shape(batch))
                    : b.minus(ends, b.scalar(DType.I64, steps));
            Value places = b.plus(
                    Shorthand.unsqueeze(b, first, 1),
                    b.iota(
                            DType.I64,
                            Shorthand.shape(Dim.of(1), packed[0].shape().dim(1)),
                            1));
            if (turns) {
                Value positions = c.has(9) ? c.operand(9) : places;
                long rotated = 2 * c.operand(7).extent(1);
                qkv = new Value[] {
                    AttentionOperators.rotary(
                            c, packed[0], c.operand(7), c.operand(8), positions, interleaved, queryHeads, rotated),
                    AttentionOperators.rotary(
                            c, packed[1], c.operand(7), c.operand(8), positions, interleaved, keyHeads, rotated),
                    packed[2]
                };
            }
            Value q = AttentionOperators.splitHeads(c, qkv[0], queryHeads, "query");
            Value k = cached(c, 3, AttentionOperators.splitHeads(c, qkv[1], keyHeads, "key"), places, total, prompt);
            Value v = cached(c, 4, AttentionOperators.splitHeads(c, qkv[2], keyHeads, "value"), places, total, prompt);
            Settings s = Settings.plain(scale == 0 ? 1 / Math.sqrt((double) q.extent(3)) : scale)
                    .withCausal(true)
                    .withSoftcap(softcap)
                    .withLeft(window > 0 ? window - 1 : -1);
            Dim seen = Dim.of(total);
            Operands o = new Operands(
                    q, b.slice(k, 2, 0, seen), b.slice(v, 2, 0, seen), c.operandOrNull(10), prompt ? null : ends, 0);
            Value y = AttentionOperators.attend(c, s, o, Shown.NOTHING).getFirst();
            return List.of(AttentionOperators.mergeHeads(b, y), k, v);
        };
    }

    /** Query, key and value [B, S, heads * D]. */
    private static Value[] separated(LoweringContext c, long queryHeads, long keyHeads) {
        GraphBuilder b = c.builder();
        Value query = c.operand(0);
        c.require(query.rank() == 3, "the query must be [B, S, hidden], found " + query.type());
        if (c.has(1)) return new Value[] {query, c.operand(1), c.operand(2)};
        long heads = queryHeads + 2 * keyHeads;
        c.require(query.extent(2) % heads == 0, "packed " + query.type() + " does not split into " + heads + " heads");
        long size = query.extent(2) / heads;
        return new Value[] {
            b.slice(query, 2, 0, queryHeads * size),
            b.slice(query, 2, queryHeads * size, keyHeads * size),
            b.slice(query, 2, (queryHeads + keyHeads) * size, keyHeads * size)
        };
    }

    /** The cache with the new part [B, Hk, S, D] at its places. */
    private static Value cached(LoweringContext c, int i, Value fresh, Value places, long total, boolean prompt) {
        GraphBuilder b = c.builder();
        Value past = c.operandOrNull(i);
        if (past == null || past.extent(2) == 0) {
            c.require(prompt, "new keys are fewer than total_sequence_length, and there is no cache");
            return fresh;
        }
        c.require(
                past.rank() == 4 && past.shape().without(2).equals(fresh.shape().without(2)),
                "the cache " + past.type() + " does not fit the new part " + fresh.type());
        Value base = total > past.extent(2) ? Shorthand.pad(b, past, 2, 0, total - past.extent(2), 0) : past;
        Value at = b.reshape(
                places,
                Shorthand.shape(places.shape().dim(0), Dim.of(1), places.shape().dim(1), Dim.of(1)));
        return b.add(new Op.ScatterElements(2, Op.Combine.SET), base, b.broadcast(at, fresh.shape()), fresh);
    }

    /** Operands: x, positions [B, S] or the first position [1], cosines, sines. */
    private static Lowering.Expand rotary(OperatorNode node) {
        Attributes a = node.attributes();
        boolean interleaved = a.flag("interleaved", false);
        long heads = a.integer("num_heads", 0);
        long rotated = a.integer("rotary_embedding_dim", 0);
        float scale = a.real("scale", 1);
        if (a.flag("is_packed_batching", false)) throw node.error("is_packed_batching is not supported");
        if (scale != 1) throw node.error("scale " + scale + " is not supported");
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            c.require(x.rank() == 3 || x.rank() == 4, "the input must have rank 3 or 4, found " + x.type());
            Dim batch = x.shape().dim(0);
            Dim steps = x.shape().dim(x.rank() - 2);
            Value positions = b.cast(c.operand(1), DType.I64);
            if (positions.rank() < 2) {
                Value first = Shorthand.scalar(c, positions, "position_ids");
                Value all = b.plus(first, b.iota(DType.I64, Shorthand.shape(Dim.of(1), steps), 1));
                positions = b.broadcast(all, Shorthand.shape(batch, steps));
            }
            long h = heads;
            if (x.rank() == 3 && h == 0) h = x.extent(2) / (2 * c.operand(2).extent(1));
            return List.of(
                    AttentionOperators.rotary(c, x, c.operand(2), c.operand(3), positions, interleaved, h, rotated));
        };
    }
}
