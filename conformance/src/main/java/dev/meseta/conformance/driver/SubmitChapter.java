package dev.meseta.conformance.driver;

import static dev.meseta.conformance.driver.Chapter.same;
import static dev.meseta.conformance.driver.Chapter.that;
import static dev.meseta.conformance.driver.Chapter.throwing;

import dev.meseta.driver.Buffer;
import dev.meseta.driver.DeviceException.Kind;
import dev.meseta.driver.Timeline;
import dev.meseta.graph.Tensor;
import dev.meseta.runtime.TensorJobs;
import dev.meseta.runtime.scheduler.Client;
import dev.meseta.runtime.scheduler.Scheduler;
import dev.meseta.runtime.scheduler.Submission;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Jobs: bound, submitted, run, and used again. */
final class SubmitChapter {
    private SubmitChapter() {}

    static List<DriverCase> cases() {
        Chapter c = new Chapter("submit");
        c.add("a job runs on the thread that waits", s -> {
            Subject.Sample x = s.simple();
            Submission job = s.job(s.client(), x);
            job.run();
            s.check(job, x);
        });
        c.add("a job runs beside the thread that submits", s -> {
            Subject.Sample x = s.simple();
            Submission job = s.job(s.client(), x);
            same(1L, job.submit(), "point");
            Subject.end(job);
            s.check(job, x);
        });
        c.add("a job can be used a hundred times", s -> {
            Subject.Sample x = s.simple();
            Submission job = s.job(s.client(), x);
            for (int i = 1; i <= 100; i++) {
                same((long) i, job.submit(), "point");
                Subject.end(job);
            }
            same(100L, job.completion().value(), "completion");
            s.check(job, x);
        });
        c.add("a job can be bound anew", s -> {
            Subject.Sample x = s.simple();
            Submission job = s.job(s.client(), x);
            job.run();
            Buffer other = s.buffer(x.executable().regions().getLast().bytes());
            job.bind(x.executable().regions().size() - 1, other);
            job.run();
            s.check(job, x);
        });
        c.add("what is not bound anew stays bound", s -> {
            Subject.Sample x = s.simple();
            Submission job = s.job(s.client(), x);
            Buffer before = job.buffer(0);
            job.run();
            same(before, job.buffer(0), "buffer of region 0");
            that(!before.isClosed(), "the buffer is open");
        });
        c.add("fifty jobs of one executable are under way", s -> {
            Subject.Sample x = s.simple();
            Client client = s.client();
            List<Submission> jobs = new ArrayList<>();
            for (int i = 0; i < 50; i++) jobs.add(s.job(client, x));
            for (Submission j : jobs) j.submit();
            for (Submission j : jobs) Subject.end(j);
            for (Submission j : jobs) s.check(j, x);
        });
        c.add("jobs of several executables are under way", s -> {
            Client client = s.client();
            List<Subject.Sample> samples = new ArrayList<>();
            List<Submission> jobs = new ArrayList<>();
            for (int i = 1; i <= 8; i++) samples.add(s.simple(i * 100));
            for (Subject.Sample x : samples) jobs.add(s.job(client, x));
            for (Submission j : jobs) j.submit();
            for (Submission j : jobs) Subject.end(j);
            for (int i = 0; i < jobs.size(); i++) s.check(jobs.get(i), samples.get(i));
        });
        c.add("inputs and outputs in one buffer", s -> {
            Subject.Sample x = s.simple();
            Submission job = s.client().prepare(x.executable());
            long step = 4096;
            int regions = x.executable().regions().size();
            Buffer all = s.buffer(step * regions);
            for (int i = 0; i < regions; i++)
                job.bind(i, all.part(i * step, x.executable().regions().get(i).bytes()));
            for (int i = 0; i < x.inputs().size(); i++)
                Subject.write(job.buffer(i), x.inputs().get(i));
            job.run();
            s.check(job, x);
        });
        c.add("an output is the next job's input", s -> {
            Subject.Sample x = s.simple();
            Client client = s.client();
            Submission first = s.job(client, x);
            Submission second = s.job(client, x);
            Buffer between = first.buffer(x.inputs().size());
            second.bind(0, between);
            long point = first.submit();
            second.waitFor(first.completion(), point).submit();
            Subject.end(second);
            s.check(first, x);
        });
        c.add("an output is the input of another client's job", s -> {
            Subject.Sample x = s.simple();
            Scheduler scheduler = s.scheduler();
            Submission first = s.job(scheduler.client("one"), x);
            Submission second = s.job(scheduler.client("two"), x);
            second.bind(0, first.buffer(x.inputs().size()));
            long point = first.submit();
            second.waitFor(first.completion(), point).submit();
            Subject.end(second);
        });
        c.add("results are there when the job has ended", s -> {
            Subject.Sample x = s.simple(50_000);
            Submission job = s.job(s.client(), x);
            for (int i = 0; i < 20; i++) {
                job.submit();
                Subject.end(job);
                s.check(job, x);
            }
        });
        c.add("a virtual thread can run a job", s -> onThread(s, true));
        c.add("a platform thread can run a job", s -> onThread(s, false));
        c.add("sixteen threads run jobs of one client", s -> threads(s, 16, false));
        c.add("two hundred virtual threads run jobs of one client", s -> threads(s, 200, true));
        c.add("a job under way cannot be submitted", s -> underWay(s, Submission::submit));
        c.add("a job under way cannot be run", s -> underWay(s, Submission::run));
        c.add("a job under way cannot be bound", s -> underWay(s, j -> j.bind(0, j.buffer(0))));
        c.add("a job under way cannot be unbound", s -> underWay(s, Submission::unbind));
        c.add("a job under way cannot be given more to wait for", s -> underWay(s, j -> j.waitFor(j.completion(), 0)));
        c.add("a job that waits can be cancelled", s -> {
            Timeline never = new Timeline("never");
            Submission job = s.job(s.client());
            job.waitFor(never, 1).submit();
            job.cancel();
            Subject.fails(job, Kind.CANCELLED);
            job.run();
        });
        c.add("a job that has ended can be cancelled in vain", s -> {
            Submission job = s.job(s.client());
            job.run();
            job.cancel();
            same(null, job.error(), "error");
            job.run();
        });
        c.add("an end that does not come in time", s -> {
            Timeline gate = new Timeline("gate");
            Submission job = s.job(s.client());
            job.waitFor(gate, 1).submit();
            same(false, job.await(Duration.ofMillis(5)), "ended");
            same(false, job.await(Duration.ZERO), "ended");
            gate.signal(1);
            Subject.end(job);
        });
        c.add("an interrupted thread takes its job back", s -> {
            Timeline gate = new Timeline("gate");
            Submission job = s.job(s.client());
            job.waitFor(gate, 1);
            Queue<Throwable> seen = new ConcurrentLinkedQueue<>();
            Thread t = Thread.ofPlatform().start(() -> {
                try {
                    job.run();
                } catch (RuntimeException e) {
                    seen.add(e);
                }
            });
            Thread.sleep(5);
            t.interrupt();
            t.join(Subject.LONG.toMillis());
            same(1, seen.size(), "exceptions");
            throwing(Kind.CANCELLED, () -> {
                throw (RuntimeException) seen.element();
            });
        });
        c.add("a closed client refuses jobs", s -> {
            Client client = s.client();
            Submission job = s.job(client);
            Submission waiting = s.job(client);
            waiting.waitFor(new Timeline("never"), 1).submit();
            client.close();
            Subject.fails(waiting, Kind.CANCELLED);
            throwing(Kind.CANCELLED, job::run);
        });
        c.add("a closed scheduler refuses jobs", s -> {
            Scheduler scheduler = s.scheduler();
            Submission job = s.job(scheduler.client("case"));
            scheduler.close();
            throwing(Kind.CANCELLED, job::submit);
        });
        c.add("tensors are jobs", s -> {
            Subject.Sample x = s.simple();
            TensorJobs jobs = new TensorJobs(s.client(), x.executable());
            for (int i = 0; i < 3; i++) {
                List<Tensor> out = jobs.run(x.inputs());
                same(x.expected().size(), out.size(), "outputs");
                same(x.expected().getFirst().type(), out.getFirst().type(), "type");
            }
        });
        return c.cases();
    }

    private static void onThread(Subject s, boolean virtual) throws InterruptedException {
        Subject.Sample x = s.simple();
        Submission job = s.job(s.client(), x);
        Thread t = virtual
                ? Thread.startVirtualThread(job::run)
                : Thread.ofPlatform().start(job::run);
        t.join(Subject.LONG.toMillis());
        same(1L, job.completion().value(), "completion");
        s.check(job, x);
    }

    private static void threads(Subject s, int count, boolean virtual) throws InterruptedException {
        Subject.Sample x = s.simple();
        Client client = s.client();
        Queue<Throwable> wrong = new ConcurrentLinkedQueue<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Submission job = s.job(client, x);
            Runnable work = () -> {
                try {
                    for (int k = 0; k < 10; k++) job.run();
                    s.check(job, x);
                } catch (Throwable e) {
                    wrong.add(e);
                }
            };
            threads.add(
                    virtual
                            ? Thread.startVirtualThread(work)
                            : Thread.ofPlatform().start(work));
        }
        for (Thread t : threads) t.join(Subject.LONG.toMillis());
        same(List.of(), List.copyOf(wrong), "failures");
    }

    private interface Change {
        void to(Submission job);
    }

    private static void underWay(Subject s, Change change) throws InterruptedException {
        Timeline gate = new Timeline("gate");
        Submission job = s.job(s.client());
        job.waitFor(gate, 1).submit();
        throwing(IllegalStateException.class, () -> change.to(job));
        gate.signal(1);
        Subject.end(job);
    }
}
