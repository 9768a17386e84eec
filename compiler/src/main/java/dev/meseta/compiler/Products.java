package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Op.Cast.Rounding;
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Sums of products. Large ones are computed in register tiles ({@link TileKernel}); the others, and those whose operands are no plain
 * strided memory, as a reduction of products.
 */
final class Products {
    private final Assembly a;
    private final Group g;
    private final N anchor;
    private final Place out;
    private final V left;
    private final V right;
    private final DType type;

    Products(Assembly a, Group g, N anchor, Place out) {
        this.a = a;
        this.g = g;
        this.anchor = anchor;
        this.out = out;
        this.left = anchor.in.get(0);
        this.right = anchor.in.get(1);
        this.type = Type.widened(anchor.result().dtype());
    }

    /** A product's operands by index. */
    interface Operands {
        Point left(Points points, Pull pull, List<Lin> kept, List<Lin> summed);

        Point right(Points points, Pull pull, List<Lin> kept, List<Lin> summed);
    }

    void contraction(Op.Contraction o) {
        List<Size> summed = o.leftSum().stream().map(left.shape()::get).toList();
        emit(new Sum("contraction", anchor.result().shape(), kept -> kept, summed), operands(anchor, o));
    }

    /** The operands of a contraction, by the index of the result and that of what is summed. */
    static Operands operands(N anchor, Op.Contraction o) {
        V left = anchor.in.get(0);
        V right = anchor.in.get(1);
        List<Integer> leftFree = free(left, o.leftBatch(), o.leftSum());
        List<Integer> rightFree = free(right, o.rightBatch(), o.rightSum());
        int batch = o.leftBatch().size();
        return new Operands() {
            @Override
            public Point left(Points points, Pull pull, List<Lin> kept, List<Lin> k) {
                return pull.at(left, place(left, o.leftBatch(), o.leftSum(), leftFree, kept, batch, k));
            }

            @Override
            public Point right(Points points, Pull pull, List<Lin> kept, List<Lin> k) {
                int first = batch + leftFree.size();
                return pull.at(right, place(right, o.rightBatch(), o.rightSum(), rightFree, kept, first, k));
            }
        };
    }

    /** The axes of an operand that are neither counted along with the other's nor summed. */
    static List<Integer> free(V v, List<Integer> batch, List<Integer> sum) {
        List<Integer> axes = new ArrayList<>();
        for (int i = 0; i < v.type.rank(); i++) if (!batch.contains(i) && !sum.contains(i)) axes.add(i);
        return axes;
    }

    /** The index of an operand's element. */
    static List<Lin> place(
            V v,
            List<Integer> batch,
            List<Integer> sum,
            List<Integer> free,
            List<Lin> kept,
            int firstFree,
            List<Lin> k) {
        Lin[] index = new Lin[v.type.rank()];
        for (int i = 0; i < batch.size(); i++) index[batch.get(i)] = kept.get(i);
        for (int i = 0; i < sum.size(); i++) index[sum.get(i)] = k.get(i);
        for (int i = 0; i < free.size(); i++) index[free.get(i)] = kept.get(firstFree + i);
        return List.of(index);
    }

    /**
     * What is summed.
     *
     * @param kept the extents of the places for which there is a sum, in the order of the result's axes
     * @param place from the index of a place to that of the result's element
     * @param summed the extents of what is summed, as it is best walked
     */
    record Sum(String name, List<Size> kept, UnaryOperator<List<Lin>> place, List<Size> summed) {
        /** Whether it is so small that it is not worth a tile. */
        boolean isSmall() {
            return Size.product(summed).value() < 4 || Size.product(kept).value() < 32;
        }
    }

    void emit(Sum sum, Operands operands) {
        if (!tiled(sum, operands)) reduced(sum, operands);
    }

    /** Computes a sum in tiles, if it can be; the left operand may be 0 where a mask does not hold. */
    boolean tiled(Sum sum, Operands operands) {
        if (sum.isSmall()) return false;
        Lowering.Epilogue epilogue = new Lowering.Epilogue(a, g, anchor);
        Layout walked = epilogue.walked();
        Nest nest = Nest.of(List.of(walked.stored(sum.kept()), sum.summed()), (points, index) -> {
            Pull pull = new Pull(points, g, a::place);
            List<Lin> kept = walked.logical(index.get(0));
            List<Lin> to = sum.place().apply(kept);
            Point total = points.given(0, type, kept);
            return List.of(
                    points.convert(type, Rounding.WRAP, operands.left(points, pull, kept, index.get(1))),
                    points.convert(type, Rounding.WRAP, operands.right(points, pull, kept, index.get(1))),
                    epilogue.finish(points, to, total),
                    points.number(epilogue.offset(points, to)));
        });
        TileKernel.Masked masked = TileKernel.Masked.of(nest.result().get(0));
        TileKernel.Operand x = masked != null
                ? masked.operand()
                : TileKernel.Operand.of(nest.result().get(0));
        TileKernel.Operand y = TileKernel.Operand.of(nest.result().get(1));
        if (x == null || y == null) return false;
        TileKernel.Shape s = shape(nest, x, y);
        if (s == null) return false;
        Lin target = ((Point.Number) nest.result().get(3).form()).index();
        if (masked != null) {
            SubgroupTile lanes = s.rows() == x ? SubgroupTile.of(a, sum.name(), type, s, masked.mask()) : null;
            if (lanes == null) return false;
            a.add(lanes.emit(nest.points(), nest.result().get(2), target, out, epilogue.storage(), Lowering.origin(g)));
            return true;
        }
        boolean bytes = isDot(s);
        MatrixTile matrices = a.target.lockstep() ? MatrixTile.of(a, sum.name(), type, s) : null;
        if (matrices != null) {
            a.add(matrices.emit(nest.result().get(2), target, out, epilogue.storage(), Lowering.origin(g)));
            return true;
        }
        TeamTile team = bytes ? null : TeamTile.of(a, sum.name(), type, s);
        if (team != null) {
            a.add(team.emit(nest.result().get(2), target, out, epilogue.storage(), Lowering.origin(g)));
            return true;
        }
        SubgroupTile lanes = bytes ? null : SubgroupTile.of(a, sum.name(), type, s, null);
        if (lanes != null) {
            a.add(lanes.emit(nest.points(), nest.result().get(2), target, out, epilogue.storage(), Lowering.origin(g)));
            return true;
        }
        boolean pack = !bytes && (s.strided() || s.columns().place().constant() != null);
        Target.Matrix matrix = bytes ? MatrixBlock.fitting(a, s) : null;
        if (matrix != null) s = MatrixBlock.shape(a, s, matrix);
        DotPanels dots =
                bytes ? DotPanels.of(a, nest.points(), s, s.columns().place().constant(), matrix) : null;
        Panels panels = pack ? Panels.of(a, nest.points(), s, Lowering.origin(g)) : null;
        a.add(TileKernel.of(
                sum.name(),
                type,
                s,
                panels,
                dots,
                List.of(new TileKernel.Stored(nest.result().get(2), target, out, epilogue.storage())),
                Lowering.origin(g)));
        return true;
    }

    /** The roles of loops and operands. A row or a column alone has no loop of its own, and gets one. */
    private TileKernel.@Nullable Shape shape(Nest nest, TileKernel.Operand x, TileKernel.Operand y) {
        List<Atom> kept = nest.loops(0);
        TileKernel.Shape s = TileKernel.shape(a, type, kept, nest.loops(1), x, y);
        if (s != null || y.place().constant() == null) return s;
        Atom one = nest.points().loop(Size.ONE);
        List<Atom> column = new ArrayList<>(kept);
        column.add(one);
        s = TileKernel.shape(a, type, column, nest.loops(1), x, y);
        if (s != null) return s;
        List<Atom> row = new ArrayList<>(kept);
        row.addFirst(one);
        return TileKernel.shape(a, type, row, nest.loops(1), x, y);
    }

    /** Whether a product is of bytes by constant bytes, and the bytes of a row lie behind each other. */
    private boolean isDot(TileKernel.Shape s) {
        Atom inner = s.summed().getLast();
        Size step = s.rows().offset().coefficient(inner);
        boolean literal = s.n().extent().isLiteral();
        for (Atom k : s.summed()) literal &= k.extent().isLiteral();
        for (Atom o : s.others())
            literal &= o.extent().isLiteral() || (s.columns().offset().vars() & o.vars()) == 0;
        return type == DType.I32
                && (a.target.byteProducts() || WideRows.fit(s))
                && isByte(s.rows().storage())
                && isByte(s.columns().storage())
                && s.columns().place().constant() != null
                && literal
                && step != null
                && step.is(1);
    }

    private static boolean isByte(DType t) {
        return t == DType.I8 || t == DType.U8;
    }

    private void reduced(Sum sum, Operands operands) {
        Lowering.Epilogue epilogue = new Lowering.Epilogue(a, g, anchor);
        Layout walked = epilogue.walked();
        a.add(ReduceKernel.of(
                a.target,
                sum.name(),
                ReduceKind.SUM,
                type,
                walked.stored(sum.kept()),
                sum.summed(),
                new ReduceKernel.Spec() {
                    @Override
                    public Point element(Points points, List<Lin> stored, List<Lin> k) {
                        Pull pull = new Pull(points, g, a::place);
                        List<Lin> kept = walked.logical(stored);
                        Point x = points.convert(type, Rounding.WRAP, operands.left(points, pull, kept, k));
                        Point y = points.convert(type, Rounding.WRAP, operands.right(points, pull, kept, k));
                        return points.apply(MapFunction.MUL, x, y);
                    }

                    @Override
                    public Point finish(Points points, List<Lin> stored, Point total) {
                        return epilogue.finish(points, sum.place().apply(walked.logical(stored)), total);
                    }

                    @Override
                    public Lin offset(Points points, List<Lin> stored) {
                        return epilogue.offset(points, sum.place().apply(walked.logical(stored)));
                    }
                },
                out,
                epilogue.storage(),
                Lowering.origin(g)));
    }
}
