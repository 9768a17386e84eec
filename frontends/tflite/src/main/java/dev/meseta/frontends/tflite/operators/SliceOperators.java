package dev.meseta.frontends.tflite.operators;

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

/** Parts of tensors, and what is made of shapes. */
final class SliceOperators {
    private SliceOperators() {}

    static void register(Registry r) {
        r.expand("SLICE", node -> SliceOperators::slice);
        r.expand("STRIDED_SLICE", SliceOperators::strided);
        r.expand("DYNAMIC_UPDATE_SLICE", node -> SliceOperators::update);
        r.expand("SHAPE", node -> c -> {
            GraphBuilder b = c.builder();
            return List.of(b.cast(b.dims(c.type(0).shape().dims()), node.outputType(0)));
        });
        r.expand(
                "RANK",
                node -> c ->
                        List.of(c.builder().scalar(DType.I32, (long) c.type(0).rank())));
        r.expand("FILL", node -> c -> {
            Value x = Shapes.scalar(c, 1);
            return List.of(c.builder().broadcast(x, Shape.of(Shapes.dims(c, 0))));
        });
        r.expand("RANGE", SliceOperators::range);
        r.expand("BROADCAST_ARGS", node -> SliceOperators::broadcastShapes);
    }

    /** Operands: x, where it begins, its extents, -1 for what is left. */
    private static List<Value> slice(LoweringContext c) {
        Value x = c.operand(0);
        long[] begin = Shapes.integers(c, 1);
        long[] size = Shapes.integers(c, 2);
        c.require(
                begin.length == x.rank() && size.length == x.rank(),
                "begin and size have " + begin.length + " and " + size.length + " numbers for " + x.type());
        List<Long> starts = new ArrayList<>();
        List<Dim> sizes = new ArrayList<>();
        List<Long> steps = new ArrayList<>();
        for (int i = 0; i < x.rank(); i++) {
            long n = x.extent(i);
            long s = size[i] == -1 ? n - begin[i] : size[i];
            c.require(
                    begin[i] >= 0 && s >= 0 && begin[i] + s <= n,
                    "elements " + begin[i] + " to " + (begin[i] + s) + " leave axis " + i + " of " + x.type());
            starts.add(begin[i]);
            sizes.add(s == n ? x.shape().dim(i) : Dim.of(s));
            steps.add(1L);
        }
        return List.of(c.builder().add(new Op.Slice(starts, sizes, steps), x));
    }

    /** Bits of the options, one an entry: begin, end, ellipsis, new axis, and an axis that goes. */
    private record Masks(int begin, int end, int ellipsis, int added, int gone, boolean offset) {
        boolean has(int mask, int entry) {
            return entry < 31 && (mask >> entry & 1) != 0;
        }
    }

    /** Operands: x, begins, ends, strides. */
    private static Lowering.Expand strided(OperatorNode node) {
        Masks m = new Masks(
                node.options().integer(0),
                node.options().integer(1),
                node.options().integer(2),
                node.options().integer(3),
                node.options().integer(4),
                node.options().flag(5));
        return c -> {
            long[] begin = Shapes.integers(c, 1);
            long[] end = Shapes.integers(c, 2);
            long[] stride = Shapes.integers(c, 3);
            c.require(
                    begin.length == end.length && end.length == stride.length,
                    "begins, ends and strides differ in number");
            return List.of(new StridedCut(c, m, begin, end, stride).run());
        };
    }

    /** The cut of one axis after the other, and then the axes that come and go. */
    private static final class StridedCut {
        private final LoweringContext c;
        private final Masks m;
        private final long[] begin;
        private final long[] end;
        private final long[] stride;
        private final Value x;
        private final List<Long> starts = new ArrayList<>();
        private final List<Dim> sizes = new ArrayList<>();
        private final List<Long> steps = new ArrayList<>();
        private final List<Dim> shape = new ArrayList<>();

        StridedCut(LoweringContext c, Masks m, long[] begin, long[] end, long[] stride) {
            this.c = c;
            this.m = m;
            this.begin = begin;
            this.end = end;
            this.stride = stride;
            this.x = c.operand(0);
        }

        Value run() {
            int taken = 0;
            for (int i = 0; i < begin.length; i++) {
                if (!m.has(m.added(), i) && !m.has(m.ellipsis(), i)) taken++;
            }
            c.require(taken <= x.rank(), "cuts " + taken + " axes of " + x.type());
            for (int i = 0; i < begin.length; i++) {
                if (m.has(m.ellipsis(), i)) {
                    for (int left = x.rank() - taken; left > 0; left--) whole();
                    taken = x.rank();
                } else if (m.has(m.added(), i)) {
                    shape.add(Dim.of(1));
                } else {
                    cut(i);
                }
            }
            while (starts.size() < x.rank()) whole();
            Value y = c.builder().add(new Op.Slice(starts, sizes, steps), x);
            return c.builder().reshape(y, Shape.of(shape));
        }

        private void whole() {
            Dim d = x.shape().dim(starts.size());
            add(0, d, 1, true);
        }

        private void add(long start, Dim size, long step, boolean stays) {
            starts.add(start);
            sizes.add(size);
            steps.add(step);
            if (stays) shape.add(size);
        }

        private void cut(int i) {
            Dim d = x.shape().dim(starts.size());
            long n = d.extent();
            long step = stride[i];
            c.require(step != 0, "the stride is 0");
            if (m.has(m.gone(), i)) {
                long at = begin[i] < 0 ? begin[i] + n : begin[i];
                c.require(at >= 0 && at < n, "element " + begin[i] + " is outside axis " + starts.size());
                add(at, Dim.of(1), 1, false);
                return;
            }
            long last = m.offset() ? begin[i] + end[i] : end[i];
            boolean up = step > 0;
            long low = up ? 0 : -1;
            long high = up ? n : n - 1;
            long from = m.has(m.begin(), i) ? up ? 0 : n - 1 : Math.clamp(counted(begin[i], n), low, high);
            long to = m.has(m.end(), i) ? up ? n : -1 : Math.clamp(counted(last, n), low, high);
            long distance = up ? to - from : from - to;
            long size = distance <= 0 ? 0 : (distance + Math.abs(step) - 1) / Math.abs(step);
            add(size == 0 ? 0 : from, size == n ? d : Dim.of(size), step, true);
        }

        private static long counted(long position, long n) {
            return position < 0 ? position + n : position;
        }
    }

    /** Operands: x, what lies in it, and where: places that leave x are moved until the part lies inside. */
    private static List<Value> update(LoweringContext c) {
        GraphBuilder b = c.builder();
        Value x = c.operand(0);
        Value part = c.operand(1);
        c.require(part.rank() == x.rank() && part.dtype() == x.dtype(), "puts " + part.type() + " into " + x.type());
        if (x.rank() == 0) return List.of(part);
        Value at = b.cast(c.operand(2), DType.I64);
        c.require(at.rank() == 1 && at.extent(0) == x.rank(), "places are " + at.type() + " for " + x.type());
        Tensor most = Tensor.allocate(DType.I64, Shape.of(x.rank()));
        for (int i = 0; i < x.rank(); i++) {
            c.require(part.extent(i) <= x.extent(i), "puts " + part.type() + " into " + x.type());
            most.setLong(i, x.extent(i) - part.extent(i));
        }
        Value start = b.map(MapFunction.CLAMP, at, b.scalar(DType.I64, 0L), b.constant(most));
        List<Value> coordinates = new ArrayList<>();
        for (int i = 0; i < x.rank(); i++) {
            Value along = b.iota(DType.I64, part.shape(), i);
            coordinates.add(Shapes.unsqueeze(b, b.plus(along, b.select(start, 0, i)), x.rank()));
        }
        Value all = b.concat(x.rank(), coordinates);
        return List.of(b.add(new Op.ScatterNd(Op.Combine.SET), x, all, part));
    }

    /** Operands: the first, the limit, the step. */
    private static Lowering.Expand range(OperatorNode node) {
        DType t = node.outputType(0);
        if (t != DType.F32 && t != DType.I32 && t != DType.I64) throw node.unsupportedTypes();
        return c -> {
            double first = c.constant(0).getDouble(0);
            double limit = c.constant(1).getDouble(0);
            double step = c.constant(2).getDouble(0);
            c.require(step != 0 && (limit - first) / step >= 0, "from " + first + " to " + limit + " by " + step);
            double n = Math.ceil((limit - first) / step);
            c.require(n < 1L << 31, "has " + n + " elements");
            GraphBuilder b = c.builder();
            Value i = b.iota(t, Shape.of((long) n), 0);
            return List.of(b.plus(Shapes.scalar(c, 0), b.times(i, Shapes.scalar(c, 2))));
        };
    }

    private static List<Value> broadcastShapes(LoweringContext c) {
        Shape s = GraphBuilder.broadcastShape(
                List.of(Shape.of(Shapes.dims(c, 0)), Shape.of(Shapes.dims(c, 1))), c.where());
        return List.of(c.builder().cast(c.builder().dims(s.dims()), c.type(0).dtype()));
    }
}
