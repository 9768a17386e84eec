package dev.meseta.runtime;

import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.util.List;
import java.util.Set;

/**
 * What a model takes and gives: all that a caller sees of it.
 *
 * @param name the model's name, for people
 * @param inputs what the caller gives
 * @param outputs what the caller gets
 * @param defaults names of inputs for which the model has a value of its own
 */
public record Signature(String name, List<Port> inputs, List<Port> outputs, Set<String> defaults) {
    public Signature {
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
        defaults = Set.copyOf(defaults);
    }

    /** That of a program. */
    public static Signature of(Program program) {
        List<String> defaults = program.inputs().stream()
                .map(Port::name)
                .filter(program.constants()::containsKey)
                .toList();
        return new Signature(program.name(), program.inputs(), program.outputs(), Set.copyOf(defaults));
    }

    /** The inputs that a caller must give: not optional, and without a value in the model. */
    public List<Port> required() {
        return inputs.stream()
                .filter(p -> !p.optional() && !defaults.contains(p.name()))
                .toList();
    }
}
