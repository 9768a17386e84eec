package dev.meseta.drivers.nothing;

import dev.meseta.driver.Access;
import dev.meseta.driver.Allocation;
import dev.meseta.driver.Executable;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.HostAllocations;
import dev.meseta.driver.Job;
import dev.meseta.driver.Region;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import dev.meseta.graph.TensorType;
import java.util.List;
import java.util.Map;

/** Takes every graph and every job, and leaves the outputs as they are. */
final class NullDevice implements GraphDevice {
    @Override
    public String name() {
        return "null";
    }

    @Override
    public String description() {
        return "does nothing";
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
        return new Nothing(Region.of(graph), graph.outputTypes());
    }

    @Override
    public Allocation allocate(long bytes, boolean shareable) {
        return HostAllocations.allocate(bytes, shareable);
    }

    @Override
    public Allocation importMemory(int descriptor, long bytes, Access access) {
        return HostAllocations.importMemory(descriptor, bytes, access);
    }

    /** A synchronous device: when this returns, the job has ended. */
    @Override
    public void run(Job job) {
        job.started();
    }

    private record Nothing(List<Region> regions, List<TensorType> outputs) implements Executable {
        @Override
        public String describe() {
            return "nothing";
        }
    }
}
