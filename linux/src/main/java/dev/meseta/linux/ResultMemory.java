package dev.meseta.linux;

import java.lang.foreign.MemorySegment;

/**
 * Memory for what is made often and soon forgotten, such as the results of runs. Java's own is filled with zeros by the JVM after the
 * system has done so, in pages of 4 KiB, which can take a third as long as a run. This is cut from mappings with large pages, that go back to
 * the system when none of their pieces is reachable. As the JVM does not know of it, it is asked to look for garbage when there is much of
 * it. Thread-safe.
 */
public final class ResultMemory {
    /** From so many bytes on it is worth it. */
    public static final long SMALLEST = 64 << 10;

    /** Pieces share a mapping of this size. Small, since a piece that is kept keeps its mapping. */
    private static final long SHARED = 4 << 20;

    /** Larger pieces have a mapping of their own. */
    private static final long LARGEST_PIECE = 1 << 20;

    private static final long ALIGNMENT = 64;

    /** The JVM looks for garbage when there is more than this, and twice as much as it found in use the last time. */
    private static final long LEAST_LIMIT = 256L << 20;

    /** How often it is seen whether more comes back, a millisecond at a time. */
    private static final int PATIENCE = 20;

    private static final Object COLLECTING = new Object();

    private static MemorySegment rest = MemorySegment.NULL;
    private static long outstanding;
    private static long limit = LEAST_LIMIT;

    private ResultMemory() {}

    /** So many bytes of zeros, aligned to 64, that stay as long as the segment or a part of it is reachable. */
    public static MemorySegment allocate(long bytes) {
        long size = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (size > LARGEST_PIECE) return map(size).asSlice(0, bytes);
        synchronized (ResultMemory.class) {
            if (rest.byteSize() < size) rest = map(SHARED);
            MemorySegment piece = rest.asSlice(0, bytes);
            rest = rest.asSlice(size);
            return piece;
        }
    }

    /** Bytes of all mappings that are there. */
    static synchronized long outstanding() {
        return outstanding;
    }

    private static MemorySegment map(long bytes) {
        if (!admit(bytes)) {
            synchronized (COLLECTING) {
                if (!admit(bytes)) collect(bytes);
            }
        }
        return LargeMemory.map(bytes, ResultMemory::returned);
    }

    private static synchronized boolean admit(long bytes) {
        if (outstanding + bytes > limit) return false;
        outstanding += bytes;
        return true;
    }

    private static synchronized void returned(long bytes) {
        outstanding -= bytes;
    }

    /** Looks for garbage, and waits until no more of it comes back. */
    private static void collect(long bytes) {
        System.gc();
        long before = -1;
        for (int i = 0; i < PATIENCE && before != outstanding(); i++) {
            before = outstanding();
            try {
                Thread.sleep(1);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            }
        }
        synchronized (ResultMemory.class) {
            outstanding += bytes;
            limit = Math.max(LEAST_LIMIT, 2 * outstanding);
        }
    }
}
