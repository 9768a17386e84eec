package dev.meseta.drivers.cpu;

import dev.meseta.driver.CommandList;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.driver.Job;
import dev.meseta.driver.Region;
import dev.meseta.driver.plan.LaunchTimes;
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
    private final CommandList memory;
    private final List<Region> regions;
    private final List<TensorType> outputs;
    private final ConcurrentLinkedDeque<RunState> idle = new ConcurrentLinkedDeque<>();
    private final AtomicInteger kept = new AtomicInteger();
    private final AtomicLong progress = new AtomicLong();

    CpuExecutable(Plan plan, WorkerPool pool) {
        this.plan = plan;
        this.pool = pool;
        this.memory = plan.launches().memory();
        this.outputs = plan.launches().outputs();
        this.regions = plan.launches().regions();
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
        List<Integer> inputs = memory.inputs();
        RunState state = take();
        try {
            for (int i = 0; i < inputs.size(); i++) state.bind(inputs.get(i), job.memory(i));
            List<MemorySegment> results = new ArrayList<>(outputs.size());
            for (int i = 0; i < outputs.size(); i++) {
                int region = inputs.size() + i;
                results.add(job.memory(region).asSlice(0, regions.get(region).bytes()));
            }
            bindOutputs(state, results);
            for (int i = 0; i < regions.size(); i++) if (job.buffer(i).isBorrowed()) state.hold(job.memory(i));
            job.started();
            state.run(job, progress);
            LaunchTimes times = plan.times();
            if (times != null) times.addRun();
            finish(state, results);
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
    private void bindOutputs(RunState state, List<MemorySegment> results) {
        for (int i = 0; i < results.size(); i++) {
            CommandList.Output o = memory.outputs().get(i);
            if (!(memory.slots().get(o.slot()) instanceof CommandList.OutputSlot s)) continue;
            if (results.get(i).byteSize() < s.bytes())
                throw new IllegalStateException("the output " + o.type() + " does not fill " + s);
            state.bind(o.slot(), results.get(i));
        }
    }

    /** Copies outputs that are inputs, constants, temporary, or the same slot as another. */
    private void finish(RunState state, List<MemorySegment> outputs) {
        for (int i = 0; i < outputs.size(); i++) {
            MemorySegment from = state.slot(memory.outputs().get(i).slot());
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
        return plan.launches().describe(plan::note);
    }
}
