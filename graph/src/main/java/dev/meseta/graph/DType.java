package dev.meseta.graph;

import java.util.Locale;

/**
 * Element types. In memory every element takes {@link #bytes()} whole bytes, little-endian; types narrower than a byte take one
 * byte an element (the packed forms of model files are unpacked when a file is read).
 */
public enum DType {
    F64(Kind.FLOAT, 64, 8),
    F32(Kind.FLOAT, 32, 4),
    F16(Kind.FLOAT, 16, 2),
    BF16(Kind.FLOAT, 16, 2),
    F8E4M3FN(Kind.FLOAT, 8, 1),
    F8E4M3FNUZ(Kind.FLOAT, 8, 1),
    F8E5M2(Kind.FLOAT, 8, 1),
    F8E5M2FNUZ(Kind.FLOAT, 8, 1),
    F8E8M0(Kind.FLOAT, 8, 1),
    F4E2M1(Kind.FLOAT, 4, 1),
    I64(Kind.SIGNED, 64, 8),
    I32(Kind.SIGNED, 32, 4),
    I16(Kind.SIGNED, 16, 2),
    I8(Kind.SIGNED, 8, 1),
    I4(Kind.SIGNED, 4, 1),
    I2(Kind.SIGNED, 2, 1),
    U64(Kind.UNSIGNED, 64, 8),
    U32(Kind.UNSIGNED, 32, 4),
    U16(Kind.UNSIGNED, 16, 2),
    U8(Kind.UNSIGNED, 8, 1),
    U4(Kind.UNSIGNED, 4, 1),
    U2(Kind.UNSIGNED, 2, 1),
    /** One byte, 0 or 1. */
    BOOL(Kind.BOOL, 1, 1),
    /** Two F32, real then imaginary; movement only. */
    C64(Kind.COMPLEX, 64, 8),
    /** Two F64, real then imaginary; movement only. */
    C128(Kind.COMPLEX, 128, 16);

    /** What arithmetic an element type takes part in. */
    public enum Kind {
        FLOAT,
        SIGNED,
        UNSIGNED,
        BOOL,
        COMPLEX
    }

    private final Kind kind;
    private final int bits;
    private final int bytes;

    DType(Kind kind, int bits, int bytes) {
        this.kind = kind;
        this.bits = bits;
        this.bytes = bytes;
    }

    public Kind kind() {
        return kind;
    }

    /** Width of the value in bits, 1 to 128. */
    public int bits() {
        return bits;
    }

    /** Width of an element in memory in bytes, 1 to 16. */
    public int bytes() {
        return bytes;
    }

    public boolean isFloat() {
        return kind == Kind.FLOAT;
    }

    public boolean isSigned() {
        return kind == Kind.SIGNED;
    }

    public boolean isUnsigned() {
        return kind == Kind.UNSIGNED;
    }

    public boolean isInteger() {
        return kind == Kind.SIGNED || kind == Kind.UNSIGNED;
    }

    /** Whether arithmetic (as opposed to movement, casts and quantisation) is defined: floats from 16 bits and integers from 8 bits. */
    public boolean isArithmetic() {
        return isFloat() ? bits >= 16 : isInteger() && bits >= 8;
    }

    /** The type in which arithmetic on this type is done before the result is rounded back: F32 for the narrow floats, else itself. */
    public DType computeType() {
        return isFloat() && bits < 32 ? F32 : this;
    }

    /** Smallest value of an integer type, as a signed 64-bit number. */
    public long minInteger() {
        return isSigned() ? -1L << (bits - 1) : 0L;
    }

    /** Largest value of an integer type; for U64 the bits of 2^64-1. */
    public long maxInteger() {
        return isSigned() ? ~(-1L << (bits - 1)) : bits == 64 ? -1L : (1L << bits) - 1;
    }

    /** The name in the text form, such as {@code f32}. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    @Override
    public String toString() {
        return text();
    }

    /** The type named so in the text form; throws {@link IllegalArgumentException} for an unknown name. */
    public static DType parse(String text) {
        for (DType t : values()) {
            if (t.text().equals(text)) return t;
        }
        throw new IllegalArgumentException("unknown element type '" + text + "'");
    }
}
