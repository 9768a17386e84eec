package dev.meseta.graph.program;

import java.util.List;

/**
 * One operation of a program.
 *
 * @param name the model's name for it, for messages
 * @param operator what it is called in the model, with domain and version, such as {@code ai.onnx.Conv-11}
 * @param inputs names of what it reads; an empty name is an operand left out
 * @param outputs names of what it defines; an empty name is a result that nobody wants
 * @param lowering what it means
 */
public record Call(String name, String operator, List<String> inputs, List<String> outputs, Lowering lowering) {
    public Call {
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
    }

    /** Where in the model, for messages: {@code node 'conv1' (ai.onnx.Conv-11)}. */
    public String where() {
        return "node '" + name + "' (" + operator + ")";
    }
}
