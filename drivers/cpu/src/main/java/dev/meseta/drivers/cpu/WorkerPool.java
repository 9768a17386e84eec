package dev.meseta.drivers.cpu;

import dev.meseta.linux.Processors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The threads that help the thread that runs a plan. One pool a process; it helps with one run at a time, and a run that finds it taken
 * goes on alone, so that many sessions at once do not make more threads than there are processors for. Workers wait in a short loop before
 * they sleep: runs often follow each other closely.
 */
final class WorkerPool {
    /** A run that can use help. */
    interface Helper {
        /**
         * Takes part in the run for a while.
         *
         * @return whether there may be more to help with; false when the run is over
         */
        boolean help();
    }

    /** Some 50 microseconds. */
    private static final int SPINS = 20_000;

    /** How often a worker looks in vain for something to do in a run before it gives that run up. */
    private static final int PATIENCE = 50;

    private static final long OPEN = 1L << 62;

    private final Worker[] workers;
    private final AtomicBoolean taken = new AtomicBoolean();
    /** The number of the run, and whether it is open. */
    private final AtomicLong state = new AtomicLong();

    private volatile @Nullable Helper helper;

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

    /** Lets the workers help with a run until {@link #end}; returns whether they do: not if they help with another. */
    boolean begin(Helper run) {
        if (workers.length == 0 || !taken.compareAndSet(false, true)) return false;
        helper = run;
        state.set((state.get() + 1) | OPEN);
        for (Worker w : workers) if (w.asleep) LockSupport.unpark(w.thread);
        return true;
    }

    /** Ends what {@link #begin} began. Workers may be in the run's {@code help} for a little longer. */
    void end() {
        helper = null;
        state.set(state.get() & ~OPEN);
        taken.set(false);
    }

    private final class Worker implements Runnable {
        private volatile boolean asleep;
        private volatile @Nullable Thread thread;

        @Override
        public void run() {
            thread = Thread.currentThread();
            long seen = 0;
            while (true) {
                seen = await(seen);
                Helper h = helper;
                for (int i = 0; h != null && i < PATIENCE && state.get() == seen && h.help(); i++) Thread.yield();
            }
        }

        /** Waits for an open run other than the one last seen; returns the state. */
        private long await(long seen) {
            for (int i = 0; ; i++) {
                long s = state.get();
                if (isNew(s, seen)) return s;
                if (i < SPINS) {
                    if ((i & 63) == 63) Thread.onSpinWait();
                    continue;
                }
                asleep = true;
                // Whoever opened a run before it saw this thread asleep is seen here.
                if (!isNew(state.get(), seen)) LockSupport.park(this);
                asleep = false;
                i = 0;
            }
        }

        private boolean isNew(long s, long seen) {
            return (s & OPEN) != 0 && s != seen;
        }
    }
}
