package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.graph.Op;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
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
    private final List<Group> groups;

    private RowGroups(Assembly a, List<Group> groups) {
        this.a = a;
        this.groups = groups;
    }

    /** The groups, some of them joined, in an order in which they can run. */
    static List<Group> join(Assembly a, Flow flow, List<Group> groups) {
        RowGroups r = new RowGroups(a, new ArrayList<>(groups));
        for (Group g : groups.reversed()) if (r.groups.contains(g)) r.join(flow, g);
        return r.groups;
    }

    /** What a row is: the shape whose last axes are reduced, and how many they are. */
    private record Space(List<Size> shape, int reduced) {}

    private void join(Flow flow, Group last) {
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
        Set<Group> members = new HashSet<>(Set.of(last));
        int size = last.size;
        boolean grown = true;
        while (grown) {
            grown = false;
            for (Group g : groups) {
                if (members.contains(g) || !fits(g, space, members) || size + g.size > LARGEST) continue;
                members.add(g);
                size += g.size;
                grown = true;
            }
        }
        List<N> reductions = flow.nodes.stream()
                .filter(n -> n.group != null && members.contains(n.group) && n.group.anchor == n)
                .toList();
        if (reductions.isEmpty() || reductions.size() == 1 && last.anchor != null) return;
        List<N> moved = flow.nodes.stream()
                .filter(n -> n.group != null && n.group != last && members.contains(n.group))
                .toList();
        List<Group> before = moved.stream().map(n -> n.group).toList();
        for (N n : moved) n.group = last;
        last.reductions = reductions;
        if (RowKernel.of(a, last) == null) {
            for (int i = 0; i < moved.size(); i++) moved.get(i).group = before.get(i);
            last.reductions = List.of();
            return;
        }
        last.size = size;
        groups.removeIf(g -> g != last && members.contains(g));
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
        for (Group g : groups) {
            if (g == last || g.anchor == null || !isRead(g, Set.of(last))) continue;
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
        return v.consumers.stream().allMatch(c -> c.group != null && members.contains(c.group));
    }
}
