package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.Program;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/** Gives buffers places in one memory; those that are in use at the same time do not overlap. */
final class Placement {
    /** Orders that are tried, and buffers times orders. */
    private static final int MOST_ORDERS = 300;

    private static final int MOST_WORK = 60_000;

    private Placement() {}

    /**
     * Something to be placed.
     *
     * @param first the step from which on it is in use
     * @param last the last step that uses it
     */
    record Item(Buffer buffer, int first, int last) {
        boolean meets(Item i) {
            return first <= i.last && i.first <= last;
        }

        long bytes() {
            return Program.aligned(buffer.storage());
        }
    }

    /** Sets the addresses; the bytes of the memory. */
    static long place(List<Item> items) {
        long least = pressure(items);
        List<Item> order = new ArrayList<>(items);
        order.sort(Comparator.comparingLong(Item::bytes).reversed().thenComparingInt(Item::first));
        List<Item> best = List.copyOf(order);
        long bestEnd = tryOrder(order);
        Random random = new Random(1);
        int tries = Math.min(MOST_ORDERS, MOST_WORK / (items.size() * Math.max(1, items.size() / 16) + 1));
        for (int i = 0; i < tries && bestEnd > least; i++) {
            // Small changes of the best order so far find more than new ones.
            List<Item> next = new ArrayList<>(best);
            for (int k = random.nextInt(1, 4); k > 0; k--) {
                Collections.swap(next, random.nextInt(next.size()), random.nextInt(next.size()));
            }
            long end = tryOrder(next);
            if (end <= bestEnd) {
                bestEnd = end;
                best = next;
            }
        }
        return tryOrder(best);
    }

    /** The bytes that are in use at once. */
    static long pressure(List<Item> items) {
        long most = 0;
        for (Item i : items) {
            long sum = 0;
            for (Item j : items) if (j.first <= i.first && i.first <= j.last) sum += j.bytes();
            most = Math.max(most, sum);
        }
        return most;
    }

    private static long tryOrder(List<Item> order) {
        long end = 0;
        List<Item> placed = new ArrayList<>();
        for (Item i : order) {
            long at = 0;
            for (Item p : placed) {
                if (!p.meets(i)) continue;
                if (p.buffer.address >= at + i.bytes()) break;
                at = Math.max(at, p.buffer.address + p.bytes());
            }
            i.buffer.address = at;
            int where = 0;
            while (where < placed.size() && placed.get(where).buffer.address <= at) where++;
            placed.add(where, i);
            end = Math.max(end, at + i.bytes());
        }
        return end;
    }
}
