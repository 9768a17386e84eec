package dev.meseta.driver.plan;

import dev.meseta.driver.CommandList;
import dev.meseta.driver.Region;
import dev.meseta.graph.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;

/**
 * A command list that was checked, as a driver keeps and runs it: its kernels are numbers of code that the driver knows, its copies are
 * launches, and launches without iterations are gone. Every access that a launch declares lies within its slot in every round of the Repeats
 * around it, at a multiple of its elements' size, or the constructor throws {@link IllegalArgumentException}. Immutable.
 *
 * @param memory slots, inputs and outputs, without commands
 * @param launches in the order in which {@code steps} has them
 */
public record LaunchPlan(CommandList memory, List<Launch> launches, List<Step> steps) {
    /** Repeats within each other. */
    public static final int DEEPEST = 16;

    public LaunchPlan {
        launches = List.copyOf(launches);
        steps = List.copyOf(steps);
        checkSlots(memory);
        int end = checkSteps(memory.slots(), launches, steps, 0, List.of());
        check(end == launches.size(), () -> "it has launches that are no steps");
    }

    /**
     * The plan of a command list. Throws {@link IllegalArgumentException} for one that cannot run.
     *
     * @param copies a launch that copies
     * @param codes the number of a launch's code; called for one launch of the plan after the other
     */
    public static LaunchPlan of(
            CommandList commands,
            Function<CommandList.Copy, CommandList.Launch> copies,
            ToIntFunction<CommandList.Launch> codes) {
        return new PlanBuilder(commands, copies, codes).plan();
    }

    public List<CommandList.Slot> slots() {
        return memory.slots();
    }

    public List<Region> regions() {
        return Region.of(memory);
    }

    public List<TensorType> outputs() {
        return memory.outputs().stream().map(CommandList.Output::type).toList();
    }

    // Checks

    static void check(boolean condition, Supplier<String> message) {
        if (!condition) throw new IllegalArgumentException("the command list cannot run: " + message.get());
    }

    private static void checkSlots(CommandList m) {
        List<CommandList.Slot> slots = m.slots();
        for (int i = 0; i < slots.size(); i++) {
            CommandList.Slot s = slots.get(i);
            int number = i;
            check(s.bytes() >= 0, () -> "slot " + number + " is " + s);
            if (s instanceof CommandList.TemporarySlot t)
                check(
                        t.offset() >= 0 && t.offset() % 64 == 0 && t.offset() <= m.arenaBytes() - t.bytes(),
                        () -> "slot " + number + " is not in the arena of " + m.arenaBytes() + " bytes: " + t);
        }
        for (int slot : m.inputs())
            check(slots.get(slot) instanceof CommandList.InputSlot, () -> "slot " + slot + " is no input");
        for (CommandList.Output o : m.outputs())
            check(
                    o.type().bytes() <= slots.get(o.slot()).bytes(),
                    () -> "output " + o.type() + " is larger than " + slots.get(o.slot()));
    }

    /** @return the number behind that of the last launch */
    private static int checkSteps(
            List<CommandList.Slot> slots, List<Launch> launches, List<Step> steps, int begin, List<Long> rounds) {
        int next = begin;
        for (Step s : steps) {
            switch (s) {
                case Step.Launches x -> {
                    int first = next;
                    check(x.first() == first && x.end() >= first && x.end() <= launches.size(), () -> "a step is " + x);
                    for (; next < x.end(); next++) checkLaunch(slots, launches.get(next), next, rounds);
                }
                case Step.Repeat x -> {
                    check(rounds.size() < DEEPEST, () -> "more than " + DEEPEST + " nested loops");
                    List<Long> inner = new ArrayList<>(rounds);
                    inner.add(x.steps());
                    next = checkSteps(slots, launches, x.body(), next, inner);
                }
                case Step.Conditional x -> {
                    checkPlace(slots, x.condition(), 1, false, rounds, "a condition");
                    next = checkSteps(slots, launches, x.then(), next, rounds);
                    next = checkSteps(slots, launches, x.otherwise(), next, rounds);
                }
                case Step.RepeatWhile x -> {
                    next = checkSteps(slots, launches, x.test(), next, rounds);
                    checkPlace(slots, x.condition(), 1, false, rounds, "a condition");
                    next = checkSteps(slots, launches, x.body(), next, rounds);
                }
            }
        }
        return next;
    }

    private static void checkLaunch(List<CommandList.Slot> slots, Launch l, int number, List<Long> rounds) {
        check(l.number() == number && l.grid() > 0, () -> "launch " + number + " is " + l);
        for (Launch.Use u : l.uses()) {
            String who = l.who() + ", buffer " + u.name() + ",";
            checkPlace(slots, u.place(), u.bytes(), u.isWritten(), rounds, who);
            check(u.place().isMultipleOf(u.dtype().bytes()), () -> who + " lies between elements");
        }
    }

    /** Whether bytes from a place on lie in its slot for all rounds of the enclosing Repeats. */
    private static void checkPlace(
            List<CommandList.Slot> slots, Place p, long bytes, boolean write, List<Long> rounds, String who) {
        check(p.slot() >= 0 && p.slot() < slots.size(), () -> who + " uses slot " + p.slot());
        check(p.strides().length <= rounds.size(), () -> who + " has strides for more loops than there are");
        long low = p.offset();
        long high = p.offset();
        for (int i = 0; i < p.strides().length; i++) {
            long reach = Math.multiplyExact(p.strides()[i], Math.max(0, rounds.get(i) - 1));
            if (reach < 0) low = Math.addExact(low, reach);
            else high = Math.addExact(high, reach);
        }
        CommandList.Slot slot = slots.get(p.slot());
        long first = low;
        long end = high + bytes;
        check(
                bytes >= 0 && low >= 0 && high <= slot.bytes() - bytes,
                () -> who + " touches bytes " + first + " to " + end + " of slot " + p.slot() + ", which has "
                        + slot.bytes());
        boolean writable = slot instanceof CommandList.OutputSlot || slot instanceof CommandList.TemporarySlot;
        check(!write || writable, () -> who + " writes slot " + p.slot() + ", which is read only");
    }

    // For people

    /**
     * What it does, a line a step.
     *
     * @param note what there is to say of a launch; may be empty
     */
    public String describe(Function<Launch, String> note) {
        StringBuilder out = new StringBuilder("memory: " + memory.arenaBytes() + " bytes for what lives during a run, "
                + bytes(CommandList.ConstantSlot.class) + " constant, " + bytes(CommandList.InputSlot.class) + " in, "
                + bytes(CommandList.OutputSlot.class) + " out\n");
        describe(steps, "", note, out);
        return out.toString();
    }

    private long bytes(Class<? extends CommandList.Slot> kind) {
        return slots().stream()
                .filter(kind::isInstance)
                .mapToLong(CommandList.Slot::bytes)
                .sum();
    }

    private void describe(List<Step> list, String indent, Function<Launch, String> note, StringBuilder out) {
        for (Step s : list) {
            switch (s) {
                case Step.Launches x -> {
                    for (Launch l : launches.subList(x.first(), x.end()))
                        out.append(indent)
                                .append("launch ")
                                .append(l.kernel())
                                .append(" grid ")
                                .append(l.grid())
                                .append(note.apply(l))
                                .append("  ")
                                .append(l.origin())
                                .append('\n');
                }
                case Step.Repeat x -> {
                    out.append(indent).append("repeat ").append(x.steps()).append(x.reverse() ? " in reverse\n" : "\n");
                    describe(x.body(), indent + "  ", note, out);
                }
                case Step.Conditional x -> {
                    out.append(indent).append("if\n");
                    describe(x.then(), indent + "  ", note, out);
                    out.append(indent).append("else\n");
                    describe(x.otherwise(), indent + "  ", note, out);
                }
                case Step.RepeatWhile x -> {
                    out.append(indent).append("while\n");
                    describe(x.test(), indent + "  ? ", note, out);
                    describe(x.body(), indent + "  ", note, out);
                }
            }
        }
    }
}
