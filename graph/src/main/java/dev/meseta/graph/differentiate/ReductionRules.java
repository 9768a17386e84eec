package dev.meseta.graph.differentiate;

import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Value;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reductions over axes, windows and prefixes. */
final class ReductionRules {
    /** The rule for the extremes of windows adds nodes for each place of a window; beyond this there would be too many. */
    private static final long LARGEST_WINDOW = 1024;

    private ReductionRules() {}

    static void reduce(Step s, Op.Reduce o) {
        GraphBuilder b = s.b;
        Value x = s.x(0);
        Shape kept = x.shape();
        for (int axis : o.axes()) kept = kept.with(axis, Dim.of(1));
        Value g = b.broadcast(b.reshape(s.g(), kept), x.shape());
        switch (o.kind()) {
            case SUM -> s.give(0, g);
            case PROD -> s.give(0, b.times(g, others(s, o)));
            case MIN, MAX -> {
                Value hit = b.map(MapFunction.EQ, x, b.reshape(s.y(), kept));
                Value one = b.select(hit, s.number(1), s.number(0));
                Value count = b.reduce(ReduceKind.SUM, one, o.axes(), true);
                s.give(0, b.select(hit, b.divide(g, count), s.number(0)));
            }
            case AND, OR -> throw new IllegalStateException(o.kind() + " has an adjoint");
        }
    }

    /** For each element the product of all others: those before times those after, as some may be zero. */
    private static Value others(Step s, Op.Reduce o) {
        GraphBuilder b = s.b;
        Value x = s.x(0);
        List<Integer> order = new ArrayList<>();
        List<Dim> shape = new ArrayList<>();
        long n = 1;
        for (int axis = 0; axis < x.rank(); axis++) {
            if (o.axes().contains(axis)) {
                n *= x.extent(axis);
            } else {
                order.add(axis);
                shape.add(x.shape().dim(axis));
            }
        }
        order.addAll(o.axes());
        shape.add(Dim.of(n));
        Value moved = MovementRules.transpose(b, x, order);
        Value flat = b.reshape(moved, Shape.of(shape));
        int last = flat.rank() - 1;
        Value before = b.add(new Op.Cumulative(ReduceKind.PROD, last, true, false), flat);
        Value after = b.add(new Op.Cumulative(ReduceKind.PROD, last, true, true), flat);
        Value product = b.reshape(b.times(before, after), moved.shape());
        return MovementRules.transpose(b, product, MovementRules.inverse(order));
    }

    static void cumulative(Step s, Op.Cumulative o) {
        if (o.kind() != ReduceKind.SUM) throw s.none("of running combinations only the sum has a rule");
        s.give(0, s.b.add(new Op.Cumulative(ReduceKind.SUM, o.axis(), o.exclusive(), !o.reverse()), s.g()));
    }

    static void windowReduce(Step s, Op.WindowReduce o) {
        switch (o.kind()) {
            case SUM -> windowSum(s, o);
            case MIN, MAX -> windowExtreme(s, o);
            default -> throw s.none("of windows only sums and extremes have a rule");
        }
    }

    /** The adjoint of x[p] is the sum of those of y[i] with i * stride - low + k * dilation = p: again a sum over windows. */
    private static void windowSum(Step s, Op.WindowReduce o) {
        GraphBuilder b = s.b;
        Value x = s.x(0);
        if (s.y().shape().elements() == 0 || x.shape().elements() == 0) {
            s.give(0, s.zeros(x));
            return;
        }
        Value v = s.g();
        int rank = x.rank();
        List<Long> low = new ArrayList<>();
        List<Long> high = new ArrayList<>();
        List<Long> starts = new ArrayList<>();
        List<Dim> sizes = new ArrayList<>();
        for (int i = 0; i < rank; i++) {
            v = MovementRules.stretch(b, v, i, o.strides().get(i));
            long reach = (o.window().get(i) - 1) * o.dilations().get(i);
            long before = reach - o.low().get(i);
            long size = x.extent(i) + reach;
            long after = size - before - v.extent(i);
            low.add(Math.max(0, before));
            high.add(Math.max(0, after));
            starts.add(Math.max(0, -before));
            sizes.add(Dim.of(size));
        }
        v = b.add(new Op.Pad(low, high), v, s.number(0));
        v = b.add(new Op.Slice(starts, sizes, Collections.nCopies(rank, 1L)), v);
        List<Long> ones = Collections.nCopies(rank, 1L);
        List<Long> none = Collections.nCopies(rank, 0L);
        s.give(0, b.add(new Op.WindowReduce(ReduceKind.SUM, o.window(), ones, o.dilations(), none, none), v));
    }

    private static void windowExtreme(Step s, Op.WindowReduce o) {
        GraphBuilder b = s.b;
        Value x = s.x(0);
        Value y = s.y();
        long places = o.window().stream().reduce(1L, Math::multiplyExact);
        if (places > LARGEST_WINDOW) throw s.none("windows of " + places + " elements, at most " + LARGEST_WINDOW);
        double identity = o.kind() == ReduceKind.MAX ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
        Value padded = b.add(new Op.Pad(o.low(), o.high()), x, s.number(identity));
        List<List<Long>> starts = new ArrayList<>();
        List<Value> hits = new ArrayList<>();
        Value count = null;
        for (long place = 0; place < places; place++) {
            List<Long> start = new ArrayList<>(Collections.nCopies(x.rank(), 0L));
            long rest = place;
            for (int i = x.rank() - 1; i >= 0; i--) {
                start.set(i, rest % o.window().get(i) * o.dilations().get(i));
                rest /= o.window().get(i);
            }
            Value seen = b.add(new Op.Slice(start, y.shape().dims(), o.strides()), padded);
            Value hit = b.map(MapFunction.EQ, seen, y);
            Value one = b.select(hit, s.number(1), s.number(0));
            count = count == null ? one : b.plus(count, one);
            starts.add(start);
            hits.add(hit);
        }
        if (count == null) throw new IllegalStateException("a window without places");
        Value share = b.divide(s.g(), count);
        @Nullable Value sum = null;
        for (int i = 0; i < hits.size(); i++) {
            Value part = MovementRules.spread(
                    b, b.select(hits.get(i), share, s.number(0)), starts.get(i), o.strides(), padded.shape());
            sum = sum == null ? part : b.plus(sum, part);
        }
        if (sum == null) throw new IllegalStateException("a window without places");
        s.give(0, b.add(new Op.Slice(o.low(), x.shape().dims(), Collections.nCopies(x.rank(), 1L)), sum));
    }
}
