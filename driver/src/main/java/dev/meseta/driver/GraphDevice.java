package dev.meseta.driver;

import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;
import java.util.List;

/** A device whose driver compiles graphs (a fixed-function accelerator, or the reference interpreter). */
public non-sealed interface GraphDevice extends Device {
    /** Why the device cannot run a node whatever the others are, or an empty string if it can. */
    default String refuses(Node node) {
        return "";
    }

    /**
     * Why the device cannot run nodes of a graph: one entry for each node, in order, empty if it can. The graph shows what single nodes do not,
     * such as which operands are constant.
     */
    default List<String> refusals(Graph graph) {
        return graph.nodes().stream().map(this::refuses).toList();
    }

    /**
     * Whether the device is one for parts of graphs: the stack divides a graph between it and a device that runs all, and says how. A graph
     * with nodes that another device refuses is an error.
     */
    default boolean isPartial() {
        return false;
    }

    /** Makes a graph, all of whose nodes it takes, ready to run. */
    Executable compile(Graph graph);
}
