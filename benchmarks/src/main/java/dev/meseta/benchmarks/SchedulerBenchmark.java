package dev.meseta.benchmarks;

import dev.meseta.Meseta;
import dev.meseta.driver.Buffer;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Executable;
import dev.meseta.driver.KernelDevice;
import dev.meseta.driver.Timeline;
import dev.meseta.runtime.scheduler.Client;
import dev.meseta.runtime.scheduler.Priority;
import dev.meseta.runtime.scheduler.Scheduler;
import dev.meseta.runtime.scheduler.Submission;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What the stack costs around a job: from submitting to running an empty job on {@code cpu}, the check of its regions, and scheduling between
 * very many clients.
 *
 * <pre>{@code
 * MESETA_BENCHMARK=dev.meseta.benchmarks.SchedulerBenchmark ./meseta
 * }</pre>
 */
public final class SchedulerBenchmark {
    private static final int ROUNDS = 15;

    private SchedulerBenchmark() {}

    public static void main(String[] arguments) throws InterruptedException {
        try (Meseta meseta = Meseta.open()) {
            submitToRun((KernelDevice) meseta.device("cpu"));
        }
        System.out.println();
        checks();
        System.out.println();
        clients();
    }

    // ---- from submitting to running ----

    private static void submitToRun(KernelDevice cpu) throws InterruptedException {
        TimedDevice device = new TimedDevice(cpu);
        Executable nothing = device.load(new CommandList(List.of(), List.of(), List.of(), List.of(), 0));
        try (Scheduler scheduler = new Scheduler(device)) {
            Client client = scheduler.client("benchmark");
            Submission job = client.prepare(nothing);
            System.out.printf(
                    Locale.ROOT, "%-52s %10s%n", "an empty job on cpu, from submit to the driver", "us, median");
            row("run(): on the thread that waits", () -> {
                long start = System.nanoTime();
                job.run();
                return device.began - start;
            });
            row("submit(): on a thread of the scheduler", () -> {
                long start = System.nanoTime();
                long point = job.submit();
                job.completion().await(point);
                return device.began - start;
            });
            row("  after a pause of 1 ms: the thread sleeps", () -> {
                Thread.sleep(1);
                long start = System.nanoTime();
                long point = job.submit();
                job.completion().await(point);
                return device.began - start;
            });
            List<Submission> many = new ArrayList<>();
            for (int i = 0; i < 1000; i++) many.add(client.prepare(nothing));
            row("submit() of 1000, to the last of them, a job", () -> {
                long start = System.nanoTime();
                long point = 0;
                for (Submission s : many) point = s.submit();
                for (Submission s : many) s.completion().await(point);
                return (device.began - start) / many.size();
            });
            row("run() to its end", () -> {
                long start = System.nanoTime();
                job.run();
                return System.nanoTime() - start;
            });
        }
    }

    private interface Timed {
        long nanoseconds() throws InterruptedException;
    }

    private static double row(String name, Timed timed) throws InterruptedException {
        double median = median(timed);
        System.out.printf(Locale.ROOT, "%-52s %10.3f%n", name, median / 1e3);
        return median;
    }

    private static double median(Timed timed) throws InterruptedException {
        List<Double> medians = new ArrayList<>();
        for (int round = -3; round < ROUNDS; round++) {
            List<Double> times = new ArrayList<>();
            for (int i = 0; i < 400; i++) times.add((double) timed.nanoseconds());
            if (round >= 0) medians.add(Median.of(times));
        }
        return Median.of(medians);
    }

    // ---- checks ----

    private static void checks() throws InterruptedException {
        System.out.printf(Locale.ROOT, "%-52s %10s%n", "run() of a job that a device ends at once", "us, median");
        VirtualDevice device = new VirtualDevice(1);
        double none = 0;
        try (Scheduler scheduler = new Scheduler(device, () -> device.now, Scheduler.HANGS, false)) {
            for (int regions : new int[] {0, 2, 8, 32}) {
                Submission job = scheduler.client("benchmark").prepare(new Regions(regions, 4096));
                for (int i = 0; i < regions; i++) job.bind(i, Buffer.allocate(device, 4096, false));
                double t = row(regions + " regions", () -> {
                    long start = System.nanoTime();
                    for (int i = 0; i < 100; i++) {
                        job.submit();
                        device.endFirst();
                    }
                    return (System.nanoTime() - start) / 100;
                });
                if (regions == 0) none = t;
                else
                    System.out.printf(
                            Locale.ROOT, "%-52s %10.3f%n", "  of which their check and holds", (t - none) / 1e3);
            }
        }
    }

    // ---- clients ----

    private static void clients() {
        System.out.printf(Locale.ROOT, "%10s %12s %16s %18s%n", "clients", "jobs", "us a job", "Jain's index");
        for (int clients : new int[] {1, 10, 100, 1_000, 10_000}) {
            for (int warm = 0; warm < 2; warm++) measure(clients, 200_000, false);
            measure(clients, 1_000_000, true);
        }
    }

    /** One that always has a job queued. */
    private static final class Hungry extends Timeline.Waiter {
        private final Submission[] jobs = new Submission[2];
        private int next;
        private long count;

        Hungry(Client client, Executable executable) {
            for (int i = 0; i < jobs.length; i++) jobs[i] = client.prepare(executable);
        }

        void begin() {
            for (Submission s : jobs) s.submit();
            follow();
        }

        private void follow() {
            Submission s = jobs[next];
            s.completion().tell(this, s.completion().value() + 1);
        }

        @Override
        protected void reached(@Nullable RuntimeException failure) {
            count++;
            Submission s = jobs[next];
            next = 1 - next;
            follow();
            s.submit();
        }
    }

    private static void measure(int clients, int jobs, boolean print) {
        VirtualDevice device = new VirtualDevice(1);
        Scheduler scheduler = new Scheduler(device, () -> device.now, Scheduler.HANGS, false);
        Regions executable = new Regions(0, 0);
        List<Hungry> all = new ArrayList<>();
        for (int i = 0; i < clients; i++)
            all.add(new Hungry(scheduler.client("c" + i, Priority.NORMAL, 1), executable));
        for (Hungry h : all) h.begin();
        long start = System.nanoTime();
        for (int i = 0; i < jobs; i++) device.endFirst();
        double us = (System.nanoTime() - start) / 1e3 / jobs;
        if (!print) return;
        double sum = 0;
        double squares = 0;
        for (Hungry h : all) {
            sum += h.count;
            squares += (double) h.count * h.count;
        }
        System.out.printf(Locale.ROOT, "%10d %12d %16.3f %18.6f%n", clients, jobs, us, sum * sum / (clients * squares));
    }
}
