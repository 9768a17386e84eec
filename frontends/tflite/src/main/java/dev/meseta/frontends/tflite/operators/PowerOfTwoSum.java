package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import java.util.List;

/** Sums of 16-bit integers whose scales are powers of two: one operand is shifted to the result's scale, the sum saturates. */
final class PowerOfTwoSum {
    private PowerOfTwoSum() {}

    /** Whether all scales are powers of two. */
    static boolean fits(OperatorNode node) {
        return isPower(node.inputScale(0)) && isPower(node.inputScale(1)) && isPower(node.outputScale(0));
    }

    private static boolean isPower(Quantization q) {
        double log = Math.log(q.scale(0)) / Math.log(2);
        return q.zeroPoint(0) == 0 && Math.abs(log - Math.rint(log)) < 1e-3;
    }

    private static int log(Quantization q) {
        return (int) Math.rint(Math.log(q.scale(0)) / Math.log(2));
    }

    static Lowering.Expand of(OperatorNode node, MapFunction f, Activation activation) {
        int left = log(node.outputScale(0)) - log(node.inputScale(0));
        int right = log(node.outputScale(0)) - log(node.inputScale(1));
        node.require(
                left >= 0 && right >= 0 && (left == 0 || right == 0) && left <= 15 && right <= 15,
                "the result's scale is neither the larger nor the smaller operand's");
        Activation.Range range = activation.range(node, node.outputScale(0), DType.I16);
        Activation.Range all = Activation.all(DType.I16);
        return c -> {
            GraphBuilder b = c.builder();
            Value x = FixedPoint.divideByPower(b, c.operand(0), left);
            Value y = FixedPoint.divideByPower(b, c.operand(1), right);
            Value sum = b.map(
                    MapFunction.CLAMP, b.map(f, x, y), b.scalar(DType.I64, all.low()), b.scalar(DType.I64, all.high()));
            return List.of(FixedPoint.narrow(b, sum, 0, range, DType.I16));
        };
    }
}
