package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Op.Cast.Rounding;
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.List;

/**
 * Sums of products. Large ones are computed in register tiles ({@link TileKernel}); the others, and those whose operands are no plain
 * strided memory, as a reduction of products.
 */
final class Products {
    /** Larger depthwise kernels are not written out. */
    private static final long MOST_TAPS = 64;

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
        List<Size> ls = left.shape();
        List<Size> summed = o.leftSum().stream().map(ls::get).toList();
        List<Integer> leftFree = free(left, o.leftBatch(), o.leftSum());
        List<Integer> rightFree = free(right, o.rightBatch(), o.rightSum());
        int batch = o.leftBatch().size();
        emit("contraction", summed, new Operands() {
            @Override
            public Point left(Points points, Pull pull, List<Lin> kept, List<Lin> k) {
                return pull.at(left, place(left, o.leftBatch(), o.leftSum(), leftFree, kept, batch, k));
            }

            @Override
            public Point right(Points points, Pull pull, List<Lin> kept, List<Lin> k) {
                int first = batch + leftFree.size();
                return pull.at(right, place(right, o.rightBatch(), o.rightSum(), rightFree, kept, first, k));
            }
        });
    }

    private static List<Integer> free(V v, List<Integer> batch, List<Integer> sum) {
        List<Integer> axes = new ArrayList<>();
        for (int i = 0; i < v.type.rank(); i++) if (!batch.contains(i) && !sum.contains(i)) axes.add(i);
        return axes;
    }

    private static List<Lin> place(
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

    void convolution(Op.Convolution o) {
        if (depthwise(o) || Winograd.lower(a, g, anchor, o, out)) return;
        List<Size> x = left.shape();
        List<Size> w = right.shape();
        int spatial = x.size() - 2;
        Size outputs = w.get(0).over(Size.of(o.groups()));
        Size groupOutputs = outputs == null ? Size.of(w.get(0).value() / o.groups()) : outputs;
        List<Size> summed = w.subList(1, w.size());
        Layout lies = new Layout(Layouts.of(g, left).order(), null);
        Place prepared = isPadded(o) && !isSmall(summed) ? prepare(o, lies) : null;
        List<Size> preparedShape = prepared == null ? x : paddedShape(o);
        // The sum walks the input in memory order.
        Layout order = new Layout(
                lies.order().stream()
                        .filter(axis -> axis != 0)
                        .map(axis -> axis - 1)
                        .toList(),
                null);
        emit("convolution", order.stored(summed), new Operands() {
            @Override
            public Point left(Points points, Pull pull, List<Lin> kept, List<Lin> stored) {
                List<Lin> k = order.logical(stored);
                Lin group = points.quotient(kept.get(1), groupOutputs);
                List<Lin> index = new ArrayList<>();
                index.add(kept.get(0));
                index.add(group.times(w.get(1)).plus(k.getFirst()));
                for (int i = 0; i < spatial; i++) {
                    index.add(kept.get(i + 2)
                            .times(Size.of(o.strides().get(i)))
                            .plus(k.get(i + 1).times(Size.of(o.kernelDilation().get(i)))));
                }
                return prepared == null
                        ? padded(o, points, pull, index)
                        : points.load(prepared, left.dtype(), lies.offset(preparedShape, index), null);
            }

            @Override
            public Point right(Points points, Pull pull, List<Lin> kept, List<Lin> stored) {
                List<Lin> index = new ArrayList<>();
                index.add(kept.get(1));
                index.addAll(order.logical(stored));
                return pull.at(right, index);
            }
        });
    }

    /** Computes a convolution whose channels have nothing to do with each other, if it lies channels-last. */
    private boolean depthwise(Op.Convolution o) {
        V root = g.root.result();
        List<Size> x = left.shape();
        List<Size> w = right.shape();
        int rank = x.size();
        List<Integer> order = Layout.channelsLast(rank).order();
        boolean each = w.get(1).is(1) && w.getFirst().is(o.groups()) && x.get(1).is(o.groups());
        if (!each || !type.isFloat() || o.groups() < 4 || rank < 3) return false;
        if (!root.layout.order().equals(order) || !Layouts.of(g, left).order().equals(order)) return false;
        if (o.inputDilation().stream().anyMatch(d -> d != 1)) return false;
        long taps = Size.product(w.subList(2, rank)).value();
        if (taps > MOST_TAPS) return false;
        Lowering.Epilogue epilogue = new Lowering.Epilogue(a, g, anchor);
        Layout walked = epilogue.walked();
        List<List<Lin>> indices = new ArrayList<>();
        Nest nest = Nest.of(List.of(walked.stored(root.shape()), w.subList(2, rank)), (points, index) -> {
            Pull pull = new Pull(points, g, a::place);
            List<Lin> kept = walked.logical(index.get(0));
            List<Lin> k = index.get(1);
            indices.clear();
            indices.add(kept);
            indices.add(k);
            List<Lin> from = new ArrayList<>(kept.subList(0, 2));
            List<Lin> weight = new ArrayList<>(List.of(kept.get(1), Lin.ZERO));
            long vars = 0;
            List<Point> result = new ArrayList<>();
            for (int i = 0; i < rank - 2; i++) {
                from.add(kept.get(i + 2)
                        .times(Size.of(o.strides().get(i)))
                        .plus(k.get(i).times(Size.of(o.kernelDilation().get(i))))
                        .plus(-o.low().get(i)));
                weight.add(k.get(i));
            }
            for (Lin l : kept) vars |= l.vars();
            result.add(pull.at(left, from));
            result.add(pull.at(right, weight));
            result.add(epilogue.finish(points, kept, points.given(0, type, vars)));
            result.add(points.number(epilogue.offset(points, kept)));
            // Each loop stays a loop of its own.
            for (Lin l : kept) result.add(points.number(l));
            for (Lin l : k) result.add(points.number(l));
            return result;
        });
        TileKernel.Operand input = TileKernel.Operand.of(nest.result().get(0));
        TileKernel.Operand weights = TileKernel.Operand.of(nest.result().get(1));
        List<Lin> kept = indices.get(0);
        Atom column = kept.get(1).atom();
        if (input == null || weights == null || column == null) return false;
        List<Atom> outer = new ArrayList<>(nest.loops(0));
        Atom row = kept.getLast().atom();
        outer.remove(column);
        if (row != null) outer.remove(row);
        int lanes = DepthwiseKernel.lanes(a.target, type, column.extent());
        TileKernel.Shape all = new TileKernel.Shape(
                input,
                weights,
                List.of(),
                column,
                List.of(),
                nest.loops(1),
                Math.toIntExact(column.extent().value()),
                lanes,
                1,
                1);
        Panels packed = Panels.of(a, nest.points(), all, Lowering.origin(g));
        a.add(new DepthwiseKernel(
                        a.target,
                        o,
                        new DepthwiseKernel.Work(
                                input, weights, packed, outer, row, column, indices.get(1), kept.subList(2, rank)),
                        x.subList(2, rank),
                        w.subList(2, rank).stream().map(Size::value).toList(),
                        type,
                        nest.result().get(2),
                        ((Point.Number) nest.result().get(3).form()).index(),
                        out,
                        epilogue.storage())
                .emit(Lowering.origin(g)));
        return true;
    }

    private static boolean isPadded(Op.Convolution o) {
        return o.low().stream().anyMatch(p -> p != 0)
                || o.high().stream().anyMatch(p -> p != 0)
                || o.inputDilation().stream().anyMatch(d -> d != 1);
    }

    /** The extents of the input with its padding and the zeros between its elements. */
    private List<Size> paddedShape(Op.Convolution o) {
        List<Size> shape = new ArrayList<>(left.shape());
        for (int i = 2; i < shape.size(); i++) {
            Size n = shape.get(i);
            long gap = o.inputDilation().get(i - 2);
            long more = o.low().get(i - 2) + o.high().get(i - 2);
            if (more == 0 && gap == 1) continue;
            long extent = (n.value() == 0 ? 0 : (n.value() - 1) * gap + 1) + more;
            String formula = "((" + n.symbols() + "-1)*" + gap + "+1+" + more + ")";
            shape.set(i, n.isLiteral() ? Size.of(extent) : new Size(1, List.of(new Size.Symbol(formula, extent))));
        }
        return shape;
    }

    /** Copies the input between zeros, so that the sums need not ask where it ends. */
    private Place prepare(Op.Convolution o, Layout lies) {
        List<Size> shape = paddedShape(o);
        Place place = a.temporary(left.dtype(), shape);
        a.add(MapKernel.of(
                a.target,
                "padded",
                lies.stored(shape),
                (points, index) -> padded(o, points, new Pull(points, g, a::place), lies.logical(index)),
                place,
                left.dtype(),
                (_, index) -> Points.flat(lies.stored(shape), index),
                Lowering.origin(g)));
        return place;
    }

    /** An element of the input with its padding. */
    private Point padded(Op.Convolution o, Points points, Pull pull, List<Lin> index) {
        List<Lin> in = new ArrayList<>(index.subList(0, 2));
        Point inside = null;
        for (int i = 0; i + 2 < index.size(); i++) {
            Lin at = index.get(i + 2).plus(-o.low().get(i));
            long gap = o.inputDilation().get(i);
            Size n = left.shape().get(i + 2);
            Lin high = gap > 1 ? Lin.of(n).plus(-1).times(Size.of(gap)).plus(1) : Lin.of(n);
            inside = points.both(inside, points.within(at, Lin.ZERO, high));
            if (gap > 1) {
                // Between the elements are zeros.
                Point on = points.apply(
                        MapFunction.EQ,
                        points.number(points.remainder(at, Size.of(gap))),
                        points.integer(DType.I64, 0));
                inside = points.both(inside, on);
                at = points.quotient(at, Size.of(gap));
            }
            in.add(at);
        }
        Point value = pull.at(left, in, inside);
        return inside == null
                ? value
                : points.apply(MapFunction.SELECT, inside, value, points.literal(left.dtype(), 0));
    }

    private void emit(String name, List<Size> summed, Operands operands) {
        if (!tiled(name, summed, operands)) reduced(name, summed, operands);
    }

    /** Whether a product is so small that it is not worth a tile. */
    private boolean isSmall(List<Size> summed) {
        return Size.product(summed).value() < 4 || anchor.result().elements() < 32;
    }

    private boolean tiled(String name, List<Size> summed, Operands operands) {
        if (isSmall(summed)) return false;
        Lowering.Epilogue epilogue = new Lowering.Epilogue(a, g, anchor);
        Layout walked = epilogue.walked();
        Nest nest = Nest.of(List.of(walked.stored(anchor.result().shape()), summed), (points, index) -> {
            Pull pull = new Pull(points, g, a::place);
            List<Lin> kept = walked.logical(index.get(0));
            long vars = 0;
            for (Lin l : kept) vars |= l.vars();
            Point total = points.given(0, type, vars);
            return List.of(
                    points.convert(type, Rounding.WRAP, operands.left(points, pull, kept, index.get(1))),
                    points.convert(type, Rounding.WRAP, operands.right(points, pull, kept, index.get(1))),
                    epilogue.finish(points, kept, total),
                    points.number(epilogue.offset(points, kept)));
        });
        TileKernel.Operand x = TileKernel.Operand.of(nest.result().get(0));
        TileKernel.Operand y = TileKernel.Operand.of(nest.result().get(1));
        if (x == null || y == null) return false;
        TileKernel.Shape s = TileKernel.shape(a.target, type, nest.loops(0), nest.loops(1), x, y);
        if (s == null) return false;
        boolean pack = s.strided() || s.columns().place().constant() != null;
        Panels panels = pack ? Panels.of(a, nest.points(), s, Lowering.origin(g)) : null;
        Lin to = ((Point.Number) nest.result().get(3).form()).index();
        a.add(TileKernel.of(
                name, type, s, panels, nest.result().get(2), to, out, epilogue.storage(), Lowering.origin(g)));
        return true;
    }

    private void reduced(String name, List<Size> summed, Operands operands) {
        Lowering.Epilogue epilogue = new Lowering.Epilogue(a, g, anchor);
        Layout walked = epilogue.walked();
        a.add(ReduceKernel.of(
                a.target,
                name,
                ReduceKind.SUM,
                type,
                walked.stored(anchor.result().shape()),
                summed,
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
                    public Point finish(Points points, List<Lin> kept, Point total) {
                        return epilogue.finish(points, walked.logical(kept), total);
                    }

                    @Override
                    public Lin offset(Points points, List<Lin> kept) {
                        return epilogue.offset(points, walked.logical(kept));
                    }
                },
                out,
                epilogue.storage(),
                Lowering.origin(g)));
    }
}
