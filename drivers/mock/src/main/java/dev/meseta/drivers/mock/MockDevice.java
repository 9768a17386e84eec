package dev.meseta.drivers.mock;

import dev.meseta.driver.Access;
import dev.meseta.driver.Allocation;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.Job;
import dev.meseta.driver.Limits;
import dev.meseta.driver.Region;
import dev.meseta.driver.Stop;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import java.time.Duration;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * A device that runs jobs beside their caller, in memory of its own, and does what it is told. Thread-safe. One that has vanished stays
 * away.
 */
public final class MockDevice implements GraphDevice {
    private static final Limits LIMITS = new Limits(4, false, false, 64, Duration.ofSeconds(2), Duration.ofMinutes(10));

    private final Limits limits;
    private final Stop stop;
    private final MockMemory memory = new MockMemory();
    private final ConcurrentLinkedQueue<Behaviour> next = new ConcurrentLinkedQueue<>();
    private final Map<Job, MockRun> running = new IdentityHashMap<>();
    private boolean gone;

    /** One of four credits that can stop a job alone. */
    public MockDevice() {
        this(LIMITS, Stop.STOPPED);
    }

    /**
     * @param limits synchronous or not; it has memory of its own all the same
     * @param stop what it answers when it is told to stop a job
     */
    public MockDevice(Limits limits, Stop stop) {
        this.limits = limits;
        this.stop = stop;
    }

    /** What becomes of the next jobs, one after the other; those after them run well. */
    public void next(Behaviour... behaviours) {
        next.addAll(List.of(behaviours));
    }

    /** The device is gone, with all jobs that it has. */
    public void vanish() {
        synchronized (running) {
            gone = true;
            List<MockRun> lost = new ArrayList<>(running.values());
            running.clear();
            for (MockRun r : lost) r.lose(DeviceException.lost(name()));
        }
    }

    /** Bytes of its memory that are in use. */
    public long bytesInUse() {
        return memory.bytesInUse();
    }

    @Override
    public String name() {
        return "mock";
    }

    @Override
    public String description() {
        return "the interpreter of the op set, behind a device with memory of its own";
    }

    @Override
    public Map<String, String> properties() {
        return Map.of();
    }

    @Override
    public Limits limits() {
        return limits;
    }

    @Override
    public Allocation allocate(long bytes, boolean shareable) {
        if (shareable)
            throw DeviceException.unsupported("the memory of " + name() + " cannot be shared with another process");
        return memory.allocate(bytes);
    }

    @Override
    public void beginAccess(Allocation allocation, long offset, long bytes, Access access) {
        memory.toHost(allocation, offset, bytes);
    }

    @Override
    public void endAccess(Allocation allocation, long offset, long bytes, Access access) {
        if (access.writes()) memory.fromHost(allocation, offset, bytes);
    }

    @Override
    public String refuses(Node node) {
        return "";
    }

    @Override
    public Executable compile(Graph graph) {
        return new MockExecutable(graph, Region.of(graph), graph.outputTypes());
    }

    @Override
    public void run(Job job) {
        Behaviour behaviour = next.poll();
        if (behaviour == null) behaviour = new Behaviour.Well();
        if (behaviour instanceof Behaviour.Refuse r)
            throw new DeviceException(DeviceException.Kind.FAILED, r.message());
        MockRun run = new MockRun(this, memory, job, behaviour);
        synchronized (running) {
            if (gone) throw DeviceException.lost(name());
            running.put(job, run);
        }
        if (!limits.synchronous()) {
            Thread.startVirtualThread(run::besides);
            return;
        }
        RuntimeException failure = run.here();
        if (failure != null) throw failure;
    }

    /**
     * Takes a job off and says that it has ended; false if the device has given it up. What it says comes before {@link #stop} returns, or
     * not at all: hence the lock.
     */
    boolean ends(Job job, MockRun run, Runnable saying) {
        synchronized (running) {
            if (!running.remove(job, run)) return false;
            saying.run();
            return true;
        }
    }

    @Override
    public long progress(Job job) {
        MockRun r = find(job);
        return r == null ? 0 : r.progress();
    }

    private @Nullable MockRun find(Job job) {
        synchronized (running) {
            return running.get(job);
        }
    }

    @Override
    public Stop stop(Job job) {
        List<MockRun> stopped = new ArrayList<>();
        synchronized (running) {
            MockRun r = running.remove(job);
            if (r != null) stopped.add(r);
            if (stop == Stop.RESET && !limits.synchronous()) {
                stopped.addAll(running.values());
                running.clear();
            }
            if (stop == Stop.GONE) gone = true;
        }
        for (MockRun r : stopped) r.stop();
        return stop;
    }
}
