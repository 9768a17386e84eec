package dev.meseta.frontends.onnx.operators;

import static dev.meseta.frontends.onnx.operators.Expansions.inComputeType;
import static dev.meseta.frontends.onnx.operators.Expansions.wide;

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
import java.util.function.BiFunction;

/** Activation functions of neural networks, and the softmax family. */
final class ActivationOperators {
    /** 1.67326319217681884765625, the float that the standard gives as Selu's default. */
    private static final float SELU_ALPHA = 1.67326319217681884765625f;

    private static final float SELU_GAMMA = 1.05070102214813232421875f;

    private ActivationOperators() {}

    static void register(Registry r) {
        sigmoids(r);
        rectifiers(r);
        exponentials(r);
        gated(r);
        flattened(r, "Softmax", 1, 1, ActivationOperators::softmax);
        flattened(r, "LogSoftmax", 1, 1, ActivationOperators::logSoftmax);
        flattened(r, "Hardmax", 1, 1, ActivationOperators::hardmax);
        alongAxis(r, "Softmax", ActivationOperators::softmax);
        alongAxis(r, "LogSoftmax", ActivationOperators::logSoftmax);
        alongAxis(r, "Hardmax", ActivationOperators::hardmax);
    }

    private static void sigmoids(Registry r) {
        r.expand("Sigmoid", 1, Expansions.unary(MapFunction.SIGMOID));
        r.expand("Softplus", 1, wide(ActivationOperators::softplus));
        r.expand("Softsign", 1, wide((b, x) -> {
            Value one = b.scalar(x.dtype(), 1.0);
            return b.divide(x, b.plus(one, b.map(MapFunction.ABS, x)));
        }));
        r.expand("HardSigmoid", 1, node -> {
            float alpha = node.attributes().real("alpha", 0.2f);
            float beta = node.attributes().real("beta", 0.5f);
            return wide((b, x) -> hardSigmoid(b, x, alpha, beta)).expansion(node);
        });
        r.expand("HardSwish", 14, wide((b, x) -> b.times(x, hardSigmoid(b, x, 1 / 6f, 0.5f))));
        r.expand("ScaledTanh", 1, node -> {
            float alpha = node.attributes().real("alpha", 1);
            float beta = node.attributes().real("beta", 1);
            return wide((b, x) -> MathOperators.linear(
                            b, b.map(MapFunction.TANH, MathOperators.linear(b, x, beta, 0)), alpha, 0))
                    .expansion(node);
        });
        r.expand("ParametricSoftplus", 1, node -> {
            float alpha = node.attributes().real("alpha", 1);
            float beta = node.attributes().real("beta", 1);
            return wide((b, x) -> MathOperators.linear(b, softplus(b, MathOperators.linear(b, x, beta, 0)), alpha, 0))
                    .expansion(node);
        });
    }

    /** log(1 + e^x) without overflow: max(x, 0) + log1p(e^-|x|). */
    static Value softplus(GraphBuilder b, Value x) {
        Value tail = b.map(MapFunction.LOG1P, b.map(MapFunction.EXP, b.neg(b.map(MapFunction.ABS, x))));
        return b.plus(b.max(x, b.scalar(x.dtype(), 0.0)), tail);
    }

    /** min(max(alpha x + beta, 0), 1). */
    static Value hardSigmoid(GraphBuilder b, Value x, double alpha, double beta) {
        Value y = MathOperators.linear(b, x, alpha, beta);
        return b.map(MapFunction.CLAMP, y, b.scalar(x.dtype(), 0.0), b.scalar(x.dtype(), 1.0));
    }

    private static void rectifiers(Registry r) {
        r.expand("Relu", 1, node -> c -> {
            Value x = c.operand(0);
            return List.of(c.builder().max(x, c.builder().scalar(x.dtype(), 0L)));
        });
        r.expand("LeakyRelu", 1, node -> {
            float alpha = node.attributes().real("alpha", 0.01f);
            return wide((b, x) -> negativePart(b, x, MathOperators.linear(b, x, alpha, 0)))
                    .expansion(node);
        });
        r.expand("ThresholdedRelu", 1, node -> {
            float alpha = node.attributes().real("alpha", 1);
            return c -> {
                GraphBuilder b = c.builder();
                Value x = c.operand(0);
                Value above = b.map(MapFunction.GT, x, b.scalar(x.dtype(), alpha));
                return List.of(b.select(above, x, b.scalar(x.dtype(), 0.0)));
            };
        });
        r.expand("PRelu", 1, node -> c -> List.of(prelu(c, legacySlope(c))));
        r.expand("PRelu", 7, node -> c -> List.of(prelu(c, c.operand(1))));
        r.expand("Shrink", 9, ActivationOperators::shrink);
    }

    /** x where it is not negative, else y. */
    private static Value negativePart(GraphBuilder b, Value x, Value y) {
        return b.select(b.map(MapFunction.LT, x, b.scalar(x.dtype(), 0L)), y, x);
    }

    private static Value prelu(LoweringContext c, Value slope) {
        GraphBuilder b = c.builder();
        Value x = c.operand(0);
        DType t = x.dtype().computeType();
        Value wide = b.cast(x, t);
        return b.cast(negativePart(b, wide, b.times(wide, b.cast(slope, t))), x.dtype());
    }

    /** Before opset 7 the slope is one number, or one a channel (axis 1). */
    private static Value legacySlope(LoweringContext c) {
        Value x = c.operand(0);
        Value slope = c.operand(1);
        if (slope.shape().elements() == 1) return c.builder().reshape(slope, Shape.SCALAR);
        if (slope.rank() != 1 || x.rank() < 2 || slope.extent(0) != x.extent(1)) {
            throw c.error(
                    "slope is " + slope.type() + " for input " + x.type() + ", expected one element, or one a channel");
        }
        return Expansions.along(c.builder(), slope, x.rank() - 1, 0);
    }

    private static Lowering.Expand shrink(OperatorNode node) {
        float lambda = node.attributes().real("lambd", 0.5f);
        float bias = node.attributes().real("bias", 0);
        return c -> {
            GraphBuilder b = c.builder();
            Value x = b.cast(c.operand(0), Expansions.floatFor(c.type(0).dtype()));
            DType t = x.dtype();
            Value low = b.map(MapFunction.LT, x, b.scalar(t, -lambda));
            Value high = b.map(MapFunction.GT, x, b.scalar(t, lambda));
            Value y = b.select(
                    low,
                    MathOperators.linear(b, x, 1, bias),
                    b.select(high, MathOperators.linear(b, x, 1, -bias), b.scalar(t, 0.0)));
            return List.of(b.cast(y, c.type(0).dtype()));
        };
    }

    private static void exponentials(Registry r) {
        r.expand("Elu", 1, node -> {
            float alpha = node.attributes().real("alpha", 1);
            return wide((b, x) -> negativePart(b, x, MathOperators.linear(b, b.map(MapFunction.EXPM1, x), alpha, 0)))
                    .expansion(node);
        });
        selu(r, 1, 1.6732f, 1.0507f);
        selu(r, 6, SELU_ALPHA, SELU_GAMMA);
        r.expand("Celu", 12, node -> {
            float alpha = node.attributes().real("alpha", 1);
            if (alpha == 0) throw node.error("alpha is 0");
            return wide((b, x) -> {
                        Value zero = b.scalar(x.dtype(), 0.0);
                        Value ratio = b.divide(x, b.scalar(x.dtype(), alpha));
                        Value low = MathOperators.linear(b, b.map(MapFunction.EXPM1, ratio), alpha, 0);
                        return b.plus(b.max(x, zero), b.min(low, zero));
                    })
                    .expansion(node);
        });
    }

    private static void selu(Registry r, int since, float defaultAlpha, float defaultGamma) {
        r.expand("Selu", since, node -> {
            float alpha = node.attributes().real("alpha", defaultAlpha);
            float gamma = node.attributes().real("gamma", defaultGamma);
            return wide((b, x) -> {
                        Value low = MathOperators.linear(b, b.map(MapFunction.EXPM1, x), alpha, 0);
                        Value positive = b.map(MapFunction.GT, x, b.scalar(x.dtype(), 0.0));
                        return MathOperators.linear(b, b.select(positive, x, low), gamma, 0);
                    })
                    .expansion(node);
        });
    }

    private static void gated(Registry r) {
        r.expand("Mish", 18, wide((b, x) -> b.times(x, b.map(MapFunction.TANH, softplus(b, x)))));
        r.expand("Gelu", 20, node -> {
            String approximate = node.attributes().string("approximate", "none");
            return switch (approximate) {
                case "none" -> wide(ActivationOperators::gelu).expansion(node);
                case "tanh" -> wide(ActivationOperators::geluTanh).expansion(node);
                default -> throw node.error("approximate is '" + approximate + "', expected none or tanh");
            };
        });
        r.expand("Swish", 24, node -> {
            float alpha = node.attributes().real("alpha", 1);
            return wide((b, x) -> swish(b, x, alpha)).expansion(node);
        });
        r.expand("SwiGLU", 28, node -> {
            float alpha = node.attributes().real("alpha", 1);
            return c -> {
                GraphBuilder b = c.builder();
                Value gate = c.operand(0);
                Value x = c.operand(1);
                if (!gate.type().equals(x.type())) {
                    throw c.error("gate is " + gate.type() + ", value is " + x.type() + ", expected the same");
                }
                DType t = gate.dtype().computeType();
                return List.of(inComputeType(b, gate, g -> b.times(swish(b, g, alpha), b.cast(x, t))));
            };
        });
    }

    /** x Φ(x), with the normal distribution's Φ by the error function. */
    static Value gelu(GraphBuilder b, Value x) {
        Value erf = b.map(MapFunction.ERF, MathOperators.linear(b, x, Math.sqrt(0.5), 0));
        return b.times(MathOperators.linear(b, x, 0.5, 0), MathOperators.linear(b, erf, 1, 1));
    }

    /** The approximation of {@link #gelu} by a hyperbolic tangent (Hendrycks and Gimpel, arXiv:1606.08415). */
    static Value geluTanh(GraphBuilder b, Value x) {
        Value cube = b.times(x, b.times(x, x));
        Value inner = b.plus(x, MathOperators.linear(b, cube, 0.044715, 0));
        Value tanh = b.map(MapFunction.TANH, MathOperators.linear(b, inner, Math.sqrt(2 / Math.PI), 0));
        return b.times(MathOperators.linear(b, x, 0.5, 0), MathOperators.linear(b, tanh, 1, 1));
    }

    /** x sigmoid(alpha x). */
    static Value swish(GraphBuilder b, Value x, double alpha) {
        return b.times(x, b.map(MapFunction.SIGMOID, MathOperators.linear(b, x, alpha, 0)));
    }

    @FunctionalInterface
    private interface AlongAxis {
        Value apply(GraphBuilder b, Value x, int axis);
    }

    /** Before opset 13 the operand is seen as a matrix: the axes before {@code axis} are its rows. */
    private static void flattened(Registry r, String name, int since, long defaultAxis, AlongAxis f) {
        r.expand(name, since, node -> {
            long axis = node.attributes().integer("axis", defaultAxis);
            return c -> {
                Value x = c.operand(0);
                int a = x.rank() == axis ? x.rank() : Expansions.axis(c, axis, x.rank());
                if (x.rank() > 0 && a == x.rank() - 1) return List.of(f.apply(c.builder(), x, a));
                List<Dim> dims = x.shape().dims();
                Shape matrix = Shape.of(List.of(
                        Expansions.product(dims.subList(0, a)), Expansions.product(dims.subList(a, dims.size()))));
                Value y = f.apply(c.builder(), c.builder().reshape(x, matrix), 1);
                return List.of(c.builder().reshape(y, x.shape()));
            };
        });
    }

    private static void alongAxis(Registry r, String name, AlongAxis f) {
        r.expand(name, 13, node -> {
            long axis = node.attributes().integer("axis", -1);
            return c -> {
                Value x = c.operand(0);
                // A scalar has no axis; it is its own row.
                if (x.rank() == 0) {
                    Value y = f.apply(c.builder(), c.builder().reshape(x, 1), 0);
                    return List.of(c.builder().reshape(y, Shape.SCALAR));
                }
                return List.of(f.apply(c.builder(), x, Expansions.axis(c, axis, x.rank())));
            };
        });
    }

    /** e^(x - max) / sum along an axis, as the composite {@code softmax} with the attribute {@code axis}. */
    static Value softmax(GraphBuilder b, Value x, int axis) {
        return composite(b, "softmax", x, axis, (g, v) -> {
            Value e = g.map(MapFunction.EXP, shifted(g, v, axis));
            return g.divide(e, g.sum(e, axis, true));
        });
    }

    /** x - max - log(sum of e^(x - max)) along an axis, as the composite {@code log_softmax} with the attribute {@code axis}. */
    static Value logSoftmax(GraphBuilder b, Value x, int axis) {
        return composite(b, "log_softmax", x, axis, (g, v) -> {
            Value s = shifted(g, v, axis);
            return g.minus(s, g.map(MapFunction.LOG, g.sum(g.map(MapFunction.EXP, s), axis, true)));
        });
    }

    private static Value shifted(GraphBuilder b, Value x, int axis) {
        return b.minus(x, Expansions.reduceKeep(b, ReduceKind.MAX, x, axis));
    }

    private static Value composite(
            GraphBuilder b, String name, Value x, int axis, BiFunction<GraphBuilder, Value, Value> body) {
        return b.composite(
                        name,
                        Map.of("axis", (long) axis),
                        List.of(x),
                        (g, in) -> List.of(inComputeType(g, in.getFirst(), v -> body.apply(g, v))))
                .getFirst();
    }

    /** 1 at the first largest element along an axis, 0 elsewhere. */
    static Value hardmax(GraphBuilder b, Value x, int axis) {
        if (x.shape().elements() == 0) return x;
        Value largest = b.add(new Op.ArgReduce(true, axis, false), x);
        List<Dim> kept = new ArrayList<>(x.shape().dims());
        kept.set(axis, Dim.of(1));
        Value place =
                b.iota(DType.I64, Expansions.repeated(x.rank(), axis, x.shape().dim(axis)), axis);
        return b.cast(b.map(MapFunction.EQ, b.reshape(largest, Shape.of(kept)), place), x.dtype());
    }
}
