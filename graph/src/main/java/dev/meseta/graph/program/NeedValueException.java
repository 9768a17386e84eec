package dev.meseta.graph.program;

import dev.meseta.graph.Value;

/** Lowering cannot go on before a value's contents are known. Control flow between {@link LoweringContext} and its driver. */
public final class NeedValueException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient Value value;

    NeedValueException(Value value) {
        super("contents of " + value + " are needed", null, false, false);
        this.value = value;
    }

    /** The value of the graph under construction that is needed. */
    public Value value() {
        return value;
    }
}
