package dev.meseta.drivers.cpu;

import dev.meseta.driver.CommandList;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.driver.Job;
import dev.meseta.driver.Region;
import dev.meseta.graph.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** A plan and the memory of the jobs under way. */
final class CpuExecutable implements Executable {
    private final Plan plan;
    private final WorkerPool pool;
    private final List<Region> regions;
    private final List<TensorType> outputs;
    private final ConcurrentLinkedDeque<RunState> idle = new ConcurrentLinkedDeque<>();
    private final AtomicInteger kept = new AtomicInteger();
    private final AtomicLong progress = new AtomicLong();

    CpuExecutable(Plan plan, WorkerPool pool) {
        this.plan = plan;
        this.pool = pool;
        CommandList commands = plan.commands();
        this.outputs = commands.outputs().stream().map(CommandList.Output::type).toList();
        this.regions = Region.of(commands);
    }

    @Override
    public List<Region> regions() {
        return regions;
    }

    @Override
    public List<TensorType> outputs() {
        return outputs;
    }

    /** Runs a job on what is bound to it. */
    void run(Job job) {
        List<Integer> inputs = plan.commands().inputs();
        RunState state = take();
        try {
            for (int i = 0; i < inputs.size(); i++) state.bind(inputs.get(i), job.memory(i));
            List<MemorySegment> memory = new ArrayList<>(outputs.size());
            for (int i = 0; i < outputs.size(); i++) {
                int region = inputs.size() + i;
                memory.add(job.memory(region).asSlice(0, regions.get(region).bytes()));
            }
            bindOutputs(state, memory);
            for (int i = 0; i < regions.size(); i++) if (job.buffer(i).isBorrowed()) state.hold(job.memory(i));
            job.started();
            state.run(job, progress);
            LaunchTimes times = plan.times();
            if (times != null) times.addRun();
            finish(state, memory);
        } finally {
            // Addresses are all that the kernels know of these.
            Reference.reachabilityFence(job);
            Reference.reachabilityFence(plan);
            give(state);
        }
    }

    /** A number that rises while the job runs. */
    long progress() {
        return progress.get();
    }

    private RunState take() {
        RunState state = idle.pollFirst();
        if (state == null) return new RunState(plan, pool);
        kept.decrementAndGet();
        return state;
    }

    private void give(RunState state) {
        state.unbind();
        if (kept.incrementAndGet() <= pool.threads()) idle.addFirst(state);
        else kept.decrementAndGet();
    }

    /** Gives output slots the memory of the outputs, in their order; other outputs are found elsewhere when they are there. */
    private void bindOutputs(RunState state, List<MemorySegment> memory) {
        for (int i = 0; i < memory.size(); i++) {
            CommandList.Output o = plan.commands().outputs().get(i);
            if (!(plan.commands().slots().get(o.slot()) instanceof CommandList.OutputSlot s)) continue;
            if (memory.get(i).byteSize() < s.bytes())
                throw new IllegalStateException("the output " + o.type() + " does not fill " + s);
            state.bind(o.slot(), memory.get(i));
        }
    }

    /** Copies outputs that are inputs, constants, temporary, or the same slot as another. */
    private void finish(RunState state, List<MemorySegment> outputs) {
        for (int i = 0; i < outputs.size(); i++) {
            MemorySegment from = state.slot(plan.commands().outputs().get(i).slot());
            MemorySegment to = outputs.get(i);
            if (from.address() != to.address()) MemorySegment.copy(from, 0, to, 0, to.byteSize());
        }
    }

    @Override
    public Optional<Image> image() {
        return Optional.of(PlanImage.of(plan));
    }

    @Override
    public String describe() {
        StringBuilder out = new StringBuilder();
        CommandList commands = plan.commands();
        out.append("memory: ")
                .append(commands.arenaBytes())
                .append(" bytes for what lives during a run, ")
                .append(bytes(commands, CommandList.ConstantSlot.class))
                .append(" constant, ")
                .append(bytes(commands, CommandList.InputSlot.class))
                .append(" in, ")
                .append(bytes(commands, CommandList.OutputSlot.class))
                .append(" out\n");
        describe(plan.steps(), "", out);
        return out.toString();
    }

    private static long bytes(CommandList commands, Class<? extends CommandList.Slot> kind) {
        return commands.slots().stream()
                .filter(kind::isInstance)
                .mapToLong(CommandList.Slot::bytes)
                .sum();
    }

    private void describe(List<Step> steps, String indent, StringBuilder out) {
        for (Step s : steps) {
            switch (s) {
                case Step.Launches l -> {
                    for (Step.Launch launch : plan.launches().subList(l.first(), l.end())) {
                        out.append(indent)
                                .append("launch ")
                                .append(launch.kernel().name())
                                .append(" grid ")
                                .append(launch.grid());
                        if (plan.chunk(launch) < launch.grid())
                            out.append(" by ").append(plan.chunk(launch));
                        out.append("  ").append(launch.origin()).append('\n');
                    }
                }
                case Step.Repeat r -> {
                    out.append(indent).append("repeat ").append(r.steps()).append(r.reverse() ? " in reverse\n" : "\n");
                    describe(r.body(), indent + "  ", out);
                }
                case Step.Conditional c -> {
                    out.append(indent).append("if\n");
                    describe(c.then(), indent + "  ", out);
                    out.append(indent).append("else\n");
                    describe(c.otherwise(), indent + "  ", out);
                }
                case Step.RepeatWhile w -> {
                    out.append(indent).append("while\n");
                    describe(w.test(), indent + "  ? ", out);
                    describe(w.body(), indent + "  ", out);
                }
            }
        }
    }
}
