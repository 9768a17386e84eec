package dev.meseta.frontends.tflite.operators;

/**
 * The logistic function and the hyperbolic tangent of 16-bit numbers in fixed point, as the gates of recurrent networks of integers have
 * them: by an exponential and Newton's method for the reciprocal, all in 16 bits. Results have 15 fraction bits.
 */
final class GemmlowpWords {
    private static final int ONE = Short.MAX_VALUE;

    /** exp(-2^k) for k = -2 … 4, with 15 fraction bits. */
    private static final int[] FACTORS = {25520, 19875, 12055, 4435, 600, 11, 0};

    /** exp(-1/8) and 1/3. */
    private static final int EIGHTH = 28918;

    private static final int THIRD = 10923;

    /** 48/17 and -32/17, with 13 fraction bits. */
    private static final int FIRST_GUESS = 23130;

    private static final int SLOPE = -15420;

    private GemmlowpWords() {}

    /** 1 / (1 + e^-x) for x with 3 integer bits. */
    static long logistic(long x) {
        if (x == 0) return 1 << 14;
        // -32768 has no positive counterpart.
        int positive = reciprocal(exponential((int) -Math.abs(x), 3));
        return x > 0 ? positive : ONE - positive;
    }

    /** tanh(x) for x with so many integer bits, 0 to 6. */
    static long tanh(long x, int integerBits) {
        if (x == 0) return 0;
        int e = exponential((int) -Math.abs(x), integerBits + 1);
        // (1 - e) / (1 + e)
        int negated = shiftLeft(twiceReciprocal(e) - (1 << 13), 2);
        return x > 0 ? negated : -negated;
    }

    /** e^x for x of 0 or less. */
    private static int exponential(int x, int integerBits) {
        if (x == 0) return ONE;
        int fractionBits = 15 - integerBits;
        int quarter = 1 << fractionBits - 2;
        int rest = (x & quarter - 1) - quarter;
        int result = onQuarter(shiftLeft(rest, integerBits));
        int whole = (short) (rest - x);
        for (int i = 0; i < FACTORS.length && i - 2 < integerBits; i++) {
            if ((whole & 1 << fractionBits - 2 + i) != 0) result = product(result, FACTORS[i]);
        }
        return integerBits > 5 && x < -(1 << 36 - 16 - integerBits) ? 0 : result;
    }

    /** e^x for x in [-1/4, 0) by its series around -1/8. */
    private static int onQuarter(int a) {
        int x = a + (1 << 12);
        int x2 = product(x, x);
        int x3 = product(x2, x);
        int x4 = product(x2, x2);
        int tail = divide(product(divide(x4, 2) + x3, THIRD) + x2, 1);
        return saturated(EIGHTH + product(EIGHTH, x + tail));
    }

    /** 1 / (1 + a) for a in [0, 1]. */
    private static int reciprocal(int a) {
        return shiftLeft(twiceReciprocal(a), 1);
    }

    /** 2 / (1 + a) with 13 fraction bits, by Newton's method. */
    private static int twiceReciprocal(int a) {
        int sum = a + ONE;
        int half = (sum + 1) / 2;
        int x = FIRST_GUESS + product(half, SLOPE);
        for (int i = 0; i < 3; i++) {
            int error = (1 << 13) - product(half, x);
            x = (short) (x + shiftLeft(product(x, error), 2));
        }
        return x;
    }

    /** Of numbers with 15 fraction bits, to the nearest, ties away from 0. */
    private static int product(int a, int b) {
        if (a == Short.MIN_VALUE && b == Short.MIN_VALUE) return Short.MAX_VALUE;
        int ab = a * b;
        int nudge = ab >= 0 ? 1 << 14 : 1 - (1 << 14);
        return (ab + nudge) / (1 << 15);
    }

    private static int divide(int v, int exponent) {
        int mask = (1 << exponent) - 1;
        int threshold = (mask >> 1) + (v < 0 ? 1 : 0);
        return (v >> exponent) + ((v & mask) > threshold ? 1 : 0);
    }

    private static int shiftLeft(int v, int bits) {
        return saturated((long) v << bits);
    }

    private static int saturated(long v) {
        return (int) Math.clamp(v, Short.MIN_VALUE, Short.MAX_VALUE);
    }
}
