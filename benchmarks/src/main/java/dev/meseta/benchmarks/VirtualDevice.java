package dev.meseta.benchmarks;

import dev.meseta.driver.Allocation;
import dev.meseta.driver.DeviceException;
import dev.meseta.driver.Executable;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.HostAllocations;
import dev.meseta.driver.Job;
import dev.meseta.driver.Limits;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Map;

/** A device with a clock of its own, whose jobs end when it is told, each after a millisecond of that clock. Used by one thread. */
final class VirtualDevice implements GraphDevice {
    private static final long MILLISECOND = 1_000_000;

    private final Limits limits;
    private final ArrayDeque<Job> jobs = new ArrayDeque<>();
    long now;

    VirtualDevice(int credits) {
        limits = new Limits(credits, false, true, 64, Duration.ofHours(1), Duration.ofHours(1));
    }

    /** The job that it has longest ends. */
    void endFirst() {
        now += MILLISECOND;
        jobs.remove().done();
    }

    @Override
    public Limits limits() {
        return limits;
    }

    @Override
    public void run(Job job) {
        jobs.add(job);
    }

    @Override
    public Allocation allocate(long bytes, boolean shareable) {
        return HostAllocations.allocate(bytes, shareable);
    }

    @Override
    public String name() {
        return "virtual";
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
