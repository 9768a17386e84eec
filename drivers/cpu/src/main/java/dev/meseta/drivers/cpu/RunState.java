package dev.meseta.drivers.cpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.driver.Buffer;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.plan.ArgumentBlocks;
import dev.meseta.driver.plan.Launch;
import dev.meseta.driver.plan.LaunchTimes;
import dev.meseta.driver.plan.Place;
import dev.meseta.driver.plan.PlanRun;
import dev.meseta.driver.plan.Step;
import dev.meseta.linux.Calls;
import dev.meseta.linux.LargeMemory;
import dev.meseta.machine.ArgumentLayout;
import dev.meseta.machine.Dispatcher;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one run: the arena, the argument blocks, the iteration numbers. Used by one run at a time and by many one after the other;
 * what does not change between runs is written once. Launches run in machine code, one call for all that follow each other.
 */
final class RunState extends PlanRun implements WorkerPool.Helper {
    private final Plan plan;
    private final WorkerPool pool;
    private final boolean shared;
    private final MemorySegment arena;
    private final ArgumentBlocks arguments;
    private final MemorySegment argumentMemory;
    private final MemorySegment records;
    private final MemorySegment control;
    private final MemorySegment status;
    private final MemorySegment[] segments;
    private final List<Moving> moving = new ArrayList<>();
    /** By launch, the first of {@link #moving} that is its own or a later one's. */
    private final int[] firstMoving;

    /** Memory that others own, held while machine code runs; null if there is none. */
    private MemorySegment @Nullable [] held;

    private int heldCount;

    /** How many launches that are shared have their tickets. */
    private int tickets;

    /** An address in an argument block that is another in each round of the Repeats around it. */
    private record Moving(long at, Place place) {}

    RunState(Plan plan, WorkerPool pool) {
        this.plan = plan;
        this.pool = pool;
        this.shared = plan.isShared();
        CommandList commands = plan.launches().memory();
        List<Launch> launches = plan.launches().launches();
        Arena memory = Arena.ofAuto();
        int count = launches.size();
        firstMoving = new int[count + 1];
        arena = LargeMemory.allocate(Math.max(64, commands.arenaBytes()));
        status = memory.allocate(ArgumentLayout.STATUS_BYTES, 64);
        argumentMemory = memory.allocate(Math.max(8, plan.argumentBytes()), 64);
        records = memory.allocate(Math.max(8, count * Dispatcher.RECORD_BYTES), 64);
        long sharedCount = launches.stream().filter(plan::isShared).count();
        control = memory.allocate(Dispatcher.controlBytes(sharedCount, pool.threads()), 128);
        segments = new MemorySegment[commands.slots().size()];
        for (int i = 0; i < segments.length; i++)
            segments[i] = switch (commands.slots().get(i)) {
                case CommandList.ConstantSlot _ -> plan.constant(i);
                case CommandList.TemporarySlot t -> arena.asSlice(t.offset(), t.bytes());
                case CommandList.InputSlot _, CommandList.OutputSlot _ -> MemorySegment.NULL;
            };
        arguments = new ArgumentBlocks(
                argumentMemory,
                Arrays.stream(segments).mapToLong(MemorySegment::address).toArray());
        for (Launch l : launches) {
            prepare(l);
            firstMoving[l.number() + 1] = moving.size();
        }
    }

    private void prepare(Launch l) {
        long begin = plan.arguments(l);
        long[] offsets = l.uses().stream().mapToLong(u -> u.place().offset()).toArray();
        arguments.write(begin, l, offsets, status.address());
        ArgumentLayout layout = Plan.layout(l);
        for (int i = 0; i < offsets.length; i++) {
            Place p = l.uses().get(i).place();
            if (p.moves()) moving.add(new Moving(begin + layout.buffer(i), p));
        }
        MemorySegment block = argumentMemory.asSlice(begin, layout.bytes());
        MemorySegment record = records.asSlice(l.number() * Dispatcher.RECORD_BYTES, Dispatcher.RECORD_BYTES);
        MemorySegment function = plan.codes().get(l.code()).entry();
        if (plan.isShared(l))
            Dispatcher.record(record, function, block, l.grid(), plan.chunk(l), pool.threads(), control, tickets++);
        else Dispatcher.record(record, function, block, l.grid());
    }

    /** Memory that somebody else may close is held while machine code runs. */
    @Override
    protected void bind(int slot, Buffer buffer, MemorySegment memory) {
        if (memory.byteSize() < plan.launches().slots().get(slot).bytes())
            throw new IllegalStateException(memory + " does not fill slot " + slot);
        segments[slot] = memory;
        arguments.move(slot, memory.address());
        if (!buffer.isBorrowed()) return;
        MemorySegment[] h = held;
        if (h == null) {
            h = new MemorySegment[Calls.MOST_HELD];
            Arrays.fill(h, MemorySegment.NULL);
            held = h;
        }
        if (heldCount == h.length)
            throw DeviceException.unsupported("a job works on more than " + h.length
                    + " arrays that others own; give it buffers, or tensors that Meseta allocated");
        h[heldCount++] = memory;
    }

    /** Lets go of the memory of inputs and outputs. */
    @Override
    protected void unbind() {
        held = null;
        heldCount = 0;
        CommandList memory = plan.launches().memory();
        for (int slot : memory.inputs()) segments[slot] = MemorySegment.NULL;
        for (CommandList.Output o : memory.outputs())
            if (memory.slots().get(o.slot()) instanceof CommandList.OutputSlot) segments[o.slot()] = MemorySegment.NULL;
    }

    @Override
    protected MemorySegment output(int number) {
        return segments[plan.launches().memory().outputs().get(number).slot()];
    }

    @Override
    protected void run() {
        Dispatcher.begin(control);
        pool.begin(this, shared);
        try {
            steps(plan.launches().steps());
            LaunchTimes times = plan.times();
            if (times != null) times.addRun();
        } finally {
            Dispatcher.end(control);
            pool.end(this);
        }
    }

    @Override
    protected boolean test(Place p) {
        return segments[p.slot()].get(JAVA_BYTE, p.offset(rounds)) != 0;
    }

    @Override
    protected void launch(Step.Launches launches) {
        for (int i = firstMoving[launches.first()]; i < firstMoving[launches.end()]; i++) {
            Place p = moving.get(i).place();
            argumentMemory.set(JAVA_LONG, moving.get(i).at(), arguments.base(p.slot()) + p.offset(rounds));
        }
        LaunchTimes times = plan.times();
        if (times == null) {
            dispatch(launches.first(), launches.end());
            return;
        }
        for (int n = launches.first(); n < launches.end(); n++) {
            long begin = System.nanoTime();
            dispatch(n, n + 1);
            times.add(plan.launches().launches().get(n), System.nanoTime() - begin);
        }
    }

    private void dispatch(long first, long end) {
        long at = call(Dispatcher.RUN, first, end);
        while ((at & Dispatcher.WAITING) != 0) {
            // Who helps may need this processor.
            Thread.yield();
            at = call(Dispatcher.RESUME, at & ~Dispatcher.WAITING, end);
        }
        if ((at & Dispatcher.FAILED) != 0) throw failure((int) (at & ~Dispatcher.FAILED));
    }

    private long call(long what, long first, long end) {
        MemorySegment code = plan.dispatcher().entry();
        long r = records.address();
        long c = control.address();
        long s = status.address();
        MemorySegment[] h = held;
        try {
            return h == null
                    ? Calls.call(code, what, r, c, s, first, end)
                    : Calls.call(code, what, r, c, s, first, end, here(h));
        } finally {
            // Addresses are all that machine code knows of what this holds.
            Reference.reachabilityFence(this);
        }
    }

    /** What this thread may hold: confined memory only its owner can, who waits for the end of the job. */
    private static MemorySegment[] here(MemorySegment[] held) {
        Thread thread = Thread.currentThread();
        for (MemorySegment m : held) if (!m.isAccessibleBy(thread)) return accessible(held, thread);
        return held;
    }

    private static MemorySegment[] accessible(MemorySegment[] held, Thread thread) {
        MemorySegment[] some = held.clone();
        for (int i = 0; i < some.length; i++) if (!some[i].isAccessibleBy(thread)) some[i] = MemorySegment.NULL;
        return some;
    }

    @Override
    public boolean help(int worker) {
        return call(Dispatcher.HELP, worker, 0) != Dispatcher.OVER;
    }

    private RuntimeException failure(int launch) {
        long code = status.get(JAVA_LONG, 0);
        status.set(JAVA_LONG, 0, 0);
        return plan.launches().launches().get(launch).failure(code, status.get(JAVA_LONG, 8));
    }
}
