package dev.meseta.drivers.vulkan;

import dev.meseta.driver.CommandList;
import dev.meseta.driver.plan.Launch;
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

    private static final int ARENA = -1;

    private final List<CommandList.Slot> slots;
    private final List<Range> read = new ArrayList<>();
    private final List<Range> written = new ArrayList<>();

    Hazards(List<CommandList.Slot> slots) {
        this.slots = slots;
    }

    /** Whether a launch needs a barrier before it; notes what it touches. */
    boolean meets(Submissions.Dispatch d) {
        List<Range> reads = new ArrayList<>();
        List<Range> writes = new ArrayList<>();
        for (int i = 0; i < d.offsets().length; i++) {
            Launch.Use u = d.launch().uses().get(i);
            Range r = range(u.place().slot(), d.offsets()[i], u.bytes());
            if (u.isRead()) reads.add(r);
            if (u.isWritten()) writes.add(r);
        }
        boolean meets = meet(reads, written) || meet(writes, written) || meet(writes, read);
        if (meets) {
            read.clear();
            written.clear();
        }
        read.addAll(reads);
        written.addAll(writes);
        return meets;
    }

    private Range range(int slot, long offset, long bytes) {
        if (!(slots.get(slot) instanceof CommandList.TemporarySlot t)) return new Range(slot, offset, offset + bytes);
        return new Range(ARENA, t.offset() + offset, t.offset() + offset + bytes);
    }

    private static boolean meet(List<Range> a, List<Range> b) {
        return a.stream().anyMatch(x -> b.stream().anyMatch(x::meets));
    }
}
