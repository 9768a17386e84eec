package dev.meseta.frontends.tflite.operators;

import java.util.function.DoubleUnaryOperator;

/**
 * A function of 16-bit integers as TFLite has it: by its results at the ends of 512 equal parts, between which is interpolated.
 *
 * @param places the results, 513 of them
 */
record WordCurve(int[] places) {
    private static final int PARTS = 512;

    /**
     * At each end of a part, moved so that the middles of the parts are nearly right too.
     *
     * @param low what the least integer stands for
     * @param high what the end of the last part stands for
     * @param factor from the function's results to integers
     */
    static WordCurve of(DoubleUnaryOperator f, double low, double high, double factor) {
        int[] places = new int[PARTS + 1];
        double step = (high - low) / PARTS;
        for (int i = 0; i < PARTS; i++) {
            double here = f.applyAsDouble(low + i * step) * factor;
            double next = f.applyAsDouble(low + (i + 1) * step) * factor;
            double middle = Math.round(f.applyAsDouble(low + i * step + step / 2) * factor);
            double interpolated = FixedPoint.roundHalfAway((next + Math.round(here)) / 2);
            long bias = FixedPoint.roundHalfAway((interpolated - middle) / 2);
            places[i] = (int) Math.clamp(Math.round(here) - bias, Short.MIN_VALUE, Short.MAX_VALUE);
        }
        places[PARTS] = (int) Math.clamp(Math.round(f.applyAsDouble(high) * factor), Short.MIN_VALUE, Short.MAX_VALUE);
        return new WordCurve(places);
    }

    int at(int value) {
        int i = PARTS / 2 + (value >> 7);
        return places[i] + ((places[i + 1] - places[i]) * (value & 127) + 64 >> 7);
    }
}
