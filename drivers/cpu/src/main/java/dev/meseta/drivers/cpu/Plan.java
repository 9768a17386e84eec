package dev.meseta.drivers.cpu;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.CommandList.Binding;
import dev.meseta.driver.CommandList.Command;
import dev.meseta.graph.DType;
import dev.meseta.machine.ArgumentLayout;
import dev.meseta.machine.MachineCode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A command list that was checked, with its kernels compiled, the grids of its launches divided, and a place for the arguments of each.
 * Every access that a command declares lies within its slot, or the constructor throws {@link IllegalArgumentException}. Immutable.
 */
final class Plan {
    private final CommandList commands;
    private final Division division;
    private final Map<Kernel, MachineCode> codes;
    private final List<Step.Launch> launches;
    private final MemorySegment[] constants;
    private final List<Step> steps;
    private final boolean checking;
    private final MachineCode dispatcher;
    private final @Nullable LaunchTimes times;
    private long argumentBytes;

    Plan(CommandList commands, KernelBatch kernels) {
        this.commands = commands;
        this.checking = kernels.cache().checking();
        List<Kernel> used = new ArrayList<>();
        collect(commands.commands(), used);
        this.codes = kernels.compile(used);
        this.dispatcher = kernels.cache().dispatcher();
        this.launches = new ArrayList<>();
        this.constants = constants(commands);
        slots();
        this.steps = steps(commands.commands(), List.of());
        this.division = new Division(commands.slots(), launches, kernels.threads());
        this.times = LaunchTimes.of(this);
    }

    /**
     * A plan that was kept.
     *
     * @param slots a command list without commands
     * @param launches those of the steps, by number
     * @param chunks for each of them, how many iterations a thread takes at once
     */
    Plan(
            CommandList slots,
            List<Step> steps,
            List<Step.Launch> launches,
            long[] chunks,
            MachineCode dispatcher,
            long argumentBytes,
            boolean checking) {
        this.dispatcher = dispatcher;
        this.commands = slots;
        this.codes = Map.of();
        this.launches = launches;
        this.constants = constants(slots);
        slots();
        this.steps = steps;
        this.division = new Division(launches, chunks);
        this.argumentBytes = argumentBytes;
        this.checking = checking;
        footprints(steps, List.of());
        this.times = LaunchTimes.of(this);
    }

    /** Checks a plan that was kept as the commands were that it was made of. */
    private void footprints(List<Step> list, List<Long> rounds) {
        for (Step s : list) {
            switch (s) {
                case Step.Launches l -> {
                    for (Step.Launch launch : launches.subList(l.first(), l.end())) footprint(launch, rounds);
                }
                case Step.Repeat r -> {
                    check(
                            r.depth() == rounds.size() && rounds.size() < RunState.DEEPEST,
                            () -> "a loop of depth " + r.depth() + " within " + rounds.size());
                    List<Long> inner = new ArrayList<>(rounds);
                    inner.add(r.steps());
                    footprints(r.body(), inner);
                }
                case Step.Conditional c -> {
                    check(c.condition().binding(), 1, false, rounds, "a condition");
                    footprints(c.then(), rounds);
                    footprints(c.otherwise(), rounds);
                }
                case Step.RepeatWhile w -> {
                    footprints(w.test(), rounds);
                    check(w.condition().binding(), 1, false, rounds, "a condition");
                    footprints(w.body(), rounds);
                }
            }
        }
    }

    private void footprint(Step.Launch l, List<Long> rounds) {
        String who = "kernel " + l.kernel().name() + " of " + l.origin();
        check(
                l.arguments() >= 0
                        && l.arguments() % 8 == 0
                        && l.arguments() <= argumentBytes - l.layout().bytes(),
                () -> who + " has its arguments outside of those of the plan");
        for (int i = 0; i < l.places().size(); i++) {
            Kernel.Buffer b = l.kernel().buffers().get(i);
            long bytes = bytes(Kernels.evaluate(b.elements(), l.extents()), b.dtype());
            boolean write = b.access() != Kernel.Access.READ;
            check(l.places().get(i).binding(), bytes, write, rounds, who + ", buffer " + b.name() + ",");
        }
    }

    /** Where the times of launches are noted; null where nobody asks. */
    @Nullable
    LaunchTimes times() {
        return times;
    }

    CommandList commands() {
        return commands;
    }

    List<Step> steps() {
        return steps;
    }

    List<Step.Launch> launches() {
        return launches;
    }

    /** Size of the argument blocks of all launches. */
    long argumentBytes() {
        return argumentBytes;
    }

    /** {@link dev.meseta.machine.Dispatcher}'s function. */
    MachineCode dispatcher() {
        return dispatcher;
    }

    /** Whether some launch is worth more than one thread. */
    boolean isShared() {
        return division.isShared();
    }

    boolean isShared(Step.Launch launch) {
        return division.chunk(launch) < launch.grid();
    }

    /** Iterations of a launch that a thread takes at once, at least; the grid itself for a launch of one thread. */
    long chunk(Step.Launch launch) {
        return division.chunk(launch);
    }

    /** The bytes of a constant slot, in native memory. */
    MemorySegment constant(int slot) {
        return constants[slot];
    }

    boolean checking() {
        return checking;
    }

    private static void collect(List<Command> commands, List<Kernel> into) {
        for (Command c : commands) {
            switch (c) {
                case CommandList.Launch l -> into.add(l.kernel());
                case CommandList.Copy k -> into.add(CopyKernel.of(k).kernel());
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

    /** Constants that live in the Java heap are copied; the others are used where they are. */
    private static MemorySegment[] constants(CommandList commands) {
        MemorySegment[] segments = new MemorySegment[commands.slots().size()];
        for (int i = 0; i < segments.length; i++) {
            segments[i] = MemorySegment.NULL;
            if (!(commands.slots().get(i) instanceof CommandList.ConstantSlot c)) continue;
            MemorySegment data = c.value().data();
            if (!data.isNative()) {
                MemorySegment copy = Arena.ofAuto().allocate(Math.max(1, data.byteSize()), 64);
                data = copy.copyFrom(data).asSlice(0, data.byteSize());
            }
            segments[i] = data;
        }
        return segments;
    }

    private void slots() {
        for (int i = 0; i < commands.slots().size(); i++) {
            if (!(commands.slots().get(i) instanceof CommandList.TemporarySlot t)) continue;
            int number = i;
            check(
                    t.offset() >= 0
                            && t.offset() % 64 == 0
                            && t.bytes() >= 0
                            && t.offset() <= commands.arenaBytes() - t.bytes(),
                    () -> "slot " + number + " is not in the arena of " + commands.arenaBytes() + " bytes: " + t);
        }
        for (int slot : commands.inputs())
            check(commands.slots().get(slot) instanceof CommandList.InputSlot, () -> "slot " + slot + " is no input");
        for (CommandList.Output o : commands.outputs())
            check(
                    o.type().bytes() <= commands.slots().get(o.slot()).bytes(),
                    () -> "output " + o.type() + " is larger than "
                            + commands.slots().get(o.slot()));
    }

    private static void check(boolean condition, Supplier<String> message) {
        if (!condition) throw new IllegalArgumentException("the command list cannot run: " + message.get());
    }

    /** Whether bytes from a place on lie in its slot for all rounds of the enclosing Repeats. */
    private void check(Binding b, long bytes, boolean write, List<Long> rounds, String who) {
        check(b.slot() >= 0 && b.slot() < commands.slots().size(), () -> who + " uses slot " + b.slot());
        check(b.strides().size() <= rounds.size(), () -> who + " has strides for more loops than there are");
        long low = b.offset();
        long high = b.offset();
        for (int i = 0; i < b.strides().size(); i++) {
            long reach = Math.multiplyExact(b.strides().get(i), Math.max(0, rounds.get(i) - 1));
            if (reach < 0) low = Math.addExact(low, reach);
            else high = Math.addExact(high, reach);
        }
        CommandList.Slot slot = commands.slots().get(b.slot());
        long first = low;
        long end = high + bytes;
        check(
                bytes >= 0 && low >= 0 && high <= slot.bytes() - bytes,
                () -> who + " touches bytes " + first + " to " + end + " of slot " + b.slot() + ", which has "
                        + slot.bytes());
        boolean writable = slot instanceof CommandList.OutputSlot || slot instanceof CommandList.TemporarySlot;
        check(!write || writable, () -> who + " writes slot " + b.slot() + ", which is read only");
    }

    private List<Step> steps(List<Command> list, List<Long> rounds) {
        List<Step> result = new ArrayList<>();
        List<Step.Launch> run = new ArrayList<>();
        for (Command c : list) {
            switch (c) {
                case CommandList.Launch l -> run.add(launch(l, rounds));
                case CommandList.Copy k -> run.add(launch(CopyKernel.of(k), rounds));
                case CommandList.Repeat r -> {
                    end(run, result);
                    check(rounds.size() < RunState.DEEPEST, () -> "more than " + RunState.DEEPEST + " nested loops");
                    List<Long> inner = new ArrayList<>(rounds);
                    inner.add(r.steps());
                    result.add(new Step.Repeat(rounds.size(), r.steps(), r.reverse(), steps(r.body(), inner)));
                }
                case CommandList.Conditional k -> {
                    end(run, result);
                    check(k.condition(), 1, false, rounds, "a condition");
                    result.add(new Step.Conditional(
                            Step.Place.of(k.condition()), steps(k.then(), rounds), steps(k.otherwise(), rounds)));
                }
                case CommandList.RepeatWhile w -> {
                    end(run, result);
                    check(w.condition(), 1, false, rounds, "a condition");
                    result.add(new Step.RepeatWhile(
                            steps(w.test(), rounds), Step.Place.of(w.condition()), steps(w.body(), rounds)));
                }
            }
        }
        end(run, result);
        return List.copyOf(result);
    }

    /** Makes one step of launches that follow each other. */
    private static void end(List<Step.Launch> run, List<Step> into) {
        if (run.isEmpty()) return;
        List<Step.Launch> moving =
                run.stream().filter(l -> l.moving().length > 0).toList();
        into.add(new Step.Launches(run.getFirst().number(), run.getLast().number() + 1, moving));
        run.clear();
    }

    private Step.Launch launch(CommandList.Launch l, List<Long> rounds) {
        Kernel k = l.kernel();
        String who = "kernel " + k.name() + " of " + l.origin();
        check(
                l.bindings().size() == k.buffers().size(),
                () -> who + " has " + k.buffers().size() + " buffers, bound are "
                        + l.bindings().size());
        check(
                l.extents().size() == k.extents(),
                () -> who + " has " + k.extents() + " extents, given are "
                        + l.extents().size());
        List<Step.Place> places = new ArrayList<>();
        List<Integer> moving = new ArrayList<>();
        for (int i = 0; i < k.buffers().size(); i++) {
            Kernel.Buffer b = k.buffers().get(i);
            long bytes = bytes(Kernels.evaluate(b.elements(), l.extents()), b.dtype());
            check(
                    l.bindings().get(i),
                    bytes,
                    b.access() != Kernel.Access.READ,
                    rounds,
                    who + ", buffer " + b.name() + ",");
            Step.Place place = Step.Place.of(l.bindings().get(i));
            if (place.moves()) moving.add(i);
            places.add(place);
        }
        long grid = Kernels.evaluate(k.grid(), l.extents());
        double repetitions = 1;
        for (long r : rounds) repetitions *= r;
        ArgumentLayout layout = ArgumentLayout.of(k);
        Step.Launch launch = new Step.Launch(
                launches.size(),
                k,
                Objects.requireNonNull(codes.get(k), k.name()),
                layout,
                argumentBytes,
                List.copyOf(places),
                l.extents(),
                grid,
                repetitions,
                moving.stream().mapToInt(x -> x).toArray(),
                l.origin());
        launches.add(launch);
        argumentBytes += layout.bytes();
        return launch;
    }

    private static long bytes(long elements, DType dtype) {
        return Math.multiplyExact(elements, dtype.bytes());
    }
}
