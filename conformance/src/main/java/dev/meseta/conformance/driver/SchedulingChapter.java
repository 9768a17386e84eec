package dev.meseta.conformance.driver;

import static dev.meseta.conformance.driver.Chapter.same;
import static dev.meseta.conformance.driver.Chapter.that;
import static dev.meseta.conformance.driver.Chapter.throwing;

import dev.meseta.driver.Timeline;
import dev.meseta.runtime.scheduler.Client;
import dev.meseta.runtime.scheduler.Priority;
import dev.meseta.runtime.scheduler.Scheduler;
import dev.meseta.runtime.scheduler.Submission;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Clients share the device. */
final class SchedulingChapter {
    private SchedulingChapter() {}

    static List<DriverCase> cases() {
        Chapter c = new Chapter("scheduling");
        c.add("clients have numbers of their own", s -> {
            Scheduler scheduler = s.scheduler();
            Set<Long> numbers = new HashSet<>();
            for (int i = 0; i < 100; i++) that(numbers.add(scheduler.client("c").number()), "a number is used twice");
        });
        c.add("a client knows its name and scheduler", s -> {
            Scheduler scheduler = s.scheduler();
            Client client = scheduler.client("somebody");
            same("somebody", client.name(), "name");
            same(scheduler, client.scheduler(), "scheduler");
            same(s.device(), scheduler.device(), "device");
        });
        for (int weight : new int[] {0, -1, 1001})
            c.add(
                    "no weight of " + weight,
                    s -> throwing(
                            IllegalArgumentException.class, () -> s.scheduler().client("c", Priority.NORMAL, weight)));
        c.add("jobs that take all credits", s -> {
            Client client = s.client();
            int all = s.device().limits().credits();
            List<Submission> jobs = new ArrayList<>();
            for (int i = 0; i < 5; i++) jobs.add(s.job(client).credits(all));
            for (Submission j : jobs) j.submit();
            for (Submission j : jobs) Subject.end(j);
        });
        c.add("no job takes more credits than there are", s -> {
            Submission job = s.job(s.client());
            throwing(
                    IllegalArgumentException.class,
                    () -> job.credits(s.device().limits().credits() + 1));
            throwing(IllegalArgumentException.class, () -> job.credits(0));
        });
        c.add("jobs of one client end in their order where one runs at a time", s -> {
            Client client = s.client();
            int all = s.device().limits().credits();
            List<Integer> ends = Collections.synchronizedList(new ArrayList<>());
            List<Submission> jobs = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                int number = i;
                Submission job = s.job(client).credits(all);
                job.completion().stage(1).thenRun(() -> ends.add(number));
                jobs.add(job);
            }
            Timeline gate = new Timeline("gate");
            jobs.getFirst().waitFor(gate, 1);
            for (Submission j : jobs) j.submit();
            gate.signal(1);
            for (Submission j : jobs) Subject.end(j);
            for (int i = 0; i < 200 && ends.size() < 20; i++) Thread.sleep(1);
            // A thread that tells of an end may be late, and others not wait for it; jobs without order would be some
            // 130 places off.
            int off = 0;
            for (int i = 0; i < ends.size(); i++) off += Math.abs(ends.get(i) - i);
            that(off <= 60, "order of ends " + ends);
        });
        c.add("a client that waits keeps nobody else", s -> {
            Scheduler scheduler = s.scheduler();
            Timeline never = new Timeline("never");
            Submission waits = s.job(scheduler.client("waits"));
            waits.waitFor(never, 1).submit();
            Client other = scheduler.client("other");
            for (int i = 0; i < 10; i++) s.job(other).run();
            same(false, waits.await(Duration.ZERO), "ended");
            waits.cancel();
        });
        c.add("a job behind one that waits waits too", s -> {
            Client client = s.client();
            Timeline gate = new Timeline("gate");
            Submission first = s.job(client);
            Submission second = s.job(client);
            first.waitFor(gate, 1).submit();
            second.submit();
            same(false, second.await(Duration.ofMillis(5)), "ended");
            gate.signal(1);
            Subject.end(first);
            Subject.end(second);
        });
        for (Priority p : Priority.values())
            c.add("priority " + p.name().toLowerCase(java.util.Locale.ROOT) + " runs where nobody else does", s -> {
                Submission job = s.job(s.scheduler().client("c", p, 1));
                job.run();
                same(null, job.error(), "error");
            });
        c.add("the higher priority comes first", s -> {
            // Without threads: all become ready while the end of the first job is told, and are handed over after that.
            Scheduler scheduler = s.keep(new Scheduler(s.device(), System::nanoTime, Scheduler.HANGS, false));
            int all = s.device().limits().credits();
            Subject.Sample x = s.simple();
            Submission first = s.job(scheduler.client("first"), x).credits(all);
            List<Priority> order = Collections.synchronizedList(new ArrayList<>());
            List<Submission> jobs = new ArrayList<>();
            for (Priority p : List.of(Priority.LOW, Priority.NORMAL, Priority.HIGH)) {
                for (int i = 0; i < 5; i++) {
                    Submission job = s.job(scheduler.client(p.name(), p, 1), x).credits(all);
                    job.completion().stage(1).thenRun(() -> order.add(p));
                    job.waitFor(first.completion(), 1).submit();
                    jobs.add(job);
                }
            }
            first.submit();
            for (Submission j : jobs) Subject.end(j);
            for (int i = 0; i < 200 && order.size() < 15; i++) Thread.sleep(1);
            // An asynchronous device gets the first that becomes ready at once; and a thread that tells of an end may
            // be late.
            int inversions = 0;
            for (int i = 0; i < order.size(); i++)
                for (int k = 0; k < i; k++)
                    if (order.get(i) == Priority.HIGH && order.get(k) == Priority.LOW) inversions++;
            that(inversions <= 10, "order of ends " + order);
        });
        c.add("virtual runtime grows with use", s -> {
            Client client = s.client();
            Subject.Sample x = s.simple(50_000);
            Submission job = s.job(client, x);
            for (int i = 0; i < 20; i++) job.run();
            that(client.virtualRuntime() > 0, "virtual runtime " + client.virtualRuntime());
            same(0, client.hangs(), "hangs");
        });
        c.add("a hundred clients all get their turn", s -> {
            Scheduler scheduler = s.scheduler();
            Subject.Sample x = s.simple();
            List<Submission> jobs = new ArrayList<>();
            for (int i = 0; i < 100; i++) jobs.add(s.job(scheduler.client("c" + i), x));
            for (int round = 0; round < 5; round++) {
                for (Submission j : jobs) j.submit();
                for (Submission j : jobs) Subject.end(j);
            }
            for (Submission j : jobs) same(5L, j.completion().value(), "jobs of " + j);
        });
        c.add("closing a client leaves the others alone", s -> {
            Scheduler scheduler = s.scheduler();
            Client a = scheduler.client("a");
            Submission other = s.job(scheduler.client("b"));
            s.job(a).run();
            a.close();
            other.run();
        });
        c.add("a scheduler without work has no job under way", s -> {
            Scheduler scheduler = s.scheduler();
            s.job(scheduler.client("a")).run();
            same(false, scheduler.tick(), "under way");
        });
        return c.cases();
    }
}
