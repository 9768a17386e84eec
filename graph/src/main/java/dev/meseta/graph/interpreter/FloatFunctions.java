package dev.meseta.graph.interpreter;

import dev.meseta.graph.MapFunction;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/** The scalar functions on doubles, each within a few units of the last place of a double. */
final class FloatFunctions {
    private static final double TWO_OVER_ROOT_PI = 2 / Math.sqrt(Math.PI);

    /** Beyond this, erf is 1 in double precision. */
    private static final double ERF_IS_ONE = 6;

    /** Below this the series is the better way to erf, above it the continued fraction. */
    private static final double SERIES_UNTIL = 1.25;

    private FloatFunctions() {}

    static DoubleUnaryOperator unary(MapFunction f) {
        return switch (f) {
            case NEG -> x -> -x;
            case ABS -> Math::abs;
            case SIGN -> Math::signum;
            case FLOOR -> Math::floor;
            case CEIL -> Math::ceil;
            case ROUND -> Math::rint;
            case TRUNC -> x -> x < 0 ? Math.ceil(x) : Math.floor(x);
            case SQRT -> Math::sqrt;
            case EXP -> Math::exp;
            case LOG -> Math::log;
            case LOG1P -> Math::log1p;
            case EXPM1 -> Math::expm1;
            case SIN -> Math::sin;
            case COS -> Math::cos;
            case TAN -> Math::tan;
            case ASIN -> Math::asin;
            case ACOS -> Math::acos;
            case ATAN -> Math::atan;
            case SINH -> Math::sinh;
            case COSH -> Math::cosh;
            case TANH -> Math::tanh;
            case ASINH -> FloatFunctions::asinh;
            case ACOSH -> FloatFunctions::acosh;
            case ATANH -> FloatFunctions::atanh;
            case ERF -> FloatFunctions::erf;
            case SIGMOID -> FloatFunctions::sigmoid;
            default -> throw new AssertionError(f + " is not a unary function of floats");
        };
    }

    static DoubleBinaryOperator binary(MapFunction f) {
        return switch (f) {
            case ADD -> Double::sum;
            case SUB -> (x, y) -> x - y;
            case MUL -> (x, y) -> x * y;
            case DIV -> (x, y) -> x / y;
            case REM -> (x, y) -> x % y;
            case MOD -> FloatFunctions::mod;
            case POW -> FloatFunctions::pow;
            case MIN -> Math::min;
            case MAX -> Math::max;
            case ATAN2 -> Math::atan2;
            default -> throw new AssertionError(f + " is not a binary function of floats");
        };
    }

    private static double mod(double x, double y) {
        double r = x % y;
        if (r == 0) return Math.copySign(0.0, y);
        return r < 0 != y < 0 ? r + y : r;
    }

    /** C's pow: 1 for an exponent of 0 and for a base of 1, whatever the other is; Java gives NaN for 1 to NaN or to an infinity. */
    private static double pow(double x, double y) {
        if (x == 1) return 1;
        if (x == -1 && Double.isInfinite(y)) return 1;
        return Math.pow(x, y);
    }

    private static double sigmoid(double x) {
        if (x >= 0) return 1 / (1 + Math.exp(-x));
        double e = Math.exp(x);
        return e / (1 + e);
    }

    private static double asinh(double x) {
        double a = Math.abs(x);
        // Where a*a would overflow or drown the 1, asinh(a) = log(2a).
        double y = a > 0x1p28 ? Math.log(a) + Math.log(2) : Math.log1p(a + a * a / (1 + Math.sqrt(a * a + 1)));
        return Math.copySign(y, x);
    }

    private static double acosh(double x) {
        if (x > 0x1p28) return Math.log(x) + Math.log(2);
        double t = x - 1;
        return Math.log1p(t + Math.sqrt(2 * t + t * t));
    }

    private static double atanh(double x) {
        double a = Math.abs(x);
        return Math.copySign(0.5 * Math.log1p(2 * a / (1 - a)), x);
    }

    /**
     * The error function to about 1e-16. For small arguments the series DLMF 7.6.2, erf(x) = 2/sqrt(pi) e^(-x^2) sum 2^n x^(2n+1) / (2n+1)!!,
     * whose terms are all of one sign; for large ones 1 - erfc(x) with the continued fraction DLMF 7.9.3 in its even form,
     * sqrt(pi) e^(x^2) erfc(x) = 2x / (2x^2+1 - 1*2/(2x^2+5 - 3*4/(2x^2+9 - …))). Source: NIST Digital Library of Mathematical Functions.
     */
    static double erf(double x) {
        double a = Math.abs(x);
        if (Double.isNaN(x)) return x;
        if (a >= ERF_IS_ONE) return Math.copySign(1, x);
        return Math.copySign(a < SERIES_UNTIL ? erfSeries(a) : 1 - erfcFraction(a), x);
    }

    private static double erfSeries(double x) {
        double term = x;
        double sum = x;
        double step = 2 * x * x;
        for (int n = 1; term > sum * 0x1p-55; n++) {
            term *= step / (2 * n + 1);
            sum += term;
        }
        return TWO_OVER_ROOT_PI * expOfMinusSquare(x) * sum;
    }

    private static double erfcFraction(double x) {
        double s = 2 * x * x;
        // The smaller x, the more terms it takes; so many leave less than the last place.
        int terms = (int) (150 / (x * x));
        double tail = s + 4 * terms + 1;
        for (int n = terms; n >= 1; n--) tail = s + 4 * n - 3 - (2 * n - 1) * (2.0 * n) / tail;
        return TWO_OVER_ROOT_PI * expOfMinusSquare(x) * x / tail;
    }

    /** e^(-x^2) with the rounding error of the square made good. */
    private static double expOfMinusSquare(double x) {
        double square = x * x;
        double error = Math.fma(x, x, -square);
        return Math.exp(-square) * (1 - error);
    }
}
