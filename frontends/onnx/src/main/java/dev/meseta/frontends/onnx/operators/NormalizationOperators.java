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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Normalisations. */
final class NormalizationOperators {
    private NormalizationOperators() {}

    static void register(Registry r) {
        // Up to version 13 a node that wants more than Y trains; from 14 on an attribute says so.
        r.expand("BatchNormalization", 1, node -> {
            boolean spatial = node.attributes().flag("spatial", true);
            boolean training = IntStream.range(1, 5).anyMatch(node::hasOutput);
            return batchNormalization(node, spatial, training);
        });
        r.expand("BatchNormalization", 9, node -> {
            boolean training = IntStream.range(1, 5).anyMatch(node::hasOutput);
            return batchNormalization(node, true, training);
        });
        r.expand(
                "BatchNormalization",
                14,
                node -> batchNormalization(node, true, node.attributes().flag("training_mode", false)));
        r.expand("InstanceNormalization", 1, node -> {
            float epsilon = node.attributes().real("epsilon", 1e-5f);
            return c -> List.of(instance(c, epsilon));
        });
        r.expand("GroupNormalization", 18, node -> group(node, true));
        r.expand("GroupNormalization", 21, node -> group(node, false));
        r.expand("LayerNormalization", 1, NormalizationOperators::layer);
        r.expand("SimplifiedLayerNormalization", 1, NormalizationOperators::simplifiedLayer);
        r.expand("RMSNormalization", 23, node -> {
            long axis = node.attributes().integer("axis", -1);
            float epsilon = node.attributes().real("epsilon", 1e-5f);
            DType stash = stash(node);
            return c -> {
                Value x = c.operand(0);
                return List.of(rms(c, x, c.operand(1), Shorthand.axis(c, axis, x.rank()), epsilon, stash)
                        .getFirst());
            };
        });
        r.expand("LRN", 1, NormalizationOperators::localResponse);
        r.expand("MeanVarianceNormalization", 9, NormalizationOperators::meanVariance);
        r.expand("LpNormalization", 1, NormalizationOperators::lp);
    }

    /** The type in which statistics are computed. */
    private static DType stash(OperatorNode node) {
        long code = node.attributes().integer("stash_type", 1);
        return switch ((int) code) {
            case 1 -> DType.F32;
            case 10 -> DType.F16;
            case 11 -> DType.F64;
            case 16 -> DType.BF16;
            default -> throw node.error("stash_type " + code + " is not a float type");
        };
    }

    /** The stash type, but never less than the input's own precision. */
    private static DType statistics(DType stash, DType x) {
        return x == DType.F64 ? DType.F64 : stash;
    }

    private static Lowering.Expand batchNormalization(OperatorNode node, boolean spatial, boolean training) {
        float epsilon = node.attributes().real("epsilon", 1e-5f);
        float momentum = node.attributes().real("momentum", 0.9f);
        return c -> training ? trainBatch(c, spatial, epsilon, momentum) : List.of(inferBatch(c, spatial, epsilon));
    }

    /** A statistic or parameter, laid along the input's channels, or over everything but the batch. */
    private static Value spread(LoweringContext c, Value v, Value x, boolean spatial, DType type) {
        GraphBuilder b = c.builder();
        if (spatial) {
            long channels = x.rank() > 1 ? x.extent(1) : 1;
            c.require(
                    v.rank() == 1 && v.extent(0) == channels,
                    "scale, bias, mean and variance must have " + channels + " elements, found " + v.type()
                            + " for the input " + x.type());
            return b.cast(x.rank() > 1 ? Shorthand.along(b, v, 1, x.rank()) : v, type);
        }
        Shape each = x.shape().with(0, Dim.of(1));
        c.require(
                v.shape().elements() == each.elements(),
                "scale, bias, mean and variance must have shape " + each.without(0) + ", found " + v.type());
        return b.cast(b.reshape(v, each), type);
    }

    private static Value inferBatch(LoweringContext c, boolean spatial, float epsilon) {
        GraphBuilder b = c.builder();
        Value x = c.operand(0);
        DType type = x.dtype().computeType();
        Value scale = spread(c, c.operand(1), x, spatial, type);
        Value bias = spread(c, c.operand(2), x, spatial, type);
        Value mean = spread(c, c.operand(3), x, spatial, type);
        Value variance = spread(c, c.operand(4), x, spatial, type);
        Value factor = b.divide(scale, Shorthand.sqrt(b, b.plus(variance, Shorthand.like(b, variance, epsilon))));
        Value shift = b.minus(bias, b.times(mean, factor));
        return b.cast(b.plus(b.times(b.cast(x, type), factor), shift), x.dtype());
    }

    private static List<Value> trainBatch(LoweringContext c, boolean spatial, float epsilon, float momentum) {
        GraphBuilder b = c.builder();
        Value x = c.operand(0);
        DType type = x.dtype().computeType();
        List<Integer> axes = new ArrayList<>(List.of(0));
        if (spatial) axes.addAll(Shorthand.axes(2, x.rank()));
        Value wide = b.cast(x, type);
        Value mean = Shorthand.mean(b, wide, axes, true);
        Value centred = b.minus(wide, mean);
        Value variance = Shorthand.mean(b, b.times(centred, centred), axes, true);
        Value factor = b.divide(
                spread(c, c.operand(1), x, spatial, type),
                Shorthand.sqrt(b, b.plus(variance, Shorthand.like(b, variance, epsilon))));
        Value y = b.plus(b.times(centred, factor), spread(c, c.operand(2), x, spatial, type));
        Value runningMean = running(b, c.operand(3), mean, momentum);
        Value runningVariance = running(b, c.operand(4), variance, momentum);
        return List.of(
                b.cast(y, x.dtype()),
                runningMean,
                runningVariance,
                b.cast(b.reshape(mean, runningMean.shape()), c.operand(3).dtype()),
                b.cast(
                        b.reshape(variance, runningVariance.shape()),
                        c.operand(4).dtype()));
    }

    private static Value running(GraphBuilder b, Value before, Value now, float momentum) {
        Value old = b.times(b.cast(before, now.dtype()), Shorthand.like(b, now, momentum));
        Value add = b.times(b.reshape(now, before.shape()), Shorthand.like(b, now, 1 - (double) momentum));
        return b.cast(b.plus(old, add), before.dtype());
    }

    private static Value instance(LoweringContext c, float epsilon) {
        GraphBuilder b = c.builder();
        Value x = c.operand(0);
        c.require(x.rank() >= 2, "the input must have a batch and a channel axis, found " + x.type());
        for (int i = 1; i <= 2; i++)
            c.require(
                    c.operand(i).rank() == 1 && c.operand(i).extent(0) == x.extent(1),
                    "scale and bias must have " + x.extent(1) + " elements, found " + c.type(i));
        return b.composite(
                        "instance_norm",
                        Map.of("epsilon", (double) epsilon),
                        List.of(x, c.operand(1), c.operand(2)),
                        (g, in) -> {
                            Value wide = Shorthand.wide(g, in.get(0));
                            Value n = normalized(g, wide, Shorthand.axes(2, x.rank()), epsilon).y;
                            Value scale = Shorthand.along(g, g.cast(in.get(1), n.dtype()), 1, x.rank());
                            Value bias = Shorthand.along(g, g.cast(in.get(2), n.dtype()), 1, x.rank());
                            return List.of(g.cast(g.plus(g.times(n, scale), bias), x.dtype()));
                        })
                .getFirst();
    }

    /**
     * A normalised value.
     *
     * @param y (x - mean) * inverse
     * @param mean over the axes, kept with extent 1
     * @param inverse 1 / sqrt(variance + epsilon)
     */
    private record Normalized(Value y, Value mean, Value inverse) {}

    private static Normalized normalized(GraphBuilder b, Value x, List<Integer> axes, double epsilon) {
        Value mean = Shorthand.mean(b, x, axes, true);
        Value centred = b.minus(x, mean);
        Value variance = Shorthand.mean(b, b.times(centred, centred), axes, true);
        Value inverse =
                b.divide(Shorthand.like(b, x, 1), Shorthand.sqrt(b, b.plus(variance, Shorthand.like(b, x, epsilon))));
        return new Normalized(b.times(centred, inverse), mean, inverse);
    }

    private static Lowering.Expand group(OperatorNode node, boolean parametersByGroup) {
        float epsilon = node.attributes().real("epsilon", 1e-5f);
        long groups = node.attributes().integer("num_groups");
        DType stash = stash(node);
        if (groups < 1) throw node.error("num_groups " + groups + " must be 1 or more");
        return c -> {
            Value x = c.operand(0);
            c.require(
                    x.rank() >= 2 && x.extent(1) % groups == 0,
                    "the channels of " + x.type() + " are not divisible by num_groups " + groups);
            long parameters = parametersByGroup ? groups : x.extent(1);
            for (int i = 1; i <= 2; i++)
                c.require(
                        c.operand(i).rank() == 1 && c.operand(i).extent(0) == parameters,
                        "scale and bias must have " + parameters + " elements, found " + c.type(i));
            DType type = statistics(parametersByGroup ? DType.F32 : stash, x.dtype());
            return List.of(groupNorm(c.builder(), x, c.operand(1), c.operand(2), groups, epsilon, type));
        };
    }

    /** x [N, C, …]; scale and bias by channel or by group. */
    static Value groupNorm(GraphBuilder b, Value x, Value scale, Value bias, long groups, float epsilon, DType type) {
        return b.composite(
                        "group_norm",
                        Map.of("epsilon", (double) epsilon, "groups", groups),
                        List.of(x, scale, bias),
                        (g, in) -> {
                            Dim each = Shorthand.over(x.shape().dim(1), groups);
                            Value v = Shorthand.split(g, g.cast(in.get(0), type), 1, Dim.of(groups), each);
                            Value n = normalized(g, v, Shorthand.axes(2, v.rank()), epsilon).y;
                            n = g.cast(g.reshape(n, x.shape()), x.dtype());
                            Value s = channelParameter(g, in.get(1), each, x);
                            Value t = channelParameter(g, in.get(2), each, x);
                            return List.of(g.plus(g.times(n, s), t));
                        })
                .getFirst();
    }

    private static Value channelParameter(GraphBuilder b, Value v, Dim each, Value x) {
        Value full = v.extent(0) == x.extent(1) ? v : Shorthand.repeat(b, v, 0, each.extent());
        return Shorthand.along(b, b.cast(full, x.dtype()), 1, x.rank());
    }

    private static Lowering.Expand layer(OperatorNode node) {
        long axis = node.attributes().integer("axis", -1);
        float epsilon = node.attributes().real("epsilon", 1e-5f);
        DType stash = stash(node);
        return c -> {
            Value x = c.operand(0);
            return layer(c, x, c.operand(1), c.operandOrNull(2), Shorthand.axis(c, axis, x.rank()), epsilon, stash);
        };
    }

    /** Y, mean and inverse standard deviation; the latter two only if the call wants them. */
    static List<Value> layer(
            LoweringContext c, Value x, Value scale, @Nullable Value bias, int axis, double epsilon, DType stash) {
        DType type = statistics(stash, x.dtype());
        boolean statistics = c.outputCount() > 1;
        List<Value> operands = new ArrayList<>(List.of(x, scale));
        if (bias != null) operands.add(bias);
        List<Integer> axes = Shorthand.axes(axis, x.rank());
        requireParameters(c, operands, x);
        return c.builder()
                .composite(
                        "layer_norm",
                        Map.of("axis", (long) axis, "epsilon", epsilon, "statistics", statistics),
                        operands,
                        (g, in) -> {
                            Normalized n = normalized(g, g.cast(in.get(0), type), axes, epsilon);
                            Value y = g.times(g.cast(n.y, x.dtype()), g.cast(in.get(1), x.dtype()));
                            if (in.size() > 2) y = g.plus(y, g.cast(in.get(2), x.dtype()));
                            return statistics ? List.of(y, n.mean, n.inverse) : List.of(y);
                        });
    }

    private static void requireParameters(LoweringContext c, List<Value> operands, Value x) {
        for (Value v : operands.subList(1, operands.size())) {
            boolean fits = v.rank() <= x.rank();
            for (int i = 0; fits && i < v.rank(); i++) {
                long e = v.extent(v.rank() - 1 - i);
                fits = e == 1 || e == x.extent(x.rank() - 1 - i);
            }
            c.require(fits, "scale or bias " + v.type() + " does not broadcast to the input " + x.type());
        }
    }

    private static Lowering.Expand simplifiedLayer(OperatorNode node) {
        long axis = node.attributes().integer("axis", -1);
        float epsilon = node.attributes().real("epsilon", 1e-5f);
        DType stash = stash(node);
        return c -> {
            Value x = c.operand(0);
            return rms(c, x, c.operand(1), Shorthand.axis(c, axis, x.rank()), epsilon, stash);
        };
    }

    /** x / sqrt(mean of squares + epsilon) * scale, and the inverse root if the call wants it. */
    static List<Value> rms(LoweringContext c, Value x, Value scale, int axis, double epsilon, DType stash) {
        DType type = statistics(stash, x.dtype());
        boolean statistics = c.outputCount() > 1;
        List<Integer> axes = Shorthand.axes(axis, x.rank());
        requireParameters(c, List.of(x, scale), x);
        return c.builder()
                .composite(
                        "rms_norm",
                        Map.of("axis", (long) axis, "epsilon", epsilon, "statistics", statistics),
                        List.of(x, scale),
                        (g, in) -> {
                            Value wide = g.cast(in.get(0), type);
                            Value squares = Shorthand.mean(g, g.times(wide, wide), axes, true);
                            Value inverse = g.divide(
                                    Shorthand.like(g, wide, 1),
                                    Shorthand.sqrt(g, g.plus(squares, Shorthand.like(g, wide, epsilon))));
                            Value y = g.times(g.cast(g.times(wide, inverse), scale.dtype()), in.get(1));
                            return statistics ? List.of(y, inverse) : List.of(y);
                        });
    }

    /** x / (bias + alpha / size * sum of squares over a window of channels) ^ beta. */
    private static Lowering.Expand localResponse(OperatorNode node) {
        Attributes a = node.attributes();
        long size = a.integer("size");
        float alpha = a.real("alpha", 1e-4f);
        float beta = a.real("beta", 0.75f);
        float bias = a.real("bias", 1);
        if (size < 1 || size > Integer.MAX_VALUE) throw node.error("size " + size + " must be 1 or more");
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            c.require(x.rank() >= 2, "the input must have a batch and a channel axis, found " + x.type());
            Value wide = Shorthand.wide(b, x);
            List<Long> ones = PoolingOperators.same(x.rank(), 1);
            List<Long> low = new ArrayList<>(PoolingOperators.same(x.rank(), 0));
            List<Long> high = new ArrayList<>(low);
            List<Long> window = new ArrayList<>(ones);
            window.set(1, size);
            low.set(1, (size - 1) / 2);
            high.set(1, size - 1 - (size - 1) / 2);
            Value sum = b.add(new Op.WindowReduce(ReduceKind.SUM, window, ones, ones, low, high), b.times(wide, wide));
            Value base =
                    b.plus(b.times(sum, Shorthand.like(b, wide, (double) alpha / size)), Shorthand.like(b, wide, bias));
            Value y = b.divide(wide, b.map(MapFunction.POW, base, Shorthand.like(b, wide, beta)));
            return List.of(b.cast(y, x.dtype()));
        };
    }

    private static Lowering.Expand meanVariance(OperatorNode node) {
        long[] axes = node.attributes().integers("axes", 0, 2, 3);
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            List<Integer> over = new ArrayList<>();
            for (long a : axes) over.add(Shorthand.axis(c, a, x.rank()));
            List<Integer> sorted = over.stream().sorted().distinct().toList();
            Value wide = Shorthand.wide(b, x);
            Value centred = b.minus(wide, Shorthand.mean(b, wide, sorted, true));
            Value deviation = Shorthand.sqrt(b, Shorthand.mean(b, b.times(centred, centred), sorted, true));
            Value y = b.divide(centred, b.plus(deviation, Shorthand.like(b, wide, 1e-9)));
            return List.of(b.cast(y, x.dtype()));
        };
    }

    private static Lowering.Expand lp(OperatorNode node) {
        long axis = node.attributes().integer("axis", -1);
        long p = node.attributes().integer("p", 2);
        if (p != 1 && p != 2) throw node.error("p " + p + " is not 1 or 2");
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            Value wide = Shorthand.wide(b, x);
            List<Integer> over = List.of(Shorthand.axis(c, axis, x.rank()));
            Value norm = PoolingOperators.root(
                    b, b.reduce(ReduceKind.SUM, PoolingOperators.power(b, wide, p), over, true), p);
            Value zero = Shorthand.like(b, wide, 0);
            Value y = b.select(b.map(MapFunction.EQ, norm, zero), zero, b.divide(wide, norm));
            return List.of(b.cast(y, x.dtype()));
        };
    }
}
