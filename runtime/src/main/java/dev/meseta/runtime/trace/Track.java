package dev.meseta.runtime.trace;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** A line of a trace: slices that lie within each other or side by side, and instants. Times are nanoseconds of the epoch. */
final class Track {
    /** How a slice takes part in the flow of its job. */
    enum FlowEnd {
        NONE,
        PASSES,
        ENDS
    }

    /**
     * Something that took time, or an instant, which has no end.
     *
     * @param arguments texts and numbers by name
     * @param flow the number of the flow; of no meaning where {@code flowEnd} is NONE
     */
    record Item(
            long start,
            long end,
            boolean instant,
            String category,
            String name,
            Map<String, Object> arguments,
            long flow,
            FlowEnd flowEnd) {}

    /** What comes out: a beginning, an end, which has no item's name, or an instant. */
    interface Sink {
        void begin(long time, Item item) throws IOException;

        void end(long time) throws IOException;

        void instant(long time, Item item) throws IOException;
    }

    private final long number;
    private final String name;
    private final long thread;
    private final List<Item> items = new ArrayList<>();
    private long freeFrom = Long.MIN_VALUE;

    /** @param thread the system's number of the thread; 0 if it is none, or a virtual one */
    Track(long number, String name, long thread) {
        this.number = number;
        this.name = name;
        this.thread = thread;
    }

    long number() {
        return number;
    }

    String name() {
        return name;
    }

    long thread() {
        return thread;
    }

    void add(Item item) {
        items.add(item);
    }

    /** Until when a job has it; {@code Long.MAX_VALUE} as long as nobody knows. */
    void takenUntil(long time) {
        freeFrom = time;
    }

    boolean isFree(long time) {
        return freeFrom <= time;
    }

    /**
     * Gives all in the order of time, each end after what lies within. Where clocks of two processors disagree, a slice ends with the one around
     * it.
     */
    void emit(Sink sink) throws IOException {
        items.sort(Comparator.comparingLong(Item::start)
                .thenComparing(Item::instant)
                .thenComparing(Comparator.comparingLong(Item::end).reversed()));
        List<Long> ends = new ArrayList<>();
        for (Item i : items) {
            // A slice that begins where another ends lies beside it; an instant there is the last thing in it.
            while (!ends.isEmpty() && (i.instant() ? ends.getLast() < i.start() : ends.getLast() <= i.start()))
                sink.end(ends.removeLast());
            if (i.instant()) {
                sink.instant(i.start(), i);
                continue;
            }
            sink.begin(i.start(), i);
            ends.add(ends.isEmpty() ? i.end() : Math.min(ends.getLast(), i.end()));
        }
        while (!ends.isEmpty()) sink.end(ends.removeLast());
    }
}
