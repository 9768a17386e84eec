package dev.meseta.frontends.tflite.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;

/**
 * The arithmetic of quantised operators: products with a real number that is held as 31 bits and a power of two. All of it is in integers
 * of 64 bits, so that every device gives the same bits; {@code docs/tflite.md} states the roundings.
 */
final class FixedPoint {
    private static final int FRACTION_BITS = 31;

    private FixedPoint() {}

    /**
     * A real number: mantissa * 2^(shift - 31).
     *
     * @param mantissa 0, or 2^30 to 2^31 - 1 in magnitude
     * @param shift -31 or more
     */
    record Multiplier(int mantissa, int shift) {
        /** The nearest; numbers below 2^-32 count as 0. */
        static Multiplier of(double real) {
            if (real == 0) return new Multiplier(0, 0);
            int shift = Math.getExponent(real) + 1;
            long mantissa = roundHalfAway(real * Math.pow(2, FRACTION_BITS - shift));
            if (Math.abs(mantissa) == 1L << FRACTION_BITS) {
                mantissa /= 2;
                shift++;
            }
            return shift < -FRACTION_BITS ? new Multiplier(0, 0) : new Multiplier((int) mantissa, shift);
        }

        /** x times it, as {@link FixedPoint#times(GraphBuilder, Value, Multiplier)}. */
        long times(int x) {
            long high = (long) (x << Math.max(0, shift)) * mantissa + (1L << 30) >> 31;
            int right = Math.max(0, -shift);
            return right == 0 ? high : high + (1L << right - 1) + (high >> 63) >> right;
        }

        /** In 16 bits, for sums of 64 bits. */
        private long reduced() {
            return mantissa < 0x7fff0000 ? (mantissa + (1 << 15)) >> 16 : 0x7fff;
        }
    }

    /** To the nearest integer; of two, to the one that is farther from 0. */
    static long roundHalfAway(double x) {
        return (long) (x < 0 ? Math.ceil(x - 0.5) : Math.floor(x + 0.5));
    }

    /** As {@link #roundHalfAway(double)} in the precision of 32 bits, which is that of TFLite's conversions. */
    static int roundHalfAway(float x) {
        double whole = Math.rint(x);
        if (Math.abs(x - Math.rint(x)) == 0.5) whole = x + Math.copySign(0.5, x);
        return (int) Math.clamp(whole, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    /** Of each channel, as vectors along the last axis. */
    private record Channels(GraphBuilder b, Multiplier[] all) {
        Value vector(java.util.function.ToLongFunction<Multiplier> f) {
            long[] v = new long[all.length];
            boolean same = true;
            for (int i = 0; i < v.length; i++) {
                v[i] = f.applyAsLong(all[i]);
                same &= v[i] == v[0];
            }
            return b.constant(same ? Tensor.scalar(DType.I64, v[0]) : Tensor.of(v, v.length));
        }

        boolean any(java.util.function.Predicate<Multiplier> p) {
            for (Multiplier m : all) if (p.test(m)) return true;
            return false;
        }
    }

    /**
     * x times a number, rounded twice: x * 2^left * mantissa / 2^31 to the nearest (ties upwards), then that / 2^right to the nearest
     * (ties away from 0).
     *
     * @param x I32, or I64 with values of 32 bits
     * @return I64, with values of 32 bits
     */
    static Value times(GraphBuilder b, Value x, Multiplier m) {
        return times(b, x, new Multiplier[] {m});
    }

    /** As {@link #times(GraphBuilder, Value, Multiplier)}, each place of the last axis with a number of its own. */
    static Value times(GraphBuilder b, Value x, Multiplier[] multipliers) {
        Channels m = new Channels(b, multipliers);
        Value y = b.cast(x, DType.I64);
        // The shift to the left is one of 32 bits, which loses what leaves them.
        if (m.any(i -> i.shift() > 0)) {
            Value shifted = b.map(MapFunction.SHIFT_LEFT, y, m.vector(i -> Math.max(0, i.shift())));
            y = b.cast(b.cast(shifted, DType.I32), DType.I64);
        }
        Value product = b.plus(b.times(y, m.vector(Multiplier::mantissa)), b.scalar(DType.I64, 1L << 30));
        Value high = b.map(MapFunction.SHIFT_RIGHT, product, b.scalar(DType.I64, (long) FRACTION_BITS));
        if (!m.any(i -> i.shift() < 0)) return high;
        return divideByPowers(b, high, m);
    }

    private static Value divideByPowers(GraphBuilder b, Value x, Channels m) {
        Value sign = b.map(MapFunction.SHIFT_RIGHT, x, b.scalar(DType.I64, 63L));
        if (m.any(i -> i.shift() >= 0)) {
            sign = b.map(MapFunction.AND, sign, m.vector(i -> i.shift() < 0 ? -1 : 0));
        }
        Value half = m.vector(i -> i.shift() < 0 ? 1L << (-i.shift() - 1) : 0);
        Value nudged = b.plus(b.plus(x, half), sign);
        return b.map(MapFunction.SHIFT_RIGHT, nudged, m.vector(i -> Math.max(0, -i.shift())));
    }

    /** x / 2^exponent to the nearest, ties away from 0; I64. */
    static Value divideByPower(GraphBuilder b, Value x, int exponent) {
        Value wide = b.cast(x, DType.I64);
        return exponent == 0
                ? wide
                : divideByPowers(b, wide, new Channels(b, new Multiplier[] {new Multiplier(0, -exponent)}));
    }

    /**
     * x times a number that is reduced to 16 bits, rounded once, ties upwards: what sums of 64 bits get. x I64; each place of the last axis
     * has a number of its own if there are several.
     */
    static Value timesWide(GraphBuilder b, Value x, Multiplier[] multipliers) {
        Channels m = new Channels(b, multipliers);
        Value product = b.times(b.cast(x, DType.I64), m.vector(Multiplier::reduced));
        Value nudged = b.plus(product, m.vector(i -> 1L << (14 - i.shift())));
        Value result = b.map(MapFunction.SHIFT_RIGHT, nudged, m.vector(i -> 15L - i.shift()));
        return b.cast(b.cast(result, DType.I32), DType.I64);
    }

    /** The product of two numbers of 31 fraction bits, to the nearest, ties upwards; I64 with values of 32 bits. */
    static Value product31(GraphBuilder b, Value x, Value y) {
        Value product = b.plus(b.times(b.cast(x, DType.I64), b.cast(y, DType.I64)), b.scalar(DType.I64, 1L << 30));
        return b.map(MapFunction.SHIFT_RIGHT, product, b.scalar(DType.I64, (long) FRACTION_BITS));
    }

    /** x - offset in I32. */
    static Value minus(GraphBuilder b, Value x, int offset) {
        Value wide = b.cast(x, DType.I32);
        return offset == 0 ? wide : b.minus(wide, b.scalar(DType.I32, (long) offset));
    }

    /** x + offset within [low, high], as integers of a narrower type. */
    static Value narrow(GraphBuilder b, Value x, int offset, Activation.Range range, DType dtype) {
        Value y = offset == 0 ? x : b.plus(x, b.scalar(x.dtype(), (long) offset));
        Value clamped =
                b.map(MapFunction.CLAMP, y, b.scalar(x.dtype(), range.low()), b.scalar(x.dtype(), range.high()));
        return b.cast(clamped, dtype);
    }

    /** A vector of numbers along the last axis, from one of 64 bits. */
    static Value ints(GraphBuilder b, long[] values) {
        Tensor t = Tensor.allocate(DType.I32, Shape.of(values.length));
        for (int i = 0; i < values.length; i++) t.setLong(i, values[i]);
        return b.constant(t);
    }
}
