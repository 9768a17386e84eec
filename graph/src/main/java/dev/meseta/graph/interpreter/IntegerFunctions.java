package dev.meseta.graph.interpreter;

import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;

/**
 * The scalar functions on integers and BOOL, as {@link Elements#longs} gives them. Results that leave the type wrap when they are stored.
 */
final class IntegerFunctions {
    private IntegerFunctions() {}

    static LongUnaryOperator unary(MapFunction f, DType t) {
        return switch (f) {
            case NEG -> x -> -x;
            case ABS -> t.isSigned() ? Math::abs : x -> x;
            case SIGN -> t.isSigned() ? Long::signum : x -> x == 0 ? 0 : 1;
            case NOT -> t == DType.BOOL ? x -> x ^ 1 : x -> ~x;
            default -> throw new AssertionError(f + " is not a unary function of integers");
        };
    }

    static LongBinaryOperator binary(MapFunction f, DType t) {
        boolean unsigned = Elements.isUnsigned64(t);
        return switch (f) {
            case ADD -> Long::sum;
            case SUB -> (x, y) -> x - y;
            case MUL -> (x, y) -> x * y;
            case DIV -> unsigned ? (x, y) -> y == 0 ? 0 : Long.divideUnsigned(x, y) : (x, y) -> y == 0 ? 0 : x / y;
            case REM -> unsigned ? (x, y) -> y == 0 ? 0 : Long.remainderUnsigned(x, y) : (x, y) -> y == 0 ? 0 : x % y;
            case MOD ->
                unsigned
                        ? (x, y) -> y == 0 ? 0 : Long.remainderUnsigned(x, y)
                        : (x, y) -> y == 0 ? 0 : Math.floorMod(x, y);
            case POW -> t.isSigned() ? IntegerFunctions::power : IntegerFunctions::unsignedPower;
            case MIN -> Combining.integers(dev.meseta.graph.ReduceKind.MIN, t);
            case MAX -> Combining.integers(dev.meseta.graph.ReduceKind.MAX, t);
            case AND -> (x, y) -> x & y;
            case OR -> (x, y) -> x | y;
            case XOR -> (x, y) -> x ^ y;
            case SHIFT_LEFT -> (x, y) -> y < 0 || y >= t.bits() ? 0 : x << y;
            case SHIFT_RIGHT -> shiftRight(t);
            default -> throw new AssertionError(f + " is not a binary function of integers");
        };
    }

    private static LongBinaryOperator shiftRight(DType t) {
        if (t.isSigned()) return (x, y) -> x >> (y < 0 || y > 63 ? 63 : y);
        return (x, y) -> y < 0 || y >= t.bits() ? 0 : x >>> y;
    }

    private static long power(long x, long y) {
        if (y >= 0) return unsignedPower(x, y);
        // 1 / x^|y|, truncated, is 0 but for x = 1 and x = -1.
        if (x == 1) return 1;
        if (x == -1) return (y & 1) == 0 ? 1 : -1;
        return 0;
    }

    private static long unsignedPower(long x, long y) {
        long result = 1;
        long square = x;
        for (long bits = y; bits != 0; bits >>>= 1) {
            if ((bits & 1) != 0) result *= square;
            square *= square;
        }
        return result;
    }
}
