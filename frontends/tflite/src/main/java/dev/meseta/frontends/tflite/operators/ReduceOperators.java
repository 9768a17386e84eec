package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.frontends.tflite.operators.FixedPoint.Multiplier;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import dev.meseta.graph.quantized.QuantizedOp;
import java.util.ArrayList;
import java.util.List;

/** Reductions of whole axes. Operands: x, the axes. Option: whether the axes stay with extent 1. */
final class ReduceOperators {
    private ReduceOperators() {}

    static void register(Registry r) {
        r.expand("MEAN", node -> sum(node, true));
        r.expand("SUM", node -> sum(node, false));
        r.expand("REDUCE_MAX", node -> extreme(node, ReduceKind.MAX));
        r.expand("REDUCE_MIN", node -> extreme(node, ReduceKind.MIN));
        r.expand("REDUCE_PROD", ReduceOperators::product);
        r.expand("REDUCE_ANY", node -> plain(node, ReduceKind.OR));
        r.expand("REDUCE_ALL", node -> plain(node, ReduceKind.AND));
        r.expand("ARG_MAX", node -> position(node, true));
        r.expand("ARG_MIN", node -> position(node, false));
        r.expand("CUMSUM", ReduceOperators::cumulative);
        r.expand("L2_NORMALIZATION", ReduceOperators::unitLength);
        r.expand("LOCAL_RESPONSE_NORMALIZATION", ReduceOperators::localResponse);
    }

    private static Value reduce(LoweringContext c, OperatorNode node, ReduceKind kind, Value x) {
        return c.builder()
                .reduce(kind, x, Shapes.axes(c, 1, x.rank()), node.options().flag(0));
    }

    private static Lowering.Expand plain(OperatorNode node, ReduceKind kind) {
        if (node.isQuantized(0)) throw node.unsupportedTypes();
        return c -> List.of(reduce(c, node, kind, c.operand(0)));
    }

    private static Lowering.Expand product(OperatorNode node) {
        if (!node.isQuantized(0)) return plain(node, ReduceKind.PROD);
        DType t = node.inputType(0);
        if ((t != DType.I8 && t != DType.I16) || node.outputType(0) != t) throw node.unsupportedTypes();
        Quantization x = node.inputScale(0);
        Quantization y = node.outputScale(0);
        return c -> {
            GraphBuilder b = c.builder();
            List<Integer> axes = Shapes.axes(c, 1, c.operand(0).rank());
            long n = count(c);
            c.require(n > 0, "there is nothing to multiply in " + c.type(0));
            // The n-th root of the result's scale in each of n steps, so that 32 bits hold what is between them.
            Multiplier[] m = {Multiplier.of(x.scale(0) / Math.pow(y.scale(0), 1.0 / n))};
            Value factors = first(b, FixedPoint.minus(b, c.operand(0), x.zeroPoint(0)), axes, n);
            Value product = b.select(factors, 0, 0);
            if (n > 1) product = stepwise(b, product, b.slice(factors, 0, 1, Dim.of(n - 1)), m);
            Value scaled = FixedPoint.timesWide(b, product, m);
            Value result = FixedPoint.narrow(b, scaled, y.zeroPoint(0), Activation.all(t), t);
            return List.of(b.reshape(
                    result, reduced(c.type(0).shape(), axes, node.options().flag(0))));
        };
    }

    /** With the elements along some axes along the first one, in the order in which they lie, and all others along the second. */
    private static Value first(GraphBuilder b, Value x, List<Integer> axes, long n) {
        List<Integer> order = new ArrayList<>(axes);
        for (int i = 0; i < x.rank(); i++) if (!axes.contains(i)) order.add(i);
        Value moved = b.transpose(x, order.stream().mapToInt(i -> i).toArray());
        return b.reshape(moved, n, x.shape().elements() / n);
    }

    private static Shape reduced(Shape shape, List<Integer> axes, boolean keep) {
        List<Dim> dims = new ArrayList<>();
        for (int i = 0; i < shape.rank(); i++) {
            if (!axes.contains(i)) dims.add(shape.dim(i));
            else if (keep) dims.add(Dim.of(1));
        }
        return Shape.of(dims);
    }

    /** A product times a row of factors a step, each time scaled and rounded once: the order counts. */
    private static Value stepwise(GraphBuilder b, Value begin, Value factors, Multiplier[] m) {
        List<TensorType> types = List.of(begin.type(), RecurrentOperators.step(factors));
        Graph body = b.body("product", types, (g, in) -> {
            Value wide = g.times(g.cast(in.get(0), DType.I64), g.cast(in.get(1), DType.I64));
            return List.of(g.cast(FixedPoint.timesWide(g, wide, m), DType.I32));
        });
        Op scan = new Op.Scan(body, 1, 1, factors.extent(0), false);
        return b.addAll(scan, List.of(begin, factors)).getFirst();
    }

    private static Lowering.Expand extreme(OperatorNode node, ReduceKind kind) {
        if (node.isQuantized(0) && node.isQuantizedResult(0)) {
            Quantization x = node.inputScale(0);
            Quantization y = node.outputScale(0);
            boolean same = x.scale(0) == y.scale(0) && x.zeroPoint(0) == y.zeroPoint(0);
            node.require(same, "operand and result have different scales");
        }
        return c -> List.of(reduce(c, node, kind, c.operand(0)));
    }

    private static Lowering.Expand sum(OperatorNode node, boolean mean) {
        if (node.isQuantized(0)) return quantizedSum(node, mean);
        DType t = node.inputType(0);
        if (t != DType.F32 && t != DType.I32 && t != DType.I64) throw node.unsupportedTypes();
        return c -> {
            GraphBuilder b = c.builder();
            Value sum = reduce(c, node, ReduceKind.SUM, c.operand(0));
            return List.of(mean ? b.divide(sum, b.scalar(t, count(c))) : sum);
        };
    }

    /** How many elements come to one. */
    private static long count(LoweringContext c) {
        long n = 1;
        for (int a : Shapes.axes(c, 1, c.type(0).rank())) n *= c.type(0).shape().extent(a);
        return n;
    }

    private static Lowering.Expand quantizedSum(OperatorNode node, boolean mean) {
        Quantization x = node.inputScale(0);
        Quantization y = node.outputScale(0);
        DType t = node.outputType(0);
        if (node.inputType(0) != t) throw node.unsupportedTypes();
        Multiplier whole = Multiplier.of((double) x.scale(0) / (double) y.scale(0));
        return outer -> {
            long n = count(outer);
            Multiplier m = mean ? over(whole, n) : whole;
            Rescale rescale = new Rescale(new Multiplier[] {m}, false, y.zeroPoint(0), Activation.all(t), t);
            List<Integer> axes = Shapes.axes(outer, 1, outer.type(0).rank());
            QuantizedOp named = new QuantizedOp.Reduction(
                    mean,
                    axes.stream().map(a -> (long) a).toList(),
                    node.options().flag(0),
                    x.zeroPoint(0),
                    Composites.scaling(rescale),
                    y.zeroPoint(0));
            return List.of(Composites.of(outer, named, new int[] {0}, c -> {
                GraphBuilder b = c.builder();
                Value sums = reduce(c, node, ReduceKind.SUM, b.cast(c.operand(0), DType.I32));
                Value centered = b.minus(sums, b.scalar(DType.I32, x.zeroPoint(0) * n));
                return rescale.apply(b, centered, null);
            }));
        };
    }

    /** A number divided by a count, in the bits that there are. */
    private static Multiplier over(Multiplier m, long n) {
        if (n < 1) return m;
        int shift = Math.min(Math.min(63 - Long.numberOfLeadingZeros(n), 32), 31 + m.shift());
        return new Multiplier((int) (((long) m.mantissa() << shift) / n), m.shift() - shift);
    }

    /** Operands: x, the axis. */
    private static Lowering.Expand position(OperatorNode node, boolean largest) {
        DType t = node.outputType(0);
        return c -> {
            int axis = Shapes.axis(c, Shapes.integer(c, 1), c.type(0).rank());
            Value x = c.operand(0).dtype() == DType.BOOL ? c.builder().cast(c.operand(0), DType.U8) : c.operand(0);
            return List.of(c.builder().cast(c.builder().add(new Op.ArgReduce(largest, axis, false), x), t));
        };
    }

    /** Options: whether an element is part of its own sum, whether from the end. */
    private static Lowering.Expand cumulative(OperatorNode node) {
        boolean exclusive = node.options().flag(0);
        boolean reverse = node.options().flag(1);
        return c -> {
            int axis = Shapes.axis(c, Shapes.integer(c, 1), c.type(0).rank());
            return List.of(c.builder().add(new Op.Cumulative(ReduceKind.SUM, axis, exclusive, reverse), c.operand(0)));
        };
    }

    private static Lowering.Expand unitLength(OperatorNode node) {
        DType t = node.inputType(0);
        if (Tables.isByte(t) && node.outputType(0) == t && node.isQuantized(0)) return unitLengthOfBytes(node);
        if (t != DType.F32) throw node.unsupportedTypes();
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            c.require(x.rank() >= 1, "the input is a scalar");
            Value length = b.map(MapFunction.SQRT, b.sum(b.times(x, x), x.rank() - 1, true));
            return List.of(b.divide(x, b.max(length, b.scalar(DType.F32, 1e-6))));
        };
    }

    /**
     * In steps of 1/128: the nearest to 128 d / sqrt(s), ties away from 0, where s is the sum of squares. Twice that, cut off, is the integer
     * root of 65536 d d / s, which is at most 65536.
     */
    private static Lowering.Expand unitLengthOfBytes(OperatorNode node) {
        DType t = node.inputType(0);
        Quantization y = node.outputScale(0);
        node.require(y.scale(0) == 1f / 128, "the result's scale is " + y.scale(0) + ", expected 1/128");
        int zero = node.inputScale(0).zeroPoint(0);
        Tensor roots = Tensor.allocate(DType.I64, Shape.of(65537));
        for (int i = 0; i < roots.elements(); i++) roots.setLong(i, (long) (Math.floor(Math.sqrt(i)) + 1) / 2);
        return c -> {
            GraphBuilder b = c.builder();
            Value d = b.cast(FixedPoint.minus(b, c.operand(0), zero), DType.I64);
            c.require(d.rank() >= 1, "the input is a scalar");
            Value square = b.times(d, d);
            Value sum = b.max(b.sum(square, d.rank() - 1, true), b.scalar(DType.I64, 1L));
            Value ratio = b.divide(b.times(square, b.scalar(DType.I64, 65536L)), sum);
            Value magnitude = b.add(new Op.Gather(0), b.constant(roots), ratio);
            Value negative = b.map(MapFunction.LT, d, b.scalar(DType.I64, 0L));
            Value signed = b.select(negative, b.neg(magnitude), magnitude);
            return List.of(FixedPoint.narrow(b, signed, y.zeroPoint(0), Activation.all(t), t));
        };
    }

    /** Options: radius, bias, alpha, beta. */
    private static Lowering.Expand localResponse(OperatorNode node) {
        if (node.inputType(0) != DType.F32) throw node.unsupportedTypes();
        long stated = node.options().integer(0);
        float bias = node.options().real(1);
        float alpha = node.options().real(2);
        float beta = node.options().real(3);
        node.require(stated >= 0, "the radius is " + stated);
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            c.require(x.rank() == 4, "the input is " + x.type() + ", expected rank 4");
            // Beyond all channels there is nothing.
            long radius = Math.min(stated, x.extent(3));
            List<Long> ones = List.of(1L, 1L, 1L, 1L);
            // From the radius before to the one before the radius behind.
            Value sums = radius == 0
                    ? b.broadcast(b.scalar(DType.F32, 0.0), x.shape())
                    : b.add(
                            new Op.WindowReduce(
                                    ReduceKind.SUM,
                                    List.of(1L, 1L, 1L, 2 * radius),
                                    ones,
                                    ones,
                                    List.of(0L, 0L, 0L, radius),
                                    List.of(0L, 0L, 0L, radius - 1)),
                            b.times(x, x));
            Value base = b.plus(b.scalar(DType.F32, (double) bias), b.times(sums, b.scalar(DType.F32, (double) alpha)));
            return List.of(b.divide(x, b.map(MapFunction.POW, base, b.scalar(DType.F32, (double) beta))));
        };
    }
}
