package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.graph.Op;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Chooses how the values between groups lie in memory. Convolutions give channels-last, so that lanes are channels: kernels need no edges
 * there and pixels need no packing. What reads values element by element takes the layout of most of what it reads; a transpose that
 * stands alone takes the one that makes it no work. What others look at as bytes, the graph's inputs and outputs among it, is row-major.
 */
final class Layouts {
    private final Map<V, Boolean> pinned = new IdentityHashMap<>();

    private Layouts() {}

    static void choose(Flow flow, List<Group> groups) {
        Layouts l = new Layouts();
        for (V v : flow.outputs) l.pinned.put(v, true);
        for (N n : flow.nodes) if (looksAtBytes(n)) for (V v : n.in) l.pinned.put(v, true);
        for (Group g : groups) l.choose(g);
        // What is a part of a part must know where that lies.
        for (Group g : groups.reversed()) if (g.root.op instanceof Op.Concat c) l.place(g, c);
    }

    private static boolean looksAtBytes(N n) {
        return switch (n.op) {
            case Op.Scan _, Op.If _, Op.While _ -> true;
            case Op.Bitcast b -> Pull.isStorageBitcast(n.in.getFirst().dtype(), b.dtype());
            default -> false;
        };
    }

    private void choose(Group g) {
        V v = g.root.result();
        if (pinned.containsKey(v) || v.type.rank() < 2) return;
        if (g.root.op instanceof Op.Transpose t && g.anchor == null) {
            V x = g.root.in.getFirst();
            if (x.isStored()) v.layout = x.layout.transposed(t.permutation());
            return;
        }
        if (v.type.rank() < 3) return;
        N anchor = g.anchor;
        if (anchor == null) {
            if (Assembly.isAlias(v)) return;
            v.layout = common(g, v);
            return;
        }
        boolean same = anchor.result().shape().equals(v.shape());
        switch (anchor.op) {
            case Op.Convolution _ -> {
                if (same) v.layout = Layout.channelsLast(v.type.rank());
            }
            case Op.WindowReduce _, Op.Concat _ -> {
                if (same) v.layout = common(g, v);
            }
            default -> {}
        }
    }

    /** How a value lies, or for one that a group computes what it reads of the same rank. */
    static Layout of(Group g, V v) {
        return v.isStored() && (v.producer == null || v.producer.group != g) ? v.layout : common(g, v);
    }

    /** Lets the operands of a concatenation be stored where they belong in the result. */
    private void place(Group g, Op.Concat o) {
        V whole = g.root.result();
        Layout.Box outer = whole.layout.box();
        Lin offset = Lin.ZERO;
        for (V part : g.root.in) {
            if (canBePart(g, part, whole)) {
                List<Lin> at = new ArrayList<>();
                for (int i = 0; i < whole.type.rank(); i++) {
                    Lin begin = outer == null ? Lin.ZERO : outer.at().get(i);
                    at.add(i == o.axis() ? begin.plus(offset) : begin);
                }
                part.whole = whole;
                part.layout = part.layout.in(new Layout.Box(outer == null ? whole.shape() : outer.shape(), at));
            }
            offset = offset.plus(Lin.of(part.shape().get(o.axis())));
        }
    }

    private boolean canBePart(Group g, V part, V whole) {
        N n = part.producer;
        if (n == null || n.group == null || n.group == g || n.group.root != n || n.out.size() != 1) return false;
        if (pinned.containsKey(part) || part.whole != null || Assembly.isAlias(part)) return false;
        if (!part.layout.order().equals(whole.layout.order()) || part.elements() == 0) return false;
        if (g.root.in.stream().filter(x -> x == part).count() > 1) return false;
        if (part.consumers.stream().anyMatch(c -> Assembly.isAlias(c.result()))) return false;
        N anchor = n.group.anchor;
        if (anchor == null) return !(n.op instanceof Op.Bitcast);
        return switch (anchor.op) {
            case Op.Convolution _, Op.Contraction _, Op.WindowReduce _, Op.Reduce _, Op.Concat _ -> true;
            default -> false;
        };
    }

    /** The layout of most of the elements that a group reads from values of the same rank. */
    private static Layout common(Group g, V v) {
        Map<Layout, Long> elements = new HashMap<>();
        count(g, v, v.type.rank(), UnaryOperator.identity(), elements, new IdentityHashMap<>());
        Layout best = Layout.plain(v.type.rank());
        long most = elements.getOrDefault(best, 0L);
        for (Map.Entry<Layout, Long> e : elements.entrySet()) {
            if (e.getValue() <= most) continue;
            best = e.getKey();
            most = e.getValue();
        }
        return best;
    }

    /**
     * Counts what a value is computed from by how it lies.
     *
     * @param seenFrom how something that lies like v lies in the terms of the value that the count is for: transposes are between
     */
    private static void count(
            Group g, V v, int rank, UnaryOperator<Layout> seenFrom, Map<Layout, Long> into, Map<V, Boolean> seen) {
        N n = v.producer;
        if (n == null) return;
        UnaryOperator<Layout> through =
                n.op instanceof Op.Transpose t && t.permutation().size() == rank
                        ? l -> seenFrom.apply(l.transposed(t.permutation()))
                        : seenFrom;
        for (V x : n.in) {
            if (seen.put(x, true) != null) continue;
            N p = x.producer;
            boolean inside = p != null && (p.group == g || p.group == null && !(p.op instanceof Op.Constant));
            if (inside) {
                count(g, x, rank, through, into, seen);
            } else if (x.type.rank() == rank && p != null && !(p.op instanceof Op.Constant)) {
                // A value whose axes out of order have extent 1 lies as any other would have it.
                if (x.layout.isPlain(x.shape()) && Layout.channelsLast(rank).isPlain(x.shape())) continue;
                into.merge(through.apply(new Layout(x.layout.order(), null)), x.elements(), Long::sum);
            }
        }
    }
}
