package dev.meseta.compiler.specialize;

import dev.meseta.graph.Data;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import org.jspecify.annotations.Nullable;

/** What a name of a program stands for while its calls are walked. */
sealed interface Binding {
    /** Known before anything runs. */
    record Known(Data data) implements Binding {}

    /** There when the stage begins; the type is null for what is not a tensor. */
    record Place(int number, @Nullable TensorType type) implements Binding {}

    /** Computed by the stage's graph. */
    record InGraph(Value value) implements Binding {}

    /** An operand left out. */
    record Absent() implements Binding {}
}
