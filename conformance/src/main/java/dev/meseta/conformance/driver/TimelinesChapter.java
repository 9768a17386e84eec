package dev.meseta.conformance.driver;

import static dev.meseta.conformance.driver.Chapter.same;
import static dev.meseta.conformance.driver.Chapter.that;
import static dev.meseta.conformance.driver.Chapter.throwing;

import dev.meseta.driver.Timeline;
import dev.meseta.driver.Timeline.Point;
import dev.meseta.driver.Timeline.State;
import dev.meseta.runtime.scheduler.Client;
import dev.meseta.runtime.scheduler.Submission;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Points in time: what jobs wait for and signal, and who is told. */
final class TimelinesChapter {
    private TimelinesChapter() {}

    static List<DriverCase> cases() {
        Chapter c = new Chapter("timelines");
        c.add("begin at 0", s -> same(0L, new Timeline("t").value(), "value"));
        c.add("a point is pending, then reached", s -> {
            Timeline t = new Timeline("t");
            Submission job = s.job(s.client());
            same(State.PENDING, t.state(3), "state");
            job.signal(t, 3).submit();
            that(t.await(3, Subject.LONG), "point 3 comes");
            same(State.REACHED, t.state(3), "state");
            same(State.REACHED, t.state(2), "state of a point before it");
            same(State.PENDING, t.state(4), "state of a point after it");
        });
        c.add("several are signalled by one job", s -> {
            List<Timeline> all = new ArrayList<>();
            Submission job = s.job(s.client());
            for (int i = 0; i < 9; i++) {
                Timeline t = new Timeline("t" + i);
                job.signal(t, i + 1);
                all.add(t);
            }
            job.submit();
            for (int i = 0; i < 9; i++) that(all.get(i).await(i + 1, Subject.LONG), "timeline " + i);
        });
        c.add("what is signalled is forgotten with the use", s -> {
            Timeline t = new Timeline("t");
            Submission job = s.job(s.client());
            job.signal(t, 1).run();
            job.run();
            same(1L, t.value(), "value");
        });
        c.add("a job waits for several", s -> {
            Timeline a = new Timeline("a");
            Timeline b = new Timeline("b");
            Submission job = s.job(s.client());
            job.waitFor(a, 2).waitFor(b, 1).submit();
            a.signal(2);
            same(false, job.await(Duration.ofMillis(5)), "ended");
            b.signal(1);
            Subject.end(job);
        });
        c.add("a point that was reached before is not waited for", s -> {
            Timeline t = new Timeline("t");
            t.signal(5);
            Submission job = s.job(s.client());
            job.waitFor(t, 5).waitFor(t, 1).run();
        });
        c.add("a lower point changes nothing", s -> {
            Timeline t = new Timeline("t");
            t.signal(5);
            t.signal(3);
            t.fail(4, new IllegalStateException("late"));
            same(5L, t.value(), "value");
            same(State.REACHED, t.state(4), "state");
        });
        c.add("waiting ends when time is up", s -> {
            Timeline t = new Timeline("t");
            long start = System.nanoTime();
            same(false, t.await(1, Duration.ofMillis(20)), "reached");
            that(System.nanoTime() - start >= 19_000_000, "it waited");
            same(false, t.await(1, Duration.ZERO), "reached");
            same(false, t.await(1, Duration.ofMillis(-1)), "reached");
        });
        c.add("a failure is told to everybody", s -> {
            Timeline t = new Timeline("t");
            RuntimeException reason = new IllegalStateException("on purpose");
            t.signal(1);
            t.fail(3, reason);
            t.signal(4);
            same(State.REACHED, t.state(1), "state of 1");
            same(State.FAILED, t.state(2), "state of 2");
            same(State.FAILED, t.state(3), "state of 3");
            same(State.REACHED, t.state(4), "state of 4");
            same(reason, throwing(IllegalStateException.class, () -> t.await(3)), "failure");
            same(reason, t.failure(2), "failure");
            t.await(4);
        });
        c.add("all of several", s -> {
            Client client = s.client();
            List<Point> points = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                Submission job = s.job(client);
                points.add(new Point(job.completion(), job.submit()));
            }
            that(Timeline.awaitAll(points, Subject.LONG), "all are reached");
        });
        c.add("all of several, when time is up", s -> {
            Timeline t = new Timeline("t");
            t.signal(1);
            same(false, Timeline.awaitAll(List.of(new Point(t, 1), new Point(t, 2)), Duration.ofMillis(5)), "reached");
        });
        c.add("all of several, one with a failure", s -> {
            Timeline a = new Timeline("a");
            Timeline b = new Timeline("b");
            a.fail(1, new IllegalStateException("a"));
            b.signal(1);
            throwing(
                    IllegalStateException.class,
                    () -> Timeline.awaitAll(List.of(new Point(b, 1), new Point(a, 1)), Subject.LONG));
        });
        c.add("any of several", s -> {
            Timeline never = new Timeline("never");
            Submission job = s.job(s.client());
            long point = job.submit();
            same(
                    1,
                    Timeline.awaitAny(List.of(new Point(never, 1), new Point(job.completion(), point)), Subject.LONG),
                    "which");
        });
        c.add("any of several, when time is up", s -> {
            Timeline never = new Timeline("never");
            same(
                    -1,
                    Timeline.awaitAny(List.of(new Point(never, 1), new Point(never, 2)), Duration.ofMillis(5)),
                    "which");
        });
        c.add(
                "none of none",
                s -> throwing(IllegalArgumentException.class, () -> Timeline.awaitAny(List.of(), Subject.LONG)));
        c.add("a thousand virtual threads wait for one job", s -> {
            Timeline gate = new Timeline("gate");
            Submission job = s.job(s.client());
            job.waitFor(gate, 1).submit();
            AtomicInteger woken = new AtomicInteger();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 1000; i++)
                threads.add(Thread.startVirtualThread(() -> {
                    try {
                        if (job.await(Subject.LONG)) woken.incrementAndGet();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }));
            gate.signal(1);
            for (Thread t : threads) t.join(Subject.LONG.toMillis());
            same(1000, woken.get(), "threads that were woken");
        });
        c.add("a waiting thread can be interrupted", s -> {
            Timeline t = new Timeline("t");
            AtomicInteger interrupted = new AtomicInteger();
            Thread thread = Thread.startVirtualThread(() -> {
                try {
                    t.await(1);
                } catch (InterruptedException e) {
                    interrupted.incrementAndGet();
                }
            });
            thread.interrupt();
            thread.join(Subject.LONG.toMillis());
            same(1, interrupted.get(), "interrupts");
        });
        c.add("a point is a stage", s -> {
            Submission job = s.job(s.client());
            CompletableFuture<Void> stage = job.completion().stage(1).toCompletableFuture();
            that(!stage.isDone(), "the stage is pending");
            job.submit();
            stage.get(Subject.LONG.toMillis(), TimeUnit.MILLISECONDS);
        });
        c.add("a failed point is a failed stage", s -> {
            Timeline t = new Timeline("t");
            t.fail(1, new IllegalStateException("on purpose"));
            CompletionException e = throwing(
                    CompletionException.class,
                    () -> t.stage(1).toCompletableFuture().join());
            same("on purpose", e.getCause() == null ? "" : e.getCause().getMessage(), "message");
        });
        c.add("a waiter is told once", s -> {
            Submission job = s.job(s.client());
            AtomicInteger told = new AtomicInteger();
            Timeline.Waiter w = new Timeline.Waiter() {
                @Override
                protected void reached(@Nullable RuntimeException failure) {
                    told.incrementAndGet();
                }
            };
            that(job.completion().tell(w, 1), "the point is to come");
            job.run();
            job.run();
            Thread.sleep(2);
            same(1, told.get(), "times that it was told");
            that(!job.completion().tell(w, 2), "the point has come");
        });
        c.add("a waiter can be taken back", s -> {
            Timeline t = new Timeline("t");
            AtomicInteger told = new AtomicInteger();
            Timeline.Waiter w = new Timeline.Waiter() {
                @Override
                protected void reached(@Nullable RuntimeException failure) {
                    told.incrementAndGet();
                }
            };
            t.tell(w, 1);
            that(t.forget(w), "it was waiting");
            that(!t.forget(w), "it waits no more");
            t.signal(1);
            same(0, told.get(), "times that it was told");
        });
        return c.cases();
    }
}
