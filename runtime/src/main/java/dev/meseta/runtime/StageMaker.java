package dev.meseta.runtime;

import dev.meseta.graph.program.Program;
import java.util.List;

/** Makes the first stage of a program: what a compiler gives to the runtime, found by {@link java.util.ServiceLoader}. Thread-safe. */
@FunctionalInterface
public interface StageMaker {
    /**
     * The first stage for inputs of these types.
     *
     * @param inputs one for each of the program's inputs
     */
    Stage begin(Program program, List<Input> inputs);
}
