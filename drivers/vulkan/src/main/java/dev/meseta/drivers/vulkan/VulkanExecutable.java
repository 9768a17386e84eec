package dev.meseta.drivers.vulkan;

import dev.meseta.driver.Allocation;
import dev.meseta.driver.Buffer;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.driver.Job;
import dev.meseta.driver.Region;
import dev.meseta.driver.plan.LaunchTimes;
import dev.meseta.graph.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** A plan and the memory of the jobs under way. */
final class VulkanExecutable implements Executable {
    /** Kernels read elements and not bytes: buffers that begin elsewhere are copied. */
    private static final long ALIGNMENT = 16;

    private final VulkanDevice device;
    private final Context c;
    private final VulkanPlan plan;
    private final long[] pipelines;
    private final Constants constants;
    private final @Nullable LaunchTimes times;
    private final List<Region> regions;
    private final List<TensorType> outputs;
    private final ConcurrentLinkedDeque<RunState> idle = new ConcurrentLinkedDeque<>();
    private final AtomicLong progress = new AtomicLong();

    VulkanExecutable(VulkanDevice device, Context c, VulkanPlan plan, Pipelines pipelines) {
        this.device = device;
        this.c = c;
        this.plan = plan;
        this.outputs = plan.outputs();
        this.regions = plan.regions();
        // All at once, by all threads: a driver takes its time for each.
        this.pipelines =
                plan.shaders().parallelStream().mapToLong(pipelines::get).toArray();
        this.constants = new Constants(c, plan.launches().slots());
        this.times = LaunchTimes.of(plan.launches(), _ -> "", _ -> 0);
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
        List<Integer> inputs = plan.launches().memory().inputs();
        RunState state = idle.pollFirst();
        while (state != null && !state.isTimely()) state = idle.pollFirst();
        if (state == null) state = new RunState(c, plan, constants, pipelines, times);
        boolean usable = true;
        try {
            for (int i = 0; i < inputs.size(); i++) bind(state, inputs.get(i), job, i);
            boolean[] bound = new boolean[plan.launches().slots().size()];
            for (int i = 0; i < outputs.size(); i++) {
                int slot = slot(i);
                if (bound[slot] || !(plan.launches().slots().get(slot) instanceof CommandList.OutputSlot)) continue;
                bound[slot] = true;
                bind(state, slot, job, inputs.size() + i);
            }
            job.started();
            state.run(progress);
            for (int i = 0; i < outputs.size(); i++) {
                MemorySegment from = state.output(i);
                MemorySegment to = job.memory(inputs.size() + i);
                long bytes = outputs.get(i).bytes();
                if (from.address() != to.address() || !from.isNative()) MemorySegment.copy(from, 0, to, 0, bytes);
            }
        } catch (DeviceException e) {
            // Nobody knows what the device still does with it.
            usable = false;
            throw e;
        } finally {
            Reference.reachabilityFence(job);
            state.unbind();
            if (usable) idle.addFirst(state);
        }
    }

    private int slot(int output) {
        return plan.launches().memory().outputs().get(output).slot();
    }

    private void bind(RunState state, int slot, Job job, int region) {
        Buffer b = job.buffer(region);
        Allocation a = b.allocation();
        long address = a == null ? 0 : device.address(a);
        if (address != 0) address += b.offset();
        boolean usable = address != 0
                && address % ALIGNMENT == 0
                && b.bytes() >= plan.launches().slots().get(slot).bytes();
        state.bind(slot, job.memory(region), usable ? address : 0);
    }

    long progress() {
        return progress.get();
    }

    @Override
    public Optional<Image> image() {
        return plan.image();
    }

    @Override
    public String describe() {
        return plan.describe();
    }
}
