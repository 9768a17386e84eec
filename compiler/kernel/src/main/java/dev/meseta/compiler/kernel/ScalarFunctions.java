package dev.meseta.compiler.kernel;

import dev.meseta.graph.DType;
import dev.meseta.graph.FloatFormat;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;

/**
 * The scalar functions and conversions on one element, in plain Java: what every emitter must agree with. Integers are held as longs,
 * sign- or zero-extended from their type (U64 as its bits), BOOL as 0 or 1; F32 as a double that a float has.
 */
public final class ScalarFunctions {
    private ScalarFunctions() {}

    /** A function on integers or BOOL; for predicates {@code type} is the operands' type. */
    public static long integer(MapFunction f, DType type, long... v) {
        long a = v[0];
        long b = v.length > 1 ? v[1] : 0;
        boolean signed = type.isSigned();
        int bits = type.bits();
        return switch (f) {
            case NEG -> wrap(-a, type);
            case ABS -> wrap(signed ? Math.abs(a) : a, type);
            case SIGN -> signed ? Long.signum(a) : a == 0 ? 0 : 1;
            case NOT -> type == DType.BOOL ? a ^ 1 : wrap(~a, type);
            case ADD -> wrap(a + b, type);
            case SUB -> wrap(a - b, type);
            case MUL -> wrap(a * b, type);
            case DIV -> b == 0 ? 0 : wrap(signed ? a / b : Long.divideUnsigned(a, b), type);
            case REM -> b == 0 ? 0 : signed ? a % b : Long.remainderUnsigned(a, b);
            case MOD -> b == 0 ? 0 : signed ? Math.floorMod(a, b) : Long.remainderUnsigned(a, b);
            case POW -> power(a, b, type);
            case MIN -> compare(a, b, type) <= 0 ? a : b;
            case MAX -> compare(a, b, type) >= 0 ? a : b;
            case AND -> a & b;
            case OR -> a | b;
            case XOR -> a ^ b;
            case SHIFT_LEFT -> Long.compareUnsigned(zeroExtend(b, type), bits) >= 0 ? 0 : wrap(a << b, type);
            case SHIFT_RIGHT -> {
                boolean all = Long.compareUnsigned(zeroExtend(b, type), bits) >= 0;
                yield signed ? a >> (all ? 63 : b) : all ? 0 : a >>> b;
            }
            case EQ -> a == b ? 1 : 0;
            case NE -> a != b ? 1 : 0;
            case LT -> compare(a, b, type) < 0 ? 1 : 0;
            case LE -> compare(a, b, type) <= 0 ? 1 : 0;
            case GT -> compare(a, b, type) > 0 ? 1 : 0;
            case GE -> compare(a, b, type) >= 0 ? 1 : 0;
            case SELECT -> a != 0 ? b : v[2];
            case CLAMP -> {
                long low = compare(a, b, type) >= 0 ? a : b;
                yield compare(low, v[2], type) <= 0 ? low : v[2];
            }
            default -> throw new IllegalArgumentException(f.text() + " is not defined on " + type);
        };
    }

    /** A function from floats to floats; F32 results are rounded once (transcendental ones from a double that is nearly exact). */
    public static double floating(MapFunction f, DType type, double... v) {
        double r = exact(f, v);
        return type == DType.F32 ? (float) r : r;
    }

    /** A predicate on floats. */
    public static boolean test(MapFunction f, double a, double b) {
        return switch (f) {
            case IS_NAN -> Double.isNaN(a);
            case IS_INF -> Double.isInfinite(a);
            case EQ -> a == b;
            case NE -> a != b;
            case LT -> a < b;
            case LE -> a <= b;
            case GT -> a > b;
            case GE -> a >= b;
            default -> throw new IllegalArgumentException(f.text() + " is not a predicate");
        };
    }

    private static double exact(MapFunction f, double... v) {
        double a = v[0];
        double b = v.length > 1 ? v[1] : 0;
        return switch (f) {
            case NEG -> -a;
            case ABS -> Math.abs(a);
            case SIGN -> Math.signum(a);
            case FLOOR -> Math.floor(a);
            case CEIL -> Math.ceil(a);
            case ROUND -> Math.rint(a);
            case TRUNC -> a < 0 ? Math.ceil(a) : Math.floor(a);
            case SQRT -> Math.sqrt(a);
            case EXP -> StrictMath.exp(a);
            case LOG -> StrictMath.log(a);
            case LOG1P -> StrictMath.log1p(a);
            case EXPM1 -> StrictMath.expm1(a);
            case SIN -> StrictMath.sin(a);
            case COS -> StrictMath.cos(a);
            case TAN -> StrictMath.tan(a);
            case ASIN -> StrictMath.asin(a);
            case ACOS -> StrictMath.acos(a);
            case ATAN -> StrictMath.atan(a);
            case SINH -> StrictMath.sinh(a);
            case COSH -> StrictMath.cosh(a);
            case TANH -> StrictMath.tanh(a);
            case ASINH -> asinh(a);
            case ACOSH -> acosh(a);
            case ATANH -> atanh(a);
            case ERF -> ErrorFunction.erf(a);
            case SIGMOID -> a >= 0 ? 1 / (1 + StrictMath.exp(-a)) : StrictMath.exp(a) / (1 + StrictMath.exp(a));
            case ADD -> a + b;
            case SUB -> a - b;
            case MUL -> a * b;
            case DIV -> a / b;
            case REM -> a % b;
            case MOD -> floorMod(a, b);
            case POW -> power(a, b);
            case MIN -> Math.min(a, b);
            case MAX -> Math.max(a, b);
            case ATAN2 -> StrictMath.atan2(a, b);
            case SELECT -> a != 0 ? b : v[2];
            case CLAMP -> Math.min(Math.max(a, b), v[2]);
            default -> throw new IllegalArgumentException(f.text() + " is not defined on floats");
        };
    }

    /** C's pow: 1 to any power and anything to the power 0 are 1, NaN included; (-1)^±infinity is 1. */
    private static double power(double a, double b) {
        if (a == 1 || (a == -1 && Double.isInfinite(b))) return 1;
        return StrictMath.pow(a, b);
    }

    private static double floorMod(double a, double b) {
        double r = a % b;
        if (r == 0) return Math.copySign(0.0, b);
        return (r < 0) != (b < 0) ? r + b : r;
    }

    private static double asinh(double x) {
        double a = Math.abs(x);
        double r = a > 0x1p28
                ? StrictMath.log(a) + StrictMath.log(2)
                : StrictMath.log1p(a + a * a / (1 + Math.sqrt(1 + a * a)));
        return Math.copySign(r, x);
    }

    private static double acosh(double x) {
        if (x < 1) return Double.NaN;
        if (x > 0x1p28) return StrictMath.log(x) + StrictMath.log(2);
        double t = x - 1;
        return StrictMath.log1p(t + Math.sqrt(2 * t + t * t));
    }

    private static double atanh(double x) {
        return Math.copySign(0.5 * StrictMath.log1p(2 * Math.abs(x) / (1 - Math.abs(x))), x);
    }

    private static long power(long x, long y, DType type) {
        if (type.isSigned() && y < 0) return x == 1 ? 1 : x == -1 ? ((y & 1) == 0 ? 1 : -1) : 0;
        long result = 1;
        for (long base = x, n = y; n != 0; n >>>= 1, base *= base) {
            if ((n & 1) != 0) result *= base;
        }
        return wrap(result, type);
    }

    private static int compare(long a, long b, DType type) {
        return type.isSigned() ? Long.compare(a, b) : Long.compareUnsigned(a, b);
    }

    private static long zeroExtend(long v, DType type) {
        return type.bits() == 64 ? v : v & ((1L << type.bits()) - 1);
    }

    /** The low bits of a number as a value of an integer type. */
    public static long wrap(long v, DType type) {
        if (type == DType.BOOL) return v & 1;
        int free = 64 - type.bits();
        return type.isSigned() ? v << free >> free : v << free >>> free;
    }

    // Conversions

    /** A float converted to a float type. */
    public static double toFloat(double v, DType to, Op.Cast.Rounding rounding) {
        return switch (to) {
            case F64 -> v;
            case F32 -> (float) v;
            case F16 -> Float.float16ToFloat(FloatFormat.doubleToF16(v));
            case BF16 -> FloatFormat.bf16ToFloat(FloatFormat.doubleToBf16(v));
            case F8E8M0 -> {
                FloatFormat format = FloatFormat.of(to);
                yield format.decode(
                        switch (rounding) {
                            case UP -> format.encodeUp(v);
                            case DOWN -> format.encodeDown(v);
                            default -> format.encode(v, rounding != Op.Cast.Rounding.WRAP);
                        });
            }
            default -> {
                FloatFormat format = FloatFormat.of(to);
                yield format.decode(format.encode(v, rounding != Op.Cast.Rounding.WRAP));
            }
        };
    }

    /** A float converted to an integer type or BOOL. */
    public static long toInteger(double v, DType to, Op.Cast.Rounding rounding) {
        if (to == DType.BOOL) return v != 0 ? 1 : 0;
        if (Double.isNaN(v)) return 0;
        double whole = rounding == Op.Cast.Rounding.NEAREST ? Math.rint(v) : v < 0 ? Math.ceil(v) : Math.floor(v);
        if (rounding == Op.Cast.Rounding.WRAP) {
            if (to == DType.U64 && whole >= 0x1p63) return unsigned(whole);
            return wrap((long) whole, to);
        }
        if (to == DType.U64) return whole <= 0 ? 0 : unsigned(whole);
        long r = (long) whole;
        return Math.clamp(r, to.minInteger(), to.maxInteger());
    }

    private static long unsigned(double v) {
        if (v < 0x1p63) return (long) v;
        return v >= 0x1p64 ? -1L : (long) (v - 0x1p63) ^ Long.MIN_VALUE;
    }

    /** An integer or BOOL converted to an integer type or BOOL. */
    public static long toInteger(long v, DType from, DType to, Op.Cast.Rounding rounding) {
        if (to == DType.BOOL) return v != 0 ? 1 : 0;
        if (rounding == Op.Cast.Rounding.WRAP || from == DType.BOOL) return wrap(v, to);
        if (from == DType.U64 && v < 0) return to == DType.U64 ? v : to.maxInteger();
        if (to == DType.U64) return Math.max(v, 0);
        return Math.clamp(v, to.minInteger(), to.maxInteger());
    }

    /** An integer or BOOL converted to a float type; rounded once. */
    public static double toFloat(long v, DType from, DType to, Op.Cast.Rounding rounding) {
        boolean unsigned = from == DType.U64;
        if (to != DType.F64) return toFloat(FloatFormat.toOddDouble(v, unsigned), to, rounding);
        return unsigned && v < 0 ? (double) ((v >>> 1) | (v & 1)) * 2 : (double) v;
    }
}
