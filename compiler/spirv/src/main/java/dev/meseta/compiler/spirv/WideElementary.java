package dev.meseta.compiler.spirv;

import static dev.meseta.compiler.spirv.Elementary.atLeast;
import static dev.meseta.compiler.spirv.Elementary.atMost;
import static dev.meseta.compiler.spirv.Elementary.polynomial;

import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;

/**
 * Elementary functions of F64, which Vulkan has none of: a few units in the last place, but for pow, whose error grows with the exponent of
 * its result, and for the angles of sin, cos and tan beyond 2^20, of which only the first 86 bits of pi are taken off. The polynomials are
 * Chebyshev fits to the function that the comment beside them names.
 */
final class WideElementary {
    /** (e^r - 1 - r) / r^2 for |r| up to log(2) / 2. */
    private static final double[] EXP = {
        0.5,
        0.16666666666666666,
        0.04166666666666668,
        0.008333333333333333,
        0.0013888888888878854,
        0.00019841269841263152,
        2.480158733702903e-05,
        2.755731924760984e-06,
        2.75572626528368e-07,
        2.5052070676884162e-08,
        2.091836877654225e-09,
        1.6086781948613066e-10
    };
    /** (log((1+s)/(1-s)) - 2s) / s^3 over s^2, for s from log's reduction. */
    private static final double[] LOG = {
        0.6666666666666666,
        0.3999999999999999,
        0.2857142857143587,
        0.22222222219707385,
        0.18181818615597373,
        0.15384573417354122,
        0.13335712484440973,
        0.11686477869572265,
        0.11896837141079415
    };
    /** (sin(r) / r - 1) / r^2 over r^2, up to pi/4. */
    private static final double[] SIN = {
        -0.16666666666666666,
        0.008333333333333333,
        -0.00019841269841269839,
        2.75573192239807e-06,
        -2.5052108382187575e-08,
        1.6059042728997497e-10,
        -7.646954752880791e-13,
        2.790917722674649e-15
    };
    /** (cos(r) - 1) / r^2 over r^2, up to pi/4. */
    private static final double[] COS = {
        -0.5,
        0.041666666666666664,
        -0.001388888888888888,
        2.4801587301577445e-05,
        -2.755731921780665e-07,
        2.087675488416982e-09,
        -1.1470348734402747e-11,
        4.740466768613352e-14
    };
    /** (atan(x) / x - 1) / x^2 over x^2, up to tan(pi/8). */
    private static final double[] ATAN = {
        -0.3333333333333333,
        0.1999999999999999,
        -0.1428571428571135,
        0.11111111110735426,
        -0.09090909065860558,
        0.07692306695758731,
        -0.06666641129767195,
        0.05881912324223718,
        -0.052579166231171676,
        0.047185995157002183,
        -0.04101230625233316,
        0.030561639140718303,
        -0.013843492675425359
    };
    /** erf(x) / x - 1 over x^2, up to 1. */
    private static final double[] ERF_NEAR = {
        0.1283791670955126,
        -0.37612638903183754,
        0.11283791670955126,
        -0.026866170645131218,
        0.005223977625441668,
        -0.000854832702340254,
        0.00012055332978854427,
        -1.492565023604373e-05,
        1.6462110758341477e-06,
        -1.636576822227565e-07,
        1.4806021764755666e-08,
        -1.227768795002617e-09,
        9.323460781924857e-11,
        -6.195864282997604e-12,
        2.8054220986137053e-13
    };
    /** (1 - erf(x)) e^(x^2) over 1 / (1 + x/2), from 1 to 6.2. */
    private static final double[] ERF_FAR = {
        1.2161457564313128e-09,
        0.28209472679751185,
        0.28209643204211055,
        0.2468069410757064,
        0.17659934124322232,
        0.08132784957228571,
        0.011213891584345234,
        -0.13658404688727155,
        0.2734570989884977,
        -1.0816787135609758,
        2.905208015868852,
        -5.955890981394049,
        9.78368240669988,
        -11.746456604351792,
        8.578139444337104,
        -0.892613924378022,
        -6.139157873491273,
        8.125631213191944,
        -5.701252603992664,
        2.452818583292751,
        -0.6150497939728888,
        0.06960865589024841
    };

    private static final double LOG2_E = 1.4426950408889634;
    /** log(2) and pi/2 in parts: times a whole number below 2^20 the first ones are exact. */
    private static final double LN2 = 6.93147180369123816490e-01;

    private static final double LN2_LOW = 1.90821492927058770002e-10;
    private static final double[] PI_2 = {1.57079632673412561417, 6.07710050630396597660e-11, 2.02226624879595063154e-21
    };
    private static final double TWO_54 = 0x1p54;

    private final LaneBuilder b;

    WideElementary(LaneBuilder builder) {
        this.b = builder;
    }

    Value apply(MapFunction f, Value x, Value y) {
        return switch (f) {
            case EXP -> exp(x);
            case LOG -> log(x);
            case LOG1P -> log1p(x);
            case EXPM1 -> expm1(x);
            case SIN, COS, TAN -> angle(f, x);
            case ASIN -> atan2(x, cathetus(x));
            case ACOS -> atan2(cathetus(x), x);
            case ATAN -> atan2(x, real(x, 1));
            case ATAN2 -> atan2(x, y);
            case SINH -> sinh(x);
            case COSH -> cosh(x);
            case TANH -> tanh(x);
            case ASINH -> asinh(x);
            case ACOSH -> acosh(x);
            case ATANH -> atanh(x);
            case ERF -> erf(x);
            case SIGMOID -> {
                Value e = exp(b.negate(b.abs(x)));
                yield div(b.select(less(x, 0), e, real(x, 1)), add(e, real(x, 1)));
            }
            case POW -> pow(x, y);
            case REM -> remainder(x, y);
            case MOD -> {
                Value r = remainder(x, y);
                Value zero = equal(r, 0);
                Value differ = b.op(Opcode.LOGICAL_NOT_EQUAL, less(r, 0), less(y, 0));
                Value some = b.select(differ, add(r, y), r);
                yield b.select(zero, b.copySign(real(x, 0), y), some);
            }
            default -> throw new IllegalArgumentException(f.text() + " is not defined on " + x.type());
        };
    }

    private Value real(Value like, double v) {
        return b.real(DType.F64, like.lanes(), v);
    }

    private Value add(Value x, Value y) {
        return b.op(Opcode.F_ADD, x, y);
    }

    private Value sub(Value x, Value y) {
        return b.op(Opcode.F_SUB, x, y);
    }

    private Value mul(Value x, Value y) {
        return b.op(Opcode.F_MUL, x, y);
    }

    private Value mul(Value x, double y) {
        return mul(x, real(x, y));
    }

    private Value div(Value x, Value y) {
        return b.op(Opcode.F_DIV, x, y);
    }

    private Value equal(Value x, double y) {
        return b.compare(Opcode.F_ORD_EQUAL, x, real(x, y));
    }

    private Value less(Value x, double y) {
        return b.compare(Opcode.F_ORD_LESS_THAN, x, real(x, y));
    }

    private Value above(Value x, double y) {
        return b.compare(Opcode.F_ORD_GREATER_THAN, x, real(x, y));
    }

    private Value nanIfEither(Value x, Value y, Value r) {
        return b.select(b.or(b.isNan(x), b.isNan(y)), real(x, Double.NaN), r);
    }

    // Exponentials

    /** The nearest integer as I64; of NaN 0. */
    private Value whole(Value n) {
        return b.cast(Opcode.CONVERT_F_TO_S, b.select(b.isNan(n), real(n, 0), n), DType.I64);
    }

    private Elementary.Exponential reduce(Value x) {
        Value n = b.whole(LaneBuilder.ROUND_EVEN, mul(x, LOG2_E));
        Value r = b.fma(n, real(x, -LN2_LOW), b.fma(n, real(x, -LN2), x));
        Value q = b.fma(mul(r, r), polynomial(b, r, EXP), r);
        return new Elementary.Exponential(whole(n), q);
    }

    /** 2^n for n from -1022 to 1023. */
    private Value power(Value n) {
        Value biased = b.op(Opcode.I_ADD, n, b.integer(n, 1023));
        return b.bits(b.op(Opcode.SHIFT_LEFT_LOGICAL, biased, b.integer(n, 52)), DType.F64);
    }

    private Value exp(Value x) {
        Elementary.Exponential e = reduce(atMost(b, atLeast(b, x, -746), 710));
        Value half = b.op(Opcode.SHIFT_RIGHT_ARITHMETIC, e.n(), b.integer(e.n(), 1));
        Value p = add(e.remainder(), real(x, 1));
        return mul(mul(p, power(half)), power(b.op(Opcode.I_SUB, e.n(), half)));
    }

    private Value expm1(Value x) {
        Elementary.Exponential e = reduce(atMost(b, atLeast(b, x, -50), 50));
        Value scale = power(e.n());
        Value near = b.fma(scale, e.remainder(), sub(scale, real(x, 1)));
        Value r = b.select(above(x, 50), exp(x), near);
        return b.select(equal(x, 0), x, r);
    }

    private Value sinh(Value x) {
        Value a = b.abs(x);
        Value t = expm1(a);
        Value near = mul(add(t, div(t, add(t, real(x, 1)))), 0.5);
        return b.copySign(b.select(above(a, 30), half(a), near), x);
    }

    private Value cosh(Value x) {
        Value a = b.abs(x);
        Value e = exp(atMost(b, a, 40));
        Value near = mul(add(e, div(real(x, 1), e)), 0.5);
        return b.select(above(a, 30), half(a), near);
    }

    /** e^x / 2 that overflows late. */
    private Value half(Value x) {
        Value e = exp(mul(x, 0.5));
        return mul(mul(e, 0.5), e);
    }

    private Value tanh(Value x) {
        Value e = expm1(atLeast(b, mul(b.abs(x), -2), -50));
        return b.copySign(div(b.negate(e), add(e, real(x, 2))), x);
    }

    // Logarithms

    private Value log(Value x) {
        Value small = less(x, 0x1p-1000);
        Value v = b.select(small, mul(x, TWO_54), x);
        Value r = logarithm(v, b.select(small, real(x, -54), real(x, 0)));
        r = b.select(equal(x, 0), real(x, Double.NEGATIVE_INFINITY), r);
        r = b.select(equal(x, Double.POSITIVE_INFINITY), x, r);
        r = b.select(less(x, 0), real(x, Double.NaN), r);
        return b.select(b.isNan(x), x, r);
    }

    /** Of a positive normal number, its exponent changed by another number; other values give something. */
    private Value logarithm(Value x, Value moreExponent) {
        Value i = b.bits(x, DType.I64);
        Value shift = b.integer(i, 52);
        Value e =
                b.op(Opcode.SHIFT_RIGHT_ARITHMETIC, b.op(Opcode.I_SUB, i, b.integer(i, 0x3fe6_a09e_667f_3bcdL)), shift);
        Value m = b.bits(b.op(Opcode.I_SUB, i, b.op(Opcode.SHIFT_LEFT_LOGICAL, e, shift)), DType.F64);
        Value n = add(b.cast(Opcode.CONVERT_S_TO_F, e, DType.F64), moreExponent);
        Value s = div(sub(m, real(x, 1)), add(m, real(x, 1)));
        Value z = mul(s, s);
        Value log = b.fma(mul(s, z), polynomial(b, z, LOG), add(s, s));
        return b.fma(n, real(x, LN2), b.fma(n, real(x, LN2_LOW), log));
    }

    /** log(u) with u = 1 + x rounded, and what the rounding lost. */
    private Value log1p(Value x) {
        Value u = add(x, real(x, 1));
        Value lost = b.select(above(x, 0x1p60), real(x, 0), sub(x, sub(u, real(x, 1))));
        Value positive = above(u, 0);
        Value correction = b.select(positive, div(lost, b.select(positive, u, real(x, 1))), real(x, 0));
        Value r = log(u);
        r = b.select(equal(u, 1), x, b.select(equal(x, Double.POSITIVE_INFINITY), x, add(r, correction)));
        return b.select(b.isNan(x), x, r);
    }

    private Value asinh(Value x) {
        Value a = b.abs(x);
        Value square = mul(a, a);
        Value root = b.extended(LaneBuilder.SQRT, add(square, real(x, 1)));
        Value near = log1p(add(a, div(square, add(root, real(x, 1)))));
        Value far = add(log(a), real(x, LN2 + LN2_LOW));
        return b.copySign(b.select(above(a, 0x1p28), far, near), x);
    }

    private Value acosh(Value x) {
        Value t = sub(x, real(x, 1));
        Value root = b.extended(LaneBuilder.SQRT, atLeast(b, add(add(t, t), mul(t, t)), 0));
        Value far = add(log(x), real(x, LN2 + LN2_LOW));
        Value r = b.select(above(x, 0x1p28), far, log1p(add(t, root)));
        return b.select(less(x, 1), real(x, Double.NaN), r);
    }

    private Value atanh(Value x) {
        Value a = b.abs(x);
        Value r = mul(log1p(div(add(a, a), sub(real(x, 1), a))), 0.5);
        r = b.select(equal(a, 1), real(x, Double.POSITIVE_INFINITY), r);
        return b.copySign(b.select(above(a, 1), real(x, Double.NaN), r), x);
    }

    /** e^(y log|x|), with C's special cases; odd integers y give the sign of x. */
    private Value pow(Value x, Value y) {
        Value a = b.abs(x);
        Value r = exp(mul(y, log(a)));
        Value truncated = b.whole(LaneBuilder.TRUNC, y);
        Value whole = b.compare(Opcode.F_ORD_EQUAL, truncated, y);
        Value half = mul(y, 0.5);
        Value odd = b.and(whole, b.compare(Opcode.F_ORD_NOT_EQUAL, b.whole(LaneBuilder.TRUNC, half), half));
        Value bits = b.bits(x, DType.I64);
        Value negative = b.compare(Opcode.S_LESS_THAN, bits, b.integer(bits, 0));
        r = b.select(b.and(odd, negative), b.negate(r), r);
        Value infinite = equal(a, Double.POSITIVE_INFINITY);
        Value fraction = b.and(less(x, 0), b.not(whole));
        r = b.select(b.and(fraction, b.not(infinite)), real(x, Double.NaN), r);
        r = nanIfEither(x, y, r);
        Value one = b.and(equal(a, 1), equal(b.abs(y), Double.POSITIVE_INFINITY));
        one = b.or(b.or(one, equal(x, 1)), equal(y, 0));
        return b.select(one, real(x, 1), r);
    }

    // Angles

    private Value angle(MapFunction f, Value x) {
        Value n = b.whole(LaneBuilder.ROUND_EVEN, mul(x, 2 / Math.PI));
        Value r = x;
        for (double part : PI_2) r = b.fma(n, real(x, -part), r);
        // Infinities and what has no quadrant that an integer could count.
        Value far = b.not(less(b.abs(x), 0x1p62));
        Value quadrant = b.cast(Opcode.CONVERT_F_TO_S, b.select(far, real(x, 0), n), DType.I64);
        Value z = mul(r, r);
        Value sin = b.fma(mul(r, z), polynomial(b, z, SIN), r);
        Value cos = b.fma(z, polynomial(b, z, COS), real(x, 1));
        Value one = b.integer(quadrant, 1);
        Value odd = b.compare(Opcode.I_EQUAL, b.and(quadrant, one), one);
        if (f == MapFunction.TAN) {
            Value top = b.select(odd, b.negate(cos), sin);
            return div(top, b.select(odd, sin, cos));
        }
        if (f == MapFunction.SIN) return withSign(b.select(odd, cos, sin), quadrant);
        return withSign(b.select(odd, sin, cos), b.op(Opcode.I_ADD, quadrant, one));
    }

    /** Negated in the quadrants 2 and 3. */
    private Value withSign(Value v, Value quadrant) {
        Value two = b.integer(quadrant, 2);
        return b.select(b.compare(Opcode.I_EQUAL, b.and(quadrant, two), two), b.negate(v), v);
    }

    /** sqrt(1 - x^2). */
    private Value cathetus(Value x) {
        Value square = mul(sub(real(x, 1), x), add(real(x, 1), x));
        Value outside = less(square, 0);
        return b.select(
                outside, real(x, Double.NaN), b.extended(LaneBuilder.SQRT, b.select(outside, real(x, 0), square)));
    }

    private Value atan2(Value y, Value x) {
        Value up = b.abs(y);
        Value along = b.abs(x);
        Value steep = b.compare(Opcode.F_ORD_GREATER_THAN, up, along);
        Value least = b.select(steep, along, up);
        Value most = b.select(steep, up, along);
        // Both zero, or both infinite.
        Value none = equal(most, 0);
        Value ratio = div(b.select(none, real(x, 0), least), b.select(none, real(x, 1), most));
        ratio = b.select(equal(least, Double.POSITIVE_INFINITY), real(x, 1), ratio);
        Value a = arc(ratio);
        a = b.select(steep, sub(real(x, Math.PI / 2), a), a);
        Value bits = b.bits(x, DType.I64);
        Value behind = b.compare(Opcode.S_LESS_THAN, bits, b.integer(bits, 0));
        a = b.select(behind, sub(real(x, Math.PI), a), a);
        return nanIfEither(x, y, b.copySign(a, y));
    }

    /** The inverse tangent of a number from 0 to 1. */
    private Value arc(Value x) {
        Value high = above(x, Math.tan(Math.PI / 8));
        Value s = b.select(high, div(sub(x, real(x, 1)), add(x, real(x, 1))), x);
        Value z = mul(s, s);
        Value r = b.fma(mul(s, z), polynomial(b, z, ATAN), s);
        return b.select(high, add(r, real(x, Math.PI / 4)), r);
    }

    private Value erf(Value x) {
        Value a = atMost(b, b.abs(x), 6.2);
        Value near = b.fma(x, polynomial(b, mul(x, x), ERF_NEAR), x);
        Value t = div(real(x, 1), b.fma(a, real(x, 0.5), real(x, 1)));
        Value far = sub(real(x, 1), mul(exp(b.negate(mul(a, a))), polynomial(b, t, ERF_FAR)));
        Value r = b.select(above(a, 1), b.copySign(far, x), near);
        return b.select(b.isNan(x), x, r);
    }

    // Remainder

    /** What is left of x when y is taken off as often as it goes, exactly: the largest y 2^k first. */
    private Value remainder(Value x, Value y) {
        Value a = b.abs(x);
        Value m = b.abs(y);
        Value none = b.or(equal(m, 0), equal(a, Double.POSITIVE_INFINITY));
        none = b.or(none, b.or(b.isNan(x), b.isNan(y)));
        // Divisors that a device might take for zero would never end the loop; what is left of them is next to nothing.
        Value skip = b.or(none, less(m, 0x1p-1021));
        Value start = b.select(skip, real(x, 0), a);
        Value divisor = b.select(skip, real(x, 1), m);
        int[] ids = new int[x.lanes()];
        for (int i = 0; i < ids.length; i++) ids[i] = remainderOfLane(start.ids()[i], divisor.ids()[i]);
        Value r = b.copySign(Value.of(DType.F64, ids), x);
        return b.select(none, real(x, Double.NaN), r);
    }

    private int remainderOfLane(int start, int m) {
        ModuleBuilder w = b.m;
        int type = w.typeFloat(64);
        int whole = w.typeInt(64);
        int shift = w.constantInt(64, 52);
        int rest = w.variable(type);
        w.run(Opcode.STORE, rest, start);
        b.repeat(
                () -> {
                    int r = w.emit(Opcode.LOAD, type, rest);
                    return w.emit(Opcode.F_ORD_GREATER_THAN_EQUAL, w.typeBool(), r, m);
                },
                () -> {
                    int r = w.emit(Opcode.LOAD, type, rest);
                    int high = w.emit(Opcode.SHIFT_RIGHT_LOGICAL, whole, w.emit(Opcode.BITCAST, whole, r), shift);
                    int bits = w.emit(Opcode.BITCAST, whole, m);
                    int low = w.emit(Opcode.SHIFT_RIGHT_LOGICAL, whole, bits, shift);
                    int k = w.emit(Opcode.I_SUB, whole, high, low);
                    int raised = w.emit(Opcode.I_ADD, whole, bits, w.emit(Opcode.SHIFT_LEFT_LOGICAL, whole, k, shift));
                    int t = w.emit(Opcode.BITCAST, type, raised);
                    int half = w.emit(Opcode.F_MUL, type, t, w.constant(DType.F64, 0.5));
                    int over = w.emit(Opcode.F_ORD_GREATER_THAN, w.typeBool(), t, r);
                    int part = w.emit(Opcode.SELECT, type, over, half, t);
                    w.run(Opcode.STORE, rest, w.emit(Opcode.F_SUB, type, r, part));
                });
        return w.emit(Opcode.LOAD, type, rest);
    }
}
