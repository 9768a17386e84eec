package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.graph.DType;
import dev.meseta.graph.quantized.QuantizedOp;

/** Averages and greatest elements of windows. */
final class Pools {
    /** Of a window whose average the device divides by itself. */
    private static final int LARGEST_AVERAGE = 8;

    private static final int LARGEST_WINDOW = 256 * 256;

    /** Sums that are tried, to prove a scale. */
    private static final long MOST_SUMS = 1L << 26;

    private Pools() {}

    static void lower(Lowering to, QuantizedOp.Pool o, Place x, Place out) {
        Window.Axis[] axes = new Window.Axis[2];
        for (int i = 0; i < 2; i++) {
            int size = Math.toIntExact(o.window().get(i));
            int before = Math.toIntExact(o.low().get(i));
            axes[i] = new Window.Axis(size, Math.toIntExact(o.strides().get(i)), 1, before, 0);
        }
        Window window = new Window(axes[0], axes[1]);
        int count = window.elements();
        Refusal.unless(count <= LARGEST_WINDOW, "its window is larger than 65,536 elements");
        boolean small = Math.max(axes[0].size(), axes[1].size()) <= LARGEST_AVERAGE;
        Ratio average = o.largest() || small ? null : average(count, x.dtype());
        for (long n = 0; n < x.extent(0); n++) {
            Maps.windows(x.at(n).map(), out.at(n).map(), window, (in, result, w) -> {
                Work work = to.work(o.largest() ? Kind.MAX_POOL : Kind.AVERAGE_POOL, in, result, w)
                        .limits(o.clamp().min(), o.clamp().max());
                if (average == null) return;
                int padding = w.y().before() + w.y().behind() + w.x().before() + w.x().behind();
                Refusal.unless(padding == 0, "an average of more than 8 × 8 elements has padding");
                work.scaled(average, 0);
            });
        }
    }

    /** The ratio that divides sums by a count: proved for all sums, or refused. */
    private static Ratio average(int count, DType t) {
        int bits = 32 - Integer.numberOfLeadingZeros(count - 1);
        Ratio ratio = new Ratio(((1L << 31 + bits) + (1L << bits)) / count, 31 + bits);
        long largest = count * Products.largest(t, 0);
        Refusal.unless(largest <= MOST_SUMS, "an average of " + count + " elements");
        for (long sum = -largest; sum <= largest; sum++) {
            long expected = (sum < 0 ? sum - count / 2 : sum + count / 2) / count;
            Refusal.unless(ratio.apply(sum) == expected, "the device rounds averages of its window otherwise");
        }
        return ratio;
    }
}
