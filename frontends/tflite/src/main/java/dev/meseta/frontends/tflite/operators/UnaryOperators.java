package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.frontends.tflite.operators.FixedPoint.Multiplier;
import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.OperatorDefinition;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/** Functions of one operand, element by element. Those of bytes that stand for numbers are tables. */
final class UnaryOperators {
    private static final int ROOT_BITS = 20;

    private UnaryOperators() {}

    static void register(Registry r) {
        r.expand("ABS", node -> quantizable(node, MapFunction.ABS, UnaryOperators::absolute));
        r.expand("NEG", node -> quantizable(node, MapFunction.NEG, UnaryOperators::negative));
        r.expand("SQRT", node -> function(node, MapFunction.SQRT, Math::sqrt));
        r.expand("EXP", node -> function(node, MapFunction.EXP, Math::exp));
        r.expand("LOG", node -> function(node, MapFunction.LOG, x -> x > 0 ? Math.log(x) : Double.NEGATIVE_INFINITY));
        r.expand("SIN", node -> function(node, MapFunction.SIN, Math::sin));
        r.expand("COS", node -> function(node, MapFunction.COS, Math::cos));
        r.expand("FLOOR", node -> plain(MapFunction.FLOOR));
        r.expand("CEIL", node -> plain(MapFunction.CEIL));
        r.expand("ROUND", node -> plain(MapFunction.ROUND));
        r.expand("SIGN", node -> plain(MapFunction.SIGN));
        r.expand("LOGICAL_NOT", node -> plain(MapFunction.NOT));
        r.expand("RSQRT", UnaryOperators::reciprocalRoot);
        r.expand("SQUARE", node -> c -> List.of(c.builder().times(c.operand(0), c.operand(0))));
        r.expand(
                "ZEROS_LIKE",
                node -> c -> List.of(c.builder()
                        .broadcast(
                                c.builder().scalar(c.type(0).dtype(), 0L),
                                c.type(0).shape())));
        r.expand("LOGISTIC", node -> bounded(node, MapFunction.SIGMOID, WordTables::logistic));
        r.expand("TANH", node -> bounded(node, MapFunction.TANH, WordTables::tanh));
        r.expand("RELU", node -> rectified(node, Activation.RELU));
        r.expand("RELU6", node -> rectified(node, Activation.RELU6));
        r.expand("RELU_N1_TO_1", node -> rectified(node, Activation.RELU_N1_TO_1));
        r.expand("RELU_0_TO_1", node -> rectified(node, Activation.RELU_0_TO_1));
        r.expand("ELU", node -> byBytes(node, UnaryOperators::elu, x -> x < 0 ? Math.expm1(x) : x));
        r.expand("GELU", UnaryOperators::gelu);
        r.expand("LEAKY_RELU", UnaryOperators::leaky);
        r.expand("PRELU", UnaryOperators::prelu);
        r.expand("HARD_SWISH", UnaryOperators::hardSwish);
    }

    private static Lowering.Expand plain(MapFunction f) {
        return c -> List.of(c.builder().map(f, c.operand(0)));
    }

    @FunctionalInterface
    private interface Formula {
        Value apply(GraphBuilder b, Value x);
    }

    private static Lowering.Expand quantizable(
            OperatorNode node, MapFunction f, OperatorDefinition.Expansion<OperatorNode> integers) {
        return node.isQuantized(0) ? integers.expansion(node) : plain(f);
    }

    private static Lowering.Expand function(OperatorNode node, MapFunction f, DoubleUnaryOperator real) {
        return byBytes(node, (b, x) -> b.map(f, x), real);
    }

    /** A formula of floats, or a table of bytes. */
    private static Lowering.Expand byBytes(OperatorNode node, Formula formula, DoubleUnaryOperator real) {
        if (node.inputType(0) == DType.F32) return c -> List.of(formula.apply(c.builder(), c.operand(0)));
        if (node.outputType(0) != node.inputType(0) || !node.isQuantized(0)) throw node.unsupportedTypes();
        if (node.inputType(0) == DType.I16) return words(node, real);
        return Tables.ofReal(node, real).expansion();
    }

    /** Of 16 bits. */
    private static Lowering.Expand words(OperatorNode node, DoubleUnaryOperator real) {
        float x = node.inputScale(0).scale(0);
        float y = node.outputScale(0).scale(0);
        // What is beyond all numbers would move its neighbours.
        WordCurve curve = WordCurve.of(
                v -> {
                    double result = real.applyAsDouble(v);
                    return Double.isInfinite(result) ? y * (result < 0 ? Short.MIN_VALUE : Short.MAX_VALUE) : result;
                },
                Short.MIN_VALUE * x,
                Short.MAX_VALUE * x,
                65536.0 / (65535.0 * y));
        return Tables.of(DType.I16, DType.I16, i -> curve.at((int) i)).expansion();
    }

    private static Lowering.Expand bounded(
            OperatorNode node, MapFunction f, OperatorDefinition.Expansion<OperatorNode> words) {
        if (node.inputType(0) == DType.I16 && node.isQuantized(0)) return words.expansion(node);
        DoubleUnaryOperator real = f == MapFunction.TANH ? Math::tanh : x -> 1 / (1 + Math.exp(-x));
        return function(node, f, real);
    }

    private static Value elu(GraphBuilder b, Value x) {
        Value negative = b.map(MapFunction.LT, x, b.scalar(x.dtype(), 0L));
        return b.select(negative, b.map(MapFunction.EXPM1, x), x);
    }

    /** Of bytes: the reciprocal of an integer's root has 20 fraction bits, and is scaled then. */
    private static Lowering.Expand reciprocalRoot(OperatorNode node) {
        DType t = node.inputType(0);
        if (t == DType.F32) {
            return c -> {
                GraphBuilder b = c.builder();
                return List.of(b.divide(b.scalar(t, 1.0), b.map(MapFunction.SQRT, c.operand(0))));
            };
        }
        if (node.outputType(0) != t || !node.isQuantized(0)) throw node.unsupportedTypes();
        if (t == DType.I16) return words(node, x -> x > 0 ? 1 / Math.sqrt(x) : Double.POSITIVE_INFINITY);
        Quantization x = node.inputScale(0);
        Quantization y = node.outputScale(0);
        Multiplier m = Multiplier.of(1 / (Math.sqrt(x.scale(0)) * y.scale(0)) / (1 << ROOT_BITS));
        long most = Activation.all(t).high();
        return Tables.of(t, t, i -> {
                    long v = i - x.zeroPoint(0);
                    if (v <= 0) return most;
                    return m.times((int) FixedPoint.roundHalfAway((1 << ROOT_BITS) / Math.sqrt(v))) + y.zeroPoint(0);
                })
                .expansion();
    }

    /** Option: whether by tanh instead of the error function. */
    private static Lowering.Expand gelu(OperatorNode node) {
        boolean approximate = node.options().flag(0);
        double k = Math.sqrt(2 / Math.PI);
        return byBytes(
                node,
                (b, x) -> {
                    Value inner = approximate
                            ? b.map(
                                    MapFunction.TANH,
                                    b.times(
                                            b.scalar(x.dtype(), k),
                                            b.plus(
                                                    x,
                                                    b.times(b.scalar(x.dtype(), 0.044715), b.times(x, b.times(x, x))))))
                            : b.map(MapFunction.ERF, b.times(x, b.scalar(x.dtype(), Math.sqrt(0.5))));
                    Value half = b.times(x, b.scalar(x.dtype(), 0.5));
                    return b.times(half, b.plus(inner, b.scalar(x.dtype(), 1.0)));
                },
                x -> 0.5 * x * (1 + (approximate ? Math.tanh(k * (x + 0.044715 * x * x * x)) : Tables.erf(x))));
    }

    private static Lowering.Expand rectified(OperatorNode node, Activation activation) {
        if (!node.isQuantized(0)) {
            if (node.inputType(0) != DType.F32) throw node.unsupportedTypes();
            return c -> List.of(activation.apply(c.builder(), c.operand(0)));
        }
        Quantization x = node.inputScale(0);
        Multiplier m = Multiplier.of(x.scale(0) / node.outputScale(0).scale(0));
        return Rescale.to(node, new Multiplier[] {m}, activation, false).expansion(x.zeroPoint(0));
    }

    /** Option: the slope below 0. */
    private static Lowering.Expand leaky(OperatorNode node) {
        float alpha = node.options().real(0);
        if (!node.isQuantized(0)) {
            if (node.inputType(0) != DType.F32) throw node.unsupportedTypes();
            return c -> {
                GraphBuilder b = c.builder();
                Value x = c.operand(0);
                Value negative = b.map(MapFunction.LT, x, b.scalar(DType.F32, 0.0));
                return List.of(b.select(negative, b.times(x, b.scalar(DType.F32, (double) alpha)), x));
            };
        }
        Quantization x = node.inputScale(0);
        Quantization y = node.outputScale(0);
        Rescale positive = Rescale.to(node, (double) x.scale(0) / y.scale(0), Activation.NONE);
        Rescale negative = Rescale.to(node, (double) x.scale(0) * alpha / y.scale(0), Activation.NONE);
        return outer -> List.of(Composites.function(outer, c -> {
            GraphBuilder b = c.builder();
            Value v = FixedPoint.minus(b, c.operand(0), x.zeroPoint(0));
            Value isPositive = b.map(MapFunction.GE, v, b.scalar(DType.I32, 0L));
            return b.select(isPositive, positive.apply(b, v, null), negative.apply(b, v, null));
        }));
    }

    /** Operands: x, slopes below 0. */
    private static Lowering.Expand prelu(OperatorNode node) {
        DType t = node.inputType(0);
        if (!node.isQuantized(0)) {
            if (t != DType.F32) throw node.unsupportedTypes();
            return c -> {
                GraphBuilder b = c.builder();
                Value x = c.operand(0);
                Value negative = b.map(MapFunction.LT, x, b.scalar(t, 0.0));
                return List.of(b.select(negative, b.times(x, c.operand(1)), x));
            };
        }
        if (node.inputType(1) != t || node.outputType(0) != t) throw node.unsupportedTypes();
        Quantization x = node.inputScale(0);
        Quantization slope = node.inputScale(1);
        Quantization y = node.outputScale(0);
        Rescale positive = Rescale.to(node, (double) x.scale(0) / (double) y.scale(0), Activation.NONE);
        Rescale negative = Rescale.to(node, x.scale(0) * slope.scale(0) / y.scale(0), Activation.NONE);
        return c -> {
            GraphBuilder b = c.builder();
            Value v = FixedPoint.minus(b, c.operand(0), x.zeroPoint(0));
            Value s = FixedPoint.minus(b, c.operand(1), slope.zeroPoint(0));
            Value isPositive = b.map(MapFunction.GE, v, b.scalar(DType.I32, 0L));
            return List.of(b.select(isPositive, positive.apply(b, v, null), negative.apply(b, b.times(v, s), null)));
        };
    }

    private static Lowering.Expand hardSwish(OperatorNode node) {
        DType t = node.inputType(0);
        if (t == DType.F32) {
            return c -> {
                GraphBuilder b = c.builder();
                Value x = c.operand(0);
                Value ramp = b.map(MapFunction.CLAMP, b.plus(x, b.scalar(t, 3.0)), b.scalar(t, 0.0), b.scalar(t, 6.0));
                return List.of(b.times(b.times(x, ramp), b.scalar(t, 1.0 / 6)));
            };
        }
        boolean bytes = Tables.isByte(t) && node.outputType(0) == t;
        if (!bytes || !node.isQuantized(0)) throw node.unsupportedTypes();
        return HardSwish.of(node).expansion();
    }

    private static Lowering.Expand absolute(OperatorNode node) {
        Quantization x = node.inputScale(0);
        Quantization y = node.outputScale(0);
        Rescale rescale = Rescale.to(node, (double) x.scale(0) / y.scale(0), Activation.NONE);
        boolean same = x.scale(0) == y.scale(0);
        return outer -> List.of(Composites.function(outer, c -> {
            GraphBuilder b = c.builder();
            Value v = b.map(MapFunction.ABS, FixedPoint.minus(b, c.operand(0), x.zeroPoint(0)));
            return same
                    ? FixedPoint.narrow(b, v, y.zeroPoint(0), rescale.range(), rescale.dtype())
                    : rescale.apply(b, v, null);
        }));
    }

    private static Lowering.Expand negative(OperatorNode node) {
        Quantization x = node.inputScale(0);
        Quantization y = node.outputScale(0);
        DType t = node.outputType(0);
        return outer -> List.of(Composites.function(outer, c -> {
            GraphBuilder b = c.builder();
            Value v = b.neg(b.cast(c.operand(0), DType.I32));
            int offset = x.zeroPoint(0) + y.zeroPoint(0);
            return FixedPoint.narrow(b, v, offset, Activation.all(t), t);
        }));
    }
}
