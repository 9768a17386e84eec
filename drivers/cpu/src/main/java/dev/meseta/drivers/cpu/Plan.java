package dev.meseta.drivers.cpu;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.plan.Launch;
import dev.meseta.driver.plan.LaunchPlan;
import dev.meseta.driver.plan.LaunchTimes;
import dev.meseta.driver.plan.PlanExecutable;
import dev.meseta.driver.plan.SlotPlaces;
import dev.meseta.machine.ArgumentLayout;
import dev.meseta.machine.MachineCode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A plan with its kernels compiled, the grids of its launches divided, and a place for the arguments of each. Immutable. */
final class Plan {
    private final LaunchPlan plan;
    private final List<MachineCode> codes;
    private final MachineCode dispatcher;
    private final boolean checking;
    private final long[] chunks;
    private final boolean isShared;
    private final long[] arguments;
    private final MemorySegment[] constants;
    private final @Nullable LaunchTimes times;

    /**
     * A plan that is whole.
     *
     * @param codes by the numbers that its launches have
     * @param chunks by launch, how many iterations a thread takes at once, at least
     */
    Plan(LaunchPlan plan, List<MachineCode> codes, MachineCode dispatcher, boolean checking, long[] chunks) {
        this(plan, codes, dispatcher, checking, chunks, List.of());
    }

    /** @param kernels those of the launches; empty where nobody knows */
    private Plan(
            LaunchPlan plan,
            List<MachineCode> codes,
            MachineCode dispatcher,
            boolean checking,
            long[] chunks,
            List<Kernel> kernels) {
        this.plan = plan;
        this.codes = List.copyOf(codes);
        this.dispatcher = dispatcher;
        this.checking = checking;
        this.chunks = chunks;
        this.isShared = plan.launches().stream().anyMatch(this::isShared);
        this.arguments = new long[plan.launches().size() + 1];
        for (Launch l : plan.launches())
            arguments[l.number() + 1] = arguments[l.number()] + layout(l).bytes();
        this.constants = constants(plan.memory());
        this.times = LaunchTimes.of(
                plan,
                this::note,
                l -> kernels.isEmpty()
                        ? 0
                        : KernelCost.of(kernels.get(l.number()), l.extents(), l.grid())
                                .nanoseconds());
    }

    /** The plan of a command list. Throws {@link IllegalArgumentException} for one that cannot run. */
    static Plan of(CommandList commands, KernelBatch batch) {
        Map<Kernel, Integer> numbers = new IdentityHashMap<>();
        List<Kernel> kernels = new ArrayList<>();
        List<Kernel> byLaunch = new ArrayList<>();
        LaunchPlan plan = LaunchPlan.of(commands, CopyKernel::of, l -> {
            byLaunch.add(l.kernel());
            return numbers.computeIfAbsent(l.kernel(), k -> {
                // All begin before the first is waited for.
                batch.expect(k);
                kernels.add(k);
                return numbers.size();
            });
        });
        List<MachineCode> codes = kernels.stream().map(batch::code).toList();
        long[] chunks = Division.chunks(plan, byLaunch, batch.threads());
        return new Plan(plan, codes, batch.cache().dispatcher(), batch.cache().checking(), chunks, byLaunch);
    }

    /** Constants that live in the Java heap are copied, to one piece of memory; the others are used where they are. */
    private static MemorySegment[] constants(CommandList memory) {
        SlotPlaces places = SlotPlaces.of(
                memory.slots(),
                s -> s instanceof CommandList.ConstantSlot c
                        && !c.value().data().isNative());
        MemorySegment copies = Arena.ofAuto().allocate(Math.max(1, places.bytes()), SlotPlaces.ALIGNMENT);
        MemorySegment[] segments = new MemorySegment[memory.slots().size()];
        for (int i = 0; i < segments.length; i++) {
            segments[i] = MemorySegment.NULL;
            if (!(memory.slots().get(i) instanceof CommandList.ConstantSlot c)) continue;
            MemorySegment data = c.value().data();
            segments[i] = data.isNative()
                    ? data
                    : copies.asSlice(places.offset(i), data.byteSize()).copyFrom(data);
        }
        return segments;
    }

    /** Ready to be run by the threads of a pool. */
    PlanExecutable executable(WorkerPool pool) {
        return new PlanExecutable(
                plan, () -> new RunState(this, pool), () -> PlanImage.of(this), () -> plan.describe(this::note));
    }

    LaunchPlan launches() {
        return plan;
    }

    /** Where the times of launches are noted; null where nobody asks. */
    @Nullable
    LaunchTimes times() {
        return times;
    }

    /** By the numbers that launches have. */
    List<MachineCode> codes() {
        return codes;
    }

    /** {@link dev.meseta.machine.Dispatcher}'s function. */
    MachineCode dispatcher() {
        return dispatcher;
    }

    boolean checking() {
        return checking;
    }

    static ArgumentLayout layout(Launch l) {
        return new ArgumentLayout(l.uses().size(), l.extents().size());
    }

    /** Byte offset of a launch's argument block. */
    long arguments(Launch l) {
        return arguments[l.number()];
    }

    /** Size of the argument blocks of all launches. */
    long argumentBytes() {
        return arguments[plan.launches().size()];
    }

    /** Whether some launch is worth more than one thread. */
    boolean isShared() {
        return isShared;
    }

    boolean isShared(Launch launch) {
        return chunk(launch) < launch.grid();
    }

    /** Iterations of a launch that a thread takes at once, at least; the grid itself for a launch of one thread. */
    long chunk(Launch launch) {
        return chunks[launch.number()];
    }

    /** What there is to say of a launch. */
    String note(Launch l) {
        return isShared(l) ? " by " + chunk(l) : "";
    }

    /** The bytes of a constant slot, in native memory. */
    MemorySegment constant(int slot) {
        return constants[slot];
    }
}
