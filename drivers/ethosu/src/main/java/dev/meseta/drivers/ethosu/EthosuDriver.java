package dev.meseta.drivers.ethosu;

import dev.meseta.driver.Contract;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import dev.meseta.driver.Executable;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.Handshake;
import dev.meseta.driver.Job;
import dev.meseta.driver.Region;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import dev.meseta.graph.TensorType;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The driver of Ethos-U65. It has a model of the device, and runs what was compiled for it before. */
public final class EthosuDriver implements Driver {
    private static final String NAME = "ethosu";
    private static final List<Device> MODELS = List.of(new Modelled());

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Handshake handshake() {
        return new Handshake(Contract.MAJOR, Contract.MINOR, Contract.LAYOUTS, Set.of(), Set.of(), 0);
    }

    @Override
    public List<Device> devices() {
        return List.of();
    }

    @Override
    public List<Device> models() {
        return MODELS;
    }

    @Override
    public String unavailable() {
        return "a model of the device, which runs what Arm's compiler Vela made (--device " + NAME
                + "); boards are not driven yet";
    }

    private static final class Modelled implements GraphDevice {
        @Override
        public String name() {
            return NAME;
        }

        @Override
        public String description() {
            return "a model of Arm's Ethos-U65, to the bit";
        }

        @Override
        public Map<String, String> properties() {
            return Map.of();
        }

        @Override
        public void run(Job job) {
            int outputs = job.executable().outputs().size();
            for (int i = 0; i < outputs; i++) job.memory(outputs + i).copyFrom(job.memory(i));
        }

        @Override
        public String refuses(Node node) {
            return "graphs are not compiled for it yet; it runs TFLite files that Arm's compiler Vela made";
        }

        @Override
        public Executable compile(Graph graph) {
            return new Nothing(graph.outputTypes());
        }
    }

    /** A graph without nodes gives what it takes. */
    private record Nothing(List<TensorType> outputs) implements Executable {
        @Override
        public List<Region> regions() {
            List<Long> bytes = outputs.stream().map(TensorType::bytes).toList();
            return Region.of(bytes, bytes);
        }

        @Override
        public String describe() {
            return "nothing";
        }
    }
}
