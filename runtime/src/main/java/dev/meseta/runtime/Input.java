package dev.meseta.runtime;

import dev.meseta.graph.Data;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a program's input before the program runs.
 *
 * @param given whether there is one
 * @param type the type of a tensor; null for anything else
 */
public record Input(boolean given, @Nullable TensorType type) {
    /** What is known of some data; null is what was left out. */
    public static Input of(@Nullable Data data) {
        return new Input(data != null, data instanceof Tensor t ? t.type() : null);
    }

    public static List<Input> of(List<@Nullable Data> data) {
        return data.stream().map(Input::of).toList();
    }
}
