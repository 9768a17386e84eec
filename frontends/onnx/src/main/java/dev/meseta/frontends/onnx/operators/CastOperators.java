package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import java.util.List;

/** Conversions between element types. The side of strings stands with the other operators on strings. */
final class CastOperators {
    private CastOperators() {}

    static void register(Registry r) {
        r.expand("Cast", 1, node -> {
            DType to = ElementTypes.named(node.attributes().string("to"));
            if (to == null)
                throw node.error("cannot convert to '" + node.attributes().string("to") + "'");
            return cast(node, to);
        });
        r.expand("Cast", 6, node -> cast(node, ElementTypes.attribute(node, "to", DType.F32)));
        r.expand("CastLike", 15, CastOperators::castLike);
        r.expand("BitCast", 26, node -> {
            DType to = ElementTypes.attribute(node, "to", DType.F32);
            return c -> {
                Value x = c.operand(0);
                // A truth value takes the width of its byte.
                if (x.dtype() == DType.BOOL || to == DType.BOOL) {
                    if (x.dtype().bytes() != 1
                            || to.bytes() != 1
                            || x.dtype() != DType.BOOL && x.dtype().bits() != 8) {
                        throw c.error("cannot reinterpret " + x.dtype() + " as " + to);
                    }
                    Value byteOf = c.builder().cast(x.dtype() == DType.BOOL ? x : bits(c.builder(), x), DType.U8);
                    return List.of(
                            to == DType.BOOL
                                    ? c.builder().cast(byteOf, to)
                                    : c.builder().add(new Op.Bitcast(to), byteOf));
                }
                if (x.dtype().bits() != to.bits()) {
                    throw c.error("cannot reinterpret " + x.dtype() + " as " + to + ": the widths differ");
                }
                return List.of(c.builder().add(new Op.Bitcast(to), x));
            };
        });
    }

    private static Value bits(GraphBuilder b, Value x) {
        return b.add(new Op.Bitcast(DType.U8), x);
    }

    /** How a {@code Cast} or {@code CastLike} node converts numbers. */
    record Conversion(boolean saturate, RoundMode roundMode, boolean truncateBf16) {
        /** The first opset whose text gives the rules of rounding; before, ONNX's cases cut bf16 off. */
        private static final int ROUNDED_BF16 = 19;

        /** Reads the attributes, which opset 19 and 24 added. */
        static Conversion of(OperatorNode node) {
            String mode = node.attributes().string("round_mode", "up");
            RoundMode roundMode = switch (mode) {
                case "up" -> RoundMode.UP;
                case "down" -> RoundMode.DOWN;
                case "nearest" -> RoundMode.NEAREST;
                default -> throw node.error("round_mode is '" + mode + "', expected up, down or nearest");
            };
            return new Conversion(node.attributes().flag("saturate", true), roundMode, node.opset() < ROUNDED_BF16);
        }

        Value apply(GraphBuilder b, Value x, DType to) {
            if (to == DType.F8E8M0 && x.dtype() != DType.F8E8M0) return toScale(b, x);
            if (to == DType.BF16 && truncateBf16 && x.dtype() == DType.F32) return truncated(b, x);
            boolean narrow = to.isFloat() && to.bits() <= 8;
            boolean saturates = to == DType.F4E2M1 || narrow && saturate;
            return b.add(new Op.Cast(to, saturates ? Op.Cast.Rounding.SATURATE : Op.Cast.Rounding.WRAP), x);
        }

        /** The upper half of the bits; NaN stays NaN even where its upper half is that of an infinity. */
        private static Value truncated(GraphBuilder b, Value x) {
            Value bits = b.add(new Op.Bitcast(DType.U32), x);
            Value high = b.cast(b.map(MapFunction.SHIFT_RIGHT, bits, b.scalar(DType.U32, 16L)), DType.U16);
            Value quiet = b.map(MapFunction.OR, high, b.scalar(DType.U16, 0x40L));
            Value kept = b.select(b.map(MapFunction.IS_NAN, x), quiet, high);
            return b.add(new Op.Bitcast(DType.BF16), kept);
        }

        /** To a power of two. Nearest is downward from 4/3 of the value, which reaches the next power from 3/2 on. */
        private Value toScale(GraphBuilder b, Value x) {
            Value v = b.cast(x, DType.F64);
            if (roundMode == RoundMode.NEAREST) v = b.times(v, b.scalar(DType.F64, 4.0 / 3));
            boolean up = roundMode == RoundMode.UP;
            Value y = b.add(new Op.Cast(DType.F8E8M0, up ? Op.Cast.Rounding.UP : Op.Cast.Rounding.DOWN), v);
            if (saturate) return y;
            // Beyond the largest power, 2^127, and below the smallest, 2^-127, there is none.
            Value high = up
                    ? b.map(MapFunction.LE, v, b.scalar(DType.F64, 0x1p127))
                    : b.map(MapFunction.LT, v, b.scalar(DType.F64, 0x1p128));
            Value low = b.map(MapFunction.GE, v, b.scalar(DType.F64, 0x1p-127));
            Value nan = b.constant(Tensor.scalar(DType.F8E8M0, Double.NaN));
            return b.select(b.map(MapFunction.AND, low, high), y, nan);
        }
    }

    enum RoundMode {
        UP,
        DOWN,
        NEAREST
    }

    /** The numeric side of Cast. */
    static Lowering.Expand cast(OperatorNode node, DType to) {
        Conversion conversion = Conversion.of(node);
        return c -> List.of(conversion.apply(c.builder(), c.operand(0), to));
    }

    /** The numeric side of CastLike. */
    static Lowering.Expand castLike(OperatorNode node) {
        Conversion conversion = Conversion.of(node);
        return c ->
                List.of(conversion.apply(c.builder(), c.operand(0), c.type(1).dtype()));
    }
}
