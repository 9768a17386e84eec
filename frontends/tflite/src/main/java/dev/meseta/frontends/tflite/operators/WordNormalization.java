package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.operators.FixedPoint.Multiplier;
import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Value;
import java.util.List;

/**
 * Words less their mean over their deviation, along the last axis, times weights and with a bias, in integers: what gates of recurrent networks
 * that are normalised have. The deviation's reciprocal is by five steps of Newton's method.
 *
 * @param factor of a weight times a deviation, for results with 12 fraction bits
 * @param least what a variance below 1 counts as
 */
record WordNormalization(Multiplier factor, long least) {
    /** Fraction bits of means. */
    private static final int MEAN_BITS = 10;

    /** 1 and 3/2 with 28 fraction bits; the root of 1/2 with 31. */
    private static final long ONE = 1L << 28;

    private static final long HALF_OF_THREE = 3L << 27;
    private static final long ROOT_OF_HALF = Math.round(Math.sqrt(0.5) * (1L << 31));
    private static final int STEPS = 5;

    /** @param scale of the weights */
    static WordNormalization of(float scale) {
        return new WordNormalization(Multiplier.of((double) scale * (1 << 12)), Math.max(1, (int) (10000 * scale)));
    }

    /** Of I16, as I16; weights are I16, biases I32. */
    Value apply(GraphBuilder b, Value x, Value weights, Value bias) {
        List<Integer> last = List.of(x.rank() - 1);
        long n = x.extent(x.rank() - 1);
        Value v = b.cast(x, DType.I64);
        Value sum = b.reduce(ReduceKind.SUM, v, last, true);
        Value squares = b.reduce(ReduceKind.SUM, b.times(v, v), last, true);
        Value mean = b.divide(b.times(sum, number(b, 1L << MEAN_BITS)), number(b, n));
        Value scaled = b.minus(b.times(squares, number(b, (1L << 2 * MEAN_BITS) / n)), b.times(mean, mean));
        Value variance = b.divide(scaled, number(b, 1L << 2 * MEAN_BITS));
        Value none = b.map(MapFunction.LT, variance, number(b, 1));
        Value deviations = overRoot(
                b, b.minus(b.times(v, number(b, 1L << MEAN_BITS)), mean), b.select(none, number(b, least), variance));
        Value weighted = b.plus(b.times(deviations, b.cast(weights, DType.I64)), b.cast(bias, DType.I64));
        Value positive = b.map(MapFunction.GT, weighted, number(b, 0));
        Value nudge = b.select(positive, number(b, 1L << MEAN_BITS - 1), number(b, -(1L << MEAN_BITS - 1)));
        Value whole = b.divide(b.plus(weighted, nudge), number(b, 1L << MEAN_BITS));
        return FixedPoint.narrow(b, FixedPoint.times(b, whole, factor), 0, Activation.all(DType.I16), DType.I16);
    }

    private static Value number(GraphBuilder b, long n) {
        return b.scalar(DType.I64, n);
    }

    /** x / root(variance), rounded twice; the variance is 1 or more and has 31 bits. */
    private static Value overRoot(GraphBuilder b, Value x, Value variance) {
        // From a quarter to 1, by an even shift.
        Value large = b.map(MapFunction.GE, variance, number(b, 1L << 29));
        Value v = b.select(large, b.map(MapFunction.SHIFT_RIGHT, variance, number(b, 2)), variance);
        Value zeros = SoftmaxOperators.leadingZeros(b, v, 32);
        Value pairs = b.minus(b.map(MapFunction.SHIFT_RIGHT, b.minus(zeros, number(b, 1)), number(b, 1)), number(b, 1));
        Value shift = b.minus(b.select(large, number(b, 12), number(b, 11)), pairs);
        Value fixed = b.map(MapFunction.SHIFT_LEFT, v, b.plus(pairs, pairs));
        Value root = reciprocalRoot(b, b.map(MapFunction.SHIFT_RIGHT, fixed, number(b, 1)));
        Value none = number(b, 0);
        Value factor = b.map(MapFunction.SHIFT_LEFT, root, b.max(b.neg(shift), none));
        Value one = b.map(MapFunction.LE, variance, number(b, 1));
        factor = b.select(one, number(b, Integer.MAX_VALUE), factor);
        Value right = b.select(one, none, b.max(shift, none));
        Value high = FixedPoint.product31(b, x, factor);
        Value half = b.map(MapFunction.SHIFT_RIGHT, b.map(MapFunction.SHIFT_LEFT, number(b, 1), right), number(b, 1));
        Value sign =
                b.select(b.map(MapFunction.GT, right, none), b.map(MapFunction.SHIFT_RIGHT, high, number(b, 63)), none);
        return b.map(MapFunction.SHIFT_RIGHT, b.plus(b.plus(high, half), sign), right);
    }

    /** Of a number with 28 fraction bits, in the scale that a root over an even shift has. */
    private static Value reciprocalRoot(GraphBuilder b, Value v) {
        Value half = b.map(MapFunction.SHIFT_RIGHT, b.plus(v, number(b, 1)), number(b, 1));
        Value x = number(b, ONE);
        for (int i = 0; i < STEPS; i++) {
            Value cube = FixedPoint.product31(b, FixedPoint.product31(b, x, x), x);
            Value less = FixedPoint.product31(b, half, words(b, b.map(MapFunction.SHIFT_LEFT, cube, number(b, 6))));
            Value next = b.minus(FixedPoint.product31(b, number(b, HALF_OF_THREE), x), less);
            x = words(b, b.map(MapFunction.SHIFT_LEFT, next, number(b, 3)));
        }
        return FixedPoint.product31(b, x, number(b, ROOT_OF_HALF));
    }

    /** Saturated to 32 bits. */
    private static Value words(GraphBuilder b, Value x) {
        return b.map(MapFunction.CLAMP, x, number(b, Integer.MIN_VALUE), number(b, Integer.MAX_VALUE));
    }
}
