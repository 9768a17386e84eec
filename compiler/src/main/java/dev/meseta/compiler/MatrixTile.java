package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.MatrixType;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A sum of products by a device's instructions for small matrices ({@link Target.Matrix}). A team computes a block of some of them; it
 * reads the factors where they lie, and brings the sums to shared memory, from where its members finish and store an element each.
 */
final class MatrixTile {
    /** What instructions want addresses and strides to be multiples of, in bytes. */
    private static final int ALIGNMENT = 16;

    /** Matrices that a block is high and wide. */
    private static final List<Integer> HEIGHTS = List.of(4, 2, 1);

    /** Sums of a block that its members keep in registers, each. */
    private static final int MOST_SUMS = 128;

    /** @param down whether the elements of a column lie behind each other */
    private record Factor(TileKernel.Operand operand, long stride, boolean down) {
        /**
         * How an operand lies; null if it does not lie so that instructions read it.
         *
         * @param across the loop over columns
         * @param wide columns that are read at once
         */
        static @Nullable Factor of(TileKernel.Operand o, Atom along, int high, Atom across, int wide) {
            int bytes = o.storage().bytes();
            long bits = o.place().offset();
            for (long s : o.place().strides()) bits |= s;
            boolean down = o.isContiguousIn(along);
            if (!down && !o.isContiguousIn(across)) return null;
            Atom near = down ? along : across;
            for (Lin.Term t : o.offset().terms()) {
                if (!t.coefficient().isLiteral()) return null;
                boolean isNear = t.atom() == near;
                if (isNear && !t.coefficient().is(1)) return null;
                bits |= isNear
                        ? (long) (down ? high : wide) * bytes
                        : t.coefficient().value() * bytes;
            }
            Size stride = o.offset().coefficient(down ? across : along);
            if (bits % ALIGNMENT != 0 || stride == null || stride.value() <= 0) return null;
            return new Factor(o, stride.value(), down);
        }
    }

    /** A block: matrices one above the other, and beside each other. */
    private record Block(int high, int wide) {}

    private final Emitter e;
    private final DType type;
    private final TileKernel.Shape s;
    private final Target.Matrix matrix;
    private final Factor left;
    private final Factor right;
    private final Block block;

    private MatrixTile(
            String name, DType type, TileKernel.Shape s, Target.Matrix matrix, Factor left, Factor right, Block block) {
        this.e = new Emitter(name);
        this.type = type;
        this.s = s;
        this.matrix = matrix;
        this.left = left;
        this.right = right;
        this.block = block;
    }

    /** A product by matrices; null where the device has none that fit, in type and size, or the operands do not lie so. */
    static @Nullable MatrixTile of(Assembly a, String name, DType type, TileKernel.Shape s) {
        if (s.m().size() != 1 || s.summed().size() != 1 || s.parts() != null) return null;
        Atom m = s.m().getFirst();
        Atom k = s.summed().getFirst();
        for (Target.Matrix x : a.target.matrices()) {
            boolean fits = x.left() == s.rows().storage()
                    && x.right() == s.columns().storage()
                    && x.sum() == type
                    && divides(x.rows(), m)
                    && divides(x.columns(), s.n())
                    && divides(x.depth(), k);
            if (!fits) continue;
            Factor left = Factor.of(s.rows(), m, x.rows(), k, x.depth());
            Factor right = Factor.of(s.columns(), k, x.depth(), s.n(), x.columns());
            if (left == null || right == null) continue;
            Map<Block, Double> costs = costs(a.target, x, m.extent().value(), s);
            if (costs.isEmpty()) continue;
            String question = "matrices of a block for " + m.extent().value() + "x"
                    + s.n().extent().value();
            Block block = a.choices.pick(question, costs, b -> b.high() + "x" + b.wide());
            return new MatrixTile(name, type, s, x, left, right, block);
        }
        return null;
    }

    private static boolean divides(int by, Atom loop) {
        return loop.extent().isLiteral() && loop.extent().value() % by == 0;
    }

    private static Map<Block, Double> costs(Target target, Target.Matrix x, long m, TileKernel.Shape s) {
        long n = s.n().extent().value();
        long others = 1;
        for (Atom o : s.others()) others *= TeamTile.nominal(o.extent());
        Map<Block, Double> costs = new LinkedHashMap<>();
        for (int high : HEIGHTS) {
            for (int wide : HEIGHTS) {
                long elements = (long) high * x.rows() * wide * x.columns();
                boolean fits = m % ((long) high * x.rows()) == 0
                        && n % ((long) wide * x.columns()) == 0
                        && elements <= (long) MOST_SUMS * x.members()
                        && elements * x.sum().bytes() <= target.sharedBytes();
                if (!fits) continue;
                double blocks = (double) m * n * others / elements;
                double rounds = Math.max(1, blocks * x.members() / target.threads());
                costs.put(new Block(high, wide), rounds * (high * wide + high + wide));
            }
        }
        return costs;
    }

    /**
     * @param finish what is stored, from the sum (number 0)
     */
    CommandList.Launch emit(Point finish, Lin to, Place out, DType storage, String origin) {
        int high = block.high() * matrix.rows();
        int wide = block.wide() * matrix.columns();
        Atom m = s.m().getFirst();
        e.team(matrix.members());
        e.open();
        Expr across = Kernels.index(s.n().extent().value() / wide);
        Expr down = Kernels.index(m.extent().value() / high);
        Expr column = e.let("n", Kernels.mul(e.let("g", Kernels.rem(Schedule.GRID, across)), wide));
        Expr rest = e.let("g", Kernels.div(Schedule.GRID, across));
        Expr row = e.let("m", Kernels.mul(e.let("g", Kernels.rem(rest, down)), high));
        Schedule.decompose(e, e.let("g", Kernels.div(rest, down)), s.others());
        e.add(new Stmt.SharedArray("sums", Type.of(type), high * wide));
        List<String> sums = multiply(row, column);
        for (int i = 0; i < sums.size(); i++) {
            long at = (long) (i / block.wide()) * matrix.rows() * wide + (long) (i % block.wide()) * matrix.columns();
            e.add(new Stmt.StoreMatrix(sums.get(i), "sums", Kernels.index(at), wide));
        }
        e.add(new Stmt.Barrier());
        String t = e.fresh("t");
        e.open();
        Expr at = e.let("t", Kernels.add(Kernels.variable(t), Kernel.MEMBER_VARIABLE));
        e.bind(m, e.let("m", Kernels.add(row, Kernels.div(at, Kernels.index(wide)))));
        e.bind(s.n(), e.let("n", Kernels.add(column, Kernels.rem(at, Kernels.index(wide)))));
        e.give(0, e.let("s", new Expr.LoadLocal("sums", at, Type.of(type))));
        e.store(out, storage, to, e.value(finish));
        Stmt one = e.close();
        boolean even = high * wide % matrix.members() == 0;
        Expr inside =
                Kernels.lt(Kernels.add(Kernels.variable(t), Kernel.MEMBER_VARIABLE), Kernels.index((long) high * wide));
        e.add(new Stmt.For(
                t,
                Kernels.index(0),
                Kernels.index((long) high * wide),
                matrix.members(),
                false,
                even ? one : new Stmt.If(inside, one, null)));
        e.add(e.close());
        return e.launch(Kernels.mul(Kernels.mul(across, down), Schedule.count(e, s.others())), origin);
    }

    private List<String> multiply(Expr row, Expr column) {
        List<String> sums = new ArrayList<>();
        for (int i = 0; i < block.high() * block.wide(); i++) {
            String sum = e.fresh("a");
            sums.add(sum);
            e.add(new Stmt.ZeroMatrix(sum, new MatrixType(type, matrix.rows(), matrix.columns())));
        }
        Atom summed = s.summed().getFirst();
        MatrixType ofLeft = new MatrixType(matrix.left(), matrix.rows(), matrix.depth());
        MatrixType ofRight = new MatrixType(matrix.right(), matrix.depth(), matrix.columns());
        String k = e.fresh("k");
        e.open();
        e.bind(summed, Kernels.variable(k));
        List<String> above = new ArrayList<>();
        for (int i = 0; i < block.high(); i++)
            above.add(load(left, true, ofLeft, s.m().getFirst(), Kernels.add(row, (long) i * matrix.rows())));
        for (int j = 0; j < block.wide(); j++) {
            String beside = load(right, false, ofRight, s.n(), Kernels.add(column, (long) j * matrix.columns()));
            for (int i = 0; i < block.high(); i++)
                e.add(new Stmt.MultiplyMatrices(sums.get(i * block.wide() + j), above.get(i), beside));
        }
        e.add(new Stmt.For(
                k, Kernels.index(0), Kernels.index(summed.extent().value()), matrix.depth(), false, e.close()));
        return sums;
    }

    private String load(Factor f, boolean isLeft, MatrixType t, Atom loop, Expr first) {
        String name = e.fresh("b");
        e.open();
        e.bind(loop, e.let("n", first));
        int buffer = e.buffer(f.operand().place(), f.operand().storage(), Kernel.Access.READ);
        e.add(new Stmt.LoadMatrix(
                name,
                t,
                isLeft,
                buffer,
                e.index(f.operand().offset()),
                f.stride(),
                f.down() ? Stmt.Order.COLUMNS : Stmt.Order.ROWS));
        e.closeInline();
        return name;
    }
}
