package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.graph.quantized.Scaling;

/**
 * factor / 2^shift. Of TFLite's quantised multipliers: a multiplier M with a shift S is M * 2^(S - 31); TFLite shifts to the left in 32 bits, takes
 * the upper half of the doubled product with M, rounded with ties upwards, and shifts to the right with ties away from 0. The device's rounding 0
 * does the same for shifts above 31; for others it rounds once, with ties upwards, which is the same where nothing is lost to the left.
 */
record Ratio(long factor, int shift) {
    private static final int FRACTION_BITS = 31;

    static final Ratio ONE = new Ratio(1, 0);

    /** The upper half of a doubled product of 32 bits. */
    static final Ratio UPPER = new Ratio(1L << 30, FRACTION_BITS);

    /** Leaves sums as they are, and then shifts with ties away from 0. */
    static Ratio right(int shift) {
        return new Ratio(1L << FRACTION_BITS, FRACTION_BITS + shift);
    }

    /**
     * Rounded twice.
     *
     * @param bound of the magnitudes that are scaled
     */
    static Ratio twice(Scaling s, int channel, long bound) {
        long multiplier = s.multiplier(channel);
        long shift = s.shift(channel);
        Refusal.unless(multiplier >= 0, "a scale is negative");
        Refusal.unless(
                shift < FRACTION_BITS && bound < 1L << FRACTION_BITS - Math.max(0, shift),
                "sums of up to " + bound + " times 2^" + shift + " leave 32 bits");
        return new Ratio(multiplier, Math.toIntExact(FRACTION_BITS - shift));
    }

    /** Rounded once, with a multiplier of 16 bits. */
    static Ratio once(Scaling s, int channel, long bound) {
        long multiplier = s.multiplier(channel);
        long reduced = multiplier < 0x7fff0000L ? multiplier + (1 << 15) >> 16 : 0x7fff;
        int right = Math.toIntExact(15 - s.shift(channel));
        Refusal.unless(multiplier >= 0 && right > 0, "a scale is negative, or too large");
        Refusal.unless(bound < 1L << 39, "sums of up to " + bound + " leave 40 bits");
        Refusal.unless(bound * reduced >> right < Integer.MAX_VALUE, "scaled sums leave 32 bits");
        return new Ratio(reduced, right);
    }

    /** x scaled as TFLite does. */
    static long scaled(long x, Scaling s) {
        long shift = s.shift(0);
        long high = (int) (x << Math.max(0, shift)) * s.multiplier(0) + (1L << 30) >> FRACTION_BITS;
        return shift >= 0 ? high : away(high, (int) -shift);
    }

    /** As the device scales with rounding 0. */
    long apply(long x) {
        if (shift <= FRACTION_BITS) return shift == 0 ? x * factor : x * factor + (1L << shift - 1) >> shift;
        return away(x * factor + (1L << 30) >> FRACTION_BITS, shift - FRACTION_BITS);
    }

    /** x / 2^bits to the nearest, ties away from 0. */
    static long away(long x, int bits) {
        return x + (1L << bits - 1) + (x >> 63) >> bits;
    }
}
