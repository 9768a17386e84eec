package dev.meseta.driver.plan;

import dev.meseta.driver.CommandList;

/**
 * A place in a slot.
 *
 * @param offset bytes
 * @param strides bytes for each enclosing Repeat, outermost first; missing ones are 0. Not to be changed
 */
public record Place(int slot, long offset, long[] strides) {
    static Place of(CommandList.Binding b) {
        return new Place(
                b.slot(), b.offset(), b.strides().stream().mapToLong(x -> x).toArray());
    }

    /** Whether it depends on a Repeat. */
    public boolean moves() {
        for (long s : strides) if (s != 0) return true;
        return false;
    }

    /** Whether it is at a multiple of some bytes in every round. */
    boolean isMultipleOf(long bytes) {
        for (long s : strides) if (s % bytes != 0) return false;
        return offset % bytes == 0;
    }

    /** The byte in the slot, in rounds of the enclosing Repeats. */
    public long offset(long[] rounds) {
        long at = offset;
        for (int i = 0; i < strides.length; i++) at += rounds[i] * strides[i];
        return at;
    }
}
