package dev.meseta.driver;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A number that only rises, and those who wait for it to reach a point. A point can be reached well, or with a failure that everybody who
 * waits for it is told. Thread-safe; waiting threads may be virtual, and free their carriers.
 */
public final class Timeline {
    /** Failures that are kept. A point behind the oldest of them counts as reached well. */
    public static final int MOST_FAILURES = 1024;

    private final String name;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile long value;
    private @Nullable Waiter waiters;
    /** Oldest first. */
    private final List<Failed> failures = new ArrayList<>();

    /** Points (after, upTo] were reached with a failure. */
    private record Failed(long after, long upTo, RuntimeException reason) {}

    /** A point of a timeline. */
    public record Point(Timeline timeline, long value) {}

    /** How it stands with a point. */
    public enum State {
        PENDING,
        REACHED,
        FAILED
    }

    /**
     * Is told when a point is reached. One object waits for one point at a time, so that waiting allocates nothing.
     */
    public abstract static class Waiter {
        private long point;
        private @Nullable Waiter next;
        private @Nullable Waiter previous;
        private @Nullable Timeline waitsFor;

        /**
         * The point is reached. Called once, by the thread that signals, which holds no lock: it must not block.
         *
         * @param failure null if all is well
         */
        protected abstract void reached(@Nullable RuntimeException failure);
    }

    /** Begins at 0. @param name for people and traces */
    public Timeline(String name) {
        this.name = name;
    }

    public String name() {
        return name;
    }

    /** The highest point that is reached, well or with a failure. */
    public long value() {
        return value;
    }

    public State state(long point) {
        if (point > value) return State.PENDING;
        return failure(point) == null ? State.REACHED : State.FAILED;
    }

    /** What a point was reached with; null if it is not reached, or all is well. */
    public @Nullable RuntimeException failure(long point) {
        lock.lock();
        try {
            return failureLocked(point);
        } finally {
            lock.unlock();
        }
    }

    private @Nullable RuntimeException failureLocked(long point) {
        for (int i = failures.size() - 1; i >= 0; i--) {
            Failed f = failures.get(i);
            if (point > f.upTo()) return null;
            if (point > f.after()) return f.reason();
        }
        return null;
    }

    /** All points up to this one are reached. A point that was reached before is left as it is. */
    public void signal(long point) {
        advance(point, null);
    }

    /** The points above the present value, up to this one, are reached with a failure. */
    public void fail(long point, RuntimeException reason) {
        advance(point, reason);
    }

    private void advance(long point, @Nullable RuntimeException reason) {
        Waiter ready = null;
        lock.lock();
        try {
            long before = value;
            if (point <= before) return;
            if (reason != null) {
                if (failures.size() == MOST_FAILURES) failures.removeFirst();
                failures.add(new Failed(before, point, reason));
            }
            value = point;
            for (Waiter w = waiters; w != null; ) {
                Waiter next = w.next;
                if (w.point <= point) {
                    unlink(w);
                    w.next = ready;
                    ready = w;
                }
                w = next;
            }
        } finally {
            lock.unlock();
        }
        while (ready != null) {
            Waiter w = ready;
            ready = w.next;
            w.next = null;
            w.reached(reason);
        }
    }

    /**
     * Tells the waiter when the point is reached, and returns true; false if it is reached already: then the waiter is not told.
     */
    public boolean tell(Waiter waiter, long point) {
        if (point <= value) return false;
        lock.lock();
        try {
            if (point <= value) return false;
            if (waiter.waitsFor != null) throw new IllegalStateException("the waiter waits already");
            waiter.point = point;
            waiter.waitsFor = this;
            waiter.next = waiters;
            if (waiters != null) waiters.previous = waiter;
            waiters = waiter;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Takes a waiter back; false if it has been told, or will be at once. */
    public boolean forget(Waiter waiter) {
        lock.lock();
        try {
            if (waiter.waitsFor != this) return false;
            unlink(waiter);
            waiter.next = null;
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void unlink(Waiter w) {
        Waiter next = w.next;
        Waiter previous = w.previous;
        if (previous == null) waiters = next;
        else previous.next = next;
        if (next != null) next.previous = previous;
        w.previous = null;
        w.waitsFor = null;
    }

    /**
     * Waits until a point is reached.
     *
     * @throws RuntimeException what it was reached with, if that was a failure: the same object for everybody
     */
    public void await(long point) throws InterruptedException {
        await(point, Long.MAX_VALUE, 0);
    }

    /** As {@link #await(long)}; false if the point is not reached in time. A time of zero or less only asks. */
    public boolean await(long point, Duration limit) throws InterruptedException {
        return await(point, System.nanoTime(), nanoseconds(limit));
    }

    private boolean await(long point, long start, long limit) throws InterruptedException {
        if (point > value) {
            Signal signal = new Signal(1);
            Signal.Leg leg = signal.leg(0);
            if (tell(leg, point)) {
                try {
                    if (!signal.await(start, limit) && forget(leg)) return false;
                } catch (InterruptedException e) {
                    forget(leg);
                    throw e;
                }
            }
        }
        RuntimeException failure = failure(point);
        if (failure != null) throw failure;
        return true;
    }

    private static long nanoseconds(Duration d) {
        try {
            return d.toNanos();
        } catch (ArithmeticException e) {
            return Long.MAX_VALUE;
        }
    }

    /**
     * Waits until all of these are reached; false if not in time. Throws the failure of the first of them that has one, as soon as all are
     * reached.
     */
    public static boolean awaitAll(List<Point> points, Duration limit) throws InterruptedException {
        long start = System.nanoTime();
        long nanoseconds = nanoseconds(limit);
        RuntimeException first = null;
        for (Point p : points) {
            try {
                if (!p.timeline().await(p.value(), start, nanoseconds)) return false;
            } catch (RuntimeException e) {
                if (first == null) first = e;
            }
        }
        if (first != null) throw first;
        return true;
    }

    /**
     * Waits until one of these is reached, well or not.
     *
     * @return its place in the list, the lowest if there are several; -1 if none is reached in time
     */
    public static int awaitAny(List<Point> points, Duration limit) throws InterruptedException {
        if (points.isEmpty()) throw new IllegalArgumentException("nothing to wait for");
        long start = System.nanoTime();
        Signal signal = new Signal(points.size());
        int told = 0;
        try {
            while (told < points.size()) {
                Point p = points.get(told);
                if (!p.timeline().tell(signal.leg(told), p.value())) break;
                told++;
            }
            if (told == points.size()) signal.await(start, nanoseconds(limit));
        } finally {
            for (int i = 0; i < told; i++) points.get(i).timeline().forget(signal.leg(i));
        }
        for (int i = 0; i < points.size(); i++)
            if (points.get(i).timeline().value() >= points.get(i).value()) return i;
        return -1;
    }

    /** The point as a stage, which completes when it is reached, exceptionally with a failure. */
    public CompletionStage<Void> stage(long point) {
        CompletableFuture<Void> future = new CompletableFuture<>();
        Waiter waiter = new Waiter() {
            @Override
            protected void reached(@Nullable RuntimeException failure) {
                complete(future, failure);
            }
        };
        if (!tell(waiter, point)) complete(future, failure(point));
        return future;
    }

    private static void complete(CompletableFuture<Void> future, @Nullable RuntimeException failure) {
        if (failure == null) future.complete(null);
        else future.completeExceptionally(failure);
    }

    @Override
    public String toString() {
        return "timeline " + name + " at " + value;
    }

    /** A thread that waits for one of several points. */
    private static final class Signal {
        private final Thread thread = Thread.currentThread();
        private final Leg[] legs;
        private volatile boolean reached;

        Signal(int points) {
            legs = new Leg[points];
            for (int i = 0; i < points; i++) legs[i] = new Leg();
        }

        Leg leg(int i) {
            return legs[i];
        }

        /** False if time is up. */
        boolean await(long start, long limit) throws InterruptedException {
            while (!reached) {
                if (Thread.interrupted()) throw new InterruptedException();
                if (limit == Long.MAX_VALUE || start == Long.MAX_VALUE) {
                    LockSupport.park(this);
                } else {
                    long left = limit - (System.nanoTime() - start);
                    if (left <= 0) return false;
                    LockSupport.parkNanos(this, left);
                }
            }
            return true;
        }

        private final class Leg extends Waiter {
            @Override
            protected void reached(@Nullable RuntimeException failure) {
                reached = true;
                LockSupport.unpark(thread);
            }
        }
    }
}
