package dev.meseta.graph;

import java.util.List;

/**
 * A program in the op set, in static single assignment form: nodes stand after what they read. Immutable; made by
 * {@link GraphBuilder}, checked by {@link Verifier}.
 *
 * @param name a name for people
 * @param inputs what the caller gives
 * @param nodes the operations, in an order in which they can run
 * @param outputs what the caller gets; an input or a constant may be an output, also more than once
 */
public record Graph(String name, List<Value> inputs, List<Node> nodes, List<Value> outputs) {
    public Graph {
        inputs = List.copyOf(inputs);
        nodes = List.copyOf(nodes);
        outputs = List.copyOf(outputs);
    }

    public List<TensorType> inputTypes() {
        return inputs.stream().map(Value::type).toList();
    }

    public List<TensorType> outputTypes() {
        return outputs.stream().map(Value::type).toList();
    }
}
