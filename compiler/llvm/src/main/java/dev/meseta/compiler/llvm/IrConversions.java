package dev.meseta.compiler.llvm;

import dev.meseta.compiler.kernel.NarrowFloat;
import dev.meseta.compiler.kernel.NarrowFloat.Special;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.compiler.llvm.IrBuilder.Value;
import dev.meseta.graph.DType;
import dev.meseta.graph.FloatFormat;
import dev.meseta.graph.Op.Cast.Rounding;

/** Conversions between element types in IR, to the bit as {@link dev.meseta.compiler.kernel.ScalarFunctions} has them. */
final class IrConversions {
    private static final double LARGEST_F16 = 65504;

    private final IrBuilder b;
    private final boolean halves;

    /**
     * Conversions in a function.
     *
     * @param halves whether the target converts F16 by instructions; where it would call functions of the compiler's library, bits are
     *     moved instead
     */
    IrConversions(IrBuilder builder, boolean halves) {
        this.b = builder;
        this.halves = halves;
    }

    /** The type in IR of an element in memory. */
    String storage(DType dtype) {
        return switch (dtype) {
            case F16 -> halves ? "half" : "i16";
            case BF16 -> "i16";
            case F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1, I4, U4, I2, U2, BOOL -> "i8";
            default -> IrBuilder.ir(dtype);
        };
    }

    /** The value of what was read from memory. */
    Value decode(String raw, DType dtype, Type type) {
        int lanes = type.lanes();
        return switch (dtype) {
            case F16 -> {
                if (!halves)
                    yield decode(
                            b.cast("zext", new Value(raw, type.with(DType.I16)), DType.I32), NarrowFloat.of(dtype));
                yield b.value(
                        type, "fpext " + IrBuilder.vector("half", lanes) + " " + raw + " to " + IrBuilder.ir(type));
            }
            case BF16 -> {
                Value wide = b.cast("zext", new Value(raw, type.with(DType.I16)), DType.I32);
                yield b.cast("bitcast", b.op("shl", wide, i32(wide, 16)), DType.F32);
            }
            case F8E8M0 -> decodeScale(b.cast("zext", new Value(raw, type.with(DType.I8)), DType.I32));
            case F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F4E2M1 ->
                decode(b.cast("zext", new Value(raw, type.with(DType.I8)), DType.I32), NarrowFloat.of(dtype));
            case BOOL -> {
                Value v = new Value(raw, type.with(DType.I8));
                yield b.compare("icmp ne", v, IrBuilder.integer(v.type(), 0));
            }
            default -> new Value(raw, type);
        };
    }

    /** What to write to memory for a value: its text, of the storage type. A number that the type does not have is rounded as by WRAP. */
    String encode(Value v, DType dtype) {
        return switch (dtype) {
            case F16 -> {
                if (!halves)
                    yield b.cast("trunc", encode(quantise(v, dtype, false), NarrowFloat.of(dtype)), DType.I16)
                            .text();
                yield b.emit("fptrunc " + v.typed() + " to " + IrBuilder.vector("half", v.lanes()));
            }
            case BF16 -> {
                Value bits = b.cast("bitcast", toBf16(v), DType.I32);
                yield b.cast("trunc", b.op("lshr", bits, i32(bits, 16)), DType.I16)
                        .text();
            }
            case F8E8M0 ->
                b.cast("trunc", encodeScale(v, Rounding.WRAP), DType.I8).text();
            case F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F4E2M1 ->
                b.cast("trunc", encode(round(v, dtype, Rounding.WRAP), NarrowFloat.of(dtype)), DType.I8)
                        .text();
            case I4, U4, I2, U2 -> wrap(v, dtype).text();
            case BOOL -> b.cast("zext", v, DType.I8).text();
            default -> v.text();
        };
    }

    private static Value i32(Value like, long v) {
        return IrBuilder.integer(like.type().with(DType.I32), v);
    }

    private static Value f32(Value like, double v) {
        return IrBuilder.real(like.type().with(DType.F32), v);
    }

    private static Value real(Value like, double v) {
        return IrBuilder.real(like.type(), v);
    }

    private Value isNan(Value v) {
        return b.compare("fcmp uno", v, v);
    }

    // Codes of narrow floats, as I32

    /** The code's magnitude put where F32 has its own, scaled by the difference of the biases: exact for subnormal codes too. */
    private Value decode(Value code, NarrowFloat n) {
        int m = n.mantissaBits();
        Value magnitude = b.op("and", code, i32(code, n.signBit() - 1));
        Value shifted = b.cast("bitcast", b.op("shl", magnitude, i32(code, 23 - m)), DType.F32);
        Value scaled = b.op("fmul", shifted, f32(code, Math.scalb(1.0, 127 - n.bias())));
        Value sign = b.op("shl", b.op("and", code, i32(code, n.signBit())), i32(code, 31 - n.exponentBits() - m));
        Value signed = b.cast("bitcast", b.op("or", b.cast("bitcast", scaled, DType.I32), sign), DType.F32);
        Value nan = f32(code, Double.NaN);
        return switch (n.special()) {
            case NONE -> signed;
            case NAN_AT_END -> b.select(b.compare("icmp eq", magnitude, i32(code, n.signBit() - 1)), nan, signed);
            case NAN_AT_MINUS_ZERO -> b.select(b.compare("icmp eq", code, i32(code, n.signBit())), nan, signed);
            case IEEE -> {
                int infinity = ((1 << n.exponentBits()) - 1) << m;
                Value bits =
                        b.op("or", b.op("or", b.op("shl", magnitude, i32(code, 23 - m)), i32(code, 0x7f80_0000)), sign);
                Value special = b.cast("bitcast", bits, DType.F32);
                yield b.select(b.compare("icmp uge", magnitude, i32(code, infinity)), special, signed);
            }
        };
    }

    /** The code of a number that the format has. */
    private Value encode(Value v, NarrowFloat n) {
        int m = n.mantissaBits();
        Value bits = b.cast("bitcast", b.op("fmul", v, f32(v, Math.scalb(1.0, n.bias() - 127))), DType.I32);
        Value magnitude = b.op("and", b.op("lshr", bits, i32(v, 23 - m)), i32(v, n.signBit() - 1));
        Value sign = b.op("and", b.op("lshr", bits, i32(v, 31 - n.exponentBits() - m)), i32(v, n.signBit()));
        Value code = b.op("or", magnitude, sign);
        return switch (n.special()) {
            case NONE -> code;
            case NAN_AT_MINUS_ZERO -> b.select(isNan(v), i32(v, n.signBit()), code);
            case IEEE, NAN_AT_END -> b.select(isNan(v), i32(v, n.signBit() - 1), code);
        };
    }

    private Value decodeScale(Value code) {
        Value bits = b.op("shl", code, i32(code, 23));
        Value some = b.select(b.compare("icmp eq", code, i32(code, 0)), i32(code, 0x0040_0000), bits);
        Value all = b.select(b.compare("icmp eq", code, i32(code, 255)), i32(code, 0x7fc0_0000), some);
        return b.cast("bitcast", all, DType.F32);
    }

    /** The code of a power of two near an F32: the exponent, plus one where the mantissa says so. */
    private Value encodeScale(Value v, Rounding rounding) {
        Value bits = b.cast("bitcast", v, DType.I32);
        Value magnitude = b.op("and", bits, i32(v, 0x7fff_ffff));
        Value exponent = b.op("lshr", magnitude, i32(v, 23));
        Value mantissa = b.op("and", magnitude, i32(v, 0x007f_ffff));
        // Below 2^-126 the code 0 stands at the mantissa 0x400000, half of the next: its steps are half as wide.
        Value low = b.compare("icmp eq", exponent, i32(v, 0));
        Value up = switch (rounding) {
            case DOWN -> IrBuilder.integer(v.type().with(DType.BOOL), 0);
            case UP -> b.compare("icmp ugt", mantissa, b.select(low, i32(v, 0x0040_0000), i32(v, 0)));
            default -> {
                Value half = b.select(low, i32(v, 0x0060_0000), i32(v, 0x0040_0000));
                yield b.compare("icmp uge", mantissa, half);
            }
        };
        Value code = b.op("add", exponent, b.cast("zext", up, DType.I32));
        Value infinite = b.compare("icmp eq", magnitude, i32(v, 0x7f80_0000));
        Value over = b.op("or", b.compare("icmp ugt", code, i32(v, 254)), infinite);
        code = b.select(over, i32(v, rounding == Rounding.WRAP ? 255 : 254), code);
        Value negative =
                b.op("and", b.compare("icmp slt", bits, i32(v, 0)), b.compare("icmp ne", magnitude, i32(v, 0)));
        Value nan = b.op("or", negative, b.compare("icmp ugt", magnitude, i32(v, 0x7f80_0000)));
        if (rounding == Rounding.WRAP) nan = b.op("or", nan, b.compare("icmp ult", magnitude, i32(v, 0x0040_0000)));
        return b.select(nan, i32(v, 255), code);
    }

    // Float to float

    /** A float rounded to a float type, widened again. */
    Value round(Value v, DType to, Rounding rounding) {
        if (to == DType.F64) return v.element() == DType.F64 ? v : b.cast("fpext", v, DType.F64);
        if (to == DType.F32) return v.element() == DType.F32 ? v : b.cast("fptrunc", v, DType.F32);
        if (v.element() == DType.F64) v = roundToOdd(v);
        return switch (to) {
            case F16 -> halves ? decode(encode(v, to), to, v.type()) : quantise(v, to, false);
            case BF16 -> toBf16(v);
            case F8E8M0 -> decodeScale(encodeScale(v, rounding));
            default -> quantise(v, to, rounding != Rounding.WRAP);
        };
    }

    /** F64 as an F32 rounded to odd, so that a second rounding to a narrower type is as if there had been one. */
    private Value roundToOdd(Value v) {
        Value f = b.cast("fptrunc", v, DType.F32);
        Value back = b.cast("fpext", f, DType.F64);
        Value bits = b.cast("bitcast", f, DType.I32);
        Value even = b.compare("icmp eq", b.op("and", bits, i32(v, 1)), i32(v, 0));
        Value inexact = b.compare("fcmp one", back, v);
        Value infinite = b.compare("fcmp oeq", b.intrinsic("fabs", f), f32(f, Double.POSITIVE_INFINITY));
        Value tooBig = b.compare("fcmp ogt", b.intrinsic("fabs", back), b.intrinsic("fabs", v));
        Value odd = b.op("add", bits, b.select(tooBig, i32(v, -1), i32(v, 1)));
        Value change =
                b.op("and", b.op("and", even, inexact), b.op("xor", infinite, IrBuilder.integer(even.type(), 1)));
        return b.cast("bitcast", b.select(change, odd, bits), DType.F32);
    }

    private Value toBf16(Value v) {
        Value bits = b.cast("bitcast", v, DType.I32);
        Value odd = b.op("and", b.op("lshr", bits, i32(v, 16)), i32(v, 1));
        Value rounded = b.op("add", b.op("add", bits, i32(v, 0x7fff)), odd);
        Value nan = b.op("or", bits, i32(v, 0x0040_0000));
        Value chosen = b.op("and", b.select(isNan(v), nan, rounded), i32(v, 0xffff_0000));
        return b.cast("bitcast", chosen, DType.F32);
    }

    /** Rounds to a multiple of the format's step at the number's magnitude: scaling by powers of two is exact. */
    private Value quantise(Value v, DType to, boolean saturate) {
        NarrowFloat n = NarrowFloat.of(to);
        int m = n.mantissaBits();
        double largest = to == DType.F16 ? LARGEST_F16 : FloatFormat.of(to).largest();
        Value a = b.intrinsic("fabs", v);
        Value exponent = b.op("lshr", b.cast("bitcast", a, DType.I32), i32(v, 23));
        Value e = b.intrinsic("umin", b.intrinsic("umax", exponent, i32(v, 128 - n.bias())), i32(v, 254));
        Value down = b.cast("bitcast", b.op("shl", b.op("sub", i32(v, 254 + m), e), i32(v, 23)), DType.F32);
        Value step = b.cast("bitcast", b.op("shl", b.op("sub", e, i32(v, m)), i32(v, 23)), DType.F32);
        Value r = b.op("fmul", b.intrinsic("roundeven", b.op("fmul", a, down)), step);
        Value over = b.compare("fcmp ogt", r, f32(v, largest));
        double beyond = saturate || n.special() == Special.NONE
                ? largest
                : n.special() == Special.IEEE ? Double.POSITIVE_INFINITY : Double.NaN;
        Value signed = b.intrinsic("copysign", b.select(over, f32(v, beyond), r), v);
        return switch (n.special()) {
            case NONE -> b.select(isNan(v), f32(v, -0.0), signed);
            case NAN_AT_MINUS_ZERO -> b.select(b.compare("fcmp oeq", r, f32(v, 0)), f32(v, 0), signed);
            default -> signed;
        };
    }

    // Integers

    /** The low bits of a value of the type's container as a value of the type. */
    private Value wrap(Value v, DType to) {
        Value c = b.retype(v, Type.widened(to));
        return switch (to) {
            case I4, I2 -> {
                Value shift = IrBuilder.integer(c.type(), 8 - to.bits());
                yield b.op("ashr", b.op("shl", c, shift), shift);
            }
            case U4, U2 -> b.op("and", c, IrBuilder.integer(c.type(), to.maxInteger()));
            default -> c;
        };
    }

    /** Changes an integer's width, by its own signedness. */
    private Value resize(Value v, DType to) {
        int from = v.element() == DType.BOOL ? 1 : v.element().bits();
        if (from == to.bits()) return b.retype(v, to);
        if (from > to.bits()) return b.cast("trunc", v, to);
        return b.cast(v.element().isSigned() ? "sext" : "zext", v, to);
    }

    /** {@link dev.meseta.compiler.kernel.Expr.Convert}. */
    Value convert(Value v, DType to, Rounding rounding) {
        boolean fromFloat = v.element().isFloat();
        if (to.isFloat()) return fromFloat ? round(v, to, rounding) : integerToFloat(v, to, rounding);
        if (to == DType.BOOL) {
            if (v.element() == DType.BOOL) return v;
            return fromFloat
                    ? b.compare("fcmp une", v, real(v, 0))
                    : b.compare("icmp ne", v, IrBuilder.integer(v.type(), 0));
        }
        return fromFloat ? floatToInteger(v, to, rounding) : integerToInteger(v, to, rounding);
    }

    private Value integerToFloat(Value v, DType to, Rounding rounding) {
        boolean wide = to == DType.F64 || to == DType.F32;
        if (!wide && v.element().bits() == 64) return round(oddDouble(v), to, rounding);
        Value f = b.cast(v.element().isSigned() ? "sitofp" : "uitofp", v, wide ? to : DType.F64);
        return wide ? f : round(f, to, rounding);
    }

    /** A 64-bit integer as F64 rounded to odd: beyond 2^53 the lowest eleven bits become one that says whether any was set. */
    private Value oddDouble(Value v) {
        Value zero = IrBuilder.integer(v.type(), 0);
        boolean signed = v.element().isSigned();
        Value negative = b.compare("icmp slt", v, zero);
        Value m = signed ? b.select(negative, b.op("sub", zero, v), v) : v;
        Value tail = b.compare("icmp ne", b.op("and", m, IrBuilder.integer(v.type(), 0x7ff)), zero);
        Value sticky = b.select(tail, IrBuilder.integer(v.type(), 0x800), zero);
        Value odd = b.op("or", b.op("and", m, IrBuilder.integer(v.type(), ~0x7ffL)), sticky);
        Value big = b.compare("icmp uge", m, IrBuilder.integer(v.type(), 1L << 53));
        Value d = b.cast("uitofp", b.select(big, odd, m), DType.F64);
        return signed ? b.select(negative, b.value(d.type(), "fneg " + d.typed()), d) : d;
    }

    private Value floatToInteger(Value v, DType to, Rounding rounding) {
        DType container = Type.widened(to);
        if (rounding == Rounding.WRAP) return wrapToInteger(v, to);
        if (rounding == Rounding.NEAREST) v = b.intrinsic("roundeven", v);
        if (to.bits() >= 32) return b.saturating(to.isSigned() ? "fptosi" : "fptoui", v, to);
        // The limits are numbers of every float type: clamp first, and the plain conversion is defined and fast.
        Value low = real(v, to.minInteger());
        Value high = real(v, to.maxInteger());
        v = b.select(isNan(v), real(v, 0), v);
        v = b.select(b.compare("fcmp olt", v, low), low, v);
        v = b.select(b.compare("fcmp ogt", v, high), high, v);
        return b.retype(b.cast("trunc", b.cast("fptosi", v, DType.I32), container), container);
    }

    private Value wrapToInteger(Value v, DType to) {
        Value wide = b.saturating("fptosi", v, DType.I64);
        if (to == DType.U64) {
            Value big = b.saturating("fptoui", v, DType.U64);
            return b.select(b.compare("fcmp oge", v, real(v, 0x1p63)), big, b.retype(wide, DType.U64));
        }
        return wrap(resize(wide, Type.widened(to)), to);
    }

    private Value integerToInteger(Value v, DType to, Rounding rounding) {
        DType container = Type.widened(to);
        DType from = v.element();
        if (rounding == Rounding.WRAP || from == DType.BOOL) return wrap(resize(v, container), to);
        // Limits that the source type does not reach need no test; those it does reach are numbers of it.
        boolean low = from.isSigned() && (!to.isSigned() || to.bits() < from.bits());
        int fromMagnitude = from.bits() - (from.isSigned() ? 1 : 0);
        int toMagnitude = to.bits() - (to.isSigned() ? 1 : 0);
        if (low) v = b.intrinsic("smax", v, IrBuilder.integer(v.type(), to.minInteger()));
        if (toMagnitude < fromMagnitude)
            v = b.intrinsic(from.isSigned() ? "smin" : "umin", v, IrBuilder.integer(v.type(), to.maxInteger()));
        return resize(v, container);
    }
}
