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
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A sum of products in register tiles: some rows, each a scalar of one operand in every lane, times some vectors of the other. The rows
 * run over a loop that only the first operand knows, the lanes over the innermost loop of the result, which only the second knows. The
 * last tile on either axis overlaps the one before; both are computed by the same iteration of the grid.
 *
 * <p>After K. Goto and R. van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34(3), 2008.
 */
final class TileKernel {
    /** Rows that one iteration of the grid computes, in tiles above each other, so that they stay in the cache. */
    private static final int ROWS_AT_ONCE = 120;

    /** Iterations of the grid for each thread that a product should have. */
    private static final int SHARES = 8;

    /** Steps of a short innermost loop that are written out. */
    private static final int UNROLLED = 8;

    /** An operand: elements of memory by the loops. */
    record Operand(Place place, DType storage, Lin offset) {
        /** The operand behind a point, if it is plain strided memory, perhaps converted. */
        static @Nullable Operand of(Point p) {
            Point.Form f = p.form();
            while (f instanceof Point.Convert c && c.to() == p.type())
                f = c.operand().form();
            return f instanceof Point.Load l && l.mask() == null && l.offset().isAffine()
                    ? new Operand(l.place(), l.storage(), l.offset())
                    : null;
        }
    }

    /**
     * Which loop is what.
     *
     * @param rows the operand whose scalars fill lanes
     * @param columns the operand that is read in vectors
     * @param m the loops over rows, outermost first; their joint position counts the rows
     * @param n the loop over lanes
     * @param others the other loops of the result
     * @param width columns of a tile
     * @param lanes of a vector
     * @param height rows of a tile
     * @param chunk rows that one iteration of the grid computes
     */
    record Shape(
            Operand rows,
            Operand columns,
            List<Atom> m,
            Atom n,
            List<Atom> others,
            List<Atom> summed,
            int width,
            int lanes,
            int height,
            long chunk) {
        /** Whether there are fewer columns than lanes: the others are packed as zeros, and what comes of them is not stored. */
        boolean isNarrow() {
            return n.extent().value() < width;
        }

        /** Whether the columns must be packed: they do not lie behind each other. */
        boolean strided() {
            Size c = columns.offset.coefficient(n);
            return c == null || !c.is(1);
        }
    }

    private TileKernel() {}

    /** The roles of loops and operands; null if a tile does not fit this product. */
    static @Nullable Shape shape(Target target, DType type, List<Atom> kept, List<Atom> summed, Operand a, Operand b) {
        if (kept.size() < 2 || summed.isEmpty()) return null;
        Atom n = kept.getLast();
        boolean inA = (a.offset.vars() & n.vars()) != 0;
        boolean inB = (b.offset.vars() & n.vars()) != 0;
        if (inA && inB) return null;
        // A constant that is the same in all columns is packed as if it were not.
        if (!inA && !inB && a.place.constant() == null && b.place.constant() == null) return null;
        boolean left = inA || !inB && b.place.constant() == null;
        Operand rows = left ? b : a;
        Operand columns = left ? a : b;
        List<Atom> m = new ArrayList<>();
        List<Atom> either = new ArrayList<>();
        for (Atom k : kept) {
            if (k == n || (columns.offset.vars() & k.vars()) != 0) continue;
            ((rows.offset.vars() & k.vars()) != 0 ? m : either).add(k);
        }
        if (m.isEmpty() && !either.isEmpty()) m.add(either.getLast());
        Size count = Size.product(m.stream().map(Atom::extent).toList());
        if (m.isEmpty() || count.value() < 2) return null;
        int bytes = Math.max(
                type.bytes(),
                Math.max(
                        Type.widened(a.storage).bytes(), Type.widened(b.storage).bytes()));
        Tiling t = Tiling.of(target, bytes, count, n.extent());
        if (t == null && columns.place.constant() != null && n.extent().isLiteral())
            t = Tiling.of(target, bytes, count, Size.of(Tiling.LEAST_LANES));
        if (t == null) return null;
        List<Atom> others = new ArrayList<>(kept);
        others.remove(n);
        others.removeAll(m);
        int width = t.vectors() * t.lanes();
        long panels = Math.max(1, n.extent().value() / width);
        for (Atom o : others) panels *= o.extent().value();
        long chunk = chunk(target, count, t.height(), panels);
        return new Shape(rows, columns, m, n, others, summed, width, t.lanes(), t.height(), chunk);
    }

    /** Rows for an iteration of the grid: few enough that the threads share the work evenly, as far as the number is certain. */
    private static long chunk(Target target, Size rows, int height, long panels) {
        long most = Math.max(1, ROWS_AT_ONCE / height);
        if (!rows.isLiteral()) return most * height;
        long tiles = Math.ceilDiv(rows.value(), height);
        long chunks = Math.min(tiles, Math.ceilDiv((long) SHARES * target.threads(), panels));
        return Math.clamp(tiles / chunks, 1, most) * height;
    }

    /**
     * @param packed the columns in panels; null where they are read as they lie
     * @param finish what is stored, from the sum (number 0)
     */
    static CommandList.Launch of(
            String name,
            DType type,
            Shape s,
            @Nullable Panels packed,
            Point finish,
            Lin to,
            Place out,
            DType storage,
            String origin) {
        Emitter e = new Emitter(name);
        e.open();
        Expr m = Schedule.count(e, s.m);
        Expr n = e.size(s.n.extent());
        Expr chunks = Kernels.max(Kernels.index(1), Kernels.div(m, Kernels.index(s.chunk)));
        Expr full = s.isNarrow() ? Kernels.index(1) : Kernels.div(n, Kernels.index(s.width));
        Expr panel = e.let("g", Kernels.rem(Schedule.GRID, full));
        Expr rest = e.let("g", Kernels.div(Schedule.GRID, full));
        Expr number = e.let("g", Kernels.rem(rest, chunks));
        Schedule.decompose(e, e.let("g", Kernels.div(rest, chunks)), s.others);
        Expr begin = e.let("g", Kernels.mul(number, s.chunk));
        Expr end = e.let("g", Kernels.select(equal(Kernels.add(number, 1), chunks), m, Kernels.add(begin, s.chunk)));
        // The panel that is left at the end belongs to the iteration of the last full one.
        Expr panels = Kernels.div(Kernels.add(n, s.width - 1), Kernels.index(s.width));
        Expr panelEnd = e.let("g", Kernels.select(equal(Kernels.add(panel, 1), full), panels, Kernels.add(panel, 1)));
        String p = e.fresh("p");
        e.open();
        Expr column = s.isNarrow()
                ? Kernels.index(0)
                : e.let(
                        "n",
                        Kernels.min(Kernels.mul(Kernels.variable(p), s.width), Kernels.sub(n, Kernels.index(s.width))));
        String t = e.fresh("m");
        e.open();
        Expr row = e.let("m", Kernels.min(Kernels.variable(t), Kernels.sub(end, Kernels.index(s.height))));
        new Tile(e, type, s, packed, row, column, Kernels.variable(p)).emit(finish, to, out, storage);
        e.add(new Stmt.For(t, begin, end, s.height, false, e.close()));
        e.add(new Stmt.For(p, panel, panelEnd, 1, false, e.close()));
        e.add(e.close());
        Expr grid = Kernels.mul(Kernels.mul(full, chunks), Schedule.count(e, s.others));
        return e.launch(grid, origin);
    }

    private static Expr equal(Expr a, Expr b) {
        if (a instanceof Expr.Int x && b instanceof Expr.Int y)
            return new Expr.Int(Type.BOOL, x.value() == y.value() ? 1 : 0);
        return new Expr.Apply(MapFunction.EQ, List.of(a, b));
    }

    /** One tile. */
    private static final class Tile {
        private final Emitter e;
        private final DType type;
        private final Shape s;
        private final @Nullable Panels packed;
        private final Expr row;
        private final Expr column;
        private final Expr panel;

        Tile(Emitter e, DType type, Shape s, @Nullable Panels packed, Expr row, Expr column, Expr panel) {
            this.e = e;
            this.type = type;
            this.s = s;
            this.packed = packed;
            this.row = row;
            this.column = column;
            this.panel = panel;
        }

        void emit(Point finish, Lin to, Place out, DType storage) {
            int vectors = s.width / s.lanes;
            long inner = 0;
            for (Atom k : s.summed) inner |= k.vars();
            // What does not change in the sum is computed before it.
            Lin[] rowParts = parts(s.rows.offset, inner);
            List<Expr> rowStarts = new ArrayList<>();
            List<List<Expr>> places = places();
            for (int r = 0; r < s.height; r++) {
                e.open();
                bindRow(places.get(r));
                rowStarts.add(e.let("x", e.index(rowParts[0])));
                e.closeInline();
            }
            Lin columnOffset = packed != null ? packed.offset() : s.columns.offset;
            Lin[] columnParts = parts(columnOffset, inner);
            e.open();
            e.bind(packed != null ? packed.panel() : s.n, packed != null ? panel : column);
            Expr columnStart = e.let("x", e.index(columnParts[0]));
            e.closeInline();
            List<Expr.Var> acc = new ArrayList<>();
            Expr zero = Kernels.splat(ReduceKernel.identity(dev.meseta.graph.ReduceKind.SUM, type), s.lanes);
            for (int i = 0; i < s.height * vectors; i++) acc.add(e.declare("a", zero));
            int rows = e.buffer(s.rows.place, s.rows.storage, Kernel.Access.READ);
            Place columnPlace = packed != null ? packed.place() : s.columns.place;
            int columns = e.buffer(columnPlace, s.columns.storage, Kernel.Access.READ);
            e.loops(s.summed, unrolled(), () -> {
                Expr k = e.index(columnParts[1]);
                List<Expr> b = new ArrayList<>();
                for (int v = 0; v < vectors; v++)
                    b.add(e.let(
                            "b",
                            load(
                                    columns,
                                    s.columns.storage,
                                    Kernels.add(Kernels.add(columnStart, k), (long) v * s.lanes),
                                    s.lanes)));
                Expr j = e.index(rowParts[1]);
                for (int r = 0; r < s.height; r++) {
                    Expr x = load(rows, s.rows.storage, Kernels.add(rowStarts.get(r), j), 1);
                    Expr a = e.let("a", Kernels.splat(x, s.lanes));
                    for (int v = 0; v < vectors; v++) {
                        Expr.Var sum = acc.get(r * vectors + v);
                        e.assign(
                                sum,
                                type.isFloat()
                                        ? new Expr.Fma(a, b.get(v), sum)
                                        : Kernels.add(sum, Kernels.mul(a, b.get(v))));
                    }
                }
            });
            for (int r = 0; r < s.height; r++) {
                for (int v = 0; v < vectors; v++) {
                    Expr.Var sum = acc.get(r * vectors + v);
                    if (s.isNarrow()) {
                        for (int i = 0; i < s.n.extent().value(); i++)
                            store(
                                    places.get(r),
                                    i,
                                    1,
                                    new Expr.Shuffle(sum, sum, List.of(i)),
                                    finish,
                                    to,
                                    out,
                                    storage);
                    } else {
                        store(places.get(r), v * s.lanes, s.lanes, sum, finish, to, out, storage);
                    }
                }
            }
        }

        /** Stores some columns of a row. */
        private void store(
                List<Expr> place, int first, int lanes, Expr sum, Point finish, Lin to, Place out, DType storage) {
            e.open();
            bindRow(place);
            e.bindVector(s.n, Kernels.add(column, first), lanes);
            e.give(0, e.let("s", sum));
            e.store(out, storage, to, e.value(finish));
            e.scalar();
            e.add(e.close());
        }

        /** The values of the row loops for each row: one more in the last loop, carried into those around it. */
        private List<List<Expr>> places() {
            List<List<Expr>> places = new ArrayList<>();
            if (s.m.size() == 1) {
                for (int r = 0; r < s.height; r++) places.add(List.of(Kernels.add(row, r)));
                return places;
            }
            List<Expr> at = new ArrayList<>();
            Expr rest = row;
            for (int i = s.m.size() - 1; i > 0; i--) {
                Expr n = e.size(s.m.get(i).extent());
                at.addFirst(e.let("m", Kernels.rem(rest, n)));
                rest = e.let("m", Kernels.div(rest, n));
            }
            at.addFirst(rest);
            places.add(at);
            for (int r = 1; r < s.height; r++) {
                List<Expr> next = new ArrayList<>(places.getLast());
                Expr carry = Kernels.index(1);
                for (int i = s.m.size() - 1; i >= 0; i--) {
                    Expr more = e.let("m", Kernels.add(next.get(i), carry));
                    if (i == 0) {
                        next.set(i, more);
                        break;
                    }
                    Expr over = equal(more, e.size(s.m.get(i).extent()));
                    next.set(i, e.let("m", Kernels.select(over, Kernels.index(0), more)));
                    carry = Kernels.select(over, Kernels.index(1), Kernels.index(0));
                }
                places.add(next);
            }
            return places;
        }

        private void bindRow(List<Expr> place) {
            for (int i = 0; i < s.m.size(); i++) e.bind(s.m.get(i), place.get(i));
        }

        /** Up to how many steps a loop of the sum is written out: small kernels whole, or their last axis. */
        private long unrolled() {
            Size last = s.summed.getLast().extent();
            return last.isLiteral() && last.value() <= UNROLLED ? last.value() : 0;
        }

        private Expr load(int buffer, DType storage, Expr index, int lanes) {
            Expr x = Kernels.load(buffer, index, new Type(Type.widened(storage), lanes));
            return Kernels.convert(type, Rounding.WRAP, x);
        }

        /** The part that depends on none of the loops, and the one that does. */
        private static Lin[] parts(Lin l, long loops) {
            Lin fixed = Lin.ZERO;
            Lin moving = Lin.ZERO;
            for (Lin.Term t : l.terms()) {
                Lin one = t.atom() == null
                        ? Lin.of(t.coefficient())
                        : Lin.of(t.atom()).times(t.coefficient());
                if (t.atom() != null && (t.atom().vars() & loops) != 0) moving = moving.plus(one);
                else fixed = fixed.plus(one);
            }
            return new Lin[] {fixed, moving};
        }
    }
}
