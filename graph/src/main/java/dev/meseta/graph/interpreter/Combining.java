package dev.meseta.graph.interpreter;

import dev.meseta.graph.DType;
import dev.meseta.graph.ReduceKind;
import java.util.function.DoubleBinaryOperator;
import java.util.function.LongBinaryOperator;

/** What two elements become in a reduction or a scatter. */
final class Combining {
    private Combining() {}

    static DoubleBinaryOperator floats(ReduceKind kind) {
        return switch (kind) {
            case SUM -> Double::sum;
            case PROD -> (a, b) -> a * b;
            case MIN -> Math::min;
            case MAX -> Math::max;
            case AND, OR -> throw new AssertionError(kind);
        };
    }

    static double floatIdentity(ReduceKind kind) {
        return switch (kind) {
            case SUM -> 0;
            case PROD -> 1;
            case MIN -> Double.POSITIVE_INFINITY;
            case MAX -> Double.NEGATIVE_INFINITY;
            case AND, OR -> throw new AssertionError(kind);
        };
    }

    /** For values as {@link Elements#longs} gives them; sums and products wrap when they are stored. */
    static LongBinaryOperator integers(ReduceKind kind, DType dtype) {
        boolean unsigned = Elements.isUnsigned64(dtype);
        return switch (kind) {
            case SUM -> Long::sum;
            case PROD -> (a, b) -> a * b;
            case MIN -> unsigned ? (a, b) -> Long.compareUnsigned(a, b) <= 0 ? a : b : Math::min;
            case MAX -> unsigned ? (a, b) -> Long.compareUnsigned(a, b) >= 0 ? a : b : Math::max;
            case AND -> (a, b) -> a & b;
            case OR -> (a, b) -> a | b;
        };
    }

    static long integerIdentity(ReduceKind kind, DType dtype) {
        return switch (kind) {
            case SUM, OR -> 0;
            case PROD, AND -> 1;
            case MIN -> dtype.maxInteger();
            case MAX -> dtype.minInteger();
        };
    }
}
