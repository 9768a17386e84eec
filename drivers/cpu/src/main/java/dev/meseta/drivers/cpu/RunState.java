package dev.meseta.drivers.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.llvm.ArgumentLayout;
import dev.meseta.driver.CommandList;
import dev.meseta.graph.InvalidInputException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;

/**
 * The memory of one run: the arena, the argument blocks, the iteration numbers. Used by one run at a time and by many one after the other;
 * what does not change between runs is written once.
 */
final class RunState {
    private static final MethodHandle CALL =
            Linker.nativeLinker().downcallHandle(FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, JAVA_LONG));
    /** Repeats within each other. */
    static final int DEEPEST = 16;

    private final Plan plan;
    private final WorkerPool pool;
    private final MemorySegment arena;
    private final MemorySegment arguments;
    private final MemorySegment status;
    private final Prepared[] prepared;
    private final long[] bases;
    private final MemorySegment[] segments;
    private final long[] iterations = new long[DEEPEST];

    /** A launch with its own argument block. */
    private static final class Prepared implements WorkerPool.Work {
        private final MemorySegment entry;
        private final MemorySegment block;

        Prepared(MemorySegment entry, MemorySegment block) {
            this.entry = entry;
            this.block = block;
        }

        @Override
        public void run(long begin, long end) {
            try {
                CALL.invokeExact(entry, block, begin, end);
            } catch (Throwable e) {
                throw new IllegalStateException("a kernel could not be called", e);
            }
        }
    }

    RunState(Plan plan, WorkerPool pool) {
        this.plan = plan;
        this.pool = pool;
        CommandList commands = plan.commands();
        Arena memory = Arena.ofAuto();
        arena = memory.allocate(Math.max(64, commands.arenaBytes()), 64);
        status = memory.allocate(ArgumentLayout.STATUS_BYTES, 64);
        arguments = memory.allocate(Math.max(8, plan.argumentBytes()), 64);
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
        prepared = new Prepared[plan.launches().size()];
        for (Step.Launch l : plan.launches()) prepare(l);
    }

    private void prepare(Step.Launch l) {
        ArgumentLayout layout = l.layout();
        MemorySegment block = arguments.asSlice(l.arguments(), layout.bytes());
        for (int i = 0; i < l.extents().size(); i++)
            block.set(JAVA_LONG, layout.extent(i), l.extents().get(i));
        for (int i = 0; i < l.places().size(); i++) {
            Kernel.Buffer b = l.kernel().buffers().get(i);
            block.set(JAVA_LONG, layout.size(i), Kernels.evaluate(b.elements(), l.extents()));
            block.set(
                    JAVA_LONG,
                    layout.buffer(i),
                    bases[l.places().get(i).slot()] + l.places().get(i).offset());
        }
        block.set(JAVA_LONG, layout.status(), status.address());
        prepared[l.number()] = new Prepared(l.code().entry(), block);
    }

    /** Gives an input or output slot its memory, which must be native. */
    void bind(int slot, MemorySegment memory) {
        segments[slot] = memory;
        bases[slot] = memory.address();
    }

    MemorySegment slot(int slot) {
        return segments[slot];
    }

    /** Writes the addresses that {@link #bind} changed into the argument blocks. */
    void patch() {
        List<CommandList.Slot> slots = plan.commands().slots();
        for (Step.Launch l : plan.launches()) {
            for (int i = 0; i < l.places().size(); i++) {
                Step.Place p = l.places().get(i);
                CommandList.Slot s = slots.get(p.slot());
                if (s instanceof CommandList.InputSlot || s instanceof CommandList.OutputSlot)
                    arguments.set(JAVA_LONG, l.arguments() + l.layout().buffer(i), bases[p.slot()] + p.offset());
            }
        }
    }

    /** Runs commands in order. */
    void run(List<Step> steps) {
        for (int i = 0; i < steps.size(); i++) {
            switch (steps.get(i)) {
                case Step.Launch l -> launch(l);
                case Step.Copy c ->
                    MemorySegment.copy(
                            segments[c.from().slot()],
                            offset(c.from()),
                            segments[c.to().slot()],
                            offset(c.to()),
                            c.bytes());
                case Step.Repeat r -> {
                    for (long n = 0; n < r.steps(); n++) {
                        iterations[r.depth()] = r.reverse() ? r.steps() - 1 - n : n;
                        run(r.body());
                    }
                    iterations[r.depth()] = 0;
                }
                case Step.Conditional c -> run(test(c.condition()) ? c.then() : c.otherwise());
                case Step.RepeatWhile w -> {
                    run(w.test());
                    while (test(w.condition())) {
                        run(w.body());
                        run(w.test());
                    }
                }
            }
        }
    }

    private boolean test(Step.Place p) {
        return segments[p.slot()].get(JAVA_BYTE, offset(p)) != 0;
    }

    private long offset(Step.Place p) {
        long offset = p.offset();
        for (int i = 0; i < p.strides().length; i++) offset += iterations[i] * p.strides()[i];
        return offset;
    }

    private void launch(Step.Launch l) {
        for (int i : l.moving()) {
            Step.Place p = l.places().get(i);
            arguments.set(JAVA_LONG, l.arguments() + l.layout().buffer(i), bases[p.slot()] + offset(p));
        }
        LaunchTimes times = plan.times();
        long begin = times == null ? 0 : System.nanoTime();
        if (l.grid() <= l.chunk()) prepared[l.number()].run(0, l.grid());
        else pool.run(prepared[l.number()], l.grid(), l.chunk());
        if (times != null) times.add(l, System.nanoTime() - begin);
        long code = status.get(JAVA_LONG, 0);
        if (code != 0) fail(l, code, status.get(JAVA_LONG, 8));
    }

    private void fail(Step.Launch l, long code, long index) {
        status.set(JAVA_LONG, 0, 0);
        if (code == ArgumentLayout.POSITION_OUTSIDE)
            throw new InvalidInputException(
                    "node '" + l.origin() + "': an index in the data lies outside the dimension that it points into");
        String where = "kernel " + l.kernel().name() + " of " + l.origin();
        if (code == ArgumentLayout.LOCAL_ARRAY)
            throw new IllegalStateException(where + " leaves a local array at index " + index);
        int number = (int) (code - ArgumentLayout.BUFFER);
        Kernel.Buffer b = l.kernel().buffers().get(number);
        throw new IllegalStateException(where + " leaves buffer #" + number + " (" + b.name() + ", " + b.dtype()
                + ") of " + Kernels.evaluate(b.elements(), l.extents()) + " elements at index " + index);
    }
}
