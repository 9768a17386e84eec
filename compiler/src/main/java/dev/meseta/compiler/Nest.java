package dev.meseta.compiler;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The loops of a kernel: shapes of index spaces (such as what is kept and what is reduced), each walked by loops of its own. Loops are
 * split where an index divides by a literal, so that the division vanishes, and adjacent loops become one where all that is computed
 * depends on their joint position alone.
 */
final class Nest {
    /** What is computed in the loops. */
    interface Body {
        /**
         * @param points makes the points
         * @param index for each space, the index of an element
         * @return all that is computed
         */
        List<Point> at(Points points, List<List<Lin>> index);

        /** What is computed besides when the loops are decided, from the innermost of them; added to the result. */
        default List<Point> inside(Points points, List<List<Lin>> index, Atom innermost) {
            return List.of();
        }
    }

    private final List<List<Size>> spaces;
    private final Body body;
    private List<List<Size>> extents;
    private List<List<Atom>> loops = List.of();
    private List<List<Lin>> index = List.of();
    private List<Point> result = List.of();
    private Points points = new Points();

    private Nest(List<List<Size>> spaces, Body body) {
        this.spaces = spaces;
        this.body = body;
        this.extents = spaces.stream()
                .map(s -> s.stream().filter(d -> !d.is(1)).toList())
                .toList();
    }

    static Nest of(List<List<Size>> spaces, Body body) {
        Nest n = new Nest(spaces, body);
        n.build();
        for (int round = 0; round < 4 && n.split(); round++) n.build();
        if (n.merge()) n.build();
        List<Atom> last = n.loops.getLast();
        if (!last.isEmpty()) {
            n.result = Stream.concat(n.result.stream(), body.inside(n.points, n.index, last.getLast()).stream())
                    .toList();
        }
        return n;
    }

    /** The loops of a space, outermost first. */
    List<Atom> loops(int space) {
        return loops.get(space);
    }

    List<Point> result() {
        return result;
    }

    Points points() {
        return points;
    }

    private void build() {
        points = new Points();
        List<List<Atom>> all = new ArrayList<>();
        index = new ArrayList<>();
        for (int s = 0; s < spaces.size(); s++) {
            List<Atom> own = extents.get(s).stream().map(points::loop).toList();
            all.add(own);
            List<Size> walked = extents.get(s);
            boolean empty = walked.stream().anyMatch(e -> e.value() == 0);
            index.add(
                    empty
                            ? spaces.get(s).stream().map(_ -> Lin.ZERO).toList()
                            : points.reshaped(walked, own.stream().map(Lin::of).toList(), spaces.get(s)));
        }
        loops = all;
        result = body.at(points, index);
    }

    private boolean split() {
        for (Atom a : reachable().atoms) {
            Lin of;
            Size by;
            if (a.form() instanceof Atom.Quotient q) {
                of = q.of();
                by = q.by();
            } else if (a.form() instanceof Atom.Remainder r) {
                of = r.of();
                by = r.by();
            } else {
                continue;
            }
            Atom loop = of.atom();
            if (loop == null || !(loop.form() instanceof Atom.Loop)) continue;
            Size outer = loop.extent().over(by);
            if (outer == null || outer.is(1) || outer.value() <= 0) continue;
            replace(loop, outer, by);
            return true;
        }
        return false;
    }

    private void replace(Atom loop, Size outer, Size inner) {
        List<List<Size>> next = new ArrayList<>();
        for (int s = 0; s < loops.size(); s++) {
            List<Size> e = new ArrayList<>();
            for (Atom a : loops.get(s)) {
                if (a == loop) e.add(outer);
                e.add(a == loop ? inner : a.extent());
            }
            next.add(e);
        }
        extents = next;
    }

    private boolean merge() {
        Set<Lin> lins = reachable().lins;
        boolean merged = false;
        List<List<Size>> next = new ArrayList<>();
        for (List<Atom> own : loops) {
            List<Size> e = new ArrayList<>();
            for (int i = 0; i < own.size(); i++) {
                if (i > 0 && lins.stream().allMatch(joint(own.get(i - 1), own.get(i)))) {
                    e.add(e.removeLast().times(own.get(i).extent()));
                    merged = true;
                } else {
                    e.add(own.get(i).extent());
                }
            }
            next.add(e);
        }
        extents = next;
        return merged;
    }

    private static java.util.function.Predicate<Lin> joint(Atom outer, Atom inner) {
        return l -> {
            List<Size> a = l.coefficients(outer);
            List<Size> b = l.coefficients(inner);
            if (a.size() != b.size()) return false;
            for (Size x : b) if (!a.contains(x.times(inner.extent()))) return false;
            return true;
        };
    }

    /** How many points there are. */
    int size() {
        Map<Object, Boolean> seen = new IdentityHashMap<>();
        for (Point p : result) visit(p, new Reachable(new HashSet<>(), new ArrayList<>()), seen);
        return seen.size();
    }

    /** How well memory is read in order along a loop: loads of consecutive elements count for it, others against. */
    static int order(Point p, Atom loop) {
        Map<Object, Boolean> seen = new IdentityHashMap<>();
        visit(p, new Reachable(new HashSet<>(), new ArrayList<>()), seen);
        int score = 0;
        for (Object o : seen.keySet()) {
            if (!(o instanceof Point q && q.form() instanceof Point.Load l)
                    || (l.offset().vars() & loop.vars()) == 0) continue;
            Size c = l.offset().isOpaqueIn(loop) ? null : l.offset().coefficient(loop);
            score += c != null && c.is(1) ? 1 : -1;
        }
        return score;
    }

    /** What a computation is made of. */
    private record Reachable(Set<Lin> lins, List<Atom> atoms) {}

    private Reachable reachable() {
        Reachable r = new Reachable(new HashSet<>(), new ArrayList<>());
        Map<Object, Boolean> seen = new IdentityHashMap<>();
        for (Point p : result) visit(p, r, seen);
        return r;
    }

    private static void visit(@Nullable Point p, Reachable r, Map<Object, Boolean> seen) {
        if (p == null || seen.put(p, true) != null) return;
        switch (p.form()) {
            case Point.Load l -> {
                visit(l.offset(), r, seen);
                visit(l.mask(), r, seen);
            }
            case Point.Number n -> visit(n.index(), r, seen);
            case Point.Apply a -> a.operands().forEach(o -> visit(o, r, seen));
            case Point.Convert c -> visit(c.operand(), r, seen);
            case Point.Bits b -> visit(b.operand(), r, seen);
            case Point.Checked c -> {
                visit(c.position(), r, seen);
                visit(c.mask(), r, seen);
            }
            case Point.Real _, Point.Int _, Point.Given _ -> {}
        }
    }

    private static void visit(Lin l, Reachable r, Map<Object, Boolean> seen) {
        if (!r.lins.add(l)) return;
        for (Lin.Term t : l.terms()) {
            Atom a = t.atom();
            if (a == null || seen.put(a, true) != null) continue;
            r.atoms.add(a);
            switch (a.form()) {
                case Atom.Quotient q -> visit(q.of(), r, seen);
                case Atom.Remainder m -> visit(m.of(), r, seen);
                case Atom.Least m -> {
                    visit(m.a(), r, seen);
                    visit(m.b(), r, seen);
                }
                case Atom.Read d -> visit(d.point(), r, seen);
                case Atom.Loop _ -> {}
            }
        }
    }
}
