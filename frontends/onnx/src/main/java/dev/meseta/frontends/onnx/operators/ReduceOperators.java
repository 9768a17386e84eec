package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.List;

/** Reductions over axes, and the position of the extreme. */
final class ReduceOperators {
    private ReduceOperators() {}

    /** Reduces over axes (ascending, perhaps none); the axes stay with extent 1. */
    @FunctionalInterface
    private interface Reduction {
        Value apply(GraphBuilder b, Value x, List<Integer> axes);
    }

    static void register(Registry r) {
        reduction(r, "ReduceSum", 13, (b, x, axes) -> b.reduce(ReduceKind.SUM, x, axes, true));
        reduction(r, "ReduceProd", 18, (b, x, axes) -> b.reduce(ReduceKind.PROD, x, axes, true));
        reduction(r, "ReduceMax", 18, (b, x, axes) -> extreme(b, x, axes, ReduceKind.MAX, ReduceKind.OR));
        reduction(r, "ReduceMin", 18, (b, x, axes) -> extreme(b, x, axes, ReduceKind.MIN, ReduceKind.AND));
        reduction(r, "ReduceMean", 18, ReduceOperators::mean);
        reduction(r, "ReduceL1", 18, (b, x, axes) -> sum(b, b.map(MapFunction.ABS, x), axes));
        reduction(r, "ReduceSumSquare", 18, (b, x, axes) -> {
            Value w = b.cast(x, x.dtype().computeType());
            return b.cast(sum(b, b.times(w, w), axes), x.dtype());
        });
        reduction(
                r,
                "ReduceL2",
                18,
                (b, x, axes) -> inFloat(b, x, w -> b.map(MapFunction.SQRT, sum(b, b.times(w, w), axes))));
        reduction(r, "ReduceLogSum", 18, (b, x, axes) -> inFloat(b, x, w -> b.map(MapFunction.LOG, sum(b, w, axes))));
        reduction(r, "ReduceLogSumExp", 18, (b, x, axes) -> inFloat(b, x, w -> logSumExp(b, w, axes)));
        position(r, "ArgMax", true);
        position(r, "ArgMin", false);
    }

    private static Value sum(GraphBuilder b, Value x, List<Integer> axes) {
        return b.reduce(ReduceKind.SUM, x, axes, true);
    }

    private static Value inFloat(GraphBuilder b, Value x, java.util.function.UnaryOperator<Value> f) {
        return b.cast(f.apply(b.cast(x, Expansions.floatFor(x.dtype()))), x.dtype());
    }

    private static Value extreme(GraphBuilder b, Value x, List<Integer> axes, ReduceKind kind, ReduceKind ofBool) {
        return b.reduce(x.dtype() == DType.BOOL ? ofBool : kind, x, axes, true);
    }

    private static Value mean(GraphBuilder b, Value x, List<Integer> axes) {
        long n = 1;
        for (int a : axes) n *= x.extent(a);
        long count = n;
        return Expansions.inComputeType(b, x, w -> {
            Value divisor = w.dtype().isFloat() ? b.scalar(w.dtype(), (double) count) : b.scalar(w.dtype(), count);
            return b.divide(sum(b, w, axes), divisor);
        });
    }

    /** log(sum of e^(x - m)) + m, where m is the maximum, or 0 where that is no finite number. */
    private static Value logSumExp(GraphBuilder b, Value x, List<Integer> axes) {
        Value max = b.reduce(ReduceKind.MAX, x, axes, true);
        Value m = b.select(Expansions.isFinite(b, max), max, b.scalar(x.dtype(), 0.0));
        Value s = sum(b, b.map(MapFunction.EXP, b.minus(x, m)), axes);
        return b.plus(b.map(MapFunction.LOG, s), m);
    }

    /** Axes are an attribute at first, and an operand from {@code axesAsOperand} on. */
    private static void reduction(Registry r, String name, int axesAsOperand, Reduction f) {
        r.expand(name, 1, node -> {
            long[] axes = node.attributes().integers("axes", new long[0]);
            boolean keep = node.attributes().flag("keepdims", true);
            return c -> List.of(reduce(c, axes, false, keep, f));
        });
        r.expand(name, axesAsOperand, node -> {
            boolean keep = node.attributes().flag("keepdims", true);
            boolean noopIfEmpty = node.attributes().flag("noop_with_empty_axes", false);
            return c -> {
                long[] axes = c.has(1) ? Expansions.integers(c, 1, "axes") : new long[0];
                return List.of(reduce(c, axes, noopIfEmpty, keep, f));
            };
        });
    }

    private static Value reduce(LoweringContext c, long[] axes, boolean noopIfEmpty, boolean keep, Reduction f) {
        Value x = c.operand(0);
        List<Integer> over = axes.length > 0
                ? Expansions.axes(c, axes, x.rank()).stream().sorted().toList()
                : noopIfEmpty ? List.of() : Expansions.allAxes(x.rank());
        Value y = f.apply(c.builder(), x, over);
        return keep ? y : c.builder().reshape(y, without(x.shape(), over));
    }

    private static Shape without(Shape s, List<Integer> axes) {
        return Shape.of(Expansions.allAxes(s.rank()).stream()
                .filter(a -> !axes.contains(a))
                .map(s::dim)
                .toList());
    }

    private static void position(Registry r, String name, boolean largest) {
        r.expand(name, 1, node -> positionOf(node, largest));
    }

    private static Lowering.Expand positionOf(OperatorNode node, boolean largest) {
        long axis = node.attributes().integer("axis", 0);
        boolean keep = node.attributes().flag("keepdims", true);
        boolean last = node.attributes().flag("select_last_index", false);
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            // A scalar counts as a vector of one element.
            if (x.rank() == 0) return List.of(b.scalar(DType.I64, 0L));
            int a = Expansions.axis(c, axis, x.rank());
            if (x.extent(a) == 0) throw c.error("axis " + a + " of " + x.type() + " has no element");
            Value p = b.add(new Op.ArgReduce(largest, a, last), x);
            return List.of(keep ? b.reshape(p, x.shape().with(a, Dim.of(1))) : p);
        };
    }
}
