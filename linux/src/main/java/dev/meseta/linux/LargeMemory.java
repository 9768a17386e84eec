package dev.meseta.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
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

    /** What is left of the mapping that pieces are cut from. */
    private static MemorySegment rest = MemorySegment.NULL;

    private LargeMemory() {}

    /** So many bytes of zeros, aligned to 64; they stay as long as the segment or a part of it is reachable. */
    public static MemorySegment allocate(long bytes) {
        if (bytes < SMALLEST_PIECE) return ordinary(bytes);
        if (bytes >= LARGEST_PIECE) return map(bytes).asSlice(0, bytes);
        return piece(bytes);
    }

    private static MemorySegment ordinary(long bytes) {
        return Arena.ofAuto().allocate(Math.max(1, bytes), ALIGNMENT).asSlice(0, bytes);
    }

    private static synchronized MemorySegment piece(long bytes) {
        long size = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        if (rest.byteSize() < size) rest = map(SHARED);
        MemorySegment piece = rest.asSlice(0, bytes);
        rest = rest.asSlice(size);
        return piece;
    }

    /** A mapping of at least so many bytes that goes back to the system when it is not reachable. */
    private static MemorySegment map(long bytes) {
        Mapping m = mapping(bytes);
        return m.memory().reinterpret(Arena.ofAuto(), _ -> m.giveBack());
    }

    /**
     * Memory that begins where a large page does, and stays until it is given back.
     *
     * @param address where the mapping begins, and {@code mapped} its bytes; 0 where the memory is the JVM's
     */
    record Mapping(MemorySegment memory, long address, long mapped) {
        void giveBack() {
            if (address == 0) Reference.reachabilityFence(memory);
            else unmap(address, mapped);
        }
    }

    /** A mapping of at least so many bytes, which are zeros. */
    static Mapping mapping(long bytes) {
        if (MMAP == null || MUNMAP == null || MADVISE == null) return new Mapping(ordinary(bytes), 0, 0);
        long size = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
        long address = Calls.call(MMAP, 0, size + HUGE_PAGE, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0);
        if (address == -1) return new Mapping(ordinary(bytes), 0, 0);
        long begin = (address + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
        // A system that has no large pages says so, and gives small ones.
        Calls.call(MADVISE, begin, size, ADVICE_HUGE_PAGES);
        return new Mapping(MemorySegment.ofAddress(begin).reinterpret(size), address, size + HUGE_PAGE);
    }

    private static void unmap(long address, long bytes) {
        if (MUNMAP != null && (int) Calls.call(MUNMAP, address, bytes, 0) != 0)
            throw new IllegalStateException("memory could not be given back");
    }
}
