package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.spirv.Bounds;
import dev.meseta.compiler.spirv.KernelEmitter;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.CommandList.Binding;
import dev.meseta.driver.CommandList.Command;
import dev.meseta.driver.DeviceException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes a plan of a command list. Used once. */
final class PlanBuilder {
    /** Launches that Repeats may be written out to. */
    private static final int MOST_LAUNCHES = 1 << 18;

    private final CommandList commands;
    private final List<CommandList.Slot> slots;
    private final List<CommandList.Output> outputs = new ArrayList<>();
    private final List<List<Step.Launch>> segments = new ArrayList<>();
    private final Shaders shaders;
    private final Map<Shaders.Key, Integer> numbers = new LinkedHashMap<>();
    private List<Step.Launch> open = new ArrayList<>();
    private Step.@Nullable Launch last;
    private int conditions;

    private PlanBuilder(CommandList commands, Shaders shaders) {
        this.commands = commands;
        this.slots = new ArrayList<>(commands.slots());
        this.shaders = shaders;
    }

    /** Throws {@link IllegalArgumentException} for a command list that is none, {@link DeviceException} for one that is too long. */
    static VulkanPlan plan(CommandList commands, Shaders shaders) {
        return new PlanBuilder(commands, shaders).plan();
    }

    private VulkanPlan plan() {
        List<Step> steps = new ArrayList<>();
        flatten(commands.commands(), List.of(), steps);
        outputs();
        close(steps);
        CommandList memory = new CommandList(slots, List.of(), commands.inputs(), outputs, commands.arenaBytes());
        // All kernels at once, by all threads.
        List<Step.Shader> all =
                List.copyOf(numbers.keySet()).parallelStream().map(shaders::get).toList();
        return new VulkanPlan(memory, all, segments, steps, conditions);
    }

    /** Outputs that lie in the arena are copied to slots of their own. */
    private void outputs() {
        for (CommandList.Output o : commands.outputs()) {
            if (!(slots.get(o.slot()) instanceof CommandList.TemporarySlot)) {
                outputs.add(o);
                continue;
            }
            long bytes = o.type().bytes();
            VulkanPlan.check(
                    bytes <= slots.get(o.slot()).bytes(),
                    () -> "output " + o.type() + " is larger than " + slots.get(o.slot()));
            outputs.add(new CommandList.Output(slots.size(), o.type()));
            slots.add(new CommandList.OutputSlot(bytes));
            if (bytes > 0) launch(CopyKernels.of(Binding.of(o.slot()), Binding.of(slots.size() - 1), bytes), List.of());
        }
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
        launch(CopyKernels.of(b, new Binding(Step.CONTROL, number, List.of()), 1), rounds);
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
        VulkanPlan.check(
                l.bindings().size() == k.buffers().size(),
                () -> who + " has " + l.bindings().size() + " bindings");
        VulkanPlan.check(
                l.extents().size() == k.extents(),
                () -> who + " has " + l.extents().size() + " extents");
        List<Step.Use> uses = new ArrayList<>();
        for (int i = 0; i < l.bindings().size(); i++) {
            Kernel.Buffer b = k.buffers().get(i);
            long reach = Math.multiplyExact(
                    Kernels.evaluate(b.elements(), l.extents()), b.dtype().bytes());
            Binding at = l.bindings().get(i);
            VulkanPlan.check(
                    at.strides().size() <= rounds.size(), () -> who + " has strides for more loops than there are");
            long offset = at.offset();
            for (int n = 0; n < at.strides().size(); n++)
                offset = Math.addExact(offset, Math.multiplyExact(at.strides().get(n), rounds.get(n)));
            Step.Use use = new Step.Use(b.name(), b.dtype(), b.access(), at.slot(), offset, reach);
            use.check(slots, who);
            uses.add(use);
        }
        long grid = Kernels.evaluate(k.grid(), l.extents());
        if (grid <= 0) return;
        if (last != null && last.number() == MOST_LAUNCHES)
            throw DeviceException.unsupported("a plan of more than " + MOST_LAUNCHES
                    + " launches: a loop of a fixed length is too long to be written out; use another device");
        Bounds bounds = bounds(l);
        int shader = numbers.computeIfAbsent(new Shaders.Key(k, bounds), _ -> numbers.size());
        last = Step.Launch.after(
                last,
                shader,
                k.name(),
                uses,
                l.extents(),
                grid,
                KernelEmitter.groups(k, shaders.options(), grid),
                bounds.texels(),
                l.origin());
        open.add(last);
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
        for (int i = 0; i < l.bindings().size() && shaders.options().texels(); i++)
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
}
