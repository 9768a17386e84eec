package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.compiler.Step.Kind;
import dev.meseta.drivers.ethosu.compiler.Step.Product;
import dev.meseta.drivers.ethosu.compiler.Step.Ratio;
import dev.meseta.drivers.ethosu.compiler.Step.Window;
import dev.meseta.drivers.ethosu.compiler.Step.Work;
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
    private static final int LARGEST_STRIDE = 3;

    private Resizes() {}

    /**
     * A place of the result on an axis.
     *
     * @param first the element before or at it
     * @param second the one behind
     * @param part how far it is from the first, with 10 fraction bits
     */
    private record Point(long first, long second, long part) {
        boolean isLike(Point p) {
            return second - first == p.second - p.first && part == p.part;
        }
    }

    /** Points of the result, {@code step} apart, whose first elements are {@code inStep} apart. */
    private record Run(int from, int step, int count, int inStep, Point point) {}

    static void lower(Lowering to, QuantizedOp.Resize o, Place x, Place out) {
        Refusal.unless(!o.bilinear() || x.dtype() != DType.U8, "TFLite resizes uint8 in floats");
        List<List<Run>> runs = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            long n = x.extents().get(i + 1);
            long size = o.extents().get(i);
            runs.add(runs(o.bilinear() ? between(n, size, o) : nearest(n, size, o)));
        }
        for (long n = 0; n < x.extents().getFirst(); n++) {
            for (Run y : runs.get(0)) {
                for (Run v : runs.get(1)) one(to, x.at(n).view(), out.at(n).view(), y, v);
            }
        }
    }

    private static List<Point> nearest(long n, long size, QuantizedOp.Resize o) {
        boolean corners = o.alignCorners() && size > 1;
        float scale = corners ? (n - 1) / (float) (size - 1) : n / (float) size;
        List<Point> points = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            float p = (i + (o.halfPixelCenters() ? 0.5f : 0)) * scale;
            double place = o.alignCorners() ? Math.floor(p + 0.5) : Math.floor(p);
            long at = Math.clamp((long) place, 0, n - 1);
            points.add(new Point(at, at, 0));
        }
        return points;
    }

    private static List<Point> between(long n, long size, QuantizedOp.Resize o) {
        long scale = (ONE * n + size / 2) / size;
        if (o.alignCorners() && size > 1) scale = (ONE * (n - 1) + (size - 1) / 2) / (size - 1);
        List<Point> points = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            long p = i * scale + (o.halfPixelCenters() ? scale / 2 - ONE / 2 : 0);
            long first = Math.max(p / ONE, 0);
            long second = Math.min((p + ONE - 1) / ONE, n - 1);
            Point q = new Point(first, second, p - ONE * first);
            // Between an element and itself there is nothing.
            points.add(first == second ? new Point(first, first, 0) : q);
        }
        return points;
    }

    private static List<Run> runs(List<Point> points) {
        List<Run> runs = new ArrayList<>();
        boolean[] done = new boolean[points.size()];
        for (int i = 0; i < done.length; i++) {
            if (done[i]) continue;
            Run best = new Run(i, 1, 1, 1, points.get(i));
            for (int step = 1; step <= LONGEST_STEP; step++) {
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
            Point q = points.get(at);
            if (count == 1) inStep = q.first - p.first;
            boolean goesOn = q.isLike(p) && q.first == p.first + count * inStep;
            boolean possible = p.second == p.first || inStep >= 1 && inStep <= LARGEST_STRIDE;
            if (!goesOn || !possible) break;
            count++;
        }
        return new Run(from, step, count, (int) inStep, p);
    }

    private static void one(Lowering to, View x, View out, Run y, Run v) {
        int tapsY = (int) (y.point.second - y.point.first) + 1;
        int tapsX = (int) (v.point.second - v.point.first) + 1;
        Refusal.unless(
                tapsY <= 2 && tapsX <= 2 && y.point.part >= 0 && v.point.part >= 0, "its places leave the picture");
        boolean copies = tapsY == 1 && tapsX == 1;
        View result = new View(
                out.buffer(),
                out.dtype(),
                y.count,
                v.count,
                out.depth(),
                out.offset() + y.from * out.strideY() + v.from * out.strideX(),
                y.step * out.strideY(),
                v.step * out.strideX());
        // A window of one element goes in the view's steps; a larger one in its strides.
        int strideY = tapsY == 1 ? 1 : Math.max(1, y.inStep);
        int strideX = tapsX == 1 ? 1 : Math.max(1, v.inStep);
        View in = new View(
                x.buffer(),
                x.dtype(),
                (y.count - 1) * strideY + tapsY,
                (v.count - 1) * strideX + tapsX,
                x.depth(),
                x.offset() + y.point.first * x.strideY() + v.point.first * x.strideX(),
                tapsY == 1 ? y.inStep * x.strideY() : x.strideY(),
                tapsX == 1 ? v.inStep * x.strideX() : x.strideX());
        Window window = new Window(tapsY, tapsX, strideY, strideX, 1, 1, 0, 0, 0, 0);
        if (copies) to.add(Work.plain(Kind.MAX_POOL, in, result, window, to.origin()));
        else to.add(Work.plain(Kind.DEPTHWISE, in, result, window, to.origin()).product(weights(x, window, y, v)));
    }

    /** Both parts multiplied, over as large a power of two as divides them all. */
    private static Product weights(View x, Window w, Run y, Run v) {
        long[] rows = w.height() == 1 ? new long[] {ONE} : new long[] {ONE - y.point.part, y.point.part};
        long[] columns = w.width() == 1 ? new long[] {ONE} : new long[] {ONE - v.point.part, v.point.part};
        long[] taps = new long[rows.length * columns.length];
        for (int i = 0; i < taps.length; i++) taps[i] = rows[i / columns.length] * columns[i % columns.length];
        int shift = 2 * FRACTION_BITS;
        while (shift > 0 && Arrays.stream(taps).allMatch(t -> t % 2 == 0)) {
            for (int i = 0; i < taps.length; i++) taps[i] /= 2;
            shift--;
        }
        Refusal.unless(Arrays.stream(taps).max().orElse(0) <= LARGEST_WEIGHT, "its weights have more than 8 bits");
        int[] values = new int[x.depth() * taps.length];
        for (int i = 0; i < values.length; i++) values[i] = (int) taps[i % taps.length];
        Weights weights =
                new Weights(values, x.depth(), w.height(), w.width(), 1, true, false, x.dtype() == DType.I16, 1, 1);
        Ratio[] ratios = new Ratio[x.depth()];
        // Sums are left as they are, and then shifted with ties away from 0.
        Arrays.fill(ratios, new Ratio(1L << 31, 31 + shift));
        return new Product(weights, new long[x.depth()], ratios, 0);
    }
}
