package dev.meseta.runtime.scheduler;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The threads that run the queued jobs of a device that works on its caller's thread: as many as it takes jobs at once, begun when there is
 * work, gone when there was none for a while. All but {@link #run} is called with the scheduler's lock held.
 */
final class Workers {
    private static final long PATIENCE_SECONDS = 10;

    private final Scheduler scheduler;
    private final ReentrantLock lock;
    private final Condition work;
    private final String name;
    private final int most;
    private int threads;
    private int idle;
    private int called;
    private boolean closed;

    Workers(Scheduler scheduler, ReentrantLock lock, int most) {
        this.scheduler = scheduler;
        this.lock = lock;
        this.work = lock.newCondition();
        this.name = "meseta-" + scheduler.device().name();
        this.most = most;
    }

    /** There is a job that could run. */
    void wake() {
        if (closed || called >= most) return;
        if (idle > called) {
            called++;
            work.signal();
        } else if (threads < most) {
            threads++;
            Thread.ofPlatform().daemon().name(name).start(this::run);
        }
    }

    /** A thread is caught in a job that was given up: another may take its place. */
    void lost() {
        threads--;
    }

    void close() {
        closed = true;
        work.signalAll();
    }

    private void run() {
        while (true) {
            Submission s = next();
            if (s == null) return;
            if (scheduler.execute(s)) return;
        }
    }

    /** The next job; null if this thread is not needed any more. */
    private @Nullable Submission next() {
        lock.lock();
        try {
            while (true) {
                Submission s = scheduler.take();
                if (s != null) {
                    s.onWorker = true;
                    return s;
                }
                if (scheduler.isAnyOver()) {
                    scheduler.unlock();
                    lock.lock();
                    continue;
                }
                idle++;
                boolean told = await();
                idle--;
                if (called > 0) called--;
                else if (!told || closed) {
                    threads--;
                    return null;
                }
            }
        } finally {
            scheduler.unlock();
        }
    }

    private boolean await() {
        try {
            return work.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            // Nobody but a program that looks for it has this thread; it goes, and another comes.
            return false;
        }
    }
}
