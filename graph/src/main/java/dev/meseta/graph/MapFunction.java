package dev.meseta.graph;

import java.util.Locale;

/**
 * The scalar functions that {@link Op.Map} applies element by element. Floats narrower than 32 bits compute in F32 and round once.
 * Unless stated otherwise the result has the operands' type.
 */
public enum MapFunction {
    NEG(1, Domain.ARITHMETIC, "-x; integers wrap"),
    ABS(1, Domain.ARITHMETIC, "|x|; the smallest signed integer wraps to itself"),
    SIGN(1, Domain.ARITHMETIC, "-1, 0 or 1; NaN gives NaN"),
    FLOOR(1, Domain.FLOAT, "largest integral value not above x"),
    CEIL(1, Domain.FLOAT, "smallest integral value not below x"),
    ROUND(1, Domain.FLOAT, "nearest integral value, ties to even"),
    TRUNC(1, Domain.FLOAT, "integral value nearest to x and not larger in magnitude"),
    SQRT(1, Domain.FLOAT, "square root"),
    EXP(1, Domain.FLOAT, "e^x"),
    LOG(1, Domain.FLOAT, "natural logarithm"),
    LOG1P(1, Domain.FLOAT, "log(1+x), accurate near 0"),
    EXPM1(1, Domain.FLOAT, "e^x - 1, accurate near 0"),
    SIN(1, Domain.FLOAT, "sine"),
    COS(1, Domain.FLOAT, "cosine"),
    TAN(1, Domain.FLOAT, "tangent"),
    ASIN(1, Domain.FLOAT, "inverse sine"),
    ACOS(1, Domain.FLOAT, "inverse cosine"),
    ATAN(1, Domain.FLOAT, "inverse tangent"),
    SINH(1, Domain.FLOAT, "hyperbolic sine"),
    COSH(1, Domain.FLOAT, "hyperbolic cosine"),
    TANH(1, Domain.FLOAT, "hyperbolic tangent"),
    ASINH(1, Domain.FLOAT, "inverse hyperbolic sine"),
    ACOSH(1, Domain.FLOAT, "inverse hyperbolic cosine"),
    ATANH(1, Domain.FLOAT, "inverse hyperbolic tangent"),
    ERF(1, Domain.FLOAT, "error function"),
    SIGMOID(1, Domain.FLOAT, "1 / (1 + e^-x), without overflow"),
    NOT(1, Domain.BITS, "all bits inverted; logical not for BOOL"),
    IS_NAN(1, Domain.FLOAT, "BOOL: x is not a number"),
    IS_INF(1, Domain.FLOAT, "BOOL: x is an infinity"),
    ADD(2, Domain.ARITHMETIC, "x + y; integers wrap"),
    SUB(2, Domain.ARITHMETIC, "x - y; integers wrap"),
    MUL(2, Domain.ARITHMETIC, "x * y; integers wrap"),
    DIV(2, Domain.ARITHMETIC, "x / y; integers truncate towards zero, x / 0 = 0 and the smallest / -1 = the smallest"),
    REM(2, Domain.ARITHMETIC, "remainder with the sign of x (C's fmod and %); integers: x rem 0 = 0"),
    MOD(2, Domain.ARITHMETIC, "remainder with the sign of y (Python's %); integers: x mod 0 = 0"),
    POW(
            2,
            Domain.ARITHMETIC,
            "x^y; integers by repeated multiplication, wrapping; a negative exponent truncates 1/x^|y|, 0 for x = 0"),
    MIN(2, Domain.ARITHMETIC, "the lesser; NaN if either is NaN"),
    MAX(2, Domain.ARITHMETIC, "the greater; NaN if either is NaN"),
    ATAN2(2, Domain.FLOAT, "angle of the point (y=x0, x=x1)"),
    AND(2, Domain.BITS, "bitwise and; logical for BOOL"),
    OR(2, Domain.BITS, "bitwise or; logical for BOOL"),
    XOR(2, Domain.BITS, "bitwise exclusive or; logical for BOOL"),
    SHIFT_LEFT(2, Domain.INTEGER, "x << y; 0 where y is at least the width (y is unsigned)"),
    SHIFT_RIGHT(2, Domain.INTEGER, "x >> y, arithmetic for signed x; a y of at least the width leaves only sign bits"),
    EQ(2, Domain.ANY, "BOOL: x = y; false for NaN"),
    NE(2, Domain.ANY, "BOOL: x != y; true for NaN"),
    LT(2, Domain.ARITHMETIC, "BOOL: x < y"),
    LE(2, Domain.ARITHMETIC, "BOOL: x <= y"),
    GT(2, Domain.ARITHMETIC, "BOOL: x > y"),
    GE(2, Domain.ARITHMETIC, "BOOL: x >= y"),
    SELECT(3, Domain.ANY, "x0 ? x1 : x2, x0 BOOL; the result has the type of x1 and x2"),
    CLAMP(3, Domain.ARITHMETIC, "min(max(x0, x1), x2): NaN stays, and x2 wins where x1 > x2");

    /** Element types a function is defined on. */
    public enum Domain {
        /** Floats. */
        FLOAT,
        /** Integers of 8 bits and more. */
        INTEGER,
        /** Integers of 8 bits and more, and BOOL. */
        BITS,
        /** Floats of 16 bits and more and integers of 8 bits and more. */
        ARITHMETIC,
        /** Every type but the complex ones. */
        ANY
    }

    private final int arity;
    private final Domain domain;
    private final String meaning;

    MapFunction(int arity, Domain domain, String meaning) {
        this.arity = arity;
        this.domain = domain;
        this.meaning = meaning;
    }

    /** Number of operands, 1 to 3. */
    public int arity() {
        return arity;
    }

    public Domain domain() {
        return domain;
    }

    /** What the function computes, for the documentation. */
    public String meaning() {
        return meaning;
    }

    /** Whether the result is BOOL whatever the operands are. */
    public boolean isPredicate() {
        return switch (this) {
            case IS_NAN, IS_INF, EQ, NE, LT, LE, GT, GE -> true;
            default -> false;
        };
    }

    public boolean accepts(DType dtype) {
        return switch (domain) {
            case FLOAT -> dtype.isFloat() && dtype.isArithmetic();
            case INTEGER -> dtype.isInteger() && dtype.isArithmetic();
            case BITS -> dtype == DType.BOOL || dtype.isInteger() && dtype.isArithmetic();
            case ARITHMETIC -> dtype.isArithmetic();
            case ANY -> dtype.kind() != DType.Kind.COMPLEX;
        };
    }

    /** The name in the text form, such as {@code shift_left}. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }
}
