package dev.meseta.driver;

import java.time.Duration;

/**
 * How a device takes jobs.
 *
 * @param credits jobs that it takes at once, 1 or more
 * @param synchronous whether {@link Device#run} does the job on the thread that calls it, and returns when the job has ended. If not, it
 *     returns at once, and the driver tells the job when it has ended.
 * @param hostMemory whether any native memory of the process may be bound to a job
 * @param alignment of buffers in bytes, a power of two
 * @param timeout a job that makes no progress for so long is given up
 * @param longest a job that makes progress is given up after so long all the same
 */
public record Limits(
        int credits, boolean synchronous, boolean hostMemory, long alignment, Duration timeout, Duration longest) {
    public Limits {
        if (credits < 1) throw new IllegalArgumentException("a device has at least one credit, got " + credits);
        if (Long.bitCount(alignment) != 1)
            throw new IllegalArgumentException("an alignment is a power of two, got " + alignment);
        if (timeout.isNegative() || timeout.isZero() || longest.compareTo(timeout) < 0)
            throw new IllegalArgumentException(
                    "time-outs are positive, the longest last; got " + timeout + " and " + longest);
    }
}
