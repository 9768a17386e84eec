package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.frontends.tflite.operators.FixedPoint.Multiplier;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.List;

/**
 * Layers of speech models whose weights are products of a vector over features and one over time. The state holds what the first gave for
 * the last steps. Operands: x, weights over features, weights over time, a bias, the state. Options: the rank, the activation function.
 */
final class SvdfOperators {
    private SvdfOperators() {}

    static void register(Registry r) {
        r.expandStateful("SVDF", SvdfOperators::svdf);
    }

    private static Lowering.Expand svdf(OperatorNode node) {
        int rank = node.options().integer(0);
        node.require(rank >= 1, "rank " + rank);
        Activation activation = Activation.of(node, 1);
        if (node.inputType(0) == DType.F32) {
            return c -> {
                GraphBuilder b = c.builder();
                Value now = RecurrentOperators.times(b, c.operand(0), RecurrentOperators.weights(c, node, 1));
                Value time = RecurrentOperators.weights(c, node, 2);
                Value state = shifted(c, time, now);
                Value sums = b.sum(b.times(state, time), 2, false);
                Value y = units(c, sums, rank);
                Value biased = c.has(3) ? b.plus(y, c.operand(3)) : y;
                return List.of(activation.apply(b, biased), flat(b, state));
            };
        }
        // TFLite has words here; its form for microcontrollers has bytes, too.
        DType kind = node.inputType(4);
        boolean integers = node.inputType(0) == DType.I8
                && node.inputType(1) == DType.I8
                && (kind == DType.I16 || kind == DType.I8)
                && node.inputType(2) == kind
                && node.outputType(0) == DType.I8;
        if (!integers) throw node.unsupportedTypes();
        Quantization x = node.inputScale(0);
        Quantization state = node.inputScale(4);
        float first = x.scale(0) * node.inputScale(1).scale(0) / state.scale(0);
        float second = state.scale(0)
                * node.inputScale(2).scale(0)
                / node.outputScale(0).scale(0);
        int zero = state.zeroPoint(0);
        Rescale kept = new Rescale(new Multiplier[] {Multiplier.of(first)}, false, zero, Activation.all(kind), kind);
        Rescale result = Rescale.to(node, second, Activation.NONE);
        return c -> {
            GraphBuilder b = c.builder();
            Value wide = b.cast(FixedPoint.minus(b, c.operand(0), x.zeroPoint(0)), DType.I16);
            Value sums = b.add(
                    new Op.Contraction(List.of(), List.of(), List.of(1), List.of(1), DType.I32), wide, c.operand(1));
            Value all = shifted(c, c.operand(2), kept.apply(b, sums, null));
            Value products = b.times(FixedPoint.minus(b, all, zero), b.cast(c.operand(2), DType.I32));
            Value y = units(c, b.sum(products, 2, false), rank);
            return List.of(result.apply(b, y, c.operandOrNull(3)), flat(b, all));
        };
    }

    /** The state as batch, filters, time, one step later: without its oldest entry, with the newest behind. */
    private static Value shifted(LoweringContext c, Value time, Value now) {
        GraphBuilder b = c.builder();
        Value state = c.operand(4);
        Dim batch = now.shape().dim(0);
        Dim filters = time.shape().dim(0);
        Dim steps = time.shape().dim(1);
        c.require(
                state.shape().elements() == batch.extent() * filters.extent() * steps.extent() && steps.extent() > 0,
                "the state " + state.type() + " does not fit the weights " + time.type());
        Value apart = b.reshape(state, Shape.of(List.of(batch, filters, steps)));
        Value newest = Shapes.unsqueeze(b, now, 2);
        if (steps.extent() == 1) return newest;
        return b.concat(2, b.slice(apart, 2, 1, Shapes.plus(steps, -1)), newest);
    }

    private static Value flat(GraphBuilder b, Value state) {
        Shape s = state.shape();
        return b.reshape(state, Shape.of(List.of(s.dim(0), s.dim(1).times(s.dim(2)))));
    }

    /** Sums of as many neighbours as the rank. */
    private static Value units(LoweringContext c, Value filters, int rank) {
        GraphBuilder b = c.builder();
        c.require(filters.extent(1) % rank == 0, "rank " + rank + " does not divide " + filters.type());
        Dim units = Shapes.over(filters.shape().dim(1), rank);
        Value apart = b.reshape(filters, Shape.of(List.of(filters.shape().dim(0), units, Dim.of(rank))));
        return b.reduce(ReduceKind.SUM, apart, List.of(2), false);
    }
}
