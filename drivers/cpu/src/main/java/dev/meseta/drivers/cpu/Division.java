package dev.meseta.drivers.cpu;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.plan.Launch;
import dev.meseta.driver.plan.LaunchPlan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which launches of a command list are shared between threads, and in what pieces. What one core has written reaches another at a fraction
 * of the speed of its own cache. So a small launch is best shared where those are that give it its data, and stays on one thread where they
 * do: launches are looked at in turn, until none is better off the other way. Immutable.
 */
final class Division {
    /** What it takes to hand a launch to a thread and to see that it is done, in nanoseconds. */
    private static final double HAND_OVER = 800;

    /** What one core reads of what another has written. */
    private static final double BYTES_PER_NANOSECOND = 13;

    /** Looks at all launches, at most. */
    private static final int ROUNDS = 8;

    /** A run that saves less than this many nanoseconds by sharing is not worth waking a thread for. */
    private static final double WORTH_WAKING = 40_000;

    /** What a thread takes at once is worth this many nanoseconds, or more. */
    private static final double LEAST_SHARE = 1_500;

    private Division() {}

    /** A launch. */
    private static final class Item {
        final long grid;

        /** Nanoseconds on one thread, and on all, for all its repetitions. */
        final double alone;

        final double shared;

        /** Least number of iterations that a thread takes at once. */
        final long chunk;

        /** Whom it has its data from, and whom it gives it to. */
        final List<Edge> edges = new ArrayList<>();

        boolean isShared;

        Item(long grid, double alone, double shared, long chunk) {
            this.grid = grid;
            this.alone = alone;
            this.shared = shared;
            this.chunk = chunk;
        }

        double cost(boolean share) {
            double sum = share ? shared : alone;
            for (Edge e : edges) if (e.other.isShared != share) sum += e.nanoseconds;
            return sum;
        }
    }

    /** Data between two launches, and the time that it takes to bring it from one thread to all or back. */
    private record Edge(Item other, double nanoseconds) {}

    /**
     * How many iterations of each launch a thread takes at once, at least; all of them for a launch that is not shared.
     *
     * @param kernels those of the launches
     */
    static long[] chunks(LaunchPlan plan, List<Kernel> kernels, int threads) {
        long[] chunks = plan.launches().stream().mapToLong(Launch::grid).toArray();
        if (threads > 1) new Maker(plan, kernels, threads).divide(chunks);
        return chunks;
    }

    /** Makes a division. */
    private static final class Maker {
        private final LaunchPlan plan;
        private final List<Kernel> kernels;
        private final int threads;
        private final List<Item> items = new ArrayList<>();

        /** Layers that repeat share their kernels. */
        private final Map<Kernel, Map<List<Long>, KernelCost.Cost>> costs = new IdentityHashMap<>();

        /** For each slot, the launch that wrote it last. */
        private final Map<Integer, Item> writers = new HashMap<>();

        Maker(LaunchPlan plan, List<Kernel> kernels, int threads) {
            this.plan = plan;
            this.kernels = kernels;
            this.threads = threads;
        }

        void divide(long[] chunks) {
            for (Launch l : plan.launches()) items.add(item(l));
            if (!divide()) return;
            for (int i = 0; i < chunks.length; i++) if (items.get(i).isShared) chunks[i] = items.get(i).chunk;
        }

        private Item item(Launch l) {
            Kernel kernel = kernels.get(l.number());
            KernelCost.Cost cost = costs.computeIfAbsent(kernel, _ -> new HashMap<>())
                    .computeIfAbsent(l.extents(), e -> KernelCost.of(kernel, e, l.grid()));
            double others = (threads - 1.0) / threads;
            double everywhere = 0;
            for (int i = 0; i < l.uses().size(); i++) {
                // What several iterations read, several threads read: they have it from each other.
                boolean constant = plan.slots().get(l.uses().get(i).place().slot()) instanceof CommandList.ConstantSlot;
                if (!constant && cost.repeated()[i] > 1.5) everywhere += cost.bytes()[i];
            }
            double alone = cost.nanoseconds();
            double part = Math.ceil(l.grid() / (double) threads) / Math.max(1, l.grid());
            double shared = alone * part + HAND_OVER + everywhere * others / BYTES_PER_NANOSECOND;
            long chunk = (long) Math.max(1, Math.ceil(l.grid() * LEAST_SHARE / Math.max(LEAST_SHARE, alone)));
            double times = l.repetitions();
            Item item = new Item(l.grid(), times * alone, times * shared, chunk);
            for (int i = 0; i < l.uses().size(); i++) {
                int slot = l.uses().get(i).place().slot();
                Item writer = writers.get(slot);
                double moving = times * cost.bytes()[i] * others / BYTES_PER_NANOSECOND;
                if (writer != null && writer != item) {
                    item.edges.add(new Edge(writer, moving));
                    writer.edges.add(new Edge(item, moving));
                }
                if (l.uses().get(i).isWritten()) writers.put(slot, item);
            }
            return item;
        }

        /** Chooses for all launches; false if sharing is not worth it. */
        private boolean divide() {
            double alone = 0;
            for (Item item : items) {
                alone += item.alone;
                item.isShared = item.grid > 1;
            }
            boolean changed = true;
            for (int round = 0; round < ROUNDS && changed; round++) {
                changed = false;
                for (Item item : items) {
                    boolean better = item.grid > 1 && item.cost(true) < item.cost(false);
                    changed |= better != item.isShared;
                    item.isShared = better;
                }
            }
            double divided = 0;
            // An edge counts at both of its ends.
            for (Item item : items)
                divided += (item.cost(item.isShared) + (item.isShared ? item.shared : item.alone)) / 2;
            return alone - divided >= WORTH_WAKING;
        }
    }
}
