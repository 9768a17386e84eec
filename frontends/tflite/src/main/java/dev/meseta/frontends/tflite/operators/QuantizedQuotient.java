package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import java.util.List;

/**
 * Quotients of bytes that stand for numbers: the nearest integer to the quotient, ties away from 0. TFLite comes to the same by a reciprocal
 * of 31 bits, but for quotients that are nearer to a tie than its precision.
 */
final class QuantizedQuotient {
    private QuantizedQuotient() {}

    static Lowering.Expand of(OperatorNode node, Activation activation) {
        DType t = node.inputType(0);
        boolean bytes = t == DType.I8 || t == DType.U8;
        if (!bytes || node.inputType(1) != t || node.outputType(0) != t) throw node.unsupportedTypes();
        Quantization left = node.inputScale(0);
        Quantization right = node.inputScale(1);
        Quantization result = node.outputScale(0);
        Activation.Range range = activation.range(node, result, t);
        double real = (double) left.scale(0) / ((double) right.scale(0) * result.scale(0));
        return c -> {
            GraphBuilder b = c.builder();
            Value x = b.cast(FixedPoint.minus(b, c.operand(0), left.zeroPoint(0)), DType.F64);
            Value y = b.cast(FixedPoint.minus(b, c.operand(1), right.zeroPoint(0)), DType.F64);
            Value quotient = b.divide(b.times(x, b.scalar(DType.F64, real)), y);
            Value rounded = HybridProducts.roundHalfAway(b, quotient);
            Value limited = b.map(MapFunction.CLAMP, rounded, b.scalar(DType.F64, -1e9), b.scalar(DType.F64, 1e9));
            return List.of(FixedPoint.narrow(b, b.cast(limited, DType.I64), result.zeroPoint(0), range, t));
        };
    }
}
