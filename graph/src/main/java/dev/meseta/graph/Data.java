package dev.meseta.graph;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A value at run time. Devices know tensors alone; the other kinds live in host ops. Immutable, but for the bytes behind a tensor. */
public sealed interface Data permits Tensor, Data.Strings, Data.Sequence, Data.Optional, Data.Mapping {
    /** A short description for messages, such as {@code f32[2,3]} or {@code sequence of 4}. */
    String describe();

    /**
     * A tensor of strings, row-major.
     *
     * @param shape the extents
     * @param values one string an element
     */
    record Strings(Shape shape, List<String> values) implements Data {
        public Strings {
            values = List.copyOf(values);
            if (shape.elements() != values.size()) {
                throw new IllegalArgumentException(
                        "string" + shape + " needs " + shape.elements() + " elements, got " + values.size());
            }
        }

        @Override
        public String describe() {
            return "string" + shape;
        }
    }

    /**
     * A list of data of one kind.
     *
     * @param items the elements
     */
    record Sequence(List<Data> items) implements Data {
        public Sequence {
            items = List.copyOf(items);
        }

        @Override
        public String describe() {
            return "sequence of " + items.size();
        }
    }

    /**
     * Something or nothing.
     *
     * @param value what is inside, or null
     */
    record Optional(@Nullable Data value) implements Data {
        @Override
        public String describe() {
            return value == null ? "empty optional" : "optional " + value.describe();
        }
    }

    /**
     * A map with keys that are {@link Long} or {@link String}.
     *
     * @param entries the entries
     */
    record Mapping(Map<Object, Data> entries) implements Data {
        public Mapping {
            entries = Map.copyOf(entries);
        }

        @Override
        public String describe() {
            return "map of " + entries.size();
        }
    }
}
