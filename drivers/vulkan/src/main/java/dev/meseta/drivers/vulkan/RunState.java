package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.compiler.spirv.KernelEmitter;
import dev.meseta.compiler.spirv.ShaderArguments;
import dev.meseta.driver.Allocation;
import dev.meseta.driver.Buffer;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Job;
import dev.meseta.driver.plan.Launch;
import dev.meseta.driver.plan.LaunchTimes;
import dev.meseta.driver.plan.PlanRun;
import dev.meseta.drivers.vulkan.Submissions.Dispatch;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one run, and command buffers that were recorded when it was made. Used by one run at a time and by many one after the other:
 * what is bound to inputs and outputs is an address among the arguments, and recording does not depend on it.
 */
final class RunState implements PlanRun {
    private static final long ALIGNMENT = 64;
    private static final String COMPUTE = "VK_PIPELINE_BIND_POINT_COMPUTE";

    /** Kernels read elements and not bytes. */
    private static final long BOUND_ALIGNMENT = 16;

    private final Context c;
    private final VulkanPlan plan;
    private final List<Submissions.Segment> segments;
    private final long[] pipelines;
    private final DeviceBuffer arena;
    private final DeviceBuffer host;
    /** What kernels use in place of {@link #host} where the device's own memory is out of the host's reach. */
    private final DeviceBuffer io;

    private final DeviceBuffer arguments;
    private final DeviceBuffer control;
    private final long[] offsets;
    private final long[] bases;
    private final DeviceBuffer[] buffers;
    private final @Nullable MemorySegment[] views;
    private final List<List<Patch>> patches = new ArrayList<>();
    private final long[] commandBuffers;
    private final boolean texels;
    private final @Nullable LaunchTimes times;
    /** Null while nobody records. */
    private final @Nullable Stamps stamps;

    private final long inputBytes;
    private final long ioBytes;

    /** An address among the arguments that depends on what is bound to a slot. */
    private record Patch(long at, long offset) {}

    /** @param pipelines that of each of the plan's shaders */
    RunState(Context c, VulkanPlan plan, Constants constants, long[] pipelines, @Nullable LaunchTimes times) {
        this.times = times;
        this.c = c;
        this.plan = plan;
        this.pipelines = pipelines;
        this.segments = plan.submissions().segments();
        List<Dispatch> dispatches = plan.submissions().dispatches();
        List<CommandList.Slot> slots = plan.launches().slots();
        this.offsets = new long[slots.size()];
        this.bases = new long[slots.size()];
        this.buffers = new DeviceBuffer[slots.size()];
        this.views = new MemorySegment[slots.size()];
        this.inputBytes = arrange(slots, offsets, CommandList.InputSlot.class, 0);
        this.ioBytes = arrange(slots, offsets, CommandList.OutputSlot.class, inputBytes);
        long range = dispatches.stream()
                .mapToLong(d -> d.end() - d.arguments())
                .max()
                .orElse(16);
        long end = dispatches.isEmpty() ? 0 : dispatches.getLast().arguments();
        this.arena = DeviceBuffer.onDevice(
                c, Math.max(ALIGNMENT, plan.launches().memory().arenaBytes()));
        this.host = DeviceBuffer.onHost(c, Math.max(ALIGNMENT, ioBytes));
        this.io = arena.mapped != null ? host : DeviceBuffer.onDevice(c, Math.max(ALIGNMENT, ioBytes));
        this.arguments = DeviceBuffer.onHost(c, end + range);
        this.control = DeviceBuffer.onHost(c, plan.submissions().controlBytes());
        host.view().fill((byte) 0);
        control.view().fill((byte) 0);
        for (int i = 0; i < slots.size(); i++) {
            patches.add(new ArrayList<>());
            buffers[i] = switch (slots.get(i)) {
                case CommandList.ConstantSlot _ -> constants.buffer(i);
                case CommandList.TemporarySlot _ -> arena;
                case CommandList.InputSlot _, CommandList.OutputSlot _ -> io;
            };
            bases[i] = switch (slots.get(i)) {
                case CommandList.ConstantSlot _ -> constants.address(i);
                case CommandList.TemporarySlot t -> arena.address + t.offset();
                case CommandList.InputSlot _, CommandList.OutputSlot _ -> io.address + offsets[i];
            };
        }
        dispatches.forEach(this::writeArguments);
        this.commandBuffers = new long[segments.size()];
        Handles handles = Handles.of(c, this);
        CommandBuffers commands = new CommandBuffers(c, handles);
        Set<List<Long>> images = new HashSet<>();
        for (Dispatch d : dispatches) if (shader(d).texels() != 0) images.add(images(d));
        this.texels = !images.isEmpty();
        Descriptors descriptors = new Descriptors(c, handles, arguments, range, images);
        this.stamps = Stamps.areWanted(c) ? new Stamps(c, handles, segments) : null;
        for (int i = 0; i < commandBuffers.length; i++) commandBuffers[i] = segment(commands, i, descriptors);
    }

    /** What inputs and outputs take together. */
    static long ioBytes(List<CommandList.Slot> slots) {
        long[] offsets = new long[slots.size()];
        long inputs = arrange(slots, offsets, CommandList.InputSlot.class, 0);
        return arrange(slots, offsets, CommandList.OutputSlot.class, inputs);
    }

    /** Places the slots of a kind one behind the other, and returns the end. */
    private static long arrange(
            List<CommandList.Slot> slots, long[] offsets, Class<? extends CommandList.Slot> kind, long begin) {
        long at = begin;
        for (int i = 0; i < offsets.length; i++) {
            if (!kind.isInstance(slots.get(i))) continue;
            offsets[i] = at;
            at += (slots.get(i).bytes() + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
        }
        return at;
    }

    private Shader shader(Dispatch d) {
        return plan.shaders().get(d.launch().code());
    }

    private void writeArguments(Dispatch d) {
        ShaderArguments layout = d.layout();
        MemorySegment block = arguments.view().asSlice(d.arguments(), 8L * layout.count());
        Launch l = d.launch();
        for (int i = 0; i < l.uses().size(); i++) {
            int slot = l.uses().get(i).place().slot();
            boolean image = (shader(d).texels() >> i & 1) != 0;
            long base = image ? bases[slot] - buffers[slot].address : bases[slot];
            block.setAtIndex(JAVA_LONG, layout.buffer(i), base + d.offsets()[i]);
            block.setAtIndex(JAVA_LONG, layout.size(i), l.uses().get(i).elements());
            if (!image) patches.get(slot).add(new Patch(d.arguments() + 8L * layout.buffer(i), d.offsets()[i]));
        }
        for (int i = 0; i < l.extents().size(); i++)
            block.setAtIndex(JAVA_LONG, layout.extent(i), l.extents().get(i));
        block.setAtIndex(JAVA_LONG, layout.status(), control.address);
        block.setAtIndex(JAVA_LONG, layout.launch(), d.number());
        block.setAtIndex(JAVA_LONG, layout.grid(), l.grid());
    }

    // Recording

    /** For each binding the image that a launch reads there, 0 for none; empty where it reads none at all. */
    private List<Long> images(Dispatch d) {
        List<Long> views = new ArrayList<>();
        long texels = shader(d).texels();
        for (int i = 0; texels >> i != 0; i++) {
            int slot = d.launch().uses().get(i).place().slot();
            views.add((texels >> i & 1) == 0 ? 0L : buffers[slot].texels);
        }
        return views;
    }

    private long segment(CommandBuffers commands, int number, Descriptors descriptors) {
        commands.begin();
        boolean staged = io != host;
        if (staged && inputBytes > 0) {
            commands.copy(host, 0, io, 0, inputBytes);
            commands.beforeKernels();
        }
        Hazards hazards = new Hazards(plan.launches().slots());
        long bound = 0;
        int done = 0;
        Stamps s = stamps;
        if (s != null) s.begin(commands, number);
        for (Dispatch d : segments.get(number).dispatches()) {
            if (hazards.meets(d)) commands.beforeKernels();
            long pipeline = pipelines[d.launch().code()];
            if (bound != pipeline) commands.add("vkCmdBindPipeline", COMPUTE, pipeline);
            bound = pipeline;
            long[] sets = descriptors.sets(images(d));
            int[] at = {Math.toIntExact(d.arguments())};
            commands.add("vkCmdBindDescriptorSets", COMPUTE, c.pipelineLayout, 0, sets.length, sets, 1, at);
            long groups = Math.ceilDiv(d.launch().grid(), shader(d).each());
            long rows = Math.ceilDiv(groups, KernelEmitter.ROW);
            commands.add("vkCmdDispatch", rows > 1 ? KernelEmitter.ROW : groups, rows, 1);
            if (s != null) s.after(commands, number, done++);
        }
        List<Submissions.Fetch> fetches = segments.get(number).fetches();
        if (staged && ioBytes > inputBytes || !fetches.isEmpty()) commands.beforeCopies();
        for (Submissions.Fetch f : fetches) commands.copy(arena, f.from(), control, f.to(), f.bytes());
        if (staged && ioBytes > inputBytes) commands.copy(io, inputBytes, host, inputBytes, ioBytes - inputBytes);
        return commands.end();
    }

    // Running

    /** One that was made while somebody recorded says so for good, one that was not never does. */
    @Override
    public boolean isTimely() {
        return (stamps != null) == Stamps.areWanted(c);
    }

    /** What the device does not see, or kernels could not read where it begins, is copied. */
    @Override
    public void bind(int slot, Buffer buffer, MemorySegment memory) {
        Allocation a = buffer.allocation();
        long address = a == null ? 0 : a.handle() + buffer.offset();
        if (address % BOUND_ALIGNMENT != 0
                || buffer.bytes() < plan.launches().slots().get(slot).bytes()) address = 0;
        views[slot] = memory;
        boolean input = plan.launches().slots().get(slot) instanceof CommandList.InputSlot;
        // Images are not bound anew.
        if (input && texels) address = 0;
        long bytes = plan.launches().slots().get(slot).bytes();
        if (address == 0 && input) MemorySegment.copy(memory, 0, host.view(), offsets[slot], bytes);
        long base = address == 0 ? io.address + offsets[slot] : address;
        if (base == bases[slot]) return;
        bases[slot] = base;
        for (Patch p : patches.get(slot)) arguments.view().set(JAVA_LONG, p.at(), base + p.offset());
    }

    @Override
    public void unbind() {
        Arrays.fill(views, null);
    }

    @Override
    public MemorySegment output(int number) {
        CommandList.Output o = plan.launches().memory().outputs().get(number);
        if (!(plan.launches().slots().get(o.slot()) instanceof CommandList.TemporarySlot)) return slot(o.slot());
        return control.view()
                .asSlice(plan.submissions().fetched().get(number), o.type().bytes());
    }

    /** The bytes of an input, output or constant slot after a submission, where the host sees them. */
    private MemorySegment slot(int slot) {
        if (plan.launches().slots().get(slot) instanceof CommandList.ConstantSlot s)
            return s.value().data();
        MemorySegment bound = views[slot];
        boolean copied = bases[slot] == io.address + offsets[slot];
        if (bound != null && (!copied || plan.launches().slots().get(slot) instanceof CommandList.InputSlot))
            return bound;
        return host.view()
                .asSlice(offsets[slot], plan.launches().slots().get(slot).bytes());
    }

    @Override
    public void run(Job job, AtomicLong progress) {
        run(plan.submissions().turns(), progress);
        if (times != null) times.addRun();
    }

    private void run(List<Submissions.Turn> turns, AtomicLong progress) {
        for (Submissions.Turn t : turns) {
            switch (t) {
                case Submissions.Submit x -> {
                    long begin = System.nanoTime();
                    c.run(commandBuffers[x.segment()]);
                    progress.incrementAndGet();
                    if (stamps != null) stamps.tell(x.segment());
                    List<Dispatch> all = segments.get(x.segment()).dispatches();
                    if (times != null && !all.isEmpty()) times.add(all.getLast().launch(), System.nanoTime() - begin);
                    checkStatus();
                }
                case Submissions.Choose x -> run(test(x.condition()) ? x.then() : x.otherwise(), progress);
                case Submissions.While x -> {
                    run(x.test(), progress);
                    while (test(x.condition())) {
                        run(x.body(), progress);
                        run(x.test(), progress);
                    }
                }
            }
        }
    }

    private boolean test(Submissions.Condition x) {
        return (x.slot() < 0 ? control.view() : slot(x.slot())).get(JAVA_BYTE, x.at()) != 0;
    }

    private void checkStatus() {
        int status = control.view().get(JAVA_INT, 0);
        if (status == 0) return;
        control.view().set(JAVA_INT, 0, 0);
        Dispatch d = plan.submissions().dispatches().get(status / ShaderArguments.CODES - 1);
        throw d.launch().failure(status % ShaderArguments.CODES, control.view().get(JAVA_LONG, 8));
    }
}
