package dev.meseta.conformance.driver;

import static dev.meseta.conformance.driver.Chapter.same;
import static dev.meseta.conformance.driver.Chapter.that;
import static dev.meseta.conformance.driver.Chapter.throwing;

import dev.meseta.driver.DeviceException;
import dev.meseta.driver.DeviceException.Kind;
import dev.meseta.driver.Limits;
import dev.meseta.driver.Stop;
import dev.meseta.driver.Timeline;
import dev.meseta.drivers.mock.Behaviour;
import dev.meseta.drivers.mock.MockDevice;
import dev.meseta.runtime.TensorJobs;
import dev.meseta.runtime.scheduler.Client;
import dev.meseta.runtime.scheduler.Scheduler;
import dev.meseta.runtime.scheduler.Submission;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What goes wrong. The cases from "a job that hangs" on need a device that can be told to misbehave. */
final class FaultsChapter {
    private static final Limits LIMITS = new Limits(2, false, false, 64, Duration.ofMillis(60), Duration.ofSeconds(10));

    private FaultsChapter() {}

    static List<DriverCase> cases() {
        Chapter c = new Chapter("faults");
        c.add("a job whose dependency fails does not run", s -> {
            Timeline t = new Timeline("t");
            Submission job = s.job(s.client());
            job.waitFor(t, 1).submit();
            RuntimeException reason = new IllegalStateException("on purpose");
            t.fail(1, reason);
            DeviceException e = Subject.fails(job, Kind.DEPENDENCY);
            same(reason, e.getCause(), "cause");
            job.run();
        });
        c.add("a job whose dependency has failed does not run", s -> {
            Timeline t = new Timeline("t");
            t.fail(1, new IllegalStateException("on purpose"));
            Submission job = s.job(s.client());
            throwing(Kind.DEPENDENCY, () -> job.waitFor(t, 1).run());
        });
        c.add("a failure goes through a chain, and names what was first", s -> {
            Timeline t = new Timeline("t");
            Client client = s.client();
            List<Submission> chain = new ArrayList<>();
            for (int i = 1; i <= 50; i++) {
                Submission job = s.job(client);
                job.waitFor(t, i).signal(t, i + 1).submit();
                chain.add(job);
            }
            t.fail(1, new IllegalStateException("the first of all"));
            for (Submission job : chain)
                that(Subject.fails(job, Kind.DEPENDENCY).getMessage().contains("the first of all"), "names the first");
        });
        c.add("a failed job can be used again", s -> {
            Timeline t = new Timeline("t");
            Subject.Sample x = s.simple();
            Submission job = s.job(s.client(), x);
            t.fail(1, new IllegalStateException("on purpose"));
            throwing(Kind.DEPENDENCY, () -> job.waitFor(t, 1).run());
            job.run();
            same(null, job.error(), "error");
            s.check(job, x);
        });
        c.add("a scheduler that closes ends what waits", s -> {
            Scheduler scheduler = s.scheduler();
            Submission job = s.job(scheduler.client("a"));
            job.waitFor(new Timeline("never"), 1).submit();
            scheduler.close();
            Subject.fails(job, Kind.CANCELLED);
        });
        mock(c, "a job that hangs is given up", Stop.STOPPED, m -> {
            m.device.next(new Behaviour.Hang());
            Submission job = m.submit(m.client("a"));
            Subject.fails(job, Kind.HANG);
            job.run();
        });
        mock(c, "a job that is slow is not given up", Stop.STOPPED, m -> {
            m.device.next(new Behaviour.Slow(Duration.ofMillis(200)));
            Subject.end(m.submit(m.client("a")));
        });
        mock(c, "a job that fails says so", Stop.STOPPED, m -> {
            m.device.next(new Behaviour.Fail("on purpose"));
            same(
                    "on purpose",
                    Subject.fails(m.submit(m.client("a")), Kind.FAILED).getMessage(),
                    "message");
        });
        mock(c, "a job that the device does not take fails", Stop.STOPPED, m -> {
            m.device.next(new Behaviour.Refuse("no"));
            same("no", Subject.fails(m.submit(m.client("a")), Kind.FAILED).getMessage(), "message");
        });
        mock(c, "a client that hangs too often is banned", Stop.STOPPED, m -> {
            Client bad = m.client("bad");
            Submission job = m.job(bad);
            for (int i = 0; i < Scheduler.HANGS; i++) {
                m.device.next(new Behaviour.Hang());
                job.submit();
                Subject.fails(job, Kind.HANG);
            }
            long start = System.nanoTime();
            throwing(Kind.BANNED, job::submit);
            that(System.nanoTime() - start < 50_000_000, "the error comes at once");
            Subject.end(m.submit(m.client("good")));
        });
        mock(c, "what a banned client has queued ends", Stop.STOPPED, m -> {
            Client bad = m.client("bad");
            List<Submission> queued = new ArrayList<>();
            for (int i = 0; i < 2 * Scheduler.HANGS; i++) {
                m.device.next(new Behaviour.Hang());
                queued.add(m.submit(bad));
            }
            int banned = 0;
            for (Submission s : queued) {
                DeviceException e = throwing(DeviceException.class, () -> s.await(Subject.LONG));
                that(e.kind() == Kind.HANG || e.kind() == Kind.BANNED, e.getMessage());
                if (e.kind() == Kind.BANNED) banned++;
            }
            that(banned > 0, "some are banned");
        });
        mock(c, "a reset gives others another turn", Stop.RESET, m -> {
            m.device.next(new Behaviour.Hang(), new Behaviour.Dawdle());
            Submission hangs = m.submit(m.client("bad"));
            Submission idle = m.submit(m.client("good"));
            Subject.fails(hangs, Kind.HANG);
            Subject.end(idle);
        });
        mock(c, "a reset ends what had begun, through no fault of its own", Stop.RESET, m -> {
            m.device.next(new Behaviour.Hang());
            Submission hangs = m.submit(m.client("bad"));
            m.device.next(new Behaviour.Slow(Duration.ofSeconds(20)));
            Client good = m.client("good");
            Submission begun = m.submit(good);
            Subject.fails(hangs, Kind.HANG);
            Subject.fails(begun, Kind.RESET);
            same(0, good.hangs(), "hangs");
            begun.run();
        });
        mock(c, "a device that vanishes ends everything", Stop.STOPPED, m -> {
            m.device.next(new Behaviour.Slow(Duration.ofSeconds(20)));
            Submission runs = m.submit(m.client("a"));
            Submission waits = m.job(m.client("b"));
            waits.waitFor(new Timeline("never"), 1).submit();
            m.device.vanish();
            DeviceException e = Subject.fails(runs, Kind.LOST);
            that(e.getMessage().contains("mock"), e.getMessage());
            Subject.fails(waits, Kind.LOST);
            throwing(Kind.LOST, waits::submit);
        });
        mock(c, "a device that vanishes when it gets a job", Stop.STOPPED, m -> {
            m.device.next(new Behaviour.Vanish());
            Subject.fails(m.submit(m.client("a")), Kind.LOST);
            throwing(Kind.LOST, () -> m.submit(m.client("b")));
        });
        mock(c, "a device that cannot be stopped is gone", Stop.GONE, m -> {
            m.device.next(new Behaviour.Hang());
            Subject.fails(m.submit(m.client("a")), Kind.HANG);
            throwing(Kind.LOST, () -> m.submit(m.client("b")));
        });
        mock(c, "memory is given back after faults", Stop.RESET, m -> {
            TensorJobs jobs = new TensorJobs(m.client("a"), m.sample.executable());
            for (int i = 0; i < 3; i++) {
                m.device.next(new Behaviour.Fail("on purpose"));
                throwing(Kind.FAILED, () -> jobs.run(m.sample.inputs()));
            }
            long before = m.device.bytesInUse();
            for (int i = 0; i < 20; i++) {
                m.device.next(new Behaviour.Fail("on purpose"));
                throwing(Kind.FAILED, () -> jobs.run(m.sample.inputs()));
            }
            same(before, m.device.bytesInUse(), "bytes in use");
        });
        return c.cases();
    }

    /** A mock device of its own, which may vanish without harm. */
    private record Mock(MockDevice device, Scheduler scheduler, Subject subject, Subject.Sample sample) {
        Client client(String name) {
            return scheduler.client(name);
        }

        Submission job(Client client) {
            return subject.job(client, sample);
        }

        Submission submit(Client client) {
            Submission s = job(client);
            s.submit();
            return s;
        }
    }

    private interface MockBody {
        void run(Mock mock) throws Exception;
    }

    private static void mock(Chapter c, String name, Stop stop, MockBody body) {
        c.add(name, s -> {
            if (!(s.device() instanceof MockDevice)) throw new Skipped("it cannot be told to misbehave");
            MockDevice device = new MockDevice(LIMITS, stop);
            try (Subject own = new Subject(s.driver(), device)) {
                body.run(new Mock(device, own.scheduler(), own, own.simple()));
            }
        });
    }
}
