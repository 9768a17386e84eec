package dev.meseta.graph;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.StringJoiner;

/**
 * Literals in the text form, without a loss: floats as the shortest decimals that give the same bits back, or as the bits in hexadecimal
 * where no decimal does (a NaN with a payload).
 */
final class TensorText {
    /** More elements than this are given as base64 of the bytes. */
    private static final long LARGEST_DENSE = 64;

    private static final long LARGEST_TEXT = 1L << 30;

    private TensorText() {}

    static String print(Tensor t, long largestShown) {
        if (t.elements() > 1 && isSplat(t)) return "splat(" + element(t, 0) + ")";
        if (t.elements() > largestShown) return "elided(\"" + hash(t.data()) + "\")";
        if (t.elements() > LARGEST_DENSE) {
            if (t.data().byteSize() > LARGEST_TEXT)
                throw new IllegalArgumentException("a constant " + t.type() + " is too large for the text form");
            return "base64(\"" + Base64.getEncoder().encodeToString(t.data().toArray(JAVA_BYTE)) + "\")";
        }
        StringJoiner j = new StringJoiner(", ", "dense(", ")");
        for (long i = 0; i < t.elements(); i++) j.add(element(t, i));
        return j.toString();
    }

    private static boolean isSplat(Tensor t) {
        long size = t.dtype().bytes();
        // All bytes equal those one element further on.
        long rest = t.data().byteSize() - size;
        return t.data().asSlice(0, rest).mismatch(t.data().asSlice(size, rest)) == -1;
    }

    private static String hash(MemorySegment data) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            byte[] piece = new byte[1 << 16];
            for (long at = 0; at < data.byteSize(); at += piece.length) {
                int n = (int) Math.min(piece.length, data.byteSize() - at);
                MemorySegment.copy(data, JAVA_BYTE, at, piece, 0, n);
                sha.update(piece, 0, n);
            }
            return HexFormat.of().formatHex(sha.digest(), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private static String element(Tensor t, long i) {
        return switch (t.dtype()) {
            case BOOL -> t.getLong(i) != 0 ? "true" : "false";
            case U64 -> Long.toUnsignedString(t.getLong(i));
            case F32 -> exact(t, i, number((float) t.getDouble(i)));
            case C64, C128 -> hexadecimal(t, i);
            default -> t.dtype().isFloat() ? exact(t, i, number(t.getDouble(i))) : Long.toString(t.getLong(i));
        };
    }

    /** The decimal, if reading it gives the same bytes; else the bytes. */
    private static String exact(Tensor t, long i, String decimal) {
        Tensor back = Tensor.allocate(TensorType.of(t.dtype()));
        read(back, 0, decimal);
        long size = t.dtype().bytes();
        boolean same = back.data().mismatch(t.data().asSlice(i * size, size)) == -1;
        return same ? decimal : hexadecimal(t, i);
    }

    /** The bytes of an element, the most significant first. */
    private static String hexadecimal(Tensor t, long i) {
        StringBuilder b = new StringBuilder("0x");
        for (long k = t.dtype().bytes() - 1; k >= 0; k--)
            b.append(String.format("%02x", t.data().get(JAVA_BYTE, i * t.dtype().bytes() + k)));
        return b.toString();
    }

    static String number(double d) {
        if (Double.isNaN(d)) return "nan";
        return Double.isInfinite(d) ? (d > 0 ? "inf" : "-inf") : Double.toString(d);
    }

    static String number(float f) {
        if (Float.isNaN(f)) return "nan";
        return Float.isInfinite(f) ? (f > 0 ? "inf" : "-inf") : Float.toString(f);
    }

    /** Stores an element as {@link #element} writes it. Throws {@link NumberFormatException} with what is wrong. */
    static void read(Tensor t, long i, String text) {
        DType d = t.dtype();
        if (text.startsWith("0x")) readHexadecimal(t, i, text.substring(2));
        else if (d == DType.BOOL) t.setLong(i, readBoolean(text));
        else if (d.isFloat()) readFloat(t, i, text);
        else if (d == DType.U64) t.setLong(i, Long.parseUnsignedLong(text));
        else if (d.isInteger()) {
            long v = Long.parseLong(text);
            if (v < d.minInteger() || v > d.maxInteger())
                throw new NumberFormatException(text + " is not a value of " + d);
            t.setLong(i, v);
        } else throw new NumberFormatException("an element of " + d + " is written as its bytes, 0x…");
    }

    private static long readBoolean(String text) {
        return switch (text) {
            case "true" -> 1;
            case "false" -> 0;
            default -> throw new NumberFormatException("a bool is true or false, found " + text);
        };
    }

    private static void readFloat(Tensor t, long i, String text) {
        double v = switch (text) {
            case "nan" -> Double.NaN;
            case "inf" -> Double.POSITIVE_INFINITY;
            case "-inf" -> Double.NEGATIVE_INFINITY;
            // A decimal that is the shortest for a float is not always so for the nearest double.
            default -> t.dtype() == DType.F32 ? Float.parseFloat(text) : Double.parseDouble(text);
        };
        t.setDouble(i, v);
    }

    private static void readHexadecimal(Tensor t, long i, String digits) {
        int size = t.dtype().bytes();
        if (digits.length() != 2 * size)
            throw new NumberFormatException("an element of " + t.dtype() + " has " + 2 * size + " hexadecimal digits");
        byte[] bytes;
        try {
            bytes = HexFormat.of().parseHex(digits);
        } catch (IllegalArgumentException e) {
            throw new NumberFormatException("0x" + digits + " is not hexadecimal");
        }
        for (int k = 0; k < size; k++) t.data().set(JAVA_BYTE, i * size + k, bytes[size - 1 - k]);
    }
}
