package dev.meseta.runtime.scheduler;

import dev.meseta.driver.Buffer;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Job;
import dev.meseta.driver.Region;
import dev.meseta.driver.Timeline;
import dev.meseta.runtime.trace.Trace;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A job: bind its buffers, say what it waits for and what it signals, submit it, and use it again when it has ended. Between submitting and
 * running nothing is allocated. Used by one thread at a time; {@link #cancel}, {@link #await} and {@link #state} by any.
 */
public final class Submission implements Job, Trace.Subject {
    /** Where a job is. */
    public enum State {
        /** It can be changed and submitted. */
        IDLE,
        /** It is being submitted. */
        CLAIMED,
        /** It waits for its turn, or for what must come first. */
        QUEUED,
        /** The device has it. */
        RUNNING,
        /** It was given up, and the device is told to stop it. */
        STOPPING,
        /** It was given up, and the device may still be at it: it cannot be used again. */
        ABANDONED
    }

    final Client client;
    private final Executable executable;
    private final Region[] regions;
    private final @Nullable Buffer[] buffers;
    private final MemorySegment[] memories;
    private final long[] begins;
    private final Timeline completion;
    private final Dependency dependency = new Dependency();
    private int credits = 1;

    private Timeline.Point[] waits = new Timeline.Point[0];
    private int waitCount;
    private Timeline.Point[] signals = new Timeline.Point[0];
    private int signalCount;

    private final AtomicReference<State> state = new AtomicReference<>(State.IDLE);
    private volatile boolean cancelled;
    private volatile @Nullable RuntimeException error;
    private long uses;

    // What follows is guarded by the scheduler's lock.

    @Nullable
    Submission next;

    @Nullable
    Submission nextRunning;

    @Nullable
    Submission previousRunning;

    long sequence;
    int nextWait;
    /** Whether {@link #dependency} has been handed to a timeline and has not been told. */
    boolean waiting;

    long queuedAt;
    long startedAt;
    volatile long beganAt;
    long charged;
    volatile long endedAt;
    long progress;
    long progressAt;

    /** What it ended with, until everybody has been told. */
    @Nullable
    RuntimeException reason;
    /** Why it was taken back, if it was. */
    @Nullable
    RuntimeException withdrawn;
    /** Whether it was given up while its thread was in the driver. */
    boolean abandoned;
    /** Whether that thread has come back. */
    boolean cameBack;
    /** Whether its thread is one of the scheduler's. */
    boolean onWorker;

    Submission(Client client, Executable executable) {
        this.client = client;
        this.executable = executable;
        this.regions = executable.regions().toArray(Region[]::new);
        this.buffers = new Buffer[regions.length];
        this.memories = new MemorySegment[regions.length];
        this.begins = new long[regions.length];
        this.completion = new Timeline(client.name());
    }

    /** Is told when what the job waits for has come. */
    private final class Dependency extends Timeline.Waiter {
        @Override
        protected void reached(@Nullable RuntimeException failure) {
            client.scheduler.dependencyReached(Submission.this, failure);
        }
    }

    // What a user does

    /** Binds a buffer to a region; it stays bound for later uses. It is checked when the job is submitted. */
    public Submission bind(int region, Buffer buffer) {
        checkIdle();
        if (region < 0 || region >= regions.length)
            throw new IndexOutOfBoundsException("region " + region + " of " + regions.length);
        buffers[region] = buffer;
        memories[region] = buffer.memory();
        begins[region] = memories[region].address();
        return this;
    }

    /** Takes away what is bound, so that it is not kept reachable. */
    public void unbind() {
        checkIdle();
        Arrays.fill(buffers, null);
        Arrays.fill(memories, null);
    }

    /** The next use waits for a point; for several, if called again. If it comes with a failure, the job fails with it and does not run. */
    public Submission waitFor(Timeline timeline, long point) {
        checkIdle();
        if (waitCount == waits.length) waits = Arrays.copyOf(waits, waitCount + 4);
        waits[waitCount++] = new Timeline.Point(timeline, point);
        return this;
    }

    /** The next use signals a point when it has ended, or fails it; besides {@link #completion}. */
    public Submission signal(Timeline timeline, long point) {
        checkIdle();
        if (signalCount == signals.length) signals = Arrays.copyOf(signals, signalCount + 4);
        signals[signalCount++] = new Timeline.Point(timeline, point);
        return this;
    }

    /** How many of the device's credits it takes; 1 unless said. */
    public Submission credits(int number) {
        checkIdle();
        int most = client.scheduler.limits().credits();
        if (number < 1 || number > most)
            throw new IllegalArgumentException("a job takes 1 to " + most + " credits, got " + number);
        credits = number;
        return this;
    }

    /**
     * Checks the job and queues it.
     *
     * @return the point of {@link #completion} that is reached when it has ended
     * @throws DeviceException of kind BUFFER: what is bound is not what it needs; of kind BANNED, LOST or CANCELLED: the client, the device or
     *     the scheduler takes no jobs
     */
    public long submit() {
        long point = claim(false);
        client.scheduler.submit(this);
        return point;
    }

    /**
     * Submits it and waits for its end; where the device works on the caller's thread and is free, at once and here.
     *
     * @throws RuntimeException what it failed with
     */
    public void run() {
        long point = claim(true);
        Trace.Work waiting = Trace.waiting(this);
        boolean here = client.scheduler.runHere(this);
        try {
            // A job that was given up on this thread has ended in another, maybe not quite yet.
            if (!here || completion.value() < point) await(point);
        } finally {
            waiting.close();
        }
        RuntimeException e = error;
        if (e != null) throw e;
    }

    /** Waits for the end, even when interrupted: then the job is told to come to it early. */
    private void await(long point) {
        InterruptedException interrupted = null;
        while (completion.value() < point) {
            try {
                completion.await(point);
            } catch (InterruptedException e) {
                interrupted = e;
                cancel();
            } catch (RuntimeException e) {
                // It is the job's error too.
                break;
            }
        }
        if (interrupted == null) return;
        Thread.currentThread().interrupt();
        if (error != null)
            throw new DeviceException(
                    DeviceException.Kind.CANCELLED,
                    "interrupted while a job of '" + client.name() + "' was under way",
                    interrupted);
    }

    /** Waits for the end of the last use; false if it does not come in time. Throws what it failed with. */
    public boolean await(Duration limit) throws InterruptedException {
        try (Trace.Work _ = Trace.waiting(this)) {
            return completion.await(uses, limit);
        }
    }

    /** Reaches n at the end of the n-th use. */
    public Timeline completion() {
        return completion;
    }

    /** What the last use failed with; null if it has not ended, or all is well. */
    public @Nullable RuntimeException error() {
        return error;
    }

    public State state() {
        return Objects.requireNonNull(state.get());
    }

    /** Takes it back if it has not begun; tells the device that nobody waits for it if it has. It ends all the same. */
    public void cancel() {
        client.scheduler.cancel(this);
    }

    private void checkIdle() {
        State s = state();
        if (s != State.IDLE) throw inFlight(s);
    }

    private IllegalStateException inFlight(State s) {
        return new IllegalStateException(
                s == State.ABANDONED
                        ? "the job hung and was given up; prepare another"
                        : "the job is under way; it can be changed when it has ended");
    }

    /** @param waits whether this thread waits for the end */
    private long claim(boolean waits) {
        if (!become(State.IDLE, State.CLAIMED)) throw inFlight(state());
        try {
            Checks.check(client, regions, buffers, begins, waits);
        } catch (RuntimeException e) {
            state.set(State.IDLE);
            throw e;
        }
        error = null;
        cancelled = false;
        withdrawn = null;
        onWorker = false;
        nextWait = 0;
        beganAt = 0;
        return ++uses;
    }

    // What the scheduler does

    boolean become(State from, State to) {
        return state.compareAndSet(from, to);
    }

    int credits() {
        return credits;
    }

    int waits() {
        return waitCount;
    }

    /** What it waits for, or will wait for next. */
    Timeline.Point wait(int i) {
        return waits[i];
    }

    /** Hands the waiter to what it waits for next; false if that has been reached. */
    boolean waitForNext() {
        Timeline.Point p = waits[nextWait];
        return p.timeline().tell(dependency, p.value());
    }

    boolean forget() {
        return waits[nextWait].timeline().forget(dependency);
    }

    void cancelled() {
        cancelled = true;
    }

    /** Undoes {@link #claim}, for a job that was refused. */
    void unclaim() {
        uses--;
        letGo();
        forgetPoints();
        state.set(State.IDLE);
    }

    private void forgetPoints() {
        Arrays.fill(waits, 0, waitCount, null);
        waitCount = 0;
        Arrays.fill(signals, 0, signalCount, null);
        signalCount = 0;
    }

    /** Lets the buffers go. */
    void letGo() {
        for (Buffer b : buffers) if (b != null) b.release();
    }

    /** What it waited for last was reached with; null if all is well. */
    @Nullable
    RuntimeException waitFailure() {
        Timeline.Point p = waits[nextWait];
        return p.timeline().failure(p.value());
    }

    /** Tells everybody that it has ended with its {@link #reason}. */
    void complete() {
        RuntimeException failure = reason;
        boolean reusable = !abandoned;
        Trace.done(this, failure);
        if (reusable) letGo();
        error = failure;
        reason = null;
        for (int i = 0; i < signalCount; i++) tell(signals[i].timeline(), signals[i].value(), failure);
        forgetPoints();
        long use = uses;
        state.set(reusable ? State.IDLE : State.ABANDONED);
        // The last step: whoever is told may use the job again.
        tell(completion, use, failure);
    }

    private static void tell(Timeline timeline, long point, @Nullable RuntimeException failure) {
        if (failure == null) timeline.signal(point);
        else timeline.fail(point, failure);
    }

    // What a driver sees

    @Override
    public Executable executable() {
        return executable;
    }

    @Override
    public Buffer buffer(int region) {
        Buffer b = buffers[region];
        if (b == null) throw new IllegalStateException("nothing is bound to region " + region);
        return b;
    }

    @Override
    public MemorySegment memory(int region) {
        return memories[region];
    }

    @Override
    public void started() {
        if (beganAt == 0) beganAt = client.scheduler.now();
    }

    @Override
    public void done() {
        client.scheduler.ended(this, null);
    }

    @Override
    public void failed(RuntimeException reason) {
        client.scheduler.ended(this, reason);
    }

    @Override
    public boolean isCancelled() {
        return cancelled;
    }

    // What a trace sees

    @Override
    public String device() {
        return client.scheduler.device().name();
    }

    @Override
    public long client() {
        return client.number();
    }

    @Override
    public String clientName() {
        return client.name();
    }

    @Override
    public long sequence() {
        return sequence;
    }

    @Override
    public String toString() {
        return "job " + sequence + " of " + client;
    }
}
