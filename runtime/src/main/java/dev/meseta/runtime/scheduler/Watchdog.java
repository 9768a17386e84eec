package dev.meseta.runtime.scheduler;

import dev.meseta.driver.Limits;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** The thread that looks after the jobs of a device as long as there are some. */
final class Watchdog {
    private static final int QUIET_LOOKS = 8;

    private final Scheduler scheduler;
    private final long period;
    private @Nullable Thread thread;
    private volatile boolean asleep;
    private volatile boolean closed;

    Watchdog(Scheduler scheduler, Limits limits) {
        this.scheduler = scheduler;
        this.period = Math.clamp(
                limits.timeout().toNanos() / 8, TimeUnit.MILLISECONDS.toNanos(1), TimeUnit.SECONDS.toNanos(1));
    }

    /** A job has begun. Called with the scheduler's lock held. */
    void watch() {
        if (thread == null) {
            if (closed) return;
            thread = Thread.ofPlatform()
                    .daemon()
                    .name("meseta-watch-" + scheduler.device().name())
                    .start(this::run);
        } else if (asleep) {
            asleep = false;
            LockSupport.unpark(thread);
        }
    }

    private void run() {
        int quiet = 0;
        while (!closed) {
            LockSupport.parkNanos(this, period);
            quiet = scheduler.tick() ? 0 : quiet + 1;
            if (quiet < QUIET_LOOKS) continue;
            // Whoever begins a job from here on sees this and wakes the thread; who began one before is found by the
            // look.
            asleep = true;
            if (scheduler.tick()) asleep = false;
            while (asleep && !closed) LockSupport.park(this);
            quiet = 0;
        }
    }

    void close() {
        closed = true;
        Thread t = thread;
        if (t != null) LockSupport.unpark(t);
    }
}
