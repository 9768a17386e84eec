package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.spirv.Bounds;
import dev.meseta.compiler.spirv.ShaderArguments;
import dev.meseta.compiler.spirv.ShaderOptions;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.CommandList.Binding;
import dev.meseta.driver.CommandList.Command;
import dev.meseta.driver.DeviceException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A command list that was checked, with its kernels compiled, its Repeats written out, and the rest cut into segments: each is a command
 * buffer, and between them the host looks at a condition. Every access that a command declares lies within its slot, or the constructor
 * throws {@link IllegalArgumentException}. Immutable.
 */
final class VulkanPlan {
    /** Launches that Repeats may be written out to. */
    private static final int MOST_LAUNCHES = 1 << 18;

    private final CommandList commands;
    private final List<CommandList.Slot> slots;
    private final List<Integer> outputSlots = new ArrayList<>();
    private final List<List<Step.Launch>> segments = new ArrayList<>();
    private final List<Step> steps;
    private final Constants constants;
    private final Pipelines pipelines;
    private final long argumentAlignment;
    private List<Step.Launch> open = new ArrayList<>();
    private long argumentBytes;
    private int launches;
    private int conditions;

    VulkanPlan(CommandList commands, Context c, Pipelines pipelines) {
        this.commands = commands;
        this.slots = new ArrayList<>(commands.slots());
        this.pipelines = pipelines;
        this.argumentAlignment = Math.max(16, c.physical.uniformAlignment());
        checkSlots();
        compileAll(commands.commands());
        List<Step> list = new ArrayList<>();
        flatten(commands.commands(), List.of(), list);
        outputs();
        close(list);
        this.steps = List.copyOf(list);
        this.constants = new Constants(c, slots);
    }

    ShaderOptions options() {
        return pipelines.options();
    }

    CommandList commands() {
        return commands;
    }

    /** Those of the command list, and behind them those for outputs that are copied out of the arena. */
    List<CommandList.Slot> slots() {
        return slots;
    }

    /** For each output, its slot: never a temporary one. */
    List<Integer> outputSlots() {
        return outputSlots;
    }

    List<Step> steps() {
        return steps;
    }

    List<List<Step.Launch>> segments() {
        return segments;
    }

    Constants constants() {
        return constants;
    }

    /** Size of the arguments of all launches. */
    long argumentBytes() {
        return argumentBytes;
    }

    int conditions() {
        return conditions;
    }

    /** Outputs that lie in the arena are copied to slots of their own. */
    private void outputs() {
        for (CommandList.Output o : commands.outputs()) {
            if (!(slots.get(o.slot()) instanceof CommandList.TemporarySlot)) {
                outputSlots.add(o.slot());
                continue;
            }
            long bytes = o.type().bytes();
            outputSlots.add(slots.size());
            slots.add(new CommandList.OutputSlot(bytes));
            if (bytes > 0) launch(CopyKernels.of(Binding.of(o.slot()), Binding.of(slots.size() - 1), bytes), List.of());
        }
    }

    private void checkSlots() {
        for (int i = 0; i < slots.size(); i++) {
            if (!(slots.get(i) instanceof CommandList.TemporarySlot t)) continue;
            int number = i;
            check(
                    t.offset() >= 0
                            && t.offset() % 64 == 0
                            && t.bytes() >= 0
                            && t.offset() + t.bytes() <= commands.arenaBytes(),
                    () -> "slot " + number + " is not in the arena of " + commands.arenaBytes() + " bytes: " + t);
        }
        for (int slot : commands.inputs())
            check(slots.get(slot) instanceof CommandList.InputSlot, () -> "slot " + slot + " is no input");
        for (CommandList.Output o : commands.outputs())
            check(
                    o.type().bytes() <= slots.get(o.slot()).bytes(),
                    () -> "output " + o.type() + " is larger than " + slots.get(o.slot()));
    }

    private static void check(boolean condition, Supplier<String> message) {
        if (!condition) throw new IllegalArgumentException("the command list cannot run: " + message.get());
    }

    // Commands

    /** @param rounds the iteration numbers of the enclosing Repeats */
    private void flatten(List<Command> list, List<Long> rounds, List<Step> into) {
        for (Command command : list) {
            if (LaunchTimes.isOn()) close(into);
            switch (command) {
                case CommandList.Launch l -> launch(l, rounds);
                case CommandList.Copy k -> {
                    if (k.bytes() > 0) launch(CopyKernels.of(k.from(), k.to(), k.bytes()), rounds);
                }
                case CommandList.Repeat r -> {
                    for (long n = 0; n < r.steps(); n++) {
                        List<Long> inner = new ArrayList<>(rounds);
                        inner.add(r.reverse() ? r.steps() - 1 - n : n);
                        flatten(r.body(), inner, into);
                    }
                }
                case CommandList.Conditional k -> {
                    int condition = condition(k.condition(), rounds, into);
                    List<Step> then = list(k.then(), rounds);
                    into.add(new Step.Choose(condition, then, list(k.otherwise(), rounds)));
                }
                case CommandList.RepeatWhile w -> {
                    close(into);
                    List<Step> test = new ArrayList<>();
                    flatten(w.test(), rounds, test);
                    int condition = condition(w.condition(), rounds, test);
                    into.add(new Step.While(List.copyOf(test), condition, list(w.body(), rounds)));
                }
            }
        }
    }

    private List<Step> list(List<Command> commands, List<Long> rounds) {
        List<Step> steps = new ArrayList<>();
        flatten(commands, rounds, steps);
        close(steps);
        return List.copyOf(steps);
    }

    /** Brings a condition to where the host sees it, and ends the segment. */
    private int condition(Binding b, List<Long> rounds, List<Step> into) {
        int number = conditions++;
        launch(CopyKernels.of(b, new Binding(Step.Place.CONTROL, number, List.of()), 1), rounds);
        close(into);
        return number;
    }

    private void close(List<Step> into) {
        if (open.isEmpty()) return;
        into.add(new Step.Submit(segments.size()));
        segments.add(List.copyOf(open));
        open = new ArrayList<>();
    }

    private void launch(CommandList.Launch l, List<Long> rounds) {
        Kernel k = l.kernel();
        String who = "kernel " + k.name() + " of " + l.origin();
        check(
                l.bindings().size() == k.buffers().size(),
                () -> who + " has " + l.bindings().size() + " bindings");
        check(
                l.extents().size() == k.extents(),
                () -> who + " has " + l.extents().size() + " extents");
        List<Step.Place> places = new ArrayList<>();
        List<Long> bytes = new ArrayList<>();
        for (int i = 0; i < l.bindings().size(); i++) {
            Kernel.Buffer b = k.buffers().get(i);
            long reach = Math.multiplyExact(
                    Kernels.evaluate(b.elements(), l.extents()), b.dtype().bytes());
            Step.Place p = place(l.bindings().get(i), rounds, who);
            inside(p, reach, b.access() != Kernel.Access.READ, who);
            check(p.offset() % b.dtype().bytes() == 0, () -> who + " has a place that is not aligned: " + p);
            places.add(p);
            bytes.add(reach);
        }
        long grid = Kernels.evaluate(k.grid(), l.extents());
        if (grid <= 0) return;
        if (launches == MOST_LAUNCHES)
            throw DeviceException.unsupported("a plan of more than " + MOST_LAUNCHES
                    + " launches: a loop of a fixed length is too long to be written out; use another device");
        Bounds bounds = bounds(l);
        long pipeline = pipelines.get(k, bounds);
        ShaderArguments layout = ShaderArguments.of(k);
        open.add(new Step.Launch(
                ++launches,
                k,
                pipeline,
                layout,
                argumentBytes,
                places,
                bytes,
                l.extents(),
                grid,
                bounds.texels(),
                l.origin()));
        long size = 8L * layout.count();
        argumentBytes += (size + argumentAlignment - 1) / argumentAlignment * argumentAlignment;
    }

    private Step.Place place(Binding b, List<Long> rounds, String who) {
        check(b.strides().size() <= rounds.size(), () -> who + " has strides for more loops than there are");
        long offset = b.offset();
        for (int i = 0; i < b.strides().size(); i++)
            offset = Math.addExact(offset, Math.multiplyExact(b.strides().get(i), rounds.get(i)));
        return new Step.Place(b.slot(), offset);
    }

    private void inside(Step.Place p, long bytes, boolean write, String who) {
        if (p.slot() == Step.Place.CONTROL) return;
        check(p.slot() >= 0 && p.slot() < slots.size(), () -> who + " uses slot " + p.slot());
        CommandList.Slot slot = slots.get(p.slot());
        check(
                bytes >= 0 && p.offset() >= 0 && p.offset() <= slot.bytes() - bytes,
                () -> who + " touches bytes " + p.offset() + " to " + (p.offset() + bytes) + " of slot " + p.slot()
                        + ", which has " + slot.bytes());
        boolean writable = slot instanceof CommandList.OutputSlot || slot instanceof CommandList.TemporarySlot;
        check(!write || writable, () -> who + " writes slot " + p.slot() + ", which is read only");
    }

    // Kernels

    private Bounds bounds(CommandList.Launch l) {
        List<Long> alignments = new ArrayList<>();
        for (Binding b : l.bindings()) {
            // Slots are aligned to this much at least, and so is what is bound without a copy.
            long bits = b.offset() | Bounds.MOST_ALIGNED;
            for (long s : b.strides()) bits |= s;
            alignments.add(Long.lowestOneBit(bits));
        }
        long texels = 0;
        for (int i = 0; i < l.bindings().size() && pipelines.options().texels(); i++)
            if (Bounds.mayBeTexels(l.kernel(), i) && isImage(l.bindings().get(i).slot())) texels |= 1L << i;
        return Bounds.of(l.kernel(), l.extents(), alignments, texels);
    }

    /** Whether what lies in a slot can be read as an image: where it lies is known when commands are recorded. */
    private boolean isImage(int slot) {
        return slot >= 0
                && switch (slots.get(slot)) {
                    case CommandList.ConstantSlot s -> s.bytes() <= DeviceBuffer.MOST_TEXEL_BYTES;
                    case CommandList.TemporarySlot _ -> commands.arenaBytes() <= DeviceBuffer.MOST_TEXEL_BYTES;
                    case CommandList.InputSlot _ -> ioBytes() <= DeviceBuffer.MOST_TEXEL_BYTES;
                    case CommandList.OutputSlot _ -> false;
                };
    }

    private long ioBytes() {
        long bytes = 0;
        for (CommandList.Slot s : slots)
            if (s instanceof CommandList.InputSlot || s instanceof CommandList.OutputSlot)
                bytes += s.bytes() + RunState.ALIGNMENT;
        return bytes;
    }

    /** All kernels at once, by all threads: a driver takes its time for each. */
    private void compileAll(List<Command> list) {
        Set<Pipelines.Key> keys = new HashSet<>();
        collect(list, keys);
        keys.parallelStream().forEach(k -> pipelines.get(k.kernel(), k.bounds()));
    }

    private void collect(List<Command> list, Set<Pipelines.Key> into) {
        for (Command c : list) {
            switch (c) {
                case CommandList.Launch l -> into.add(new Pipelines.Key(l.kernel(), bounds(l)));
                case CommandList.Copy _ -> {}
                case CommandList.Repeat r -> collect(r.body(), into);
                case CommandList.Conditional k -> {
                    collect(k.then(), into);
                    collect(k.otherwise(), into);
                }
                case CommandList.RepeatWhile w -> {
                    collect(w.test(), into);
                    collect(w.body(), into);
                }
            }
        }
    }
}
