package dev.meseta.driver.plan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.driver.CommandList;
import dev.meseta.graph.DType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Where slots lie, and what launches are told of it. */
class ArgumentBlocksTest {
    private static Launch.Use use(int slot, long elements) {
        return new Launch.Use("x", DType.F32, Kernel.Access.READ, elements, new Place(slot, 0, new long[0]));
    }

    @Test
    void addressesFollowTheirSlots() {
        long[] block = new long[9];
        Launch l = new Launch(0, 0, "kernel", List.of(use(1, 7), use(0, 5)), List.of(3L, 4L), 1, 1, "node");
        ArgumentBlocks all = new ArgumentBlocks(MemorySegment.ofArray(block), new long[] {1000, 2000});
        all.write(8, l, new long[] {16, 32}, 11, 12);
        assertArrayEquals(new long[] {0, 2016, 1032, 3, 4, 7, 5, 11, 12}, block);
        all.move(1, 9000);
        assertEquals(9000, all.base(1));
        assertArrayEquals(new long[] {0, 9016, 1032, 3, 4, 7, 5, 11, 12}, block);
    }

    @Test
    void slotsLieOneBehindTheOther() {
        List<CommandList.Slot> slots = List.of(
                new CommandList.OutputSlot(1),
                new CommandList.InputSlot(64),
                new CommandList.TemporarySlot(64, 0),
                new CommandList.InputSlot(0));
        SlotPlaces places =
                SlotPlaces.of(slots, s -> s instanceof CommandList.InputSlot, s -> s instanceof CommandList.OutputSlot);
        assertEquals(0, places.offset(1));
        assertEquals(128, places.offset(3));
        assertEquals(192, places.offset(0));
        assertEquals(256, places.bytes());
    }
}
