package dev.meseta.cli;

import java.util.Collection;

/** Measured values, sorted. */
final class Samples {
    private final double[] sorted;

    private Samples(double[] sorted) {
        this.sorted = sorted;
    }

    /** Throws for no values. */
    static Samples of(Collection<Double> values) {
        if (values.isEmpty()) throw new IllegalArgumentException("no values");
        return new Samples(values.stream().mapToDouble(v -> v).sorted().toArray());
    }

    int count() {
        return sorted.length;
    }

    double min() {
        return sorted[0];
    }

    double median() {
        return quantile(0.5);
    }

    /** The distance between the quartiles, relative to the median. */
    double spread() {
        return (quantile(0.75) - quantile(0.25)) / median();
    }

    /** Between the two nearest values, linearly. */
    double quantile(double q) {
        double at = q * (sorted.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }
}
