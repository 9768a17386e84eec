package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.InvalidInputException;
import java.util.List;

/**
 * A node as an operator's definition sees it when a model is read.
 *
 * @param where the node in messages
 * @param domain the operator's domain, {@code ai.onnx} for the default one
 * @param operator its name
 * @param opset the version of the domain that the model imports
 * @param attributes its attributes
 * @param inputs names of its inputs; an empty name is one left out
 * @param outputs names of its outputs; an empty name is one that nobody wants
 */
public record OperatorNode(
        String where,
        String domain,
        String operator,
        int opset,
        Attributes attributes,
        List<String> inputs,
        List<String> outputs) {

    /** An exception that names the node. */
    public InvalidInputException error(String message) {
        return new InvalidInputException(where + ": " + message);
    }

    /** Whether input i is there. */
    public boolean hasInput(int i) {
        return i < inputs.size() && !inputs.get(i).isEmpty();
    }

    /** Whether somebody wants output i. */
    public boolean hasOutput(int i) {
        return i < outputs.size() && !outputs.get(i).isEmpty();
    }

    /**
     * The names that the bodies among the attributes capture, each once, in a fixed order. The reader puts them behind the node's own
     * inputs in the call.
     */
    public List<String> captured() {
        return attributes.bodies().stream()
                .flatMap(b -> b.captured().stream())
                .distinct()
                .toList();
    }
}
