package dev.meseta.drivers.cpu;

import dev.meseta.linux.Processors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The threads that share the iterations of one launch with the thread that asks for it. One pool a process; it serves one launch at a time,
 * and a caller that finds it taken does its work alone, so that many sessions at once do not make more threads than there are processors
 * for. Workers wait in a short loop before they sleep: launches of one model follow each other within microseconds.
 *
 * <p>A launch is open while iterations are left to take. A worker joins an open launch by counting itself in and leaves by counting itself
 * out; the caller closes it and waits for those who are in. So a worker that wakes up late delays nobody.
 */
final class WorkerPool {
    /** Iterations [begin, end) of a launch. */
    interface Work {
        void run(long begin, long end);
    }

    /** Some 50 microseconds. */
    private static final int SPINS = 3_000;

    private static final long OPEN = 1L << 62;
    private static final long EPOCH = 1L << 16;
    private static final long MEMBERS = EPOCH - 1;

    private final Worker[] workers;
    private final AtomicBoolean taken = new AtomicBoolean();
    /** Whether the launch is open, its number, and how many workers are in it. */
    private final AtomicLong state = new AtomicLong();

    private final AtomicLong next = new AtomicLong();
    private @Nullable Work work;
    private long grid;
    private long chunk;
    private volatile @Nullable Throwable failure;

    private static final class Holder {
        static final WorkerPool INSTANCE = new WorkerPool(configured());
    }

    /** The process's own, started on first use. */
    static WorkerPool get() {
        return Holder.INSTANCE;
    }

    /** The property {@code meseta.threads}, or the variable MESETA_THREADS, or as many as there are processors to use. */
    static int configured() {
        String text = System.getProperty("meseta.threads", System.getenv().getOrDefault("MESETA_THREADS", ""));
        if (text.isEmpty()) return Processors.here().usable();
        try {
            int n = Integer.parseInt(text.strip());
            if (n >= 1 && n <= 1024) return n;
        } catch (NumberFormatException e) {
            // Said below, as for a number out of range.
        }
        throw new IllegalArgumentException("MESETA_THREADS is \"" + text + "\"; it must be a number from 1 to 1024");
    }

    WorkerPool(int threads) {
        workers = new Worker[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker();
            Thread.ofPlatform().daemon().name("meseta-worker-" + (i + 1)).start(workers[i]);
        }
    }

    /** Threads that compute, the caller among them. */
    int threads() {
        return workers.length + 1;
    }

    /**
     * Runs the iterations [0, grid), {@code chunk} at a time on whichever thread is free, and returns when all are done. What the work throws
     * is thrown here.
     */
    void run(Work job, long iterations, long atOnce) {
        if (workers.length == 0 || iterations <= atOnce || !taken.compareAndSet(false, true)) {
            job.run(0, iterations);
            return;
        }
        try {
            work = job;
            grid = iterations;
            chunk = atOnce;
            failure = null;
            next.set(0);
            open((iterations + atOnce - 1) / atOnce - 1);
            drain(job, iterations, atOnce);
            close();
            Throwable t = failure;
            work = null;
            failure = null;
            if (t instanceof RuntimeException e) throw e;
            if (t instanceof Error e) throw e;
        } finally {
            taken.set(false);
        }
    }

    private void open(long helpers) {
        long epoch = (state.get() & ~OPEN) / EPOCH + 1;
        state.set(OPEN | epoch * EPOCH & ~OPEN);
        for (Worker w : workers) {
            if (helpers-- <= 0) break;
            if (w.asleep) LockSupport.unpark(w.thread);
        }
    }

    private void close() {
        long s = state.get();
        while (!state.compareAndSet(s, s & ~OPEN)) s = state.get();
        for (int i = 0; (state.get() & MEMBERS) != 0; i++) {
            if (i < SPINS) Thread.onSpinWait();
            else Thread.yield();
        }
    }

    private void drain(Work job, long end, long atOnce) {
        try {
            while (true) {
                long begin = next.getAndAdd(atOnce);
                if (begin >= end) return;
                job.run(begin, Math.min(begin + atOnce, end));
            }
        } catch (Throwable t) {
            failure = t;
            next.set(end);
        }
    }

    private final class Worker implements Runnable {
        private volatile boolean asleep;
        private volatile @Nullable Thread thread;

        @Override
        public void run() {
            thread = Thread.currentThread();
            long seen = 0;
            while (true) {
                long s = await(seen);
                if (!state.compareAndSet(s, s + 1)) continue;
                seen = s & ~MEMBERS;
                // Joined: the fields of the launch stay as they are until this thread has left.
                Work job = work;
                if (job != null) drain(job, grid, chunk);
                state.decrementAndGet();
            }
        }

        /** Waits for an open launch other than the one last seen; returns the state. */
        private long await(long seen) {
            for (int i = 0; ; i++) {
                long s = state.get();
                if (isNew(s, seen)) return s;
                if (i < SPINS) {
                    Thread.onSpinWait();
                    continue;
                }
                asleep = true;
                // Whoever opened a launch before it saw this thread asleep is seen here.
                if (!isNew(state.get(), seen)) LockSupport.park(this);
                asleep = false;
                i = 0;
            }
        }

        private boolean isNew(long s, long seen) {
            return (s & OPEN) != 0 && (s & ~MEMBERS) != seen;
        }
    }
}
