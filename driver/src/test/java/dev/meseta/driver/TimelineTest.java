package dev.meseta.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.Timeline.Point;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TimelineTest {
    private static final Duration NONE = Duration.ZERO;
    private static final Duration SHORT = Duration.ofMillis(20);
    private static final Duration LONG = Duration.ofSeconds(30);

    private final Timeline timeline = new Timeline("test");

    private static final class Told extends Timeline.Waiter {
        int times;
        RuntimeException failure;

        @Override
        protected void reached(RuntimeException with) {
            times++;
            failure = with;
        }
    }

    @Test
    void risesAndNeverFalls() throws Exception {
        assertEquals(0, timeline.value());
        timeline.signal(5);
        timeline.signal(3);
        assertEquals(5, timeline.value());
        assertTrue(timeline.await(5, NONE));
        assertTrue(timeline.await(1, NONE));
        assertFalse(timeline.await(6, NONE));
        assertEquals(Timeline.State.REACHED, timeline.state(5));
        assertEquals(Timeline.State.PENDING, timeline.state(6));
    }

    @Test
    void waitsForAnotherThread() throws Exception {
        Thread.ofVirtual().start(() -> timeline.signal(2));
        timeline.await(1);
        timeline.await(2);
    }

    @Test
    void timeRunsOut() throws Exception {
        long start = System.nanoTime();
        assertFalse(timeline.await(1, SHORT));
        assertTrue(System.nanoTime() - start >= SHORT.toNanos());
        assertFalse(timeline.await(1, Duration.ofSeconds(-1)));
        // Nothing is left behind of those who gave up.
        timeline.signal(1);
    }

    @Test
    void aFailureIsToldToEverybody() {
        RuntimeException reason = new IllegalStateException("broken");
        Told told = new Told();
        assertTrue(timeline.tell(told, 2));
        timeline.signal(1);
        timeline.fail(3, reason);
        timeline.signal(4);
        assertEquals(1, told.times);
        assertSame(reason, told.failure);
        assertNull(timeline.failure(1));
        assertSame(reason, timeline.failure(2));
        assertSame(reason, timeline.failure(3));
        assertNull(timeline.failure(4));
        assertNull(timeline.failure(5));
        assertEquals(Timeline.State.FAILED, timeline.state(2));
        assertSame(reason, assertThrows(IllegalStateException.class, () -> timeline.await(3)));
        assertSame(reason, assertThrows(IllegalStateException.class, () -> timeline.await(2, NONE)));
    }

    @Test
    void oldFailuresAreForgotten() {
        for (int i = 1; i <= Timeline.MOST_FAILURES + 1; i++) timeline.fail(i, new IllegalStateException("#" + i));
        assertNull(timeline.failure(1));
        assertEquals("#2", timeline.failure(2).getMessage());
    }

    @Test
    void aWaiterCanBeTakenBackAndUsedAgain() {
        Told told = new Told();
        assertTrue(timeline.tell(told, 1));
        assertThrows(IllegalStateException.class, () -> timeline.tell(told, 2));
        assertTrue(timeline.forget(told));
        assertFalse(timeline.forget(told));
        timeline.signal(1);
        assertEquals(0, told.times);
        assertFalse(timeline.tell(told, 1), "it is reached already");
        assertTrue(timeline.tell(told, 2));
        timeline.signal(2);
        assertEquals(1, told.times);
        assertFalse(timeline.forget(told));
    }

    @Test
    void onlyThoseWhosePointIsReachedAreTold() {
        List<Told> all = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            Told t = new Told();
            all.add(t);
            timeline.tell(t, i + 1);
        }
        timeline.forget(all.get(2));
        timeline.signal(5);
        for (int i = 0; i < 10; i++) assertEquals(i < 5 && i != 2 ? 1 : 0, all.get(i).times);
        timeline.signal(100);
        for (int i = 0; i < 10; i++) assertEquals(i != 2 ? 1 : 0, all.get(i).times);
    }

    @Test
    void aWaiterMayWaitForTheNextPointWhenItIsTold() {
        AtomicInteger steps = new AtomicInteger();
        Timeline.Waiter again = new Timeline.Waiter() {
            @Override
            protected void reached(RuntimeException failure) {
                if (!timeline.tell(this, steps.incrementAndGet() + 1)) steps.addAndGet(100);
            }
        };
        timeline.tell(again, 1);
        for (int i = 1; i <= 5; i++) timeline.signal(i);
        assertEquals(5, steps.get());
    }

    @Test
    void severalAtOnce() throws Exception {
        Timeline other = new Timeline("other");
        List<Point> both = List.of(new Point(timeline, 1), new Point(other, 2));
        assertFalse(Timeline.awaitAll(both, SHORT));
        assertEquals(-1, Timeline.awaitAny(both, SHORT));
        other.signal(2);
        assertEquals(1, Timeline.awaitAny(both, NONE));
        assertFalse(Timeline.awaitAll(both, SHORT));
        Thread.ofVirtual().start(() -> timeline.signal(1));
        assertTrue(Timeline.awaitAll(both, LONG));
        assertEquals(0, Timeline.awaitAny(both, LONG));
        assertTrue(Timeline.awaitAll(List.of(), NONE));
        assertThrows(IllegalArgumentException.class, () -> Timeline.awaitAny(List.of(), NONE));
    }

    @Test
    void waitingForAllTellsTheFirstFailureWhenAllAreReached() {
        Timeline other = new Timeline("other");
        timeline.fail(1, new IllegalStateException("one"));
        other.fail(1, new IllegalStateException("two"));
        List<Point> both = List.of(new Point(timeline, 1), new Point(other, 1));
        assertEquals(
                "one",
                assertThrows(IllegalStateException.class, () -> Timeline.awaitAll(both, LONG))
                        .getMessage());
        assertEquals(0, assertDoesNotThrow(() -> Timeline.awaitAny(both, LONG)));
    }

    private interface Work<T> {
        T run() throws Exception;
    }

    private static <T> T assertDoesNotThrow(Work<T> work) {
        try {
            return work.run();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void anInterruptEndsAWait() throws Exception {
        CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
        Thread t = Thread.ofPlatform().start(() -> {
            try {
                timeline.await(1);
                interrupted.complete(false);
            } catch (InterruptedException e) {
                interrupted.complete(true);
            }
        });
        t.interrupt();
        assertTrue(interrupted.get(30, TimeUnit.SECONDS));
    }

    @Test
    void aPointIsAStage() {
        CompletableFuture<Void> well = timeline.stage(1).toCompletableFuture();
        CompletableFuture<Void> badly = timeline.stage(2).toCompletableFuture();
        assertFalse(well.isDone());
        timeline.signal(1);
        assertTrue(well.isDone());
        timeline.fail(2, new IllegalStateException("broken"));
        assertEquals(
                "broken",
                assertThrows(CompletionException.class, badly::join).getCause().getMessage());
        assertTrue(timeline.stage(1).toCompletableFuture().isDone());
        assertTrue(timeline.stage(2).toCompletableFuture().isCompletedExceptionally());
    }

    /** Far more threads than carriers wait; if one of them held its carrier, the signalling thread would never run. */
    @Test
    void virtualThreadsThatWaitFreeTheirCarriers() throws Exception {
        int many = 2_000;
        CountDownLatch woken = new CountDownLatch(many);
        for (int i = 0; i < many; i++) {
            long point = i % 100 + 1;
            Thread.ofVirtual().start(() -> {
                try {
                    timeline.await(point);
                    woken.countDown();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
        }
        Thread.ofVirtual().start(() -> {
            for (int p = 1; p <= 100; p++) timeline.signal(p);
        });
        assertTrue(woken.await(50, TimeUnit.SECONDS), () -> woken.getCount() + " still wait");
    }

    @Test
    void nobodyIsLostBetweenThreads() throws Exception {
        int rounds = 20_000;
        ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
        List<Thread> threads = new ArrayList<>();
        AtomicLongArray at = new AtomicLongArray(3);
        for (int k = 0; k < 3; k++) {
            int number = k;
            boolean patient = k != 0;
            threads.add(Thread.ofPlatform().start(() -> {
                for (long p = 1; p <= rounds; p++) {
                    try {
                        if (patient) timeline.await(p);
                        else while (!timeline.await(p, Duration.ofNanos(1_000))) Thread.onSpinWait();
                        if (p % 7 == 0) wrong.add("no failure at " + p);
                    } catch (IllegalStateException e) {
                        if (p % 7 != 0) wrong.add("a failure at " + p);
                    } catch (InterruptedException e) {
                        wrong.add(e.toString());
                    }
                    at.set(number, p);
                }
            }));
        }
        for (long p = 1; p <= rounds; p++) {
            if (p % 7 == 0) timeline.fail(p, new IllegalStateException("#" + p));
            else timeline.signal(p);
            // Who is too far behind has lost its failure: nobody gets there.
            for (int k = 0; k < 3; k++) while (p - at.get(k) > 3000) Thread.yield();
        }
        for (Thread t : threads) t.join();
        assertTrue(wrong.isEmpty(), () -> wrong.size() + " wrong, such as " + wrong.peek());
    }
}
