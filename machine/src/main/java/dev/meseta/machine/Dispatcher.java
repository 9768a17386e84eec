package dev.meseta.machine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * Machine code that runs launches one after the other, the iterations of each shared between the thread that runs them and those that
 * help. It leaves machine code only at the end, when a launch has failed, or when it has waited for long, so that the time from one
 * launch to the next is that of a few memory accesses, and the same before and after a JVM has compiled its own code.
 *
 * <p>A launch is a {@linkplain #record record}: its function, its arguments, its iterations, in units of as many as are taken at once at
 * least, and a ticket from which whoever takes part takes units. A ticket has parts, one for each thread as far as there are threads; a
 * thread begins with its own, the same in each launch, so that what one launch leaves in a core's cache the next finds there. It takes
 * the half of what is left of its part, again and again, and when that is empty halves from the ends of the others'. So the last pieces
 * are small, and threads that are held up lose work to those that are not. A launch is over when all units are finished. Only that is
 * waited for: a thread that comes late finds nothing to take, or takes part in the launch of that record that is under way by then.
 */
public final class Dispatcher {
    /** Name of the function. */
    public static final String SYMBOL = "meseta_dispatch";

    /** Bytes of a record: function, arguments, iterations, units, iterations of a unit, parts, place of the ticket; each of 8 bytes. */
    public static final long RECORD_BYTES = 64;

    /** More threads than this have parts in common. */
    private static final int MOST_PARTS = 16;

    private static final long MOST_UNITS = Integer.MAX_VALUE;

    /** What {@code run} gives, besides a record's number, if the record's launch has failed. */
    public static final long FAILED = 1L << 61;

    /** What {@code run} gives, besides a record's number, if it is waiting for threads that take part in the record's launch. */
    public static final long WAITING = 1L << 62;

    /** What {@code help} gives if the run is over. */
    public static final long OVER = 0;

    /** What the function's first argument may be: run the records from one number to another. */
    public static final long RUN = 0;

    /** Run on after {@link #WAITING}. */
    public static final long RESUME = 1;

    /** Take part in what another thread runs, beginning with the part of the number {@code first}, 1 or more. */
    public static final long HELP = 2;

    private static final long TICKETS = 128;
    private static final long LINE = 64;
    private static final long SEQUENCE = 64;
    private static final long NOTHING_YET = 0xffff_ffffL;
    private static final VarHandle CURRENT = ValueLayout.JAVA_LONG.varHandle();

    private Dispatcher() {}

    /**
     * Bytes of the memory through which threads share the runs of some records, one run after the other. Zero at first, aligned to 128.
     *
     * @param shared how many of the records are of launches that are shared
     */
    public static long controlBytes(long shared, int threads) {
        return TICKETS + ticketBytes(threads) * shared;
    }

    private static long ticketBytes(int threads) {
        return LINE * (1 + parts(threads));
    }

    private static int parts(int threads) {
        return Math.min(threads, MOST_PARTS);
    }

    /** Writes the record of a launch that one thread runs. */
    public static void record(MemorySegment record, MemorySegment function, MemorySegment arguments, long grid) {
        record.setAtIndex(ValueLayout.JAVA_LONG, 0, function.address());
        record.setAtIndex(ValueLayout.JAVA_LONG, 1, arguments.address());
        record.setAtIndex(ValueLayout.JAVA_LONG, 2, grid);
        record.setAtIndex(ValueLayout.JAVA_LONG, 5, 0);
    }

    /**
     * Writes the record of a launch that threads share.
     *
     * @param chunk iterations that a thread takes at once, at least
     * @param number its number among the shared ones
     */
    public static void record(
            MemorySegment record,
            MemorySegment function,
            MemorySegment arguments,
            long grid,
            long chunk,
            int threads,
            MemorySegment control,
            int number) {
        record(record, function, arguments, grid);
        long unit = Math.max(Math.max(1, chunk), grid / MOST_UNITS + 1);
        long units = (grid + unit - 1) / unit;
        int parts = parts(threads);
        long ticket = TICKETS + number * ticketBytes(threads);
        record.setAtIndex(ValueLayout.JAVA_LONG, 3, units);
        record.setAtIndex(ValueLayout.JAVA_LONG, 4, unit);
        record.setAtIndex(ValueLayout.JAVA_LONG, 5, parts);
        record.setAtIndex(ValueLayout.JAVA_LONG, 6, ticket);
        for (int p = 0; p < parts; p++) {
            long whole = units * p / parts << 32 | units * (p + 1) / parts;
            control.set(ValueLayout.JAVA_LONG, ticket + LINE * (1 + p) + 8, whole);
        }
    }

    /** Tells helpers that a run begins. */
    public static void begin(MemorySegment control) {
        publish(control, NOTHING_YET);
    }

    /** Tells helpers that the run is over. */
    public static void end(MemorySegment control) {
        publish(control, 0);
    }

    private static void publish(MemorySegment control, long what) {
        long sequence = control.get(ValueLayout.JAVA_LONG, SEQUENCE) + 1;
        control.set(ValueLayout.JAVA_LONG, SEQUENCE, sequence);
        CURRENT.setRelease(control, 0L, sequence << 32 | what);
    }
}
