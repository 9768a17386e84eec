package dev.meseta.runtime.scheduler;

import dev.meseta.driver.Device;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Limits;
import dev.meseta.runtime.trace.Trace;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Shares a device between clients. The ready client of the highest priority that has had the least of the device, by its weight, comes next;
 * a job begins when the device has credits for it. A job that makes no progress is given up and its client counted guilty; one that is
 * guilty too often is banned. When a device is lost, everything fails. Every job ends exactly once, and tells everybody who waits for it.
 * Thread-safe.
 *
 * <p>Everything below is guarded by one lock, which is never held while a driver or a waiter is called: what has ended is put on a list,
 * and told when the lock is free ({@link #unlock}). What becomes of hangs and lost devices is in {@link Faults}.
 */
public final class Scheduler implements AutoCloseable {
    /** Jobs that a client may hang before it is banned. */
    public static final int HANGS = 3;

    private final Device device;
    private final Limits limits;
    private final LongSupplier clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition handed = lock.newCondition();
    private final @Nullable Workers workers;
    private final @Nullable Watchdog watchdog;
    private final Faults faults;

    private final ReadyHeap[] ready;
    /** The virtual runtime of the client that was last chosen, for each priority: who comes back from idling begins there. */
    private final long[] floor;

    private int freeCredits;
    private long order;
    private @Nullable Submission running;
    private @Nullable Client active;
    /** Whether somebody hands a job over, or keeps others from it. */
    private boolean handing;

    private @Nullable DeviceException refused;

    /** Jobs that have ended and of which nobody has been told yet. */
    private @Nullable Submission over;

    private @Nullable Submission overLast;

    /** A scheduler with threads of its own, which run only while there is work. */
    public Scheduler(Device device) {
        this(device, System::nanoTime, HANGS, true);
    }

    /**
     * For tests and simulations.
     *
     * @param clock nanoseconds
     * @param hangsAllowed jobs that a client may hang before it is banned
     * @param threads whether it has threads; if not, somebody calls {@link #tick}, and a synchronous device runs jobs where they are
     *     submitted
     */
    public Scheduler(Device device, LongSupplier clock, int hangsAllowed, boolean threads) {
        this.device = device;
        this.limits = device.limits();
        this.clock = clock;
        this.freeCredits = limits.credits();
        this.ready = new ReadyHeap[Priority.values().length];
        this.floor = new long[ready.length];
        for (int i = 0; i < ready.length; i++) ready[i] = new ReadyHeap();
        this.faults = new Faults(this, hangsAllowed);
        this.workers = threads && limits.synchronous() ? new Workers(this, lock, limits.credits()) : null;
        this.watchdog = threads ? new Watchdog(this, limits) : null;
    }

    public Device device() {
        return device;
    }

    Limits limits() {
        return limits;
    }

    long now() {
        return clock.getAsLong();
    }

    public Client client(String name) {
        return client(name, Priority.NORMAL, 1);
    }

    /** @param weight the client's share of the device, relative to others of its priority: 1 to 1000 */
    public Client client(String name, Priority priority, int weight) {
        if (weight < 1 || weight > 1000) throw new IllegalArgumentException("a weight is 1 to 1000, got " + weight);
        return new Client(this, name, priority, weight);
    }

    // The lock

    void lock() {
        lock.lock();
    }

    /** Gives the lock back, hands over what can run now, and tells of what has ended. */
    void unlock() {
        Submission list = takeOver();
        boolean work = hasWork();
        if (work && workers != null) {
            workers.wake();
            work = false;
        }
        lock.unlock();
        if (work) dispatch();
        Telling.tell(list);
    }

    boolean isAnyOver() {
        return over != null;
    }

    private @Nullable Submission takeOver() {
        Submission list = over;
        over = null;
        overLast = null;
        return list;
    }

    /** Puts a job that has left all other lists on the list of those of which is to be told. */
    void end(Submission s, @Nullable RuntimeException reason) {
        s.reason = reason;
        s.next = null;
        if (overLast == null) over = s;
        else overLast.next = s;
        overLast = s;
    }

    // Submitting

    void submit(Submission s) {
        lock();
        try {
            refuse(s);
            enqueue(s);
            append(s);
        } finally {
            unlock();
        }
    }

    private void refuse(Submission s) {
        DeviceException why = refused != null ? refused : s.client.refused;
        if (why == null) return;
        s.unclaim();
        throw new DeviceException(why.kind(), why.getMessage(), why);
    }

    private void enqueue(Submission s) {
        s.sequence = ++s.client.sequence;
        s.queuedAt = now();
        s.become(Submission.State.CLAIMED, Submission.State.QUEUED);
        activate(s.client);
        Trace.queued(s);
        for (int i = 0; i < s.waits(); i++) Trace.dependency(s, s.wait(i));
    }

    private void append(Submission s) {
        s.client.append(s);
        if (s.client.head == s) consider(s.client);
    }

    /**
     * Runs a job on this thread if the device works so, nobody else waits, and there is room.
     *
     * @return false if it was queued
     */
    boolean runHere(Submission s) {
        if (!limits.synchronous() || Thread.currentThread().isVirtual()) {
            submit(s);
            return false;
        }
        boolean here;
        lock();
        try {
            refuse(s);
            enqueue(s);
            here = s.client.head == null && nothingReady() && freeCredits >= s.credits() && s.waits() == 0;
            if (here) start(s);
            else append(s);
        } finally {
            unlock();
        }
        if (here) execute(s);
        return here;
    }

    private boolean nothingReady() {
        for (ReadyHeap h : ready) if (h.size() > 0) return false;
        return true;
    }

    /** Runs a job that has been started, on a synchronous device. True if it was given up meanwhile, and the thread replaced. */
    boolean execute(Submission s) {
        return ended(s, attempt(s));
    }

    private @Nullable RuntimeException attempt(Submission s) {
        try {
            device.run(s);
            return null;
        } catch (RuntimeException e) {
            return e;
        } catch (Error e) {
            return new DeviceException(
                    DeviceException.Kind.FAILED, "a job of '" + s.client.name() + "' failed: " + e, e);
        }
    }

    // Choosing

    /** Looks at the first job of a client: it may have to wait, or may be ready, or has failed before it could run. */
    void consider(Client c) {
        while (true) {
            Submission s = c.head;
            if (s == null) {
                deactivate(c);
                return;
            }
            if (s.waiting || c.heapIndex != Client.NOT_READY) return;
            RuntimeException failure = nextFailure(s);
            if (s.waiting) return;
            if (failure == null) {
                int p = c.priority.ordinal();
                c.virtualRuntime = Math.max(c.virtualRuntime, floor[p]);
                c.readySince = order++;
                ready[p].add(c);
                return;
            }
            c.remove(s);
            end(s, dependencyFailed(s, failure));
        }
    }

    /** Goes through what a job waits for, up to what has not come yet, or came with a failure. */
    private @Nullable RuntimeException nextFailure(Submission s) {
        while (s.nextWait < s.waits()) {
            s.waiting = true;
            if (s.waitForNext()) {
                Trace.unschedulable(s, s.wait(s.nextWait));
                return null;
            }
            s.waiting = false;
            RuntimeException failure = s.waitFailure();
            s.nextWait++;
            if (failure != null) return failure;
        }
        return null;
    }

    /** Names what failed first, however long the chain from there is. */
    private static DeviceException dependencyFailed(Submission s, RuntimeException failure) {
        Throwable first = failure;
        if (failure instanceof DeviceException d && d.kind() == DeviceException.Kind.DEPENDENCY && d.getCause() != null)
            first = d.getCause();
        return new DeviceException(
                DeviceException.Kind.DEPENDENCY,
                "a job of '" + s.client.name() + "' did not run, because what it waited for failed: "
                        + first.getMessage(),
                first);
    }

    void dependencyReached(Submission s, @Nullable RuntimeException failure) {
        lock();
        try {
            s.waiting = false;
            s.nextWait++;
            Client c = s.client;
            RuntimeException why = s.withdrawn;
            if (why == null && failure != null) why = dependencyFailed(s, failure);
            if (why != null) {
                c.remove(s);
                end(s, why);
            }
            consider(c);
        } finally {
            unlock();
        }
    }

    /** The client that comes next; null if there is none, or the device has no room for its job. */
    private @Nullable Client chosen() {
        for (ReadyHeap h : ready) {
            Client c = h.peek();
            if (c == null || c.head == null) continue;
            // A large job is not passed by small ones: it would never run.
            return c.head.credits() <= freeCredits ? c : null;
        }
        return null;
    }

    private boolean hasWork() {
        return chosen() != null;
    }

    /** Takes the job that runs next, if there is one and the device has room for it; it counts as running. */
    @Nullable
    Submission take() {
        Client c = chosen();
        if (c == null) return null;
        Submission s = c.head;
        if (s == null) return null;
        unready(c);
        c.remove(s);
        start(s);
        consider(c);
        return s;
    }

    private void start(Submission s) {
        Client c = s.client;
        int p = c.priority.ordinal();
        c.virtualRuntime = Math.max(c.virtualRuntime, floor[p]);
        floor[p] = c.virtualRuntime;
        s.charged = c.expected / c.weight;
        c.virtualRuntime += s.charged;
        c.inFlight++;
        freeCredits -= s.credits();
        s.startedAt = now();
        s.progress = 0;
        s.progressAt = s.startedAt;
        s.previousRunning = null;
        s.nextRunning = running;
        if (running != null) running.previousRunning = s;
        running = s;
        s.become(Submission.State.QUEUED, Submission.State.RUNNING);
        Trace.run(s);
        if (watchdog != null) watchdog.watch();
    }

    /** Hands jobs to the device as long as there are some and it has room. One thread at a time does so. */
    private void dispatch() {
        while (true) {
            lock.lock();
            if (handing) {
                // Whoever is at it comes back here before it stops.
                lock.unlock();
                return;
            }
            Submission s = take();
            Submission list = takeOver();
            handing = s != null;
            lock.unlock();
            Telling.tell(list);
            if (s == null) return;
            RuntimeException failure = attempt(s);
            if (limits.synchronous() || failure != null) ended(s, failure);
            lock.lock();
            handOn();
            lock.unlock();
        }
    }

    /** Waits until no job is being handed over, and keeps it so; for devices that are not synchronous. Called without the lock. */
    void holdBack() {
        if (limits.synchronous()) return;
        lock.lock();
        try {
            while (handing) handed.awaitUninterruptibly();
            handing = true;
        } finally {
            lock.unlock();
        }
    }

    /** Jobs may be handed over again. */
    void handOn() {
        handing = false;
        handed.signal();
    }

    // Ending

    /** The driver says that a job has ended. True if it had been given up, and its thread replaced. */
    boolean ended(Submission s, @Nullable RuntimeException failure) {
        if (!s.become(Submission.State.RUNNING, Submission.State.STOPPING)) {
            return limits.synchronous() && faults.cameBack(s);
        }
        lock();
        try {
            leave(s);
            end(s, failure);
            if (failure instanceof DeviceException e && e.kind() == DeviceException.Kind.LOST) faults.lose(e);
        } finally {
            unlock();
        }
        return false;
    }

    /** Takes a job off the list of those that run, and charges its client. */
    void leave(Submission s) {
        Client c = s.client;
        if (s.previousRunning == null) running = s.nextRunning;
        else s.previousRunning.nextRunning = s.nextRunning;
        if (s.nextRunning != null) s.nextRunning.previousRunning = s.previousRunning;
        s.nextRunning = null;
        s.previousRunning = null;
        freeCredits += s.credits();
        c.inFlight--;
        s.endedAt = now();
        long taken = s.endedAt - (s.beganAt != 0 ? s.beganAt : s.startedAt);
        c.virtualRuntime += taken / c.weight - s.charged;
        c.expected += (taken - c.expected) / 8;
        if (c.heapIndex != Client.NOT_READY) ready[c.priority.ordinal()].moved(c);
        deactivate(c);
    }

    void unready(Client c) {
        if (c.heapIndex != Client.NOT_READY) ready[c.priority.ordinal()].remove(c);
    }

    @Nullable
    Submission running() {
        return running;
    }

    @Nullable
    Client active() {
        return active;
    }

    @Nullable
    Workers workers() {
        return workers;
    }

    // Taking back

    void cancel(Submission s) {
        lock();
        try {
            switch (s.state()) {
                case IDLE, CLAIMED, STOPPING, ABANDONED -> {}
                case RUNNING -> s.cancelled();
                case QUEUED -> {
                    String message = "a job of '" + s.client.name() + "' was cancelled before it began";
                    withdraw(s, new DeviceException(DeviceException.Kind.CANCELLED, message));
                    consider(s.client);
                }
            }
        } finally {
            unlock();
        }
    }

    /** Takes a queued job out. Its client has to be {@link #consider}ed after that. */
    void withdraw(Submission s, RuntimeException why) {
        Client c = s.client;
        s.cancelled();
        s.withdrawn = why;
        if (s.waiting) {
            // If the waiter is being told at this moment, it sees that the job is withdrawn.
            if (!s.forget()) return;
            s.waiting = false;
        }
        if (c.head == s) unready(c);
        c.remove(s);
        end(s, why);
    }

    /** Takes back all that a client has queued, and refuses what it submits from now on. */
    void refuse(Client c, DeviceException why) {
        lock();
        try {
            if (c.refused == null) c.refused = why;
            withdrawAll(c, why);
        } finally {
            unlock();
        }
    }

    void withdrawAll(Client c, RuntimeException why) {
        unready(c);
        for (Submission s = c.head; s != null; ) {
            Submission next = s.next;
            withdraw(s, why);
            s = next;
        }
        consider(c);
    }

    void refuseAll(DeviceException why) {
        if (refused == null) refused = why;
    }

    void activate(Client c) {
        if (c.active) return;
        c.active = true;
        c.previousActive = null;
        c.nextActive = active;
        if (active != null) active.previousActive = c;
        active = c;
    }

    private void deactivate(Client c) {
        if (!c.active || c.head != null || c.inFlight > 0) return;
        c.active = false;
        if (c.previousActive == null) active = c.nextActive;
        else c.previousActive.nextActive = c.nextActive;
        if (c.nextActive != null) c.nextActive.previousActive = c.previousActive;
        c.nextActive = null;
        c.previousActive = null;
    }

    /**
     * Gives up jobs that make no progress. Called by the watchdog, or by whoever drives a scheduler without threads.
     *
     * @return whether jobs are under way
     */
    public boolean tick() {
        return faults.look();
    }

    // For tests and people

    long virtualRuntime(Client c) {
        lock.lock();
        try {
            return c.virtualRuntime;
        } finally {
            lock.unlock();
        }
    }

    int hangs(Client c) {
        lock.lock();
        try {
            return c.hangs;
        } finally {
            lock.unlock();
        }
    }

    /** Takes back what has not begun, and refuses what comes. What the device has ends as it would have. */
    @Override
    public void close() {
        lock();
        try {
            faults.withdrawEverything(new DeviceException(
                    DeviceException.Kind.CANCELLED, "the scheduler of " + device.name() + " is closed"));
            if (workers != null) workers.close();
        } finally {
            unlock();
        }
        if (watchdog != null) watchdog.close();
    }
}
