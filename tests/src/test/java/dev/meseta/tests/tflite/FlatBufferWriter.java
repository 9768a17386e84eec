package dev.meseta.tests.tflite;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Writes FlatBuffers: each table is followed by what it refers to. */
final class FlatBufferWriter {
    /** A table's fields by number: Byte, Boolean, Integer, Long, Float, String, arrays of them, tables, and lists of tables. */
    static final class Table {
        final Map<Integer, Object> fields = new TreeMap<>();

        Table set(int field, Object value) {
            if (value != null) fields.put(field, value);
            return this;
        }
    }

    private byte[] bytes = new byte[4096];
    private int size;

    private FlatBufferWriter() {}

    static byte[] write(Table root, String identifier) {
        FlatBufferWriter w = new FlatBufferWriter();
        w.size = 8;
        byte[] letters = identifier.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(letters, 0, w.bytes, 4, 4);
        w.refer(0, root);
        return Arrays.copyOf(w.bytes, w.size);
    }

    private void refer(int at, Object value) {
        switch (value) {
            case Table t -> table(at, t);
            case List<?> list -> {
                vector(at, list.size(), 4, 4);
                int begin = size;
                room(4 * list.size());
                size += 4 * list.size();
                for (int i = 0; i < list.size(); i++) refer(begin + 4 * i, list.get(i));
            }
            case String s -> {
                byte[] text = s.getBytes(StandardCharsets.UTF_8);
                vector(at, text.length, 1, 4);
                append(text);
                append(new byte[1]);
            }
            case byte[] v -> {
                vector(at, v.length, 1, 16);
                append(v);
            }
            case int[] v -> {
                vector(at, v.length, 4, 4);
                ByteBuffer b = ByteBuffer.allocate(4 * v.length).order(ByteOrder.LITTLE_ENDIAN);
                for (int x : v) b.putInt(x);
                append(b.array());
            }
            case float[] v -> {
                vector(at, v.length, 4, 4);
                ByteBuffer b = ByteBuffer.allocate(4 * v.length).order(ByteOrder.LITTLE_ENDIAN);
                for (float x : v) b.putFloat(x);
                append(b.array());
            }
            case long[] v -> {
                vector(at, v.length, 8, 8);
                ByteBuffer b = ByteBuffer.allocate(8 * v.length).order(ByteOrder.LITTLE_ENDIAN);
                for (long x : v) b.putLong(x);
                append(b.array());
            }
            default -> throw new IllegalArgumentException("no field holds " + value.getClass());
        }
    }

    /** The length, placed so that the elements behind it are aligned. */
    private void vector(int at, int length, int width, int alignment) {
        while ((size + 4) % Math.max(width, alignment) != 0 || size % 4 != 0) append(new byte[1]);
        put(at, 4, size - at);
        put(size, 4, length);
        size += 4;
    }

    private void table(int at, Table t) {
        int fields = t.fields.isEmpty()
                ? 0
                : t.fields.keySet().stream().mapToInt(f -> f).max().getAsInt() + 1;
        int[] places = new int[fields];
        int length = 4;
        for (int width : new int[] {8, 4, 1}) {
            for (Map.Entry<Integer, Object> e : t.fields.entrySet()) {
                if (width(e.getValue()) != width) continue;
                // Tables begin at a multiple of 8 plus 4, so that what has 8 bytes is aligned.
                places[e.getKey()] = length;
                length += width;
            }
        }
        while (size % 2 != 0) append(new byte[1]);
        int vtable = size;
        put(size, 2, 4 + 2 * fields);
        put(size + 2, 2, length);
        for (int i = 0; i < fields; i++) put(size + 4 + 2 * i, 2, places[i]);
        size += 4 + 2 * fields;
        while (size % 8 != 4) append(new byte[1]);
        int begin = size;
        put(at, 4, begin - at);
        put(begin, 4, begin - vtable);
        room(length);
        size += length;
        List<Integer> references = new ArrayList<>();
        for (Map.Entry<Integer, Object> e : t.fields.entrySet()) {
            int place = begin + places[e.getKey()];
            switch (e.getValue()) {
                case Byte v -> put(place, 1, v);
                case Boolean v -> put(place, 1, v ? 1 : 0);
                case Integer v -> put(place, 4, v);
                case Float v -> put(place, 4, Float.floatToRawIntBits(v));
                case Long v -> put(place, 8, v);
                default -> references.add(e.getKey());
            }
        }
        for (int f : references) refer(begin + places[f], t.fields.get(f));
    }

    private static int width(Object value) {
        return switch (value) {
            case Byte _, Boolean _ -> 1;
            case Long _ -> 8;
            default -> 4;
        };
    }

    private void append(byte[] more) {
        room(more.length);
        System.arraycopy(more, 0, bytes, size, more.length);
        size += more.length;
    }

    private void put(int at, int width, long value) {
        room(at + width - size);
        for (int i = 0; i < width; i++) bytes[at + i] = (byte) (value >> (8 * i));
    }

    private void room(int more) {
        if (size + more + 64 > bytes.length) bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, size + more + 64));
    }
}
