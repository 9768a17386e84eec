package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.frontends.tflite.operators.FixedPoint.Multiplier;
import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import java.util.List;

/**
 * Softmax of 16-bit integers: exponentials and a reciprocal from tables of 513 places, between which is interpolated.
 *
 * @param exponentials of differences, 0 to -65535, with 15 fraction bits
 */
record WordSoftmax(Tensor exponentials) {
    private static final int VALUES = 1 << 16;

    /** Where differences of logarithms end: what is less counts as this. */
    private static final double RANGE = 10;

    private static final Tensor RECIPROCALS = reciprocals();

    static WordSoftmax of(Quantization q, float beta) {
        Multiplier m = Multiplier.of((double) q.scale(0) * beta / (RANGE / 65535));
        WordCurve curve = WordCurve.of(Math::exp, -RANGE, 0, 32768);
        Tensor t = Tensor.allocate(DType.I32, Shape.of(VALUES));
        for (int i = 0; i < VALUES; i++) {
            long place = Math.clamp(m.times(-i) + Short.MAX_VALUE, Short.MIN_VALUE, Short.MAX_VALUE);
            t.setLong(i, curve.at((int) place));
        }
        return new WordSoftmax(t);
    }

    /** 1 / (1 + x) for x in [0, 1), by all integers of 16 bits. */
    private static Tensor reciprocals() {
        WordCurve curve = WordCurve.of(x -> 1 / (1 + x), 0, 1, 32768);
        Tensor t = Tensor.allocate(DType.I32, Shape.of(VALUES));
        for (int i = 0; i < VALUES; i++) t.setLong(i, curve.at(i + Short.MIN_VALUE));
        return t;
    }

    /** Each exponential's share of their sum along the last axis. */
    Value shares(GraphBuilder b, Value x) {
        List<Integer> last = List.of(x.rank() - 1);
        Value wide = b.cast(x, DType.I32);
        Value difference = b.minus(b.reduce(ReduceKind.MAX, wide, last, true), wide);
        Value e = b.cast(b.add(new Op.Gather(0), b.constant(exponentials), difference), DType.I64);
        Value sum = b.reduce(ReduceKind.SUM, e, last, true);
        Value zeros = SoftmaxOperators.leadingZeros(b, sum, 32);
        Value one = b.scalar(DType.I64, 1L);
        Value shifted = b.map(MapFunction.SHIFT_LEFT, sum, b.minus(zeros, one));
        Value place = b.map(
                MapFunction.SHIFT_RIGHT, b.plus(shifted, b.scalar(DType.I64, 1L << 13)), b.scalar(DType.I64, 14L));
        // From [65536, 131072) to the table's places.
        Value index = b.map(
                MapFunction.CLAMP,
                b.minus(place, b.scalar(DType.I64, 1L << 16)),
                b.scalar(DType.I64, 0L),
                b.scalar(DType.I64, VALUES - 1L));
        Value reciprocal = b.cast(b.add(new Op.Gather(0), b.constant(RECIPROCALS), index), DType.I64);
        Value right = b.minus(b.scalar(DType.I64, 31L), zeros);
        Value half = b.map(MapFunction.SHIFT_LEFT, one, b.minus(right, one));
        Value share = b.map(MapFunction.SHIFT_RIGHT, b.plus(b.times(e, reciprocal), half), right);
        return FixedPoint.narrow(b, share, 0, new Activation.Range(0, Short.MAX_VALUE), DType.I16);
    }
}
