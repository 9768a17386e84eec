package dev.meseta.drivers.vulkan;

import dev.meseta.driver.CommandList;
import java.util.ArrayList;
import java.util.List;

/** What the launches since the last barrier read and wrote: whether the next one has to wait for them. */
final class Hazards {
    /** Bytes [begin, end) of a slot, or of the arena that temporary slots share. */
    private record Range(int space, long begin, long end) {
        boolean meets(Range o) {
            return space == o.space && begin < o.end && o.begin < end;
        }
    }

    private static final int ARENA = -2;

    private final List<CommandList.Slot> slots;
    private final List<Range> read = new ArrayList<>();
    private final List<Range> written = new ArrayList<>();

    Hazards(List<CommandList.Slot> slots) {
        this.slots = slots;
    }

    /** Whether a launch needs a barrier before it; notes what it touches. */
    boolean meets(Step.Launch l) {
        List<Range> reads =
                l.uses().stream().filter(Step.Use::isRead).map(this::range).toList();
        List<Range> writes =
                l.uses().stream().filter(Step.Use::isWritten).map(this::range).toList();
        boolean meets = meet(reads, written) || meet(writes, written) || meet(writes, read);
        if (meets) {
            read.clear();
            written.clear();
        }
        read.addAll(reads);
        written.addAll(writes);
        return meets;
    }

    private Range range(Step.Use u) {
        boolean arena = u.slot() >= 0 && slots.get(u.slot()) instanceof CommandList.TemporarySlot;
        long begin = u.offset() + (arena ? ((CommandList.TemporarySlot) slots.get(u.slot())).offset() : 0);
        return new Range(arena ? ARENA : u.slot(), begin, begin + u.bytes());
    }

    private static boolean meet(List<Range> a, List<Range> b) {
        return a.stream().anyMatch(x -> b.stream().anyMatch(x::meets));
    }
}
