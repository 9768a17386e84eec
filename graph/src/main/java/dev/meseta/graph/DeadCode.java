package dev.meseta.graph;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** Removes nodes that no output needs. Inputs stay. Values are told apart by their numbers, as a graph's builder gives them. */
public final class DeadCode {
    private DeadCode() {}

    public static Graph without(Graph graph) {
        BitSet live = new BitSet();
        for (Value v : graph.outputs()) live.set(v.id());
        List<Node> kept = new ArrayList<>();
        for (Node n : graph.nodes().reversed()) {
            boolean needed = false;
            for (Value v : n.results()) needed |= live.get(v.id());
            if (!needed) continue;
            for (Value v : n.operands()) live.set(v.id());
            kept.add(n);
        }
        return new Graph(graph.name(), graph.inputs(), kept.reversed(), graph.outputs());
    }
}
