package dev.meseta.compiler.spirv;

import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;

/**
 * A value of the kernel language in registers: an id for each lane. Of an I64 it is known between which numbers it lies; one that fits 32
 * bits may be held in 32.
 *
 * @param narrow whether an I64 is held in 32 bits, extended by its sign
 * @param low no lane is less; of an I64
 * @param high no lane is greater; of an I64
 * @param zeros every lane ends in so many zero bits at least; of an I64
 */
record Value(DType element, int[] ids, boolean narrow, long low, long high, int zeros) {
    /** More zeros than anybody asks for. */
    static final int MOST_ZEROS = 16;

    static Value of(DType element, int... ids) {
        return new Value(element, ids, false, Long.MIN_VALUE, Long.MAX_VALUE, 0);
    }

    /** An I64 of other lanes of which the same is known. */
    Value like(int... newIds) {
        return new Value(element, newIds, narrow, low, high, zeros);
    }

    /** The zeros at the end of a number. */
    static int zeros(long number) {
        return Math.min(MOST_ZEROS, Long.numberOfTrailingZeros(number));
    }

    Value withZeros(int newZeros) {
        return new Value(element, ids, narrow, low, high, newZeros);
    }

    int lanes() {
        return ids.length;
    }

    int id() {
        return ids[0];
    }

    Type type() {
        return new Type(element, ids.length);
    }

    boolean fits32() {
        return fits32(low, high);
    }

    static boolean fits32(long low, long high) {
        return low >= Integer.MIN_VALUE && high <= Integer.MAX_VALUE;
    }

    /** Whether the number is known. */
    boolean isConstant() {
        return element == DType.I64 && low == high;
    }

    /** The same bits as another element type that is held alike. */
    Value as(DType to) {
        return of(to, ids);
    }

    Value ranged(long newLow, long newHigh) {
        return new Value(element, ids, narrow, newLow, newHigh, zeros);
    }
}
