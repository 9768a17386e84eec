package dev.meseta.driver.plan;

import dev.meseta.driver.CommandList;
import java.util.List;
import java.util.function.Predicate;

/** Where slots lie that a driver places one behind the other, aligned. Every one has an address of its own, one of no bytes, too. */
public final class SlotPlaces {
    public static final long ALIGNMENT = 64;

    private final List<CommandList.Slot> slots;
    private final long[] offsets;
    private long end;

    /** None is placed. */
    public SlotPlaces(List<CommandList.Slot> slots) {
        this.slots = slots;
        this.offsets = new long[slots.size()];
    }

    /** Places slots behind those that have places. */
    public SlotPlaces add(Predicate<CommandList.Slot> which) {
        for (int i = 0; i < offsets.length; i++) {
            if (!which.test(slots.get(i))) continue;
            offsets[i] = end;
            end += Math.ceilDiv(slots.get(i).bytes() + 1, ALIGNMENT) * ALIGNMENT;
        }
        return this;
    }

    public long offset(int slot) {
        return offsets[slot];
    }

    /** What all take that have places. */
    public long bytes() {
        return end;
    }
}
