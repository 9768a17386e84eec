package dev.meseta.graph;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes one node of nodes that compute the same: equal ops on the same values, and equal small constants. Every op is a pure function of its
 * operands, random bits included. Nodes whose results differ in the symbols of their extents stay apart, as kernels look at symbols. Bodies
 * are treated in the same way; a body sees nothing from outside, so that nothing moves across its edge.
 */
public final class CommonSubexpressions {
    /** Larger constants are the same only if they are the same tensor: comparing weights would take longer than it saves. */
    private static final long LARGEST_COMPARED = 4 << 10;

    private CommonSubexpressions() {}

    /**
     * What makes two nodes the same.
     *
     * @param op the op, or the bytes of a small constant
     * @param operands what it reads
     * @param types the results' types with their symbols
     */
    private record Key(Object op, List<Value> operands, List<String> types) {}

    /** The same graph with every value computed once. */
    public static Graph merge(Graph graph) {
        Map<Key, Node> first = new HashMap<>();
        Map<Value, Value> replaced = new HashMap<>();
        List<Node> nodes = new ArrayList<>();
        for (Node n : graph.nodes()) {
            List<Value> operands = replace(n.operands(), replaced);
            Node own = new Node(inBodies(n.op()), operands, n.results(), n.origin());
            List<String> types =
                    n.results().stream().map(v -> GraphText.print(v.type())).toList();
            Node same = first.putIfAbsent(new Key(identity(own.op()), operands, types), own);
            if (same == null) {
                nodes.add(own);
                continue;
            }
            for (int i = 0; i < n.results().size(); i++)
                replaced.put(n.results().get(i), same.results().get(i));
        }
        return new Graph(graph.name(), graph.inputs(), nodes, replace(graph.outputs(), replaced));
    }

    private static List<Value> replace(List<Value> values, Map<Value, Value> replaced) {
        return values.stream().map(v -> replaced.getOrDefault(v, v)).toList();
    }

    private static Object identity(Op op) {
        boolean small = op instanceof Op.Constant c && c.value().data().byteSize() <= LARGEST_COMPARED;
        // A buffer is equal to another by its bytes.
        return small ? ByteBuffer.wrap(((Op.Constant) op).value().data().toArray(JAVA_BYTE)) : op;
    }

    private static Op inBodies(Op op) {
        return switch (op) {
            case Op.Scan o -> new Op.Scan(merge(o.body()), o.carried(), o.scanned(), o.steps(), o.reverse());
            case Op.If o -> new Op.If(merge(o.then()), merge(o.otherwise()));
            case Op.While o -> new Op.While(merge(o.condition()), merge(o.body()), o.carried());
            case Op.Composite o -> new Op.Composite(o.name(), o.attributes(), merge(o.body()));
            default -> op;
        };
    }
}
