package dev.meseta.graph;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Puts the bodies of composites in their place, down to composites within them. Bodies of loops and conditions stay as they are. */
public final class InlineComposites {
    private final Predicate<Node> inlined;
    private final List<Node> nodes = new ArrayList<>();
    private int nextId;

    private InlineComposites(Predicate<Node> inlined, int nextId) {
        this.inlined = inlined;
        this.nextId = nextId;
    }

    /** The graph without composites. */
    public static Graph in(Graph graph) {
        return in(graph, _ -> true);
    }

    /**
     * The graph without some composites, and without what no output needs then. Inputs stay, and so do the values of what is not inlined.
     *
     * @param inlined asked of each node that is a composite, also of those that come from bodies
     */
    public static Graph in(Graph graph, Predicate<Node> inlined) {
        int ids = 0;
        for (Value v : graph.inputs()) ids = Math.max(ids, v.id() + 1);
        for (Node n : graph.nodes()) for (Value v : n.results()) ids = Math.max(ids, v.id() + 1);
        InlineComposites pass = new InlineComposites(inlined, ids);
        Map<Value, Value> replaced = new IdentityHashMap<>();
        for (Node n : graph.nodes()) {
            List<Value> operands = pass.of(n.operands(), replaced);
            if (n.op() instanceof Op.Composite c && inlined.test(n)) {
                List<Value> results = pass.body(c.body(), operands);
                for (int i = 0; i < results.size(); i++)
                    replaced.put(n.results().get(i), results.get(i));
            } else {
                pass.nodes.add(new Node(n.op(), operands, n.results(), n.origin()));
            }
        }
        List<Value> outputs = pass.of(graph.outputs(), replaced);
        return DeadCode.without(new Graph(graph.name(), graph.inputs(), pass.nodes, outputs));
    }

    private List<Value> of(List<Value> values, Map<Value, Value> replaced) {
        return values.stream().map(v -> replaced.getOrDefault(v, v)).toList();
    }

    /** Adds a body's nodes with values of their own: one body may stand in several places. */
    private List<Value> body(Graph body, List<Value> operands) {
        Map<Value, Value> copies = new IdentityHashMap<>();
        for (int i = 0; i < operands.size(); i++) copies.put(body.inputs().get(i), operands.get(i));
        for (Node n : body.nodes()) {
            Node copy = new Node(n.op(), of(n.operands(), copies), n.results(), n.origin());
            if (n.op() instanceof Op.Composite c && inlined.test(copy)) {
                List<Value> results = body(c.body(), copy.operands());
                for (int i = 0; i < results.size(); i++) copies.put(n.results().get(i), results.get(i));
                continue;
            }
            List<Value> results = new ArrayList<>();
            for (Value v : n.results()) {
                Value own = new Value(nextId++, v.type(), v.name());
                copies.put(v, own);
                results.add(own);
            }
            nodes.add(new Node(n.op(), copy.operands(), results, n.origin()));
        }
        return of(body.outputs(), copies);
    }
}
