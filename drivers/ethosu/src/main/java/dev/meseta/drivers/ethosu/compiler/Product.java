package dev.meseta.drivers.ethosu.compiler;

import java.util.Arrays;

/**
 * What a product has for each channel of the result: weights, a bias of 40 bits, and a ratio.
 *
 * @param rounding 0 twice, 2 once
 */
record Product(Weights weights, long[] bias, Ratio[] ratios, int rounding) {
    /** With one ratio, and no bias. */
    static Product of(Weights w, Ratio ratio) {
        Ratio[] ratios = new Ratio[w.outputs()];
        Arrays.fill(ratios, ratio);
        return new Product(w, new long[ratios.length], ratios, 0);
    }
}
