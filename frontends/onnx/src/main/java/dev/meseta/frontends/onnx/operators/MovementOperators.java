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
import org.jspecify.annotations.Nullable;

/** Operators that join, cut, repeat and rearrange tensors. Padding and slicing stand in {@link WindowOperators}. */
final class MovementOperators {
    private MovementOperators() {}

    static void register(Registry r) {
        r.expand("Concat", 1, node -> concat(node.attributes().integer("axis", 1)));
        r.expand("Concat", 4, node -> concat(node.attributes().integer("axis")));
        split(r);
        r.expand("Tile", 1, node -> c -> {
            Value x = c.operand(0);
            long[] repeats = new long[x.rank()];
            java.util.Arrays.fill(repeats, 1);
            repeats[Expansions.axis(c, Expansions.integer(c, 2, "axis"), x.rank())] = Expansions.integer(c, 1, "tiles");
            return List.of(
                    tile(c, java.util.Arrays.stream(repeats).mapToObj(Dim::of).toList()));
        });
        r.expand("Tile", 6, node -> c -> List.of(tile(c, Expansions.dims(c, 1, "repeats"))));
        r.expand("DepthToSpace", 1, MovementOperators::depthToSpace);
        r.expand("SpaceToDepth", 1, MovementOperators::spaceToDepth);
        r.expand("Trilu", 14, MovementOperators::trilu);
        r.expand("ReverseSequence", 10, MovementOperators::reverseSequence);
    }

    private static Lowering.Expand concat(long axis) {
        return c -> {
            List<Value> parts = new ArrayList<>();
            for (int i = 0; i < c.operandCount(); i++) parts.add(c.operand(i));
            if (parts.isEmpty()) throw c.error("has no operand");
            Value first = parts.getFirst();
            int a = Expansions.axis(c, axis, first.rank());
            for (Value p : parts) {
                if (p.rank() != first.rank()
                        || !p.shape().with(a, Dim.of(0)).equals(first.shape().with(a, Dim.of(0)))) {
                    throw c.error("operands " + first.type() + " and " + p.type() + " differ beside axis " + a);
                }
            }
            return List.of(c.builder().concat(a, parts));
        };
    }

    private static void split(Registry r) {
        r.expand("Split", 1, node -> {
            long axis = node.attributes().integer("axis", 0);
            long[] sizes = node.attributes().integersOrNull("split");
            return c -> {
                if (sizes == null) return split(c, axis, c.has(1) ? Expansions.dims(c, 1, "split") : null, false);
                List<Dim> dims = new ArrayList<>();
                for (long s : sizes) {
                    if (s < 0) throw c.error("attribute 'split' has the negative extent " + s);
                    dims.add(Dim.of(s));
                }
                return split(c, axis, dims, false);
            };
        });
        r.expand("Split", 13, node -> {
            long axis = node.attributes().integer("axis", 0);
            return c -> split(c, axis, c.has(1) ? Expansions.dims(c, 1, "split") : null, false);
        });
        r.expand("Split", 18, node -> {
            long axis = node.attributes().integer("axis", 0);
            long parts = node.attributes().integer("num_outputs", -1);
            boolean sized = node.hasInput(1);
            if (sized && parts >= 0) throw node.error("has both operand 'split' and attribute 'num_outputs'");
            if (parts >= 0 && parts != node.outputs().size()) {
                throw node.error("num_outputs is " + parts + ", but it has "
                        + node.outputs().size() + " outputs");
            }
            return c -> split(c, axis, c.has(1) ? Expansions.dims(c, 1, "split") : null, true);
        });
    }

    /** Parts of the sizes given, or as many equal parts as there are outputs, of which the last may be smaller. */
    private static List<Value> split(
            LoweringContext c, long axis, @Nullable List<Dim> given, boolean lastMayBeSmaller) {
        Value x = c.operand(0);
        int a = Expansions.axis(c, axis, x.rank());
        Dim d = x.shape().dim(a);
        List<Dim> sizes = given != null ? given : equalParts(c, d, c.outputCount(), lastMayBeSmaller);
        if (sizes.stream().mapToLong(Dim::extent).sum() != d.extent()) {
            throw c.error("parts of " + sizes + " are not the extent " + d + " of axis " + a + " of " + x.type());
        }
        List<Value> parts = new ArrayList<>();
        long start = 0;
        for (Dim s : sizes) {
            parts.add(c.builder().slice(x, a, start, s));
            start += s.extent();
        }
        return parts;
    }

    private static List<Dim> equalParts(LoweringContext c, Dim d, int count, boolean lastMayBeSmaller) {
        if (count == 0) throw c.error("has no output");
        if (d.extent() % count == 0) return java.util.Collections.nCopies(count, Expansions.over(d, count));
        if (!lastMayBeSmaller) throw c.error("extent " + d + " does not split into " + count + " equal parts");
        long each = Math.ceilDiv(d.extent(), count);
        List<Dim> sizes = new ArrayList<>();
        for (long left = d.extent(); sizes.size() < count; left -= Math.min(left, each)) {
            long size = Math.min(left, each);
            sizes.add(d.derive(size, "part(" + d.term() + "," + sizes.size() + "," + count + ")"));
        }
        return sizes;
    }

    private static Value tile(LoweringContext c, List<Dim> repeats) {
        Value x = c.operand(0);
        if (repeats.size() != x.rank()) throw c.error(repeats.size() + " repeats for " + x.type());
        List<Dim> apart = new ArrayList<>();
        List<Dim> spread = new ArrayList<>();
        List<Dim> joined = new ArrayList<>();
        for (int i = 0; i < x.rank(); i++) {
            Dim d = x.shape().dim(i);
            Dim n = repeats.get(i);
            boolean repeated = n.extent() != 1 || n.isDynamic();
            if (repeated && !(d.extent() == 1 && !d.isDynamic())) {
                apart.add(Dim.of(1));
                spread.add(n);
                apart.add(d);
                spread.add(d);
            } else {
                apart.add(d);
                spread.add(repeated ? n : d);
            }
            joined.add(d.times(n));
        }
        GraphBuilder b = c.builder();
        return b.reshape(b.broadcast(b.reshape(x, Shape.of(apart)), Shape.of(spread)), Shape.of(joined));
    }

    private static long blockSize(OperatorNode node) {
        long size = node.attributes().integer("blocksize");
        if (size < 1 || size > 1 << 20) throw node.error("blocksize is " + size);
        return size;
    }

    private static void requireImages(LoweringContext c) {
        if (c.operand(0).rank() != 4) throw c.error("input is " + c.type(0) + ", expected [N,C,H,W]");
    }

    private static Lowering.Expand depthToSpace(OperatorNode node) {
        long size = blockSize(node);
        String mode = node.attributes().string("mode", "DCR");
        if (!mode.equals("DCR") && !mode.equals("CRD")) throw node.error("mode is '" + mode + "', expected DCR or CRD");
        return c -> {
            requireImages(c);
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            List<Dim> d = x.shape().dims();
            if (d.get(1).extent() % (size * size) != 0) {
                throw c.error("the channels of " + x.type() + " do not split into blocks of " + size + " x " + size);
            }
            Dim s = Dim.of(size);
            Dim depth = Expansions.over(d.get(1), size * size);
            Shape result = Shape.of(
                    List.of(d.get(0), depth, d.get(2).times(s), d.get(3).times(s)));
            if (mode.equals("DCR")) {
                Value y = b.reshape(x, Shape.of(List.of(d.get(0), s, s, depth, d.get(2), d.get(3))));
                return List.of(b.reshape(b.transpose(y, 0, 3, 4, 1, 5, 2), result));
            }
            Value y = b.reshape(x, Shape.of(List.of(d.get(0), depth, s, s, d.get(2), d.get(3))));
            return List.of(b.reshape(b.transpose(y, 0, 1, 4, 2, 5, 3), result));
        };
    }

    private static Lowering.Expand spaceToDepth(OperatorNode node) {
        long size = blockSize(node);
        return c -> {
            requireImages(c);
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            List<Dim> d = x.shape().dims();
            if (d.get(2).extent() % size != 0 || d.get(3).extent() % size != 0) {
                throw c.error("height and width of " + x.type() + " do not split into blocks of " + size);
            }
            Dim s = Dim.of(size);
            Dim h = Expansions.over(d.get(2), size);
            Dim w = Expansions.over(d.get(3), size);
            Value y = b.reshape(x, Shape.of(List.of(d.get(0), d.get(1), h, s, w, s)));
            Shape result = Shape.of(List.of(d.get(0), Expansions.times(d.get(1), size * size), h, w));
            return List.of(b.reshape(b.transpose(y, 0, 3, 5, 1, 2, 4), result));
        };
    }

    private static Lowering.Expand trilu(OperatorNode node) {
        boolean upper = node.attributes().flag("upper", true);
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            int r = x.rank();
            if (r < 2) throw c.error("input is " + x.type() + ", expected a rank of 2 or more");
            Value row = b.iota(DType.I64, Shape.of(List.of(x.shape().dim(r - 2), Dim.of(1))), 0);
            Value column =
                    b.iota(DType.I64, Shape.of(List.of(Dim.of(1), x.shape().dim(r - 1))), 1);
            Value k = c.has(1) ? Expansions.scalar(c, c.operand(1), "k") : b.scalar(DType.I64, 0L);
            Value keep = b.map(upper ? MapFunction.GE : MapFunction.LE, b.minus(column, row), k);
            return List.of(Expansions.choose(b, keep, x, b.constant(Tensor.allocate(x.dtype(), Shape.SCALAR))));
        };
    }

    private static Lowering.Expand reverseSequence(OperatorNode node) {
        long timeAxis = node.attributes().integer("time_axis", 0);
        long batchAxis = node.attributes().integer("batch_axis", 1);
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            int time = Expansions.axis(c, timeAxis, x.rank());
            int batch = Expansions.axis(c, batchAxis, x.rank());
            Value lengths = c.operand(1);
            if (time == batch || lengths.rank() != 1 || lengths.extent(0) != x.extent(batch)) {
                throw c.error("lengths are " + lengths.type() + " for " + x.type() + ", time axis " + time
                        + ", batch axis " + batch);
            }
            Value n = Expansions.along(b, b.cast(lengths, DType.I64), x.rank(), batch);
            Value t = b.iota(
                    DType.I64, Expansions.repeated(x.rank(), time, x.shape().dim(time)), time);
            Value reversed = b.minus(b.minus(n, t), b.scalar(DType.I64, 1L));
            Value from = b.select(b.map(MapFunction.LT, t, n), reversed, t);
            return List.of(b.add(new Op.GatherElements(time), x, b.broadcast(from, x.shape())));
        };
    }
}
