package dev.meseta.compiler;

import dev.meseta.graph.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a value lies: a part of a slot, dense and row-major. Compared by identity.
 */
final class Place {
    private final int slot;
    private final long offset;
    private final List<Long> strides;
    private final Size elements;
    private final @Nullable Tensor constant;

    /**
     * @param slot number of the slot
     * @param offset bytes
     * @param strides bytes for each enclosing repetition
     * @param elements how many elements it holds (words, for the 128-bit complex numbers: two each)
     */
    Place(int slot, long offset, List<Long> strides, Size elements) {
        this(slot, offset, strides, elements, null);
    }

    Place(int slot, long offset, List<Long> strides, Size elements, @Nullable Tensor constant) {
        this.constant = constant;
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

    /** What lies there, if the model fixes it. */
    @Nullable
    Tensor constant() {
        return constant;
    }

    Size elements() {
        return elements;
    }

    dev.meseta.driver.CommandList.Binding binding() {
        return new dev.meseta.driver.CommandList.Binding(slot, offset, strides);
    }
}
