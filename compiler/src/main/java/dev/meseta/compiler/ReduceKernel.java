package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * A kernel that combines the elements of one index space for every place of another, and computes and stores something from the result.
 * The vector runs over what is kept or over what is combined, whichever reads memory in order; in the second case the lanes are combined
 * at the end.
 */
final class ReduceKernel {
    /** What is combined, and what becomes of it. */
    interface Spec {
        Point element(Points points, List<Lin> kept, List<Lin> reduced);

        /** The element that is stored, from the combined one. */
        Point finish(Points points, List<Lin> kept, Point total);

        Lin offset(Points points, List<Lin> kept);
    }

    /** Expressions longer than this are not repeated for several accumulators. */
    private static final int LONG_BODY = 48;

    /** Steps of the outermost loop whose sum is formed on its own in a long sum. */
    private static final long BLOCK = 256;

    private final Target target;
    private final Emitter e;
    private final ReduceKind kind;
    private final DType type;
    private final List<Atom> kept;
    private final List<Atom> reduced;
    private final Point element;
    private final Point finish;
    private final Lin to;
    private final Place out;
    private final DType storage;
    private final int points;

    private ReduceKernel(Target target, String name, ReduceKind kind, DType type, Nest nest, Place out, DType storage) {
        this.target = target;
        this.e = new Emitter(name);
        this.kind = kind;
        this.type = type;
        this.kept = nest.loops(0);
        this.reduced = nest.loops(1);
        this.element = nest.result().get(0);
        this.finish = nest.result().get(1);
        this.to = ((Point.Number) nest.result().get(2).form()).index();
        this.out = out;
        this.storage = storage;
        this.points = nest.size();
    }

    /**
     * @param type in which is accumulated
     */
    static CommandList.Launch of(
            Target target,
            String name,
            ReduceKind kind,
            DType type,
            List<Size> kept,
            List<Size> reduced,
            Spec spec,
            Place out,
            DType storage,
            String origin) {
        boolean nothing = Size.product(reduced).value() == 0;
        Nest nest = Nest.of(List.of(kept, nothing ? List.of() : reduced), (p, index) -> {
            Point total = p.given(0, type, index.get(0));
            return List.of(
                    nothing ? identity(p, kind, type) : spec.element(p, index.get(0), index.get(1)),
                    spec.finish(p, index.get(0), total),
                    p.number(spec.offset(p, index.get(0))));
        });
        return new ReduceKernel(target, name, kind, type, nest, out, storage).emit(origin);
    }

    /** The value that changes nothing. */
    static Expr identity(ReduceKind kind, DType t) {
        Type type = Type.of(t);
        if (t.isFloat()) {
            return new Expr.Real(
                    type,
                    switch (kind) {
                        case PROD -> 1;
                        case MIN -> Double.POSITIVE_INFINITY;
                        case MAX -> Double.NEGATIVE_INFINITY;
                        default -> 0;
                    });
        }
        return new Expr.Int(
                type,
                switch (kind) {
                    case PROD, AND -> 1;
                    case MIN -> t.maxInteger();
                    case MAX -> t.minInteger();
                    default -> 0;
                });
    }

    static Point identity(Points points, ReduceKind kind, DType type) {
        return switch (identity(kind, type)) {
            case Expr.Real r -> points.literal(type, r.value());
            case Expr.Int i -> points.integer(type, i.value());
            default -> throw new IllegalStateException();
        };
    }

    static MapFunction function(ReduceKind kind) {
        return switch (kind) {
            case SUM -> MapFunction.ADD;
            case PROD -> MapFunction.MUL;
            case MIN -> MapFunction.MIN;
            case MAX -> MapFunction.MAX;
            case AND -> MapFunction.AND;
            case OR -> MapFunction.OR;
        };
    }

    private CommandList.Launch emit(String origin) {
        int most = Schedule.lanes(target, List.of(element, finish));
        int across = kept.isEmpty() ? 1 : Schedule.lanes(most, kept.getLast());
        int along = reduced.isEmpty() ? 1 : Schedule.lanes(most, reduced.getLast());
        boolean vectorKept = across > 1
                && (along == 1 || Nest.order(element, kept.getLast()) >= Nest.order(element, reduced.getLast()));
        e.open();
        Expr grid = vectorKept ? overKept(across) : overReduced(along);
        e.add(e.close());
        return e.launch(grid, origin);
    }

    private Expr splat(Expr x) {
        return Kernels.splat(x, e.lanes());
    }

    /** acc = acc combined with the element. */
    private void combine(Expr.Var acc) {
        if (kind == ReduceKind.SUM
                && type.isFloat()
                && element.form() instanceof Point.Apply a
                && a.function() == MapFunction.MUL) {
            e.assign(
                    acc,
                    new Expr.Fma(
                            e.wide(a.operands().get(0)), e.wide(a.operands().get(1)), acc));
        } else {
            e.assign(acc, new Expr.Apply(function(kind), List.of(acc, e.wide(element))));
        }
    }

    private void finish(Expr total) {
        e.give(0, total);
        e.store(out, storage, to, e.value(finish));
    }

    private long steps() {
        return reduced.stream().allMatch(a -> a.extent().isLiteral()) && points <= LONG_BODY ? 4 : 0;
    }

    /** Vectors of places; every lane combines on its own. */
    private Expr overKept(int lanes) {
        Atom inner = kept.getLast();
        List<Atom> outer = kept.subList(0, kept.size() - 1);
        long n = inner.extent().value();
        int width = points > LONG_BODY ? 1 : n >= 4L * lanes ? 4 : n >= 2L * lanes ? 2 : 1;
        long block = (long) width * lanes;
        Expr size = e.size(inner.extent());
        Expr blocks = Kernels.max(Kernels.index(1), Kernels.div(size, Kernels.index(block)));
        long work = block;
        for (Atom a : reduced)
            work *= a.extent().isLiteral() ? Math.max(1, a.extent().value()) : 64;
        // A row that is little work is computed by one iteration of the grid.
        boolean wholeRows = inner.extent().isLiteral() && work / block * n <= Schedule.grain(target);
        int inside = wholeRows ? Schedule.inside(target, outer, work / block * n) : 0;
        List<Atom> grid = outer.subList(0, outer.size() - inside);
        Expr perRow = wholeRows ? Kernels.index(1) : blocks;
        Expr number = wholeRows ? Kernels.index(0) : e.let("g", Kernels.rem(Schedule.GRID, perRow));
        Schedule.decompose(e, wholeRows ? Schedule.GRID : e.let("g", Kernels.div(Schedule.GRID, perRow)), grid);
        Expr begin = wholeRows ? Kernels.index(0) : e.let("g", Kernels.mul(number, block));
        Expr end = wholeRows
                ? size
                : e.let(
                        "g",
                        Kernels.select(
                                new Expr.Apply(MapFunction.EQ, List.of(Kernels.add(number, 1), perRow)),
                                size,
                                Kernels.add(begin, block)));
        e.loops(outer.subList(outer.size() - inside, outer.size()), 0, () -> places(inner, lanes, width, begin, end));
        return Kernels.mul(perRow, Schedule.count(e, grid));
    }

    private void places(Atom inner, int lanes, int width, Expr begin, Expr end) {
        long block = (long) width * lanes;
        String v = e.fresh("i");
        e.open();
        Expr i = Kernels.variable(v);
        boolean whole = inner.extent().isLiteral() && inner.extent().value() % block == 0 && begin instanceof Expr.Int;
        if (!whole) i = e.let("v", Kernels.min(i, Kernels.sub(end, Kernels.index(block))));
        List<Expr.Var> acc = new ArrayList<>();
        for (int w = 0; w < width; w++) acc.add(e.declare("a", Kernels.splat(identity(kind, type), lanes)));
        Expr base = i;
        if (isLongSum()) {
            blockwise(acc, lanes, partial -> step(inner, lanes, base, partial));
        } else {
            e.loops(reduced, steps(), () -> step(inner, lanes, base, acc));
        }
        for (int w = 0; w < width; w++) {
            e.open();
            e.bindVector(inner, Kernels.add(base, (long) w * lanes), lanes);
            finish(acc.get(w));
            e.scalar();
            e.add(e.close());
        }
        e.add(new Stmt.For(v, begin, end, block, false, e.close()));
    }

    private void step(Atom inner, int lanes, Expr base, List<Expr.Var> acc) {
        for (int w = 0; w < acc.size(); w++) {
            e.open();
            e.bindVector(inner, Kernels.add(base, (long) w * lanes), lanes);
            combine(acc.get(w));
            e.scalar();
            e.add(e.close());
        }
    }

    /** Whether one accumulator would add so many numbers that its rounding errors show. */
    private boolean isLongSum() {
        if (kind != ReduceKind.SUM || !type.isFloat() || reduced.isEmpty()) return false;
        long n = 1;
        for (Atom a : reduced) n *= a.extent().isLiteral() ? a.extent().value() : Schedule.GRAIN;
        return n > 4 * BLOCK;
    }

    /** Sums blocks of the outermost loop on their own, so that errors grow with the number of blocks and not of elements. */
    private void blockwise(List<Expr.Var> acc, int lanes, Consumer<List<Expr.Var>> step) {
        Atom first = reduced.getFirst();
        Expr n = e.size(first.extent());
        String b = e.fresh("i");
        e.open();
        List<Expr.Var> partial = new ArrayList<>();
        for (int w = 0; w < acc.size(); w++) partial.add(e.declare("a", Kernels.splat(identity(kind, type), lanes)));
        Expr end = e.let("n", Kernels.min(Kernels.add(Kernels.variable(b), BLOCK), n));
        String v = e.fresh("i");
        e.open();
        e.bind(first, Kernels.variable(v));
        e.loops(reduced.subList(1, reduced.size()), steps(), () -> step.accept(partial));
        e.add(new Stmt.For(v, Kernels.variable(b), end, 1, false, e.close()));
        for (int w = 0; w < acc.size(); w++)
            e.assign(acc.get(w), new Expr.Apply(MapFunction.ADD, List.of(acc.get(w), partial.get(w))));
        e.add(new Stmt.For(b, Kernels.index(0), n, BLOCK, false, e.close()));
    }

    /** Vectors of what is combined; the lanes come together at the end. */
    private Expr overReduced(int lanes) {
        int team = reduced.isEmpty() ? 1 : Schedule.members(target, type, kept, reduced.getLast(), lanes);
        if (team > 1) {
            e.team(team);
            Schedule.decompose(e, Schedule.GRID, kept);
            e.open();
            totalOfTeam(lanes, team);
            e.add(e.close());
            return Schedule.count(e, kept);
        }
        long work = 1;
        for (Atom a : reduced)
            work *= a.extent().isLiteral() ? Math.max(1, a.extent().value()) : Schedule.GRAIN;
        int inside = Schedule.inside(target, kept, work);
        List<Atom> grid = kept.subList(0, kept.size() - inside);
        Schedule.decompose(e, Schedule.GRID, grid);
        e.loops(kept.subList(kept.size() - inside, kept.size()), 0, () -> {
            e.open();
            total(lanes);
            e.add(e.close());
        });
        return Schedule.count(e, grid);
    }

    private void total(int lanes) {
        Expr.Var rest = e.declare("a", identity(kind, type));
        if (lanes == 1) {
            e.loops(reduced, steps(), () -> combine(rest));
            finish(rest);
            return;
        }
        Atom inner = reduced.getLast();
        long n = inner.extent().value();
        int width = width(n, lanes);
        List<Expr.Var> acc = new ArrayList<>();
        for (int w = 0; w < width; w++) acc.add(e.declare("a", Kernels.splat(identity(kind, type), lanes)));
        Expr size = e.size(inner.extent());
        Expr blocksEnd = e.let("n", Schedule.whole(size, (long) width * lanes));
        Expr vectorsEnd = e.let("n", Schedule.whole(size, lanes));
        e.loops(reduced.subList(0, reduced.size() - 1), steps(), () -> {
            strided(inner, lanes, 1, acc, Kernels.index(0), blocksEnd);
            if (width > 1 && !blocksEnd.equals(vectorsEnd))
                strided(inner, lanes, 1, acc.subList(0, 1), blocksEnd, vectorsEnd);
            if (!vectorsEnd.equals(size)) strided(inner, 1, 1, List.of(rest), vectorsEnd, size);
        });
        finish(joined(acc, lanes, rest));
    }

    /** As {@link #total}; each member of a team takes vectors of its own. */
    private void totalOfTeam(int lanes, int team) {
        Atom inner = reduced.getLast();
        long n = inner.extent().value();
        int width = width(n, (long) lanes * team);
        List<Expr.Var> acc = new ArrayList<>();
        for (int w = 0; w < width; w++) acc.add(e.declare("a", Kernels.splat(identity(kind, type), lanes)));
        Expr.Var rest = e.declare("a", identity(kind, type));
        Expr size = e.size(inner.extent());
        Expr blocks = e.let("n", Schedule.whole(size, (long) width * lanes * team));
        e.loops(reduced.subList(0, reduced.size() - 1), 0, () -> {
            strided(inner, lanes, team, acc, Kernels.index(0), blocks);
            Schedule.shared(
                    e, inner, lanes, team, blocks, size, wide -> combine(wide == lanes ? acc.getFirst() : rest));
        });
        Expr all = e.total(kind, joined(acc, lanes, rest));
        Schedule.byFirst(e, team, () -> finish(all));
    }

    /** Accumulators for a row, of which steps of so many elements are taken. */
    private int width(long row, long step) {
        return points > LONG_BODY ? 1 : row >= 8 * step ? 4 : row >= 2 * step ? 2 : 1;
    }

    /** What lanes of accumulators, and elements that made no whole vector, come to. */
    private Expr joined(List<Expr.Var> acc, int lanes, Expr rest) {
        Expr sum = acc.getFirst();
        for (Expr.Var a : acc.subList(1, acc.size())) sum = new Expr.Apply(function(kind), List.of(sum, a));
        Expr scalar = e.let("s", lanes == 1 ? sum : new Expr.Combine(kind, sum));
        return e.let("s", new Expr.Apply(function(kind), List.of(scalar, rest)));
    }

    /** Combines vectors, one for each accumulator of each member at a time. */
    private void strided(Atom inner, int lanes, int team, List<Expr.Var> acc, Expr begin, Expr end) {
        long round = (long) lanes * team;
        String v = e.fresh("i");
        e.open();
        for (int w = 0; w < acc.size(); w++) {
            Expr at = Kernels.add(Kernels.variable(v), w * round);
            e.open();
            e.bindVector(inner, Schedule.ofMember(at, lanes, team), lanes);
            combine(acc.get(w));
            e.scalar();
            e.add(e.close());
        }
        e.add(new Stmt.For(v, begin, end, acc.size() * round, false, e.close()));
    }
}
