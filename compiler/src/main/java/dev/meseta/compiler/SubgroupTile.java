package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op.Cast.Rounding;
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A sum of products for devices whose subgroups read each other's registers, and read memory in vectors. A team, which is a subgroup,
 * computes some rows of the result and a vector of columns for each member. Every member reads a vector of steps of the sum from one of
 * the rows and shares it, so that each element of the rows is read once by all of them; the columns are its own. Rows that there are not
 * at the end are computed of the last one; columns that another team computes, too, are. Neither are stored.
 */
final class SubgroupTile {
    /** Rows of a tile at most. Many take many registers, few read the columns often. */
    private static final int MOST_ROWS = 32;

    /** What reading a vector for each member costs, in products of a register. */
    private static final double READ = 16;

    /** Vectors of rows that a member reads at most. */
    private static final int SHARES = 4;

    /** Steps of the innermost loop that are written out where rows are read one by one. */
    private static final int UNROLLED = 8;

    /** Steps of the sum, in vectors, that a round of the loop takes at most. */
    private static final int VECTORS = 2;

    private final Assembly a;
    private final Emitter e;
    private final DType type;
    private final TileKernel.Shape s;
    private final int team;
    private final int lanes;
    private final int height;

    /** Whether steps of the sum lie behind each other in a row, so that they are read as vectors. */
    private final boolean deep;

    /** Where the rows are read; they are 0 elsewhere. Null for everywhere. */
    private final @Nullable Point mask;

    private final Expr rows;

    private SubgroupTile(Assembly a, String name, DType type, TileKernel.Shape s, boolean deep, @Nullable Point mask) {
        this.a = a;
        this.e = new Emitter(name);
        this.type = type;
        this.s = s;
        this.team = a.target.subgroup();
        this.deep = deep;
        this.mask = mask;
        this.lanes = s.lanes();
        this.height = s.height();
        e.team(team);
        e.open();
        this.rows = Schedule.count(e, s.m());
    }

    /**
     * A product by subgroups; null where the device has none that share registers, or the operands do not lie so.
     *
     * @param mask where the rows are read; null for everywhere
     */
    static @Nullable SubgroupTile of(Assembly a, String name, DType type, TileKernel.Shape s, @Nullable Point mask) {
        Target target = a.target;
        if (target.subgroup() < 2 || type == DType.BOOL || s.parts() != null) return null;
        int lanes = target.vectorBytes() / type.bytes();
        int width = target.subgroup() * lanes;
        Size n = s.n().extent();
        if (n.value() < width) return null;
        Atom inner = s.summed().getLast();
        if (mask != null && (mask.vars() & inner.vars()) != 0) return null;
        Size step = s.rows().offset().coefficient(inner);
        boolean deep = step != null && step.is(1);
        Size m = Size.product(s.m().stream().map(Atom::extent).toList());
        long count = TeamTile.nominal(m);
        Map<Integer, Double> costs = new LinkedHashMap<>();
        for (int height = Math.min(MOST_ROWS, SHARES * target.subgroup()); height > 0; height--) {
            // As many tiles with fewer rows compute fewer that there are not.
            if (height > Math.ceilDiv(count, Math.ceilDiv(count, height))) continue;
            double shares = Math.ceilDiv(height, target.subgroup()) * READ / (deep ? lanes : 1);
            costs.put(height, Math.ceilDiv(count, height) * (READ + shares + height * lanes));
        }
        String question = "rows of a subgroup of " + 8 * type.bytes() + " bits for " + count + "x" + n.value();
        int height = a.choices.pick(question, costs, Object::toString);
        TileKernel.Shape shape = new TileKernel.Shape(
                s.rows(), s.columns(), s.m(), s.n(), s.others(), s.summed(), width, lanes, height, height, true, null);
        return new SubgroupTile(a, name, type, shape, deep, mask);
    }

    /**
     * @param finish what is stored, from the sum (number 0)
     */
    CommandList.Launch emit(Points points, Point finish, Lin to, Place out, DType storage, String origin) {
        boolean pack = s.strided() || s.columns().place().constant() != null;
        Panels packed = pack ? Panels.of(a, points, s, origin) : null;
        Expr n = e.size(s.n().extent());
        Expr across = e.let("g", Kernels.ceilDiv(n, s.width()));
        Expr down = e.let("g", Kernels.ceilDiv(rows, height));
        boolean alongRows = areColumnsKept();
        Expr fast = alongRows ? across : down;
        Expr slow = alongRows ? down : across;
        Expr quick = e.let("g", Kernels.rem(Schedule.GRID, fast));
        Expr rest = e.let("g", Kernels.div(Schedule.GRID, fast));
        Expr other = e.let("g", Kernels.rem(rest, slow));
        Expr row = e.let("m", Kernels.mul(alongRows ? other : quick, height));
        Expr panel = alongRows ? quick : other;
        Schedule.decompose(e, e.let("g", Kernels.div(rest, slow)), s.others());
        Expr begin = e.let("n", Kernels.mul(panel, s.width()));
        Expr first = e.let("n", Kernels.min(begin, Kernels.sub(n, Kernels.index(s.width()))));
        Expr own = e.let("n", Kernels.mul(Kernel.MEMBER_VARIABLE, lanes));
        List<Expr.Var> sums = multiply(packed, row, panel, first, own);
        Expr column = e.let("n", Kernels.add(first, own));
        Stored stored = new Stored(finish, to, out, storage);
        e.open();
        store(stored, sums, row, column, lanes, null);
        Stmt whole = e.close();
        if (n instanceof Expr.Int x && x.value() % s.width() == 0) {
            e.add(whole);
        } else {
            boolean vectors = n instanceof Expr.Int y && y.value() % lanes == 0;
            e.open();
            store(stored, sums, row, column, vectors ? lanes : 1, begin);
            Stmt part = e.close();
            e.add(vectors ? part : new Stmt.If(TileKernel.equal(begin, first), whole, part));
        }
        e.add(e.close());
        Expr grid = Kernels.mul(
                Kernels.ceilDiv(Schedule.count(e, s.m()), height), Kernels.ceilDiv(e.size(s.n().extent()), s.width()));
        return e.launch(Kernels.mul(grid, Schedule.count(e, s.others())), origin);
    }

    /**
     * Whether the columns stay in the cache from one tile of rows to the next. Then neighbours have the same rows, and write what lies
     * behind each other; else they have the same columns.
     */
    private boolean areColumnsKept() {
        Size all = s.n().extent();
        for (Atom k : s.summed()) if ((s.columns().offset().vars() & k.vars()) != 0) all = all.times(k.extent());
        return all.isLiteral() && all.value() * s.columns().storage().bytes() <= a.target.l2Bytes() / 2;
    }

    private record Stored(Point value, Lin to, Place place, DType storage) {}

    /**
     * Stores a member's columns.
     *
     * @param width columns at once
     * @param begin columns before it are another team's; null where there are none
     */
    private void store(Stored x, List<Expr.Var> sums, Expr row, Expr column, int width, @Nullable Expr begin) {
        boolean wholeRows = rows instanceof Expr.Int m && m.value() % height == 0;
        for (int r = 0; r < height; r++) {
            Expr at = e.let("m", Kernels.add(row, r));
            for (int i = 0; i < lanes; i += width) {
                int lane = i;
                Expr there = e.let("n", Kernels.add(column, i));
                Expr.Var sum = sums.get(r);
                e.open();
                Schedule.decompose(e, at, s.m());
                e.bindVector(s.n(), there, width);
                e.give(0, width == lanes ? sum : new Expr.Shuffle(sum, sum, List.of(lane)));
                e.store(x.place(), x.storage(), x.to(), e.value(x.value()));
                e.scalar();
                Stmt store = e.close();
                if (begin != null) store = new Stmt.If(Kernels.apply(MapFunction.LE, begin, there), store, null);
                if (!wholeRows && r > 0) store = new Stmt.If(Kernels.lt(at, rows), store, null);
                e.add(store);
            }
        }
    }

    private List<Expr.Var> multiply(@Nullable Panels packed, Expr row, Expr panel, Expr first, Expr own) {
        Lin[] rowParts = Tile.parts(s.rows().offset(), s.summed());
        List<Expr> rowStarts = new ArrayList<>();
        List<Expr> numbers = new ArrayList<>();
        for (int r = 0; r < height; r += team) {
            e.open();
            int left = height - r;
            Expr mine =
                    left < team ? Kernels.min(Kernel.MEMBER_VARIABLE, Kernels.index(left - 1)) : Kernel.MEMBER_VARIABLE;
            Expr there = Kernels.add(Kernels.add(row, mine), r);
            numbers.add(e.let("m", Kernels.min(there, Kernels.sub(rows, Kernels.index(1)))));
            Schedule.decompose(e, numbers.getLast(), s.m());
            rowStarts.add(e.let("x", e.index(rowParts[0])));
            e.closeInline();
        }
        Lin[] columnParts =
                Tile.parts(packed != null ? packed.offset() : s.columns().offset(), s.summed());
        e.open();
        e.bind(packed != null ? packed.panel() : s.n(), packed != null ? panel : first);
        Expr columnStart = e.let("x", Kernels.add(e.index(columnParts[0]), own));
        e.closeInline();
        List<Expr.Var> sums = new ArrayList<>();
        for (int r = 0; r < height; r++)
            sums.add(e.declare("a", Kernels.splat(ReduceKernel.identity(ReduceKind.SUM, type), lanes)));
        e.loops(s.summed().subList(0, s.summed().size() - 1), 0, () -> {
            List<Expr> masks = mask == null ? List.of() : masks(mask, numbers);
            add(new Factors(packed, rowStarts, masks, rowParts[1], columnStart, columnParts[1]), sums);
        });
        return sums;
    }

    /** Whether each of some rows is read in the innermost loop. */
    private List<Expr> masks(Point holds, List<Expr> numbers) {
        List<Expr> masks = new ArrayList<>();
        for (Expr number : numbers) {
            e.open();
            Schedule.decompose(e, number, s.m());
            masks.add(e.value(holds));
            e.closeInline();
        }
        return masks;
    }

    /**
     * What is multiplied: where each member's rows and columns begin, and how they go on by the steps of the sum.
     *
     * @param masks whether the rows are read; empty where all are
     */
    private record Factors(
            @Nullable Panels packed,
            List<Expr> rowStarts,
            List<Expr> masks,
            Lin rowSteps,
            Expr columnStart,
            Lin columnSteps) {}

    /** Adds the products of all steps of the innermost loop. */
    private void add(Factors f, List<Expr.Var> sums) {
        Expr all = e.size(s.summed().getLast().extent());
        if (!(all instanceof Expr.Int literal)) {
            Expr whole = e.let("k", Kernels.mul(Kernels.div(all, Kernels.index(lanes)), lanes));
            rounds(f, Kernels.index(0), whole, lanes, lanes, sums);
            rounds(f, whole, all, 1, 1, sums);
            return;
        }
        long count = literal.value();
        long round = count % ((long) VECTORS * lanes) == 0 ? (long) VECTORS * lanes : lanes;
        long whole = count <= UNROLLED ? 0 : count / round * round;
        if (whole > 0) rounds(f, Kernels.index(0), Kernels.index(whole), round, lanes, sums);
        for (long at = whole; at < count; at += lanes) {
            int left = (int) Math.min(lanes, count - at);
            // The last vector of a row ends with it, and begins with steps that are added already.
            if (deep && count >= lanes) add(f, Kernels.index(at + left - lanes), lanes - left, lanes, sums);
            else add(f, Kernels.index(at), 0, left, sums);
        }
    }

    /** A loop whose rounds add some steps, so many at a time. */
    private void rounds(Factors f, Expr begin, Expr end, long round, int each, List<Expr.Var> sums) {
        String k = e.fresh("k");
        e.open();
        for (long i = 0; i < round; i += each) add(f, Kernels.add(Kernels.variable(k), i), 0, each, sums);
        e.add(new Stmt.For(k, begin, end, round, false, e.close()));
    }

    /**
     * Adds some steps behind each other. Their columns are read first, so that each sum is touched once.
     *
     * @param at number of the first step that is read
     * @param from how many of those that are read are not added
     */
    private void add(Factors f, Expr at, int from, int count, List<Expr.Var> sums) {
        Atom inner = s.summed().getLast();
        int width = deep && count == lanes ? lanes : 1;
        e.open();
        List<List<String>> shared = new ArrayList<>();
        List<Expr> columns = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            e.open();
            e.bind(inner, Kernels.add(at, i));
            shared.add(i % width == 0 ? share(f, width) : shared.getLast());
            if (i >= from) columns.add(read(f.packed, Kernels.add(f.columnStart, e.index(f.columnSteps))));
            e.closeInline();
        }
        for (int r = 0; r < height; r++)
            for (int i = from; i < count; i++)
                add(sums.get(r), shared.get(i).get(r / team), r % team, i % width, width, columns.get(i - from));
        e.add(e.close());
    }

    /** Shares elements of the rows, of each member's row so many, behind each other. */
    private List<String> share(Factors f, int width) {
        DType storage = s.rows().storage();
        int buffer = e.buffer(s.rows().place(), storage, Kernel.Access.READ);
        Type widened = new Type(Type.widened(storage), width);
        Expr moved = e.index(f.rowSteps);
        List<String> shared = new ArrayList<>();
        for (int i = 0; i < f.rowStarts.size(); i++) {
            String x = e.fresh("x");
            Expr holds = f.masks.isEmpty() ? null : Kernels.splat(f.masks.get(i), width);
            Expr own = Kernels.load(buffer, Kernels.add(f.rowStarts.get(i), moved), widened, holds);
            e.add(new Stmt.Share(x, Kernels.convert(type, Rounding.WRAP, own)));
            shared.add(x);
        }
        return shared;
    }

    private Expr read(@Nullable Panels packed, Expr index) {
        Place place = packed != null ? packed.place() : s.columns().place();
        int buffer = e.buffer(place, s.columns().storage(), Kernel.Access.READ);
        return e.let("b", load(buffer, s.columns().storage(), index, lanes));
    }

    private void add(Expr.Var sum, String shared, int member, int step, int width, Expr b) {
        Expr x = new Expr.OfMember(shared, Kernels.index(member), Type.of(type).with(width));
        Expr one = Kernels.splat(width == 1 ? x : new Expr.Shuffle(x, x, List.of(step)), lanes);
        e.assign(sum, Kernels.multiplyAdd(one, b, sum));
    }

    private Expr load(int buffer, DType storage, Expr index, int width) {
        return Kernels.loadAs(type, buffer, storage, index, width);
    }
}
