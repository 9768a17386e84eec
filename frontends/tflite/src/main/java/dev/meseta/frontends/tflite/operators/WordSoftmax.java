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
import java.util.function.DoubleUnaryOperator;

/**
 * Softmax of 16-bit integers: exponentials and a reciprocal from tables of 513 places, between which is interpolated.
 *
 * @param exponentials of differences, 0 to -65535, with 15 fraction bits
 */
record WordSoftmax(Tensor exponentials) {
    private static final int PLACES = 512;
    private static final int VALUES = 1 << 16;

    /** Where differences of logarithms end: what is less counts as this. */
    private static final double RANGE = 10;

    private static final Tensor RECIPROCALS = reciprocals();

    static WordSoftmax of(Quantization q, float beta) {
        Multiplier m = Multiplier.of((double) q.scale(0) * beta / (RANGE / 65535));
        int[] table = places(Math::exp, -RANGE, 0);
        Tensor t = Tensor.allocate(DType.I32, Shape.of(VALUES));
        for (int i = 0; i < VALUES; i++) {
            long place = Math.clamp(rounded(-i, m) + Short.MAX_VALUE, Short.MIN_VALUE, Short.MAX_VALUE);
            t.setLong(i, between(table, (int) place));
        }
        return new WordSoftmax(t);
    }

    /** 1 / (1 + x) for x in [0, 1), by all integers of 16 bits. */
    private static Tensor reciprocals() {
        int[] table = places(x -> 1 / (1 + x), 0, 1);
        Tensor t = Tensor.allocate(DType.I32, Shape.of(VALUES));
        for (int i = 0; i < VALUES; i++) t.setLong(i, between(table, i + Short.MIN_VALUE));
        return t;
    }

    /** As {@link FixedPoint#times(GraphBuilder, Value, Multiplier)}. */
    private static long rounded(int x, Multiplier m) {
        long high = (long) (x << Math.max(0, m.shift())) * m.mantissa() + (1L << 30) >> 31;
        int right = Math.max(0, -m.shift());
        return right == 0 ? high : high + (1L << right - 1) + (high >> 63) >> right;
    }

    /** A function at each end of equal parts, with 15 fraction bits, moved so that the middles of the parts are nearly right too. */
    private static int[] places(DoubleUnaryOperator f, double low, double high) {
        int[] table = new int[PLACES + 1];
        double step = (high - low) / PLACES;
        for (int i = 0; i < PLACES; i++) {
            double here = f.applyAsDouble(low + i * step) * 32768;
            double next = f.applyAsDouble(low + (i + 1) * step) * 32768;
            double middle = Math.round(f.applyAsDouble(low + i * step + step / 2) * 32768);
            double interpolated = FixedPoint.roundHalfAway((next + Math.round(here)) / 2);
            long bias = FixedPoint.roundHalfAway((interpolated - middle) / 2);
            table[i] = (int) Math.clamp(Math.round(here) - bias, Short.MIN_VALUE, Short.MAX_VALUE);
        }
        table[PLACES] = (int) Math.clamp(Math.round(f.applyAsDouble(high) * 32768), Short.MIN_VALUE, Short.MAX_VALUE);
        return table;
    }

    private static int between(int[] table, int value) {
        int i = PLACES / 2 + (value >> 7);
        return table[i] + ((table[i + 1] - table[i]) * (value & 127) + 64 >> 7);
    }

    /** Each exponential's share of their sum along the last axis. */
    Value shares(GraphBuilder b, Value x) {
        List<Integer> last = List.of(x.rank() - 1);
        Value wide = b.cast(x, DType.I32);
        Value difference = b.minus(b.reduce(ReduceKind.MAX, wide, last, true), wide);
        Value e = b.cast(b.add(new Op.Gather(0), b.constant(exponentials), difference), DType.I64);
        Value sum = b.reduce(ReduceKind.SUM, e, last, true);
        Value zeros = SoftmaxOperators.leadingZeros(b, sum);
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
