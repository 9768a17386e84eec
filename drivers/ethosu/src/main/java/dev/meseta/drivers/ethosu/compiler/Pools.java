package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.compiler.Step.Kind;
import dev.meseta.drivers.ethosu.compiler.Step.Ratio;
import dev.meseta.drivers.ethosu.compiler.Step.Scale;
import dev.meseta.drivers.ethosu.compiler.Step.Window;
import dev.meseta.drivers.ethosu.compiler.Step.Work;
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

    static void pool(Lowering to, QuantizedOp.Pool o, Place x, Place out) {
        int height = Math.toIntExact(o.window().get(0));
        int width = Math.toIntExact(o.window().get(1));
        Refusal.unless((long) height * width <= LARGEST_WINDOW, "its window is larger than 65,536 elements");
        Window window = new Window(
                height,
                width,
                Math.toIntExact(o.strides().get(0)),
                Math.toIntExact(o.strides().get(1)),
                1,
                1,
                Math.toIntExact(o.low().get(0)),
                Math.toIntExact(o.low().get(1)),
                0,
                0);
        Kind kind = o.largest() ? Kind.MAX_POOL : Kind.AVERAGE_POOL;
        boolean small = height <= LARGEST_AVERAGE && width <= LARGEST_AVERAGE;
        for (long n = 0; n < x.extents().getFirst(); n++) {
            Windows.each(x.at(n).view(), out.at(n).view(), window, (in, result, w) -> {
                Work work = Work.plain(kind, in, result, w, to.origin())
                        .limits(o.clamp().min(), o.clamp().max());
                if (!o.largest() && !small) {
                    boolean padded = w.top() + w.left() + w.bottom() + w.right() > 0;
                    Refusal.unless(!padded, "an average of more than 8 × 8 elements has padding");
                    work = work.scaled(average(height * width, x.dtype()));
                }
                to.add(work);
            });
        }
    }

    /** The scale that divides sums by a count: proved for all sums, or refused. */
    private static Scale average(int count, DType t) {
        int bits = 31 - Integer.numberOfLeadingZeros(Math.max(1, count - 1)) + 1;
        int shift = 31 + bits;
        long factor = ((1L << shift) + (1L << bits)) / count;
        long largest = count * Products.largest(t, 0);
        Refusal.unless(largest <= MOST_SUMS, "an average of " + count + " elements");
        for (long sum = -largest; sum <= largest; sum++) {
            long expected = (sum < 0 ? sum - count / 2 : sum + count / 2) / count;
            if (Ratios.device(sum, new Ratio(factor, shift)) != expected) {
                throw new Refusal("the device rounds averages of " + count + " elements otherwise");
            }
        }
        return Scale.of(factor, shift, 0);
    }
}
