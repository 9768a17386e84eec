package dev.meseta.drivers.cpu;

import dev.meseta.linux.Affinity;
import dev.meseta.linux.Processors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The threads that help those that run plans. One pool a process, so that many sessions at once do not make more threads than there are
 * processors: the processors are divided between the runs under way, and where there are as many runs as processors, each computes alone.
 * Workers wait in a loop for a while before they sleep: runs often follow each other closely.
 */
final class WorkerPool {
    /** A run that can use help. */
    interface Helper {
        /**
         * Takes part in the run for a while.
         *
         * @param worker the worker's number, 1 or more
         * @return whether there may be more to help with; false when the run is over
         */
        boolean help(int worker);
    }

    /** How long a worker waits for another run before it sleeps, in nanoseconds. */
    private static final long AWAKE = 200_000;

    /** Rounds of waiting between two looks at the clock. */
    private static final int ROUNDS = 64;

    /** How often a worker looks in vain for something to do in a run before it gives that run up. */
    private static final int PATIENCE = 50;

    private final Worker[] workers;
    private final AtomicInteger runs = new AtomicInteger();

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
        if (text.isEmpty()) return Usable.PROCESSORS;
        try {
            int n = Integer.parseInt(text.strip());
            if (n >= 1 && n <= 1024) return n;
        } catch (NumberFormatException e) {
            // Said below, as for a number out of range.
        }
        throw new IllegalArgumentException("MESETA_THREADS is \"" + text + "\"; it must be a number from 1 to 1024");
    }

    private static final class Usable {
        static final int PROCESSORS = Processors.here().usable();
    }

    WorkerPool(int threads) {
        workers = new Worker[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker(i + 1);
            workers[i].thread.start();
        }
    }

    /** Threads that compute, the caller among them. */
    int threads() {
        return workers.length + 1;
    }

    /**
     * Says that the calling thread begins a run.
     *
     * @param shared whether the run has use for help; it gets the workers that it may have and that are free
     * @return how many
     */
    int begin(Helper run, boolean shared) {
        int underWay = runs.incrementAndGet();
        if (!shared) return 0;
        int most = mostHelpers(underWay);
        int got = 0;
        for (int i = 0; i < workers.length && got < most; i++) if (workers[i].take(run)) got++;
        return got;
    }

    /** How many workers a run may have. */
    private int mostHelpers(int underWay) {
        return threads() / Math.max(1, underWay) - 1;
    }

    /** Ends what {@link #begin} began. Workers may be in the run's {@code help} for a little longer. */
    void end(Helper run) {
        for (Worker w : workers) w.run.compareAndSet(run, null);
        runs.decrementAndGet();
    }

    private final class Worker implements Runnable {
        private final int number;
        private final Thread thread;
        private final AtomicReference<@Nullable Helper> run = new AtomicReference<>();
        private volatile boolean asleep;

        /** What the operating system calls the thread, and the processor that it keeps off. */
        private volatile int id = -1;

        private volatile int avoided = -1;

        Worker(int number) {
            this.number = number;
            this.thread =
                    Thread.ofPlatform().daemon().name("meseta-worker-" + number).unstarted(this);
        }

        /** Has the worker help with a run, unless it helps with another, on another processor than the caller's. */
        boolean take(Helper helped) {
            if (!run.compareAndSet(null, helped)) return false;
            int here = Affinity.processor();
            if (avoided != here && Affinity.keepOff(id, here)) avoided = here;
            if (asleep) LockSupport.unpark(thread);
            return true;
        }

        @Override
        public void run() {
            id = Affinity.thread();
            while (true) {
                Helper helped = await();
                int inVain = 0;
                for (; inVain < PATIENCE && run.get() == helped && helped.help(number); inVain++) Thread.yield();
                // The run goes on without this worker. One that is over is not touched: it may have begun again.
                if (inVain == PATIENCE) run.compareAndSet(helped, null);
            }
        }

        private Helper await() {
            long since = 0;
            for (int i = 1; ; i++) {
                Helper h = run.get();
                if (h != null) return h;
                Thread.onSpinWait();
                if (i % ROUNDS != 0) continue;
                long now = System.nanoTime();
                if (since == 0) since = now;
                if (now - since < AWAKE && mostHelpers(runs.get()) > 0) continue;
                asleep = true;
                // Whoever gave this worker a run before it saw it asleep is seen here.
                if (run.get() == null) LockSupport.park(WorkerPool.this);
                asleep = false;
                since = 0;
            }
        }
    }
}
