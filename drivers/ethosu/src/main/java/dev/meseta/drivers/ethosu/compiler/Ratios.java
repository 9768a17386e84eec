package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.compiler.Step.Ratio;

/**
 * TFLite's quantised multipliers as the device's ratios. A multiplier M with a shift S is M * 2^(S - 31); TFLite shifts to the left in 32 bits, takes
 * the upper half of the doubled product with M, rounded with ties upwards, and shifts to the right with ties away from 0. The device's rounding 0
 * does the same for shifts above 31; for others it rounds once, with ties upwards, which is the same where nothing is lost to the left.
 */
final class Ratios {
    private static final int FRACTION_BITS = 31;

    private Ratios() {}

    /**
     * Rounded twice.
     *
     * @param bound of the magnitudes that are scaled
     */
    static Ratio twice(long multiplier, long shift, long bound) {
        Refusal.unless(multiplier >= 0, "a scale is negative");
        Refusal.unless(
                bound < 1L << FRACTION_BITS - Math.max(0, shift) && shift < FRACTION_BITS,
                "sums of up to " + bound + " times 2^" + shift + " leave 32 bits");
        return new Ratio(multiplier, Math.toIntExact(FRACTION_BITS - shift));
    }

    /** Rounded once, with a multiplier of 16 bits. */
    static Ratio once(long multiplier, long shift, long bound) {
        long reduced = multiplier < 0x7fff0000L ? multiplier + (1 << 15) >> 16 : 0x7fff;
        int right = Math.toIntExact(15 - shift);
        Refusal.unless(multiplier >= 0 && right > 0, "a scale is negative, or too large");
        Refusal.unless(bound < 1L << 39, "sums of up to " + bound + " leave 40 bits");
        Refusal.unless(bound * reduced >> right < Integer.MAX_VALUE, "scaled sums leave 32 bits");
        return new Ratio(reduced, right);
    }

    /** x times a multiplier, as TFLite computes it. */
    static long scaled(long x, long multiplier, long shift) {
        long shifted = (int) (x << Math.max(0, shift));
        long high = shifted * multiplier + (1L << 30) >> FRACTION_BITS;
        int right = (int) Math.max(0, -shift);
        if (right == 0) return high;
        return high + (1L << right - 1) - (high < 0 ? 1 : 0) >> right;
    }

    /** As the device scales with rounding 0. */
    static long device(long x, Ratio r) {
        if (r.shift() <= 31)
            return r.shift() == 0 ? x * r.factor() : x * r.factor() + (1L << r.shift() - 1) >> r.shift();
        long high = x * r.factor() + (1L << 30) >> 31;
        return high + (1L << r.shift() - 32) - (high < 0 ? 1 : 0) >> r.shift() - 31;
    }
}
