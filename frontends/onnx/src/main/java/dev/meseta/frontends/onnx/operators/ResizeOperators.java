package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Resize and Upsample: one axis after the other, by positions and weights that are computed when shapes are known. */
final class ResizeOperators {
    private ResizeOperators() {}

    static void register(Registry r) {
        r.expand("Upsample", 1, node -> {
            Attributes a = node.attributes();
            double[] scales = {1, 1, a.real("height_scale"), a.real("width_scale")};
            AxisResize axis = AxisResize.simple(node, a.string("mode", "nearest"));
            return c -> List.of(byScales(c, axis, scales));
        });
        r.expand("Upsample", 7, node -> {
            float[] stated = node.attributes().reals("scales");
            double[] scales = new double[stated.length];
            for (int i = 0; i < scales.length; i++) scales[i] = stated[i];
            AxisResize axis = AxisResize.simple(node, node.attributes().string("mode", "nearest"));
            return c -> List.of(byScales(c, axis, scales));
        });
        r.expand("Upsample", 9, ResizeOperators::scaled);
        r.expand("Resize", 10, ResizeOperators::scaled);
        r.expand("Resize", 11, Resize::of);
        r.expand("GridSample", 16, node -> GridOperators.sample(node, "bilinear"));
        r.expand("GridSample", 20, node -> GridOperators.sample(node, "linear"));
        r.expand("AffineGrid", 20, GridOperators::affine);
    }

    private static Lowering.Expand scaled(OperatorNode node) {
        AxisResize axis = AxisResize.simple(node, node.attributes().string("mode", "nearest"));
        return c -> List.of(byScales(c, axis, c.constant(1).toDoubles()));
    }

    private static Value byScales(LoweringContext c, AxisResize resize, double[] scales) {
        Value y = c.operand(0);
        c.require(scales.length == y.rank(), scales.length + " scales for the input " + y.type());
        for (int i = 0; i < scales.length; i++) {
            long out = extent(c, scales[i], y.extent(i));
            requireRoom(c, out);
            y = resize.apply(c.builder(), y, i, scales[i], out, 0, 1);
        }
        return y;
    }

    /** Positions are laid out for every place of an axis, so that an absurd extent is refused before they are. */
    private static void requireRoom(LoweringContext c, long extent) {
        c.require(extent <= 1 << 26, "the result would have extent " + extent + "; the limit is " + (1 << 26));
    }

    /** floor(scale * extent) in the scale's precision, which is F32. */
    private static long extent(LoweringContext c, double scale, long in) {
        c.require(scale > 0 && scale < 1 << 20, "scale " + scale + " must be positive");
        return (long) ((float) scale * (float) in);
    }

    /**
     * Resize from version 11 on.
     *
     * @param resize how an axis is resized
     * @param axes what {@code roi}, {@code scales} and {@code sizes} are about; null for all
     * @param policy of keeping the aspect ratio
     */
    private record Resize(AxisResize resize, long @Nullable [] axes, String policy) implements Lowering.Expand {
        static Resize of(OperatorNode node) {
            Attributes a = node.attributes();
            String policy = a.string("keep_aspect_ratio_policy", "stretch");
            if (!List.of("stretch", "not_larger", "not_smaller").contains(policy))
                throw node.error("keep_aspect_ratio_policy '" + policy + "' is unknown");
            return new Resize(AxisResize.of(node), a.integersOrNull("axes"), policy);
        }

        @Override
        public List<Value> expand(LoweringContext c) {
            Value x = c.operand(0);
            int n = axes == null ? x.rank() : axes.length;
            int[] along = new int[n];
            for (int i = 0; i < n; i++) along[i] = axes == null ? i : Shorthand.axis(c, axes[i], x.rank());
            double[] scales = new double[n];
            long[] out = new long[n];
            extents(c, x, along, scales, out);
            double[] roi = roi(c, n);
            Value y = x;
            for (int i = 0; i < n; i++) {
                requireRoom(c, out[i]);
                y = resize.apply(c.builder(), y, along[i], scales[i], out[i], roi[i], roi[n + i]);
            }
            return List.of(y);
        }

        private void extents(LoweringContext c, Value x, int[] along, double[] scales, long[] out) {
            int n = along.length;
            boolean byScales = c.has(2) && c.operand(2).shape().elements() > 0;
            boolean bySizes = c.has(3) && c.operand(3).shape().elements() > 0;
            c.require(byScales != bySizes || byScales && n == 0, "exactly one of scales and sizes must be given");
            if (byScales) {
                Tensor t = c.constant(2);
                c.require(t.elements() == n, "scales has " + t.elements() + " entries, expected " + n);
                for (int i = 0; i < n; i++) {
                    scales[i] = t.getDouble(i);
                    out[i] = extent(c, scales[i], x.extent(along[i]));
                }
                return;
            }
            Tensor t = c.constant(3);
            c.require(t.elements() == n, "sizes has " + t.elements() + " entries, expected " + n);
            for (int i = 0; i < n; i++) {
                out[i] = t.getLong(i);
                c.require(
                        out[i] >= 0 && (x.extent(along[i]) > 0 || out[i] == 0),
                        "size " + out[i] + " on axis " + along[i] + " of " + x.type());
                scales[i] = x.extent(along[i]) == 0 ? 1 : (double) out[i] / x.extent(along[i]);
            }
            if (policy.equals("stretch") || n == 0) return;
            var all = Arrays.stream(scales);
            double scale = (policy.equals("not_larger") ? all.min() : all.max()).orElse(1);
            for (int i = 0; i < n; i++) {
                scales[i] = scale;
                out[i] = (long) (scale * x.extent(along[i]) + 0.5);
            }
        }

        /** Starts, then ends, of the region on each axis. */
        private double[] roi(LoweringContext c, int n) {
            double[] roi = new double[2 * n];
            Arrays.fill(roi, n, 2 * n, 1);
            if (!resize.crops() || !c.has(1)) return roi;
            Tensor t = c.constant(1);
            if (t.elements() == 0) return roi;
            c.require(t.elements() == 2L * n, "roi has " + t.elements() + " entries, expected " + 2 * n);
            return t.toDoubles();
        }
    }

    /**
     * How one axis is resized.
     *
     * @param mode nearest, linear or cubic
     * @param coordinates from places of the result to places of the input
     * @param nearest how a place is rounded
     */
    record AxisResize(
            String mode,
            String coordinates,
            String nearest,
            double cubic,
            boolean antialias,
            boolean excludeOutside,
            double extrapolation) {

        static AxisResize of(OperatorNode node) {
            Attributes a = node.attributes();
            AxisResize r = new AxisResize(
                    a.string("mode", "nearest"),
                    a.string("coordinate_transformation_mode", "half_pixel"),
                    a.string("nearest_mode", "round_prefer_floor"),
                    a.real("cubic_coeff_a", -0.75f),
                    a.flag("antialias", false),
                    a.flag("exclude_outside", false),
                    a.real("extrapolation_value", 0));
            r.check(node);
            if (r.antialias && r.mode.equals("nearest")) throw node.error("antialias does not go with mode nearest");
            return r;
        }

        /** The first versions: asymmetric, and the nearest place to the left when enlarging, to the right when not. */
        static AxisResize simple(OperatorNode node, String mode) {
            String lower = mode.toLowerCase(Locale.ROOT);
            AxisResize r = new AxisResize(
                    lower.equals("bilinear") ? "linear" : lower, "asymmetric", "simple", -0.75, false, false, 0);
            r.check(node);
            return r;
        }

        private void check(OperatorNode node) {
            if (!List.of("nearest", "linear", "cubic").contains(mode))
                throw node.error("mode '" + mode + "' is not nearest, linear or cubic");
            if (!List.of(
                            "half_pixel",
                            "half_pixel_symmetric",
                            "pytorch_half_pixel",
                            "align_corners",
                            "asymmetric",
                            "tf_half_pixel_for_nn",
                            "tf_crop_and_resize")
                    .contains(coordinates))
                throw node.error("coordinate_transformation_mode '" + coordinates + "' is unknown");
            if (!List.of("round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple")
                    .contains(nearest)) throw node.error("nearest_mode '" + nearest + "' is unknown");
        }

        boolean crops() {
            return coordinates.equals("tf_crop_and_resize");
        }

        /** The axis with a new extent; the value itself if nothing changes. */
        Value apply(GraphBuilder b, Value x, int axis, double scale, long out, double from, double to) {
            long in = x.extent(axis);
            if (in == out && Math.abs(scale - 1) < 1e-9 && from == 0 && to == 1) return x;
            Dim d = x.shape().dim(axis);
            Dim size = d.derive(out, "resized(" + d.term() + ")");
            double[] at = new double[Math.toIntExact(out)];
            for (int i = 0; i < at.length; i++) at[i] = place(i, scale, in, out, from, to);
            Value y;
            if (in == 0 || out == 0 || mode.equals("nearest")) {
                Value positions =
                        Shorthand.vector(b, DType.I64, size, i -> Math.clamp(rounded(at[(int) i], scale), 0, in - 1));
                y = b.add(new Op.Gather(axis), x, positions);
            } else {
                y = interpolate(b, x, axis, size, at, scale);
            }
            return crops() ? extrapolate(b, x, y, axis, size, at, in) : y;
        }

        /** The place in the input of place i of the result. */
        private double place(long i, double scale, long in, long out, double from, double to) {
            double width = scale * in;
            return switch (coordinates) {
                case "align_corners" -> width == 1 ? 0 : i * (in - 1) / (width - 1);
                case "asymmetric" -> i / scale;
                case "pytorch_half_pixel" -> width == 1 ? 0 : (i + 0.5) / scale - 0.5;
                case "half_pixel" -> (i + 0.5) / scale - 0.5;
                case "tf_half_pixel_for_nn" -> (i + 0.5) / scale;
                case "half_pixel_symmetric" -> in / 2.0 * (1 - out / width) + (i + 0.5) / scale - 0.5;
                default -> {
                    double span = (to - from) * (in - 1);
                    yield from * (in - 1) + (width == 1 ? span / 2 : i * span / (width - 1));
                }
            };
        }

        private long rounded(double at, double scale) {
            double floor = Math.floor(at);
            return (long)
                    switch (nearest) {
                        case "floor" -> floor;
                        case "ceil" -> Math.ceil(at);
                        case "round_prefer_ceil" -> at - floor < 0.5 ? floor : floor + 1;
                        case "simple" -> scale < 1 ? Math.ceil(at) : floor;
                        default -> at - floor <= 0.5 ? floor : floor + 1;
                    };
        }

        private Value interpolate(GraphBuilder b, Value x, int axis, Dim size, double[] at, double scale) {
            long in = x.extent(axis);
            int taps = taps(scale);
            double[][] weights = new double[at.length][];
            long[][] positions = new long[at.length][taps];
            for (int i = 0; i < at.length; i++) {
                double floor = Math.floor(at[i]);
                boolean whole = at[i] == floor;
                weights[i] = weights(whole ? 1 : at[i] - floor, scale, taps);
                double sum = 0;
                for (int t = 0; t < taps; t++) {
                    long p = (long) floor + t - taps / 2 + (whole ? 0 : 1);
                    if (excludeOutside && (p < 0 || p >= in)) weights[i][t] = 0;
                    sum += weights[i][t];
                    positions[i][t] = Math.clamp(p, 0, in - 1);
                }
                if (excludeOutside && sum != 0) for (int t = 0; t < taps; t++) weights[i][t] /= sum;
            }
            DType type = computeType(x.dtype());
            Value wide = b.cast(x, type);
            Value y = taps <= 4
                    ? byTaps(b, wide, axis, size, positions, weights)
                    : byMatrix(b, wide, axis, size, positions, weights);
            if (x.dtype().isFloat()) return b.cast(y, x.dtype());
            return b.add(new Op.Cast(x.dtype(), Op.Cast.Rounding.NEAREST), y);
        }

        private static DType computeType(DType t) {
            if (t.isFloat()) return t.computeType();
            return t.bits() >= 32 ? DType.F64 : DType.F32;
        }

        private static Value byTaps(
                GraphBuilder b, Value x, int axis, Dim size, long[][] positions, double[][] weights) {
            Value sum = null;
            for (int tap = 0; tap < positions[0].length; tap++) {
                int t = tap;
                Value p = Shorthand.vector(b, DType.I64, size, i -> positions[(int) i][t]);
                Value w = Shorthand.vector(b, x.dtype(), size, i -> weights[(int) i][t]);
                Value v = b.times(b.add(new Op.Gather(axis), x, p), Shorthand.along(b, w, axis, x.rank()));
                sum = sum == null ? v : b.plus(sum, v);
            }
            return java.util.Objects.requireNonNull(sum, "there are taps");
        }

        private static Value byMatrix(
                GraphBuilder b, Value x, int axis, Dim size, long[][] positions, double[][] weights) {
            long in = x.extent(axis);
            Tensor m =
                    Tensor.allocate(x.dtype(), Shorthand.shape(size, x.shape().dim(axis)));
            for (int i = 0; i < positions.length; i++) {
                double[] row = new double[Math.toIntExact(in)];
                for (int t = 0; t < positions[i].length; t++) row[(int) positions[i][t]] += weights[i][t];
                for (int p = 0; p < row.length; p++) m.setDouble(i * in + p, row[p]);
            }
            Value y = b.add(
                    new Op.Contraction(List.of(), List.of(), List.of(axis), List.of(1), x.dtype()), x, b.constant(m));
            int[] order = new int[x.rank()];
            for (int i = 0; i < order.length; i++) order[i] = i < axis ? i : i == axis ? order.length - 1 : i - 1;
            return b.transpose(y, order);
        }

        /** How many places of the input count for one of the result; even. */
        private int taps(double scale) {
            double s = Math.min(scale, 1);
            int reach = mode.equals("cubic") ? 2 : 1;
            if (!antialias) return 2 * reach;
            return Math.toIntExact(2 - 2 * ((long) Math.floor(-reach / s) + 1));
        }

        /** Weights for a fraction in (0, 1], of the neighbours in ascending order. */
        private double[] weights(double fraction, double scale, int taps) {
            double s = antialias ? Math.min(scale, 1) : 1;
            double[] w = new double[taps];
            double sum = 0;
            for (int t = 0; t < taps; t++) {
                double distance = Math.abs((t - taps / 2 + 1 - fraction) * s);
                w[t] = mode.equals("cubic") ? cubicWeight(distance) : Math.max(0, 1 - distance);
                sum += w[t];
            }
            if (antialias) for (int t = 0; t < taps; t++) w[t] /= sum;
            return w;
        }

        /** Keys's cubic convolution kernel. */
        private double cubicWeight(double x) {
            if (x <= 1) return ((cubic + 2) * x - (cubic + 3)) * x * x + 1;
            return x < 2 ? ((cubic * x - 5 * cubic) * x + 8 * cubic) * x - 4 * cubic : 0;
        }

        /** Places outside the input get the extrapolation value. */
        private Value extrapolate(GraphBuilder b, Value x, Value y, int axis, Dim size, double[] at, long in) {
            if (Arrays.stream(at).allMatch(p -> p >= 0 && p <= in - 1)) return y;
            Value outside = Shorthand.vector(b, DType.BOOL, size, i -> at[(int) i] < 0 || at[(int) i] > in - 1 ? 1 : 0);
            return b.select(Shorthand.along(b, outside, axis, x.rank()), Shorthand.like(b, x, extrapolation), y);
        }
    }
}
