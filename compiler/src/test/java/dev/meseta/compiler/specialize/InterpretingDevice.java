package dev.meseta.compiler.specialize;

import dev.meseta.driver.Executable;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.Job;
import dev.meseta.driver.Region;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A device for tests: the interpreter. */
final class InterpretingDevice implements GraphDevice {
    @Override
    public String name() {
        return "test";
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
        return new Interpreted(graph, Region.of(graph), graph.outputTypes());
    }

    @Override
    public void run(Job job) {
        Graph graph = ((Interpreted) job.executable()).graph();
        List<Tensor> inputs = new ArrayList<>();
        for (TensorType t : graph.inputTypes()) inputs.add(Tensor.wrap(t, job.memory(inputs.size())));
        List<Tensor> outputs = Interpreter.run(graph, inputs);
        for (int i = 0; i < outputs.size(); i++)
            job.memory(inputs.size() + i).copyFrom(outputs.get(i).data());
    }

    private record Interpreted(Graph graph, List<Region> regions, List<TensorType> outputs) implements Executable {
        @Override
        public String describe() {
            return "interpreted";
        }
    }
}
