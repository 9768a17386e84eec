package dev.meseta.driver.plan;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The arguments of a plan's launches, a block each: the addresses of its buffers, its extents, the sizes of its buffers in elements, and what the driver has
 * behind them, eight bytes each. Where a slot lies is written once, and again when the slot moves. Used by one run at a time.
 */
public final class ArgumentBlocks {
    private final MemorySegment memory;
    private final long[] bases;
    private final List<List<Patch>> patches = new ArrayList<>();

    /** An address that depends on where a slot lies. */
    private record Patch(long at, long offset) {}

    /** @param bases by slot, where it lies at first; kept and changed */
    public ArgumentBlocks(MemorySegment memory, long[] bases) {
        this.memory = memory;
        this.bases = bases;
        for (int i = 0; i < bases.length; i++) patches.add(new ArrayList<>());
    }

    /**
     * Writes the block of a launch.
     *
     * @param at its first byte
     * @param offsets of the launch's uses, from where their slots begin
     * @param more what is behind the sizes
     */
    public void write(long at, Launch l, long[] offsets, long... more) {
        long next = at;
        for (int i = 0; i < offsets.length; i++, next += Long.BYTES) {
            int slot = l.uses().get(i).place().slot();
            patches.get(slot).add(new Patch(next, offsets[i]));
            memory.set(JAVA_LONG, next, bases[slot] + offsets[i]);
        }
        for (long e : l.extents()) next = put(next, e);
        for (Launch.Use u : l.uses()) next = put(next, u.elements());
        for (long m : more) next = put(next, m);
    }

    private long put(long at, long value) {
        memory.set(JAVA_LONG, at, value);
        return at + Long.BYTES;
    }

    /** Where a slot lies. */
    public long base(int slot) {
        return bases[slot];
    }

    /** A slot lies elsewhere from here on. */
    public void move(int slot, long base) {
        if (base == bases[slot]) return;
        bases[slot] = base;
        for (Patch p : patches.get(slot)) put(p.at, base + p.offset);
    }
}
