package dev.meseta.compiler.spirv;

import dev.meseta.compiler.kernel.Polynomials;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;

/**
 * Elementary functions of F32, by a reduction of the argument and a polynomial: what Vulkan promises of its own is too little. The most
 * used ones compute in F32 and are off by a few units in the last place, whether or not the device rounds a fused product once; the others
 * go by way of F64. The polynomials are Chebyshev fits to the function that the comment beside them names.
 */
final class Elementary {
    /** (e^r - 1 - r) / r^2 for |r| up to log(2) / 2. */
    private static final double[] EXP = Polynomials.exponential();
    /** erf(x) / x - 1 over x^2, up to 0.93. */
    private static final double[] ERF_NEAR = Polynomials.errorFunctionNear();
    /** log(1 - erf(x)) from 0.92 to 4. */
    private static final double[] ERF_FAR = Polynomials.errorFunctionFar();

    private static final double LOG2_E = 1.4426950408889634;
    /** The first nine bits of log(2): times a whole number below 2^15 it is exact. */
    private static final double LN2 = 0.693359375;

    private static final double LN2_LOW = -2.1219444005469057e-4;

    private final LaneBuilder b;
    private final WideElementary wide;

    Elementary(LaneBuilder builder) {
        this.b = builder;
        this.wide = new WideElementary(builder);
    }

    /** @param c the last operand; of a function of one, the same as the first */
    Value apply(MapFunction f, Value a, Value c) {
        if (a.element() == DType.F64) return wide.apply(f, a, c);
        return switch (f) {
            case EXP -> exp(a);
            case TANH -> tanh(a);
            case SIGMOID -> sigmoid(a);
            case ERF -> erf(a);
            default -> {
                Value x = b.cast(Opcode.F_CONVERT, a, DType.F64);
                Value y = f.arity() == 1 ? x : b.cast(Opcode.F_CONVERT, c, DType.F64);
                yield b.cast(Opcode.F_CONVERT, wide.apply(f, x, y), DType.F32);
            }
        };
    }

    /** Coefficients from the lowest power on. */
    static Value polynomial(LaneBuilder b, Value x, double[] c) {
        Value sum = b.real(x, c[c.length - 1]);
        for (int i = c.length - 2; i >= 0; i--) sum = b.fma(sum, x, b.real(x, c[i]));
        return sum;
    }

    /** No less than the limit; NaN stays. */
    static Value atLeast(LaneBuilder b, Value v, double limit) {
        Value l = b.real(v, limit);
        return b.select(b.compare(Opcode.F_ORD_LESS_THAN, v, l), l, v);
    }

    static Value atMost(LaneBuilder b, Value v, double limit) {
        Value l = b.real(v, limit);
        return b.select(b.compare(Opcode.F_ORD_GREATER_THAN, v, l), l, v);
    }

    /** e^x = 2^n e^r: n as an integer, and e^r - 1. */
    record Exponential(Value n, Value remainder) {}

    private Exponential reduce(Value x) {
        Value n = b.whole(LaneBuilder.ROUND_EVEN, b.op(Opcode.F_MUL, x, b.real(x, LOG2_E)));
        Value r = b.fma(n, b.real(x, -LN2_LOW), b.fma(n, b.real(x, -LN2), x));
        Value q = b.fma(b.op(Opcode.F_MUL, r, r), polynomial(b, r, EXP), r);
        // NaN has no integer.
        Value number = b.select(b.isNan(n), b.real(n, 0), n);
        return new Exponential(b.cast(Opcode.CONVERT_F_TO_S, number, DType.I32), q);
    }

    /** 2^n for n from -126 to 127. */
    private Value power(Value n) {
        Value biased = b.op(Opcode.I_ADD, n, b.integer(n, 127));
        return b.bits(b.op(Opcode.SHIFT_LEFT_LOGICAL, biased, b.integer(n, 23)), DType.F32);
    }

    /** In two factors, so that subnormal results round once and the largest are reached. */
    private Value exp(Value x) {
        Exponential e = reduce(atMost(b, atLeast(b, x, -104), 89));
        Value half = b.op(Opcode.SHIFT_RIGHT_ARITHMETIC, e.n(), b.integer(e.n(), 1));
        Value p = b.op(Opcode.F_ADD, e.remainder(), b.real(x, 1));
        Value first = b.op(Opcode.F_MUL, p, power(half));
        return b.op(Opcode.F_MUL, first, power(b.op(Opcode.I_SUB, e.n(), half)));
    }

    /** With e = e^(-2|x|) - 1, the result is -e / (2 + e). */
    private Value tanh(Value x) {
        Value y = b.op(Opcode.F_MUL, b.abs(x), b.real(x, -2));
        Exponential p = reduce(atLeast(b, y, -40));
        Value scale = power(p.n());
        Value e = b.fma(scale, p.remainder(), b.op(Opcode.F_SUB, scale, b.real(x, 1)));
        Value r = b.op(Opcode.F_DIV, b.negate(e), b.op(Opcode.F_ADD, e, b.real(x, 2)));
        return b.copySign(r, x);
    }

    /** 1 / (1 + e) or e / (1 + e) with e = e^-|x|. */
    private Value sigmoid(Value x) {
        Value e = exp(b.negate(b.abs(x)));
        Value below = b.compare(Opcode.F_ORD_LESS_THAN, x, b.real(x, 0));
        return b.op(Opcode.F_DIV, b.select(below, e, b.real(x, 1)), b.op(Opcode.F_ADD, e, b.real(x, 1)));
    }

    /** x + x P(x^2) near 0, 1 - e^Q(x) elsewhere. */
    private Value erf(Value x) {
        Value a = atMost(b, b.abs(x), 4);
        Value near = b.fma(x, polynomial(b, b.op(Opcode.F_MUL, x, x), ERF_NEAR), x);
        Exponential e = reduce(atLeast(b, polynomial(b, a, ERF_FAR), -40));
        Value scale = power(e.n());
        Value far =
                b.op(Opcode.F_SUB, b.op(Opcode.F_SUB, b.real(x, 1), scale), b.op(Opcode.F_MUL, scale, e.remainder()));
        return b.select(b.compare(Opcode.F_ORD_GREATER_THAN, a, b.real(x, 0.925)), b.copySign(far, x), near);
    }
}
