package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.compiler.spirv.KernelEmitter;
import dev.meseta.compiler.spirv.ShaderArguments;
import dev.meseta.driver.Allocation;
import dev.meseta.driver.Buffer;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.plan.ArgumentBlocks;
import dev.meseta.driver.plan.Launch;
import dev.meseta.driver.plan.LaunchTimes;
import dev.meseta.driver.plan.Place;
import dev.meseta.driver.plan.PlanRun;
import dev.meseta.driver.plan.SlotPlaces;
import dev.meseta.driver.plan.Step;
import dev.meseta.drivers.vulkan.Submissions.Dispatch;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one run, and command buffers that were recorded when it was made. Used by one run at a time and by many one after the other:
 * what is bound to inputs and outputs is an address among the arguments, and recording does not depend on it.
 */
final class RunState extends PlanRun {
    private static final String COMPUTE = "VK_PIPELINE_BIND_POINT_COMPUTE";

    /** Kernels read elements and not bytes. */
    private static final long BOUND_ALIGNMENT = 16;

    private final Context c;
    private final Submissions submissions;
    private final List<CommandList.Slot> slots;
    private final long[] pipelines;
    private final DeviceBuffer arena;
    /** Inputs, and outputs behind them. */
    private final SlotPlaces places;

    private final long inputBytes;
    private final DeviceBuffer host;
    /** What kernels use in place of {@link #host} where the device's own memory is out of the host's reach. */
    private final DeviceBuffer io;

    private final DeviceBuffer control;
    private final DeviceBuffer argumentMemory;
    private final ArgumentBlocks arguments;
    /** By slot, where it lies while nothing is bound. */
    private final DeviceBuffer.Part[] parts;

    private final @Nullable MemorySegment[] views;
    private final long[] commandBuffers;
    private final boolean texels;
    private final @Nullable LaunchTimes times;
    /** By segment; empty while nobody records. */
    private final List<Stamps> stamps = new ArrayList<>();

    private final boolean isStamped;

    /** @param pipelines that of each of the plan's shaders */
    RunState(Context c, VulkanPlan plan, Constants constants, long[] pipelines, @Nullable LaunchTimes times) {
        this.times = times;
        this.c = c;
        this.submissions = plan.submissions();
        this.slots = plan.launches().slots();
        this.pipelines = pipelines;
        this.inputBytes =
                SlotPlaces.of(slots, s -> s instanceof CommandList.InputSlot).bytes();
        this.places = places(slots);
        this.arena =
                DeviceBuffer.onDevice(c, Math.max(1, plan.launches().memory().arenaBytes()));
        this.host = DeviceBuffer.onHost(c, Math.max(1, places.bytes()));
        this.io = arena.mapped != null ? host : DeviceBuffer.onDevice(c, Math.max(1, places.bytes()));
        this.control = DeviceBuffer.onHost(c, submissions.controlBytes());
        this.views = new MemorySegment[slots.size()];
        this.parts = new DeviceBuffer.Part[slots.size()];
        for (int i = 0; i < parts.length; i++)
            parts[i] = switch (slots.get(i)) {
                case CommandList.ConstantSlot _ -> constants.part(i);
                case CommandList.TemporarySlot t -> new DeviceBuffer.Part(arena, t.offset());
                case CommandList.InputSlot _, CommandList.OutputSlot _ -> new DeviceBuffer.Part(io, places.offset(i));
            };
        List<Dispatch> dispatches = submissions.dispatches();
        // Whatever a launch has: the descriptor of all is as large as that of the largest.
        long range =
                dispatches.stream().mapToLong(Dispatch::argumentBytes).max().orElse(16);
        long last = dispatches.isEmpty() ? 0 : dispatches.getLast().arguments();
        this.argumentMemory = DeviceBuffer.onHost(c, last + range);
        this.arguments = new ArgumentBlocks(
                argumentMemory.view(),
                Arrays.stream(parts).mapToLong(DeviceBuffer.Part::address).toArray());
        dispatches.forEach(this::writeArguments);
        Set<List<Long>> images = new HashSet<>();
        for (Dispatch d : dispatches) if (d.shader().texels() != 0) images.add(images(d));
        this.texels = !images.isEmpty();
        Handles handles = Handles.of(c, this);
        Descriptors descriptors = new Descriptors(c, handles, argumentMemory, range, images);
        this.isStamped = Stamps.areWanted(c);
        CommandBuffers commands = new CommandBuffers(c, handles);
        this.commandBuffers = new long[submissions.segments.size()];
        for (int i = 0; i < commandBuffers.length; i++)
            commandBuffers[i] = record(submissions.segments.get(i), handles, commands, descriptors);
    }

    static SlotPlaces places(List<CommandList.Slot> slots) {
        return SlotPlaces.of(slots, s -> s instanceof CommandList.InputSlot, s -> s instanceof CommandList.OutputSlot);
    }

    /** The part that a use of a launch lies in. */
    private DeviceBuffer.Part part(Dispatch d, int use) {
        return parts[d.launch().uses().get(use).place().slot()];
    }

    private void writeArguments(Dispatch d) {
        Launch l = d.launch();
        long[] offsets = d.offsets().clone();
        for (int i = 0; i < offsets.length; i++)
            if (d.shader().isImage(i)) offsets[i] -= part(d, i).buffer().address;
        arguments.write(d.arguments(), l, offsets, control.address, d.number(), l.grid());
    }

    // Recording

    /** For each binding the image that a launch reads there, 0 for none; empty where it reads none at all. */
    private List<Long> images(Dispatch d) {
        List<Long> views = new ArrayList<>();
        for (int i = 0; d.shader().texels() >> i != 0; i++)
            views.add(d.shader().isImage(i) ? part(d, i).buffer().texels : 0L);
        return views;
    }

    private long record(
            Submissions.Segment segment, Handles handles, CommandBuffers commands, Descriptors descriptors) {
        commands.begin();
        boolean staged = io != host;
        if (staged && inputBytes > 0) {
            commands.copy(host, 0, io, 0, inputBytes);
            commands.beforeKernels();
        }
        Hazards hazards = new Hazards(slots);
        long bound = 0;
        if (isStamped) stamps.add(new Stamps(c, handles, commands, segment.dispatches()));
        for (Dispatch d : segment.dispatches()) {
            if (hazards.meets(d)) commands.beforeKernels();
            long pipeline = pipelines[d.launch().code()];
            if (bound != pipeline) commands.add("vkCmdBindPipeline", COMPUTE, pipeline);
            bound = pipeline;
            long[] sets = descriptors.sets(images(d));
            int[] at = {Math.toIntExact(d.arguments())};
            commands.add("vkCmdBindDescriptorSets", COMPUTE, c.pipelineLayout, 0, sets.length, sets, 1, at);
            long groups = Math.ceilDiv(d.launch().grid(), d.shader().each());
            long rows = Math.ceilDiv(groups, KernelEmitter.ROW);
            commands.add("vkCmdDispatch", rows > 1 ? KernelEmitter.ROW : groups, rows, 1);
            if (isStamped) stamps.getLast().add();
        }
        long outputBytes = staged ? places.bytes() - inputBytes : 0;
        if (outputBytes > 0 || !segment.fetches().isEmpty()) commands.beforeCopies();
        for (Submissions.Fetch f : segment.fetches()) commands.copy(arena, f.from(), control, f.to(), f.bytes());
        if (outputBytes > 0) commands.copy(io, inputBytes, host, inputBytes, outputBytes);
        return commands.end();
    }

    // Running

    /** One that was made while somebody recorded says so for good, one that was not never does. */
    @Override
    protected boolean isTimely() {
        return isStamped == Stamps.areWanted(c);
    }

    /** What the device does not see, or kernels could not read where it begins, is copied. */
    @Override
    protected void bind(int slot, Buffer buffer, MemorySegment memory) {
        views[slot] = memory;
        long bytes = slots.get(slot).bytes();
        boolean input = slots.get(slot) instanceof CommandList.InputSlot;
        Allocation a = buffer.allocation();
        long address = a == null ? 0 : a.handle() + buffer.offset();
        // Images are not bound anew.
        boolean copied = address % BOUND_ALIGNMENT != 0 || buffer.bytes() < bytes || input && texels;
        if (address != 0 && !copied) {
            arguments.move(slot, address);
            return;
        }
        if (input) MemorySegment.copy(memory, 0, host.view(), places.offset(slot), bytes);
        arguments.move(slot, parts[slot].address());
    }

    @Override
    protected void unbind() {
        Arrays.fill(views, null);
    }

    @Override
    protected MemorySegment output(int number) {
        return at(submissions.outputs.get(number));
    }

    @Override
    protected boolean test(Place place) {
        return at(place).get(JAVA_BYTE, 0) != 0;
    }

    /** What is at a place after a submission, as the host sees it. */
    private MemorySegment at(Place p) {
        return (p.slot() == Submissions.CONTROL ? control.view() : slot(p.slot())).asSlice(p.offset(rounds));
    }

    private MemorySegment slot(int slot) {
        if (slots.get(slot) instanceof CommandList.ConstantSlot s)
            return s.value().data();
        MemorySegment bound = views[slot];
        boolean copied = arguments.base(slot) == parts[slot].address();
        return bound == null || copied && slots.get(slot) instanceof CommandList.OutputSlot
                ? host.view().asSlice(places.offset(slot), slots.get(slot).bytes())
                : bound;
    }

    @Override
    protected void run() {
        steps(submissions.steps);
        if (times != null) times.addRun();
    }

    @Override
    protected void launch(Step.Launches segments) {
        for (int i = segments.first(); i < segments.end(); i++) {
            long begin = System.nanoTime();
            c.run(commandBuffers[i]);
            advance();
            if (isStamped) stamps.get(i).tell();
            List<Dispatch> all = submissions.segments.get(i).dispatches();
            if (times != null && !all.isEmpty()) times.add(all.getLast().launch(), System.nanoTime() - begin);
            checkStatus();
        }
    }

    private void checkStatus() {
        int status = control.view().get(JAVA_INT, 0);
        if (status == 0) return;
        control.view().set(JAVA_INT, 0, 0);
        Dispatch d = submissions.dispatches().get(status / ShaderArguments.CODES - 1);
        throw d.launch().failure(status % ShaderArguments.CODES, control.view().get(JAVA_LONG, 8));
    }
}
