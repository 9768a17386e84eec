package dev.meseta.compiler;

import java.util.List;

/**
 * Where a value lies: a part of a slot, dense and row-major. Compared by identity.
 */
final class Place {
    private final int slot;
    private final long offset;
    private final List<Long> strides;
    private final Size elements;

    /**
     * @param slot number of the slot
     * @param offset bytes
     * @param strides bytes for each enclosing repetition
     * @param elements how many elements it holds (words, for the 128-bit complex numbers: two each)
     */
    Place(int slot, long offset, List<Long> strides, Size elements) {
        this.slot = slot;
        this.offset = offset;
        this.strides = strides;
        this.elements = elements;
    }

    int slot() {
        return slot;
    }

    long offset() {
        return offset;
    }

    List<Long> strides() {
        return strides;
    }

    Size elements() {
        return elements;
    }

    dev.meseta.driver.CommandList.Binding binding() {
        return new dev.meseta.driver.CommandList.Binding(slot, offset, strides);
    }
}
