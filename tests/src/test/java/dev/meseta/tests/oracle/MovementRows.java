package dev.meseta.tests.oracle;

import static dev.meseta.tests.oracle.Draw.ANY;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Operators that move elements, and those that look for them. */
final class MovementRows {
    /** What the oracle moves in nearly every operator. */
    private static final DType[] MOVED = {
        DType.F32, DType.F32, DType.F64, DType.I32, DType.I64, DType.BOOL, DType.U8, DType.F16
    };

    private MovementRows() {}

    static void addTo(Catalogue c) {
        shapes(c);
        pieces(c);
        gathering(c);
        scattering(c);
        searching(c);
        generators(c);
    }

    private static Tensor some(Draw d, Shape s) {
        return d.tensor(d.pick(ANY), s);
    }

    private static Tensor longs(long[] values) {
        return Tensor.of(values, values.length);
    }

    private static void shapes(Catalogue c) {
        c.add(
                "Shape",
                List.of(1, 13, 15, 19, 21),
                d -> d.node()
                        .input(some(d, d.shape(0, 5)))
                        .with(d.since(15) && d.flag(), "start", d.integer(-6, 6))
                        .with(d.since(15) && d.flag(), "end", d.integer(-6, 6)));
        c.add("Size", List.of(1, 13, 19), d -> d.node().input(some(d, d.shape(0, 5))));
        c.add("Reshape", List.of(5, 13, 14, 19, 21), d -> {
            Shape s = d.shape(0, 4);
            List<Long> to = new ArrayList<>();
            for (long e : s.extents()) {
                if (e % 2 == 0 && e > 0 && d.flag()) {
                    to.add(e / 2);
                    to.add(2L);
                } else to.add(e);
            }
            if (d.flag()) to.add(d.integer(0, to.size()), 1L);
            boolean zeros = d.since(14) && s.elements() == 0;
            if (s.elements() > 0 && !to.isEmpty() && d.flag()) to.set(d.integer(0, to.size() - 1), -1L);
            long[] e = to.stream().mapToLong(Long::longValue).toArray();
            if (s.elements() > 0 && s.rank() > 0 && d.rarely(4) && e.length > 0 && e[0] == s.extent(0)) e[0] = 0;
            return d.node().input(some(d, s)).operand(longs(e), d.flag()).with(zeros, "allowzero", 1);
        });
        c.add("Flatten", List.of(1, 9, 11, 13, 21), d -> {
            Shape s = d.shape(1, 4);
            int axis = d.since(11) ? d.integer(-s.rank(), s.rank()) : d.integer(0, s.rank());
            return d.node()
                    .input(d.tensor(d.since(9) ? d.pick(ANY) : DType.F32, s))
                    .with(axis != 1 || d.flag(), "axis", axis);
        });
        c.add("Squeeze", List.of(1, 11, 13, 21), d -> {
            long[] e = d.shape(1, 4).extents();
            List<Long> axes = new ArrayList<>();
            for (int i = 0; i < e.length; i++) {
                if (d.flag()) e[i] = 1;
                if (e[i] == 1 && d.flag()) axes.add(d.since(11) && d.flag() ? i - (long) e.length : (long) i);
            }
            long[] a = axes.stream().mapToLong(Long::longValue).toArray();
            NodeCase n = d.node().input(some(d, Shape.of(e)));
            // A list of no axes means none to ONNX, and all to the oracle.
            if (d.since(13)) return a.length > 0 ? n.operand(longs(a), d.flag()) : n;
            return n.with(a.length > 0, "axes", a);
        });
        c.add("Unsqueeze", List.of(1, 11, 13, 21), d -> {
            Shape s = d.shape(0, 3);
            int more = d.integer(1, 3);
            long[] axes = d.axes(s.rank() + more, more, more, d.since(11));
            NodeCase n = d.node().input(some(d, s));
            return d.since(13) ? n.operand(longs(axes), d.flag()) : n.with("axes", axes);
        });
        c.add("Transpose", List.of(1, 13, 21), d -> {
            Shape s = d.shape(0, 5);
            return d.node().input(some(d, s)).with(s.rank() > 0 && !d.rarely(4), "perm", d.permutation(s.rank()));
        });
        c.add("Expand", List.of(8, 13), d -> {
            Shape to = d.shape(0, 4);
            Shape from = d.broadcasting(to);
            return d.node()
                    .input(some(d, from))
                    .operand(longs(d.flag() ? to.extents() : d.broadcasting(to).extents()), d.flag());
        });
        c.add("Tile", List.of(6, 13), d -> {
            Shape s = d.shape(1, 4);
            return d.node()
                    .input(d.tensor(d.pick(MOVED), s))
                    .operand(longs(d.integers(s.rank(), d.rarely(10) ? 0 : 1, 3)), d.flag());
        });
    }

    private static void pieces(Catalogue c) {
        c.add("Concat", List.of(4, 11, 13), d -> {
            DType t = d.pick(MOVED);
            Shape s = d.shape(1, 4);
            int axis = d.since(11) ? d.axis(s.rank()) : d.integer(0, s.rank() - 1);
            NodeCase n = d.node().with("axis", axis);
            int count = d.integer(1, 5);
            for (int i = 0; i < count; i++) {
                long[] e = s.extents();
                e[axis < 0 ? axis + e.length : axis] = d.integer(0, 5);
                n.operand(d.tensor(t, Shape.of(e)), d.rarely(4));
            }
            return n;
        });
        c.add("Split", List.of(2, 11, 13, 18), d -> {
            long[] e = d.shape(1, 4).extents();
            int axis = d.since(11) ? d.axis(e.length) : d.integer(0, e.length - 1);
            int count = d.integer(1, 4);
            int along = axis < 0 ? axis + e.length : axis;
            boolean given = d.flag();
            long[] parts = d.integers(count, 0, 4);
            long sum = 0;
            for (long p : parts) sum += p;
            e[along] = given ? sum : d.since(18) ? count * 3L - d.integer(0, 2) : count * 2L;
            NodeCase n = d.node().input(d.tensor(d.pick(MOVED), Shape.of(e))).with(axis != 0 || d.flag(), "axis", axis);
            if (given) {
                if (d.since(13)) n.operand(longs(parts), d.flag());
                else n.with("split", parts);
            } else n.with(d.since(18), "num_outputs", count);
            return n.outputs(count);
        });
        c.add("Slice", List.of(1, 10, 11, 13), MovementRows::slice);
        c.add("Pad", List.of(2, 11, 13, 18, 19, 21), MovementRows::pad);
        c.add("Trilu", List.of(14), d -> {
            Tensor x = d.tensor(d.pick(DType.F32, DType.F64, DType.I64, DType.BOOL), d.shape(2, 4));
            NodeCase n = d.node().input(x).with(d.flag(), "upper", d.flag());
            return d.flag() ? n.operand(Tensor.scalar(DType.I64, d.integer(-8, 8)), d.flag()) : n;
        });
        c.add("ReverseSequence", List.of(10), d -> {
            Shape s = d.filled(2, 4);
            int batch = d.integer(0, 1);
            return d.node()
                    .input(d.tensor(d.pick(MOVED), s))
                    .operand(d.tensor(DType.I64, Shape.of(s.extent(batch)), 1, s.extent(1 - batch)), d.flag())
                    .with(batch == 0 || d.flag(), "batch_axis", batch)
                    .with(batch == 0 || d.flag(), "time_axis", 1 - batch);
        });
        c.add("CenterCropPad", List.of(18), d -> {
            Shape s = d.filled(1, 4);
            boolean given = d.flag();
            long[] axes = d.axes(s.rank(), 1, 4, true);
            int count = given ? axes.length : s.rank();
            return d.node()
                    .input(d.tensor(d.pick(DType.F32, DType.I64), s))
                    .operand(longs(d.integers(count, 1, 9)), d.flag())
                    .with(given, "axes", axes);
        });
    }

    private static NodeCase slice(Draw d) {
        Shape s = d.shape(1, 4);
        Tensor x = d.tensor(d.pick(ANY), s);
        long[] axes = d.axes(s.rank(), 1, 3, d.since(10));
        int n = axes.length;
        long[] starts = new long[n];
        long[] ends = new long[n];
        long[] steps = new long[n];
        for (int i = 0; i < n; i++) {
            starts[i] = d.rarely(6) ? d.pick(Long.MIN_VALUE, (long) Integer.MAX_VALUE, -1000L) : d.integer(-7, 7);
            steps[i] = d.since(10) && d.flag() ? d.pick(-1, -2, -3, 2, 3, 7) : 1;
            // Backwards, the oracle takes the largest number for the smallest.
            long furthest = steps[i] < 0 ? Long.MIN_VALUE : d.pick(Long.MAX_VALUE, (long) Integer.MAX_VALUE, 1000L);
            ends[i] = d.rarely(4) ? furthest : d.integer(-7, 9);
        }
        if (!d.since(10))
            return d.node().input(x).with("starts", starts).with("ends", ends).with("axes", axes);
        boolean constant = d.flag();
        NodeCase c = d.node().input(x);
        boolean given = n < s.rank() || d.flag();
        if (!given) for (int i = 0; i < n; i++) axes[i] = i;
        c.operand(longs(starts), constant).operand(longs(ends), constant);
        if (given) c.operand(longs(axes), constant);
        else c.none();
        return c.operand(longs(steps), constant);
    }

    private static NodeCase pad(Draw d) {
        Shape s = d.filled(1, 4);
        String mode =
                d.since(19) ? d.pick("constant", "reflect", "edge", "wrap") : d.pick("constant", "reflect", "edge");
        DType t = d.since(11) ? d.pick(DType.F32, DType.F64, DType.I32, DType.I64, DType.U8, DType.BOOL) : DType.F32;
        boolean named = d.since(18) && d.flag();
        long[] axes = d.axes(s.rank(), 1, 4, true);
        int count = named ? axes.length : s.rank();
        long[] pads = new long[2 * count];
        for (int i = 0; i < count; i++) {
            long extent = s.extent((int) (named ? Math.floorMod(axes[i], (long) s.rank()) : i));
            int most = mode.equals("reflect") || mode.equals("wrap") ? (int) Math.min(extent - 1, 3) : 3;
            pads[i] = d.flag() ? 0 : d.integer(0, most);
            pads[count + i] = d.flag() ? 0 : d.integer(0, most);
            // Cropping.
            if (extent > 2 && d.rarely(6)) {
                pads[i] = -1;
                pads[count + i] = mode.equals("constant") || mode.equals("edge") ? pads[count + i] : 0;
            }
        }
        NodeCase n = d.node().input(d.tensor(t, s)).with(!mode.equals("constant") || d.flag(), "mode", mode);
        if (!d.since(11)) return n.with("pads", pads).with(d.flag(), "value", 1.5);
        n.operand(longs(pads), d.flag());
        boolean value = mode.equals("constant") && d.flag();
        if (value) n.operand(d.tensor(t, Shape.of()), d.flag());
        else if (named) n.none();
        return named ? n.operand(longs(axes), d.flag()) : n;
    }

    private static long at(Shape s, int axis) {
        return s.extent(axis < 0 ? axis + s.rank() : axis);
    }

    private static void gathering(Catalogue c) {
        c.add("Gather", List.of(1, 11, 13), d -> {
            Shape s = d.filled(1, 4);
            int axis = d.since(11) ? d.axis(s.rank()) : d.integer(0, s.rank() - 1);
            return d.node()
                    .operand(some(d, s), d.rarely(4))
                    .operand(d.indices(d.pick(DType.I32, DType.I64), d.shape(0, 3), at(s, axis), d.since(11)), d.flag())
                    .with(axis != 0 || d.flag(), "axis", axis);
        });
        c.add("GatherElements", List.of(11, 13), d -> {
            Shape s = d.filled(1, 4);
            int axis = d.axis(s.rank());
            return d.node()
                    .input(some(d, s))
                    .operand(d.indices(d.pick(DType.I32, DType.I64), within(d, s, axis), at(s, axis), true), d.flag())
                    .with(axis != 0 || d.flag(), "axis", axis);
        });
        c.add("GatherND", List.of(11, 12, 13), d -> {
            Shape s = d.filled(1, 4);
            int batch = d.since(12) ? d.integer(0, Math.min(2, s.rank() - 1)) : 0;
            Shape places = d.filled(batch == 0 ? 0 : 1, 2);
            int depth = d.integer(1, s.rank() - batch);
            return d.node()
                    .input(some(d, s))
                    .operand(positions(d, s, batch, places, depth), d.flag())
                    .with(batch > 0, "batch_dims", batch);
        });
        c.add("Compress", List.of(9, 11), d -> {
            Shape s = d.filled(1, 4);
            boolean given = d.flag();
            int axis = d.since(11) ? d.axis(s.rank()) : d.integer(0, s.rank() - 1);
            int length = (int) (given ? at(s, axis) : s.elements());
            return d.node()
                    .input(some(d, s))
                    .operand(d.tensor(DType.BOOL, Shape.of(d.integer(1, length))), d.flag())
                    .with(given, "axis", axis);
        });
    }

    /** A shape for indices along an axis: any extent there, at most the data's elsewhere. */
    private static Shape within(Draw d, Shape s, int axis) {
        long[] e = s.extents();
        for (int i = 0; i < e.length; i++) e[i] = d.integer(1, (int) e[i]);
        e[axis < 0 ? axis + e.length : axis] = d.integer(1, 6);
        return Shape.of(e);
    }

    /** Positions in the axes after the batch axes: [batch…, places…, depth]. */
    private static Tensor positions(Draw d, Shape s, int batch, Shape places, int depth) {
        long[] e = new long[batch + places.rank() + 1];
        for (int i = 0; i < batch; i++) e[i] = s.extent(i);
        for (int i = 0; i < places.rank(); i++) e[batch + i] = places.extent(i);
        e[e.length - 1] = depth;
        Tensor t = Tensor.allocate(DType.I64, Shape.of(e));
        for (long i = 0; i < t.elements(); i++) {
            int extent = (int) s.extent(batch + (int) (i % depth));
            t.setLong(i, d.integer(-extent, extent - 1));
        }
        return t;
    }

    private static void scattering(Catalogue c) {
        c.addOld("Scatter", List.of(9), d -> scatterElements(d, ""));
        c.add(
                "ScatterElements",
                List.of(11, 13, 16, 18),
                d -> scatterElements(
                        d,
                        d.since(18)
                                ? d.pick("", "none", "add", "mul", "max", "min")
                                : d.since(16) ? d.pick("", "add", "mul") : ""));
        c.add("ScatterND", List.of(11, 13, 16, 18), d -> {
            String how = d.since(18)
                    ? d.pick("", "none", "add", "mul", "max", "min")
                    : d.since(16) ? d.pick("", "add", "mul") : "";
            Shape s = d.filled(1, 4);
            boolean unique = how.isEmpty() || how.equals("none");
            int depth = d.integer(1, s.rank());
            DType t = d.pick(DType.F32, DType.F64, DType.I32, DType.I64);
            Tensor at = positions(d, s, 0, unique ? Shape.of(1) : d.filled(1, 2), depth);
            long[] e = at.shape().extents();
            long[] u = new long[e.length - 1 + s.rank() - depth];
            System.arraycopy(e, 0, u, 0, e.length - 1);
            for (int i = depth; i < s.rank(); i++) u[e.length - 1 + i - depth] = s.extent(i);
            return d.node()
                    .input(d.tensor(t, s))
                    .operand(at, d.flag())
                    .input(d.tensor(t, Shape.of(u)))
                    .with(!how.isEmpty(), "reduction", how);
        });
    }

    private static NodeCase scatterElements(Draw d, String how) {
        Shape s = d.filled(1, 4);
        int axis = d.since(11) ? d.axis(s.rank()) : d.integer(0, s.rank() - 1);
        int along = axis < 0 ? axis + s.rank() : axis;
        Shape shape = within(d, s, axis);
        boolean unique = how.isEmpty() || how.equals("none");
        if (unique) shape = shape.with(along, dev.meseta.graph.Dim.of(1));
        DType t = d.pick(DType.F32, DType.F64, DType.I32, DType.I64);
        return d.node()
                .input(d.tensor(t, s))
                .operand(d.indices(d.pick(DType.I32, DType.I64), shape, at(s, axis), d.since(11)), d.flag())
                .input(d.tensor(t, shape))
                .with(axis != 0 || d.flag(), "axis", axis)
                .with(!how.isEmpty(), "reduction", how);
    }

    private static void searching(Catalogue c) {
        c.add("TopK", List.of(1, 10, 11), d -> {
            Shape s = d.filled(1, 4);
            DType t = d.since(11) ? d.pick(DType.F32, DType.F64, DType.I32, DType.I64) : d.pick(DType.F32, DType.F64);
            int axis = d.since(11) ? d.axis(s.rank()) : d.integer(0, s.rank() - 1);
            long k = d.integer(d.since(10) ? 0 : 1, (int) at(s, axis));
            NodeCase n = d.node()
                    .input(d.flag() ? d.whole(t, s, -2, 2) : d.tensor(t, s))
                    .with("axis", axis);
            if (d.since(10)) n.operand(Draw.list(k), d.flag());
            else n.with("k", k);
            return n.with(d.since(11) && d.flag(), "largest", d.flag()).outputs(2);
        });
        c.add(
                "NonZero",
                List.of(9, 13),
                d -> d.node()
                        .input(d.whole(
                                d.pick(DType.F32, DType.I32, DType.I64, DType.U8, DType.BOOL), d.shape(1, 4), 0, 1)));
        c.add("Unique", List.of(11), d -> {
            Shape s = d.filled(1, 3);
            NodeCase n = d.node()
                    .input(
                            d.rarely(6)
                                    ? d.strings(s, "a", "b", "c", "")
                                    : d.whole(d.pick(DType.F32, DType.F64, DType.I8, DType.I64), s, 0, 2))
                    .with(d.flag(), "sorted", d.flag())
                    .with(d.flag(), "axis", d.axis(s.rank()));
            return n.output(true).output(d.flag()).output(d.flag()).output(d.flag());
        });
        c.add("OneHot", List.of(9, 11), d -> {
            Shape s = d.shape(1, 3);
            int axis = d.integer(-s.rank() - 1, s.rank());
            DType t = d.pick(DType.F32, DType.I64);
            DType at = t == DType.F32 ? d.pick(DType.I64, DType.F32) : DType.I64;
            int depth = d.integer(1, 6);
            return d.node()
                    .input(d.whole(at, s, d.since(11) ? -depth - 1 : 0, depth + 1))
                    .operand(d.whole(at, Shape.of(1), depth, depth), d.flag())
                    .operand(d.tensor(t, 2), d.flag())
                    .with(axis != -1 || d.flag(), "axis", axis);
        });
        c.add("NonMaxSuppression", List.of(10, 11), d -> {
            long batches = d.integer(1, 2);
            long classes = d.integer(1, 3);
            int boxes = d.integer(1, 9);
            boolean centre = d.flag();
            Tensor b = Tensor.allocate(DType.F32, Shape.of(batches, boxes, 4));
            for (int i = 0; i < batches * boxes; i++) {
                double[] from = {d.real(0, 4), d.real(0, 4)};
                double[] size = {d.real(0.5, 4), d.real(0.5, 4)};
                boolean flipped = !centre && d.rarely(4);
                for (int k = 0; k < 2; k++) {
                    b.setDouble(i * 4L + k, flipped ? from[k] + size[k] : from[k]);
                    b.setDouble(i * 4L + 2 + k, centre ? size[k] : flipped ? from[k] : from[k] + size[k]);
                }
            }
            NodeCase n = d.node().input(b).input(d.tensor(DType.F32, Shape.of(batches, classes, boxes), 0, 1));
            n.with(centre || d.flag(), "center_point_box", centre);
            n.operand(Draw.list((long) d.integer(0, 5)), d.flag());
            n.operand(Draw.list((float) d.real(0, 1)), d.flag());
            return d.flag() ? n.operand(Draw.list((float) d.real(0, 0.8)), d.flag()) : n;
        });
    }

    private static void generators(Catalogue c) {
        c.add("Range", List.of(11), d -> {
            DType t = d.pick(DType.F32, DType.F64, DType.I32, DType.I64, DType.I16);
            boolean down = d.flag();
            double step = t.isFloat() ? d.pick(0.5, 1.25, 2.0) : d.integer(1, 4);
            boolean constant = d.flag();
            Tensor from = d.whole(t, Shape.of(), -5, 5);
            Tensor to = d.whole(t, Shape.of(), -12, 12);
            Tensor by = Tensor.allocate(t, Shape.of());
            by.setDouble(0, down ? -step : step);
            if (!t.isFloat()) by.setLong(0, (long) (down ? -step : step));
            return d.node().operand(from, constant).operand(to, constant).operand(by, constant);
        });
        c.add(
                "ConstantOfShape",
                List.of(9, 20, 21),
                d -> d.node()
                        .operand(longs(d.shape(0, 4).extents()), d.flag())
                        .with(d.flag(), "value", d.tensor(d.pick(ANY), Shape.of(1))));
        c.add(
                "EyeLike",
                List.of(9, 22),
                d -> d.node()
                        .input(d.tensor(d.pick(DType.F32, DType.F64, DType.I32, DType.I64, DType.U64), d.filled(2, 2)))
                        .with(d.flag(), "k", d.integer(-5, 5))
                        .with(d.flag(), "dtype", (long) NodeCase.number(d.pick(DType.F32, DType.I64, DType.I32))
                                .getNumber()));
        c.add("Constant", List.of(9, 11, 12, 13), d -> {
            NodeCase n = d.node();
            if (!d.since(12) || d.flag()) return n.with("value", some(d, d.shape(0, 3)));
            return switch (d.integer(0, 5)) {
                case 0 -> n.with("value_float", d.real(-3, 3));
                case 1 -> n.with("value_int", d.integer(-3, 3));
                case 2 -> n.with("value_floats", d.reals(d.integer(1, 4), -3, 3));
                case 3 -> n.with("value_ints", d.integers(d.integer(1, 4), -3, 3));
                case 4 -> n.with("value_string", "text");
                default -> n.with("value_strings", List.of("a", "", "bc"));
            };
        });
        c.add("StringNormalizer", List.of(10), d -> {
            Data.Strings s = d.strings(
                    d.flag() ? Shape.of(d.integer(1, 5)) : Shape.of(1, d.integer(1, 5)), "a", "The", "tHe", "Monday");
            return d.node()
                    .input(s)
                    .with(d.flag(), "case_change_action", d.pick("LOWER", "UPPER", "NONE"))
                    .with("is_case_sensitive", d.flag())
                    .with(d.flag(), "stopwords", List.of("the", "a"));
        });
        c.add("SequenceConstruct", List.of(11), d -> {
            DType t = d.pick(DType.F32, DType.I64);
            NodeCase n = d.node();
            int count = d.integer(1, 3);
            for (int i = 0; i < count; i++) n.operand(d.tensor(t, d.shape(0, 2)), d.flag());
            return n;
        });
        c.add("SplitToSequence", List.of(11, 24), d -> {
            Shape s = d.filled(1, 3);
            int axis = d.axis(s.rank());
            long extent = at(s, axis);
            NodeCase n = d.node()
                    .input(d.tensor(d.pick(DType.F32, DType.I64, DType.I32), s))
                    .with("axis", axis);
            return switch (d.integer(0, 2)) {
                case 0 -> n.with(d.flag(), "keepdims", d.flag());
                case 1 -> n.operand(Tensor.scalar(DType.I64, d.integer(1, (int) extent)), d.flag());
                default -> {
                    long first = d.integer(0, (int) extent);
                    yield n.operand(Draw.list(first, extent - first), d.flag());
                }
            };
        });
    }
}
