package dev.meseta.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Memory for what is large and read often, such as weights: in pages of 2 MiB where the system has them on request, so that reading it in
 * order is not held up at every page of 4 KiB. Pieces lie close to each other; the mapping that some of them share goes back to the system
 * when none of them is reachable. Where the calls are not to be had, it is ordinary native memory. Thread-safe.
 */
public final class LargeMemory {
    private static final long HUGE_PAGE = 2 << 20;

    /** Reserved at once for pieces; only what is written takes memory. */
    private static final long SHARED = 16 * HUGE_PAGE;

    /** Pieces from here on have a mapping of their own. */
    private static final long LARGEST_PIECE = 4 * HUGE_PAGE;

    /** Pieces below this are ordinary memory. */
    private static final long SMALLEST_PIECE = 16 << 10;

    private static final long ALIGNMENT = 64;
    private static final int READ_WRITE = 3;
    private static final int PRIVATE_ANONYMOUS = 0x22;
    private static final int ADVICE_HUGE_PAGES = 14;

    private static final @Nullable MemorySegment MMAP = Calls.function("mmap").orElse(null);
    private static final @Nullable MemorySegment MUNMAP =
            Calls.function("munmap").orElse(null);
    private static final @Nullable MemorySegment MADVISE =
            Calls.function("madvise").orElse(null);

    private static final LongConsumer NOTHING = _ -> {};

    /** What is left of the mapping that pieces are cut from. */
    private static MemorySegment rest = MemorySegment.NULL;

    private LargeMemory() {}

    /** So many bytes of zeros, aligned to 64; they stay as long as the segment or a part of it is reachable. */
    public static MemorySegment allocate(long bytes) {
        if (bytes < SMALLEST_PIECE) return ordinary(bytes);
        if (bytes >= LARGEST_PIECE) return map(bytes, NOTHING).asSlice(0, bytes);
        return piece(bytes);
    }

    private static MemorySegment ordinary(long bytes) {
        return Arena.ofAuto().allocate(Math.max(1, bytes), ALIGNMENT).asSlice(0, bytes);
    }

    private static MemorySegment ordinary(long bytes, LongConsumer returned) {
        MemorySegment m = ordinary(bytes);
        return m.reinterpret(Arena.ofAuto(), _ -> {
            Reference.reachabilityFence(m);
            returned.accept(bytes);
        });
    }

    private static synchronized MemorySegment piece(long bytes) {
        long size = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (rest.byteSize() < size) rest = map(SHARED, NOTHING);
        MemorySegment piece = rest.asSlice(0, bytes);
        rest = rest.asSlice(size);
        return piece;
    }

    /** A mapping of at least so many bytes that begins where a large page does. */
    /** @param returned told, with as many bytes, when the mapping is gone */
    static MemorySegment map(long bytes, LongConsumer returned) {
        if (MMAP == null || MUNMAP == null || MADVISE == null) return ordinary(bytes, returned);
        long size = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
        long address = Calls.call(MMAP, 0, size + HUGE_PAGE, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0);
        if (address == -1) return ordinary(bytes, returned);
        long begin = (address + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
        // A system that has no large pages says so, and gives small ones.
        Calls.call(MADVISE, begin, size, ADVICE_HUGE_PAGES);
        return MemorySegment.ofAddress(begin).reinterpret(size, Arena.ofAuto(), _ -> {
            unmap(address, size + HUGE_PAGE);
            returned.accept(bytes);
        });
    }

    private static void unmap(long address, long bytes) {
        if (MUNMAP != null && (int) Calls.call(MUNMAP, address, bytes, 0) != 0)
            throw new IllegalStateException("memory could not be given back");
    }
}
