package dev.meseta.frontends.tflite.format;

import org.jspecify.annotations.Nullable;

/**
 * What a file says of an operator beside its operands, field by field in the order of its kind's table. A table that is absent has every
 * field's default.
 */
public final class Options {
    private final FlatBuffer.@Nullable Table table;

    Options(FlatBuffer.@Nullable Table table) {
        this.table = table;
    }

    public int integer(int field) {
        return integer(field, 0);
    }

    public int integer(int field, int absent) {
        return table == null ? absent : table.int32(field, absent);
    }

    /** An integer of 64 bits. */
    public long wide(int field) {
        return table == null ? 0 : table.int64(field, 0);
    }

    /** A choice, which files hold in one byte. */
    public int choice(int field) {
        return table == null ? 0 : table.int8(field, 0);
    }

    public boolean flag(int field) {
        return flag(field, false);
    }

    public boolean flag(int field, boolean absent) {
        return table == null ? absent : table.flag(field, absent);
    }

    public float real(int field) {
        return table == null ? 0 : table.float32(field, 0);
    }

    public String text(int field) {
        return table == null ? "" : table.string(field);
    }

    public int[] integers(int field) {
        return table == null ? new int[0] : table.ints(field);
    }

    public float[] reals(int field) {
        return table == null ? new float[0] : table.floats(field);
    }
}
