package dev.meseta.drivers.ethosu.model;

import dev.meseta.drivers.ethosu.commands.Checker;
import dev.meseta.drivers.ethosu.commands.Command;
import dev.meseta.drivers.ethosu.commands.CommandStream;
import dev.meseta.drivers.ethosu.commands.Operation;
import dev.meseta.drivers.ethosu.commands.Operation.Dma;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * When each operation of a stream begins and ends, by the estimate of {@link Cycles}. Operations on feature maps are done one after the other,
 * and copies beside them, one after the other as well. The device takes two of each kind before it waits for the first; a stream waits where it
 * says so.
 *
 * @param steps the operations in order
 * @param cycles when the last one has ended
 * @param macs products that are added
 * @param fastBytes how far the stream reaches into the fast memory
 */
public record Timeline(List<Step> steps, double cycles, double macs, long fastBytes) {
    private static final int OUTSTANDING = 2;

    /** Products that a core adds in a cycle, where it has them all. */
    private static final int MACS_A_CYCLE = 256;

    /** An operation, by the place of its command, and when it is at work. */
    public record Step(Command command, Operation operation, Cycles.Cost cost, double begin, double end) {}

    public Timeline {
        steps = List.copyOf(steps);
    }

    /** Operations of one kind that are under way, by when they end. */
    private static final class Queue {
        private final Deque<Double> ends = new ArrayDeque<>();
        private double free;

        /** The time at which no more than some are under way. */
        double wait(double now, int some) {
            double time = now;
            while (ends.size() > some) time = Math.max(time, ends.removeFirst());
            return time;
        }

        /** Adds one; gives when it begins. */
        double add(double now, double cycles) {
            double begin = Math.max(now, free);
            free = begin + cycles;
            ends.addLast(free);
            return begin;
        }
    }

    /** The timeline of a stream. Throws {@link dev.meseta.graph.InvalidInputException} for registers that make no sense. */
    public static Timeline of(CommandStream stream) {
        Map<Integer, Operation> operations = new HashMap<>();
        Checker.walk(stream, (c, o, _) -> operations.put(c.word(), o));
        List<Step> steps = new ArrayList<>();
        Queue kernels = new Queue();
        Queue copies = new Queue();
        double now = 0;
        double macs = 0;
        long fast = 0;
        for (Command c : stream.commands()) {
            if (c.is("OP_KERNEL_WAIT")) now = kernels.wait(now, c.parameter());
            if (c.is("OP_DMA_WAIT")) now = copies.wait(now, c.parameter());
            Operation o = operations.get(c.word());
            if (o == null) continue;
            Cycles.Cost cost = Cycles.of(o);
            Queue queue = o instanceof Dma ? copies : kernels;
            now = queue.wait(now, OUTSTANDING - 1);
            double begin = queue.add(now, cost.cycles());
            steps.add(new Step(c, o, cost, begin, begin + cost.cycles()));
            macs += cost.macs();
            fast = Math.max(fast, Cycles.fastBytes(o));
        }
        double end = Math.max(kernels.wait(now, 0), copies.wait(now, 0));
        return new Timeline(steps, end, macs, fast);
    }

    /** For people, what each operation takes, by the word of its command. */
    public Map<Integer, String> notes() {
        Map<Integer, String> notes = new HashMap<>();
        for (Step s : steps) {
            Cycles.Cost c = s.cost;
            notes.put(
                    s.command.word(),
                    String.format(
                            Locale.ROOT,
                            "about %,.0f cycles, from %,.0f to %,.0f: computes for %,.0f, fast memory busy for %,.0f, the other for %,.0f",
                            c.cycles(),
                            s.begin,
                            s.end,
                            c.compute(),
                            c.fast(),
                            c.slow()));
        }
        return notes;
    }

    /** For people, the whole in a line. */
    public String summary() {
        int cores = 1;
        for (Step s : steps)
            if (s.operation instanceof Operation.Block b)
                cores = Math.max(cores, Settings.of(b).cores());
        return String.format(
                Locale.ROOT,
                "about %,.0f cycles, %,.0f products (%.1f %% of what the device could add), %,d bytes of the fast memory",
                cycles,
                macs,
                100 * macs / Math.max(1, cycles * MACS_A_CYCLE * cores),
                fastBytes);
    }
}
