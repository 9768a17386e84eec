package dev.meseta.runtime.trace;

import dev.meseta.driver.Timeline;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/**
 * Where the scheduler says what becomes of jobs. Without a recording each of these is the question whether there is one: about a
 * nanosecond. Thread-safe.
 */
public final class Trace {
    private Trace() {}

    /** What an event tells of its job; asked for only while somebody records. */
    public interface Subject {
        String device();

        /** The number of the client among all of the process. */
        long client();

        String clientName();

        /** The number of the job among those of its client. */
        long sequence();
    }

    /** Whether there is, or was, a recording in this process. */
    public static boolean isOn() {
        return FlightRecorder.isInitialized();
    }

    /** A job was submitted. */
    public static void queued(Subject job) {
        if (isOn()) JobEvents.queued(job);
    }

    /** A job that was submitted waits for a point before it may run. */
    public static void dependency(Subject job, Timeline.Point on) {
        if (isOn()) JobEvents.dependency(job, on);
    }

    /** A job's turn has come, or would have, but for a point that it waits for. */
    public static void unschedulable(Subject job, Timeline.Point on) {
        if (isOn()) JobEvents.unschedulable(job, on);
    }

    /** A job is handed to the device. */
    public static void run(Subject job) {
        if (isOn()) JobEvents.run(job);
    }

    /** A job has ended, and its point on its client's timeline is about to be signalled. */
    public static void done(Subject job, @Nullable RuntimeException failure) {
        if (isOn()) JobEvents.done(job, failure);
    }
}
