package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Products of floats with weights that are bytes: as TFLite does, the floats of each batch become bytes by the largest of them, products are
 * of bytes, and their sums become floats again.
 *
 * @param weights how the weights' integers stand for numbers
 * @param asymmetric whether the bytes have a zero point
 */
record HybridProducts(Quantization weights, boolean asymmetric) {
    private static final double LARGEST = 127;
    private static final double LEAST = -128;

    /**
     * Floats as integers.
     *
     * @param integers I8, or I16 where a zero point was taken from them
     * @param scales F32, of the same rank, one a batch
     */
    record Quantized(Value integers, Value scales) {}

    static HybridProducts of(OperatorNode node, boolean asymmetric) {
        Quantization q = node.inputScale(1);
        for (long zero : q.zeroPoints()) node.require(zero == 0, "weights of zero point " + zero + " with floats");
        return new HybridProducts(q, asymmetric);
    }

    /** Each place of axis 0 by its own range. */
    Quantized quantizeBatches(GraphBuilder b, Value x) {
        return asymmetric ? byRange(b, x) : byMagnitude(b, x);
    }

    private static List<Integer> others(Value x) {
        return IntStream.range(1, x.rank()).boxed().toList();
    }

    private static Quantized byMagnitude(GraphBuilder b, Value x) {
        Value largest = b.reduce(ReduceKind.MAX, b.map(MapFunction.ABS, x), others(x), true);
        Value zero = b.scalar(DType.F32, 0.0);
        Value one = b.scalar(DType.F32, 1.0);
        Value isZero = b.map(MapFunction.EQ, largest, zero);
        Value scales = b.select(isZero, one, b.divide(largest, b.scalar(DType.F32, LARGEST)));
        Value inverse = b.select(isZero, zero, b.divide(b.scalar(DType.F32, LARGEST), largest));
        Value rounded = roundHalfAway(b, b.times(x, inverse));
        Value limit = b.scalar(DType.F32, LARGEST);
        Value clamped = b.map(MapFunction.CLAMP, rounded, b.neg(limit), limit);
        return new Quantized(b.add(new Op.Cast(DType.I8, Op.Cast.Rounding.SATURATE), clamped), scales);
    }

    /** Bytes from the least to the greatest number, 0 among them; the zero point is taken from them at once. */
    private static Quantized byRange(GraphBuilder b, Value x) {
        Value zero = b.scalar(DType.F64, 0.0);
        Value low = b.min(b.cast(b.reduce(ReduceKind.MIN, x, others(x), true), DType.F64), zero);
        Value high = b.max(b.cast(b.reduce(ReduceKind.MAX, x, others(x), true), DType.F64), zero);
        Value isZero = b.map(MapFunction.EQ, low, high);
        Value least = b.scalar(DType.F64, LEAST);
        Value most = b.scalar(DType.F64, LARGEST);
        Value span = b.divide(b.minus(high, low), b.scalar(DType.F64, LARGEST - LEAST));
        Value scale = b.select(isZero, b.scalar(DType.F64, 1.0), span);
        Value fromLow = b.divide(low, scale);
        Value fromHigh = b.divide(high, scale);
        Value lowIsNearer =
                b.map(MapFunction.LT, b.plus(b.neg(least), b.map(MapFunction.ABS, fromLow)), b.plus(most, fromHigh));
        Value point = b.select(lowIsNearer, b.minus(least, fromLow), b.minus(most, fromHigh));
        Value offset = b.select(isZero, zero, roundHalfAway(b, b.map(MapFunction.CLAMP, point, least, most)));
        Value narrowOffset = b.cast(offset, DType.F32);
        Value narrowScale = b.cast(scale, DType.F32);
        Value inverse = b.divide(b.scalar(DType.F32, 1.0), narrowScale);
        Value rounded = roundHalfAway(b, b.plus(narrowOffset, b.times(x, inverse)));
        Value clamped = b.map(MapFunction.CLAMP, rounded, b.scalar(DType.F32, LEAST), b.scalar(DType.F32, LARGEST));
        Value centered = b.minus(clamped, narrowOffset);
        return new Quantized(b.add(new Op.Cast(DType.I16, Op.Cast.Rounding.SATURATE), centered), narrowScale);
    }

    /** The numbers of sums whose last axis is that of the weights' channels. */
    Value real(GraphBuilder b, Value sums, Value scales) {
        float[] w = weights.scales();
        Value factor = b.constant(w.length == 1 ? Tensor.scalar(DType.F32, w[0]) : Tensor.of(w, w.length));
        List<Dim> dims = new ArrayList<>(scales.shape().dims().subList(0, 1));
        while (dims.size() < sums.rank()) dims.add(Dim.of(1));
        Value perBatch = b.reshape(scales, Shape.of(dims));
        return b.times(b.cast(sums, DType.F32), b.times(perBatch, factor));
    }

    /** To the nearest integral value; of two, to the one that is farther from 0. */
    static Value roundHalfAway(GraphBuilder b, Value x) {
        Value whole = b.map(MapFunction.TRUNC, x);
        Value rest = b.map(MapFunction.ABS, b.minus(x, whole));
        Value away = b.plus(whole, b.map(MapFunction.SIGN, x));
        return b.select(b.map(MapFunction.GE, rest, b.scalar(x.dtype(), 0.5)), away, whole);
    }
}
