package dev.meseta.tests.tflite;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Writes the options of custom operators: a FlexBuffer that is a map of numbers, all 32 bits wide. */
final class FlexBufferWriter {
    private static final int MAP = 9;
    private static final int INTEGER = 1;
    private static final int FLOAT = 3;
    private static final int BOOLEAN = 26;
    private static final int WIDE = 2;

    private FlexBufferWriter() {}

    static byte[] map(Map<String, Object> values) {
        Map<String, Object> sorted = new TreeMap<>(values);
        ByteBuffer b = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
        List<Integer> keys = new ArrayList<>();
        for (String key : sorted.keySet()) {
            keys.add(b.position());
            b.put(key.getBytes(StandardCharsets.UTF_8)).put((byte) 0);
        }
        while (b.position() % 4 != 0) b.put((byte) 0);
        b.putInt(keys.size());
        int keysAt = b.position();
        for (int at : keys) b.putInt(b.position() - at);
        b.putInt(b.position() - keysAt).putInt(4).putInt(sorted.size());
        int mapAt = b.position();
        for (Object v : sorted.values()) {
            switch (v) {
                case Float f -> b.putFloat(f);
                case Boolean flag -> b.putInt(flag ? 1 : 0);
                case Integer i -> b.putInt(i);
                default -> throw new IllegalArgumentException(String.valueOf(v));
            }
        }
        for (Object v : sorted.values()) {
            int type = v instanceof Float ? FLOAT : v instanceof Boolean ? BOOLEAN : INTEGER;
            b.put((byte) (type << 2 | WIDE));
        }
        while (b.position() % 4 != 0) b.put((byte) 0);
        b.putInt(b.position() - mapAt).put((byte) (MAP << 2 | WIDE)).put((byte) 4);
        return Arrays.copyOf(b.array(), b.position());
    }
}
