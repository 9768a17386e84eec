package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.compiler.Step.Kind;
import dev.meseta.drivers.ethosu.compiler.Step.Product;
import dev.meseta.drivers.ethosu.compiler.Step.Ratio;
import dev.meseta.drivers.ethosu.compiler.Step.Window;
import dev.meseta.drivers.ethosu.compiler.Step.Work;
import dev.meseta.graph.DType;
import dev.meseta.graph.quantized.QuantizedOp;
import java.util.Arrays;
import java.util.List;

/** Sums over axes that follow each other, as products with weights of 1. */
final class Reductions {
    /** Elements of a window on an axis. */
    private static final int LARGEST_REACH = 64;

    private Reductions() {}

    static void lower(Lowering to, QuantizedOp.Reduction o, Place x, Place out) {
        Refusal.unless(!o.axes().isEmpty(), "it reduces no axis");
        int first = Math.toIntExact(o.axes().getFirst());
        int behind = Math.toIntExact(o.axes().getLast()) + 1;
        // Axes of extent 1 between do not matter.
        long count = 1;
        long outer = 1;
        long inner = 1;
        for (int i = 0; i < x.rank(); i++) {
            long e = x.extents().get(i);
            boolean reduced = o.axes().contains((long) i);
            if (reduced) count *= e;
            else if (i < first) outer *= e;
            else if (i >= behind) inner *= e;
            else Refusal.unless(e == 1, "it reduces axes that do not follow each other");
        }
        long bound = count * Products.largest(x.dtype(), o.inputZero());
        Ratio ratio = Ratios.twice(o.scaling().multiplier(0), o.scaling().shift(0), bound);
        Place y = out.isDense() ? out : to.temporary(out.dtype(), out.extents());
        boolean channels = inner == 1;
        int[] window = channels ? new int[] {1, 1} : factors(count);
        for (long n = 0; n < (channels ? 1 : outer); n++) {
            View in = channels
                    ? to.reshaped(x, List.of(1L, outer, count)).view()
                    : to.reshaped(x, List.of(outer, (long) window[0], (long) window[1], inner))
                            .at(n)
                            .view();
            View result = (channels
                            ? y.reshaped(List.of(1L, outer, 1L))
                            : y.reshaped(List.of(outer, 1L, 1L, inner)).at(n))
                    .view();
            Window w = new Window(window[0], window[1], 1, 1, 1, 1, 0, 0, 0, 0);
            Product p = ones(in, result.depth(), window, ratio, channels);
            to.add(Work.plain(channels ? Kind.CONVOLUTION : Kind.DEPTHWISE, in, result, w, to.origin())
                    .zero(o.inputZero())
                    .outZero(o.outputZero())
                    .product(p));
        }
        if (!out.isDense()) to.copy(y, out);
    }

    private static Product ones(View in, int outputs, int[] window, Ratio ratio, boolean channels) {
        int inputs = channels ? in.depth() : 1;
        int[] values = new int[Math.multiplyExact(outputs * window[0] * window[1], inputs)];
        Arrays.fill(values, 1);
        boolean words = in.dtype() == DType.I16;
        boolean partFirst = channels && inputs <= Machine.UNIT_DEPTH;
        Weights w = new Weights(values, outputs, window[0], window[1], inputs, !channels, partFirst, words, 1, 1);
        Ratio[] ratios = new Ratio[outputs];
        Arrays.fill(ratios, ratio);
        return new Product(w, new long[outputs], ratios, 0);
    }

    /** A height and a width of a window with so many elements. */
    private static int[] factors(long count) {
        for (int width = LARGEST_REACH; width >= 1; width--) {
            if (count % width == 0 && count / width <= LARGEST_REACH) return new int[] {(int) (count / width), width};
        }
        throw new Refusal("a window of " + count + " elements has no height and width of at most 64");
    }
}
