package dev.meseta.frontends.tflite.format;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.meseta.graph.InvalidInputException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * The options of custom operators: a FlexBuffer whose root is a map from names to numbers and truth values; other entries are left out.
 * Every access is checked.
 *
 * <p>Format: the last byte is the width of the root in bytes, the byte before it the root's type and the width of what it refers to, and
 * before these lies the root. A map refers back to its values; before them stand a reference to its keys, the keys' width, and its length;
 * behind them a byte of type and width for each.
 */
public final class FlexBuffer {
    private static final int INT = 1;
    private static final int UINT = 2;
    private static final int FLOAT = 3;
    private static final int MAP = 9;
    private static final int BOOL = 26;
    private static final int MOST_ENTRIES = 1 << 12;
    private static final int LONGEST_NAME = 256;

    private final MemorySegment bytes;
    private final String where;

    private FlexBuffer(MemorySegment bytes, String where) {
        this.bytes = bytes;
        this.where = where;
    }

    /** The entries that are Long, Double or Boolean. Throws {@link InvalidInputException} if the bytes hold no map. */
    public static Map<String, Object> map(MemorySegment bytes, String where) {
        return new FlexBuffer(bytes, where).root();
    }

    private Map<String, Object> root() {
        long n = bytes.byteSize();
        if (n < 3) throw broken();
        int width = bytes.get(JAVA_BYTE, n - 1);
        int type = bytes.get(JAVA_BYTE, n - 2) & 0xff;
        if (type >> 2 != MAP) throw broken();
        long root = n - 2 - width;
        int inside = 1 << (type & 3);
        long values = root - unsigned(root, width);
        long count = unsigned(values - inside, inside);
        if (count < 0 || count > MOST_ENTRIES) throw broken();
        long keyWidth = unsigned(values - 2L * inside, inside);
        long keys = values - 3L * inside - unsigned(values - 3L * inside, inside);
        if (keyWidth != 1 && keyWidth != 2 && keyWidth != 4 && keyWidth != 8) throw broken();
        Map<String, Object> map = new HashMap<>();
        for (int i = 0; i < count; i++) {
            long key = keys + i * keyWidth;
            String name = name(key - unsigned(key, (int) keyWidth));
            int kind = check(values + count * inside + i, 1).get(JAVA_BYTE, 0) & 0xff;
            Object value = value(values + (long) i * inside, inside, kind);
            if (value != null) map.put(name, value);
        }
        return map;
    }

    private @org.jspecify.annotations.Nullable Object value(long at, int width, int kind) {
        return switch (kind >> 2) {
            case INT, UINT -> signed(at, width);
            case FLOAT -> real(at, width);
            case BOOL -> unsigned(at, width) != 0;
            // A number that lies elsewhere.
            case 6, 7 -> signed(at - unsigned(at, width), 1 << (kind & 3));
            case 8 -> real(at - unsigned(at, width), 1 << (kind & 3));
            default -> null;
        };
    }

    private String name(long at) {
        StringBuilder text = new StringBuilder();
        for (long i = at; ; i++) {
            byte b = check(i, 1).get(JAVA_BYTE, 0);
            if (b == 0) return text.toString();
            if (text.length() >= LONGEST_NAME) throw broken();
            text.append(new String(new byte[] {b}, StandardCharsets.ISO_8859_1));
        }
    }

    private double real(long at, int width) {
        MemorySegment s = check(at, width);
        return switch (width) {
            case 4 -> s.get(JAVA_FLOAT_UNALIGNED, 0);
            case 8 -> s.get(JAVA_DOUBLE_UNALIGNED, 0);
            default -> throw broken();
        };
    }

    private long signed(long at, int width) {
        MemorySegment s = check(at, width);
        return switch (width) {
            case 1 -> s.get(JAVA_BYTE, 0);
            case 2 -> s.get(JAVA_SHORT_UNALIGNED, 0);
            case 4 -> s.get(JAVA_INT_UNALIGNED, 0);
            case 8 -> s.get(JAVA_LONG_UNALIGNED, 0);
            default -> throw broken();
        };
    }

    private long unsigned(long at, int width) {
        long v = signed(at, width);
        return width == 8 ? v : v & (1L << 8 * width) - 1;
    }

    private MemorySegment check(long at, long length) {
        if (at < 0 || length < 0 || at > bytes.byteSize() - length) throw broken();
        return bytes.asSlice(at, length);
    }

    private InvalidInputException broken() {
        return new InvalidInputException(where + ": its options are not a whole map");
    }
}
