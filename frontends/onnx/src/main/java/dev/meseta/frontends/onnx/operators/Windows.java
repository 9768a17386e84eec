package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.Shape;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The attributes that convolutions and pools share, which say where windows lie along the spatial axes.
 *
 * @param kernel {@code kernel_shape}, null where it was left out
 * @param strides null for all ones
 * @param dilations null for all ones
 * @param pads beginnings, then ends; null for all zeros
 * @param autoPad NOTSET, VALID, SAME_UPPER or SAME_LOWER
 * @param ceil whether a last window may hang over the end
 */
record Windows(
        long @Nullable [] kernel,
        long @Nullable [] strides,
        long @Nullable [] dilations,
        long @Nullable [] pads,
        String autoPad,
        boolean ceil) {

    /**
     * Windows on an input of a known shape; one entry a spatial axis.
     *
     * @param low padding before the input
     * @param high padding after it up to the end of the last window; not negative
     * @param statedHigh padding after it as the model states it
     * @param out number of windows
     */
    record Placed(
            List<Long> kernel,
            List<Long> strides,
            List<Long> dilations,
            List<Long> low,
            List<Long> high,
            List<Long> statedHigh,
            List<Long> out) {
        int rank() {
            return kernel.size();
        }

        /**
         * The same windows without the taps that lie in the padding of every window. A kernel may be far larger than the padded input
         * has elements; what is left has about as many taps as the input has elements and there are windows. For what takes padding as
         * nothing: maxima and sums.
         *
         * @param x the input [N, C, spatial…]
         */
        Placed clipped(Shape x) {
            List<Long> taps = new ArrayList<>();
            List<Long> before = new ArrayList<>();
            List<Long> after = new ArrayList<>();
            for (int i = 0; i < rank(); i++) {
                long in = x.extent(i + 2);
                long step = dilations.get(i);
                long last = (out.get(i) - 1) * strides.get(i);
                // Tap k of window o reads o · stride − low + k · dilation.
                long first = Math.clamp(Math.ceilDiv(low.get(i) - last, step), 0, kernel.get(i) - 1);
                long end = Math.clamp(Math.floorDiv(in - 1 + low.get(i), step), first, kernel.get(i) - 1);
                long pad = low.get(i) - first * step;
                taps.add(end - first + 1);
                before.add(pad);
                after.add(last + (end - first) * step + 1 - in - pad);
            }
            boolean whole = taps.equals(kernel)
                    || Stream.concat(before.stream(), after.stream()).anyMatch(p -> p < 0);
            return whole ? this : new Placed(taps, strides, dilations, before, after, after, out);
        }

        /** A list for all axes, whose batch and channel entries are the given number. */
        static List<Long> withLeading(List<Long> spatial, long number) {
            List<Long> all = new ArrayList<>(List.of(number, number));
            all.addAll(spatial);
            return all;
        }
    }

    static Windows of(OperatorNode node) {
        Attributes a = node.attributes();
        String auto = a.string("auto_pad", "NOTSET");
        if (!List.of("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER").contains(auto))
            throw node.error("auto_pad '" + auto + "' is not one of NOTSET, VALID, SAME_UPPER, SAME_LOWER");
        return new Windows(
                checked(node, "kernel_shape", 1),
                checked(node, "strides", 1),
                checked(node, "dilations", 1),
                checked(node, "pads", 0),
                auto,
                a.flag("ceil_mode", false));
    }

    private static long @Nullable [] checked(OperatorNode node, String name, long least) {
        long[] v = node.attributes().integersOrNull(name);
        if (v == null) return null;
        for (long x : v) {
            if (x < least || x > Integer.MAX_VALUE)
                throw node.error(name + " " + Arrays.toString(v) + " has a value outside [" + least + ", "
                        + Integer.MAX_VALUE + "]");
        }
        return v;
    }

    /** A list with one entry a spatial axis; ones where left out. */
    static long[] orOnes(LoweringContext c, long @Nullable [] v, int rank, String name) {
        return orAll(c, v, rank, name, 1);
    }

    static long[] orAll(LoweringContext c, long @Nullable [] v, int length, String name, long otherwise) {
        if (v == null) {
            long[] all = new long[length];
            Arrays.fill(all, otherwise);
            return all;
        }
        c.require(v.length == length, name + " has " + v.length + " entries, expected " + length);
        return v;
    }

    /** The kernel's extents from {@code kernel_shape}, which must be there. */
    long[] statedKernel(LoweringContext c, int spatialRank) {
        if (kernel == null) throw c.error("attribute 'kernel_shape' is missing");
        return orOnes(c, kernel, spatialRank, "kernel_shape");
    }

    /** The windows of a kernel on an input [N, C, spatial…]. */
    Placed place(LoweringContext c, Shape x, long[] kernelExtents) {
        int n = x.rank() - 2;
        c.require(n >= 1, "the input must have a batch, a channel and spatial axes, found " + x);
        c.require(
                kernelExtents.length == n, "the kernel has " + kernelExtents.length + " spatial axes, the input " + x);
        long[] s = orOnes(c, strides, n, "strides");
        long[] d = orOnes(c, dilations, n, "dilations");
        long[] p = orAll(c, pads, 2 * n, "pads", 0);
        List<Long> low = new ArrayList<>();
        List<Long> high = new ArrayList<>();
        List<Long> stated = new ArrayList<>();
        List<Long> out = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            long in = x.extent(i + 2);
            long dilated = Math.addExact(Math.multiplyExact(kernelExtents[i] - 1, d[i]), 1);
            long lo = 0;
            long hi = 0;
            if (autoPad.startsWith("SAME")) {
                long total = Math.max(0, (Math.ceilDiv(in, s[i]) - 1) * s[i] + dilated - in);
                lo = autoPad.equals("SAME_UPPER") ? total / 2 : total - total / 2;
                hi = total - lo;
            } else if (autoPad.equals("NOTSET")) {
                lo = p[i];
                hi = p[i + n];
            }
            long room = in + lo + hi - dilated;
            c.require(
                    room >= 0,
                    "the window of " + dilated + " on spatial axis " + i + " is larger than the padded input of "
                            + (in + lo + hi) + " (input " + x + ")");
            boolean up = ceil && autoPad.equals("NOTSET");
            long windows = (up ? Math.ceilDiv(room, s[i]) : room / s[i]) + 1;
            if (up && windows > 1 && (windows - 1) * s[i] >= in + lo) windows--;
            low.add(lo);
            stated.add(hi);
            high.add(Math.max(0, (windows - 1) * s[i] + dilated - in - lo));
            out.add(windows);
        }
        return new Placed(list(kernelExtents), list(s), list(d), low, high, stated, out);
    }

    static List<Long> list(long[] v) {
        return Arrays.stream(v).boxed().toList();
    }
}
