package dev.meseta.linux;

import dev.meseta.linux.LargeMemory.Mapping;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Memory for what is made often and soon forgotten, such as the results of runs. Java's own is filled with zeros by the JVM after the
 * system has done so, in pages of 4 KiB, which can take a third as long as a run. This is cut from mappings with large pages, which are used
 * again when none of their pieces is reachable: memory that the system gives anew costs 0.2 ms for each large page, and some milliseconds
 * where a virtual machine's host has to find it first. As the JVM does not know of this memory, it is asked to look for garbage when there
 * is much of it. Thread-safe.
 */
public final class ResultMemory {
    /** From so many bytes on it is worth it. */
    public static final long SMALLEST = 64 << 10;

    /** Pieces share a mapping of this size. Small, since a piece that is kept keeps its mapping. */
    private static final long SHARED = 4 << 20;

    /** Larger pieces have a mapping of their own. */
    private static final long LARGEST_PIECE = 1 << 20;

    private static final long ALIGNMENT = 64;

    /**
     * The JVM looks for garbage when there is more than this, than Java objects had the last time, than twice what was found in use then, and
     * than {@link #RESULTS} of what is asked for: looking takes the longer the more objects there are.
     */
    private static final long LEAST_LIMIT = 32L << 20;

    private static final int RESULTS = 16;

    /** What is not used now and kept, at most. */
    private static final long MOST_IDLE = 64L << 20;

    /** How often it is seen whether more comes back, a millisecond at a time. */
    private static final int PATIENCE = 20;

    private static final Object COLLECTING = new Object();

    private static MemorySegment rest = MemorySegment.NULL;

    /** Mappings that can be used again, the latest first. */
    private static final Deque<Mapping> IDLE = new ArrayDeque<>();

    private static long idle;
    private static long outstanding;
    private static long limit = LEAST_LIMIT;

    private ResultMemory() {}

    /** So many bytes of any content, aligned to 64, that stay as long as the segment or a part of it is reachable. */
    public static MemorySegment allocate(long bytes) {
        long size = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (size > LARGEST_PIECE) return take(size).asSlice(0, bytes);
        while (true) {
            MemorySegment piece = piece(bytes, size);
            if (piece != null) return piece;
            // Not with the lock: what comes back while garbage is looked for needs it.
            share(take(SHARED));
        }
    }

    private static synchronized @Nullable MemorySegment piece(long bytes, long size) {
        if (rest.byteSize() < size) return null;
        MemorySegment piece = rest.asSlice(0, bytes);
        rest = rest.asSlice(size);
        return piece;
    }

    /** Cuts pieces of a mapping from now on; the rest of the one before comes back with its pieces. */
    private static synchronized void share(MemorySegment mapping) {
        rest = mapping;
    }

    /** Bytes of all mappings that are in use, or were when it was last seen. */
    static synchronized long outstanding() {
        return outstanding;
    }

    /** Bytes of all mappings that are kept to be used again. */
    static synchronized long idle() {
        return idle;
    }

    private static MemorySegment take(long bytes) {
        if (!admit(bytes)) {
            synchronized (COLLECTING) {
                if (!admit(bytes)) collect(bytes);
            }
        }
        Mapping kept = kept(bytes);
        Mapping m = kept != null ? kept : LargeMemory.mapping(bytes);
        return m.memory().reinterpret(Arena.ofAuto(), _ -> returned(m, bytes));
    }

    /** The mapping that was last returned of those that are as large as is needed, and not much larger; null if there is none. */
    private static synchronized @Nullable Mapping kept(long bytes) {
        for (var i = IDLE.iterator(); i.hasNext(); ) {
            Mapping m = i.next();
            long size = m.memory().byteSize();
            if (size < bytes || size > 2 * bytes) continue;
            i.remove();
            idle -= size;
            return m;
        }
        return null;
    }

    private static synchronized boolean admit(long bytes) {
        if (outstanding + bytes > Math.max(limit, RESULTS * bytes)) return false;
        outstanding += bytes;
        return true;
    }

    /** Keeps a mapping, in the place of those that have not been used for longest. */
    private static synchronized void returned(Mapping m, long bytes) {
        outstanding -= bytes;
        IDLE.addFirst(m);
        idle += m.memory().byteSize();
        while (idle > MOST_IDLE) {
            Mapping oldest = IDLE.removeLast();
            idle -= oldest.memory().byteSize();
            oldest.giveBack();
        }
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
        Runtime java = Runtime.getRuntime();
        long objects = java.totalMemory() - java.freeMemory();
        synchronized (ResultMemory.class) {
            outstanding += bytes;
            limit = Math.max(LEAST_LIMIT, Math.max(objects, 2 * outstanding));
        }
    }
}
