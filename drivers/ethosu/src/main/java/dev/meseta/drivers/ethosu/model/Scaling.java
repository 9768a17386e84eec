package dev.meseta.drivers.ethosu.model;

import dev.meseta.drivers.ethosu.model.Settings.Scale;

/** How sums become results: times a factor, over a power of two, rounded. */
final class Scaling {
    static final int TWICE = 0;
    static final int TRUNCATED = 1;
    static final int ONCE = 2;

    private Scaling() {}

    /** As below, by a register's scale. */
    static long apply(long x, Scale scale, int rounding) {
        return apply(x, scale.factor(), scale.shift(), rounding);
    }

    /**
     * x * factor / 2^shift.
     *
     * @param rounding 0: to 31 fewer bits with ties upwards, then the rest with ties away from 0; 1: downwards; 2: with ties upwards
     */
    static long apply(long x, long factor, int shift, int rounding) {
        if (shift == 0) return x * factor;
        if (rounding == TRUNCATED) return x * factor >> shift;
        if (rounding != TWICE || shift <= 31) return x * factor + (1L << shift - 1) >> shift;
        long high = x * factor + (1L << 30) >> 31;
        int rest = shift - 31;
        return high + (1L << rest - 1) + (high >> 63) >> rest;
    }
}
