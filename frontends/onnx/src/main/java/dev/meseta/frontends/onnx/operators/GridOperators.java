package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.List;

/** GridSample and AffineGrid, for any number of spatial axes. */
final class GridOperators {
    private static final double CUBIC = -0.75;

    private GridOperators() {}

    static Lowering.Expand sample(OperatorNode node, String defaultMode) {
        Attributes a = node.attributes();
        String mode = a.string("mode", defaultMode);
        mode = mode.equals("bilinear") ? "linear" : mode.equals("bicubic") ? "cubic" : mode;
        if (!List.of("nearest", "linear", "cubic").contains(mode))
            throw node.error("mode '" + mode + "' is not nearest, linear or cubic");
        String padding = a.string("padding_mode", "zeros");
        if (!List.of("zeros", "border", "reflection").contains(padding))
            throw node.error("padding_mode '" + padding + "' is not zeros, border or reflection");
        Sampler sampler = new Sampler(mode, padding, a.flag("align_corners", false));
        return c -> List.of(sampler.expand(c));
    }

    private record Sampler(String mode, String padding, boolean alignCorners) {
        Value expand(LoweringContext c) {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            Value grid = c.operand(1);
            int n = x.rank() - 2;
            c.require(
                    n >= 1 && grid.rank() == n + 2 && grid.extent(n + 1) == n && grid.extent(0) == x.extent(0),
                    "expected [N, C, D1, …, Dr] and [N, O1, …, Or, r], found " + x.type() + " and " + grid.type());
            List<Dim> out = grid.shape().dims().subList(1, n + 1);
            for (int i = 2; i < x.rank(); i++)
                c.require(x.extent(i) > 0 || Shape.of(out).elements() == 0, "the input " + x.type() + " is empty");
            Value places = Shorthand.merge(b, Shorthand.wide(b, grid), 1, n + 1);
            List<List<Sampling.Tap>> taps = new ArrayList<>();
            for (int i = 0; i < n; i++) {
                // The grid names the innermost axis first.
                Value at = b.select(places, 2, n - 1L - i);
                taps.add(taps(b, pixels(b, at, x.extent(i + 2)), x.extent(i + 2)));
            }
            Value image = Sampling.channelsLast(b, x);
            if (mode.equals("nearest")) return Sampling.channelsFirst(b, Sampling.interpolate(b, image, taps), out);
            DType type = x.dtype().isFloat() ? x.dtype().computeType() : DType.F32;
            Value y = Sampling.interpolate(b, b.cast(image, type), taps);
            return Sampling.channelsFirst(b, b.cast(y, x.dtype()), out);
        }

        /** Coordinates in [-1, 1] as places among pixels, brought inside where the padding says so. */
        private Value pixels(GraphBuilder b, Value at, long extent) {
            Value one = Shorthand.like(b, at, 1);
            Value half = Shorthand.like(b, at, 0.5);
            Value from0 = b.plus(at, one);
            Value x = alignCorners
                    ? b.times(b.times(from0, half), Shorthand.like(b, at, extent - 1.0))
                    : b.times(b.minus(b.times(from0, Shorthand.like(b, at, extent)), one), half);
            if (mode.equals("nearest")) x = b.map(MapFunction.ROUND, x);
            // Cubic interpolation at the border keeps the place, and takes the border's pixels (as PyTorch does).
            return mode.equals("cubic") ? x : inside(b, x, extent);
        }

        private Value inside(GraphBuilder b, Value x, long extent) {
            return switch (padding) {
                case "border" ->
                    b.map(MapFunction.CLAMP, x, Shorthand.like(b, x, 0), Shorthand.like(b, x, extent - 1.0));
                case "reflection" -> reflected(b, x, extent);
                default -> x;
            };
        }

        /** A triangle wave between the borders: the outer pixels' centres, or their edges. */
        private Value reflected(GraphBuilder b, Value x, long extent) {
            double low = alignCorners ? 0 : -0.5;
            double range = alignCorners ? extent - 1.0 : extent;
            if (range == 0) return b.times(x, Shorthand.like(b, x, 0));
            Value distance = b.map(MapFunction.ABS, b.minus(x, Shorthand.like(b, x, low)));
            Value wrapped = b.map(MapFunction.REM, distance, Shorthand.like(b, x, 2 * range));
            Value back = b.minus(Shorthand.like(b, x, 2 * range), wrapped);
            return b.plus(b.min(wrapped, back), Shorthand.like(b, x, low));
        }

        private List<Sampling.Tap> taps(GraphBuilder b, Value at, long extent) {
            if (mode.equals("nearest")) {
                return padding.equals("zeros")
                        ? List.of(Sampling.zeroOutside(b, at, null, extent))
                        : List.of(new Sampling.Tap(Sampling.index(b, at, extent), null, null));
            }
            Value floor = b.map(MapFunction.FLOOR, at);
            Value fraction = b.minus(at, floor);
            int reach = mode.equals("cubic") ? 2 : 1;
            List<Sampling.Tap> taps = new ArrayList<>();
            for (int t = 1 - reach; t <= reach; t++) {
                Value place = b.plus(floor, Shorthand.like(b, at, t));
                Value weight = weight(b, fraction, t);
                taps.add(
                        padding.equals("zeros")
                                ? Sampling.zeroOutside(b, place, weight, extent)
                                : new Sampling.Tap(Sampling.index(b, inside(b, place, extent), extent), weight, null));
            }
            return taps;
        }

        /** The weight of the pixel {@code t} after the one to the left. */
        private Value weight(GraphBuilder b, Value fraction, int t) {
            Value one = Shorthand.like(b, fraction, 1);
            if (mode.equals("linear")) return t == 0 ? b.minus(one, fraction) : fraction;
            Value distance = t <= 0
                    ? b.plus(fraction, Shorthand.like(b, fraction, -t))
                    : b.minus(Shorthand.like(b, fraction, t), fraction);
            return t == 0 || t == 1
                    ? polynomial(b, distance, CUBIC + 2, -(CUBIC + 3), 0, 1)
                    : polynomial(b, distance, CUBIC, -5 * CUBIC, 8 * CUBIC, -4 * CUBIC);
        }

        private static Value polynomial(GraphBuilder b, Value x, double... coefficients) {
            Value y = Shorthand.like(b, x, coefficients[0]);
            for (int i = 1; i < coefficients.length; i++)
                y = b.plus(b.times(y, x), Shorthand.like(b, x, coefficients[i]));
            return y;
        }
    }

    /** Operands: matrices [N, r, r + 1] and the size [N, C, D1, …, Dr]; the result is [N, D1, …, Dr, r]. */
    static Lowering.Expand affine(OperatorNode node) {
        boolean alignCorners = node.attributes().flag("align_corners", false);
        return c -> {
            GraphBuilder b = c.builder();
            Value theta = c.operand(0);
            long[] size = c.constant(1).toLongs();
            int r = size.length - 2;
            c.require(
                    r >= 1 && theta.rank() == 3 && theta.extent(1) == r && theta.extent(2) == r + 1,
                    "matrices " + theta.type() + " and a size of " + size.length
                            + " entries do not fit: expected [N, r, r + 1] and r + 2");
            c.require(size[0] == theta.extent(0), "size names " + size[0] + " images, there are " + theta.extent(0));
            DType type = theta.dtype().computeType();
            List<Dim> dims = new ArrayList<>(List.of(theta.shape().dim(0)));
            long elements = 1;
            for (int i = 0; i < r; i++) {
                c.require(size[i + 2] >= 1 && size[i + 2] <= 1 << 26, "size has the value " + size[i + 2]);
                dims.add(Dim.of(size[i + 2]));
                elements = Math.multiplyExact(elements, size[i + 2]);
            }
            c.require(elements <= 1 << 28, "a grid of " + elements + " places is too large");
            dims.add(Dim.of(r));
            Value grid = b.add(
                    new Op.Contraction(List.of(), List.of(), List.of(2), List.of(1), type),
                    b.cast(theta, type),
                    b.constant(places(type, size, r, Math.toIntExact(elements), alignCorners)));
            return List.of(b.cast(b.reshape(b.transpose(grid, 0, 2, 1), Shape.of(dims)), theta.dtype()));
        };
    }

    /** Homogeneous coordinates of every place, the innermost axis first, [places, r + 1]. */
    private static Tensor places(DType type, long[] size, int r, int elements, boolean alignCorners) {
        Tensor t = Tensor.allocate(type, Shape.of(elements, r + 1));
        for (int at = 0; at < elements; at++) {
            long rest = at;
            for (int axis = r - 1; axis >= 0; axis--) {
                long n = size[axis + 2];
                long i = rest % n;
                rest /= n;
                double step = alignCorners ? (n > 1 ? 2.0 / (n - 1) : 0) : 2.0 / n;
                double v = alignCorners ? -1 + i * step : -1 + step / 2 + i * step;
                t.setDouble((long) at * (r + 1) + (r - 1 - axis), v);
            }
            t.setDouble((long) at * (r + 1) + r, 1);
        }
        return t;
    }
}
