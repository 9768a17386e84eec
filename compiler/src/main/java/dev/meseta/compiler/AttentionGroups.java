package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds attention: a product of queries and keys, softmax over the keys, and the product of that with values, whatever is computed for
 * each score between the first two. The three become one kernel ({@link AttentionKernel}), and the scores never leave the nearest caches.
 */
final class AttentionGroups {
    /**
     * What a group of the last product computes besides.
     *
     * @param scores of the product of queries and keys
     * @param softmax of the softmax of its results
     */
    record Match(Group scores, Group softmax) {}

    private AttentionGroups() {}

    /** The groups, without those that are computed by another one now. */
    static List<Group> join(Assembly a, List<Group> groups) {
        List<Group> rest = new ArrayList<>(groups);
        for (Group g : groups) {
            Match match = match(g);
            if (match == null) continue;
            g.attention = match;
            if (!a.repeats.decide(g, () -> (g.attentionKernel = AttentionKernel.of(a, g, match)) != null)) {
                g.attention = null;
                g.signature = null;
                continue;
            }
            rest.remove(match.scores);
            rest.remove(match.softmax);
        }
        return rest;
    }

    private static @Nullable Match match(Group g) {
        if (g.anchor == null || !(g.anchor.op instanceof Op.Contraction)) return null;
        if (g.anchor.in.get(0) == g.anchor.in.get(1)) return null;
        V p = weights(g.anchor);
        Group softmax = p.producer == null ? null : p.producer.group;
        if (softmax == null || softmax == g || softmax.root != p.producer) return null;
        V s = softmaxOf(softmax);
        Group scores = s == null || s.producer == null ? null : s.producer.group;
        if (s == null || scores == null || scores.root != s.producer || scores.anchor == null) return null;
        boolean fits = scores.anchor.op instanceof Op.Contraction
                && !s.output
                && s.shape().equals(p.shape())
                && s.consumers.stream().allMatch(c -> c.group == softmax);
        return fits && isF32(p) && isF32(s) && isF32(scores.anchor.result()) && isF32(g.anchor.result())
                ? new Match(scores, softmax)
                : null;
    }

    private static boolean isF32(V v) {
        return v.dtype() == DType.F32;
    }

    /** What a product has on its left, behind reshapes that nobody else reads. */
    static V weights(N product) {
        V v = product.in.getFirst();
        while (v.producer != null && v.producer.op instanceof Op.Reshape && v.consumers.size() == 1) {
            Group own = v.producer.group;
            if (own != null && own != product.group) break;
            v = v.producer.in.getFirst();
        }
        return v;
    }

    /** What a group is the softmax of along the last axis, if it is nothing else. */
    private static @Nullable V softmaxOf(Group g) {
        V p = g.root.result();
        if (g.reductions.size() != 2 || g.anchor != null || p.output || p.consumers.size() != 1) return null;
        N sum = reduction(g, ReduceKind.SUM);
        N most = reduction(g, ReduceKind.MAX);
        if (sum == null || most == null || !isMap(g.root, MapFunction.DIV)) return null;
        N e = g.root.in.get(0).producer;
        if (e == null || !isMap(e, MapFunction.EXP) || producer(g.root.in.get(1)) != sum) return null;
        N difference = e.in.getFirst().producer;
        if (sum.in.getFirst() != e.result() || difference == null || !isMap(difference, MapFunction.SUB)) return null;
        V s = difference.in.get(0);
        return most.in.getFirst() == s && producer(difference.in.get(1)) == most ? s : null;
    }

    private static @Nullable N reduction(Group g, ReduceKind kind) {
        for (N n : g.reductions) {
            Op.Reduce o = (Op.Reduce) n.op;
            if (o.kind() == kind && o.axes().equals(List.of(n.in.getFirst().type.rank() - 1))) return n;
        }
        return null;
    }

    private static boolean isMap(N n, MapFunction f) {
        return n.op instanceof Op.Map m && m.function() == f;
    }

    /** What computes a value, but for views of it. */
    private static @Nullable N producer(V v) {
        N n = v.producer;
        while (n != null && (n.op instanceof Op.Broadcast || n.op instanceof Op.Reshape)) n = n.in.getFirst().producer;
        return n;
    }
}
