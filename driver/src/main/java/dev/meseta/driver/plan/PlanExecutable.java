package dev.meseta.driver.plan;

import dev.meseta.driver.CommandList;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.driver.Job;
import dev.meseta.driver.Region;
import dev.meseta.graph.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/** A plan, and the memory of the jobs under way. Thread-safe. */
public final class PlanExecutable implements Executable {
    private final CommandList memory;
    private final List<Region> regions;
    private final List<TensorType> outputs;
    private final Supplier<? extends PlanRun> runs;
    private final Supplier<Image> image;
    private final Supplier<String> description;
    private final ConcurrentLinkedDeque<PlanRun> idle = new ConcurrentLinkedDeque<>();
    private final AtomicLong progress = new AtomicLong();

    /**
     * A plan that is ready to run.
     *
     * @param runs makes memory for one more run
     * @param image the form in which the plan can be kept
     */
    public PlanExecutable(
            LaunchPlan plan, Supplier<? extends PlanRun> runs, Supplier<Image> image, Supplier<String> description) {
        this.memory = plan.memory();
        this.regions = plan.regions();
        this.outputs = plan.outputs();
        this.runs = runs;
        this.image = image;
        this.description = description;
    }

    @Override
    public List<Region> regions() {
        return regions;
    }

    @Override
    public List<TensorType> outputs() {
        return outputs;
    }

    @Override
    public Optional<Image> image() {
        return Optional.of(image.get());
    }

    @Override
    public String describe() {
        return description.get();
    }

    /** A number that rises while jobs run. */
    public long progress() {
        return progress.get();
    }

    /** Runs a job on what is bound to it, on the caller's thread. */
    public void run(Job job) {
        PlanRun run = take();
        boolean usable = true;
        try {
            for (int i = 0; i < memory.inputs().size(); i++)
                run.bind(memory.inputs().get(i), job.buffer(i), job.memory(i));
            Set<Integer> bound = new HashSet<>();
            for (int i = 0; i < outputs.size(); i++) {
                int slot = memory.outputs().get(i).slot();
                // Outputs that are inputs, constants, temporary, or the same slot as another are copied afterwards.
                if (memory.slots().get(slot) instanceof CommandList.OutputSlot && bound.add(slot))
                    run.bind(slot, job.buffer(region(i)), memory(job, i));
            }
            job.started();
            run.run(job, progress);
            for (int i = 0; i < outputs.size(); i++) {
                MemorySegment from = run.output(i);
                MemorySegment to = memory(job, i);
                if (from.address() != to.address() || !from.isNative())
                    MemorySegment.copy(from, 0, to, 0, to.byteSize());
            }
        } catch (DeviceException e) {
            // Nobody knows what the device still does with it.
            usable = false;
            throw e;
        } finally {
            // Addresses are all that a device knows of these.
            Reference.reachabilityFence(job);
            Reference.reachabilityFence(this);
            run.unbind();
            if (usable) idle.addFirst(run);
        }
    }

    private PlanRun take() {
        while (true) {
            PlanRun run = idle.pollFirst();
            if (run == null) return runs.get();
            if (run.isTimely()) return run;
        }
    }

    private int region(int output) {
        return memory.inputs().size() + output;
    }

    private MemorySegment memory(Job job, int output) {
        return job.memory(region(output)).asSlice(0, outputs.get(output).bytes());
    }
}
