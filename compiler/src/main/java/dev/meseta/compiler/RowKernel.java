package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Op.Cast.Rounding;
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A kernel that reduces rows several times and computes something from the results in the same rows ({@link RowGroups}). One iteration of
 * the grid takes one row or some; lanes run along the row, and so do the members of a team where the device combines their results.
 */
final class RowKernel {
    /** Expressions longer than this are not repeated for several accumulators. */
    private static final int LONG_BODY = 64;

    /** The results of a group's reductions for the row at hand. */
    static final class Rows implements Pull.Computed {
        private final Points points;
        private final List<N> reductions;
        private final List<Lin> row;
        private boolean elsewhere;

        Rows(Points points, List<N> reductions, List<Lin> row) {
            this.points = points;
            this.reductions = reductions;
            this.row = row;
        }

        @Override
        public boolean holds(N n) {
            return reductions.contains(n);
        }

        /** The result of a reduction at an index, which must be that of the row. */
        @Override
        public Point at(N n, List<Lin> index) {
            elsewhere |= !index.equals(row);
            DType t = n.result().dtype();
            Point total = points.given(
                    reductions.indexOf(n), Type.widened(n.in.getFirst().dtype()), row);
            return points.convert(t, Rounding.WRAP, total);
        }
    }

    private final Assembly a;
    private final Group g;
    private final Nest nest;
    private final List<Point> elements;
    private final List<Point> masked;
    private final Point last;
    private final Lin to;
    private final Emitter e = new Emitter("rows");
    private final int lanes;

    /** Members of the team that takes a row; 1 where an iteration takes it alone. */
    private final int team;

    private RowKernel(Assembly a, Group g, Nest nest) {
        this.a = a;
        this.g = g;
        this.nest = nest;
        int n = g.reductions.size();
        this.elements = nest.result().subList(0, n);
        this.last = nest.result().get(n);
        this.to = ((Point.Number) nest.result().get(n + 1).form()).index();
        this.masked = nest.result().subList(n + 2, 2 * n + 2);
        int most = Schedule.lanes(a.target, nest.result());
        Atom inner = nest.loops(1).getLast();
        this.lanes = Schedule.lanes(most, inner);
        int members = Integer.MAX_VALUE;
        for (N r : g.reductions) {
            DType type = Type.widened(r.in.getFirst().dtype());
            members = Math.min(members, Schedule.members(a.target, type, nest.loops(0), inner, lanes));
        }
        this.team = members;
    }

    /** The kernel of a group with reductions; null if something is read from another row. */
    static @Nullable RowKernel of(Assembly a, Group g) {
        List<Size> shape = g.reductions.getFirst().in.getFirst().shape();
        int kept = g.reductions.getFirst().result().type.rank();
        Body body = new Body(a, g);
        Nest nest = Nest.of(List.of(shape.subList(0, kept), shape.subList(kept, shape.size())), body);
        return body.elsewhere || nest.loops(1).isEmpty() ? null : new RowKernel(a, g, nest);
    }

    /** What is computed for an element of a row: what is reduced, what is stored and where, and what is reduced in a vector's last part. */
    private static final class Body implements Nest.Body {
        private final Assembly a;
        private final Group g;
        private boolean elsewhere;

        Body(Assembly a, Group g) {
            this.a = a;
            this.g = g;
        }

        private static List<Lin> element(List<List<Lin>> index) {
            List<Lin> at = new ArrayList<>(index.get(0));
            at.addAll(index.get(1));
            return at;
        }

        @Override
        public List<Point> at(Points points, List<List<Lin>> index) {
            Rows rows = new Rows(points, g.reductions, index.get(0));
            Pull pull = new Pull(points, g, a::place, rows);
            List<Lin> at = element(index);
            List<Point> result = new ArrayList<>();
            for (N n : g.reductions) result.add(pull.at(n.in.getFirst(), at));
            V root = g.root.result();
            N anchor = g.anchor;
            if (anchor == null) {
                result.add(pull.at(root, at));
                result.add(points.number(root.layout.offset(root.shape(), at)));
            } else {
                Point total = rows.at(anchor, index.get(0));
                result.add(pull.epilogue(anchor, index.get(0), total, root));
                result.add(points.number(new Lowering.Epilogue(a, g, anchor).offset(points, index.get(0))));
            }
            elsewhere |= rows.elsewhere;
            return result;
        }

        @Override
        public List<Point> inside(Points points, List<List<Lin>> index, Atom innermost) {
            Rows rows = new Rows(points, g.reductions, index.get(0));
            Pull pull = new Pull(points, g, a::place, rows);
            Point inside = points.apply(
                    MapFunction.LT, points.number(Lin.of(innermost)), points.number(Lin.of(innermost.extent())));
            List<Lin> at = element(index);
            List<Point> result = new ArrayList<>();
            for (N n : g.reductions) {
                V x = n.in.getFirst();
                Point identity = ReduceKernel.identity(points, kind(n), Type.widened(x.dtype()));
                result.add(points.apply(MapFunction.SELECT, inside, pull.at(x, at, inside), identity));
            }
            elsewhere |= rows.elsewhere;
            return result;
        }
    }

    private static ReduceKind kind(N n) {
        return ((Op.Reduce) n.op).kind();
    }

    /** Adds the kernel, which stores the result of the group's root. */
    void add(Place out) {
        long work = 2L * g.reductions.size() + 2;
        for (Atom k : nest.loops(1))
            work *= k.extent().isLiteral() ? Math.max(1, k.extent().value()) : 64;
        List<Atom> kept = nest.loops(0);
        int inside = team > 1 ? 0 : Schedule.inside(a.target, kept, work);
        e.team(team);
        List<Atom> grid = kept.subList(0, kept.size() - inside);
        e.open();
        Schedule.decompose(e, Schedule.GRID, grid);
        e.loops(kept.subList(kept.size() - inside, kept.size()), 0, () -> {
            e.open();
            row(out);
            e.add(e.close());
        });
        e.add(e.close());
        a.add(e.launch(Schedule.count(e, grid), Lowering.origin(g)));
    }

    private void row(Place out) {
        for (int i = 0; i < g.reductions.size(); i++) e.give(i, total(i));
        DType storage = g.root.result().dtype();
        if (g.anchor != null) {
            Schedule.byFirst(e, team, () -> e.store(out, storage, to, e.value(last)));
            return;
        }
        List<Atom> loops = nest.loops(1);
        Atom inner = loops.getLast();
        Runnable store = () -> e.store(out, storage, to, e.value(last));
        Expr size = e.size(inner.extent());
        e.loops(loops.subList(0, loops.size() - 1), 0, () -> {
            if (team == 1) MapKernel.row(e, inner, lanes, Kernels.index(0), size, store);
            else Schedule.shared(e, inner, lanes, team, Kernels.index(0), size, _ -> store.run());
        });
    }

    /** The result of a reduction for the row. */
    private Expr total(int i) {
        N n = g.reductions.get(i);
        DType type = Type.widened(n.in.getFirst().dtype());
        Expr identity = ReduceKernel.identity(kind(n), type);
        List<Atom> loops = nest.loops(1);
        Atom inner = loops.getLast();
        boolean isShort = inner.extent().isLiteral() && inner.extent().value() < 4L * lanes * team;
        int width = nest.size() > LONG_BODY || isShort ? 1 : 4;
        List<Expr.Var> sums = new ArrayList<>();
        for (int w = 0; w < width; w++) sums.add(e.declare("a", Kernels.splat(identity, lanes)));
        Expr size = e.size(inner.extent());
        Expr blocks = e.let("n", Schedule.whole(size, (long) width * lanes * team));
        Expr vectors = e.let("n", Schedule.whole(size, (long) lanes * team));
        e.loops(loops.subList(0, loops.size() - 1), 0, () -> {
            steps(i, inner, blocks.equals(Kernels.index(0)) ? null : Kernels.index(0), blocks, sums, elements.get(i));
            if (width > 1) steps(i, inner, blocks, vectors, sums.subList(0, 1), elements.get(i));
            if (!vectors.equals(size)) steps(i, inner, vectors, size, sums.subList(0, 1), masked.get(i));
        });
        MapFunction f = ReduceKernel.function(kind(n));
        Expr sum = sums.getFirst();
        for (int w = 1; w < width; w++) sum = new Expr.Apply(f, List.of(sum, sums.get(w)));
        Expr own = e.let("s", lanes == 1 ? sum : new Expr.Combine(kind(n), sum));
        return team == 1 ? own : e.total(kind(n), own);
    }

    private void steps(int i, Atom inner, @Nullable Expr begin, Expr end, List<Expr.Var> sums, Point element) {
        if (begin == null || begin.equals(end)) return;
        MapFunction f = ReduceKernel.function(kind(g.reductions.get(i)));
        String v = e.fresh("i");
        e.open();
        for (int w = 0; w < sums.size(); w++) {
            e.open();
            Expr at = Kernels.add(Kernels.variable(v), (long) w * lanes * team);
            e.bindVector(inner, Schedule.ofMember(at, lanes, team), lanes);
            e.assign(sums.get(w), new Expr.Apply(f, List.of(sums.get(w), e.wide(element))));
            e.scalar();
            e.add(e.close());
        }
        e.add(new Stmt.For(v, begin, end, (long) sums.size() * lanes * team, false, e.close()));
    }
}
