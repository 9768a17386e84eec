package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Convolutions: depthwise ones and those with kernels of 3×3 have ways of their own ({@link DepthwiseKernel}, {@link Winograd}); the
 * others are sums of products over the input's channels and the kernel's taps, whose rows are pixels. Padding is copied around the input
 * once. A transposed convolution is one convolution without zeros between the elements for each phase of the result.
 */
final class Convolutions {
    /** Larger depthwise kernels are not written out. */
    private static final long MOST_TAPS = 64;

    private final Assembly a;
    private final Group g;
    private final N anchor;
    private final Op.Convolution o;
    private final Place out;
    private final V left;
    private final V right;
    private final DType type;

    /** How the input lies, if it is not part of something else. */
    private final Layout lies;

    Convolutions(Assembly a, Group g, N anchor, Op.Convolution o, Place out) {
        this.a = a;
        this.g = g;
        this.anchor = anchor;
        this.o = o;
        this.out = out;
        this.left = anchor.in.get(0);
        this.right = anchor.in.get(1);
        this.type = Type.widened(anchor.result().dtype());
        this.lies = new Layout(Layouts.of(g, left).order(), null);
    }

    void lower() {
        if (depthwise() || Winograd.lower(a, g, anchor, o, out) || transposed()) return;
        List<Axis> axes = new ArrayList<>();
        for (int i = 0; i + 2 < left.type.rank(); i++)
            axes.add(new Axis(
                    anchor.result().shape().get(i + 2),
                    1,
                    0,
                    o.strides().get(i),
                    0,
                    o.kernelDilation().get(i),
                    right.shape().get(i + 2),
                    0,
                    1));
        if (!isPadded(o)) {
            emit(axes, (_, pull, index) -> pull.at(left, index));
        } else if (sum(axes).isSmall()) {
            emit(axes, (points, pull, index) -> padded(o, points, pull, index));
        } else if (!masked(axes)) {
            emit(axes, prepared(o));
        }
    }

    /** Reads zeros for the padding, where a mask for each pixel of a tile costs less than a copy of the input. */
    private boolean masked(List<Axis> axes) {
        if (a.target.subgroup() < 2 || a.target.team() > 0) return false;
        return new Products(a, g, anchor, out)
                .tiled(sum(axes), operands(axes, (points, pull, index) -> padded(o, points, pull, index)));
    }

    /**
     * Which elements meet along a spatial axis: the result's element q * resultStep + resultStart sums the products of the input's elements
     * q * inputScale + inputStart + k * inputStep and the kernel's kernelStart + k * kernelStep, for k below {@code taps} and q below
     * {@code places}.
     */
    private record Axis(
            Size places,
            long resultStep,
            long resultStart,
            long inputScale,
            long inputStart,
            long inputStep,
            Size taps,
            long kernelStart,
            long kernelStep) {}

    /** An element of the input. */
    private interface Input {
        Point at(Points points, Pull pull, List<Lin> index);
    }

    /** The order in which the taps and channels are walked: that of the input in memory. */
    private Layout walkedTaps() {
        return new Layout(
                lies.order().stream()
                        .filter(axis -> axis != 0)
                        .map(axis -> axis - 1)
                        .toList(),
                null);
    }

    private Products.Sum sum(List<Axis> axes) {
        List<Size> kept = new ArrayList<>(anchor.result().shape().subList(0, 2));
        List<Size> summed = new ArrayList<>(List.of(right.shape().get(1)));
        for (Axis axis : axes) {
            kept.add(axis.places());
            summed.add(axis.taps());
        }
        return new Products.Sum(
                "convolution",
                kept,
                index -> {
                    List<Lin> to = new ArrayList<>(index.subList(0, 2));
                    for (int i = 0; i < axes.size(); i++)
                        to.add(index.get(i + 2)
                                .times(Size.of(axes.get(i).resultStep()))
                                .plus(axes.get(i).resultStart()));
                    return to;
                },
                walkedTaps().stored(summed));
    }

    private void emit(List<Axis> axes, Input input) {
        new Products(a, g, anchor, out).emit(sum(axes), operands(axes, input));
    }

    private Products.Operands operands(List<Axis> axes, Input input) {
        List<Size> w = right.shape();
        Size outputs = w.get(0).over(Size.of(o.groups()));
        Size groupOutputs = outputs == null ? Size.of(w.get(0).value() / o.groups()) : outputs;
        Layout order = walkedTaps();
        return new Products.Operands() {
            @Override
            public Point left(Points points, Pull pull, List<Lin> kept, List<Lin> stored) {
                List<Lin> k = order.logical(stored);
                Lin group = points.quotient(kept.get(1), groupOutputs);
                List<Lin> index = new ArrayList<>();
                index.add(kept.get(0));
                index.add(group.times(w.get(1)).plus(k.getFirst()));
                for (int i = 0; i < axes.size(); i++) {
                    Axis axis = axes.get(i);
                    index.add(kept.get(i + 2)
                            .times(Size.of(axis.inputScale()))
                            .plus(k.get(i + 1).times(Size.of(axis.inputStep())))
                            .plus(axis.inputStart()));
                }
                return input.at(points, pull, index);
            }

            @Override
            public Point right(Points points, Pull pull, List<Lin> kept, List<Lin> stored) {
                List<Lin> k = order.logical(stored);
                List<Lin> index = new ArrayList<>(List.of(kept.get(1), k.getFirst()));
                for (int i = 0; i < axes.size(); i++)
                    index.add(k.get(i + 1)
                            .times(Size.of(axes.get(i).kernelStep()))
                            .plus(axes.get(i).kernelStart()));
                return pull.at(right, index);
            }
        };
    }

    /** Computes each phase of a convolution with zeros between the elements of its input by the taps that meet none of them. */
    private boolean transposed() {
        boolean gaps = o.inputDilation().stream().anyMatch(d -> d != 1);
        if (!gaps || o.strides().stream().anyMatch(s -> s != 1)) return false;
        List<List<Axis>> phases = List.of(List.of());
        List<Long> low = new ArrayList<>();
        List<Long> high = new ArrayList<>();
        for (int i = 0; i + 2 < left.type.rank(); i++) {
            List<Axis> own = phases(i);
            if (own.isEmpty()) return false;
            long before = 0;
            long behind = 0;
            for (Axis axis : own) {
                long last = axis.places().value()
                        - 1
                        + axis.inputStart()
                        + (axis.taps().value() - 1) * axis.inputStep();
                before = Math.max(before, -axis.inputStart());
                behind = Math.max(behind, last - left.shape().get(i + 2).value() + 1);
            }
            low.add(before);
            high.add(behind);
            List<List<Axis>> more = new ArrayList<>();
            for (List<Axis> outer : phases) {
                for (Axis axis : own) {
                    List<Axis> all = new ArrayList<>(outer);
                    all.add(new Axis(
                            axis.places(),
                            axis.resultStep(),
                            axis.resultStart(),
                            1,
                            axis.inputStart() + before,
                            axis.inputStep(),
                            axis.taps(),
                            axis.kernelStart(),
                            axis.kernelStep()));
                    more.add(all);
                }
            }
            phases = more;
        }
        List<Long> ones = Collections.nCopies(low.size(), 1L);
        Op.Convolution dense = new Op.Convolution(ones, low, high, ones, ones, o.groups(), o.dtype());
        Input input = isPadded(dense) ? prepared(dense) : (_, pull, index) -> pull.at(left, index);
        for (List<Axis> phase : phases) emit(phase, input);
        return true;
    }

    /** The phases along a spatial axis; empty if one of them has no taps, or no place. */
    private List<Axis> phases(int i) {
        long gap = o.inputDilation().get(i);
        long dilation = o.kernelDilation().get(i);
        Size extent = anchor.result().shape().get(i + 2);
        List<Axis> phases = new ArrayList<>();
        for (long p = 0; p < gap; p++) {
            List<Long> taps = new ArrayList<>();
            for (long k = 0; k < right.shape().get(i + 2).value(); k++)
                if (Math.floorMod(p + k * dilation - o.low().get(i), gap) == 0) taps.add(k);
            long count = Math.ceilDiv(extent.value() - p, gap);
            if (taps.isEmpty() || count <= 0) return List.of();
            long step = taps.size() < 2 ? 1 : taps.get(1) - taps.get(0);
            Size places = extent.isLiteral()
                    ? Size.of(count)
                    : new Size(1, List.of(new Size.Symbol("phase " + p + " of " + gap + " " + extent, count)));
            phases.add(new Axis(
                    places,
                    gap,
                    p,
                    1,
                    Math.floorDiv(p + taps.getFirst() * dilation - o.low().get(i), gap),
                    taps.size() < 2 ? 1 : step * dilation / gap,
                    Size.of(taps.size()),
                    taps.getFirst(),
                    step));
        }
        return phases;
    }

    /** Computes a convolution whose channels have nothing to do with each other, if it lies channels-last. */
    private boolean depthwise() {
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
        if (depthwise((_, pull, index) -> pull.at(left, index))) return true;
        // Channels in another order, such as shuffled ones, are brought into theirs before.
        List<Long> zeros = Collections.nCopies(rank - 2, 0L);
        return depthwise(prepared(new Op.Convolution(
                o.strides(), zeros, zeros, o.inputDilation(), o.kernelDilation(), o.groups(), o.dtype())));
    }

    private boolean depthwise(Input read) {
        V root = g.root.result();
        List<Size> x = left.shape();
        List<Size> w = right.shape();
        int rank = x.size();
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
            List<Point> result = new ArrayList<>();
            for (int i = 0; i < rank - 2; i++) {
                from.add(kept.get(i + 2)
                        .times(Size.of(o.strides().get(i)))
                        .plus(k.get(i).times(Size.of(o.kernelDilation().get(i))))
                        .plus(-o.low().get(i)));
                weight.add(k.get(i));
            }
            result.add(read.at(points, pull, from));
            result.add(pull.at(right, weight));
            result.add(epilogue.finish(points, kept, points.given(0, type, kept)));
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
        if (input == null || weights == null || column == null || !input.isContiguousIn(column)) return false;
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
                1,
                a.target.lockstep(),
                null);
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

    /** The input copied between zeros, so that the sums need not ask where it ends. */
    private Input prepared(Op.Convolution o) {
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
        return (points, _, index) -> points.load(place, left.dtype(), lies.offset(shape, index), null);
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
}
