package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A structure of Vulkan in memory, filled by byte offsets, which are those of every 64-bit machine; what is not set is 0. */
record Struct(MemorySegment memory) {
    private static final long NEXT = 8;

    /** One with a type number at its beginning. */
    static Struct of(Arena arena, int type, long bytes) {
        return plain(arena, bytes).set(0, type);
    }

    static Struct plain(Arena arena, long bytes) {
        return new Struct(arena.allocate(bytes, 8));
    }

    Struct set(long offset, int value) {
        memory.set(JAVA_INT, offset, value);
        return this;
    }

    Struct set(long offset, long value) {
        memory.set(JAVA_LONG, offset, value);
        return this;
    }

    Struct set(long offset, MemorySegment pointer) {
        return set(offset, pointer.address());
    }

    /** Chains a structure that extends this one. */
    Struct next(Struct s) {
        return set(NEXT, s.memory);
    }

    int getInt(long offset) {
        return memory.get(JAVA_INT, offset);
    }

    long getLong(long offset) {
        return memory.get(JAVA_LONG, offset);
    }

    boolean getBoolean(long offset) {
        return getInt(offset) != 0;
    }

    String getString(long offset) {
        return memory.getString(offset);
    }

    long address() {
        return memory.address();
    }
}
