package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.graph.quantized.QuantizedOp;
import java.util.Arrays;

/** Sums over axes that follow each other, as products with weights of 1. */
final class Reductions {
    private Reductions() {}

    static void lower(Lowering to, QuantizedOp.Reduction o, Place x, Place out) {
        Refusal.unless(!o.axes().isEmpty(), "it reduces no axis");
        long[] counts = {1, 1, 1};
        for (long i = 0; i < x.rank(); i++) {
            long e = x.extent((int) i);
            boolean reduced = o.axes().contains(i);
            boolean between =
                    !reduced && i > o.axes().getFirst() && i < o.axes().getLast();
            Refusal.unless(!between || e == 1, "it reduces axes that do not follow each other");
            counts[reduced ? 1 : i < o.axes().getFirst() ? 0 : 2] *= e;
        }
        long outer = counts[0];
        long count = counts[1];
        long inner = counts[2];
        Ratio ratio = Ratio.twice(o.scaling(), 0, count * Products.largest(x.dtype(), o.inputZero()));
        // The last axis is one of channels, all of which are added; others are windows over channels of their own.
        boolean last = inner == 1;
        Window w = last ? Window.ONE : window(count);
        int[] ones = new int[Math.toIntExact(inner * count)];
        Arrays.fill(ones, 1);
        Weights weights = Weights.of(ones, (int) inner, last ? ones.length : 1, w, !last, x.bytes() == 2);
        Product product = Product.of(weights, ratio);
        long pictures = last ? 1 : outer;
        long width = last ? outer : w.x().size();
        Kind kind = last ? Kind.CONVOLUTION : Kind.DEPTHWISE;
        to.dense(out, y -> {
            Place all = to.dense(x).reshaped(pictures, w.y().size(), width, last ? count : inner);
            Place results = y.reshaped(pictures, 1, outer / pictures, inner);
            for (long n = 0; n < pictures; n++) {
                Work work = to.work(kind, all.at(n).map(), results.at(n).map(), w);
                work.zeros(o.inputZero(), o.outputZero()).product(product);
            }
        });
    }

    /** A window with so many elements. */
    private static Window window(long count) {
        for (int width = Products.LARGEST_REACH; width >= 1; width--) {
            if (count % width == 0 && count / width <= Products.LARGEST_REACH)
                return Window.of((int) (count / width), width);
        }
        throw new Refusal("a window of " + count + " elements has no height and width of at most 64");
    }
}
