package dev.meseta.drivers.reference;

import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import dev.meseta.driver.Executable;
import dev.meseta.driver.GraphDevice;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.List;
import java.util.Map;

/** The driver of the device {@code reference}, which interprets the op set: slow, clear, and the oracle of all other devices. */
public final class ReferenceDriver implements Driver {
    @Override
    public String name() {
        return "reference";
    }

    @Override
    public List<Device> devices() {
        return List.of(new ReferenceDevice());
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
        public String refuses(Node node) {
            return "";
        }

        @Override
        public Executable compile(Graph graph) {
            return new InterpretedGraph(graph);
        }
    }

    private record InterpretedGraph(Graph graph) implements Executable {
        @Override
        public List<Tensor> run(List<Tensor> inputs) {
            return Interpreter.run(graph, inputs);
        }

        @Override
        public String describe() {
            return graph.nodes().size() + " nodes, interpreted";
        }
    }
}
