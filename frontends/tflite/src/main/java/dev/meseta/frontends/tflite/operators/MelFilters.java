package dev.meseta.frontends.tflite.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;

/**
 * Triangles over frequencies whose tops are equally far from each other on the mel scale, by which ears tell pitches apart: each bin of a
 * spectrum counts for the two channels that it lies between.
 */
final class MelFilters {
    private MelFilters() {}

    private static double mel(double hertz) {
        return 1127 * Math.log1p(hertz / 700);
    }

    /**
     * Weights [bins, channels].
     *
     * @param bins from 0 to half of the rate
     * @param rate of samples, per second
     * @param low below it, and above high, bins count nothing, in hertz; nor does the first bin
     */
    static Tensor weights(long bins, double rate, int channels, double low, double high) {
        double lowest = mel(low);
        double spacing = (mel(high) - lowest) / (channels + 1);
        double perBin = 0.5 * rate / (bins - 1);
        long first = (long) (1.5 + low / perBin);
        long last = Math.min(bins - 1, (long) (high / perBin));
        Tensor t = Tensor.allocate(DType.F32, Shape.of(bins, channels));
        int below = -1;
        for (long i = first; i <= last; i++) {
            double at = mel(i * perBin);
            // The last top that lies below the bin; -1 is the low end itself.
            while (below + 1 < channels && lowest + spacing * (below + 2) < at) below++;
            double rest = (lowest + spacing * (below + 2) - at) / spacing;
            if (below >= 0) t.setDouble(i * channels + below, rest);
            if (below + 1 < channels) t.setDouble(i * channels + below + 1, 1 - rest);
        }
        return t;
    }
}
