package dev.meseta.frontends.onnx.operators;

import static dev.meseta.frontends.onnx.operators.Expansions.inComputeType;

import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.List;
import java.util.function.BinaryOperator;

/** Arithmetic element by element, and running sums and products. */
final class MathOperators {
    private MathOperators() {}

    static void register(Registry r) {
        unaries(r);
        arithmetic(r);
        variadic(r);
        integers(r);
        clip(r);
        r.expand("CumSum", 11, node -> cumulative(node, ReduceKind.SUM));
        r.expand("CumProd", 26, node -> cumulative(node, ReduceKind.PROD));
    }

    private static void unaries(Registry r) {
        unary(r, "Abs", 1, MapFunction.ABS);
        unary(r, "Neg", 1, MapFunction.NEG);
        unary(r, "Sign", 9, MapFunction.SIGN);
        unary(r, "Floor", 1, MapFunction.FLOOR);
        unary(r, "Ceil", 1, MapFunction.CEIL);
        unary(r, "Round", 11, MapFunction.ROUND);
        unary(r, "Sqrt", 1, MapFunction.SQRT);
        unary(r, "Exp", 1, MapFunction.EXP);
        unary(r, "Log", 1, MapFunction.LOG);
        unary(r, "Sin", 7, MapFunction.SIN);
        unary(r, "Cos", 7, MapFunction.COS);
        unary(r, "Tan", 7, MapFunction.TAN);
        unary(r, "Asin", 7, MapFunction.ASIN);
        unary(r, "Acos", 7, MapFunction.ACOS);
        unary(r, "Atan", 7, MapFunction.ATAN);
        unary(r, "Sinh", 9, MapFunction.SINH);
        unary(r, "Cosh", 9, MapFunction.COSH);
        unary(r, "Tanh", 1, MapFunction.TANH);
        unary(r, "Asinh", 9, MapFunction.ASINH);
        unary(r, "Acosh", 9, MapFunction.ACOSH);
        unary(r, "Atanh", 9, MapFunction.ATANH);
        unary(r, "Erf", 9, MapFunction.ERF);
        r.expand("Reciprocal", 1, node -> c -> {
            Value x = c.operand(0);
            return List.of(c.builder().divide(c.builder().scalar(x.dtype(), 1.0), x));
        });
        r.expand("IsNaN", 9, node -> c -> List.of(c.builder().map(MapFunction.IS_NAN, comparable(c))));
        r.expand("IsInf", 10, MathOperators::isInfinite);
        // Withdrawn experimental operators, which files of the first opsets contain.
        r.expand("Affine", 1, node -> {
            float alpha = node.attributes().real("alpha", 1);
            float beta = node.attributes().real("beta", 0);
            return c -> List.of(inComputeType(c.builder(), c.operand(0), x -> linear(c.builder(), x, alpha, beta)));
        });
        r.expand("Scale", 1, node -> {
            float scale = node.attributes().real("scale", 1);
            return c -> List.of(inComputeType(c.builder(), c.operand(0), x -> linear(c.builder(), x, scale, 0)));
        });
        r.expand("ImageScaler", 1, MathOperators::imageScaler);
    }

    private static void unary(Registry r, String name, int since, MapFunction f) {
        r.expand(name, since, Expansions.unary(f));
    }

    /** x * factor + offset. */
    static Value linear(GraphBuilder b, Value x, double factor, double offset) {
        Value y = factor == 1 ? x : b.times(x, b.scalar(x.dtype(), factor));
        return offset == 0 ? y : b.plus(y, b.scalar(x.dtype(), offset));
    }

    private static Lowering.Expand imageScaler(OperatorNode node) {
        float scale = node.attributes().real("scale", 1);
        float[] bias = node.attributes().reals("bias");
        return c -> {
            Value x = c.operand(0);
            if (x.rank() != 4 || x.extent(1) != bias.length) {
                throw c.error("input is " + x.type() + ", expected [N," + bias.length + ",H,W] for " + bias.length
                        + " biases");
            }
            GraphBuilder b = c.builder();
            Value offsets = b.constant(Tensor.of(bias, bias.length, 1, 1));
            return List.of(inComputeType(b, x, y -> b.plus(linear(b, y, scale, 0), b.cast(offsets, y.dtype()))));
        };
    }

    /** Operand 0, converted to F32 if no arithmetic is defined on its type. */
    private static Value comparable(LoweringContext c) {
        Value x = c.operand(0);
        if (!x.dtype().isFloat()) throw c.error("input is " + x.type() + ", expected floats");
        return x.dtype().isArithmetic() ? x : c.builder().cast(x, DType.F32);
    }

    private static Lowering.Expand isInfinite(OperatorNode node) {
        boolean negative = node.attributes().flag("detect_negative", true);
        boolean positive = node.attributes().flag("detect_positive", true);
        return c -> {
            GraphBuilder b = c.builder();
            Value x = comparable(c);
            if (negative && positive) return List.of(b.map(MapFunction.IS_INF, x));
            if (!negative && !positive) return List.of(b.broadcast(b.scalar(DType.BOOL, 0L), x.shape()));
            double wanted = positive ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
            return List.of(b.map(MapFunction.EQ, x, b.scalar(x.dtype(), wanted)));
        };
    }

    private static void arithmetic(Registry r) {
        Expansions.binary(r, "Add", MapFunction.ADD);
        Expansions.binary(r, "Sub", MapFunction.SUB);
        Expansions.binary(r, "Mul", MapFunction.MUL);
        Expansions.binary(r, "Div", MapFunction.DIV);
        r.expand("Mod", 10, node -> {
            boolean fmod = node.attributes().flag("fmod", false);
            return c -> {
                if (!fmod && c.type(0).dtype().isFloat()) {
                    throw c.error("attribute 'fmod' is 0, but the operands are floats (" + c.type(0) + ")");
                }
                return List.of(c.builder().map(fmod ? MapFunction.REM : MapFunction.MOD, c.operand(0), c.operand(1)));
            };
        });
        r.expand("Pow", 1, node -> {
            boolean broadcast = node.attributes().flag("broadcast", false);
            boolean axisGiven = node.attributes().has("axis");
            long axis = node.attributes().integer("axis", 0);
            return c -> {
                Value a = c.operand(0);
                return List.of(power(
                        c.builder(), a, Expansions.legacyBroadcast(c, a, c.operand(1), broadcast, axis, axisGiven)));
            };
        });
        r.expand("Pow", 7, node -> c -> List.of(power(c.builder(), c.operand(0), c.operand(1))));
    }

    /** Power of operands whose types may differ; the result has the base's type. */
    static Value power(GraphBuilder b, Value base, Value exponent) {
        DType t = base.dtype();
        DType e = exponent.dtype();
        Tensor known = b.known(exponent);
        boolean number = e.isArithmetic() && t.isArithmetic();
        if (number
                && known != null
                && known.elements() == 1
                && known.getDouble(0) == 2
                && exponent.rank() <= base.rank()) {
            return b.times(base, base);
        }
        if (t == e) return b.map(MapFunction.POW, base, exponent);
        DType compute;
        if (t.isInteger() && e.isInteger()) compute = DType.I64;
        else if (t == DType.F64 || e == DType.F64 || t.isInteger()) compute = DType.F64;
        else compute = DType.F32;
        return b.cast(b.map(MapFunction.POW, b.cast(base, compute), b.cast(exponent, compute)), t);
    }

    private static void variadic(Registry r) {
        r.expand("Max", 1, node -> c -> List.of(fold(c, (x, y) -> c.builder().max(x, y))));
        r.expand("Min", 1, node -> c -> List.of(fold(c, (x, y) -> c.builder().min(x, y))));
        r.expand("Sum", 1, node -> c -> List.of(sum(c)));
        r.expand("Mean", 1, node -> c -> {
            GraphBuilder b = c.builder();
            Value s = c.operandCount() == 1 ? c.operand(0) : wideSum(c);
            Value mean = b.divide(s, b.scalar(s.dtype(), (double) c.operandCount()));
            return List.of(b.cast(mean, c.type(0).dtype()));
        });
    }

    private static Value fold(LoweringContext c, BinaryOperator<Value> f) {
        if (c.operandCount() == 0) throw c.error("has no operand");
        Value v = c.operand(0);
        for (int i = 1; i < c.operandCount(); i++) v = f.apply(v, c.operand(i));
        return v;
    }

    private static Value sum(LoweringContext c) {
        if (c.operandCount() <= 2) return fold(c, (x, y) -> c.builder().plus(x, y));
        return c.builder().cast(wideSum(c), c.type(0).dtype());
    }

    /** The sum of all operands in the type in which their sums are computed. */
    private static Value wideSum(LoweringContext c) {
        GraphBuilder b = c.builder();
        DType t = c.type(0).dtype().computeType();
        Value v = b.cast(c.operand(0), t);
        for (int i = 1; i < c.operandCount(); i++) v = b.plus(v, b.cast(c.operand(i), t));
        return v;
    }

    private static void integers(Registry r) {
        r.expand("BitShift", 11, node -> {
            String direction = node.attributes().string("direction");
            MapFunction f = switch (direction) {
                case "LEFT" -> MapFunction.SHIFT_LEFT;
                case "RIGHT" -> MapFunction.SHIFT_RIGHT;
                default -> throw node.error("direction is '" + direction + "', expected LEFT or RIGHT");
            };
            return c -> List.of(c.builder().map(f, c.operand(0), c.operand(1)));
        });
        r.expand("BitwiseAnd", 18, node -> c -> List.of(c.builder().map(MapFunction.AND, c.operand(0), c.operand(1))));
        r.expand("BitwiseOr", 18, node -> c -> List.of(c.builder().map(MapFunction.OR, c.operand(0), c.operand(1))));
        r.expand("BitwiseXor", 18, node -> c -> List.of(c.builder().map(MapFunction.XOR, c.operand(0), c.operand(1))));
        unary(r, "BitwiseNot", 18, MapFunction.NOT);
    }

    private static void clip(Registry r) {
        r.expand("Clip", 1, node -> {
            Attributes a = node.attributes();
            float min = a.real("min", -Float.MAX_VALUE);
            float max = a.real("max", Float.MAX_VALUE);
            return c -> {
                GraphBuilder b = c.builder();
                Value x = c.operand(0);
                // Bounds that are not given are the largest finite numbers, so that infinities are clipped too.
                return List.of(b.map(MapFunction.CLAMP, x, b.scalar(x.dtype(), min), b.scalar(x.dtype(), max)));
            };
        });
        r.expand("Clip", 11, node -> c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            if (c.has(1) && c.has(2)) {
                return List.of(b.map(MapFunction.CLAMP, x, bound(c, 1, "min"), bound(c, 2, "max")));
            }
            if (c.has(1)) return List.of(b.max(x, bound(c, 1, "min")));
            return List.of(c.has(2) ? b.min(x, bound(c, 2, "max")) : x);
        });
    }

    private static Value bound(LoweringContext c, int operand, String what) {
        return Expansions.scalar(c, c.operand(operand), what);
    }

    private static Lowering.Expand cumulative(OperatorNode node, ReduceKind kind) {
        boolean exclusive = node.attributes().flag("exclusive", false);
        boolean reverse = node.attributes().flag("reverse", false);
        return c -> {
            Value x = c.operand(0);
            int axis = Expansions.axis(c, Expansions.integer(c, 1, "axis"), x.rank());
            return List.of(c.builder().add(new Op.Cumulative(kind, axis, exclusive, reverse), x));
        };
    }
}
