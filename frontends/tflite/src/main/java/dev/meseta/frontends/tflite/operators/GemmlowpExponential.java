package dev.meseta.frontends.tflite.operators;

/** The exponential function in the fixed point that TFLite, its kernels for microcontrollers and Ethos-U's compiler share. */
final class GemmlowpExponential {
    /** exp(-2^k) for k = -2 … 4, with 31 fraction bits. */
    private static final int[] FACTORS = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};

    /** 31 bits without those of the integer part. */
    private static final int FRACTION = 26;

    private GemmlowpExponential() {}

    /**
     * e^x.
     *
     * @param x 0 or less, with 5 integer and 26 fraction bits
     * @return with 31 fraction bits
     */
    static int ofNegative(long x) {
        if (x == 0) return Integer.MAX_VALUE;
        long quarter = 1L << FRACTION - 2;
        long rest = (x & quarter - 1) - quarter;
        long result = onQuarter(rest << 31 - FRACTION);
        long whole = rest - x;
        for (int i = 0; i < FACTORS.length; i++) {
            if ((whole & 1L << FRACTION - 2 + i) != 0) result = product(result, FACTORS[i]);
        }
        return (int) result;
    }

    /** e^x for x in [-1/4, 0) by its series around -1/8; 31 fraction bits. */
    private static long onQuarter(long a) {
        long factor = 1895147668;
        long third = 715827883;
        long x = a + (1L << 28);
        long x2 = product(x, x);
        long x3 = product(x2, x);
        long x4 = product(x2, x2);
        long x4over4 = divide(x4, 2);
        long tail = divide(product(x4over4 + x3, third) + x2, 1);
        return Math.clamp(factor + product(factor, x + tail), Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    private static long product(long a, long b) {
        return a * b + (1L << 30) >> 31;
    }

    private static long divide(long v, int exponent) {
        return v + (1L << exponent - 1) + (v >> 63) >> exponent;
    }
}
