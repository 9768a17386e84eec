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
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A sum of products for devices on which a team of iterations shares memory. A team computes a block of the result: step by step it brings
 * some columns of the rows and some rows of the columns to shared memory, each element once, and every member adds their products to a
 * register tile of its own. Rows are read where they lie, so that a convolution's are its pixels: no matrix of them is ever in memory.
 * Members next to each other have columns next to each other; what lies beyond the ends is computed of what lies at them, and not stored.
 */
final class TeamTile {
    /**
     * How a block is shared out.
     *
     * @param rows of a block
     * @param columns of a block
     * @param depth steps of the sum that are in shared memory at once
     * @param high rows of a member's tile
     * @param wide columns of a member's tile
     */
    private record Split(int rows, int columns, int depth, int high, int wide) {
        int team() {
            return rows / high * (columns / wide);
        }

        /** Rows lie a step apart and one element more, so that members who write a step's meet different banks. */
        int rowStride() {
            return rows + 1;
        }

        long sharedElements() {
            return (long) depth * (rowStride() + columns);
        }

        /** Steps of one sum that a thread takes in all, with what reading shared memory adds. */
        double cost(Target target, long m, long n, long others) {
            double blocks = (double) Math.ceilDiv(m, rows) * Math.ceilDiv(n, columns) * others;
            double rounds = Math.max(1, blocks * team() / target.threads());
            double loads = (double) (rows + columns) / team();
            return rounds * (high * wide + high + wide + 4 * loads);
        }

        @Override
        public String toString() {
            return rows + "x" + columns + "x" + depth + " by " + high + "x" + wide;
        }
    }

    private static final List<Split> SPLITS = List.of(
            new Split(128, 128, 8, 8, 8),
            new Split(128, 64, 16, 8, 4),
            new Split(64, 128, 16, 4, 8),
            new Split(64, 64, 16, 4, 4),
            new Split(64, 32, 16, 4, 4),
            new Split(32, 64, 16, 4, 4),
            new Split(32, 32, 16, 4, 2),
            new Split(16, 32, 16, 2, 2));

    /** Smaller products are not worth bringing to shared memory. */
    private static final long LEAST = 16;

    /** What an extent that is an argument is taken for. */
    private static final long ARGUMENT = 256;

    private final Emitter e;
    private final DType type;
    private final TileKernel.Shape s;
    private final Split split;
    private final Expr rows;
    private final Expr columns;
    private final Expr depth;

    private TeamTile(String name, DType type, TileKernel.Shape s, Split split) {
        this.e = new Emitter(name);
        this.type = type;
        this.s = s;
        this.split = split;
        e.team(split.team());
        e.open();
        this.rows = Schedule.count(e, s.m());
        this.columns = e.size(s.n().extent());
        this.depth = Schedule.count(e, s.summed());
    }

    /** A product in blocks; null where the device has no teams, or the product is too small for them. */
    static @Nullable TeamTile of(Assembly a, String name, DType type, TileKernel.Shape s) {
        long m = nominal(Size.product(s.m().stream().map(Atom::extent).toList()));
        long n = nominal(s.n().extent());
        long k = nominal(Size.product(s.summed().stream().map(Atom::extent).toList()));
        if (m < LEAST || n < LEAST || k < LEAST || type == DType.BOOL) return null;
        long others = 1;
        for (Atom o : s.others()) others *= nominal(o.extent());
        Map<Split, Double> costs = new LinkedHashMap<>();
        for (Split split : SPLITS)
            if (split.team() <= a.target.team() && split.sharedElements() * type.bytes() <= a.target.sharedBytes())
                costs.put(split, split.cost(a.target, m, n, others));
        if (costs.isEmpty()) return null;
        String question = "block of " + 8 * type.bytes() + " bits for " + m + "x" + n + " of " + others;
        return new TeamTile(name, type, s, a.choices.pick(question, costs, Split::toString));
    }

    /** What an extent counts as in the choice of a tile. */
    static long nominal(Size extent) {
        return extent.isLiteral() ? extent.value() : ARGUMENT;
    }

    /** One operand on its way to shared memory: which of its elements a member brings. */
    private record Part(
            String array,
            TileKernel.Operand operand,
            int stride,
            List<Expr> starts,
            List<Expr> lines,
            List<Expr> steps) {}

    /**
     * @param finish what is stored, from the sum (number 0)
     */
    CommandList.Launch emit(Point finish, Lin to, Place out, DType storage, String origin) {
        Expr across = e.let("g", Kernels.ceilDiv(columns, split.columns));
        Expr down = e.let("g", Kernels.ceilDiv(rows, split.rows));
        Expr column = e.let("n", Kernels.mul(e.let("g", Kernels.rem(Schedule.GRID, across)), split.columns));
        Expr rest = e.let("g", Kernels.div(Schedule.GRID, across));
        Expr row = e.let("m", Kernels.mul(e.let("g", Kernels.rem(rest, down)), split.rows));
        Schedule.decompose(e, e.let("g", Kernels.div(rest, down)), s.others());
        e.add(new Stmt.SharedArray("rows", Type.of(type), split.depth * split.rowStride()));
        e.add(new Stmt.SharedArray("columns", Type.of(type), split.depth * split.columns));
        Part a = part("rows", s.rows(), s.m(), row, rows, split.rows, split.rowStride(), true);
        boolean deep = !s.columns().isContiguousIn(s.n());
        Part b = part("columns", s.columns(), List.of(s.n()), column, columns, split.columns, split.columns, deep);
        List<Expr.Var> sums = new ArrayList<>();
        for (int i = 0; i < split.high * split.wide; i++)
            sums.add(e.declare("a", ReduceKernel.identity(ReduceKind.SUM, type)));
        Expr x = e.let("x", Kernels.rem(Kernel.MEMBER_VARIABLE, Kernels.index(split.columns / split.wide)));
        Expr y = e.let("y", Kernels.div(Kernel.MEMBER_VARIABLE, Kernels.index(split.columns / split.wide)));
        String k = e.fresh("k");
        e.open();
        bring(a, Kernels.variable(k));
        bring(b, Kernels.variable(k));
        e.add(new Stmt.Barrier());
        multiply(sums, x, y);
        e.add(new Stmt.Barrier());
        e.add(new Stmt.For(k, Kernels.index(0), depth, split.depth, false, e.close()));
        for (int i = 0; i < split.high; i++) {
            for (int j = 0; j < split.wide; j++) {
                Expr atRow = e.let("m", Kernels.add(Kernels.add(row, y), (long) i * (split.rows / split.high)));
                Expr atColumn =
                        e.let("n", Kernels.add(Kernels.add(column, x), (long) j * (split.columns / split.wide)));
                e.open();
                Schedule.decompose(e, atRow, s.m());
                e.bind(s.n(), atColumn);
                e.give(0, sums.get(i * split.wide + j));
                e.store(out, storage, to, e.value(finish));
                Stmt store = e.close();
                Expr inside = Kernels.apply(MapFunction.AND, Kernels.lt(atRow, rows), Kernels.lt(atColumn, columns));
                e.add(new Stmt.If(inside, store, null));
            }
        }
        Expr grid = Kernels.mul(
                Kernels.mul(Kernels.ceilDiv(columns, split.columns), Kernels.ceilDiv(rows, split.rows)),
                Schedule.count(e, s.others()));
        e.add(e.close());
        return e.launch(grid, origin);
    }

    /**
     * Shares an operand's part of a block out to the members.
     *
     * @param loops what its lines are counted by
     * @param first number of its first line
     * @param count number of lines that there are
     * @param lines of a block
     * @param deep whether members next to each other bring steps of one line, and not lines of one step
     */
    private Part part(
            String array,
            TileKernel.Operand operand,
            List<Atom> loops,
            Expr first,
            Expr count,
            int lines,
            int stride,
            boolean deep) {
        int team = split.team();
        int fast = deep ? split.depth : lines;
        Expr quick = e.let("q", Kernels.rem(Kernel.MEMBER_VARIABLE, Kernels.index(fast)));
        Expr slow = e.let("q", Kernels.div(Kernel.MEMBER_VARIABLE, Kernels.index(fast)));
        Lin fixed = Tile.parts(operand.offset(), s.summed())[0];
        List<Expr> starts = new ArrayList<>();
        List<Expr> atLines = new ArrayList<>();
        List<Expr> atSteps = new ArrayList<>();
        for (int i = 0; i < lines * split.depth / team; i++) {
            Expr far = Kernels.add(slow, (long) i * (team / fast));
            Expr line = e.let("l", deep ? far : quick);
            atLines.add(line);
            atSteps.add(deep ? quick : far);
            if (!deep && i > 0) {
                starts.add(starts.getFirst());
                continue;
            }
            e.open();
            Expr there = Kernels.min(Kernels.add(first, line), Kernels.sub(count, Kernels.index(1)));
            Schedule.decompose(e, e.let("m", there), loops);
            starts.add(e.let("x", e.index(fixed)));
            e.closeInline();
        }
        return new Part(array, operand, stride, starts, atLines, atSteps);
    }

    /** Brings the elements of one member, for the steps from number k on; behind the last one they are 0. */
    private void bring(Part p, Expr k) {
        Lin moving = Tile.parts(p.operand.offset(), s.summed())[1];
        int buffer = e.buffer(p.operand.place(), p.operand.storage(), Kernel.Access.READ);
        boolean whole = depth instanceof Expr.Int n && n.value() % split.depth == 0;
        for (int i = 0; i < p.lines.size(); i++) {
            e.open();
            Expr step = e.let("k", Kernels.add(k, p.steps.get(i)));
            Schedule.decompose(
                    e, whole ? step : e.let("k", Kernels.min(step, Kernels.sub(depth, Kernels.index(1)))), s.summed());
            Expr index = Kernels.add(p.starts.get(i), e.index(moving));
            Expr x = Kernels.loadAs(type, buffer, p.operand.storage(), index, 1);
            Expr value =
                    whole ? x : Kernels.select(Kernels.lt(step, depth), x, ReduceKernel.identity(ReduceKind.SUM, type));
            Expr to = Kernels.add(Kernels.mul(p.steps.get(i), p.stride), p.lines.get(i));
            e.add(new Stmt.StoreLocal(p.array, to, value));
            e.add(e.close());
        }
    }

    private void multiply(List<Expr.Var> sums, Expr x, Expr y) {
        String k = e.fresh("k");
        e.open();
        List<Expr> b = new ArrayList<>();
        for (int j = 0; j < split.wide; j++)
            b.add(shared("columns", k, split.columns, x, j * (split.columns / split.wide)));
        for (int i = 0; i < split.high; i++) {
            Expr a = shared("rows", k, split.rowStride(), y, i * (split.rows / split.high));
            for (int j = 0; j < split.wide; j++) {
                Expr.Var sum = sums.get(i * split.wide + j);
                e.assign(sum, Kernels.multiplyAdd(a, b.get(j), sum));
            }
        }
        e.add(new Stmt.For(k, Kernels.index(0), Kernels.index(split.depth), 1, true, e.close()));
    }

    private Expr shared(String array, String k, int stride, Expr at, int offset) {
        Expr index = Kernels.add(Kernels.add(Kernels.mul(Kernels.variable(k), stride), at), offset);
        return e.let("s", new Expr.LoadLocal(array, index, Type.of(type)));
    }
}
