package dev.meseta.runtime.scheduler;

import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Somebody who uses a device: jobs begin in the order in which they were submitted, and share the device fairly with those of other clients.
 * Jobs of one client may run beside each other where the device takes several; what must wait for another says so. Thread-safe.
 */
public final class Client implements AutoCloseable {
    static final int NOT_READY = -1;
    private static final AtomicLong NUMBERS = new AtomicLong();

    final Scheduler scheduler;
    final Priority priority;
    final int weight;
    private final String name;
    private final long number = NUMBERS.incrementAndGet();

    // All below is guarded by the scheduler's lock.

    /** Nanoseconds of device time, divided by the weight. */
    long virtualRuntime;
    /** What a job of this client is expected to take, in nanoseconds. */
    long expected;

    int heapIndex = NOT_READY;
    long readySince;
    int hangs;
    long sequence;
    /** Jobs that the device has. */
    int inFlight;

    @Nullable
    Submission head;

    @Nullable
    Submission tail;
    /** Why it may not submit any more. */
    @Nullable
    DeviceException refused;

    // The list of clients that have jobs.
    boolean active;

    @Nullable
    Client nextActive;

    @Nullable
    Client previousActive;

    Client(Scheduler scheduler, String name, Priority priority, int weight) {
        this.scheduler = scheduler;
        this.name = name;
        this.priority = priority;
        this.weight = weight;
    }

    public String name() {
        return name;
    }

    /** Its number among all clients of the process: the context of its jobs in traces. */
    public long number() {
        return number;
    }

    public Scheduler scheduler() {
        return scheduler;
    }

    /** A job of this client, to be bound, submitted, and used again when it has ended. */
    public Submission prepare(Executable executable) {
        return new Submission(this, executable);
    }

    /** Nanoseconds of virtual runtime: device time used, divided by the weight. */
    public long virtualRuntime() {
        return scheduler.virtualRuntime(this);
    }

    /** How often its jobs hung the device. */
    public int hangs() {
        return scheduler.hangs(this);
    }

    /** Takes back what has not begun, and refuses what comes. What the device has ends as it would have. */
    @Override
    public void close() {
        scheduler.refuse(this, new DeviceException(DeviceException.Kind.CANCELLED, "client '" + name + "' is closed"));
    }

    void append(Submission s) {
        s.next = null;
        if (tail == null) head = s;
        else tail.next = s;
        tail = s;
    }

    void prepend(Submission s) {
        s.next = head;
        head = s;
        if (tail == null) tail = s;
    }

    void remove(Submission s) {
        Submission before = null;
        for (Submission i = head; i != null; before = i, i = i.next) {
            if (i != s) continue;
            if (before == null) head = s.next;
            else before.next = s.next;
            if (tail == s) tail = before;
            s.next = null;
            return;
        }
    }

    @Override
    public String toString() {
        return "client " + number + " '" + name + "'";
    }
}
