package dev.meseta.runtime.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Timeline;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Very many jobs on a device that fails, hangs, and is reset at random: none is lost, none begins twice, everybody is told. */
class MillionJobsTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    /** {@code -Dmeseta.jobs=…} for longer runs. */
    private static final int JOBS = Integer.getInteger("meseta.jobs", 1_000_000);

    private static final int THREADS = 8;

    /** What one thread saw. */
    private record Account(long ended, long begun, long beganByDevice, long failed, long hung, long reset) {}

    @Test
    @Timeout(600)
    void noneIsLostAndNoneBeginsTwice() throws Exception {
        long seed = Long.getLong("meseta.seed", System.nanoTime());
        FaultyDevice device = new FaultyDevice(seed);
        AtomicLong told = new AtomicLong();
        try (Scheduler scheduler = new Scheduler(device, System::nanoTime, Integer.MAX_VALUE, true);
                ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<Callable<Account>> work = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                int number = i;
                work.add(() -> hammer(scheduler, new Random(seed + number), JOBS / THREADS, told));
            }
            long ended = 0;
            for (Future<Account> f : threads.invokeAll(work)) {
                Account a = f.get();
                ended += a.ended();
                assertEquals(a.begun(), a.beganByDevice(), "jobs that began, by outcome and by device, seed " + seed);
                assertTrue(a.failed() > 0, "seed " + seed);
            }
            assertEquals(JOBS / THREADS * THREADS, ended, "jobs that ended, seed " + seed);
            assertEquals(ended, told.get(), "waiters that were told, seed " + seed);
            assertTrue(device.hangs() > 0 && device.resets() > 0, "faults happened, seed " + seed);
        } finally {
            device.close();
        }
    }

    /** Sixteen clients with four jobs each, submitted as soon as they have ended; some wait for others. */
    private static Account hammer(Scheduler scheduler, Random random, int jobs, AtomicLong told)
            throws InterruptedException {
        List<Submission> all = new ArrayList<>();
        List<Untouched> executables = new ArrayList<>();
        for (int c = 0; c < 16; c++) {
            Client client = scheduler.client("c" + c, Priority.values()[random.nextInt(3)], 1 + random.nextInt(4));
            for (int k = 0; k < 4; k++) {
                Untouched e = new Untouched();
                executables.add(e);
                all.add(client.prepare(e));
            }
        }
        long[] count = new long[5];
        long[] points = new long[all.size()];
        for (int i = 0; i < jobs; i++) {
            Submission s = all.get(i % all.size());
            if (i >= all.size()) settle(s, count);
            if (i > 0 && random.nextInt(10) == 0) {
                Submission before = all.get((i - 1) % all.size());
                s.waitFor(before.completion(), points[(i - 1) % points.length]);
            }
            long point = s.submit();
            points[i % points.length] = point;
            Timeline.Waiter waiter = new Timeline.Waiter() {
                @Override
                protected void reached(RuntimeException failure) {
                    told.incrementAndGet();
                }
            };
            if (!s.completion().tell(waiter, point)) told.incrementAndGet();
            if (random.nextInt(500) == 0) s.cancel();
        }
        for (Submission s : all) settle(s, count);
        long began = 0;
        for (Untouched e : executables) began += e.begun().get();
        return new Account(count[0], count[1], began, count[2], count[3], count[4]);
    }

    /** Waits for the end and says whether the device must have begun it. */
    private static void settle(Submission s, long[] count) throws InterruptedException {
        count[0]++;
        try {
            if (!s.await(LONG)) throw new AssertionError(s + " never ends");
            count[1]++;
        } catch (DeviceException e) {
            switch (e.kind()) {
                case FAILED -> {
                    count[1]++;
                    count[2]++;
                }
                case HANG -> {
                    if (s.beganAt != 0) count[1]++;
                    count[3]++;
                }
                case RESET -> {
                    if (s.beganAt != 0) count[1]++;
                    count[4]++;
                }
                case DEPENDENCY, CANCELLED -> {}
                default -> throw e;
            }
        }
    }
}
