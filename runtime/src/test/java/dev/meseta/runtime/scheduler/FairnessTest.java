package dev.meseta.runtime.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.Timeline;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many clients share a simulated device: who gets how much of it, and who waits how long. */
@Timeout(120)
class FairnessTest {
    private static final long MILLISECOND = 1_000_000;

    /** A client that always has a job queued, and its account. */
    private static final class Hungry extends Timeline.Waiter {
        final Submission[] jobs = new Submission[2];
        final int weight;
        long used;
        long longestWait;
        long submittedAt;
        int next;
        boolean over;

        Hungry(Client client) {
            this.weight = client.weight;
            for (int i = 0; i < jobs.length; i++) jobs[i] = client.prepare(new Untouched());
        }

        void begin(SimulatedDevice device) {
            submittedAt = device.now;
            for (Submission s : jobs) s.submit();
            follow(device);
        }

        private SimulatedDevice device;

        private void follow(SimulatedDevice d) {
            device = d;
            Submission s = jobs[next];
            if (!s.completion().tell(this, s.completion().value() + 1)) throw new IllegalStateException();
        }

        @Override
        protected void reached(@Nullable RuntimeException failure) {
            Submission s = jobs[next];
            used += s.endedAt - s.startedAt;
            longestWait = Math.max(longestWait, s.startedAt - s.queuedAt);
            next = 1 - next;
            follow(device);
            if (failure == null || Fixture.kind(failure) == dev.meseta.driver.DeviceException.Kind.HANG) again(s);
        }

        private void again(Submission s) {
            try {
                s.submit();
            } catch (RuntimeException e) {
                over = true;
            }
        }
    }

    private static double jain(List<Hungry> clients) {
        double sum = 0;
        double squares = 0;
        for (Hungry c : clients) {
            double x = (double) c.used / c.weight;
            sum += x;
            squares += x * x;
        }
        return sum * sum / (clients.size() * squares);
    }

    private static void simulate(SimulatedDevice device, Scheduler scheduler, long until) {
        long look = SimulatedDevice.TIMEOUT.toNanos() / 4;
        while (device.now < until) {
            if (device.now >= look) look = device.now + SimulatedDevice.TIMEOUT.toNanos() / 4;
            device.step(scheduler, look);
        }
    }

    private static double fairness(int clients, int credits, boolean weighted, long seed) {
        Random random = new Random(seed);
        Map<Object, Long> means = new IdentityHashMap<>();
        SimulatedDevice device =
                new SimulatedDevice(credits, job -> (long) (means.get(job) * (0.2 + 1.6 * random.nextDouble())));
        Scheduler scheduler = new Scheduler(device, () -> device.now, Scheduler.HANGS, false);
        List<Hungry> all = new ArrayList<>();
        for (int i = 0; i < clients; i++) {
            int weight = weighted ? 1 + random.nextInt(8) : 1;
            Hungry h = new Hungry(scheduler.client("c" + i, Priority.NORMAL, weight));
            long mean = (1 + random.nextInt(20)) * MILLISECOND;
            for (Submission s : h.jobs) means.put(s, mean);
            all.add(h);
        }
        for (Hungry h : all) h.begin(device);
        simulate(device, scheduler, clients * 2_000L * MILLISECOND / credits);
        return jain(all);
    }

    @Test
    void aThousandClientsOfOneWeightGetTheSame() {
        for (long seed = 1; seed <= 3; seed++) {
            double jain = fairness(1000, (int) seed, false, seed);
            assertTrue(jain >= 0.99, "Jain's index " + jain + " with seed " + seed);
        }
    }

    @Test
    void aThousandClientsGetTheirWeight() {
        for (long seed = 1; seed <= 3; seed++) {
            double jain = fairness(1000, 1, true, seed);
            assertTrue(jain >= 0.99, "Jain's index " + jain + " with seed " + seed);
        }
    }

    @Test
    void whoComesLateGetsNoMoreThanTheOthers() {
        SimulatedDevice device = new SimulatedDevice(1, _ -> MILLISECOND);
        Scheduler scheduler = new Scheduler(device, () -> device.now, Scheduler.HANGS, false);
        Hungry early = new Hungry(scheduler.client("early"));
        early.begin(device);
        simulate(device, scheduler, 1000 * MILLISECOND);
        Hungry late = new Hungry(scheduler.client("late"));
        long before = early.used;
        late.begin(device);
        simulate(device, scheduler, 2000 * MILLISECOND);
        assertEquals(late.used, early.used - before, 3.0 * MILLISECOND);
    }

    @Test
    void aHangingClientDelaysNobodyByMoreThanTheTimeout() {
        Map<Object, Long> times = new IdentityHashMap<>();
        SimulatedDevice device = new SimulatedDevice(1, times::get);
        Scheduler scheduler = new Scheduler(device, () -> device.now, 5, false);
        Hungry bad = new Hungry(scheduler.client("bad"));
        for (Submission s : bad.jobs) times.put(s, SimulatedDevice.NEVER);
        List<Hungry> good = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Hungry h = new Hungry(scheduler.client("good" + i));
            for (Submission s : h.jobs) times.put(s, MILLISECOND);
            good.add(h);
        }
        bad.begin(device);
        for (Hungry h : good) h.begin(device);
        simulate(device, scheduler, 200_000 * MILLISECOND);
        assertTrue(bad.over, "the client that hangs is banned");
        long most = SimulatedDevice.TIMEOUT.toNanos() * 5 / 4 + 50 * MILLISECOND;
        for (Hungry h : good) assertTrue(h.longestWait <= most, "waited " + h.longestWait + " ns");
    }
}
