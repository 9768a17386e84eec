package dev.meseta.driver;

import dev.meseta.graph.Graph;
import dev.meseta.graph.Node;

/** A device whose driver compiles graphs (a fixed-function accelerator, or the reference interpreter). */
public non-sealed interface GraphDevice extends Device {
    /** Why the device cannot run a node, or an empty string if it can. */
    String refuses(Node node);

    /** Makes a graph, all of whose nodes it takes, ready to run. */
    Executable compile(Graph graph);
}
