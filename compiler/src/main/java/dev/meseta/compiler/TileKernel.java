package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
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

        /** Whether a loop's elements lie behind each other. */
        boolean isContiguousIn(Atom loop) {
            Size c = offset.coefficient(loop);
            return c != null && c.is(1);
        }
    }

    /** An operand that is 0 where a mask does not hold. */
    record Masked(Operand operand, Point mask) {
        /** What is behind a point that is plain strided memory where its mask holds, and 0 elsewhere. */
        static @Nullable Masked of(Point p) {
            return p.form() instanceof Point.Apply a
                            && a.function() == MapFunction.SELECT
                            && a.operands().get(1).form() instanceof Point.Load l
                            && a.operands().getFirst() == l.mask()
                            && a.operands().get(2).form() instanceof Point.Real zero
                            && zero.value() == 0
                            && l.offset().isAffine()
                    ? new Masked(new Operand(l.place(), l.storage(), l.offset()), l.mask())
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
     * @param lockstep {@link Target#lockstep}
     * @param parts the loop over products of the same rows that a tile computes beside each other; null for one product
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
            long chunk,
            boolean lockstep,
            @Nullable Atom parts) {
        /** Products of the same rows that a tile computes. */
        int partCount() {
            return parts == null ? 1 : (int) parts.extent().value();
        }

        /** Whether there are fewer columns than lanes: the others are packed as zeros, and what comes of them is not stored. */
        boolean isNarrow() {
            return n.extent().value() < width;
        }

        /** The same product in other tiles. */
        Shape tiled(Target target, int newHeight, int newWidth, int newLanes) {
            long rowsAtOnce = TileKernel.chunk(target, m, n, others, newHeight, newWidth);
            return new Shape(
                    rows, columns, m, n, others, summed, newWidth, newLanes, newHeight, rowsAtOnce, lockstep, parts);
        }

        /** Whether the columns must be packed: they do not lie behind each other. */
        boolean strided() {
            return !columns.isContiguousIn(n);
        }
    }

    /**
     * What is stored for each place of the result.
     *
     * @param value from the sums, of which there is one for each part
     */
    record Stored(Point value, Lin to, Place place, DType storage) {}

    private TileKernel() {}

    /** The roles of loops and operands; null if a tile does not fit this product. */
    static @Nullable Shape shape(
            Assembly assembly, DType type, List<Atom> kept, List<Atom> summed, Operand a, Operand b) {
        return shape(assembly, type, kept, summed, a, b, null);
    }

    /**
     * As above.
     *
     * @param parts the loop over several products with the same rows; null for one
     */
    static @Nullable Shape shape(
            Assembly assembly,
            DType type,
            List<Atom> kept,
            List<Atom> summed,
            Operand a,
            Operand b,
            @Nullable Atom parts) {
        if (kept.isEmpty() || summed.isEmpty()) return null;
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
        // One row alone is worth a tile where its columns lie packed.
        if (m.isEmpty() || count.value() < 2 && columns.place.constant() == null) return null;
        int bytes = Math.max(
                type.bytes(),
                Math.max(
                        Type.widened(a.storage).bytes(), Type.widened(b.storage).bytes()));
        Target target = assembly.target;
        // Products that saturate are added in three steps, by a vector of ones.
        int besides = type == DType.I32 && target.saturates() ? 3 : 1;
        int beside = parts == null ? 1 : (int) parts.extent().value();
        Tiling t = Tiling.of(target, assembly.choices, bytes, count, n.extent(), besides, beside);
        if (t == null
                && parts == null
                && columns.place.constant() != null
                && n.extent().isLiteral())
            t = Tiling.of(target, assembly.choices, bytes, count, Size.of(Tiling.LEAST_LANES), besides, 1);
        if (t == null) return null;
        List<Atom> others = new ArrayList<>(kept);
        others.remove(n);
        others.removeAll(m);
        int width = t.vectors() / beside * t.lanes();
        long chunk = chunk(target, m, n, others, t.height(), width);
        return new Shape(
                rows, columns, m, n, others, summed, width, t.lanes(), t.height(), chunk, target.lockstep(), parts);
    }

    /** Rows for an iteration of the grid: few enough that the threads share the work evenly, as far as the number is certain. */
    private static long chunk(Target target, List<Atom> m, Atom n, List<Atom> others, int height, int width) {
        if (target.lockstep()) return height;
        Size rows = Size.product(m.stream().map(Atom::extent).toList());
        long panels = Math.max(1, n.extent().value() / width);
        for (Atom o : others) panels *= o.extent().value();
        long most = Math.max(1, ROWS_AT_ONCE / height);
        if (!rows.isLiteral()) return most * height;
        long tiles = Math.ceilDiv(rows.value(), height);
        long chunks = Math.min(tiles, Math.ceilDiv((long) SHARES * target.threads(), panels));
        return Math.clamp(tiles / chunks, 1, most) * height;
    }

    /**
     * @param packed the columns in panels; null where they are read as they lie, or are bytes
     * @param dots the columns of a product of bytes in panels; null for other products
     * @param stores what is stored, from the sums, of which the number is that of the part
     */
    static CommandList.Launch of(
            String name,
            DType type,
            Shape s,
            @Nullable Panels packed,
            @Nullable DotPanels dots,
            List<Stored> stores,
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
        Expr done = Kernels.sub(Kernels.variable(t), begin);
        Target.Matrix matrix = dots == null ? null : dots.matrix();
        if (dots != null && matrix != null)
            new MatrixBlock(e, s, dots, matrix, row, column, Kernels.variable(p), done).emit(stores);
        else new Tile(e, type, s, packed, dots, row, column, Kernels.variable(p), done).emit(stores);
        e.add(new Stmt.For(t, begin, end, s.height, false, e.close()));
        e.add(new Stmt.For(p, panel, panelEnd, 1, false, e.close()));
        e.add(e.close());
        Expr grid = Kernels.mul(Kernels.mul(full, chunks), Schedule.count(e, s.others));
        return e.launch(grid, origin);
    }

    static Expr equal(Expr a, Expr b) {
        if (a instanceof Expr.Int x && b instanceof Expr.Int y)
            return new Expr.Int(Type.BOOL, x.value() == y.value() ? 1 : 0);
        return new Expr.Apply(MapFunction.EQ, List.of(a, b));
    }
}
