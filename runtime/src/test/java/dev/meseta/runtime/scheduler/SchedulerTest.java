package dev.meseta.runtime.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.Buffer;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.DeviceException.Kind;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Stop;
import dev.meseta.driver.Timeline;
import dev.meseta.drivers.mock.Behaviour;
import dev.meseta.drivers.mock.MockDevice;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of jobs, on a device that does what it is told. */
@Timeout(60)
class SchedulerTest {
    private static final Behaviour HANG = new Behaviour.Hang();
    private static final Behaviour SLOW = new Behaviour.Slow(Duration.ofMillis(300));

    private static Kind failure(Submission s) throws InterruptedException {
        return assertThrows(DeviceException.class, () -> s.await(Fixture.LONG)).kind();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aJobRunsAndCanBeUsedAgain(boolean synchronous) throws Exception {
        MockDevice device = Fixture.mock(2, synchronous, Stop.STOPPED);
        try (Scheduler scheduler = new Scheduler(device);
                Client client = scheduler.client("a")) {
            Submission s = Fixture.job(client, Fixture.doubling(device));
            for (int i = 1; i <= 100; i++) {
                Fixture.put(s, i);
                if (i % 2 == 0) s.run();
                else assertEquals(i, s.submit());
                assertTrue(s.await(Fixture.LONG));
                assertEquals(2 * i, Fixture.result(s));
                assertNull(s.error());
            }
            assertEquals(100, s.completion().value());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aFailureIsToldToWhoeverWaits(boolean synchronous) throws Exception {
        MockDevice device = Fixture.mock(1, synchronous, Stop.STOPPED);
        try (Scheduler scheduler = new Scheduler(device);
                Client client = scheduler.client("a")) {
            Executable e = Fixture.doubling(device);
            Timeline timeline = new Timeline("points");
            Submission first = Fixture.job(client, e);
            device.next(new Behaviour.Fail("on purpose"), new Behaviour.Refuse("refused"));
            first.signal(timeline, 5).submit();
            assertEquals(Kind.FAILED, failure(first));
            assertEquals("on purpose", timeline.failure(5).getMessage());
            assertEquals(
                    "refused", assertThrows(DeviceException.class, first::run).getMessage());
            first.run();
            assertNull(first.error());
        }
    }

    @Test
    void aJobWaitsForPointsAndForNobodyElse() throws Exception {
        MockDevice device = Fixture.mock(2, false, Stop.STOPPED);
        try (Scheduler scheduler = new Scheduler(device);
                Client waiting = scheduler.client("waiting");
                Client other = scheduler.client("other")) {
            Executable e = Fixture.doubling(device);
            Timeline a = new Timeline("a");
            Timeline b = new Timeline("b");
            Submission s = Fixture.job(waiting, e);
            Submission behind = Fixture.job(waiting, e);
            Submission free = Fixture.job(other, e);
            s.waitFor(a, 1).waitFor(b, 2).submit();
            behind.submit();
            free.run();
            a.signal(1);
            b.signal(1);
            assertFalse(behind.await(Duration.ofMillis(20)), "jobs of a client begin in their order");
            assertFalse(s.await(Duration.ZERO));
            b.signal(2);
            assertTrue(s.await(Fixture.LONG));
            assertTrue(behind.await(Fixture.LONG));
        }
    }

    @Test
    void aFailedDependencyGoesThroughALongChain() throws Exception {
        MockDevice device = Fixture.mock(1, false, Stop.STOPPED);
        try (Scheduler scheduler = new Scheduler(device)) {
            Executable e = Fixture.doubling(device);
            Timeline timeline = new Timeline("chain");
            List<Submission> chain = new ArrayList<>();
            for (int i = 1; i <= 20_000; i++) {
                // Each of another client: nothing but the points holds them together.
                Submission s = scheduler.client("c" + i).prepare(e);
                if (i == 1) {
                    for (int r = 0; r < 2; r++) s.bind(r, Buffer.allocate(device, 4, false));
                } else {
                    s.bind(0, chain.getFirst().buffer(0))
                            .bind(1, chain.getFirst().buffer(1));
                }
                s.waitFor(timeline, i).signal(timeline, i + 1).submit();
                chain.add(s);
            }
            timeline.fail(1, new IllegalStateException("the first"));
            for (Submission s : chain) assertEquals(Kind.DEPENDENCY, failure(s));
            assertTrue(chain.getLast().error().getMessage().contains("what it waited for failed"));
        }
    }

    @Test
    void aHangingJobIsGivenUpAndItsClientBannedInTheEnd() throws Exception {
        MockDevice device = Fixture.mock(1, false, Stop.STOPPED);
        try (Scheduler scheduler = new Scheduler(device);
                Client bad = scheduler.client("bad");
                Client good = scheduler.client("good")) {
            Executable e = Fixture.doubling(device);
            Submission s = Fixture.job(bad, e);
            Submission queued = Fixture.job(bad, e);
            Submission other = Fixture.job(good, e);
            for (int i = 1; i <= Scheduler.HANGS; i++) {
                device.next(HANG);
                s.submit();
                other.submit();
                if (i == Scheduler.HANGS) queued.submit();
                assertEquals(Kind.HANG, failure(s));
                assertEquals(i, bad.hangs());
                assertTrue(other.await(Fixture.LONG));
            }
            assertEquals(Kind.BANNED, failure(queued));
            DeviceException refused = assertThrows(DeviceException.class, s::submit);
            assertEquals(Kind.BANNED, refused.kind());
            assertTrue(refused.getMessage().contains("'bad' has hung mock 3 times"), refused.getMessage());
            other.run();
        }
    }

    @Test
    void progressKeepsASlowJobAlive() throws Exception {
        MockDevice device = Fixture.mock(1, false, Stop.STOPPED);
        try (Scheduler scheduler = new Scheduler(device);
                Client client = scheduler.client("slow")) {
            Submission s = Fixture.job(client, Fixture.doubling(device));
            Fixture.put(s, 3);
            device.next(SLOW);
            s.run();
            assertEquals(6, Fixture.result(s));
            assertEquals(0, client.hangs());
        }
    }

    @Test
    void afterAResetWhatHadNotBegunRunsAgain() throws Exception {
        MockDevice device = Fixture.mock(3, false, Stop.RESET);
        try (Scheduler scheduler = new Scheduler(device);
                Client bad = scheduler.client("bad");
                Client good = scheduler.client("good")) {
            Executable e = Fixture.doubling(device);
            Submission hangs = Fixture.job(bad, e);
            Submission begun = Fixture.job(good, e);
            Submission idle = Fixture.job(good, e);
            Submission queued = Fixture.job(good, e);
            Fixture.put(idle, 21);
            device.next(HANG);
            hangs.submit();
            device.next(new Behaviour.Slow(Duration.ofSeconds(5)));
            begun.submit();
            device.next(new Behaviour.Dawdle());
            idle.submit();
            queued.submit();
            assertEquals(Kind.HANG, failure(hangs));
            assertEquals(Kind.RESET, failure(begun));
            assertTrue(idle.await(Fixture.LONG));
            assertEquals(42, Fixture.result(idle));
            assertTrue(queued.await(Fixture.LONG));
            begun.run();
            assertEquals(0, good.hangs());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aLostDeviceEndsEverything(boolean synchronous) throws Exception {
        MockDevice device = Fixture.mock(1, synchronous, Stop.STOPPED);
        try (Scheduler scheduler = new Scheduler(device);
                Client client = scheduler.client("a")) {
            Executable e = Fixture.doubling(device);
            Timeline never = new Timeline("never");
            Submission running = Fixture.job(client, e);
            Submission waiting = Fixture.job(scheduler.client("b"), e);
            Submission queued = Fixture.job(client, e);
            waiting.waitFor(never, 1).submit();
            device.next(new Behaviour.Slow(Duration.ofSeconds(20)));
            running.submit();
            queued.submit();
            Thread.sleep(20);
            device.vanish();
            for (Submission s : List.of(running, waiting, queued)) assertEquals(Kind.LOST, failure(s));
            assertEquals(
                    Kind.LOST,
                    assertThrows(DeviceException.class, queued::submit).kind());
            never.signal(1);
        }
    }

    @Test
    void aDeviceThatCannotBeStoppedIsGone() throws Exception {
        MockDevice device = Fixture.mock(1, false, Stop.GONE);
        try (Scheduler scheduler = new Scheduler(device)) {
            Executable e = Fixture.doubling(device);
            Submission hangs = Fixture.job(scheduler.client("a"), e);
            Submission other = Fixture.job(scheduler.client("b"), e);
            device.next(HANG);
            hangs.submit();
            other.submit();
            assertEquals(Kind.HANG, failure(hangs));
            assertEquals(Kind.LOST, failure(other));
        }
    }

    @Test
    void aThreadCaughtInADriverIsReplacedAndItsBuffersHeld() throws Exception {
        MockDevice device = Fixture.mock(1, true, Stop.STOPPED);
        try (Scheduler scheduler = new Scheduler(device);
                Client client = scheduler.client("a")) {
            Executable e = Fixture.doubling(device);
            for (int i = 0; i < 2; i++) {
                Submission hangs = Fixture.job(client, e);
                device.next(HANG);
                if (i == 0) hangs.submit();
                else
                    assertEquals(
                            Kind.HANG,
                            assertThrows(DeviceException.class, hangs::run).kind());
                if (i == 0) assertEquals(Kind.HANG, failure(hangs));
                Fixture.job(scheduler.client("b"), e).run();
                Submission after = Fixture.job(scheduler.client("c"), e);
                after.submit();
                assertTrue(after.await(Fixture.LONG));
            }
        }
    }

    @Test
    void whatIsCancelledEndsOnce() throws Exception {
        MockDevice device = Fixture.mock(1, false, Stop.STOPPED);
        try (Scheduler scheduler = new Scheduler(device);
                Client client = scheduler.client("a")) {
            Executable e = Fixture.doubling(device);
            Timeline never = new Timeline("never");
            Submission waiting = Fixture.job(client, e);
            Submission behind = Fixture.job(client, e);
            waiting.waitFor(never, 1).submit();
            behind.submit();
            waiting.cancel();
            assertEquals(Kind.CANCELLED, failure(waiting));
            assertTrue(behind.await(Fixture.LONG));
            waiting.cancel();
            waiting.run();
            client.close();
            assertEquals(
                    Kind.CANCELLED,
                    assertThrows(DeviceException.class, waiting::run).kind());
        }
    }

    @Test
    void prioritiesAndCreditsAreKept() throws Exception {
        MockDevice device = Fixture.mock(2, false, Stop.STOPPED);
        try (Scheduler scheduler = new Scheduler(device)) {
            Executable e = Fixture.doubling(device);
            List<String> order = new ArrayList<>();
            Submission blocker = Fixture.job(scheduler.client("blocker"), e).credits(2);
            device.next(new Behaviour.Slow(Duration.ofMillis(100)));
            blocker.submit();
            List<Submission> jobs = new ArrayList<>();
            for (Priority p : List.of(Priority.LOW, Priority.NORMAL, Priority.HIGH)) {
                Submission s = Fixture.job(scheduler.client(p.name(), p, 1), e).credits(2);
                s.completion().stage(1).thenRun(() -> {
                    synchronized (order) {
                        order.add(p.name());
                    }
                });
                s.submit();
                jobs.add(s);
            }
            for (Submission s : jobs) assertTrue(s.await(Fixture.LONG));
            TimeUnit.MILLISECONDS.sleep(20);
            synchronized (order) {
                assertEquals(List.of("HIGH", "NORMAL", "LOW"), order);
            }
            assertThrows(IllegalArgumentException.class, () -> blocker.credits(3));
        }
    }

    @Test
    void virtualThreadsWaitWithoutTheirCarriers() throws Exception {
        MockDevice device = Fixture.mock(1, true, Stop.STOPPED);
        try (Scheduler scheduler = new Scheduler(device);
                Client client = scheduler.client("a")) {
            Executable e = Fixture.doubling(device);
            List<Thread> threads = new ArrayList<>();
            List<Submission> jobs = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                Submission s = Fixture.job(client, e);
                jobs.add(s);
                threads.add(Thread.startVirtualThread(s::run));
            }
            for (Thread t : threads) t.join();
            for (Submission s : jobs) assertEquals(1, s.completion().value());
        }
    }
}
