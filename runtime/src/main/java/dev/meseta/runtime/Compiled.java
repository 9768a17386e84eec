package dev.meseta.runtime;

import dev.meseta.driver.Executable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a stage runs, without its graph. Immutable; sessions of the same model share it.
 *
 * @param inputs the place of each of the executable's inputs
 * @param outputs the place of each of its outputs
 * @param then what follows
 * @param executable what runs; null if there is nothing to run, and then there are no outputs
 * @param files what holds its constants, so that others find it as long as this is in use
 */
record Compiled(
        List<Integer> inputs,
        List<Integer> outputs,
        Then then,
        @Nullable Executable executable,
        List<?> files) {
    Compiled {
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
        files = List.copyOf(files);
        if (executable == null && !outputs.isEmpty())
            throw new IllegalArgumentException("what runs nothing gives nothing, not " + outputs);
    }

    static Compiled of(Stage stage, @Nullable Executable executable) {
        Then then = switch (stage.action()) {
            case Stage.Finish f -> new Finish(f.outputs());
            case Stage.Read r -> new Read(r.places());
            case Stage.HostStep _, Stage.LoopStep _ -> new Ask();
        };
        return new Compiled(stage.inputs(), stage.outputs(), then, executable, List.of());
    }

    /** What happens after it has run. */
    sealed interface Then {}

    /** As {@link Stage.Finish}. */
    record Finish(List<Stage.Source> outputs) implements Then {}

    /** As {@link Stage.Read}; what it goes on with, the stage knows. */
    record Read(List<Integer> places) implements Then {}

    /** The stage's own action. */
    record Ask() implements Then {}
}
