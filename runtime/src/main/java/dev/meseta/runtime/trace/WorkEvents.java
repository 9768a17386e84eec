package dev.meseta.runtime.trace;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/** The events of work that a thread of the host does, with their durations. Loaded with the first recording, as {@link JobEvents}. */
final class WorkEvents {
    private WorkEvents() {}

    @Name("meseta.Compile")
    @Label("Compile")
    @Category("Meseta")
    @StackTrace(false)
    static final class Compile extends Event {
        @Label("Step")
        @Nullable
        String step;

        @Label("Subject")
        @Nullable
        String subject;

        @Label("Device")
        @Nullable
        String device;
    }

    @Name("meseta.Load")
    @Label("Load")
    @Category("Meseta")
    @StackTrace(false)
    static final class Load extends Event {
        @Label("What")
        @Nullable
        String what;

        @Label("Subject")
        @Nullable
        String subject;
    }

    @Name("meseta.Copy")
    @Label("Copy")
    @Category("Meseta")
    @StackTrace(false)
    static final class Copy extends Event {
        @Label("Direction")
        @Nullable
        String direction;

        @Label("Device")
        @Nullable
        String device;

        @Label("Bytes")
        @DataAmount
        long bytes;
    }

    @Name("meseta.Wait")
    @Label("Wait for a job")
    @Category("Meseta")
    @StackTrace(false)
    static final class Wait extends Event {
        @Label("Device")
        @Nullable
        String device;

        @Label("Client")
        long client;

        @Label("Client name")
        @Nullable
        String clientName;

        @Label("Sequence")
        long sequence;
    }

    static Trace.Work compile(String step, String subject, String device) {
        Compile e = new Compile();
        e.step = step;
        e.subject = subject;
        e.device = device;
        e.begin();
        return e::commit;
    }

    static Trace.Work load(String what, String subject) {
        Load e = new Load();
        e.what = what;
        e.subject = subject;
        e.begin();
        return e::commit;
    }

    static Trace.Work copy(String direction, String device, long bytes) {
        Copy e = new Copy();
        e.direction = direction;
        e.device = device;
        e.bytes = bytes;
        e.begin();
        return e::commit;
    }

    static Trace.Work waiting(Trace.Subject job) {
        Wait e = new Wait();
        if (!e.isEnabled()) return Trace.NOTHING;
        e.begin();
        return () -> {
            e.device = job.device();
            e.client = job.client();
            e.clientName = job.clientName();
            // Known only once the job is submitted, which may be after the beginning.
            e.sequence = job.sequence();
            e.commit();
        };
    }
}
