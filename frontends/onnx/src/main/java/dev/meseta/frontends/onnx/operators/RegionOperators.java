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
import java.util.List;

/** Pools over regions of interest, whose corners are data. */
final class RegionOperators {
    private RegionOperators() {}

    /** Max over bins of each region; the corners are rounded to whole pixels. Operands: [N, C, H, W] and [R, 5]: image, x1, y1, x2, y2. */
    static Lowering.Expand maxRoiPool(OperatorNode node) {
        long[] pooled = node.attributes().integers("pooled_shape");
        float scale = node.attributes().real("spatial_scale", 1);
        if (pooled.length != 2 || pooled[0] < 1 || pooled[1] < 1)
            throw node.error("pooled_shape must be two positive numbers");
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            Value rois = c.operand(1);
            c.require(
                    x.rank() == 4 && rois.rank() == 2 && rois.extent(1) == 5,
                    "expected [N, C, H, W] and [R, 5], found " + x.type() + " and " + rois.type());
            Value image = b.cast(b.select(rois, 1, 0), DType.I64);
            Value y = b.add(new Op.Gather(0), x, image);
            y = binMax(b, y, corner(b, rois, 1, scale), corner(b, rois, 3, scale), 3, pooled[1]);
            y = binMax(b, y, corner(b, rois, 2, scale), corner(b, rois, 4, scale), 2, pooled[0]);
            Value lowest = Shorthand.like(b, y, Double.NEGATIVE_INFINITY);
            return List.of(b.select(b.map(MapFunction.EQ, y, lowest), Shorthand.like(b, y, 0), y));
        };
    }

    /** A scaled corner [R], rounded half away from zero; in F32. */
    private static Value corner(GraphBuilder b, Value rois, int column, float scale) {
        Value v = b.times(b.cast(b.select(rois, 1, column), DType.F32), b.scalar(DType.F32, scale));
        Value half = b.map(MapFunction.FLOOR, b.plus(b.map(MapFunction.ABS, v), b.scalar(DType.F32, 0.5)));
        return b.times(half, b.map(MapFunction.SIGN, v));
    }

    /** Max over bins of an axis of x [R, …]; -infinity for an empty bin. */
    private static Value binMax(GraphBuilder b, Value x, Value start, Value end, int axis, long bins) {
        Value one = b.scalar(DType.F32, 1.0);
        Value extent = b.scalar(DType.F32, (double) x.extent(axis));
        Value size = b.max(b.plus(b.minus(end, start), one), one);
        Value bin = Shorthand.unsqueeze(b, b.divide(size, b.scalar(DType.F32, (double) bins)), 1);
        Value number = b.iota(DType.F32, Shape.of(1, bins), 1);
        Value from = Shorthand.unsqueeze(b, start, 1);
        Value zero = b.scalar(DType.F32, 0.0);
        Value low =
                b.map(MapFunction.CLAMP, b.plus(b.map(MapFunction.FLOOR, b.times(number, bin)), from), zero, extent);
        Value high = b.map(
                MapFunction.CLAMP,
                b.plus(b.map(MapFunction.CEIL, b.times(b.plus(number, one), bin)), from),
                zero,
                extent);
        // [R, bins, pixels]: whether the pixel lies in the bin.
        Value pixel = b.iota(
                DType.F32, Shorthand.shape(Dim.of(1), Dim.of(1), x.shape().dim(axis)), 2);
        Value inside = b.map(
                MapFunction.AND,
                b.map(MapFunction.GE, pixel, Shorthand.unsqueeze(b, low, 2)),
                b.map(MapFunction.LT, pixel, Shorthand.unsqueeze(b, high, 2)));
        Shape mask = Shape.of(1, 1, 1, 1, 1).with(0, x.shape().dim(0)).with(axis, Dim.of(bins));
        mask = mask.with(axis + 1, x.shape().dim(axis));
        Value candidates = b.select(
                b.reshape(inside, mask),
                Shorthand.unsqueeze(b, x, axis),
                Shorthand.like(b, x, Double.NEGATIVE_INFINITY));
        return b.reduce(ReduceKind.MAX, candidates, List.of(axis + 1), false);
    }

    /**
     * Averages or maxima of a grid of interpolated samples in each bin of each region. Operands: [N, C, H, W], regions [R, 4] as x1, y1, x2,
     * y2, and the image of each [R]. Without {@code sampling_ratio} a region's size decides the number of its samples.
     */
    static Lowering.Expand roiAlign(OperatorNode node, String defaultMode) {
        Attributes a = node.attributes();
        String transform = a.string("coordinate_transformation_mode", defaultMode);
        if (!List.of("half_pixel", "output_half_pixel").contains(transform))
            throw node.error(
                    "coordinate_transformation_mode '" + transform + "' is not half_pixel or output_half_pixel");
        String mode = a.string("mode", "avg");
        if (!List.of("avg", "max").contains(mode)) throw node.error("mode '" + mode + "' is not avg or max");
        Align align = new Align(
                transform.equals("half_pixel"),
                mode.equals("max"),
                a.integer("output_height", 1),
                a.integer("output_width", 1),
                a.integer("sampling_ratio", 0),
                a.real("spatial_scale", 1));
        if (align.height < 1 || align.width < 1 || align.ratio < 0 || align.ratio > 1024)
            throw node.error("output_height and output_width must be positive, sampling_ratio at most 1024");
        return c -> List.of(align.expand(c));
    }

    private record Align(boolean halfPixel, boolean max, long height, long width, long ratio, float scale) {
        /** Sample positions on one axis of all regions: two neighbours each, with weights [R, bins * samples], and 0 or 1 for inside. */
        private record Axis(Value low, Value high, Value lowWeight, Value highWeight, Value inside, Samples samples) {}

        /**
         * How many samples a bin has.
         *
         * @param most the largest number of any region
         * @param counts [R] as F32, null where all have the same
         */
        private record Samples(
                long most,
                @org.jspecify.annotations.Nullable Value counts) {}

        Value expand(LoweringContext c) {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            Value rois = c.operand(1);
            Value images = c.operand(2);
            c.require(
                    x.rank() == 4
                            && rois.rank() == 2
                            && rois.extent(1) == 4
                            && images.rank() == 1
                            && images.extent(0) == rois.extent(0),
                    "expected [N, C, H, W], [R, 4] and [R], found " + x.type() + ", " + rois.type() + ", "
                            + images.type());
            Axis h = axis(c, rois, 1, x.extent(2), height);
            Axis w = axis(c, rois, 0, x.extent(3), width);
            Value rows = Shorthand.merge(b, b.transpose(Shorthand.wide(b, x), 0, 2, 3, 1), 0, 3);
            Value image = b.times(b.cast(images, DType.I64), b.scalar(DType.I64, x.extent(2)));
            image = Shorthand.unsqueeze(b, Shorthand.unsqueeze(b, image, 1), 2);
            Value best = null;
            for (boolean lowRow : new boolean[] {true, false}) {
                for (boolean lowColumn : new boolean[] {true, false}) {
                    Value row = Shorthand.unsqueeze(b, lowRow ? h.low : h.high, 2);
                    Value column = Shorthand.unsqueeze(b, lowColumn ? w.low : w.high, 1);
                    Value at = b.plus(b.times(b.plus(image, row), b.scalar(DType.I64, x.extent(3))), column);
                    Value weight = b.times(
                            Shorthand.unsqueeze(b, lowRow ? h.lowWeight : h.highWeight, 2),
                            Shorthand.unsqueeze(b, lowColumn ? w.lowWeight : w.highWeight, 1));
                    Value v = b.times(
                            b.add(new Op.Gather(0), rows, at), Shorthand.unsqueeze(b, b.cast(weight, rows.dtype()), 3));
                    best = best == null ? v : max ? b.max(best, v) : b.plus(best, v);
                }
            }
            return pool(b, x, java.util.Objects.requireNonNull(best, "four neighbours"), h, w);
        }

        /** From samples [R, bins * samples, bins * samples, C] to [R, C, bins, bins]. */
        private Value pool(GraphBuilder b, Value x, Value samples, Axis h, Axis w) {
            Value in = b.times(Shorthand.unsqueeze(b, h.inside, 2), Shorthand.unsqueeze(b, w.inside, 1));
            Value v = b.times(samples, Shorthand.unsqueeze(b, b.cast(in, samples.dtype()), 3));
            Value s = b.reshape(
                    v,
                    Shorthand.shape(
                            v.shape().dim(0),
                            Dim.of(height),
                            Dim.of(h.samples.most),
                            Dim.of(width),
                            Dim.of(w.samples.most),
                            v.shape().dim(3)));
            Value y;
            if (max) {
                s = maskMissing(b, s, h.samples, 2);
                s = maskMissing(b, s, w.samples, 4);
                y = b.reduce(ReduceKind.MAX, s, List.of(2, 4), false);
                // A region without samples gives 0.
                Value lowest = Shorthand.like(b, y, Double.NEGATIVE_INFINITY);
                y = b.select(b.map(MapFunction.EQ, y, lowest), Shorthand.like(b, y, 0), y);
            } else {
                s = clearMissing(b, s, h.samples, 2);
                s = clearMissing(b, s, w.samples, 4);
                Value count = b.times(count(b, h.samples), count(b, w.samples));
                count = b.cast(b.max(count, b.scalar(DType.F32, 1.0)), s.dtype());
                if (count.rank() > 0) count = Shorthand.along(b, count, 0, 4);
                y = b.divide(b.reduce(ReduceKind.SUM, s, List.of(2, 4), false), count);
            }
            return b.cast(b.transpose(y, 0, 3, 1, 2), x.dtype());
        }

        private static Value count(GraphBuilder b, Samples s) {
            return s.counts == null ? b.scalar(DType.F32, (double) s.most) : s.counts;
        }

        private static Value maskMissing(GraphBuilder b, Value s, Samples samples, int axis) {
            return missing(b, s, samples, axis, Double.NEGATIVE_INFINITY);
        }

        private static Value clearMissing(GraphBuilder b, Value s, Samples samples, int axis) {
            return missing(b, s, samples, axis, 0);
        }

        /** Samples beyond a region's own number replaced. */
        private static Value missing(GraphBuilder b, Value s, Samples samples, int axis, double number) {
            if (samples.counts == null) return s;
            Value k = b.iota(
                    DType.F32, Shape.of(1, 1, 1, 1, 1, 1).with(axis, s.shape().dim(axis)), axis);
            Value there = b.map(MapFunction.LT, k, Shorthand.along(b, samples.counts, 0, 6));
            return b.select(there, s, Shorthand.like(b, s, number));
        }

        /** The samples of an axis whose corners are columns {@code column} and {@code column + 2} of the regions. */
        private Axis axis(LoweringContext c, Value rois, int column, long extent, long bins) {
            GraphBuilder b = c.builder();
            Value start = edge(b, rois, column);
            Value size = b.minus(edge(b, rois, column + 2), start);
            if (!halfPixel) size = b.max(size, b.scalar(size.dtype(), 1.0));
            Value bin = b.divide(size, Shorthand.like(b, size, bins));
            Samples samples = samples(c, bin);
            Value perBin = b.cast(count(b, samples), size.dtype());
            Value step = b.divide(bin, b.max(perBin, Shorthand.like(b, size, 1)));
            Dim r = rois.shape().dim(0);
            Shape grid = Shorthand.shape(Dim.of(1), Dim.of(bins), Dim.of(samples.most));
            Value number = b.iota(size.dtype(), grid, 1);
            Value within = b.plus(b.iota(size.dtype(), grid, 2), Shorthand.like(b, size, 0.5));
            Value at = b.plus(
                    b.plus(Shorthand.along(b, start, 0, 3), b.times(number, Shorthand.along(b, bin, 0, 3))),
                    b.times(within, Shorthand.along(b, step, 0, 3)));
            return neighbours(b, b.reshape(at, Shorthand.shape(r, Dim.of(bins * samples.most))), extent, samples);
        }

        private Value edge(GraphBuilder b, Value rois, int column) {
            Value v = Shorthand.wide(b, b.select(rois, 1, column));
            v = b.times(v, Shorthand.like(b, v, scale));
            return halfPixel ? b.minus(v, Shorthand.like(b, v, 0.5)) : v;
        }

        /** Without a stated ratio as many samples as pixels in a bin, which must be known to lay out the grid. */
        private Samples samples(LoweringContext c, Value bin) {
            if (ratio > 0) return new Samples(ratio, null);
            Tensor sizes = c.known(bin);
            long most = 1;
            Tensor counts = Tensor.allocate(DType.F32, bin.shape());
            for (long i = 0; i < sizes.elements(); i++) {
                double n = Math.max(0, Math.ceil(sizes.getDouble(i)));
                c.require(n <= 65536, "a region has " + n + " samples on an axis of a bin; the limit is 65536");
                counts.setDouble(i, n);
                most = Math.max(most, (long) n);
            }
            return new Samples(most, c.builder().constant(counts));
        }

        private static Axis neighbours(GraphBuilder b, Value at, long extent, Samples samples) {
            Value zero = Shorthand.like(b, at, 0);
            Value last = Shorthand.like(b, at, extent - 1.0);
            Value inside = b.map(
                    MapFunction.AND,
                    b.map(MapFunction.GE, at, Shorthand.like(b, at, -1)),
                    b.map(MapFunction.LE, at, Shorthand.like(b, at, extent)));
            Value place = b.map(MapFunction.CLAMP, at, zero, last);
            Value low = b.map(MapFunction.FLOOR, place);
            Value fraction = b.minus(place, low);
            Value one = Shorthand.like(b, at, 1);
            return new Axis(
                    Sampling.index(b, low, extent),
                    Sampling.index(b, b.plus(low, one), extent),
                    b.minus(one, fraction),
                    fraction,
                    b.cast(inside, at.dtype()),
                    samples);
        }
    }
}
