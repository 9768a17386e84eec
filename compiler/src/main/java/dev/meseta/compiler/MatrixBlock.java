package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.MatrixType;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.Target;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A tile of a {@link TileKernel} that is computed by a processor's instructions for small matrices ({@link Target.Matrix} of one member): some of
 * them above each other and some beside each other. Sums go to an array, from which rows are finished one by one, so that what is done
 * with a sum is there once and not for each row.
 */
final class MatrixBlock {
    /** Matrices that there are registers for. */
    private static final int REGISTERS = 8;

    /** Rows of matrices that a product must have. With one, reading the columns takes as long as multiplying them in vectors. */
    private static final int LEAST_HEIGHT = 2;

    /** Matrices above each other, or beside each other. */
    private static final int MOST = 3;

    /** Cycles that a product of two matrices takes, those to read one of them, to bring a sum to memory and back, and to begin a block. */
    private static final double PRODUCT = 16;

    private static final double LOAD = 12;
    private static final double FINISH = 64;
    private static final double BEGIN = 60;

    /** Matrices of a block. */
    private record Block(int high, int wide) {}

    private final Emitter e;
    private final TileKernel.Shape s;
    private final DotPanels panels;
    private final Target.Matrix matrix;
    private final Expr row;
    private final Expr column;
    private final Expr panel;
    private final Expr done;

    /**
     * @param panels the columns, of which {@link DotPanels#matrix} is not null
     * @param row number of the block's first row
     * @param column number of its first column
     * @param panel number of its panel
     * @param done rows of the panel that blocks before this one have
     */
    MatrixBlock(
            Emitter e,
            TileKernel.Shape s,
            DotPanels panels,
            Target.Matrix matrix,
            Expr row,
            Expr column,
            Expr panel,
            Expr done) {
        this.e = e;
        this.s = s;
        this.panels = panels;
        this.matrix = matrix;
        this.row = row;
        this.column = column;
        this.panel = panel;
        this.done = done;
    }

    /** The matrices that fit a product of bytes by constant bytes, in type and extents; null where there are none, or rows lie otherwise. */
    static Target.@Nullable Matrix fitting(Assembly a, TileKernel.Shape s) {
        if (a.target.lockstep() || s.m().size() != 1 || s.parts() != null) return null;
        Size step = s.rows().offset().coefficient(s.m().getFirst());
        if (step == null || !step.isLiteral() || step.value() <= 0) return null;
        for (Target.Matrix x : a.target.matrices()) {
            boolean fits = x.members() == 1
                    && x.left() == s.rows().storage()
                    && x.right() == s.columns().storage()
                    && s.summed().getLast().extent().value() % x.depth() == 0
                    && s.n().extent().value() >= x.columns()
                    && s.m().getFirst().extent().value() >= (long) LEAST_HEIGHT * x.rows();
            if (fits) return x;
        }
        return null;
    }

    /** The loops of a product in blocks of matrices. */
    static TileKernel.Shape shape(Assembly a, TileKernel.Shape s, Target.Matrix x) {
        Size rows = s.m().getFirst().extent();
        long columns = s.n().extent().value();
        long summed = 1;
        for (Atom k : s.summed()) summed *= k.extent().value();
        Map<Block, Double> costs = new LinkedHashMap<>();
        for (int high = 1; high <= MOST; high++) {
            for (int wide = 1; wide <= MOST; wide++) {
                boolean fits = high * wide + high + wide <= REGISTERS
                        && (long) high * x.rows() <= rows.value()
                        && (long) wide * x.columns() <= columns;
                if (!fits) continue;
                long nominal = rows.isLiteral() ? rows.value() : TeamTile.nominal(rows);
                double blocks = (double) Math.ceilDiv(nominal, (long) high * x.rows())
                        * Math.ceilDiv(columns, (long) wide * x.columns());
                double step = Math.max(PRODUCT * high * wide, LOAD * (high + wide));
                costs.put(new Block(high, wide), blocks * (summed / x.depth() * step + FINISH * high * wide + BEGIN));
            }
        }
        String question = "matrices of a block for " + (rows.isLiteral() ? rows.value() : "?") + "x" + columns;
        Block block = a.choices.pick(question, costs, b -> b.high() + "x" + b.wide());
        return s.tiled(a.target, block.high() * x.rows(), block.wide() * x.columns(), x.columns());
    }

    void emit(List<TileKernel.Stored> stores) {
        String array = e.fresh("sums");
        e.add(new Stmt.LocalArray(array, Type.of(matrix.sum()), s.height() * s.width()));
        List<String> sums = multiply();
        int wide = s.width() / matrix.columns();
        for (int i = 0; i < sums.size(); i++) {
            long at = (long) (i / wide) * matrix.rows() * s.width() + (long) (i % wide) * matrix.columns();
            e.add(new Stmt.StoreMatrix(sums.get(i), array, Kernels.index(at), s.width()));
        }
        String r = e.fresh("r");
        e.open();
        Expr at = Kernels.mul(Kernels.variable(r), s.width());
        Type vector = new Type(matrix.sum(), s.lanes());
        List<Expr> place = List.of(Kernels.add(row, Kernels.variable(r)));
        for (int c = 0; c < s.width(); c += s.lanes()) {
            Expr sum = new Expr.LoadLocal(array, Kernels.add(at, c), vector);
            Tile.store(e, s, place, Kernels.add(column, c), s.lanes(), List.of(sum), stores);
        }
        e.add(Kernels.loop(r, Kernels.index(0), Kernels.index(s.height()), 1, e.close()));
    }

    /** The sums, row by row. */
    private List<String> multiply() {
        int high = s.height() / matrix.rows();
        int wide = s.width() / matrix.columns();
        Lin[] rowParts = Tile.parts(s.rows().offset(), s.summed());
        Lin[] columnParts = Tile.parts(panels.offset(), s.summed(), panels.steps());
        List<Expr> rowStarts = new ArrayList<>();
        for (int i = 0; i < high; i++) {
            e.open();
            e.bind(s.m().getFirst(), Kernels.add(row, (long) i * matrix.rows()));
            rowStarts.add(e.let("x", e.index(rowParts[0])));
            e.closeInline();
        }
        e.open();
        e.bind(panels.panel(), panel);
        Expr columnStart = e.let("x", e.index(columnParts[0]));
        e.closeInline();
        int rows = e.buffer(s.rows().place(), s.rows().storage(), Kernel.Access.READ);
        int columns = e.buffer(panels.place(), panels.storage(), Kernel.Access.READ);
        long elements = (long) matrix.depth() * s.width();
        Prefetching ahead = Prefetching.of(
                e,
                s,
                new Prefetching.Columns(
                        columns, panels.storage(), panel, panels.panel(), columnParts[0], columnParts[1], elements),
                done);
        List<String> sums = new ArrayList<>();
        for (int i = 0; i < high * wide; i++) {
            String sum = e.fresh("a");
            sums.add(sum);
            e.add(new Stmt.ZeroMatrix(sum, new MatrixType(matrix.sum(), matrix.rows(), matrix.columns())));
        }
        long rowStride = Panels.coefficient(s.rows().offset(), s.m().getFirst());
        MatrixType left = new MatrixType(matrix.left(), matrix.rows(), matrix.depth());
        MatrixType right = new MatrixType(matrix.right(), matrix.depth(), matrix.columns());
        Atom inner = s.summed().getLast();
        e.loops(s.summed().subList(0, s.summed().size() - 1), 0, () -> {
            String k = e.fresh("k");
            e.open();
            e.bind(inner, Kernels.variable(k));
            e.bind(panels.steps(), e.let("k", Kernels.div(Kernels.variable(k), Kernels.index(panels.step()))));
            Expr from = Kernels.add(columnStart, e.index(columnParts[1]));
            if (ahead != null) ahead.step(from);
            List<String> above = new ArrayList<>();
            for (int i = 0; i < high; i++) {
                Expr index = Kernels.add(rowStarts.get(i), e.index(rowParts[1]));
                above.add(e.fresh("b"));
                e.add(new Stmt.LoadMatrix(above.get(i), left, true, rows, index, rowStride, Stmt.Order.ROWS));
            }
            for (int j = 0; j < wide; j++) {
                String beside = e.fresh("b");
                Expr index = Kernels.add(from, (long) j * matrix.columns() * panels.step());
                long stride = (long) s.width() * panels.step();
                e.add(new Stmt.LoadMatrix(beside, right, false, columns, index, stride, Stmt.Order.FOURS));
                for (int i = 0; i < high; i++)
                    e.add(new Stmt.MultiplyMatrices(sums.get(i * wide + j), above.get(i), beside));
            }
            Expr end = e.size(inner.extent());
            e.add(Kernels.loop(k, Kernels.index(0), end, matrix.depth(), e.close()));
        });
        return sums;
    }
}
