package dev.meseta.graph.program;

import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import org.jspecify.annotations.Nullable;

/**
 * An input or output of a program.
 *
 * @param name its name
 * @param kind what it carries
 * @param dtype element type of a tensor (or of what a sequence or optional holds), null for strings and where the model does not say
 * @param shape extents as far as stated (a dim may be unknown, with or without a symbol); null where even the rank is not stated
 * @param optional whether the caller may leave it out
 */
public record Port(
        String name,
        Kind kind,
        @Nullable DType dtype,
        @Nullable Shape shape,
        boolean optional) {
    /** The kinds of data. */
    public enum Kind {
        TENSOR,
        STRINGS,
        SEQUENCE,
        OPTIONAL,
        MAPPING,
        /** The model does not say. */
        ANY
    }

    public static Port any(String name) {
        return new Port(name, Kind.ANY, null, null, false);
    }

    public static Port tensor(String name, DType dtype, @Nullable Shape shape) {
        return new Port(name, Kind.TENSOR, dtype, shape, false);
    }

    /** The type as text, such as {@code f32[batch,3,?,?]}. */
    public String describe() {
        String element = dtype == null ? "" : dtype.text() + (shape == null ? "[…]" : shape.toString());
        return switch (kind) {
            case TENSOR -> element;
            case STRINGS -> "string" + (shape == null ? "[…]" : shape.toString());
            case SEQUENCE -> "sequence(" + element + ")";
            case OPTIONAL -> "optional(" + element + ")";
            case MAPPING -> "map";
            case ANY -> "?";
        };
    }
}
