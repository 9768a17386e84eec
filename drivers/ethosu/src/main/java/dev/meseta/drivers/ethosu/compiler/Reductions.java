package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.graph.DType;
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
        long bound = count * Products.largest(x.dtype(), o.inputZero());
        Ratio ratio = Ratio.twice(o.scaling(), 0, bound);
        boolean words = x.dtype() == DType.I16;
        to.dense(out, y -> {
            if (inner == 1) {
                Refusal.unless(count <= Place.LONGEST_AXIS, "it reduces " + count + " elements");
                Place all = to.dense(x).reshaped(1, outer, count).map();
                Weights ones = Weights.of(ones(count), 1, (int) count, Window.ONE, false, words);
                to.work(Kind.CONVOLUTION, all, y.reshaped(1, outer, 1), Window.ONE)
                        .zeros(o.inputZero(), o.outputZero())
                        .product(Product.of(ones, ratio));
                return;
            }
            Window w = window(count);
            Place all = to.dense(x).reshaped(outer, w.y().size(), w.x().size(), inner);
            Weights ones = Weights.of(ones(inner * count), (int) inner, 1, w, true, words);
            Product p = Product.of(ones, ratio);
            for (long n = 0; n < outer; n++) {
                Place result = y.reshaped(outer, 1, 1, inner).at(n).map();
                to.work(Kind.DEPTHWISE, all.at(n).map(), result, w)
                        .zeros(o.inputZero(), o.outputZero())
                        .product(p);
            }
        });
    }

    private static int[] ones(long count) {
        int[] values = new int[Math.toIntExact(count)];
        Arrays.fill(values, 1);
        return values;
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
