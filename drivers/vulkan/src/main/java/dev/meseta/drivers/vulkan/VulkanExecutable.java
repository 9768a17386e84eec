package dev.meseta.drivers.vulkan;

import dev.meseta.driver.Allocation;
import dev.meseta.driver.Buffer;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Job;
import dev.meseta.driver.Region;
import dev.meseta.graph.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicLong;

/** A plan and the memory of the jobs under way. */
final class VulkanExecutable implements Executable {
    /** Kernels read elements and not bytes: buffers that begin elsewhere are copied. */
    private static final long ALIGNMENT = 16;

    private final VulkanDevice device;
    private final Context c;
    private final VulkanPlan plan;
    private final List<Region> regions;
    private final List<TensorType> outputs;
    private final ConcurrentLinkedDeque<RunState> idle = new ConcurrentLinkedDeque<>();
    private final AtomicLong progress = new AtomicLong();

    VulkanExecutable(VulkanDevice device, Context c, VulkanPlan plan) {
        this.device = device;
        this.c = c;
        this.plan = plan;
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
        RunState state = idle.pollFirst();
        while (state != null && !state.isTimely()) state = idle.pollFirst();
        if (state == null) state = new RunState(c, plan);
        boolean usable = true;
        try {
            for (int i = 0; i < inputs.size(); i++) bind(state, inputs.get(i), job, i);
            boolean[] bound = new boolean[plan.slots().size()];
            for (int i = 0; i < outputs.size(); i++) {
                int slot = plan.outputSlots().get(i);
                if (bound[slot] || !(plan.slots().get(slot) instanceof CommandList.OutputSlot)) continue;
                bound[slot] = true;
                bind(state, slot, job, inputs.size() + i);
            }
            job.started();
            state.run(progress);
            for (int i = 0; i < outputs.size(); i++) {
                MemorySegment from = state.result(plan.outputSlots().get(i));
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

    private void bind(RunState state, int slot, Job job, int region) {
        Buffer b = job.buffer(region);
        Allocation a = b.allocation();
        long address = a == null ? 0 : device.address(a);
        if (address != 0) address += b.offset();
        boolean usable = address != 0
                && address % ALIGNMENT == 0
                && b.bytes() >= plan.slots().get(slot).bytes();
        state.bind(slot, job.memory(region), usable ? address : 0);
    }

    long progress() {
        return progress.get();
    }

    @Override
    public String describe() {
        StringBuilder out = new StringBuilder();
        out.append("memory: ")
                .append(plan.commands().arenaBytes())
                .append(" bytes for what lives during a run, ")
                .append(plan.constants().bytes())
                .append(" constant, ")
                .append(bytes(CommandList.InputSlot.class))
                .append(" in, ")
                .append(bytes(CommandList.OutputSlot.class))
                .append(" out\n");
        int always = 0;
        boolean more = false;
        for (Step s : plan.steps()) {
            if (s instanceof Step.Submit) always++;
            else more = true;
        }
        out.append("submissions per run: ").append(always).append(more ? " and those that conditions ask for\n" : "\n");
        describe(plan.steps(), "", out);
        return out.toString();
    }

    private long bytes(Class<? extends CommandList.Slot> kind) {
        return plan.commands().slots().stream()
                .filter(kind::isInstance)
                .mapToLong(CommandList.Slot::bytes)
                .sum();
    }

    private void describe(List<Step> steps, String indent, StringBuilder out) {
        for (Step s : steps) {
            switch (s) {
                case Step.Submit x -> {
                    out.append(indent).append("submit\n");
                    for (Step.Launch l : plan.segments().get(x.segment()))
                        out.append(indent)
                                .append("  launch ")
                                .append(l.kernel().name())
                                .append(" grid ")
                                .append(l.grid())
                                .append("  ")
                                .append(l.origin())
                                .append('\n');
                }
                case Step.Choose x -> {
                    out.append(indent).append("if\n");
                    describe(x.then(), indent + "  ", out);
                    out.append(indent).append("else\n");
                    describe(x.otherwise(), indent + "  ", out);
                }
                case Step.While w -> {
                    out.append(indent).append("while\n");
                    describe(w.test(), indent + "  ? ", out);
                    describe(w.body(), indent + "  ", out);
                }
            }
        }
    }
}
