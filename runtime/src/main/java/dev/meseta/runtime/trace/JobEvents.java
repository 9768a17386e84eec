package dev.meseta.runtime.trace;

import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Timeline;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/** The events of jobs. Loaded with the first recording, since the Flight Recorder takes its time to open. */
final class JobEvents {
    private JobEvents() {}

    /** What all of them say. */
    @Category({"Meseta", "Jobs"})
    @StackTrace(false)
    abstract static class JobEvent extends Event {
        @Label("Device")
        @Nullable
        String device;

        @Label("Client")
        long client;

        @Label("Client name")
        @Nullable
        String clientName;

        @Label("Sequence")
        @Description("The number of the job among those of its client")
        long sequence;

        void of(Trace.Subject job) {
            device = job.device();
            client = job.client();
            clientName = job.clientName();
            sequence = job.sequence();
            commit();
        }
    }

    /** One that names what is waited for. */
    abstract static class WaitEvent extends JobEvent {
        @Label("Timeline")
        @Nullable
        String timeline;

        @Label("Point")
        long point;

        void of(Trace.Subject job, Timeline.Point on) {
            timeline = on.timeline().name();
            point = on.value();
            of(job);
        }
    }

    @Name("meseta.JobQueued")
    @Label("Job queued")
    static final class Queued extends JobEvent {}

    @Name("meseta.JobDependency")
    @Label("Job dependency added")
    static final class Dependency extends WaitEvent {}

    @Name("meseta.JobUnschedulable")
    @Label("Job unschedulable")
    static final class Unschedulable extends WaitEvent {}

    @Name("meseta.JobRun")
    @Label("Job run")
    static final class Run extends JobEvent {}

    @Name("meseta.JobDone")
    @Label("Job done")
    static final class Done extends JobEvent {
        @Label("Failure")
        @Description("What it ended with; empty if all is well")
        @Nullable
        String failure;
    }

    static void queued(Trace.Subject job) {
        Queued e = new Queued();
        if (e.isEnabled()) e.of(job);
    }

    static void dependency(Trace.Subject job, Timeline.Point on) {
        Dependency e = new Dependency();
        if (e.isEnabled()) e.of(job, on);
    }

    static void unschedulable(Trace.Subject job, Timeline.Point on) {
        Unschedulable e = new Unschedulable();
        if (e.isEnabled()) e.of(job, on);
    }

    static void run(Trace.Subject job) {
        Run e = new Run();
        if (e.isEnabled()) e.of(job);
    }

    static void done(Trace.Subject job, @Nullable RuntimeException failure) {
        Done e = new Done();
        if (!e.isEnabled()) return;
        e.failure = failure == null
                ? ""
                : failure instanceof DeviceException d
                        ? d.kind().name()
                        : failure.getClass().getSimpleName();
        e.of(job);
    }
}
