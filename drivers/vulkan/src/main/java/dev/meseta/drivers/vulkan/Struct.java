package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.driver.TextTable;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A structure of Vulkan, by the names of the specification; what is not set is 0. Fields of those that it is extended by are found by their names
 * as its own are. Functions are given copies ({@link Passing}).
 *
 * @param memory as Vulkan has it, but for what it points at
 * @param pointers by offset, what it points at
 */
record Struct(Layout layout, MemorySegment memory, Map<Long, Object> pointers) {
    /** What {@code specification.txt} says of a structure; {@code type} is negative where there is none. */
    record Layout(int type, long bytes, Map<String, Field> fields) {
        Field field(String name) {
            return Objects.requireNonNull(fields.get(name));
        }
    }

    record Field(long offset, boolean isLong) {}

    private static final Field NEXT = new Field(8, true);
    private static final Map<String, Layout> LAYOUTS = new HashMap<>();
    private static final Map<String, Long> NUMBERS = new HashMap<>();

    static {
        TextTable.rows(Struct.class.getResourceAsStream("specification.txt")).forEach(Struct::parse);
    }

    private static void parse(List<String> words) {
        String name = words.getFirst();
        if (words.size() == 2) {
            NUMBERS.put(name, Long.decode(words.get(1)));
            return;
        }
        Map<String, Field> fields = new HashMap<>(Map.of("pNext", NEXT));
        for (String word : words.subList(3, words.size())) {
            String[] field = word.split("=");
            fields.put(field[0], new Field(Long.parseLong(field[1].replace("L", "")), field[1].endsWith("L")));
        }
        int type = words.get(1).equals("-") ? -1 : Integer.parseInt(words.get(1));
        LAYOUTS.put(name, new Layout(type, Long.parseLong(words.get(2)), fields));
    }

    /** The number of a name, or of several with | in between; digits stand for themselves. */
    static long number(String names) {
        long all = 0;
        for (String name : names.split("\\|")) {
            Long value = Character.isDigit(name.charAt(0)) ? Long.decode(name) : NUMBERS.get(name);
            if (value == null) throw new IllegalArgumentException("no number " + name);
            all |= value;
        }
        return all;
    }

    /** A text as Vulkan reads it. */
    static byte[] text(String text) {
        return (text + "\0").getBytes(StandardCharsets.UTF_8);
    }

    /**
     * A structure, and values of some of its fields: {@code of("VkBufferCreateInfo usage=VK_BUFFER_USAGE_STORAGE_BUFFER_BIT size", 100)}.
     *
     * @param values of the fields that have none in the text, as {@link Passing#number} takes them
     */
    static Struct of(String text, Object... values) {
        String[] words = text.split(" ");
        Layout layout = LAYOUTS.get(words[0]);
        if (layout == null) throw new IllegalArgumentException("no structure " + words[0]);
        MemorySegment memory = MemorySegment.ofArray(new long[Math.toIntExact(Math.ceilDiv(layout.bytes, 8))]);
        Struct s = new Struct(layout, memory.asSlice(0, layout.bytes), new HashMap<>());
        if (layout.type >= 0) memory.set(JAVA_INT, 0, layout.type);
        int next = 0;
        for (int i = 1; i < words.length; i++) {
            String[] field = words[i].split("=");
            s.set(field[0], field.length > 1 ? field[1] : values[next++]);
        }
        if (next < values.length) throw new IllegalArgumentException(text + " has no room for " + values.length);
        return s;
    }

    boolean knows(String field) {
        return layout.fields.containsKey(field)
                || pointers.get(NEXT.offset) instanceof Struct next && next.knows(field);
    }

    /** The structure that has a field: this one, or one that extends it. */
    private Struct owner(String field) {
        if (layout.fields.containsKey(field)) return this;
        if (pointers.get(NEXT.offset) instanceof Struct next) return next.owner(field);
        throw new IllegalArgumentException("no field " + field + " in " + layout);
    }

    Struct set(String field, Object value) {
        Struct s = owner(field);
        Field f = s.layout.field(field);
        switch (value) {
            case Integer i -> s.put(f, i);
            case Long l -> s.put(f, l);
            case String names -> s.put(f, number(names));
            default -> s.pointers.put(f.offset, value);
        }
        return this;
    }

    private void put(Field f, long value) {
        if (f.isLong) memory.set(JAVA_LONG, f.offset, value);
        else memory.set(JAVA_INT, f.offset, (int) value);
    }

    long get(String field) {
        return get(field, 0);
    }

    /** What is so many bytes behind a field that is an array. */
    long get(String field, long behind) {
        Struct s = owner(field);
        Field f = s.layout.field(field);
        long at = f.offset + behind;
        return f.isLong ? s.memory.get(JAVA_LONG, at) : s.memory.get(JAVA_INT, at);
    }

    boolean is(String field) {
        return get(field) != 0;
    }

    /** Whether a field has all of some bits. */
    boolean has(String field, String bits) {
        return (get(field) & number(bits)) == number(bits);
    }

    String getText(String field) {
        Struct s = owner(field);
        return s.memory.getString(s.layout.field(field).offset);
    }
}
