package dev.meseta.drivers.vulkan;

import dev.meseta.driver.CommandList;
import dev.meseta.driver.plan.Launch;
import java.util.ArrayList;
import java.util.List;

/** What the launches since the last barrier touched: whether the next one has to wait for them. */
final class Hazards {
    /** Bytes [begin, end) of a slot, or of the arena that temporary slots share. */
    private record Range(int space, long begin, long end, boolean written) {
        boolean conflicts(Range o) {
            return (written || o.written) && space == o.space && begin < o.end && o.begin < end;
        }
    }

    private static final int ARENA = -1;

    private final List<CommandList.Slot> slots;
    private final List<Range> before = new ArrayList<>();

    Hazards(List<CommandList.Slot> slots) {
        this.slots = slots;
    }

    /** Whether a launch needs a barrier before it; notes what it touches. */
    boolean meets(Submissions.Dispatch d) {
        List<Range> touched = new ArrayList<>();
        for (int i = 0; i < d.offsets().length; i++)
            touched.add(range(d.launch().uses().get(i), d.offsets()[i]));
        boolean meets = touched.stream().anyMatch(x -> before.stream().anyMatch(x::conflicts));
        if (meets) before.clear();
        before.addAll(touched);
        return meets;
    }

    private Range range(Launch.Use u, long offset) {
        int slot = u.place().slot();
        if (!(slots.get(slot) instanceof CommandList.TemporarySlot t))
            return new Range(slot, offset, offset + u.bytes(), u.isWritten());
        long begin = t.offset() + offset;
        return new Range(ARENA, begin, begin + u.bytes(), u.isWritten());
    }
}
