package dev.meseta.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which processors a thread may run on, by the functions of the C library. A thread that is woken often lands on the processor of the
 * one that wakes it, above all in a virtual machine, whose idle processors look taken; there it waits for milliseconds. On a system
 * without the functions nothing happens. Thread-safe.
 */
public final class Affinity {
    /** Bytes of a set of processors, as the C library has it. */
    private static final int SET_BYTES = 128;

    private static final @Nullable Affinity HERE = make();

    private final MemorySegment current;
    private final MemorySegment set;
    private final MemorySegment thread;

    /** The processors that the process could use when this was made. */
    private final MemorySegment allowed;

    private Affinity(MemorySegment current, MemorySegment set, MemorySegment thread, MemorySegment allowed) {
        this.current = current;
        this.set = set;
        this.thread = thread;
        this.allowed = allowed;
    }

    private static @Nullable Affinity make() {
        Optional<MemorySegment> current = Calls.function("sched_getcpu");
        Optional<MemorySegment> thread = Calls.function("gettid");
        Optional<MemorySegment> get = Calls.function("sched_getaffinity");
        Optional<MemorySegment> set = Calls.function("sched_setaffinity");
        if (current.isEmpty() || thread.isEmpty() || get.isEmpty() || set.isEmpty()) return null;
        MemorySegment allowed = Arena.ofAuto().allocate(SET_BYTES, Long.BYTES);
        if ((int) Calls.call(get.get(), 0, SET_BYTES, allowed.address()) != 0) return null;
        return new Affinity(current.get(), set.get(), thread.get(), allowed);
    }

    /** The processor on which the calling thread runs at this moment; -1 where nothing is known. */
    public static int processor() {
        return HERE == null ? -1 : (int) Calls.call(HERE.current, 0, 0, 0);
    }

    /** The calling thread's number, for {@link #keepOff}; -1 where there is none. */
    public static int thread() {
        return HERE == null ? -1 : (int) Calls.call(HERE.thread, 0, 0, 0);
    }

    /**
     * Lets a thread run on all processors that the process had in the beginning but one. Nothing happens where no other is left.
     *
     * @param thread from {@link #thread}
     * @param processor from {@link #processor}
     * @return whether the thread keeps off from now on
     */
    public static boolean keepOff(int thread, int processor) {
        if (HERE == null || thread < 0 || processor < 0 || processor >= SET_BYTES * 8) return false;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment others = arena.allocate(SET_BYTES, Long.BYTES).copyFrom(HERE.allowed);
            byte without = (byte) (others.get(JAVA_BYTE, processor / 8) & ~(1 << processor % 8));
            others.set(JAVA_BYTE, processor / 8, without);
            // The call fails for an empty set, where no other is left.
            return (int) Calls.call(HERE.set, thread, SET_BYTES, others.address()) == 0;
        }
    }
}
