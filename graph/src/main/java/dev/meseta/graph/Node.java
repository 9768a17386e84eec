package dev.meseta.graph;

import java.util.List;

/**
 * One operation of a graph.
 *
 * @param op what it does
 * @param operands what it reads
 * @param results what it defines
 * @param origin where it comes from, for messages: the name of the model's node, or empty
 */
public record Node(Op op, List<Value> operands, List<Value> results, String origin) {
    public Node {
        operands = List.copyOf(operands);
        results = List.copyOf(results);
    }

    public Value result() {
        return results.getFirst();
    }

    public Value operand(int i) {
        return operands.get(i);
    }
}
