package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Kernel;
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
        List<Range> reads = new ArrayList<>();
        List<Range> writes = new ArrayList<>();
        for (int i = 0; i < l.places().size(); i++) {
            Kernel.Access access = l.kernel().buffers().get(i).access();
            Range r = range(l.places().get(i), l.bytes().get(i));
            if (access != Kernel.Access.WRITE) reads.add(r);
            if (access != Kernel.Access.READ) writes.add(r);
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

    private Range range(Step.Place p, long bytes) {
        if (p.slot() >= 0 && slots.get(p.slot()) instanceof CommandList.TemporarySlot t)
            return new Range(ARENA, t.offset() + p.offset(), t.offset() + p.offset() + bytes);
        return new Range(p.slot(), p.offset(), p.offset() + bytes);
    }

    private static boolean meet(List<Range> a, List<Range> b) {
        for (Range x : a) for (Range y : b) if (x.meets(y)) return true;
        return false;
    }
}
