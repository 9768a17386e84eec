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
import java.util.Map;
import java.util.PriorityQueue;
import java.util.function.ToLongFunction;

/** A device with a clock of its own, which jumps from one end of a job to the next: thousands of clients for hours, in moments, on one thread. */
final class SimulatedDevice implements GraphDevice {
    static final Duration TIMEOUT = Duration.ofSeconds(1);
    static final long NEVER = Long.MAX_VALUE;

    private final int credits;
    private final ToLongFunction<Job> time;
    private final PriorityQueue<End> ends = new PriorityQueue<>();
    private long order;
    long now;

    private record End(long at, long order, Job job) implements Comparable<End> {
        @Override
        public int compareTo(End other) {
            return at != other.at ? Long.compare(at, other.at) : Long.compare(order, other.order);
        }
    }

    /** @param time how long a job takes, in nanoseconds; {@link #NEVER} for one that hangs */
    SimulatedDevice(int credits, ToLongFunction<Job> time) {
        this.credits = credits;
        this.time = time;
    }

    /** Goes to the next thing that happens: a job ends, or the scheduler looks after the jobs, which it does every quarter of a time-out. */
    void step(Scheduler scheduler, long nextLook) {
        End e = ends.peek();
        if (e == null || e.at() > nextLook) {
            now = nextLook;
            scheduler.tick();
            return;
        }
        ends.poll();
        now = e.at();
        e.job().done();
    }

    @Override
    public Limits limits() {
        return new Limits(credits, false, true, 1, TIMEOUT, Duration.ofHours(1));
    }

    @Override
    public void run(Job job) {
        job.started();
        long t = time.applyAsLong(job);
        if (t != NEVER) ends.add(new End(now + t, order++, job));
    }

    @Override
    public Stop stop(Job job) {
        ends.removeIf(e -> e.job() == job);
        return Stop.STOPPED;
    }

    @Override
    public String name() {
        return "simulated";
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
