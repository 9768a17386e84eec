package dev.meseta.runtime.scheduler;

import dev.meseta.driver.Device;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Limits;
import dev.meseta.driver.Stop;
import java.util.ArrayList;
import java.util.List;

/** What becomes of jobs that hang, of those that were beside them, and of all when the device is gone. Guarded by the scheduler's lock. */
final class Faults {
    private final Scheduler scheduler;
    private final Device device;
    private final Limits limits;
    private final int hangsAllowed;

    Faults(Scheduler scheduler, int hangsAllowed) {
        this.scheduler = scheduler;
        this.device = scheduler.device();
        this.limits = scheduler.limits();
        this.hangsAllowed = hangsAllowed;
    }

    /** Gives up jobs that make no progress. Called without the lock. Whether jobs are under way. */
    boolean look() {
        List<Submission> underWay = running();
        // The oldest first: it is the one that keeps the others.
        for (Submission s : underWay.reversed()) {
            String hung = hung(s);
            if (!hung.isEmpty()) giveUp(s, hung);
        }
        return !underWay.isEmpty();
    }

    private List<Submission> running() {
        List<Submission> underWay = new ArrayList<>();
        scheduler.lock();
        try {
            for (Submission s = scheduler.running(); s != null; s = s.nextRunning) underWay.add(s);
        } finally {
            scheduler.unlock();
        }
        return underWay;
    }

    private String hung(Submission s) {
        long progress = device.progress(s);
        scheduler.lock();
        try {
            if (s.state() != Submission.State.RUNNING) return "";
            long now = scheduler.now();
            if (progress != s.progress) {
                s.progress = progress;
                s.progressAt = now;
            }
            // It stands behind another in the device.
            if (s.beganAt == 0 && anyHasBegun()) s.progressAt = now;
            if (now - s.progressAt >= limits.timeout().toNanos())
                return "made no progress for " + limits.timeout().toMillis() + " ms";
            if (now - s.startedAt >= limits.longest().toNanos())
                return "ran for more than " + limits.longest().toMillis() + " ms";
            return "";
        } finally {
            scheduler.unlock();
        }
    }

    private boolean anyHasBegun() {
        for (Submission s = scheduler.running(); s != null; s = s.nextRunning) if (s.beganAt != 0) return true;
        return false;
    }

    private void giveUp(Submission guilty, String what) {
        if (!guilty.become(Submission.State.RUNNING, Submission.State.STOPPING)) return;
        guilty.cancelled();
        Client c = guilty.client;
        DeviceException why = new DeviceException(
                DeviceException.Kind.HANG,
                "a job of '" + c.name() + "' " + what + " on " + device.name() + ", and was given up");
        // What is just being handed over would else be neither dead nor alive.
        scheduler.holdBack();
        Stop stop = device.stop(guilty);
        scheduler.lock();
        try {
            scheduler.handOn();
            scheduler.leave(guilty);
            if (limits.synchronous()) abandon(guilty);
            scheduler.end(guilty, why);
            c.hangs++;
            if (stop == Stop.RESET && !limits.synchronous()) reset(guilty);
            if (stop == Stop.GONE) lose(DeviceException.lost(device.name()));
            if (c.hangs >= hangsAllowed && c.refused == null) ban(c, why);
        } finally {
            scheduler.unlock();
        }
    }

    private void ban(Client c, DeviceException why) {
        c.refused = new DeviceException(
                DeviceException.Kind.BANNED,
                "client '" + c.name() + "' has hung " + device.name() + " " + c.hangs
                        + " times and may not use it any more",
                why);
        scheduler.withdrawAll(c, c.refused);
    }

    /** The thread of a job that was given up is still in the driver, and with it all that the job touches; unless it is just coming back. */
    private void abandon(Submission s) {
        if (s.cameBack) return;
        s.abandoned = true;
        Workers workers = scheduler.workers();
        if (workers != null && s.onWorker) workers.lost();
    }

    /** The thread of a job that was given up has come back. True if it came after the job had been ended. */
    boolean cameBack(Submission s) {
        boolean held;
        scheduler.lock();
        try {
            s.cameBack = true;
            held = s.abandoned;
        } finally {
            scheduler.unlock();
        }
        if (held) s.letGo();
        return held;
    }

    /** After a reset: what had not begun is queued again, in its order; the rest is lost, through no fault of its own. */
    private void reset(Submission guilty) {
        List<Submission> others = new ArrayList<>();
        for (Submission s = scheduler.running(); s != null; s = s.nextRunning) others.add(s);
        // The latest first, so that the earliest ends up in front.
        for (Submission s : others) {
            if (!s.become(Submission.State.RUNNING, Submission.State.STOPPING)) continue;
            scheduler.leave(s);
            if (s.beganAt != 0 || s.isCancelled()) {
                String message = "a job of '" + s.client.name() + "' was lost when " + device.name()
                        + " was reset because of a job of '" + guilty.client.name() + "'; submit it again";
                scheduler.end(s, new DeviceException(DeviceException.Kind.RESET, message));
            } else {
                again(s);
            }
        }
    }

    private void again(Submission s) {
        Client c = s.client;
        s.become(Submission.State.STOPPING, Submission.State.QUEUED);
        scheduler.activate(c);
        // Whether the client's former first job waits or is ready is asked again when it comes to the front.
        if (c.head != null && c.head.waiting && c.head.forget()) c.head.waiting = false;
        scheduler.unready(c);
        c.prepend(s);
        scheduler.consider(c);
    }

    /** Ends everything: the device is gone. A synchronous one throws out what it has by itself. */
    void lose(DeviceException why) {
        List<Submission> gone = new ArrayList<>();
        for (Submission s = scheduler.running(); s != null; s = s.nextRunning)
            if (!limits.synchronous() && s.become(Submission.State.RUNNING, Submission.State.STOPPING)) gone.add(s);
        for (Submission s : gone.reversed()) {
            scheduler.leave(s);
            scheduler.end(s, why);
        }
        withdrawEverything(why);
    }

    void withdrawEverything(DeviceException why) {
        scheduler.refuseAll(why);
        for (Client c = scheduler.active(); c != null; ) {
            Client next = c.nextActive;
            scheduler.withdrawAll(c, why);
            c = next;
        }
    }
}
