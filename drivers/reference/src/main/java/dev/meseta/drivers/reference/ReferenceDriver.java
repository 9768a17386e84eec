package dev.meseta.drivers.reference;

import dev.meseta.driver.Access;
import dev.meseta.driver.Allocation;
import dev.meseta.driver.Contract;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Feature;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.Handshake;
import dev.meseta.driver.HostAllocations;
import dev.meseta.driver.Job;
import dev.meseta.driver.Limits;
import dev.meseta.driver.Region;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.interpreter.Interpreter;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The driver of the device {@code reference}, which interprets the op set: slow, clear, and the oracle of all other devices. */
public final class ReferenceDriver implements Driver {
    private static final List<Device> DEVICES = List.of(new ReferenceDevice());

    @Override
    public String name() {
        return "reference";
    }

    @Override
    public Handshake handshake() {
        return new Handshake(
                Contract.MAJOR,
                Contract.MINOR,
                Contract.LAYOUTS,
                Set.of(),
                Set.of(Feature.RESULTS, Feature.SHARING),
                0);
    }

    @Override
    public List<Device> devices() {
        return DEVICES;
    }

    @Override
    public String unavailable() {
        return "";
    }

    private static final class ReferenceDevice implements GraphDevice {
        @Override
        public String name() {
            return "reference";
        }

        @Override
        public String description() {
            return "the interpreter of the op set";
        }

        @Override
        public Map<String, String> properties() {
            return Map.of();
        }

        @Override
        public Limits limits() {
            return new Limits(1, true, true, 64, Duration.ofHours(1), Duration.ofDays(1));
        }

        @Override
        public Allocation allocate(long bytes, boolean shareable) {
            return HostAllocations.allocate(bytes, shareable);
        }

        @Override
        public Allocation importMemory(int descriptor, long bytes, Access access) {
            return HostAllocations.importMemory(descriptor, bytes, access);
        }

        @Override
        public void run(Job job) {
            ((InterpretedGraph) job.executable()).run(job);
        }

        @Override
        public String refuses(Node node) {
            return "";
        }

        @Override
        public Executable compile(Graph graph) {
            return new InterpretedGraph(graph, Region.of(graph), graph.outputTypes());
        }
    }

    private record InterpretedGraph(Graph graph, List<Region> regions, List<TensorType> outputs) implements Executable {
        void run(Job job) {
            job.started();
            List<TensorType> types = graph.inputTypes();
            List<Tensor> inputs = new ArrayList<>();
            for (int i = 0; i < types.size(); i++)
                inputs.add(Tensor.wrap(
                        types.get(i), job.memory(i).asSlice(0, types.get(i).bytes())));
            List<Tensor> results = Interpreter.run(graph, inputs);
            for (int i = 0; i < results.size(); i++) {
                MemorySegment from = results.get(i).data();
                MemorySegment.copy(from, 0, job.memory(inputs.size() + i), 0, from.byteSize());
            }
        }

        @Override
        public String describe() {
            return graph.nodes().size() + " nodes, interpreted";
        }
    }
}
