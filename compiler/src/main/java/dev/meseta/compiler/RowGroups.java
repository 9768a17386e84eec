package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.graph.Op;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Joins groups that reduce the same rows with those that use what comes of it in the same rows: softmax, the normalisations, and
 * whatever else is built so. A joined group is one kernel ({@link RowKernel}) that passes over a row several times while it is in the
 * nearest cache; what is computed from a row is computed again in each pass.
 */
final class RowGroups {
    private static final int LARGEST = 64;

    /** Rows longer than this many bytes do not stay in the nearest cache from one pass to the next. */
    private static final long LONGEST_ROW = 256 << 10;

    private final Assembly a;
    private final Set<Group> groups;

    /** The nodes of each group, in an order in which they can run. */
    private final Map<Group, List<N>> nodes = new IdentityHashMap<>();

    private RowGroups(Assembly a, Flow flow, List<Group> groups) {
        this.a = a;
        this.groups = new LinkedHashSet<>(groups);
        for (N n : flow.nodes)
            if (n.group != null)
                nodes.computeIfAbsent(n.group, _ -> new ArrayList<>()).add(n);
    }

    /** The groups, some of them joined, in an order in which they can run. */
    static List<Group> join(Assembly a, Flow flow, List<Group> groups) {
        RowGroups r = new RowGroups(a, flow, groups);
        for (Group g : groups.reversed()) if (r.groups.contains(g)) r.join(g);
        return List.copyOf(r.groups);
    }

    /** What a row is: the shape whose last axes are reduced, and how many they are. */
    private record Space(List<Size> shape, int reduced) {}

    private void join(Group last) {
        V result = last.root.result();
        if (last.root.out.size() != 1 || !result.layout.isPlain(result.shape()) || result.whole != null) return;
        if (last.anchor != null && space(last.anchor) == null || Assembly.isAlias(result)) return;
        Space space = last.anchor != null ? space(last.anchor) : spaceBefore(last);
        if (space == null) return;
        if (last.anchor == null && !result.shape().equals(space.shape())) return;
        long bytes = result.dtype().bytes();
        for (Size s : space.shape()
                .subList(space.shape().size() - space.reduced(), space.shape().size())) bytes *= s.value();
        if (bytes > LONGEST_ROW) return;
        Set<Group> members = members(last, space);
        List<N> all = new ArrayList<>();
        for (Group g : members) all.addAll(nodesOf(g));
        all.sort(Comparator.comparingInt(n -> n.index));
        List<N> reductions = new ArrayList<>();
        List<N> moved = new ArrayList<>();
        List<Group> before = new ArrayList<>();
        for (N n : all) {
            Group own = Objects.requireNonNull(n.group);
            if (own.anchor == n) reductions.add(n);
            if (own == last) continue;
            moved.add(n);
            before.add(own);
        }
        if (reductions.isEmpty() || reductions.size() == 1 && last.anchor != null) return;
        for (N n : moved) n.group = last;
        last.reductions = List.copyOf(reductions);
        if (!a.repeats.decide(last, () -> (last.rowKernel = RowKernel.of(a, last)) != null)) {
            for (int i = 0; i < moved.size(); i++) moved.get(i).group = before.get(i);
            last.reductions = List.of();
            last.signature = null;
            return;
        }
        for (Group g : members) if (g != last) last.size += g.size;
        nodes.put(last, all);
        members.remove(last);
        groups.removeAll(members);
    }

    /** A group and those before it that compute something in the same rows for it alone. */
    private Set<Group> members(Group last, Space space) {
        Set<Group> members = new LinkedHashSet<>(Set.of(last));
        int size = last.size;
        boolean grown = true;
        while (grown) {
            grown = false;
            for (Group g : sources(members)) {
                if (!fits(g, space, members) || size + g.size > LARGEST) continue;
                members.add(g);
                size += g.size;
                grown = true;
            }
        }
        return members;
    }

    /** The groups that others read directly. */
    private Set<Group> sources(Set<Group> readers) {
        Set<Group> sources = new LinkedHashSet<>();
        for (Group g : readers)
            for (N n : nodesOf(g))
                for (V v : n.in) {
                    Group own = v.producer == null ? null : v.producer.group;
                    if (own != null && groups.contains(own) && !readers.contains(own)) sources.add(own);
                }
        return sources;
    }

    private List<N> nodesOf(Group g) {
        return nodes.getOrDefault(g, List.of());
    }

    /** The rows that a node reduces, if it is a reduction of the last axes. */
    private static @Nullable Space space(N n) {
        if (!(n.op instanceof Op.Reduce o)) return null;
        V x = n.in.getFirst();
        int rank = x.type.rank();
        int count = o.axes().size();
        if (count == 0 || count == rank || o.axes().getFirst() != rank - count) return null;
        return new Space(x.shape(), count);
    }

    /** The rows that a reduction reduces whose result a group reads and nobody else. */
    private @Nullable Space spaceBefore(Group last) {
        for (Group g : sources(Set.of(last))) {
            if (g.anchor == null || !isRead(g, Set.of(last))) continue;
            Space s = space(g.anchor);
            if (s != null && s.shape().equals(last.root.result().shape())) return s;
        }
        return null;
    }

    private boolean fits(Group g, Space space, Set<Group> members) {
        if (g.root.out.size() != 1 || !g.reductions.isEmpty() || !isRead(g, members)) return false;
        V v = g.root.result();
        if (v.whole != null || !v.layout.isPlain(v.shape()) || Assembly.isAlias(v)) return false;
        if (g.anchor != null) return space.equals(space(g.anchor));
        if (g.root.op instanceof Op.Bitcast || v.elements() == 0) return false;
        return !g.gathers && v.elements() <= Size.product(space.shape()).value();
    }

    /** Whether all that reads a group's result is in others. */
    private static boolean isRead(Group g, Set<Group> members) {
        V v = g.root.result();
        if (v.output || v.consumers.isEmpty()) return false;
        for (N c : v.consumers) if (c.group == null || !members.contains(c.group)) return false;
        return true;
    }
}
