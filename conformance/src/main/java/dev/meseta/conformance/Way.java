package dev.meseta.conformance;

import dev.meseta.graph.Data;
import dev.meseta.graph.Dim;
import dev.meseta.graph.Shape;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The ways in which a case runs. */
public enum Way {
    /** As the model is. */
    STATIC,
    /** With every extent of every input left open, as if the model had been exported for any shape. */
    DYNAMIC,
    /** With the inputs as constants of the model, so that the compiler computes what it can. */
    CONSTANT;

    /** The name in reports and flags. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Why a program cannot run in this way; empty where it can. */
    Optional<String> refuses(Program program, Map<String, Data> inputs) {
        return switch (this) {
            case STATIC -> Optional.empty();
            case DYNAMIC ->
                program.inputs().stream().anyMatch(Way::hasExtents)
                        ? Optional.empty()
                        : Optional.of("no input has an extent that could be left open");
            case CONSTANT -> inputs.isEmpty() ? Optional.of("the model has no input") : Optional.empty();
        };
    }

    private static boolean hasExtents(Port port) {
        return port.kind() == Port.Kind.TENSOR
                && port.shape() != null
                && port.shape().rank() > 0;
    }

    /** The program, rewritten for this way. */
    Program apply(Program program, Map<String, Data> inputs) {
        return switch (this) {
            case STATIC -> program;
            case DYNAMIC ->
                new Program(
                        program.name(),
                        program.inputs().stream().map(Way::open).toList(),
                        program.outputs(),
                        program.constants(),
                        program.calls());
            case CONSTANT -> {
                Map<String, Data> constants = new HashMap<>(program.constants());
                constants.putAll(inputs);
                yield new Program(
                        program.name(),
                        program.inputs().stream()
                                .filter(p -> !inputs.containsKey(p.name()))
                                .toList(),
                        program.outputs(),
                        constants,
                        program.calls());
            }
        };
    }

    private static Port open(Port port) {
        Shape shape = port.shape();
        if (!hasExtents(port) || shape == null) return port;
        List<Dim> dims = new ArrayList<>();
        for (int i = 0; i < shape.rank(); i++) dims.add(Dim.symbolic(port.name() + "_" + i, Dim.UNKNOWN));
        return new Port(port.name(), port.kind(), port.dtype(), Shape.of(dims), port.optional());
    }
}
