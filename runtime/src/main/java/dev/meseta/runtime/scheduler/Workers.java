package dev.meseta.runtime.scheduler;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The threads that run the queued jobs of a device that works on its caller's thread: as many as it takes jobs at once, begun when there is
 * work, gone when there was none for a while. All but {@link #run} is called with the scheduler's lock held.
 *
 * <p>One thread that has run out of work looks out for more before it sleeps: jobs often follow each other, and the system takes longer to
 * wake a thread than all the rest of a submission does.
 */
final class Workers {
    private static final long PATIENCE_SECONDS = 10;
    /** How long one looks out before it sleeps: some times what waking takes. None where that would keep others from the only processor. */
    private static final long LOOKOUT_NANOSECONDS = Runtime.getRuntime().availableProcessors() > 1 ? 50_000 : 0;

    private final Scheduler scheduler;
    private final ReentrantLock lock;
    private final Condition work;
    private final String name;
    private final int most;
    private int threads;
    private int idle;
    /** Sleeping threads that have been woken and have not come yet. */
    private int called;

    private boolean closed;
    /** Whether a thread looks out for work. */
    private boolean lookout;
    /** Whether that thread has been told that there is some; only it reads this without the lock. */
    private volatile boolean seen;

    Workers(Scheduler scheduler, ReentrantLock lock, int most) {
        this.scheduler = scheduler;
        this.lock = lock;
        this.work = lock.newCondition();
        this.name = "meseta-" + scheduler.device().name();
        this.most = most;
    }

    /** There is a job that could run. */
    void wake() {
        if (closed || called + (seen ? 1 : 0) >= most) return;
        if (lookout && !seen) {
            seen = true;
        } else if (idle > called) {
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
                if (!lookout && !closed && lookOut()) continue;
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

    /** Waits for work without sleeping, and without the lock; true if there is some. */
    private boolean lookOut() {
        long begin = System.nanoTime();
        lookout = true;
        lock.unlock();
        // Whoever tells still has the lock, and to wait for that would be to sleep.
        while (!seen || lock.isLocked()) {
            if (System.nanoTime() - begin > LOOKOUT_NANOSECONDS) break;
            Thread.onSpinWait();
        }
        lock.lock();
        lookout = false;
        if (!seen) return false;
        seen = false;
        return true;
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
