package dev.meseta.tests.tflite;

import dev.meseta.graph.Tensor;

/**
 * How two tensors of one type differ. NaN is equal to NaN.
 *
 * @param differing elements
 * @param worst the largest difference; infinite if one of two is NaN
 * @param largest magnitude of those that were expected where they differ
 */
record Difference(long differing, double worst, double largest) {
    static Difference of(Tensor expected, Tensor found) {
        double largest = 0;
        double worst = 0;
        long differing = 0;
        for (long i = 0; i < expected.elements(); i++) {
            double e = expected.getDouble(i);
            double f = found.getDouble(i);
            if (e == f || Double.isNaN(e) && Double.isNaN(f)) continue;
            differing++;
            largest = Math.max(largest, Math.abs(e));
            worst = Math.max(worst, Double.isNaN(f) || Double.isNaN(e) ? Double.POSITIVE_INFINITY : Math.abs(e - f));
        }
        return new Difference(differing, worst, largest);
    }
}
