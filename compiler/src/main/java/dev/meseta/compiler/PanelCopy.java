package dev.meseta.compiler;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Copies a constant's columns into panels, for {@link Panels}. By way of arrays, unless they had to be large: a process that starts has none
 * but the JVM's quick compiler, in whose code a copy between segments takes far longer than one between arrays. Not thread-safe.
 */
final class PanelCopy {
    /** Bytes that may be in an array. */
    private static final long MOST_BYTES = 16 << 20;

    private final MemorySegment from;
    private final MemorySegment to;
    private final int bytes;
    private final long[] extents;
    private final long[] steps;
    private final long width;
    private final long step;
    private final int stride;
    private final long run;
    private final long panelBytes;

    /** Elements from the first that a panel needs to the last. */
    private final long reach;

    /** A panel; null where elements are copied one by one. */
    private final byte @Nullable [] panel;

    /** The constant; null where each panel's part is read for itself. */
    private final byte @Nullable [] whole;

    /**
     * A copy that begins.
     *
     * @param bytes of an element
     * @param extents of the loops within a panel
     * @param steps by loop, how many elements lie between one iteration's and the next one's
     * @param width columns of a panel
     * @param step elements from a column to the next
     * @param stride elements from a step of the loops to the next in the panel
     */
    PanelCopy(
            MemorySegment from,
            MemorySegment to,
            int bytes,
            long[] extents,
            long[] steps,
            long width,
            long step,
            int stride) {
        this.from = from;
        this.to = to;
        this.bytes = bytes;
        this.extents = extents;
        this.steps = steps;
        this.width = width;
        this.step = step;
        this.stride = stride;
        this.run = step == 1 ? width : 1;
        long rows = Arrays.stream(extents).reduce(1, (a, b) -> a * b);
        this.panelBytes = rows * stride * bytes;
        long last = (width - 1) * step;
        for (int i = 0; i < extents.length; i++) last += (extents[i] - 1) * steps[i];
        this.reach = last + 1;
        boolean small = Math.max(from.byteSize(), panelBytes) <= MOST_BYTES;
        boolean ordered = step >= 0 && Arrays.stream(steps).allMatch(s -> s >= 0);
        boolean dense = ordered && reach <= 2 * rows * width && Math.max(reach * bytes, panelBytes) <= MOST_BYTES;
        this.whole = small ? from.toArray(JAVA_BYTE) : null;
        this.panel = small || dense ? new byte[(int) panelBytes] : null;
    }

    /** Copies a panel whose first element is somewhere in the constant. */
    void panel(long number, long first) {
        long at = number * panelBytes;
        if (panel == null) {
            forEachRun(first, (source, target) -> MemorySegment.copy(from, source, to, at + target, run * bytes));
            return;
        }
        byte[] read = whole != null
                ? whole
                : from.asSlice(first * bytes, reach * bytes).toArray(JAVA_BYTE);
        long begin = whole != null ? 0 : first * bytes;
        int length = (int) (run * bytes);
        forEachRun(
                first, (source, target) -> System.arraycopy(read, (int) (source - begin), panel, (int) target, length));
        MemorySegment.copy(panel, 0, to, JAVA_BYTE, at, panel.length);
    }

    /** Copies elements that lie behind each other, from a byte of the constant to one of the panel. */
    @FunctionalInterface
    private interface Run {
        void copy(long source, long target);
    }

    private void forEachRun(long first, Run copy) {
        long[] index = new long[extents.length];
        long offset = first;
        for (long at = 0; at * bytes < panelBytes; at += stride) {
            for (long c = 0; c < width; c += run) copy.copy((offset + c * step) * bytes, (at + c) * bytes);
            for (int i = index.length - 1; i >= 0; i--) {
                offset += steps[i];
                if (++index[i] < extents[i]) break;
                offset -= steps[i] * extents[i];
                index[i] = 0;
            }
        }
    }
}
