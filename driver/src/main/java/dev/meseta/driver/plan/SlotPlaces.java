package dev.meseta.driver.plan;

import dev.meseta.driver.CommandList;
import java.util.List;
import java.util.function.Predicate;

/** Where slots lie that a driver places one behind the other, aligned. Every one has an address of its own, one of no bytes, too. Immutable. */
public final class SlotPlaces {
    public static final long ALIGNMENT = 64;

    private final long[] offsets;
    private final long bytes;

    private SlotPlaces(long[] offsets, long bytes) {
        this.offsets = offsets;
        this.bytes = bytes;
    }

    /** Places all slots of a kind, then those of the next; the others have no places. */
    @SafeVarargs
    public static SlotPlaces of(List<CommandList.Slot> slots, Predicate<CommandList.Slot>... kinds) {
        long[] offsets = new long[slots.size()];
        long end = 0;
        for (Predicate<CommandList.Slot> kind : kinds) {
            for (int i = 0; i < offsets.length; i++) {
                if (!kind.test(slots.get(i))) continue;
                offsets[i] = end;
                end += Math.ceilDiv(slots.get(i).bytes() + 1, ALIGNMENT) * ALIGNMENT;
            }
        }
        return new SlotPlaces(offsets, end);
    }

    public long offset(int slot) {
        return offsets[slot];
    }

    /** What all take together. */
    public long bytes() {
        return bytes;
    }
}
