package dev.meseta.runtime.scheduler;

import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.Job;
import dev.meseta.driver.Limits;
import dev.meseta.driver.Stop;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Random;

/** A device of sixteen credits with two threads, which fails and hangs at random, and can only be stopped by a reset. */
final class FaultyDevice implements GraphDevice, AutoCloseable {
    private final Random random;
    private final ArrayDeque<Job> queue = new ArrayDeque<>();
    /** Jobs that it has. */
    private final Map<Job, Boolean> has = new IdentityHashMap<>();

    private final Thread[] threads = new Thread[2];
    private int resets;
    private int hangs;
    private boolean closed;

    FaultyDevice(long seed) {
        random = new Random(seed);
        for (int i = 0; i < threads.length; i++)
            threads[i] = Thread.ofPlatform().daemon().name("faulty-" + i).start(this::work);
    }

    @Override
    public Limits limits() {
        return new Limits(16, false, true, 1, Duration.ofMillis(8), Duration.ofSeconds(1));
    }

    @Override
    public void run(Job job) {
        synchronized (this) {
            if (has.put(job, true) != null) throw new AssertionError("the device has this job already");
            int fate = random.nextInt(20_000);
            if (fate >= 10_000) {
                queue.add(job);
                notifyAll();
                return;
            }
            if (fate == 0) {
                begin(job);
                hangs++;
                return;
            }
            begin(job);
            has.remove(job);
            // On the thread that brought it, in one way or another.
            if (fate < 200) throw new DeviceException(DeviceException.Kind.FAILED, "at once");
            if (fate < 400) job.failed(new DeviceException(DeviceException.Kind.FAILED, "soon"));
            else job.done();
        }
    }

    private static void begin(Job job) {
        ((Untouched) job.executable()).begun().incrementAndGet();
        job.started();
    }

    private void work() {
        while (true) {
            synchronized (this) {
                while (queue.isEmpty()) {
                    if (closed) return;
                    try {
                        wait();
                    } catch (InterruptedException e) {
                        return;
                    }
                }
                Job job = queue.poll();
                begin(job);
                has.remove(job);
                // With the lock, so that nothing comes after stop has returned.
                job.done();
            }
        }
    }

    @Override
    public synchronized Stop stop(Job job) {
        if (has.remove(job) == null) return Stop.STOPPED;
        resets++;
        queue.clear();
        has.clear();
        return Stop.RESET;
    }

    synchronized int hangs() {
        return hangs;
    }

    synchronized int resets() {
        return resets;
    }

    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
    }

    @Override
    public String name() {
        return "faulty";
    }

    @Override
    public String description() {
        return "";
    }

    @Override
    public Map<String, String> properties() {
        return Map.of();
    }

    @Override
    public String refuses(Node node) {
        return "";
    }

    @Override
    public Executable compile(Graph graph) {
        throw DeviceException.unsupported("nothing is compiled for it");
    }
}
