package dev.meseta.drivers.cpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.driver.Buffer;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Job;
import dev.meseta.driver.plan.Launch;
import dev.meseta.driver.plan.LaunchPlan;
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
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one run: the arena, the argument blocks, the iteration numbers. Used by one run at a time and by many one after the other;
 * what does not change between runs is written once. Launches run in machine code, one call for all that follow each other.
 */
final class RunState implements PlanRun, WorkerPool.Helper {
    private final Plan plan;
    private final WorkerPool pool;
    private final boolean shared;
    private final MemorySegment arena;
    private final MemorySegment arguments;
    private final MemorySegment records;
    private final MemorySegment control;
    private final MemorySegment status;
    private final long[] bases;
    private final MemorySegment[] segments;
    private final long[] iterations = new long[LaunchPlan.DEEPEST];
    private final List<Patch> patches = new ArrayList<>();
    private final List<Moving> moving = new ArrayList<>();
    /** By launch, the first of {@link #moving} that is its own or a later one's. */
    private final int[] firstMoving;

    /** Memory that others own, held while machine code runs; null if there is none. */
    private MemorySegment @Nullable [] held;

    private int heldCount;
    private @Nullable Job job;
    private AtomicLong progress = new AtomicLong();

    /** How many launches that are shared have their tickets. */
    private int tickets;

    /** An address in an argument block that is another in each run. */
    private record Patch(long at, int slot, long offset) {}

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
        arguments = memory.allocate(Math.max(8, plan.argumentBytes()), 64);
        records = memory.allocate(Math.max(8, count * Dispatcher.RECORD_BYTES), 64);
        long sharedCount = launches.stream().filter(plan::isShared).count();
        control = memory.allocate(Dispatcher.controlBytes(sharedCount, pool.threads()), 128);
        bases = new long[commands.slots().size()];
        segments = new MemorySegment[bases.length];
        for (int i = 0; i < bases.length; i++) {
            segments[i] = switch (commands.slots().get(i)) {
                case CommandList.ConstantSlot _ -> plan.constant(i);
                case CommandList.TemporarySlot t -> arena.asSlice(t.offset(), t.bytes());
                case CommandList.InputSlot _, CommandList.OutputSlot _ -> MemorySegment.NULL;
            };
            bases[i] = segments[i].address();
        }
        for (Launch l : launches) {
            prepare(l);
            firstMoving[l.number() + 1] = moving.size();
        }
    }

    private void prepare(Launch l) {
        ArgumentLayout layout = Plan.layout(l);
        long begin = plan.arguments(l);
        MemorySegment block = arguments.asSlice(begin, layout.bytes());
        for (int i = 0; i < l.extents().size(); i++)
            block.set(JAVA_LONG, layout.extent(i), l.extents().get(i));
        for (int i = 0; i < l.uses().size(); i++) {
            Place p = l.uses().get(i).place();
            block.set(JAVA_LONG, layout.size(i), l.uses().get(i).elements());
            block.set(JAVA_LONG, layout.buffer(i), bases[p.slot()] + p.offset());
            CommandList.Slot s = plan.launches().slots().get(p.slot());
            if (p.moves()) moving.add(new Moving(begin + layout.buffer(i), p));
            else if (s instanceof CommandList.InputSlot || s instanceof CommandList.OutputSlot)
                patches.add(new Patch(begin + layout.buffer(i), p.slot(), p.offset()));
        }
        block.set(JAVA_LONG, layout.status(), status.address());
        MemorySegment record = records.asSlice(l.number() * Dispatcher.RECORD_BYTES, Dispatcher.RECORD_BYTES);
        MemorySegment function = plan.codes().get(l.code()).entry();
        if (plan.isShared(l))
            Dispatcher.record(record, function, block, l.grid(), plan.chunk(l), pool.threads(), control, tickets++);
        else Dispatcher.record(record, function, block, l.grid());
    }

    /** Memory that somebody else may close is held while machine code runs. */
    @Override
    public void bind(int slot, Buffer buffer, MemorySegment memory) {
        if (memory.byteSize() < plan.launches().slots().get(slot).bytes())
            throw new IllegalStateException(memory + " does not fill slot " + slot);
        segments[slot] = memory;
        bases[slot] = memory.address();
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
    public void unbind() {
        held = null;
        heldCount = 0;
        job = null;
        CommandList memory = plan.launches().memory();
        for (int slot : memory.inputs()) segments[slot] = MemorySegment.NULL;
        for (CommandList.Output o : memory.outputs())
            if (memory.slots().get(o.slot()) instanceof CommandList.OutputSlot) segments[o.slot()] = MemorySegment.NULL;
    }

    @Override
    public MemorySegment output(int number) {
        return segments[plan.launches().memory().outputs().get(number).slot()];
    }

    /** Runs the plan on what is bound, for a job, and counts steps. */
    @Override
    public void run(Job forJob, AtomicLong steps) {
        job = forJob;
        progress = steps;
        for (int i = 0; i < patches.size(); i++) {
            Patch p = patches.get(i);
            arguments.set(JAVA_LONG, p.at(), bases[p.slot()] + p.offset());
        }
        Dispatcher.begin(control);
        pool.begin(this, shared);
        try {
            run(plan.launches().steps(), 0);
            LaunchTimes times = plan.times();
            if (times != null) times.addRun();
        } finally {
            Dispatcher.end(control);
            pool.end(this);
        }
    }

    /** @param depth number of Repeats around the steps */
    private void run(List<Step> steps, int depth) {
        for (int i = 0; i < steps.size(); i++) {
            switch (steps.get(i)) {
                case Step.Launches l -> launch(l);
                case Step.Repeat r -> {
                    for (long n = 0; n < r.steps(); n++) {
                        step();
                        iterations[depth] = r.number(n);
                        run(r.body(), depth + 1);
                    }
                    iterations[depth] = 0;
                }
                case Step.Conditional c -> run(test(c.condition()) ? c.then() : c.otherwise(), depth);
                case Step.RepeatWhile w -> {
                    run(w.test(), depth);
                    while (test(w.condition())) {
                        step();
                        run(w.body(), depth);
                        run(w.test(), depth);
                    }
                }
            }
        }
    }

    /** Between two iterations: a job that nobody waits for any more ends here. */
    private void step() {
        progress.incrementAndGet();
        Job j = job;
        if (j != null && j.isCancelled())
            throw new DeviceException(DeviceException.Kind.CANCELLED, "the job was cancelled in a loop");
    }

    private boolean test(Place p) {
        return segments[p.slot()].get(JAVA_BYTE, p.offset(iterations)) != 0;
    }

    private void launch(Step.Launches launches) {
        for (int i = firstMoving[launches.first()]; i < firstMoving[launches.end()]; i++) {
            Place p = moving.get(i).place();
            arguments.set(JAVA_LONG, moving.get(i).at(), bases[p.slot()] + p.offset(iterations));
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
