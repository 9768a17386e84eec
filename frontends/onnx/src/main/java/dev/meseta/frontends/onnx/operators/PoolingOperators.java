package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Pools over windows and over everything, and their inverse. */
final class PoolingOperators {
    private PoolingOperators() {}

    static void register(Registry r) {
        r.expand("MaxPool", 1, node -> {
            Windows w = Windows.of(node);
            boolean columnMajor = node.attributes().integer("storage_order", 0) == 1;
            return c -> maxPool(c, w, columnMajor);
        });
        r.expand("AveragePool", 1, node -> {
            Windows w = Windows.of(node);
            boolean countPadding = node.attributes().flag("count_include_pad", false);
            return c -> List.of(averagePool(c, c.operand(0), w, countPadding));
        });
        r.expand("LpPool", 1, node -> lpPool(node, node.attributes().real("p", 2)));
        r.expand("LpPool", 2, node -> lpPool(node, node.attributes().integer("p", 2)));
        r.expand("GlobalMaxPool", 1, node -> c -> {
            Value x = c.operand(0);
            return List.of(c.builder().reduce(ReduceKind.MAX, x, spatial(c, x), true));
        });
        r.expand("GlobalAveragePool", 1, node -> c -> {
            Value x = c.operand(0);
            GraphBuilder b = c.builder();
            return List.of(b.cast(Shorthand.mean(b, Shorthand.wide(b, x), spatial(c, x), true), x.dtype()));
        });
        r.expand("GlobalLpPool", 1, node -> globalLpPool(node.attributes().real("p", 2)));
        r.expand("GlobalLpPool", 2, node -> globalLpPool(node.attributes().integer("p", 2)));
        r.expand("MaxUnpool", 9, node -> {
            Windows w = Windows.of(node);
            return c -> List.of(maxUnpool(c, w));
        });
        r.expand("MaxRoiPool", 1, RegionOperators::maxRoiPool);
        r.expand("RoiAlign", 10, node -> RegionOperators.roiAlign(node, "output_half_pixel"));
        r.expand("RoiAlign", 16, node -> RegionOperators.roiAlign(node, "half_pixel"));
    }

    static List<Integer> spatial(LoweringContext c, Value x) {
        c.require(x.rank() >= 2, "the input must have a batch and a channel axis, found " + x.type());
        return Shorthand.axes(2, x.rank());
    }

    private static Windows.Placed place(LoweringContext c, Windows w, Value x) {
        c.require(x.rank() >= 3, "the input must have a batch, a channel and spatial axes, found " + x.type());
        return w.place(c, x.shape(), w.statedKernel(c, x.rank() - 2));
    }

    static Value window(GraphBuilder b, ReduceKind kind, Value x, Windows.Placed placed) {
        Windows.Placed p = placed.clipped(x.shape());
        return b.add(
                new Op.WindowReduce(
                        kind,
                        Windows.Placed.withLeading(p.kernel(), 1),
                        Windows.Placed.withLeading(p.strides(), 1),
                        Windows.Placed.withLeading(p.dilations(), 1),
                        Windows.Placed.withLeading(p.low(), 0),
                        Windows.Placed.withLeading(p.high(), 0)),
                x);
    }

    static Value maximum(LoweringContext c, Value x, Windows w) {
        return window(c.builder(), ReduceKind.MAX, x, place(c, w, x));
    }

    private static List<Value> maxPool(LoweringContext c, Windows w, boolean columnMajor) {
        Value x = c.operand(0);
        Windows.Placed p = place(c, w, x);
        if (c.outputCount() < 2) return List.of(window(c.builder(), ReduceKind.MAX, x, p));
        return maxWithPositions(c.builder(), x, p.clipped(x.shape()), columnMajor);
    }

    /**
     * The maximum of each window and its place in the flat input. One axis after the other, from the last: the candidates of a window are
     * compared in order, and an earlier one stays unless a later one is greater, so that of equal ones the first in row-major order wins.
     * Padding has the place -1, and gives way to anything.
     */
    private static List<Value> maxWithPositions(GraphBuilder b, Value x, Windows.Placed p, boolean columnMajor) {
        Value values = x;
        Value places = flatPositions(b, x.shape(), columnMajor);
        for (int i = p.rank() - 1; i >= 0; i--) {
            int axis = i + 2;
            values = Shorthand.pad(b, values, axis, p.low().get(i), p.high().get(i), 0);
            places = Shorthand.pad(b, places, axis, p.low().get(i), p.high().get(i), -1);
            Dim out = windows(x.shape().dim(axis), p, i);
            Value bestValue = null;
            Value bestPlace = null;
            for (long k = 0; k < p.kernel().get(i); k++) {
                long start = k * p.dilations().get(i);
                Value v = b.slice(values, axis, start, out, p.strides().get(i));
                Value at = b.slice(places, axis, start, out, p.strides().get(i));
                if (bestValue == null || bestPlace == null) {
                    bestValue = v;
                    bestPlace = at;
                    continue;
                }
                Value none = b.scalar(DType.I64, 0L);
                Value here = b.map(MapFunction.GE, at, none);
                Value better = b.map(
                        MapFunction.OR,
                        b.map(MapFunction.LT, bestPlace, none),
                        b.map(MapFunction.AND, here, b.map(MapFunction.GT, v, bestValue)));
                bestValue = b.select(better, v, bestValue);
                bestPlace = b.select(better, at, bestPlace);
            }
            values = java.util.Objects.requireNonNull(bestValue, "a window has elements");
            places = java.util.Objects.requireNonNull(bestPlace, "a window has elements");
        }
        return List.of(values, places);
    }

    private static Dim windows(Dim d, Windows.Placed p, int i) {
        return d.derive(
                p.out().get(i),
                "windows(" + d.term() + "," + p.kernel().get(i) + ","
                        + p.strides().get(i) + ")");
    }

    /** For each element of a shape [N, C, spatial…] its position when flat; the spatial axes column-major if asked for. */
    private static Value flatPositions(GraphBuilder b, Shape s, boolean columnMajor) {
        if (!columnMajor) {
            Dim all = Shorthand.product(s.dims());
            return b.reshape(b.iota(DType.I64, Shorthand.shape(all), 0), s);
        }
        long image = Shape.of(s.dims().subList(2, s.rank())).elements();
        long[] strides = new long[s.rank()];
        strides[1] = image;
        strides[0] = image * s.extent(1);
        long stride = 1;
        for (int i = 2; i < s.rank(); i++) {
            strides[i] = stride;
            stride *= s.extent(i);
        }
        Value sum = Shorthand.zeros(b, DType.I64, s);
        for (int i = 0; i < s.rank(); i++)
            sum = b.plus(sum, b.times(b.iota(DType.I64, s, i), b.scalar(DType.I64, strides[i])));
        return sum;
    }

    /** Sums over windows, divided by how many elements each window has. */
    static Value averagePool(LoweringContext c, Value x, Windows w, boolean countPadding) {
        GraphBuilder b = c.builder();
        Windows.Placed p = place(c, w, x);
        Value wide = Shorthand.wide(b, x);
        Value sums = window(b, ReduceKind.SUM, wide, p);
        Value counts = null;
        long fixed = 1;
        for (int i = 0; i < p.rank(); i++) {
            double[] n = counts(p, i, x.extent(i + 2), countPadding);
            if (java.util.Arrays.stream(n).allMatch(v -> v == n[0])) {
                fixed *= n.length == 0 ? 1 : (long) n[0];
                continue;
            }
            Value v = Shorthand.vector(b, wide.dtype(), sums.shape().dim(i + 2), k -> n[(int) k]);
            Value along = Shorthand.along(b, v, i + 2, x.rank());
            counts = counts == null ? along : b.times(counts, along);
        }
        Value divisor = Shorthand.like(b, wide, fixed);
        if (counts != null) divisor = fixed == 1 ? counts : b.times(counts, divisor);
        return b.cast(b.divide(sums, divisor), x.dtype());
    }

    /** How many elements of the input (or of the padded input) each window covers on an axis; at least 1. */
    private static double[] counts(Windows.Placed p, int i, long extent, boolean countPadding) {
        double[] n = new double[Math.toIntExact(p.out().get(i))];
        long from = countPadding ? -p.low().get(i) : 0;
        long to = countPadding ? extent + p.statedHigh().get(i) : extent;
        for (int o = 0; o < n.length; o++) {
            long start = o * p.strides().get(i) - p.low().get(i);
            long step = p.dilations().get(i);
            // The taps k of the kernel with from ≤ start + k · step < to.
            long first = Math.max(0, Math.ceilDiv(from - start, step));
            long end = Math.min(p.kernel().get(i), Math.ceilDiv(to - start, step));
            n[o] = Math.max(1, end - first);
        }
        return n;
    }

    private static Lowering.Expand lpPool(OperatorNode node, double p) {
        Windows w = Windows.of(node);
        if (!(p > 0)) throw node.error("p " + p + " must be positive");
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            Value powers = power(b, Shorthand.wide(b, x), p);
            return List.of(b.cast(root(b, window(b, ReduceKind.SUM, powers, place(c, w, x)), p), x.dtype()));
        };
    }

    private static Lowering.Expand globalLpPool(double p) {
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            Value powers = power(b, Shorthand.wide(b, x), p);
            return List.of(b.cast(root(b, b.reduce(ReduceKind.SUM, powers, spatial(c, x), true), p), x.dtype()));
        };
    }

    /** |x|^p. */
    static Value power(GraphBuilder b, Value x, double p) {
        if (p == 2) return b.times(x, x);
        Value a = b.map(MapFunction.ABS, x);
        return p == 1 ? a : b.map(MapFunction.POW, a, Shorthand.like(b, x, p));
    }

    /** x^(1/p). */
    static Value root(GraphBuilder b, Value x, double p) {
        if (p == 1) return x;
        return p == 2 ? Shorthand.sqrt(b, x) : b.map(MapFunction.POW, x, Shorthand.like(b, x, 1 / p));
    }

    /** Operands: values, their places in the flat result, the result's shape (optional). */
    private static Value maxUnpool(LoweringContext c, Windows w) {
        GraphBuilder b = c.builder();
        Value x = c.operand(0);
        Value places = c.operand(1);
        int n = x.rank() - 2;
        c.require(
                n >= 1 && places.shape().equals(x.shape()) && places.dtype() == DType.I64,
                "values and places must have the same shape [N, C, spatial…], found " + x.type() + " and "
                        + places.type());
        long[] kernel = w.statedKernel(c, n);
        long[] strides = Windows.orOnes(c, w.strides(), n, "strides");
        long[] pads = Windows.orAll(c, w.pads(), 2 * n, "pads", 0);
        List<Dim> dims = new ArrayList<>(x.shape().dims().subList(0, 2));
        for (int i = 0; i < n; i++) {
            long extent = (x.extent(i + 2) - 1) * strides[i] + kernel[i] - pads[i] - pads[i + n];
            c.require(extent >= 1, "the result would have extent " + extent + " on spatial axis " + i);
            Dim d = x.shape().dim(i + 2);
            dims.add(d.derive(extent, "unpooled(" + d.term() + "," + kernel[i] + "," + strides[i] + ")"));
        }
        Shape inferred = Shape.of(dims);
        Shape flat = Shorthand.shape(Shorthand.product(dims));
        Shape flatInput = Shorthand.shape(Shorthand.product(x.shape().dims()));
        Value y = b.reshape(
                b.add(
                        new Op.ScatterNd(Op.Combine.SET),
                        Shorthand.zeros(b, x.dtype(), flat),
                        Shorthand.unsqueeze(b, b.reshape(places, flatInput), 1),
                        b.reshape(x, flatInput)),
                inferred);
        Tensor stated = c.constantOrNull(2);
        if (stated == null) return y;
        long[] shape = stated.toLongs();
        c.require(
                shape.length == x.rank() && shape[0] == x.extent(0) && shape[1] == x.extent(1),
                "output_shape " + java.util.Arrays.toString(shape) + " does not fit the input " + x.type());
        for (int i = 2; i < shape.length; i++) {
            c.require(
                    shape[i] >= y.extent(i),
                    "output_shape " + java.util.Arrays.toString(shape) + " is smaller than " + inferred);
            y = Shorthand.pad(b, y, i, 0, shape[i] - y.extent(i), 0);
        }
        return y;
    }

    /** Lists of one number for every axis. */
    static List<Long> same(int rank, long number) {
        return Collections.nCopies(rank, number);
    }
}
