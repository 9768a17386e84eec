package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.LoweringContext;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Losses of classifications. */
final class LossOperators {
    private LossOperators() {}

    static void register(Registry r) {
        r.expand("NegativeLogLikelihoodLoss", 12, node -> {
            Settings s = Settings.of(node);
            return c -> List.of(loss(c, c.operand(0), s));
        });
        r.expand("SoftmaxCrossEntropyLoss", 12, node -> {
            Settings s = Settings.of(node);
            return c -> {
                Value x = c.operand(0);
                c.require(x.rank() >= 2, "scores must be [N, C, …], found " + x.type());
                Value log = ActivationOperators.logSoftmax(c.builder(), x, 1);
                return List.of(loss(c, log, s), log);
            };
        });
    }

    /**
     * A loss's attributes.
     *
     * @param ignore a class that does not count; null for none
     * @param reduction none, sum or mean
     */
    private record Settings(@Nullable Long ignore, String reduction) {
        static Settings of(OperatorNode node) {
            Attributes a = node.attributes();
            String reduction = a.string("reduction", "mean");
            if (!List.of("none", "sum", "mean").contains(reduction))
                throw node.error("reduction '" + reduction + "' is not none, sum or mean");
            return new Settings(a.has("ignore_index") ? a.integer("ignore_index") : null, reduction);
        }
    }

    /** Operands: (scores), classes [N, …], weights of the classes [C] (optional); {@code log} are the log-probabilities [N, C, …]. */
    private static Value loss(LoweringContext c, Value log, Settings s) {
        GraphBuilder b = c.builder();
        Value target = c.operand(1);
        c.require(
                log.rank() >= 2 && target.shape().equals(log.shape().without(1)),
                "scores must be [N, C, …] and classes [N, …], found " + log.type() + " and " + target.type());
        Value classes = b.cast(target, DType.I64);
        Value counts = null;
        if (s.ignore != null) {
            counts = b.map(MapFunction.NE, classes, b.scalar(DType.I64, (long) s.ignore));
            classes = b.select(counts, classes, b.scalar(DType.I64, 0L));
        }
        DType type = log.dtype().computeType();
        Value zero = b.scalar(type, 0L);
        Value picked = b.neg(b.cast(
                b.reshape(b.add(new Op.GatherElements(1), log, Shorthand.unsqueeze(b, classes, 1)), target.shape()),
                type));
        Value weight = null;
        if (c.has(2)) {
            Value w = c.operand(2);
            c.require(
                    w.rank() == 1 && w.extent(0) == log.extent(1),
                    "weights must have " + log.extent(1) + " elements, found " + w.type());
            weight = b.cast(b.add(new Op.Gather(0), w, classes), type);
        }
        if (counts != null) {
            weight = b.select(counts, weight == null ? b.scalar(type, 1L) : weight, zero);
            picked = b.select(counts, picked, zero);
        }
        Value loss = weight == null ? picked : b.times(picked, weight);
        if (s.reduction.equals("none")) return b.cast(loss, log.dtype());
        List<Integer> all = Shorthand.axes(0, loss.rank());
        Value sum = b.reduce(ReduceKind.SUM, loss, all, false);
        if (s.reduction.equals("sum")) return b.cast(sum, log.dtype());
        Value divisor = weight == null
                ? b.scalar(type, (double) loss.shape().elements())
                : b.reduce(ReduceKind.SUM, weight, all, false);
        return b.cast(b.divide(sum, divisor), log.dtype());
    }
}
