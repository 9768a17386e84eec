package dev.meseta.drivers.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

class WorkerPoolTest {
    private static void everyIterationOnce(WorkerPool pool, int grid, int chunk) {
        AtomicIntegerArray runs = new AtomicIntegerArray(grid);
        pool.run(
                (begin, end) -> {
                    for (long i = begin; i < end; i++) runs.incrementAndGet((int) i);
                },
                grid,
                chunk);
        for (int i = 0; i < grid; i++) assertEquals(1, runs.get(i), "iteration " + i + " of " + grid + " by " + chunk);
    }

    @Test
    void everyIterationRunsOnceWhoeverCalls() {
        WorkerPool pool = new WorkerPool(5);
        assertTimeoutPreemptively(Duration.ofSeconds(120), () -> {
            try (var executor = Executors.newFixedThreadPool(4)) {
                List<Future<?>> futures = new ArrayList<>();
                for (int t = 0; t < 4; t++) {
                    Random random = new Random(t);
                    futures.add(executor.submit(() -> {
                        for (int i = 0; i < 3000; i++) {
                            everyIterationOnce(pool, 1 + random.nextInt(200), 1 + random.nextInt(20));
                            // Sometimes long enough for the workers to fall asleep.
                            if (i % 500 == 0) LockSupport.parkNanos(3_000_000);
                        }
                    }));
                }
                for (Future<?> f : futures) f.get();
            }
        });
    }

    @Test
    void whatTheWorkThrowsReachesTheCaller() {
        WorkerPool pool = new WorkerPool(3);
        for (int i = 0; i < 200; i++) {
            int bad = i;
            IllegalStateException e = assertThrows(
                    IllegalStateException.class,
                    () -> pool.run(
                            (begin, end) -> {
                                if (begin <= bad && bad < end) throw new IllegalStateException("iteration " + bad);
                            },
                            200,
                            7));
            assertEquals("iteration " + bad, e.getMessage());
            everyIterationOnce(pool, 50, 3);
        }
    }

    @Test
    void oneThreadNeedsNoOther() {
        everyIterationOnce(new WorkerPool(1), 100, 3);
    }
}
