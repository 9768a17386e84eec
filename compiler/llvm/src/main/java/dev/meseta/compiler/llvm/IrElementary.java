package dev.meseta.compiler.llvm;

import dev.meseta.compiler.kernel.Polynomials;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.compiler.llvm.IrBuilder.Value;
import dev.meseta.graph.DType;

/**
 * Elementary functions of F32 vectors without calls: reduction of the argument and a polynomial. The most used ones compute in F32 and are
 * off by less than two units in the last place; the others compute in F64 and are almost always right. The polynomials are Chebyshev fits
 * to the function that the comment beside them names; reductions by Cody and Waite, with fused multiply-add.
 */
final class IrElementary {
    /** (e^r - 1 - r) / r^2 for |r| up to log(2) / 2; relative error of e^r 8e-9. */
    private static final double[] EXP_32 = Polynomials.exponential();
    /** The same for F64, 9e-16. */
    private static final double[] EXP_64 = {
        0.5,
        0.16666666666648156,
        0.041666666666651246,
        0.008333333353839834,
        0.0013888888905973543,
        0.0001984120851210209,
        2.480153620505534e-05,
        2.7625237795740734e-06,
        2.761390867578486e-07
    };
    /** (log((1+s)/(1-s)) - 2s) / s^3 over s^2, for s from log's reduction. */
    private static final double[] LOG_64 = {
        0.6666666666666206,
        0.4000000001126354,
        0.2857142412022083,
        0.22222864249374918,
        0.18140107756610346,
        0.1662311658428347
    };
    /** (sin(r) / r - 1) / r^2 over r^2, up to pi/4. */
    private static final double[] SIN_64 = {
        -0.16666666666663857,
        0.00833333333106116,
        -0.00019841266899437397,
        2.7555985625200863e-06,
        -2.480514540674743e-08
    };
    /** (cos(r) - 1) / r^2 over r^2, up to pi/4. */
    private static final double[] COS_64 = {
        -0.49999999999999967,
        0.04166666666663057,
        -0.0013888888882073777,
        2.4801582595279208e-05,
        -2.7555849667039985e-07,
        2.0665084193224383e-09
    };
    /** erf(x) / x - 1 over x^2, up to 0.93. */
    private static final double[] ERF_NEAR = Polynomials.errorFunctionNear();
    /** log(1 - erf(x)) from 0.92 to 4. */
    private static final double[] ERF_FAR = Polynomials.errorFunctionFar();

    private static final double LOG2_E = 1.4426950408889634;
    private static final double LN2 = 0.6931471805599453;
    private static final double LN2_LOW = 2.3190468138462996e-17;
    private static final double LN2_32 = 0.6931471824645996;
    private static final double LN2_32_LOW = -1.904654299957768e-09;
    private static final double PI_2 = 1.5707963267948966;
    private static final double PI_2_LOW = 6.123233995736766e-17;
    /** Added to a number far below it, it leaves the nearest integer in the low bits of the sum. */
    private static final double MAGIC_32 = 0x1.8p23;

    private static final double MAGIC_64 = 0x1.8p52;

    private final IrBuilder b;

    IrElementary(IrBuilder builder) {
        this.b = builder;
    }

    private static Value real(Value like, double v) {
        return IrBuilder.real(like.type(), v);
    }

    private static Value integer(Value like, long v) {
        return IrBuilder.integer(like.type(), v);
    }

    /** Coefficients from the lowest power on. */
    private Value polynomial(Value x, double[] c) {
        Value sum = real(x, c[c.length - 1]);
        for (int i = c.length - 2; i >= 0; i--) sum = b.fma(sum, x, real(x, c[i]));
        return sum;
    }

    private Value negate(Value v) {
        return b.value(v.type(), "fneg " + v.typed());
    }

    private Value abs(Value v) {
        return b.intrinsic("fabs", v);
    }

    /** No less than the limit; NaN stays. */
    private Value atLeast(Value v, double limit) {
        Value l = real(v, limit);
        return b.select(b.compare("fcmp ogt", l, v), l, v);
    }

    private Value atMost(Value v, double limit) {
        Value l = real(v, limit);
        return b.select(b.compare("fcmp olt", l, v), l, v);
    }

    private Value bits(Value v) {
        return b.cast("bitcast", v, v.element() == DType.F32 ? DType.I32 : DType.I64);
    }

    private Value fromBits(Value v) {
        return b.cast("bitcast", v, v.element() == DType.I32 ? DType.F32 : DType.F64);
    }

    // F32

    /** e^x = 2^n e^r: n as an integer, r, and e^r - 1. */
    private record Exponential(Value n, Value remainder) {}

    private Exponential reduce(Value x) {
        Value t = b.fma(x, real(x, LOG2_E), real(x, MAGIC_32));
        Value n = b.op("fsub", t, real(x, MAGIC_32));
        Value r = b.fma(n, real(x, -LN2_32_LOW), b.fma(n, real(x, -LN2_32), x));
        Value q = b.fma(b.op("fmul", r, r), polynomial(r, EXP_32), r);
        Value whole = b.op("sub", bits(t), bits(real(x, MAGIC_32)));
        return new Exponential(whole, q);
    }

    /** 2^n for n from -126 to 127. */
    private Value power(Value n) {
        return fromBits(b.op("shl", b.op("add", n, integer(n, 127)), integer(n, 23)));
    }

    /** In two factors, so that subnormal results round once and the largest are reached. */
    Value exp(Value x) {
        Exponential e = reduce(atMost(atLeast(x, -104), 89));
        Value half = b.op("ashr", e.n(), integer(e.n(), 1));
        Value p = b.op("fadd", e.remainder(), real(x, 1));
        return b.op("fmul", b.op("fmul", p, power(half)), power(b.op("sub", e.n(), half)));
    }

    /** e^x - 1 for x from -80 to 0. */
    private Value expm1Negative(Value x) {
        Exponential e = reduce(x);
        Value scale = power(e.n());
        return b.fma(scale, e.remainder(), b.op("fsub", scale, real(x, 1)));
    }

    /** With e = e^(-2|x|) - 1, the result is -e / (2 + e). */
    Value tanh(Value x) {
        Value e = expm1Negative(atLeast(b.op("fmul", abs(x), real(x, -2)), -40));
        Value r = b.op("fdiv", negate(e), b.op("fadd", e, real(x, 2)));
        return b.intrinsic("copysign", r, x);
    }

    /** 1 / (1 + e) or e / (1 + e) with e = e^-|x|. */
    Value sigmoid(Value x) {
        Value e = exp(negate(abs(x)));
        Value below = b.compare("fcmp olt", x, real(x, 0));
        return b.op("fdiv", b.select(below, e, real(x, 1)), b.op("fadd", e, real(x, 1)));
    }

    /** x + x P(x^2) near 0, 1 - e^Q(x) elsewhere. */
    Value erf(Value x) {
        Value a = atMost(abs(x), 4);
        Value near = b.fma(x, polynomial(b.op("fmul", x, x), ERF_NEAR), x);
        Exponential e = reduce(atLeast(polynomial(a, ERF_FAR), -40));
        Value scale = power(e.n());
        Value far = b.op("fsub", b.op("fsub", real(x, 1), scale), b.op("fmul", scale, e.remainder()));
        return b.select(b.compare("fcmp ogt", a, real(x, 0.925)), b.intrinsic("copysign", far, x), near);
    }

    // By way of F64

    private Value wide(Value v) {
        return b.cast("fpext", v, DType.F64);
    }

    private Value narrow(Value v) {
        return b.cast("fptrunc", v, DType.F32);
    }

    private record Logarithm(Value exponent, Value mantissa) {}

    /** The logarithm of a positive normal F64 as exponent * log(2) + mantissa; other values give something. */
    private Logarithm logarithm(Value x) {
        Value i = bits(x);
        Value e = b.op("ashr", b.op("sub", i, integer(i, 0x3fe6_a09e_667f_3bcdL)), integer(i, 52));
        Value m = fromBits(b.op("sub", i, b.op("shl", e, integer(i, 52))));
        Value f = b.op("fsub", m, real(x, 1));
        Value s = b.op("fdiv", f, b.op("fadd", m, real(x, 1)));
        Value z = b.op("fmul", s, s);
        Value log = b.fma(b.op("fmul", s, z), polynomial(z, LOG_64), b.op("fadd", s, s));
        Value number = b.op("fsub", fromBits(b.op("add", e, bits(real(x, MAGIC_64)))), real(x, MAGIC_64));
        return new Logarithm(number, log);
    }

    /** What a logarithm is where its argument is not a positive number. */
    private Value special(Value x, Value log) {
        Value r = b.select(b.compare("fcmp oeq", x, real(x, 0)), real(x, Double.NEGATIVE_INFINITY), log);
        r = b.select(b.compare("fcmp oeq", x, real(x, Double.POSITIVE_INFINITY)), x, r);
        return b.select(b.compare("fcmp uge", x, real(x, 0)), r, real(x, Double.NaN));
    }

    Value log(Value x) {
        Value v = wide(x);
        Logarithm l = logarithm(v);
        Value r = special(v, b.fma(l.exponent(), real(v, LN2), l.mantissa()));
        return narrow(b.select(b.compare("fcmp uno", v, v), v, r));
    }

    /** log(u) with u = 1 + x rounded, and what the rounding lost. */
    Value log1p(Value x) {
        Value v = wide(x);
        Value u = b.op("fadd", v, real(v, 1));
        Value lost = b.op("fsub", v, b.op("fsub", u, real(v, 1)));
        Logarithm l = logarithm(u);
        Value r = b.op("fadd", b.fma(l.exponent(), real(v, LN2), l.mantissa()), b.op("fdiv", lost, u));
        r = special(u, r);
        r = b.select(b.compare("fcmp oeq", v, real(v, 0)), v, r);
        return narrow(b.select(b.compare("fcmp uno", v, v), v, r));
    }

    /** 2^n in F64 and e^r - 1, for an exponent between -1000 and 1000 in units of log(2). */
    private Exponential exponential(Value x) {
        Value t = b.fma(x, real(x, LOG2_E), real(x, MAGIC_64));
        Value n = b.op("fsub", t, real(x, MAGIC_64));
        Value r = b.fma(n, real(x, -LN2_LOW), b.fma(n, real(x, -LN2), x));
        Value q = b.fma(b.op("fmul", r, r), polynomial(r, EXP_64), r);
        Value whole = b.op("sub", bits(t), bits(real(x, MAGIC_64)));
        Value scale = fromBits(b.op("shl", b.op("add", whole, integer(whole, 1023)), integer(whole, 52)));
        return new Exponential(scale, q);
    }

    Value expm1(Value x) {
        Exponential e = exponential(atMost(atLeast(wide(x), -200), 200));
        Value r = narrow(b.fma(e.n(), e.remainder(), b.op("fsub", e.n(), real(e.n(), 1))));
        return b.select(b.compare("fcmp oeq", x, real(x, 0)), x, r);
    }

    /** e^(y log|x|), with C's special cases; odd integers y give the sign of x. */
    Value pow(Value x, Value y) {
        Value v = wide(x);
        Value w = wide(y);
        Value a = abs(v);
        Logarithm l = logarithm(a);
        Value log = special(a, b.fma(l.exponent(), real(v, LN2), l.mantissa()));
        Exponential e = exponential(atMost(atLeast(b.op("fmul", w, log), -200), 200));
        Value r = b.fma(e.n(), e.remainder(), e.n());
        Value zero = real(v, 0);
        Value whole = b.compare("fcmp oeq", b.intrinsic("trunc", w), w);
        Value half = b.op("fmul", w, real(w, 0.5));
        Value odd = b.op("and", whole, b.compare("fcmp one", b.intrinsic("trunc", half), half));
        Value negative = b.compare("icmp slt", bits(v), integer(bits(v), 0));
        r = b.select(b.op("and", odd, negative), negate(r), r);
        // A negative number to a fraction; of -0 and -infinity the magnitude is right.
        Value infinite = b.compare("fcmp oeq", a, real(v, Double.POSITIVE_INFINITY));
        Value fraction = b.op("and", b.compare("fcmp olt", v, zero), b.compare("fcmp one", b.intrinsic("trunc", w), w));
        Value keep = b.op("or", infinite, b.op("xor", fraction, integer(fraction, 1)));
        r = b.select(keep, r, real(v, Double.NaN));
        r = b.select(b.op("or", b.compare("fcmp uno", v, v), b.compare("fcmp uno", w, w)), real(v, Double.NaN), r);
        Value toInfinity = b.compare("fcmp oeq", abs(w), real(w, Double.POSITIVE_INFINITY));
        Value one = b.op("and", b.compare("fcmp oeq", a, real(v, 1)), toInfinity);
        one = b.op("or", one, b.compare("fcmp oeq", v, real(v, 1)));
        one = b.op("or", one, b.compare("fcmp oeq", w, zero));
        return narrow(b.select(one, real(v, 1), r));
    }

    /** Sine and cosine of the remainder by pi/2, and the quadrant. */
    private record Angle(Value sin, Value cos, Value quadrant) {}

    private Angle angle(Value v) {
        Value t = b.fma(v, real(v, 2 / Math.PI), real(v, MAGIC_64));
        Value k = b.op("fsub", t, real(v, MAGIC_64));
        Value r = b.fma(k, real(v, -PI_2_LOW), b.fma(k, real(v, -PI_2), v));
        Value z = b.op("fmul", r, r);
        Value sin = b.fma(b.op("fmul", r, z), polynomial(z, SIN_64), r);
        Value cos = b.fma(z, polynomial(z, COS_64), real(v, 1));
        return new Angle(sin, cos, bits(t));
    }

    private Value odd(Value quadrant) {
        return b.compare("icmp ne", b.op("and", quadrant, integer(quadrant, 1)), integer(quadrant, 0));
    }

    /** The sign bit of a quadrant number that is 2 or 3. */
    private Value withSign(Value v, Value quadrant) {
        Value sign = b.op("shl", b.op("and", quadrant, integer(quadrant, 2)), integer(quadrant, 62));
        return fromBits(b.op("xor", bits(v), sign));
    }

    Value sin(Value x) {
        Angle a = angle(wide(x));
        return huge(x, narrow(withSign(b.select(odd(a.quadrant()), a.cos(), a.sin()), a.quadrant())), "sin");
    }

    Value cos(Value x) {
        Angle a = angle(wide(x));
        Value next = b.op("add", a.quadrant(), integer(a.quadrant(), 1));
        return huge(x, narrow(withSign(b.select(odd(a.quadrant()), a.sin(), a.cos()), next)), "cos");
    }

    Value tan(Value x) {
        Angle a = angle(wide(x));
        Value odd = odd(a.quadrant());
        Value top = b.select(odd, negate(a.cos()), a.sin());
        return huge(x, narrow(b.op("fdiv", top, b.select(odd, a.sin(), a.cos()))), "tan");
    }

    /** From 2^35 on the reduction by two parts of pi is not enough: then the C library has all lanes. */
    private Value huge(Value x, Value r, String name) {
        Value a = abs(x);
        Value far = b.op(
                "and",
                b.compare("fcmp oge", a, real(x, 0x1p35)),
                b.compare("fcmp olt", a, real(x, Double.POSITIVE_INFINITY)));
        String before = b.label();
        String yes = b.label();
        String last = b.label();
        String after = b.label();
        b.jump(before);
        b.block(before);
        b.branch(b.any(far), yes, after);
        b.block(yes);
        Value slow = b.library(name, x);
        b.jump(last);
        b.block(last);
        b.jump(after);
        b.block(after);
        Type t = x.type();
        return b.value(
                t,
                "phi " + IrBuilder.ir(t) + " [ " + r.text() + ", %" + before + " ], [ " + slow.text() + ", %" + last
                        + " ]");
    }
}
