package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Operators that look at a window of a tensor, which may reach beyond it: slices, crops and pads. */
final class WindowOperators {
    /** Pads with a tensor's own elements are a list of positions, which is made when the model is prepared. */
    private static final long MOST_REPEATED = 1 << 24;

    private WindowOperators() {}

    static void register(Registry r) {
        slice(r);
        pad(r);
        r.expand("CenterCropPad", 18, WindowOperators::centerCropPad);
        r.expand("Crop", 1, WindowOperators::crop);
    }

    private static void slice(Registry r) {
        r.expand("Slice", 1, node -> {
            long[] starts = node.attributes().integers("starts");
            long[] ends = node.attributes().integers("ends");
            long[] axes = node.attributes().integersOrNull("axes");
            return c -> List.of(slice(c, starts, plain(ends), axes, null));
        });
        r.expand("Slice", 10, node -> c -> {
            long[] starts = Expansions.integers(c, 1, "starts");
            Expansions.integers(c, 2, "ends");
            long[] axes = c.has(3) ? Expansions.integers(c, 3, "axes") : null;
            long[] steps = c.has(4) ? Expansions.integers(c, 4, "steps") : null;
            return List.of(slice(c, starts, ends(c), axes, steps));
        });
    }

    /**
     * An end of a slice.
     *
     * @param position as the model gives it
     * @param origin the same as a dim, where the model computed it from an extent
     */
    private record End(long position, @Nullable Dim origin) {}

    private static List<End> plain(long[] ends) {
        return Arrays.stream(ends).mapToObj(e -> new End(e, null)).toList();
    }

    private static List<End> ends(LoweringContext c) {
        long[] values = c.constant(2).toLongs();
        if (Arrays.stream(values).anyMatch(v -> v < 0)) return plain(values);
        return c.dims(2).stream()
                .map(d -> new End(d.extent(), d.isDynamic() ? d : null))
                .toList();
    }

    private static Value slice(
            LoweringContext c,
            long[] starts,
            List<End> ends,
            long @Nullable [] givenAxes,
            long @Nullable [] givenSteps) {
        Value x = c.operand(0);
        int n = starts.length;
        if (ends.size() != n
                || givenAxes != null && givenAxes.length != n
                || givenSteps != null && givenSteps.length != n
                || givenAxes == null && n > x.rank()) {
            throw c.error("starts, ends, axes and steps of a slice of " + x.type() + " differ in number");
        }
        List<Integer> axes = givenAxes == null ? Expansions.allAxes(n) : Expansions.axes(c, givenAxes, x.rank());
        List<Long> from = new ArrayList<>(Collections.nCopies(x.rank(), 0L));
        List<Dim> sizes = new ArrayList<>(x.shape().dims());
        List<Long> steps = new ArrayList<>(Collections.nCopies(x.rank(), 1L));
        for (int i = 0; i < n; i++) {
            int a = axes.get(i);
            long step = givenSteps == null ? 1 : givenSteps[i];
            if (step == 0) throw c.error("step of axis " + a + " is 0");
            Dim d = x.shape().dim(a);
            Range range = Range.of(starts[i], ends.get(i), step, d);
            from.set(a, range.size().extent() == 0 ? 0 : range.start());
            // A step beyond the extent takes one element; a smaller number does so as well, and cannot overflow.
            steps.set(a, range.size().extent() <= 1 ? 1 : step);
            sizes.set(a, range.size());
        }
        return c.builder().add(new Op.Slice(from, sizes, steps), x);
    }

    /**
     * What a slice takes of one axis.
     *
     * @param start the first place
     * @param size the number of places
     */
    private record Range(long start, Dim size) {
        static Range of(long givenStart, End givenEnd, long step, Dim d) {
            long n = d.extent();
            long start = place(givenStart, n);
            long end = place(givenEnd.position(), n);
            start = step > 0 ? Math.clamp(start, 0, n) : Math.clamp(start, 0, Math.max(0, n - 1));
            end = step > 0 ? Math.clamp(end, 0, n) : Math.clamp(end, -1, n - 1);
            long span = step > 0 ? end - start : start - end;
            long stride = step == Long.MIN_VALUE ? Long.MAX_VALUE : Math.abs(step);
            long size = n == 0 || span <= 0 ? 0 : (span - 1) / stride + 1;
            if (start == 0 && step == 1 && size == n) return new Range(0, d);
            return new Range(start, origin(givenStart, givenEnd, step, d, size));
        }

        private static long place(long position, long n) {
            return position < 0 ? Math.max(position, Long.MIN_VALUE + n) + n : position;
        }

        private static Dim origin(long givenStart, End end, long step, Dim d, long size) {
            if (end.origin() != null && givenStart == 0 && step == 1 && size == end.position()) return end.origin();
            boolean inside = givenStart >= 0 && end.position() >= 0 && end.position() <= d.extent();
            if (inside && end.origin() == null) return Dim.of(size);
            Dim source = end.origin() != null ? end.origin() : d;
            return source.derive(
                    size,
                    "slice(" + d.term() + "," + givenStart + ","
                            + (end.origin() != null ? end.origin().term() : end.position()) + "," + step + ")");
        }
    }

    private static void pad(Registry r) {
        r.expand("Pad", 1, node -> legacyPad(node, "paddings"));
        r.expand("Pad", 2, node -> legacyPad(node, "pads"));
        r.expand("Pad", 11, node -> {
            Mode mode = Mode.of(node);
            return c -> {
                Value x = c.operand(0);
                long[] pads = Expansions.integers(c, 1, "pads");
                Value value = c.has(2)
                        ? Expansions.scalar(c, c.operand(2), "constant_value")
                        : c.builder().constant(Tensor.allocate(x.dtype(), Shape.SCALAR));
                List<Integer> axes = c.has(3)
                        ? Expansions.axes(c, Expansions.integers(c, 3, "axes"), x.rank())
                        : Expansions.allAxes(x.rank());
                return List.of(pad(c, x, axes, pads, mode, value));
            };
        });
    }

    private enum Mode {
        CONSTANT,
        REFLECT,
        EDGE,
        WRAP;

        static Mode of(OperatorNode node) {
            String mode = node.attributes().string("mode", "constant");
            return switch (mode) {
                case "constant" -> CONSTANT;
                case "reflect" -> REFLECT;
                case "edge" -> EDGE;
                case "wrap" -> WRAP;
                default -> throw node.error("mode is '" + mode + "', expected constant, reflect, edge or wrap");
            };
        }
    }

    private static Lowering.Expand legacyPad(OperatorNode node, String attribute) {
        Mode mode = Mode.of(node);
        long[] pads = node.attributes().integers(attribute);
        float value = node.attributes().real("value", 0);
        return c -> {
            Value x = c.operand(0);
            Value filler = c.builder().scalar(x.dtype(), value);
            return List.of(pad(c, x, Expansions.allAxes(x.rank()), pads, mode, filler));
        };
    }

    /** Pads the axes by pads[i] before and pads[axes + i] after; a negative pad takes elements away first. */
    private static Value pad(LoweringContext c, Value x, List<Integer> axes, long[] pads, Mode mode, Value value) {
        if (pads.length != 2 * axes.size()) {
            throw c.error(pads.length + " pads for " + axes.size() + " axes of " + x.type());
        }
        GraphBuilder b = c.builder();
        List<Long> low = new ArrayList<>(Collections.nCopies(x.rank(), 0L));
        List<Long> high = new ArrayList<>(Collections.nCopies(x.rank(), 0L));
        Value y = x;
        for (int i = 0; i < axes.size(); i++) {
            int a = axes.get(i);
            long before = pads[i];
            long after = pads[axes.size() + i];
            y = cropped(c, y, a, Math.max(0, -before), Math.max(0, -after));
            low.set(a, Math.max(0, before));
            high.set(a, Math.max(0, after));
        }
        if (mode == Mode.CONSTANT) return b.add(new Op.Pad(low, high), y, value);
        for (int a = 0; a < x.rank(); a++) y = repeatInside(c, y, a, low.get(a), high.get(a), mode);
        return y;
    }

    private static Value cropped(LoweringContext c, Value x, int axis, long before, long after) {
        if (before == 0 && after == 0) return x;
        Dim d = x.shape().dim(axis);
        if (before > d.extent() || after > d.extent() - before) {
            throw c.error(
                    "negative pads take " + before + " and " + after + " places from axis " + axis + " of " + x.type());
        }
        long size = d.extent() - before - after;
        return c.builder().slice(x, axis, before, d.derive(size, "(" + d.term() + "-" + (d.extent() - size) + ")"));
    }

    /** Pads one axis with elements of its own, fetched from the positions that the mode prescribes. */
    private static Value repeatInside(LoweringContext c, Value x, int axis, long low, long high, Mode mode) {
        if (low == 0 && high == 0) return x;
        Dim d = x.shape().dim(axis);
        long n = d.extent();
        if (n == 0) throw c.error("axis " + axis + " of " + x.type() + " has no element to pad with");
        if (low > MOST_REPEATED || high > MOST_REPEATED)
            throw c.error("pads of " + low + " and " + high + " are too large");
        Dim padded = d.plus(Dim.of(low + high));
        Tensor from = Tensor.allocate(new TensorType(DType.I64, Shape.of(List.of(padded))));
        for (long i = 0; i < padded.extent(); i++) {
            long p = i - low;
            from.setLong(
                    i,
                    switch (mode) {
                        case EDGE -> Math.clamp(p, 0L, n - 1);
                        case WRAP -> Math.floorMod(p, n);
                        default -> reflected(p, n);
                    });
        }
        return c.builder().add(new Op.Gather(axis), x, c.builder().constant(from));
    }

    /** The place that a position outside [0, n) mirrors, with mirrors on the first and the last element. */
    private static long reflected(long position, long n) {
        if (n == 1) return 0;
        long p = Math.floorMod(position, 2 * n - 2);
        return p < n ? p : 2 * n - 2 - p;
    }

    private static Lowering.Expand centerCropPad(OperatorNode node) {
        long[] given = node.attributes().integersOrNull("axes");
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            List<Integer> axes = given == null ? Expansions.allAxes(x.rank()) : Expansions.axes(c, given, x.rank());
            List<Dim> wanted = Expansions.dims(c, 1, "shape");
            if (wanted.size() != axes.size()) throw c.error(wanted.size() + " extents for " + axes.size() + " axes");
            List<Long> low = new ArrayList<>(Collections.nCopies(x.rank(), 0L));
            List<Long> high = new ArrayList<>(Collections.nCopies(x.rank(), 0L));
            Value y = x;
            for (int i = 0; i < axes.size(); i++) {
                int a = axes.get(i);
                long missing = wanted.get(i).extent() - x.extent(a);
                if (missing < 0) y = b.slice(y, a, -missing / 2, wanted.get(i));
                low.set(a, Math.max(0, missing) / 2);
                high.set(a, Math.max(0, missing) - low.get(a));
            }
            Value zero = b.constant(Tensor.allocate(x.dtype(), Shape.SCALAR));
            return List.of(b.add(new Op.Pad(low, high), y, zero));
        };
    }

    /** A withdrawn experimental operator of the first opsets: takes borders (left, top, right, bottom) off images. */
    private static Lowering.Expand crop(OperatorNode node) {
        long[] border = node.attributes().integers("border");
        long[] scale = node.attributes().integersOrNull("scale");
        if (border.length != 4) throw node.error("border has " + border.length + " entries, expected 4");
        if (scale != null && scale.length != 2) throw node.error("scale has " + scale.length + " entries, expected 2");
        return c -> {
            Value x = c.operand(0);
            if (x.rank() != 4) throw c.error("input is " + x.type() + ", expected [N,C,H,W]");
            long below = scale == null ? border[3] : x.extent(2) - border[1] - scale[0];
            long right = scale == null ? border[2] : x.extent(3) - border[0] - scale[1];
            if (Math.min(Math.min(border[0], border[1]), Math.min(below, right)) < 0) {
                throw c.error("the crop of " + x.type() + " lies outside");
            }
            return List.of(cropped(c, cropped(c, x, 2, border[1], below), 3, border[0], right));
        };
    }
}
