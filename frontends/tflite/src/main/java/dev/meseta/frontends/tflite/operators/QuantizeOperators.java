package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.frontends.tflite.format.TensorInfo;
import dev.meseta.frontends.tflite.operators.FixedPoint.Multiplier;
import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import java.util.List;

/** Between numbers and the integers that stand for them, and between element types. */
final class QuantizeOperators {
    private QuantizeOperators() {}

    static void register(Registry r) {
        r.expand("QUANTIZE", QuantizeOperators::quantize);
        r.expand("DEQUANTIZE", QuantizeOperators::dequantize);
        r.expand("DENSIFY", _ -> c -> List.of(c.operand(0)));
        r.expand("FAKE_QUANT", QuantizeOperators::fakeQuantize);
        r.expand("CAST", QuantizeOperators::cast);
        r.expand("BITCAST", node -> c -> List.of(c.builder().add(new Op.Bitcast(node.outputType(0)), c.operand(0))));
    }

    private static Lowering.Expand quantize(OperatorNode node) {
        DType x = node.inputType(0);
        DType y = node.outputType(0);
        Quantization q = node.outputScale(0);
        if (x == DType.F32) return c -> List.of(quantize(c.builder(), c.operand(0), q, y));
        boolean integers = (x == DType.I8 || x == DType.U8 || x == DType.I16 || x == DType.I32)
                && (y == DType.I8 || y == DType.U8 || y == DType.I16 || y == DType.I32);
        if (!integers || q.isPerChannel()) throw node.unsupportedTypes();
        Quantization from = node.inputScale(0);
        Multiplier m = Multiplier.of((double) from.scale(0) / (double) q.scale(0));
        return Rescale.to(node, new Multiplier[] {m}, Activation.NONE, false).expansion(from.zeroPoint(0));
    }

    /** The nearest integers, ties away from 0, saturated. */
    static Value quantize(GraphBuilder b, Value x, Quantization q, DType dtype) {
        Value scaled = b.divide(x, perChannel(b, q, x.rank(), DType.F32, i -> q.scale(i)));
        Value rounded = HybridProducts.roundHalfAway(b, scaled);
        Activation.Range all = Activation.all(dtype);
        Value shifted = b.plus(rounded, perChannel(b, q, x.rank(), DType.F32, q::zeroPoint));
        Value clamped =
                b.map(MapFunction.CLAMP, shifted, b.scalar(DType.F32, (double) all.low()), b.scalar(DType.F32, (double)
                        all.high()));
        return b.add(new Op.Cast(dtype, Op.Cast.Rounding.SATURATE), clamped);
    }

    private static Lowering.Expand dequantize(OperatorNode node) {
        DType x = node.inputType(0);
        if (x == DType.F16) return c -> List.of(c.builder().cast(c.operand(0), DType.F32));
        if (!x.isInteger()) throw node.unsupportedTypes();
        Quantization q = node.inputScale(0);
        return c -> List.of(dequantize(c.builder(), c.operand(0), q, node.outputType(0)));
    }

    /** The numbers that integers stand for. */
    static Value dequantize(GraphBuilder b, Value x, Quantization q, DType dtype) {
        Value wide = b.cast(x, DType.I32);
        Value centered = b.minus(wide, perChannel(b, q, x.rank(), DType.I32, q::zeroPoint));
        Value real = b.times(b.cast(centered, DType.F32), perChannel(b, q, x.rank(), DType.F32, i -> q.scale(i)));
        return b.cast(real, dtype);
    }

    /** A number, or one for each place of the quantised axis in a shape that broadcasts. */
    private static Value perChannel(
            GraphBuilder b, Quantization q, int rank, DType dtype, java.util.function.IntToDoubleFunction f) {
        if (!q.isPerChannel()) return b.scalar(dtype, f.applyAsDouble(0));
        long[] extents = new long[rank];
        java.util.Arrays.fill(extents, 1);
        extents[q.axis()] = q.scales().length;
        Tensor t = Tensor.allocate(TensorType.of(dtype, extents));
        for (int i = 0; i < q.scales().length; i++) t.setDouble(i, f.applyAsDouble(i));
        return b.constant(t);
    }

    /** Options: the least and the greatest number, bits, and whether the least integer is left out. */
    private static Lowering.Expand fakeQuantize(OperatorNode node) {
        float min = node.options().real(0);
        float max = node.options().real(1);
        int bits = node.options().integer(2);
        node.require(bits >= 2 && bits <= 16 && max > min, "range [" + min + ", " + max + "] in " + bits + " bits");
        int least = node.options().flag(3) ? 1 : 0;
        int greatest = (1 << bits) - 1;
        float scale = (max - min) / (greatest - least);
        float fromMin = least - min / scale;
        int zero = fromMin < least ? least : fromMin > greatest ? greatest : FixedPoint.roundHalfAway(fromMin);
        float low = (least - zero) * scale;
        float high = (greatest - zero) * scale;
        return c -> {
            GraphBuilder b = c.builder();
            Value lowest = b.scalar(DType.F32, (double) low);
            Value clamped = b.map(MapFunction.CLAMP, c.operand(0), lowest, b.scalar(DType.F32, (double) high));
            Value steps = b.times(b.minus(clamped, lowest), b.scalar(DType.F32, (double) (1.0f / scale)));
            Value whole = HybridProducts.roundHalfAway(b, steps);
            return List.of(b.plus(b.times(whole, b.scalar(DType.F32, (double) scale)), lowest));
        };
    }

    private static Lowering.Expand cast(OperatorNode node) {
        DType y = node.outputType(0);
        TensorInfo x = node.input(0);
        if (x.dtype() == null || x.dtype().kind() == DType.Kind.COMPLEX || y.kind() == DType.Kind.COMPLEX) {
            throw node.unsupportedTypes();
        }
        // What leaves an integer's range is undefined there: the nearest it is.
        boolean saturates = x.dtype().isFloat() && y.isInteger();
        Op.Cast.Rounding rounding = saturates ? Op.Cast.Rounding.SATURATE : Op.Cast.Rounding.WRAP;
        return c -> List.of(c.builder().add(new Op.Cast(y, rounding), c.operand(0)));
    }
}
