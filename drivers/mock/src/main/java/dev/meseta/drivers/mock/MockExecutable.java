package dev.meseta.drivers.mock;

import dev.meseta.driver.Executable;
import dev.meseta.driver.Region;
import dev.meseta.graph.Graph;
import dev.meseta.graph.TensorType;
import java.util.List;

/** A graph, which is interpreted. */
record MockExecutable(Graph graph, List<Region> regions, List<TensorType> outputs) implements Executable {
    @Override
    public String describe() {
        return graph.nodes().size() + " nodes, interpreted";
    }
}
