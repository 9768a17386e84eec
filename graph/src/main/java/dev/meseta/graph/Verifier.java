package dev.meseta.graph;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Checks a whole graph: every value is defined once and before it is read, every node's results have the types that {@link TypeInference}
 * gives, and the same in the bodies. Passes are followed by it in tests, and graphs from outside before they are used.
 */
public final class Verifier {
    private Verifier() {}

    /** Throws {@link VerificationException} naming the node, the op and the constraint at the first thing that does not hold. */
    public static void verify(Graph graph) {
        verify(graph, "graph" + (graph.name().isEmpty() ? "" : " " + graph.name()));
    }

    private static void verify(Graph graph, String path) {
        Set<Value> defined = new HashSet<>();
        for (Value v : graph.inputs()) {
            if (!v.shape().isKnown()) throw new VerificationException(path + ": input " + v + " has an unknown extent");
            if (!defined.add(v)) throw new VerificationException(path + ": input " + v + " is there twice");
        }
        for (int i = 0; i < graph.nodes().size(); i++) node(graph.nodes().get(i), defined, path + ", node " + i);
        for (Value v : graph.outputs()) {
            if (!defined.contains(v)) throw new VerificationException(path + ": output " + v + " is not defined");
        }
    }

    private static void node(Node n, Set<Value> defined, String path) {
        String where = path + " (" + n.op().mnemonic() + (n.origin().isEmpty() ? "" : ", from " + n.origin()) + ")";
        for (int i = 0; i < n.operands().size(); i++) {
            Value v = n.operands().get(i);
            if (!defined.contains(v))
                throw new VerificationException(
                        where + ": operand " + i + ", " + v + ", is not defined before it is read");
        }
        List<Graph> bodies = OpText.regions(n.op());
        for (int i = 0; i < bodies.size(); i++) verify(bodies.get(i), where + ", body " + i);
        List<TensorType> types;
        try {
            types = TypeInference.infer(
                    n.op(), n.operands().stream().map(Value::type).toList());
        } catch (ConstraintException e) {
            throw new VerificationException(where + ": " + e.getMessage(), e);
        }
        List<TensorType> found = new ArrayList<>();
        for (Value v : n.results()) {
            found.add(v.type());
            if (!defined.add(v)) throw new VerificationException(where + ": result " + v + " is defined a second time");
        }
        if (!found.equals(types))
            throw new VerificationException(where + ": gives " + types + ", but its results are " + found);
    }
}
