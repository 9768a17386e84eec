package dev.meseta.runtime.trace;

import dev.meseta.driver.Timeline;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/**
 * Where the runtime says what becomes of jobs, and what else takes time. Without a recording each of these is the question whether there is
 * one: about a nanosecond. Thread-safe.
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

    /** Work of this thread that is under way. Closed when it is done, well or not; one that is never closed is not told of. */
    @FunctionalInterface
    public interface Work extends AutoCloseable {
        @Override
        void close();
    }

    static final Work NOTHING = () -> {};

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

    /** A thread waits for the end of a job, from before it submits it if it does both at once. */
    public static Work waiting(Subject job) {
        return isOn() ? WorkEvents.waiting(job) : NOTHING;
    }

    /**
     * Something is compiled.
     *
     * @param step from what to what
     * @param subject the graph's name, or the model's
     * @param device the device's name; empty if it is for all
     */
    public static Work compile(String step, String subject, String device) {
        return isOn() ? WorkEvents.compile(step, subject, device) : NOTHING;
    }

    /**
     * Something is read that was made before.
     *
     * @param what such as a model, or a plan
     * @param subject its file or name
     */
    public static Work load(String what, String subject) {
        return isOn() ? WorkEvents.load(what, subject) : NOTHING;
    }

    /**
     * Tensors are copied.
     *
     * @param direction {@code in} to the device, or {@code out} of it
     * @param device the device's name
     */
    public static Work copy(String direction, String device, long bytes) {
        return isOn() ? WorkEvents.copy(direction, device, bytes) : NOTHING;
    }
}
