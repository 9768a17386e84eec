package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.compiler.spirv.KernelEmitter;
import dev.meseta.compiler.spirv.ShaderArguments;
import dev.meseta.driver.CommandList;
import dev.meseta.graph.InvalidInputException;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
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
final class RunState {
    private static final Cleaner CLEANER = Cleaner.create(
            Thread.ofPlatform().daemon().name("meseta-vulkan-runs").factory());
    static final long ALIGNMENT = 64;
    private static final int STATUS = (int) ShaderArguments.STATUS_BYTES;

    private final Context c;
    private final VulkanPlan plan;
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
    /** Null while nobody records. */
    private final @Nullable Stamps stamps;

    private long inputBytes;
    private long ioBytes;

    /** An address among the arguments that depends on what is bound to a slot. */
    private record Patch(long at, long offset) {}

    private record Free(
            CommandBuffers commands,
            Descriptors descriptors,
            @Nullable Stamps stamps) implements Runnable {
        @Override
        public void run() {
            commands.destroy();
            if (stamps != null) stamps.destroy();
            descriptors.destroy();
        }
    }

    /** @param pipelines that of each of the plan's shaders */
    RunState(Context c, VulkanPlan plan, Constants constants, long[] pipelines) {
        this.c = c;
        this.plan = plan;
        this.pipelines = pipelines;
        List<CommandList.Slot> slots = plan.slots();
        this.offsets = new long[slots.size()];
        this.bases = new long[slots.size()];
        this.buffers = new DeviceBuffer[slots.size()];
        this.views = new MemorySegment[slots.size()];
        arrange(slots);
        long range = plan.launches().stream()
                .mapToLong(l -> 8L * l.layout().count())
                .max()
                .orElse(16);
        this.arena = DeviceBuffer.onDevice(c, Math.max(ALIGNMENT, plan.memory().arenaBytes()));
        this.host = DeviceBuffer.onHost(c, Math.max(ALIGNMENT, ioBytes));
        this.io = arena.mapped != null ? host : DeviceBuffer.onDevice(c, Math.max(ALIGNMENT, ioBytes));
        this.arguments = DeviceBuffer.onHost(c, plan.argumentBytes() + range);
        this.control = DeviceBuffer.onHost(c, STATUS + plan.conditions());
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
        plan.launches().forEach(this::writeArguments);
        this.commandBuffers = new long[plan.segments().size()];
        CommandBuffers commands = new CommandBuffers(c);
        Set<List<Long>> images = new HashSet<>();
        for (Step.Launch l : plan.launches()) if (l.texels() != 0) images.add(images(l));
        this.texels = !images.isEmpty();
        Descriptors descriptors = new Descriptors(c, arguments, range, images);
        this.stamps = Stamps.areWanted(c) ? new Stamps(c, plan.segments()) : null;
        for (int i = 0; i < commandBuffers.length; i++) commandBuffers[i] = segment(commands, i, descriptors);
        CLEANER.register(this, new Free(commands, descriptors, stamps));
    }

    /** Inputs first, then outputs. */
    private void arrange(List<CommandList.Slot> slots) {
        for (int i = 0; i < offsets.length; i++) if (slots.get(i) instanceof CommandList.InputSlot s) reserve(i, s);
        inputBytes = ioBytes;
        for (int i = 0; i < offsets.length; i++) if (slots.get(i) instanceof CommandList.OutputSlot s) reserve(i, s);
    }

    private void reserve(int slot, CommandList.Slot s) {
        offsets[slot] = ioBytes;
        ioBytes += (s.bytes() + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    }

    private void writeArguments(Step.Launch l) {
        MemorySegment block =
                arguments.view().asSlice(l.argumentsAt(), 8L * l.layout().count());
        ShaderArguments layout = l.layout();
        for (int i = 0; i < l.uses().size(); i++) {
            Step.Use u = l.uses().get(i);
            boolean isControl = u.slot() == Step.CONTROL;
            long base = isControl ? control.address + STATUS : bases[u.slot()];
            boolean image = (l.texels() >> i & 1) != 0;
            if (image) base -= buffers[u.slot()].address;
            block.setAtIndex(JAVA_LONG, layout.buffer(i), base + u.offset());
            block.setAtIndex(JAVA_LONG, layout.size(i), u.elements());
            if (!isControl && !image)
                patches.get(u.slot()).add(new Patch(l.argumentsAt() + 8L * layout.buffer(i), u.offset()));
        }
        for (int i = 0; i < l.extents().size(); i++)
            block.setAtIndex(JAVA_LONG, layout.extent(i), l.extents().get(i));
        block.setAtIndex(JAVA_LONG, layout.status(), control.address);
        block.setAtIndex(JAVA_LONG, layout.launch(), l.number());
        block.setAtIndex(JAVA_LONG, layout.grid(), l.grid());
    }

    // Recording

    /** For each binding the image that a launch reads there, 0 for none; empty where it reads none at all. */
    private List<Long> images(Step.Launch l) {
        List<Long> views = new ArrayList<>();
        for (int i = 0; l.texels() >> i != 0; i++)
            views.add((l.texels() >> i & 1) == 0 ? 0L : buffers[l.uses().get(i).slot()].texels);
        return views;
    }

    private long segment(CommandBuffers commands, int number, Descriptors descriptors) {
        commands.begin();
        boolean staged = io != host;
        if (staged && inputBytes > 0) {
            commands.copy(host, io, 0, inputBytes);
            commands.barrier(
                    Vk.PIPELINE_TRANSFER, Vk.ACCESS_TRANSFER_WRITE, Vk.PIPELINE_COMPUTE, Vk.ACCESS_SHADER_READ);
        }
        int shader = Vk.ACCESS_SHADER_READ | Vk.ACCESS_SHADER_WRITE;
        Hazards hazards = new Hazards(plan.slots());
        long bound = 0;
        int done = 0;
        Stamps s = stamps;
        if (s != null) s.begin(commands, number);
        for (Step.Launch l : plan.segments().get(number)) {
            if (hazards.meets(l)) commands.barrier(Vk.PIPELINE_COMPUTE, shader, Vk.PIPELINE_COMPUTE, shader);
            long pipeline = pipelines[l.shader()];
            if (bound != pipeline) commands.pipeline(pipeline);
            bound = pipeline;
            commands.arguments(descriptors.sets(images(l)), l.argumentsAt());
            long rows = Math.ceilDiv(l.groups(), KernelEmitter.ROW);
            commands.dispatch(rows > 1 ? KernelEmitter.ROW : l.groups(), rows);
            if (s != null) s.after(commands, number, done++);
        }
        if (staged && ioBytes > inputBytes) {
            commands.barrier(
                    Vk.PIPELINE_COMPUTE, Vk.ACCESS_SHADER_WRITE, Vk.PIPELINE_TRANSFER, Vk.ACCESS_TRANSFER_READ);
            commands.copy(io, host, inputBytes, ioBytes - inputBytes);
        }
        commands.barrier(
                Vk.PIPELINE_COMPUTE | Vk.PIPELINE_TRANSFER,
                Vk.ACCESS_SHADER_WRITE | Vk.ACCESS_TRANSFER_WRITE,
                Vk.PIPELINE_COMPUTE | Vk.PIPELINE_HOST,
                shader | Vk.ACCESS_HOST_READ);
        return commands.end();
    }

    // Running

    /** Whether it is of use now: one that was made while somebody recorded says so for good, one that was not never does. */
    boolean isTimely() {
        return (stamps != null) == Stamps.areWanted(c);
    }

    /**
     * Binds an input or output slot.
     *
     * @param memory the host's view of what is bound
     * @param bound its address on the device; 0 where it is the host's alone, and is copied
     */
    void bind(int slot, MemorySegment memory, long bound) {
        long address = bound;
        views[slot] = memory;
        boolean input = plan.slots().get(slot) instanceof CommandList.InputSlot;
        // Images are not bound anew.
        if (input && texels) address = 0;
        long bytes = plan.slots().get(slot).bytes();
        if (address == 0 && input) MemorySegment.copy(memory, 0, host.view(), offsets[slot], bytes);
        long base = address == 0 ? io.address + offsets[slot] : address;
        if (base == bases[slot]) return;
        bases[slot] = base;
        for (Patch p : patches.get(slot)) arguments.view().set(JAVA_LONG, p.at(), base + p.offset());
    }

    /** Lets go of what is bound. */
    void unbind() {
        Arrays.fill(views, null);
    }

    /** The bytes of an input, output or constant slot after a run, where the host sees them. */
    MemorySegment result(int slot) {
        if (plan.slots().get(slot) instanceof CommandList.ConstantSlot s)
            return s.value().data();
        MemorySegment bound = views[slot];
        boolean copied = bases[slot] == io.address + offsets[slot];
        if (bound != null && (!copied || plan.slots().get(slot) instanceof CommandList.InputSlot)) return bound;
        return host.view().asSlice(offsets[slot], plan.slots().get(slot).bytes());
    }

    void run(AtomicLong progress) {
        run(plan.steps(), progress);
    }

    private void run(List<Step> steps, AtomicLong progress) {
        for (Step s : steps) {
            switch (s) {
                case Step.Submit x -> {
                    long begin = System.nanoTime();
                    c.await(c.submit(commandBuffers[x.segment()]));
                    progress.incrementAndGet();
                    if (stamps != null) stamps.tell(x.segment());
                    if (LaunchTimes.isOn())
                        LaunchTimes.add(plan.segments().get(x.segment()).getLast(), System.nanoTime() - begin);
                    checkStatus();
                }
                case Step.Choose x -> run(test(x.condition()) ? x.then() : x.otherwise(), progress);
                case Step.While w -> {
                    run(w.test(), progress);
                    while (test(w.condition())) {
                        run(w.body(), progress);
                        run(w.test(), progress);
                    }
                }
            }
        }
    }

    private boolean test(int condition) {
        return control.view().get(JAVA_BYTE, STATUS + (long) condition) != 0;
    }

    private void checkStatus() {
        int status = control.view().get(JAVA_INT, 0);
        if (status == 0) return;
        long index = control.view().get(JAVA_LONG, 8);
        control.view().set(JAVA_INT, 0, 0);
        int number = status / ShaderArguments.CODES;
        int what = status % ShaderArguments.CODES;
        Step.Launch l = plan.launches().stream()
                .filter(x -> x.number() == number)
                .findFirst()
                .orElseThrow();
        if (what == ShaderArguments.POSITION_OUTSIDE)
            throw new InvalidInputException(
                    "node '" + l.origin() + "': an index in the data lies outside the dimension that it points into");
        String where = "kernel " + l.kernel() + " of " + l.origin();
        if (what == ShaderArguments.LOCAL_ARRAY)
            throw new IllegalStateException(where + " leaves a local array at index " + index);
        int buffer = what - ShaderArguments.BUFFER;
        Step.Use u = l.uses().get(buffer);
        throw new IllegalStateException(where + " leaves buffer #" + buffer + " (" + u.name() + ", " + u.dtype()
                + ") of " + u.elements() + " elements at index " + index);
    }
}
