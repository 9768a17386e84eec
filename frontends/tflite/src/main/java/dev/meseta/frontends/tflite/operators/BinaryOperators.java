package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.frontends.tflite.operators.FixedPoint.Multiplier;
import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import dev.meseta.graph.quantized.QuantizedOp;
import java.util.List;

/** Functions of two operands, element by element, with numpy's broadcasting. */
final class BinaryOperators {
    private BinaryOperators() {}

    static void register(Registry r) {
        r.expand("ADD", node -> sum(node, MapFunction.ADD, node.options().flag(1, true)));
        r.expand("SUB", node -> sum(node, MapFunction.SUB, node.options().flag(1, true)));
        r.expand("MUL", BinaryOperators::product);
        r.expand("DIV", BinaryOperators::quotient);
        r.expand("SQUARED_DIFFERENCE", BinaryOperators::squaredDifference);
        r.expand("MAXIMUM", node -> extreme(node, MapFunction.MAX));
        r.expand("MINIMUM", node -> extreme(node, MapFunction.MIN));
        r.expand("POW", node -> plain(node, MapFunction.POW));
        r.expand("FLOOR_MOD", node -> plain(node, MapFunction.MOD));
        r.expand("FLOOR_DIV", node -> c -> List.of(floorDivide(c.builder(), c.operand(0), c.operand(1))));
        r.expand("ATAN2", node -> plain(node, MapFunction.ATAN2));
        r.expand("BITWISE_XOR", node -> plain(node, MapFunction.XOR));
        r.expand("RIGHT_SHIFT", node -> plain(node, MapFunction.SHIFT_RIGHT));
        r.expand("LOGICAL_AND", node -> plain(node, MapFunction.AND));
        r.expand("LOGICAL_OR", node -> plain(node, MapFunction.OR));
        r.expand("EQUAL", node -> comparison(node, MapFunction.EQ));
        r.expand("NOT_EQUAL", node -> comparison(node, MapFunction.NE));
        r.expand("LESS", node -> comparison(node, MapFunction.LT));
        r.expand("LESS_EQUAL", node -> comparison(node, MapFunction.LE));
        r.expand("GREATER", node -> comparison(node, MapFunction.GT));
        r.expand("GREATER_EQUAL", node -> comparison(node, MapFunction.GE));
        r.expand("ADD_N", node -> BinaryOperators::addAll);
    }

    private static Lowering.Expand plain(OperatorNode node, MapFunction f) {
        if (node.inputType(0) != node.inputType(1)) throw node.unsupportedTypes();
        return c -> List.of(c.builder().map(f, c.operand(0), c.operand(1)));
    }

    /** Integers with a scale are compared as they are: operands and result have one scale. */
    private static Lowering.Expand extreme(OperatorNode node, MapFunction f) {
        Lowering.Expand plain = plain(node, f);
        if (!isQuantized(node)) return plain;
        QuantizedOp named = new QuantizedOp.Extreme(f == MapFunction.MAX);
        return c -> List.of(
                Composites.of(c, named, new int[] {0, 1}, in -> plain.expand(in).getFirst()));
    }

    private static boolean isQuantized(OperatorNode node) {
        return node.isQuantized(0) && node.isQuantized(1);
    }

    private static Lowering.Expand numbers(OperatorNode node, Activation activation, Function f) {
        DType t = node.inputType(0);
        boolean known = t == DType.F32 || t == DType.I32 || t == DType.I64 || t == DType.U32 || t == DType.I16;
        if (!known || node.inputType(1) != t || node.outputType(0) != t) throw node.unsupportedTypes();
        return c -> List.of(activation.apply(c.builder(), f.apply(c.builder(), c.operand(0), c.operand(1))));
    }

    @FunctionalInterface
    private interface Function {
        Value apply(GraphBuilder b, Value x, Value y);
    }

    private static Value floorDivide(GraphBuilder b, Value x, Value y) {
        if (x.dtype().isFloat()) return b.map(MapFunction.FLOOR, b.divide(x, y));
        Value q = b.divide(x, y);
        Value rest = b.minus(x, b.times(q, y));
        Value zero = b.scalar(x.dtype(), 0L);
        Value apart = b.map(MapFunction.XOR, b.map(MapFunction.LT, rest, zero), b.map(MapFunction.LT, y, zero));
        Value less = b.map(MapFunction.AND, apart, b.map(MapFunction.NE, rest, zero));
        return b.minus(q, b.cast(less, x.dtype()));
    }

    private static List<Value> addAll(LoweringContext c) {
        Value sum = c.operand(0);
        for (int i = 1; i < c.operandCount(); i++) sum = c.builder().plus(sum, c.operand(i));
        return List.of(sum);
    }

    /** Both operands on one scale, which has more bits than theirs. */
    private record Common(Quantization left, Quantization right, int bits) {
        /** Twice the larger scale: that of the sum, without the bits. */
        double scale() {
            return 2 * (double) Math.max(left.scale(0), right.scale(0));
        }

        Value left(GraphBuilder b, Value x) {
            return raised(b, x, left);
        }

        Value right(GraphBuilder b, Value x) {
            return raised(b, x, right);
        }

        Multiplier multiplier(Quantization q) {
            return Multiplier.of(q.scale(0) / scale());
        }

        private Value raised(GraphBuilder b, Value x, Quantization q) {
            Value shifted = b.map(
                    MapFunction.SHIFT_LEFT, FixedPoint.minus(b, x, q.zeroPoint(0)), b.scalar(DType.I32, (long) bits));
            return FixedPoint.times(b, shifted, multiplier(q));
        }
    }

    private static Lowering.Expand sum(OperatorNode node, MapFunction f, boolean powers) {
        Activation activation = Activation.of(node, 0);
        if (!isQuantized(node)) return numbers(node, activation, (b, x, y) -> b.map(f, x, y));
        DType t = node.inputType(0);
        if (node.inputType(1) != t || node.outputType(0) != t) throw node.unsupportedTypes();
        if (t == DType.I16 && powers && PowerOfTwoSum.fits(node)) return PowerOfTwoSum.of(node, f, activation);
        Common common = new Common(node.inputScale(0), node.inputScale(1), t == DType.I16 ? 15 : 20);
        double unit = (double) (1L << common.bits()) * node.outputScale(0).scale(0);
        Rescale rescale = Rescale.to(node, common.scale() / unit, activation);
        QuantizedOp named = new QuantizedOp.Sum(
                f == MapFunction.SUB,
                common.bits(),
                common.left().zeroPoint(0),
                common.right().zeroPoint(0),
                Composites.scaling(false, common.multiplier(common.left())),
                Composites.scaling(false, common.multiplier(common.right())),
                Composites.scaling(rescale),
                Composites.clamp(rescale));
        return outer -> List.of(Composites.of(outer, named, new int[] {0, 1}, c -> {
            GraphBuilder b = c.builder();
            Value sum = b.map(f, common.left(b, c.operand(0)), common.right(b, c.operand(1)));
            return rescale.apply(b, sum, null);
        }));
    }

    private static Lowering.Expand product(OperatorNode node) {
        Activation activation = Activation.of(node, 0);
        if (!isQuantized(node)) return numbers(node, activation, GraphBuilder::times);
        DType t = node.inputType(0);
        if (node.inputType(1) != t || node.outputType(0) != t) throw node.unsupportedTypes();
        Quantization left = node.inputScale(0);
        Quantization right = node.inputScale(1);
        Rescale rescale = Rescale.to(
                node, left.scale(0) * right.scale(0) / node.outputScale(0).scale(0), activation);
        QuantizedOp named = new QuantizedOp.Product(
                left.zeroPoint(0), right.zeroPoint(0), Composites.scaling(rescale), Composites.clamp(rescale));
        return outer -> List.of(Composites.of(outer, named, new int[] {0, 1}, c -> {
            GraphBuilder b = c.builder();
            Value x = FixedPoint.minus(b, c.operand(0), left.zeroPoint(0));
            Value y = FixedPoint.minus(b, c.operand(1), right.zeroPoint(0));
            return rescale.apply(b, b.times(x, y), null);
        }));
    }

    private static Lowering.Expand quotient(OperatorNode node) {
        Activation activation = Activation.of(node, 0);
        if (!isQuantized(node)) return numbers(node, activation, GraphBuilder::divide);
        return QuantizedQuotient.of(node, activation);
    }

    private static Lowering.Expand squaredDifference(OperatorNode node) {
        if (!isQuantized(node)) {
            return numbers(node, Activation.NONE, (b, x, y) -> {
                Value d = b.minus(x, y);
                return b.times(d, d);
            });
        }
        if (node.inputType(0) != DType.I8 || node.inputType(1) != DType.I8) throw node.unsupportedTypes();
        Common common = new Common(node.inputScale(0), node.inputScale(1), 7);
        double unit = (double) (1L << 2 * common.bits()) * node.outputScale(0).scale(0);
        Rescale rescale = Rescale.to(node, common.scale() * common.scale() / unit, Activation.NONE);
        return c -> {
            GraphBuilder b = c.builder();
            Value d = b.minus(common.left(b, c.operand(0)), common.right(b, c.operand(1)));
            return List.of(rescale.apply(b, b.times(d, d), null));
        };
    }

    private static Lowering.Expand comparison(OperatorNode node, MapFunction f) {
        if (node.inputType(0) != node.inputType(1)) throw node.unsupportedTypes();
        if (!isQuantized(node)) return plain(node, f);
        Quantization left = node.inputScale(0);
        Quantization right = node.inputScale(1);
        boolean same = left.scale(0) == right.scale(0) && left.zeroPoint(0) == right.zeroPoint(0);
        if (same || node.inputType(0) == DType.I16) return plain(node, f);
        return c -> {
            GraphBuilder b = c.builder();
            return List.of(b.map(f, real(b, c.operand(0), left), real(b, c.operand(1), right)));
        };
    }

    /** What integers stand for, times 256, rounded. */
    private static Value real(GraphBuilder b, Value x, Quantization q) {
        Value shifted = b.map(MapFunction.SHIFT_LEFT, FixedPoint.minus(b, x, q.zeroPoint(0)), b.scalar(DType.I32, 8L));
        return FixedPoint.times(b, shifted, Multiplier.of(q.scale(0)));
    }
}
