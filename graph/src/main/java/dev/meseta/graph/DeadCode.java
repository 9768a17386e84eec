package dev.meseta.graph;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/** Removes nodes that no output needs. Inputs stay. */
public final class DeadCode {
    private DeadCode() {}

    public static Graph without(Graph graph) {
        Set<Value> live = Collections.newSetFromMap(new IdentityHashMap<>());
        live.addAll(graph.outputs());
        List<Node> kept = new ArrayList<>();
        for (Node n : graph.nodes().reversed()) {
            boolean needed = false;
            for (Value v : n.results()) needed |= live.contains(v);
            if (!needed) continue;
            live.addAll(n.operands());
            kept.add(n);
        }
        return new Graph(graph.name(), graph.inputs(), kept.reversed(), graph.outputs());
    }
}
