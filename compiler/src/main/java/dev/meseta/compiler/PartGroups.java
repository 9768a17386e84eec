package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.CommandList;
import dev.meseta.graph.DType;
import dev.meseta.graph.Op;
import dev.meseta.graph.Op.Cast.Rounding;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Joins a product whose result is read in parts of equal length, such as the gates of a recurrent cell or the two halves of a gated layer,
 * with what is computed from elements of the parts at the same place: a tile then has columns of every part, and what is made of them is
 * computed from sums that are still in registers. So a step of an LSTM is one launch. The parts themselves are stored only where somebody
 * else reads them.
 */
final class PartGroups {
    private static final int MOST_PARTS = 4;

    private final Assembly a;
    private final List<Group> groups;

    private PartGroups(Assembly a, List<Group> groups) {
        this.a = a;
        this.groups = groups;
    }

    /** The groups, without those that are computed by another one now, in an order in which they can run. */
    static List<Group> join(Assembly a, List<Group> groups) {
        if (a.target.lockstep()) return groups;
        PartGroups p = new PartGroups(a, new ArrayList<>(groups));
        for (Group g : groups) p.join(g);
        return p.groups;
    }

    private void join(Group product) {
        N anchor = product.anchor;
        V v = product.root.result();
        if (anchor == null || !(anchor.op instanceof Op.Contraction) || product.attention != null || !isPlain(v))
            return;
        if (!v.dtype().isFloat() || Type.widened(v.dtype()) != v.dtype() || v.type.rank() == 0) return;
        if (!v.shape().equals(anchor.result().shape())) return;
        Set<Group> readers = new LinkedHashSet<>();
        readers(v, readers);
        List<Group> members = new ArrayList<>();
        int parts = 0;
        for (Group g : groups) {
            if (!readers.contains(g)) continue;
            int of = parts(v, g);
            if (of < 2 || of > MOST_PARTS || parts != 0 && of != parts) continue;
            parts = of;
            members.add(g);
        }
        if (members.isEmpty() || !isApart(product, members)) return;
        boolean stored = v.output || !members.containsAll(readers);
        CommandList.Launch launch = launch(product, members, parts, stored);
        if (launch == null) return;
        product.parts = launch;
        int last = groups.indexOf(members.getLast());
        groups.add(last + 1, product);
        groups.remove(product);
        groups.removeAll(members);
    }

    private static void readers(V v, Set<Group> into) {
        for (N c : v.consumers) {
            if (c.group != null) into.add(c.group);
            else readers(c.result(), into);
        }
    }

    private static boolean isPlain(V v) {
        return v.producer != null
                && v.producer.out.size() == 1
                && v.whole == null
                && v.elements() > 0
                && v.layout.isPlain(v.shape());
    }

    /** Of how many parts of a value a group computes something of a part's shape; 0 if that is not what it does. */
    private static int parts(V v, Group g) {
        V r = g.root.result();
        if (g.anchor != null || !g.reductions.isEmpty() || g.attention != null || g.gathers || !isPlain(r)) return 0;
        if (g.root.op instanceof Op.Bitcast || Assembly.isAlias(r) || r.type.rank() != v.type.rank()) return 0;
        if (r.dtype() != v.dtype()) return 0;
        int last = v.type.rank() - 1;
        Size whole = v.shape().get(last);
        Size part = r.shape().get(last);
        if (!whole.isLiteral() || !part.isLiteral() || part.value() == 0 || whole.value() % part.value() != 0) return 0;
        return v.shape().subList(0, last).equals(r.shape().subList(0, last)) ? (int) (whole.value() / part.value()) : 0;
    }

    /** Whether all can be computed where the last of them is: nobody between reads what they give. */
    private boolean isApart(Group product, List<Group> members) {
        int first = groups.indexOf(product);
        int last = groups.indexOf(members.getLast());
        for (Group g : members) {
            Set<Group> readers = new LinkedHashSet<>();
            readers(g.root.result(), readers);
            readers(product.root.result(), readers);
            for (Group r : readers) {
                int at = groups.indexOf(r);
                // A group that is not in the list is computed by another one, wherever that is.
                if (at < 0 || at > first && at < last && !members.contains(r)) return false;
            }
        }
        return true;
    }

    private CommandList.@Nullable Launch launch(Group product, List<Group> members, int parts, boolean stored) {
        N anchor = Objects.requireNonNull(product.anchor);
        Op.Contraction o = (Op.Contraction) anchor.op;
        V v = product.root.result();
        List<Size> shape = members.getFirst().root.result().shape();
        Size part = shape.getLast();
        List<Size> summed =
                o.leftSum().stream().map(anchor.in.getFirst().shape()::get).toList();
        Body body = new Body(product, members, o, parts, stored);
        Nest nest = Nest.of(List.of(shape, summed, List.of(Size.of(parts))), body);
        List<Atom> kept = nest.loops(0);
        boolean whole = !kept.isEmpty()
                && kept.getLast().extent().equals(part)
                && nest.loops(2).size() == 1;
        if (body.elsewhere || !whole) return null;
        TileKernel.Operand x = TileKernel.Operand.of(nest.result().get(0));
        TileKernel.Operand y = TileKernel.Operand.of(nest.result().get(1));
        if (x == null || y == null || y.place().constant() == null) return null;
        Atom which = nest.loops(2).getFirst();
        if ((x.offset().vars() & which.vars()) != 0
                || (x.offset().vars() & kept.getLast().vars()) != 0) return null;
        List<Atom> rows = new ArrayList<>(kept);
        TileKernel.Shape s = TileKernel.shape(a, type(anchor), rows, nest.loops(1), x, y, which);
        if (s == null) {
            rows.addFirst(nest.points().loop(Size.ONE));
            s = TileKernel.shape(a, type(anchor), rows, nest.loops(1), x, y, which);
        }
        if (s == null || s.isNarrow() || s.columns() != y) return null;
        Panels panels = Panels.of(a, nest.points(), s, Lowering.origin(product));
        List<TileKernel.Stored> stores = new ArrayList<>();
        List<Point> results = nest.result();
        for (int i = 2; i < results.size(); i += 2) {
            int member = (i - 2) / 2;
            V root = member < members.size() ? members.get(member).root.result() : v;
            Lin to = ((Point.Number) results.get(i + 1).form()).index();
            stores.add(new TileKernel.Stored(results.get(i), to, a.place(root), root.dtype()));
        }
        return TileKernel.of("parts", type(anchor), s, panels, null, stores, Lowering.origin(product));
    }

    private static DType type(N anchor) {
        return Type.widened(anchor.result().dtype());
    }

    /** The operands of the product, then what is stored and where, for each value. */
    private final class Body implements Nest.Body {
        private final Group product;
        private final List<Group> members;
        private final Op.Contraction o;
        private final int parts;
        private final boolean stored;
        private boolean elsewhere;

        Body(Group product, List<Group> members, Op.Contraction o, int parts, boolean stored) {
            this.product = product;
            this.members = members;
            this.o = o;
            this.parts = parts;
            this.stored = stored;
        }

        @Override
        public List<Point> at(Points points, List<List<Lin>> index) {
            N anchor = Objects.requireNonNull(product.anchor);
            List<Lin> place = index.get(0);
            Values values = new Values(this, points, place);
            Products.Operands operands = Products.operands(anchor, o);
            Pull pull = new Pull(points, product, a::place);
            List<Lin> kept = values.inPart(index.get(2).getFirst());
            List<Point> result = new ArrayList<>();
            result.add(points.convert(type(anchor), Rounding.WRAP, operands.left(points, pull, kept, index.get(1))));
            result.add(points.convert(type(anchor), Rounding.WRAP, operands.right(points, pull, kept, index.get(1))));
            for (Group g : members) {
                V root = g.root.result();
                result.add(values.at(g.root, place));
                result.add(points.number(root.layout.offset(root.shape(), place)));
            }
            V v = product.root.result();
            for (int q = 0; stored && q < parts; q++) {
                result.add(values.part(q));
                result.add(points.number(v.layout.offset(v.shape(), values.inPart(Lin.of(q)))));
            }
            return result;
        }
    }

    /** What a tile has in registers for a place: the parts of the product, and what is made of them. */
    private final class Values implements Pull.Computed {
        private final Body body;
        private final Points points;
        private final List<Lin> place;
        private final Size length;
        private final Map<N, Point> known = new HashMap<>();
        private final Map<Integer, Point> parts = new HashMap<>();

        Values(Body body, Points points, List<Lin> place) {
            this.body = body;
            this.points = points;
            this.place = place;
            this.length = body.members.getFirst().root.result().shape().getLast();
        }

        /** The place in a part, as an index of the product. */
        List<Lin> inPart(Lin part) {
            List<Lin> at = new ArrayList<>(place);
            at.addLast(at.removeLast().plus(part.times(length)));
            return at;
        }

        Point part(int q) {
            Point p = parts.get(q);
            if (p == null) {
                N anchor = Objects.requireNonNull(body.product.anchor);
                List<Lin> at = inPart(Lin.of(q));
                Point total = points.given(q, type(anchor), at);
                p = new Lowering.Epilogue(a, body.product, anchor).finish(points, at, total);
                parts.put(q, p);
            }
            return p;
        }

        @Override
        public boolean holds(N n) {
            return n == body.product.root || body.members.stream().anyMatch(g -> g.root == n);
        }

        @Override
        public Point at(N n, List<Lin> index) {
            if (n != body.product.root) {
                body.elsewhere |= !index.equals(place);
                return member(n);
            }
            Lin more = index.getLast().minus(place.getLast());
            long by = more.min();
            boolean fits = index.subList(0, index.size() - 1).equals(place.subList(0, place.size() - 1))
                    && more.isAffine()
                    && more.vars() == 0
                    && by >= 0
                    && by % length.value() == 0;
            if (fits) return part((int) (by / length.value()));
            body.elsewhere = true;
            return part(0);
        }

        private Point member(N root) {
            Point p = known.get(root);
            if (p == null) {
                Group own = Objects.requireNonNull(root.group);
                p = new Pull(points, own, a::place, new Others(root)).at(root.result(), place);
                known.put(root, p);
            }
            return p;
        }

        /** All but what is being computed. */
        private final class Others implements Pull.Computed {
            private final N root;

            Others(N root) {
                this.root = root;
            }

            @Override
            public boolean holds(N n) {
                return n != root && Values.this.holds(n);
            }

            @Override
            public Point at(N n, List<Lin> index) {
                return Values.this.at(n, index);
            }
        }
    }
}
