package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.frontends.tflite.operators.FixedPoint.Multiplier;
import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.quantized.QuantizedOp;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * From sums of products back to the integers of a result.
 *
 * @param multipliers one, or one a channel
 * @param wide whether sums have 64 bits, which are rounded once
 * @param zeroPoint of the result
 * @param range of the result
 */
record Rescale(Multiplier[] multipliers, boolean wide, int zeroPoint, Activation.Range range, DType dtype) {
    /** Of products of operands 0 and 1 for result 0. The factor of weights with one scale is a product of 32 bits, as TFLite has it. */
    static Rescale ofProducts(OperatorNode node, Activation activation, boolean wide) {
        Quantization x = node.inputScale(0);
        Quantization w = node.inputScale(1);
        Quantization y = node.outputScale(0);
        Multiplier[] m = new Multiplier[w.scales().length];
        boolean narrowProduct = node.inputType(0) == DType.U8 || node.name().equals("FULLY_CONNECTED") && m.length == 1;
        for (int i = 0; i < m.length; i++) {
            double product = narrowProduct ? x.scale(0) * w.scale(i) : (double) x.scale(0) * w.scale(i);
            m[i] = Multiplier.of(product / y.scale(0));
        }
        return to(node, m, activation, wide);
    }

    /** To result 0. */
    static Rescale to(OperatorNode node, Multiplier[] multipliers, Activation activation, boolean wide) {
        Quantization y = node.outputScale(0);
        DType dtype = node.outputType(0);
        return new Rescale(multipliers, wide, y.zeroPoint(0), activation.range(node, y, dtype), dtype);
    }

    static Rescale to(OperatorNode node, double real, Activation activation) {
        return to(node, new Multiplier[] {Multiplier.of(real)}, activation, false);
    }

    /** Of operand 0, less its zero point. */
    Lowering.Expand expansion(int inputZero) {
        QuantizedOp named = new QuantizedOp.Rescale(inputZero, Composites.scaling(this), Composites.clamp(this));
        return outer -> List.of(Composites.of(outer, named, new int[] {0}, c -> {
            GraphBuilder b = c.builder();
            return apply(b, FixedPoint.minus(b, c.operand(0), inputZero), null);
        }));
    }

    /** The result's integers of sums whose last axis is that of the channels, with a bias along it. */
    Value apply(GraphBuilder b, Value sums, @Nullable Value bias) {
        Value biased = bias == null ? sums : b.plus(sums, b.cast(bias, sums.dtype()));
        Value scaled = wide ? FixedPoint.timesWide(b, biased, multipliers) : FixedPoint.times(b, biased, multipliers);
        return FixedPoint.narrow(b, scaled, zeroPoint, range, dtype);
    }
}
