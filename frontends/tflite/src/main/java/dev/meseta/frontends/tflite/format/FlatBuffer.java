package dev.meseta.frontends.tflite.format;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.meseta.graph.InvalidInputException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Tables in a FlatBuffers file. Every access is checked against the file's end, nothing is allocated beyond what the file holds, and the
 * work is bounded by the file's size: parts may be shared, but not so often that a small file becomes a large model. What breaks a rule is
 * an {@link InvalidInputException} that names the byte. For one thread.
 *
 * <p>Format, all little-endian: the file begins with the place of its root table; an identifier of four letters may follow. A table begins
 * with a signed distance back to its vtable: 16-bit sizes of the vtable and of the table, then each field's 16-bit distance from the
 * table's begin, 0 for a field that has its default. Strings, vectors and tables are referred to by an unsigned distance from the
 * reference; vectors begin with their 32-bit length.
 */
public final class FlatBuffer {
    /** How often each byte of a file may be met. Well-made files share short vectors alone. */
    private static final long MOST_SHARING = 4;

    /** A table with its vtable and the reference to it. */
    private static final int SMALLEST_TABLE = 16;

    private static final long FREE_VISITS = 1 << 16;

    private final MemorySegment bytes;
    private final String where;
    private long visits;

    /**
     * @param bytes the file
     * @param where what messages call it
     */
    public FlatBuffer(MemorySegment bytes, String where) {
        this.bytes = bytes;
        this.where = where;
        this.visits = MOST_SHARING * bytes.byteSize() + FREE_VISITS;
    }

    /** Whether bytes 4 to 7 are the four letters. */
    public static boolean hasIdentifier(MemorySegment bytes, String letters) {
        if (bytes.byteSize() < 8) return false;
        byte[] found = bytes.asSlice(4, 4).toArray(JAVA_BYTE);
        return new String(found, StandardCharsets.ISO_8859_1).equals(letters);
    }

    /** The table that the file begins with. */
    public Table root() {
        return table(reference(0));
    }

    /** A table; values of fields that are absent are the given defaults. */
    public final class Table {
        private final long at;
        private final long vtable;
        private final int vtableSize;
        private final int size;

        private Table(long at) {
            this.at = at;
            this.vtable = at - read(at, 4, JAVA_INT_UNALIGNED);
            this.vtableSize = u16(vtable);
            this.size = u16(vtable + 2);
            if (vtableSize < 4 || size < 4) throw broken(vtable, "a table of fields has the sizes of none");
            check(vtable, vtableSize);
            check(at, size);
        }

        /** Where the field's value is, or 0. */
        private long place(int field, int width) {
            if (4 + 2 * field + 2 > vtableSize) return 0;
            int distance = u16(vtable + 4 + 2L * field);
            if (distance == 0) return 0;
            if (distance + width > size) throw broken(at, "field " + field + " leaves its table");
            return at + distance;
        }

        public boolean has(int field) {
            return place(field, 1) != 0;
        }

        public int int8(int field, int absent) {
            long p = place(field, 1);
            return p == 0 ? absent : bytes.get(JAVA_BYTE, p);
        }

        public boolean flag(int field, boolean absent) {
            return int8(field, absent ? 1 : 0) != 0;
        }

        public int int32(int field, int absent) {
            long p = place(field, 4);
            return p == 0 ? absent : bytes.get(JAVA_INT_UNALIGNED, p);
        }

        public long int64(int field, long absent) {
            long p = place(field, 8);
            return p == 0 ? absent : bytes.get(JAVA_LONG_UNALIGNED, p);
        }

        public float float32(int field, float absent) {
            long p = place(field, 4);
            return p == 0 ? absent : bytes.get(JAVA_FLOAT_UNALIGNED, p);
        }

        /** A string; empty if absent. */
        public String string(int field) {
            long p = place(field, 4);
            if (p == 0) return "";
            long begin = reference(p);
            return new String(vector(begin, 1).toArray(JAVA_BYTE), StandardCharsets.UTF_8);
        }

        public @Nullable Table table(int field) {
            long p = place(field, 4);
            return p == 0 ? null : FlatBuffer.this.table(reference(p));
        }

        /** A vector's tables; empty if absent. */
        public List<Table> tables(int field) {
            long p = place(field, 4);
            if (p == 0) return List.of();
            long at = reference(p);
            long length = vector(at, 4).byteSize();
            List<Table> tables = new ArrayList<>();
            for (long i = 0; i < length; i += 4) tables.add(FlatBuffer.this.table(reference(at + 4 + i)));
            return tables;
        }

        /** A vector's bytes as a part of the file; empty if absent. */
        public MemorySegment bytes(int field) {
            long p = place(field, 4);
            return p == 0 ? bytes.asSlice(0, 0) : part(reference(p), 1);
        }

        /** A vector of numbers of 32 bits; empty if absent. */
        public int[] ints(int field) {
            return elements(field, 4).toArray(JAVA_INT_UNALIGNED);
        }

        public long[] longs(int field) {
            return elements(field, 8).toArray(JAVA_LONG_UNALIGNED);
        }

        public float[] floats(int field) {
            return elements(field, 4).toArray(JAVA_FLOAT_UNALIGNED);
        }

        /** A vector of unsigned numbers of 16 bits; empty if absent. */
        public int[] shorts(int field) {
            short[] narrow = elements(field, 2).toArray(JAVA_SHORT_UNALIGNED);
            int[] v = new int[narrow.length];
            for (int i = 0; i < v.length; i++) v[i] = narrow[i] & 0xffff;
            return v;
        }

        private MemorySegment elements(int field, int width) {
            long p = place(field, 4);
            return p == 0 ? bytes.asSlice(0, 0) : vector(reference(p), width);
        }
    }

    private Table table(long at) {
        visit(SMALLEST_TABLE);
        return new Table(at);
    }

    /** The elements of the vector at a place, to be read one by one. */
    private MemorySegment vector(long at, int width) {
        MemorySegment v = part(at, width);
        visit(4 + v.byteSize());
        if (v.byteSize() > Integer.MAX_VALUE - 64) throw broken(at, "a vector is longer than 2 GiB");
        return v;
    }

    private MemorySegment part(long at, int width) {
        long length = read(at, 4, JAVA_INT_UNALIGNED) & 0xffff_ffffL;
        check(at + 4, length * width);
        return bytes.asSlice(at + 4, length * width);
    }

    /** Where a reference points. */
    private long reference(long at) {
        long distance = read(at, 4, JAVA_INT_UNALIGNED) & 0xffff_ffffL;
        if (distance == 0) throw broken(at, "a reference points to itself");
        check(at + distance, 4);
        return at + distance;
    }

    private int read(long at, int width, java.lang.foreign.ValueLayout.OfInt layout) {
        check(at, width);
        return bytes.get(layout, at);
    }

    private int u16(long at) {
        check(at, 2);
        return bytes.get(JAVA_SHORT_UNALIGNED, at) & 0xffff;
    }

    private void check(long at, long length) {
        if (at < 0 || length > bytes.byteSize() - at) {
            throw broken(Math.max(0, at), "something of " + length + " bytes leaves the file");
        }
    }

    private void visit(long more) {
        visits -= more;
        if (visits < 0) throw new InvalidInputException(where + " refers to the same bytes too often");
    }

    private InvalidInputException broken(long at, String what) {
        return new InvalidInputException(
                where + " is not a whole TFLite file: at byte " + at + " of " + bytes.byteSize() + ", " + what);
    }
}
