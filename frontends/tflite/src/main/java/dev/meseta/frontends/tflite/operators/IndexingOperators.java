package dev.meseta.frontends.tflite.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.List;

/** Elements by their positions, choices, and orders. */
final class IndexingOperators {
    private IndexingOperators() {}

    static void register(Registry r) {
        r.expand("GATHER", IndexingOperators::gather);
        r.expand("GATHER_ND", node -> c -> List.of(c.builder().add(new Op.GatherNd(0), c.operand(0), positions(c, 1))));
        r.expand("EMBEDDING_LOOKUP", IndexingOperators::embedding);
        r.expand("SCATTER_ND", node -> c -> {
            GraphBuilder b = c.builder();
            DType t = c.type(1).dtype();
            Value x = t == DType.BOOL ? b.cast(c.operand(1), DType.I32) : c.operand(1);
            Value zeros = Shapes.zeros(b, x.dtype(), Shape.of(Shapes.dims(c, 2)));
            return List.of(b.cast(b.add(new Op.ScatterNd(Op.Combine.ADD), zeros, positions(c, 0), x), t));
        });
        r.expand("SPARSE_TO_DENSE", node -> IndexingOperators::dense);
        r.expand("SELECT", node -> IndexingOperators::selectRows);
        r.expand("SELECT_V2", node -> c -> List.of(c.builder().select(c.operand(0), c.operand(1), c.operand(2))));
        r.expand("ONE_HOT", IndexingOperators::oneHot);
        r.expand("TOPK_V2", IndexingOperators::largest);
        r.expand("REVERSE_SEQUENCE", IndexingOperators::reverseSequence);
        r.expand("MATRIX_DIAG", node -> c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            c.require(x.rank() >= 1, "the input is a scalar");
            Shape s = x.shape().insert(x.rank(), x.shape().dim(x.rank() - 1));
            Value wide = b.broadcast(Shapes.unsqueeze(b, x, x.rank()), s);
            return List.of(b.select(diagonal(b, s), wide, Shapes.zeros(b, x.dtype(), s)));
        });
        r.expand("MATRIX_SET_DIAG", node -> IndexingOperators::setDiagonal);
        r.expand("SEGMENT_SUM", IndexingOperators::segmentSum);
        r.expand("UNSORTED_SEGMENT_SUM", node -> segments(Op.Combine.ADD));
        r.expand("UNSORTED_SEGMENT_PROD", node -> segments(Op.Combine.MUL));
        r.expand("UNSORTED_SEGMENT_MAX", node -> segments(Op.Combine.MAX));
        r.expand("UNSORTED_SEGMENT_MIN", node -> segments(Op.Combine.MIN));
        r.expand("BUCKETIZE", IndexingOperators::bucketize);
    }

    private static Value positions(LoweringContext c, int operand) {
        Value p = c.operand(operand);
        return p.dtype() == DType.I32 || p.dtype() == DType.I64
                ? p
                : c.builder().cast(p, DType.I64);
    }

    /** Options: the axis, how many leading axes are shared. Operands: x, positions. */
    private static Lowering.Expand gather(OperatorNode node) {
        int axisOption = node.options().integer(0);
        int batchOption = node.options().integer(1);
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            Value p = positions(c, 1);
            int axis = Shapes.axis(c, axisOption, x.rank());
            int batch = batchOption < 0 ? batchOption + p.rank() : batchOption;
            c.require(batch >= 0 && batch <= p.rank() && batch <= axis, "shares " + batch + " axes");
            if (batch == 0) return List.of(b.add(new Op.Gather(axis), x, p));
            // The axis goes right behind the shared ones, and what was between comes back to its place.
            int[] first = new int[x.rank()];
            int at = 0;
            for (int i = 0; i < batch; i++) first[at++] = i;
            first[at++] = axis;
            for (int i = batch; i < x.rank(); i++) if (i != axis) first[at++] = i;
            Value y = b.add(new Op.GatherNd(batch), b.transpose(x, first), Shapes.unsqueeze(b, p, p.rank()));
            int picked = p.rank() - batch;
            int between = axis - batch;
            int[] back = new int[y.rank()];
            at = 0;
            for (int i = 0; i < batch; i++) back[at++] = i;
            for (int i = 0; i < between; i++) back[at++] = batch + picked + i;
            for (int i = 0; i < picked; i++) back[at++] = batch + i;
            for (int i = batch + picked + between; i < y.rank(); i++) back[at++] = i;
            return List.of(b.transpose(y, back));
        };
    }

    /** Operands: positions, rows. */
    private static Lowering.Expand embedding(OperatorNode node) {
        boolean bytes = node.inputType(1) == DType.I8 && node.outputType(0) == DType.F32;
        return c -> {
            GraphBuilder b = c.builder();
            Value rows = b.add(new Op.Gather(0), c.operand(1), positions(c, 0));
            return List.of(bytes ? QuantizeOperators.dequantize(b, rows, node.inputScale(1), DType.F32) : rows);
        };
    }

    /** Operands: positions, the result's shape, the elements there, the others. */
    private static List<Value> dense(LoweringContext c) {
        GraphBuilder b = c.builder();
        Shape shape = Shape.of(Shapes.dims(c, 1));
        Value p = positions(c, 0);
        Dim n = p.rank() == 0 ? Dim.of(1) : p.shape().dim(0);
        Dim width = p.rank() == 2 ? p.shape().dim(1) : Dim.of(1);
        c.require(p.rank() <= 2, "positions are " + p.type());
        Value updates = c.type(2).rank() == 0 ? b.broadcast(c.operand(2), Shape.of(List.of(n))) : c.operand(2);
        Value all = b.broadcast(Shapes.scalar(c, 3), shape);
        return List.of(
                b.add(new Op.ScatterNd(Op.Combine.SET), all, b.reshape(p, Shape.of(List.of(n, width))), updates));
    }

    /** A condition that is a vector chooses whole rows. */
    private static List<Value> selectRows(LoweringContext c) {
        GraphBuilder b = c.builder();
        Value condition = c.operand(0);
        Value x = c.operand(1);
        boolean rows = condition.rank() == 1 && x.rank() > 1 && condition.extent(0) == x.extent(0);
        if (rows) {
            List<Dim> dims = new ArrayList<>(condition.shape().dims());
            while (dims.size() < x.rank()) dims.add(Dim.of(1));
            condition = b.reshape(condition, Shape.of(dims));
        }
        return List.of(b.select(condition, x, c.operand(2)));
    }

    /** Operands: positions, how many there are, the element at a position, the others. Option: the axis. */
    private static Lowering.Expand oneHot(OperatorNode node) {
        int axisOption = node.options().integer(0);
        return c -> {
            GraphBuilder b = c.builder();
            Value p = positions(c, 0);
            long depth = Shapes.integer(c, 1);
            c.require(depth >= 0, "depth " + depth);
            int axis = axisOption == -1 ? p.rank() : Shapes.axis(c, axisOption, p.rank() + 1);
            Value spread = Shapes.unsqueeze(b, p, axis);
            Shape s = p.shape().insert(axis, Dim.of(depth));
            Value hit = b.map(MapFunction.EQ, b.broadcast(spread, s), b.iota(p.dtype(), s, axis));
            return List.of(b.select(hit, Shapes.scalar(c, 2), Shapes.scalar(c, 3)));
        };
    }

    /** Operands: x, how many. Results: the largest along the last axis, their positions. */
    private static Lowering.Expand largest(OperatorNode node) {
        DType t = node.outputType(1);
        return c -> {
            Value x = c.operand(0);
            c.require(x.rank() >= 1, "the input is a scalar");
            long k = Shapes.integer(c, 1);
            c.require(k >= 0 && k <= x.extent(x.rank() - 1), "wants " + k + " of " + x.type());
            List<Value> both = c.builder().addAll(new Op.TopK(Dim.of(k), x.rank() - 1, true), List.of(x));
            return List.of(both.get(0), c.builder().cast(both.get(1), t));
        };
    }

    /** Options: the axis that is reversed, the axis of the lengths. Operands: x, lengths. */
    private static Lowering.Expand reverseSequence(OperatorNode node) {
        int sequence = node.options().integer(0);
        int batch = node.options().integer(1);
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            int axis = Shapes.axis(c, sequence, x.rank());
            int rows = Shapes.axis(c, batch, x.rank());
            List<Dim> dims = new ArrayList<>();
            for (int i = 0; i < x.rank(); i++) dims.add(i == rows ? x.shape().dim(i) : Dim.of(1));
            Value lengths = b.reshape(b.cast(c.operand(1), DType.I64), Shape.of(dims));
            Value place = b.iota(DType.I64, x.shape(), axis);
            Value mirrored = b.minus(b.minus(lengths, b.scalar(DType.I64, 1L)), place);
            Value from = b.select(b.map(MapFunction.LT, place, lengths), mirrored, place);
            return List.of(b.add(new Op.GatherElements(axis), x, from));
        };
    }

    private static Value diagonal(GraphBuilder b, Shape s) {
        return b.map(MapFunction.EQ, b.iota(DType.I64, s, s.rank() - 1), b.iota(DType.I64, s, s.rank() - 2));
    }

    private static List<Value> setDiagonal(LoweringContext c) {
        GraphBuilder b = c.builder();
        Value x = c.operand(0);
        Value d = c.operand(1);
        c.require(x.rank() >= 2 && d.rank() == x.rank() - 1, "puts " + d.type() + " into " + x.type());
        long rows = x.extent(x.rank() - 2);
        long columns = x.extent(x.rank() - 1);
        c.require(d.extent(d.rank() - 1) == Math.min(rows, columns), "puts " + d.type() + " into " + x.type());
        Value along = rows <= columns ? Shapes.unsqueeze(b, d, d.rank()) : Shapes.unsqueeze(b, d, d.rank() - 1);
        return List.of(b.select(diagonal(b, x.shape()), along, x));
    }

    /** Operands: x, ascending numbers of segments. */
    private static Lowering.Expand segmentSum(OperatorNode node) {
        return c -> {
            GraphBuilder b = c.builder();
            long[] segments = Shapes.integers(c, 1);
            long count = segments.length == 0 ? 0 : segments[segments.length - 1] + 1;
            c.require(count >= 0 && count <= Integer.MAX_VALUE, "has " + count + " segments");
            return List.of(scattered(c, b, count, Op.Combine.ADD));
        };
    }

    /** Operands: x, numbers of segments in any order, how many there are. What has a number below 0 is left out. */
    private static Lowering.Expand segments(Op.Combine combine) {
        return c -> List.of(scattered(c, c.builder(), Shapes.integer(c, 2), combine));
    }

    private static Value scattered(LoweringContext c, GraphBuilder b, long count, Op.Combine combine) {
        Value x = c.operand(0);
        Value p = positions(c, 1);
        c.require(count >= 0, "has " + count + " segments");
        c.require(p.rank() <= x.rank(), "segments are " + p.type() + " for " + x.type());
        // One segment more, for what is left out.
        List<Dim> dims = new ArrayList<>(List.of(Dim.of(Math.addExact(count, 1))));
        dims.addAll(x.shape().dims().subList(p.rank(), x.rank()));
        Value start = b.broadcast(identity(b, x.dtype(), combine), Shape.of(dims));
        Value negative = b.map(MapFunction.LT, p, b.scalar(p.dtype(), 0L));
        Value kept = b.select(negative, b.scalar(p.dtype(), count), p);
        Value all = b.add(new Op.ScatterNd(combine), start, Shapes.unsqueeze(b, kept, p.rank()), x);
        return b.slice(all, 0, 0, Dim.of(count));
    }

    private static Value identity(GraphBuilder b, DType t, Op.Combine combine) {
        if (combine == Op.Combine.ADD) return b.scalar(t, 0L);
        if (combine == Op.Combine.MUL) return b.scalar(t, 1L);
        boolean max = combine == Op.Combine.MAX;
        if (t.isFloat()) return b.scalar(t, max ? -(double) Float.MAX_VALUE : (double) Float.MAX_VALUE);
        long low = -(1L << t.bits() - 1);
        return b.scalar(t, max ? low : -low - 1);
    }

    /** Option: boundaries. */
    private static Lowering.Expand bucketize(OperatorNode node) {
        float[] boundaries = node.options().reals(0);
        node.require(boundaries.length < 1 << 16, "has " + boundaries.length + " boundaries");
        return c -> {
            GraphBuilder b = c.builder();
            Value x = b.cast(c.operand(0), DType.F32);
            Value n = b.broadcast(b.scalar(DType.I32, 0L), x.shape());
            for (float edge : boundaries) {
                Value above = b.map(MapFunction.GE, x, b.scalar(DType.F32, (double) edge));
                n = b.plus(n, b.cast(above, DType.I32));
            }
            return List.of(n);
        };
    }
}
