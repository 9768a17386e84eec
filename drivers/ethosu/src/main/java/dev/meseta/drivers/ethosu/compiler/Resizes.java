package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.graph.DType;
import dev.meseta.graph.quantized.QuantizedOp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Pictures of another height and width. Rows, and columns, of the result that lie alike between those of the operand, a fixed number apart, are
 * one run; an operation makes what a run of rows and a run of columns have in common.
 */
final class Resizes {
    /** TFLite's fraction bits of a place. */
    private static final int FRACTION_BITS = 10;

    private static final long ONE = 1L << FRACTION_BITS;
    private static final long LARGEST_WEIGHT = 255;
    private static final int LONGEST_STEP = 16;

    private Resizes() {}

    /**
     * A place of the result on an axis.
     *
     * @param first the element before or at it
     * @param taps 1, or 2 if it lies between that and the next
     * @param part how far it is from the first, with 10 fraction bits
     */
    private record Point(long first, int taps, long part) {
        long[] weights() {
            return taps == 1 ? new long[] {ONE} : new long[] {ONE - part, part};
        }
    }

    /** Points of the result, {@code step} apart, whose first elements are {@code inStep} apart. */
    private record Run(int from, int step, int count, long inStep, Point point) {
        /** A larger window goes by its stride, one of an element by the view. */
        Window.Axis axis() {
            return new Window.Axis(point.taps, point.taps == 1 ? 1 : (int) Math.max(1, inStep), 1, 0, 0);
        }

        Place in(Place x, int axis) {
            Window.Axis a = axis();
            return x.slice(axis, point.first, a.operand(count), point.taps == 1 ? inStep : 1);
        }
    }

    static void lower(Lowering to, QuantizedOp.Resize o, Place x, Place out) {
        Refusal.unless(!o.bilinear() || x.dtype() != DType.U8, "TFLite resizes uint8 in floats");
        List<List<Run>> runs = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            List<Point> points = new ArrayList<>();
            for (int k = 0; k < out.extent(i + 1); k++) points.add(point(o, k, x.extent(i + 1), out.extent(i + 1)));
            runs.add(runs(points));
        }
        for (long n = 0; n < x.extent(0); n++) {
            for (Run y : runs.get(0)) {
                for (Run v : runs.get(1)) one(to, x.at(n).map(), out.at(n).map(), y, v);
            }
        }
    }

    private static Point point(QuantizedOp.Resize o, int k, long n, long size) {
        boolean corners = o.alignCorners() && size > 1;
        if (!o.bilinear()) {
            float scale = corners ? (n - 1) / (float) (size - 1) : n / (float) size;
            float p = (k + (o.halfPixelCenters() ? 0.5f : 0)) * scale;
            double place = Math.floor(o.alignCorners() ? p + 0.5 : p);
            return new Point(Math.clamp((long) place, 0, n - 1), 1, 0);
        }
        long scale = corners ? (ONE * (n - 1) + (size - 1) / 2) / (size - 1) : (ONE * n + size / 2) / size;
        long p = k * scale + (o.halfPixelCenters() ? scale / 2 - ONE / 2 : 0);
        long first = Math.max(p / ONE, 0);
        long second = Math.min((p + ONE - 1) / ONE, n - 1);
        // Between an element and itself there is nothing.
        return first >= second ? new Point(second, 1, 0) : new Point(first, 2, p - ONE * first);
    }

    private static List<Run> runs(List<Point> points) {
        List<Run> runs = new ArrayList<>();
        boolean[] done = new boolean[points.size()];
        for (int i = 0; i < done.length; i++) {
            if (done[i]) continue;
            Run best = run(points, done, i, 1);
            for (int step = 2; step <= LONGEST_STEP; step++) {
                Run r = run(points, done, i, step);
                if (r.count > best.count) best = r;
            }
            for (int k = 0; k < best.count; k++) done[i + k * best.step] = true;
            runs.add(best);
        }
        return runs;
    }

    private static Run run(List<Point> points, boolean[] done, int from, int step) {
        Point p = points.get(from);
        int count = 1;
        long inStep = 0;
        for (int at = from + step; at < done.length && !done[at]; at += step) {
            long first = points.get(at).first;
            if (count == 1) inStep = first - p.first;
            boolean possible = p.taps == 1 || inStep >= 1 && inStep <= Maps.LARGEST_STRIDE;
            Point expected = new Point(p.first + count * inStep, p.taps, p.part);
            if (!possible || !points.get(at).equals(expected)) break;
            count++;
        }
        return new Run(from, step, count, inStep, p);
    }

    private static void one(Lowering to, Place x, Place out, Run y, Run v) {
        Place result = out.slice(0, y.from, y.count, y.step).slice(1, v.from, v.count, v.step);
        Place in = v.in(y.in(x, 0), 1);
        Window w = new Window(y.axis(), v.axis());
        if (w.elements() == 1) to.work(Kind.MAX_POOL, in, result, w);
        else to.work(Kind.DEPTHWISE, in, result, w).product(weights(x, w, y.point, v.point));
    }

    /** Both parts multiplied, over as large a power of two as divides them all. */
    private static Product weights(Place x, Window w, Point y, Point v) {
        int columns = v.taps;
        long[] taps = new long[w.elements()];
        Arrays.setAll(taps, i -> y.weights()[i / columns] * v.weights()[i % columns]);
        long all = Arrays.stream(taps).reduce(0, (a, b) -> a | b);
        int common = Math.min(2 * FRACTION_BITS, Long.numberOfTrailingZeros(all));
        int[] values = new int[x.depth() * taps.length];
        Arrays.setAll(values, i -> (int) (taps[i % taps.length] >> common));
        int largest = Arrays.stream(values).max().orElse(0);
        Refusal.unless(largest <= LARGEST_WEIGHT, "its weights have more than 8 bits");
        Weights weights = Weights.of(values, x.depth(), 1, w, true, x.dtype() == DType.I16);
        return Product.of(weights, Ratio.right(2 * FRACTION_BITS - common));
    }
}
