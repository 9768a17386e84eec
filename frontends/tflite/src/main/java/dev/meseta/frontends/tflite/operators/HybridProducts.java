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
 */
record HybridProducts(Quantization weights) {
    /** The options do not ask for a zero point of the floats. */
    static final boolean SYMMETRIC = false;

    private static final double LARGEST = 127;

    /**
     * Floats as bytes.
     *
     * @param integers I8
     * @param scales F32, of the same rank, one a batch
     */
    record Quantized(Value integers, Value scales) {}

    static HybridProducts of(OperatorNode node, boolean asymmetric) {
        Quantization q = node.inputScale(1);
        for (long zero : q.zeroPoints()) node.require(zero == 0, "weights of zero point " + zero + " with floats");
        // TFLite's zero point for the floats only changes the rounding: the symmetric form is as exact.
        return new HybridProducts(q);
    }

    /** Each place of axis 0 by its own largest magnitude. */
    Quantized quantizeBatches(GraphBuilder b, Value x) {
        List<Integer> others = IntStream.range(1, x.rank()).boxed().toList();
        Value largest = b.reduce(ReduceKind.MAX, b.map(MapFunction.ABS, x), others, true);
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
