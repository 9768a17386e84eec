package dev.meseta.graph.interpreter;

import dev.meseta.graph.DType;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleBinaryOperator;
import java.util.function.LongBinaryOperator;

/** Reductions over axes, over windows, and running ones. */
final class Reductions {
    private Reductions() {}

    static Tensor reduce(Op.Reduce o, Tensor x, TensorType type) {
        Tensor rows = reducedAxesLast(x, o.axes());
        int count = Memory.arrayLength(type);
        int length = count == 0 ? 0 : Math.toIntExact(x.elements() / count);
        if (x.dtype().isFloat()) {
            double[] in = Elements.doubles(rows);
            double[] out = new double[count];
            DoubleBinaryOperator f = Combining.floats(o.kind());
            double identity = Combining.floatIdentity(o.kind());
            Parallel.each(count, length, r -> {
                int at = r * length;
                out[r] = o.kind() == ReduceKind.SUM ? sum(in, at, at + length) : fold(in, at, at + length, identity, f);
            });
            return Elements.tensor(type, out);
        }
        long[] in = Elements.longs(rows);
        long[] out = new long[count];
        LongBinaryOperator f = Combining.integers(o.kind(), x.dtype());
        long identity = Combining.integerIdentity(o.kind(), x.dtype());
        Parallel.each(count, length, r -> {
            long a = identity;
            for (int i = r * length; i < (r + 1) * length; i++) a = f.applyAsLong(a, in[i]);
            out[r] = a;
        });
        return Elements.tensor(type, out);
    }

    private static double fold(double[] v, int from, int to, double identity, DoubleBinaryOperator f) {
        double a = identity;
        for (int i = from; i < to; i++) a = f.applyAsDouble(a, v[i]);
        return a;
    }

    /** Pairwise, so that the error of an F64 sum grows with the logarithm of its length. */
    private static double sum(double[] v, int from, int to) {
        if (to - from > 128) {
            int middle = (from + to) >>> 1;
            return sum(v, from, middle) + sum(v, middle, to);
        }
        double a = 0;
        for (int i = from; i < to; i++) a += v[i];
        return a;
    }

    private static Tensor reducedAxesLast(Tensor x, List<Integer> axes) {
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < x.shape().rank(); i++) if (!axes.contains(i)) order.add(i);
        order.addAll(axes);
        boolean asItIs = true;
        for (int i = 0; i < order.size(); i++) asItIs &= order.get(i) == i;
        if (asItIs) return x;
        Shape s = Shape.of(order.stream().map(x.shape()::dim).toList());
        return Movement.transpose(x, order, x.type().with(s));
    }

    /** A window is a box, so its reduction is one along each axis in turn. */
    static Tensor windowReduce(Op.WindowReduce o, Tensor x, TensorType type) {
        Memory.arrayLength(type);
        boolean isFloat = x.dtype().isFloat();
        double[] doubles = isFloat ? Elements.doubles(x) : new double[0];
        long[] longs = isFloat ? new long[0] : Elements.longs(x);
        long[] extents = x.shape().extents();
        for (int axis = 0; axis < extents.length; axis++) {
            Window w = new Window(
                    (int) product(extents, 0, axis),
                    (int) extents[axis],
                    (int) product(extents, axis + 1, extents.length),
                    (int) type.shape().extent(axis),
                    o.window().get(axis),
                    o.strides().get(axis),
                    o.dilations().get(axis),
                    o.low().get(axis));
            if (w.isIdentity()) continue;
            if (isFloat) doubles = w.reduce(doubles, o.kind());
            else longs = w.reduce(longs, o.kind(), x.dtype());
            extents[axis] = type.shape().extent(axis);
        }
        return isFloat ? Elements.tensor(type, doubles) : Elements.tensor(type, longs);
    }

    private static long product(long[] extents, int from, int to) {
        long n = 1;
        for (int i = from; i < to; i++) n *= extents[i];
        return n;
    }

    /** A window along the middle axis of [outer, extent, inner]. */
    private record Window(
            int outer, int extent, int inner, int result, long window, long stride, long dilation, long low) {
        boolean isIdentity() {
            return window == 1 && stride == 1 && low == 0 && result == extent;
        }

        private int length() {
            return Memory.arrayLength((long) outer * result * inner, "window_reduce");
        }

        double[] reduce(double[] in, ReduceKind kind) {
            double[] out = new double[length()];
            Arrays.fill(out, Combining.floatIdentity(kind));
            DoubleBinaryOperator f = Combining.floats(kind);
            Parallel.each(outer * result, (double) inner * window, row -> {
                int to = row * inner;
                for (long k = 0; k < window; k++) {
                    long i = place(row, k);
                    if (i < 0 || i >= extent) continue;
                    int from = (row / result * extent + (int) i) * inner;
                    for (int j = 0; j < inner; j++) out[to + j] = f.applyAsDouble(out[to + j], in[from + j]);
                }
            });
            return out;
        }

        long[] reduce(long[] in, ReduceKind kind, DType dtype) {
            long[] out = new long[length()];
            Arrays.fill(out, Combining.integerIdentity(kind, dtype));
            LongBinaryOperator f = Combining.integers(kind, dtype);
            Parallel.each(outer * result, (double) inner * window, row -> {
                int to = row * inner;
                for (long k = 0; k < window; k++) {
                    long i = place(row, k);
                    if (i < 0 || i >= extent) continue;
                    int from = (row / result * extent + (int) i) * inner;
                    for (int j = 0; j < inner; j++) out[to + j] = f.applyAsLong(out[to + j], in[from + j]);
                }
            });
            return out;
        }

        private long place(int row, long k) {
            return row % result * stride - low + k * dilation;
        }
    }

    static Tensor cumulative(Op.Cumulative o, Tensor x, TensorType type) {
        long[] extents = x.shape().extents();
        int n = (int) extents[o.axis()];
        int inner = (int) product(extents, o.axis() + 1, extents.length);
        int lines = n == 0 || inner == 0 ? 0 : (int) (x.elements() / n);
        if (x.dtype().isFloat()) {
            double[] in = Elements.doubles(x);
            double[] out = new double[in.length];
            DoubleBinaryOperator f = Combining.floats(o.kind());
            Parallel.each(lines, n, line -> {
                double a = Combining.floatIdentity(o.kind());
                for (int s = 0; s < n; s++) {
                    int i = ((line / inner * n) + (o.reverse() ? n - 1 - s : s)) * inner + line % inner;
                    if (o.exclusive()) out[i] = a;
                    a = f.applyAsDouble(a, in[i]);
                    if (!o.exclusive()) out[i] = a;
                }
            });
            return Elements.tensor(type, out);
        }
        long[] in = Elements.longs(x);
        long[] out = new long[in.length];
        LongBinaryOperator f = Combining.integers(o.kind(), x.dtype());
        Parallel.each(lines, n, line -> {
            long a = Combining.integerIdentity(o.kind(), x.dtype());
            for (int s = 0; s < n; s++) {
                int i = ((line / inner * n) + (o.reverse() ? n - 1 - s : s)) * inner + line % inner;
                if (o.exclusive()) out[i] = a;
                a = f.applyAsLong(a, in[i]);
                if (!o.exclusive()) out[i] = a;
            }
        });
        return Elements.tensor(type, out);
    }
}
