package dev.meseta.drivers.vulkan;

import dev.meseta.driver.CommandList;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.driver.Region;
import dev.meseta.graph.TensorType;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A command list with its kernels as shaders, its Repeats written out, and the rest cut into segments: each is a command buffer, and between
 * them the host looks at a condition. It needs no device. Every access that a launch declares lies within its slot, or the constructor throws
 * {@link IllegalArgumentException}. Immutable.
 *
 * @param memory slots, inputs and outputs, which are never temporary slots, without commands
 * @param conditions number of bytes that the host looks at
 */
record VulkanPlan(
        CommandList memory,
        List<Step.Shader> shaders,
        List<List<Step.Launch>> segments,
        List<Step> steps,
        int conditions)
        implements Executable {
    VulkanPlan {
        shaders = List.copyOf(shaders);
        segments = List.copyOf(segments);
        steps = List.copyOf(steps);
        checkSlots(memory);
        int n = shaders.size();
        for (List<Step.Launch> segment : segments) {
            for (Step.Launch l : segment) {
                check(l.shader() >= 0 && l.shader() < n, () -> "launch " + l.number() + " has shader " + l.shader());
                for (Step.Use u : l.uses()) {
                    u.check(memory.slots(), "kernel " + l.kernel() + " of " + l.origin());
                    check(
                            u.slot() != Step.CONTROL || u.offset() >= 0 && u.offset() + u.bytes() <= conditions,
                            () -> "there are no " + u.offset() + " conditions");
                }
            }
        }
        checkSteps(steps, segments.size(), conditions);
    }

    private static void checkSlots(CommandList m) {
        List<CommandList.Slot> slots = m.slots();
        for (CommandList.Slot s : slots) {
            check(s.bytes() >= 0, () -> "a slot is " + s);
            if (s instanceof CommandList.TemporarySlot t)
                check(
                        t.offset() >= 0 && t.offset() % 64 == 0 && t.offset() <= m.arenaBytes() - t.bytes(),
                        () -> "a slot is not in the arena of " + m.arenaBytes() + " bytes: " + t);
        }
        for (int slot : m.inputs())
            check(slots.get(slot) instanceof CommandList.InputSlot, () -> "slot " + slot + " is no input");
        for (CommandList.Output o : m.outputs())
            check(
                    o.type().bytes() <= slots.get(o.slot()).bytes()
                            && !(slots.get(o.slot()) instanceof CommandList.TemporarySlot),
                    () -> "output " + o.type() + " does not lie in " + slots.get(o.slot()));
    }

    private static void checkSteps(List<Step> steps, int segments, int conditions) {
        for (Step s : steps) {
            int condition = switch (s) {
                case Step.Submit x -> {
                    check(x.segment() >= 0 && x.segment() < segments, () -> "there is no " + x);
                    yield 0;
                }
                case Step.Choose x -> {
                    checkSteps(x.then(), segments, conditions);
                    checkSteps(x.otherwise(), segments, conditions);
                    yield x.condition();
                }
                case Step.While w -> {
                    checkSteps(w.test(), segments, conditions);
                    checkSteps(w.body(), segments, conditions);
                    yield w.condition();
                }
            };
            check(
                    condition == 0 || condition > 0 && condition < conditions,
                    () -> "there is no condition " + condition);
        }
    }

    static void check(boolean condition, Supplier<String> message) {
        if (!condition) throw new IllegalArgumentException("the command list cannot run: " + message.get());
    }

    List<CommandList.Slot> slots() {
        return memory.slots();
    }

    /** Launches in order. */
    List<Step.Launch> launches() {
        return segments.stream().flatMap(List::stream).toList();
    }

    /** Size of the arguments of all launches. */
    long argumentBytes() {
        return launches().stream().mapToLong(Step.Launch::argumentsEnd).max().orElse(0);
    }

    @Override
    public List<Region> regions() {
        return Region.of(memory);
    }

    @Override
    public List<TensorType> outputs() {
        return memory.outputs().stream().map(CommandList.Output::type).toList();
    }

    @Override
    public Optional<Image> image() {
        return Optional.of(PlanImage.of(this));
    }

    @Override
    public String describe() {
        StringBuilder out = new StringBuilder("memory: " + memory.arenaBytes() + " bytes for what lives during a run, "
                + bytes(CommandList.ConstantSlot.class) + " constant, " + bytes(CommandList.InputSlot.class) + " in, "
                + bytes(CommandList.OutputSlot.class) + " out\n");
        long always = steps.stream().filter(s -> s instanceof Step.Submit).count();
        out.append("submissions per run: ")
                .append(always)
                .append(always < steps.size() ? " and those that conditions ask for\n" : "\n");
        describe(steps, "", out);
        return out.toString();
    }

    private long bytes(Class<? extends CommandList.Slot> kind) {
        return slots().stream()
                .filter(kind::isInstance)
                .mapToLong(CommandList.Slot::bytes)
                .sum();
    }

    private void describe(List<Step> steps, String indent, StringBuilder out) {
        for (Step s : steps) {
            switch (s) {
                case Step.Submit x -> {
                    out.append(indent).append("submit\n");
                    for (Step.Launch l : segments.get(x.segment()))
                        out.append(indent + "  launch " + l.kernel() + " grid " + l.grid() + "  " + l.origin() + "\n");
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
