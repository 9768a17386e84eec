package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** What a function's arguments point at while it is called: copies of structures and arrays, of which what the function left there is copied back. */
final class Passing implements AutoCloseable {
    private record Copy(MemorySegment own, MemorySegment there) {}

    private final Arena arena = Arena.ofConfined();
    private final List<Copy> copies = new ArrayList<>();

    /** A number or what {@link Struct#number} has for a name; or where a copy is of a structure, of several one behind the other, or of an array. */
    long number(Object value) {
        return switch (value) {
            case Integer i -> i;
            case Long l -> l;
            case String names -> Struct.number(names);
            case Struct s -> structures(List.of(s));
            case List<?> all -> structures(all);
            case byte[] bytes -> array(MemorySegment.ofArray(bytes));
            case int[] ints -> array(MemorySegment.ofArray(ints));
            case long[] longs -> array(MemorySegment.ofArray(longs));
            default -> throw new IllegalArgumentException("no argument: " + value);
        };
    }

    private long structures(List<?> all) {
        List<Struct> structures = all.stream().map(Struct.class::cast).toList();
        long bytes = structures.stream().mapToLong(s -> s.memory().byteSize()).sum();
        MemorySegment there = arena.allocate(bytes, Long.BYTES);
        long at = 0;
        for (Struct s : structures) {
            MemorySegment part = copy(s.memory(), there.asSlice(at, s.memory().byteSize()));
            s.pointers().forEach((offset, to) -> part.set(JAVA_LONG, offset, number(to)));
            at += part.byteSize();
        }
        return there.address();
    }

    private long array(MemorySegment own) {
        return copy(own, arena.allocate(own.byteSize(), Long.BYTES)).address();
    }

    private MemorySegment copy(MemorySegment own, MemorySegment there) {
        copies.add(new Copy(own, there));
        return there.copyFrom(own);
    }

    @Override
    public void close() {
        for (Copy c : copies) c.own.copyFrom(c.there);
        arena.close();
    }
}
