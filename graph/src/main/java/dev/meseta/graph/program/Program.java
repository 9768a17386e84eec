package dev.meseta.graph.program;

import dev.meseta.graph.Data;
import java.util.List;
import java.util.Map;

/**
 * What a frontend makes of a model file. Names are in single assignment within a program; a body (of a function, a branch, a loop) is a
 * program of its own that sees nothing but its inputs: what it captures from around it is among them. Immutable.
 *
 * @param name the model's name, for people
 * @param inputs what the caller gives, with the types that the model states
 * @param outputs the names of what the caller gets, with the types that the model states
 * @param constants values fixed by the model, by name
 * @param calls the operations, in an order in which they can run
 * @param files all that was read to make it; empty if it did not come from files
 */
public record Program(
        String name,
        List<Port> inputs,
        List<Port> outputs,
        Map<String, Data> constants,
        List<Call> calls,
        List<ProgramFile> files) {
    public Program {
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
        constants = Map.copyOf(constants);
        calls = List.copyOf(calls);
        files = List.copyOf(files);
    }

    /** A program that did not come from files. */
    public Program(String name, List<Port> inputs, List<Port> outputs, Map<String, Data> constants, List<Call> calls) {
        this(name, inputs, outputs, constants, calls, List.of());
    }

    /** The same program, which was read from these files. */
    public Program with(List<ProgramFile> newFiles) {
        return new Program(name, inputs, outputs, constants, calls, newFiles);
    }
}
