package dev.meseta.runtime;

import dev.meseta.graph.Data;
import dev.meseta.graph.program.Program;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes the first stage of a program: what a compiler gives to the runtime. Thread-safe. */
@FunctionalInterface
public interface StageMaker {
    /**
     * The first stage for inputs of these types; contents are not looked at.
     *
     * @param inputs one for each of the program's inputs, null for one left out
     */
    Stage begin(Program program, List<@Nullable Data> inputs);
}
