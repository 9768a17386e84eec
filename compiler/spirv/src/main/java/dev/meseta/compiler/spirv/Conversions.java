package dev.meseta.compiler.spirv;

import dev.meseta.compiler.kernel.NarrowFloat;
import dev.meseta.compiler.kernel.NarrowFloat.Special;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.FloatFormat;
import dev.meseta.graph.Op.Cast.Rounding;
import org.jspecify.annotations.Nullable;

/**
 * Conversions between element types, to the bit as {@link dev.meseta.compiler.kernel.ScalarFunctions} has them. Narrow floats are moved bit
 * by bit, but for F16 where the device converts it and promises how.
 */
final class Conversions {
    private static final double LARGEST_F16 = 65504;
    private static final int F32_BIAS = 127;

    private final LaneBuilder b;

    /** Where the device converts F16; null where that is done bit by bit. */
    private final @Nullable Halves halves;

    Conversions(LaneBuilder builder, FloatControls controls) {
        this.b = builder;
        this.halves = controls.halves() ? new Halves(builder, controls) : null;
    }

    /** The element type that a register has right after a load, or right before a store. */
    static DType storage(DType dtype) {
        return switch (dtype) {
            case F16, BF16 -> DType.U16;
            case F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1, I4, U4, I2, U2, BOOL -> DType.U8;
            default -> dtype;
        };
    }

    /** The value of what was read from memory. */
    Value decode(Value raw, DType dtype) {
        if (dtype == DType.F16 && halves != null) return halves.decode(raw);
        return switch (dtype) {
            case F16, F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F4E2M1 ->
                decode(b.cast(Opcode.U_CONVERT, raw, DType.U32), NarrowFloat.of(dtype));
            case BF16 -> {
                Value wide = b.cast(Opcode.U_CONVERT, raw, DType.U32);
                yield b.bits(b.op(Opcode.SHIFT_LEFT_LOGICAL, wide, u32(wide, 16)), DType.F32);
            }
            case F8E8M0 -> decodeScale(b.cast(Opcode.U_CONVERT, raw, DType.U32));
            case BOOL -> b.compare(Opcode.I_NOT_EQUAL, raw, b.integer(raw, 0));
            default -> raw.as(Type.widened(dtype));
        };
    }

    /** What to write to memory for a value, of the storage type. A number that the type does not have is rounded as by WRAP. */
    Value encode(Value v, DType dtype) {
        if (dtype == DType.F16 && halves != null) return halves.encode(v);
        return switch (dtype) {
            case F16 -> b.cast(Opcode.U_CONVERT, encode(quantise(v, dtype, false), NarrowFloat.of(dtype)), DType.U16);
            case BF16 -> {
                Value bits = b.bits(toBf16(v), DType.U32);
                Value high = b.op(Opcode.SHIFT_RIGHT_LOGICAL, bits, u32(bits, 16));
                yield b.cast(Opcode.U_CONVERT, high, DType.U16);
            }
            case F8E8M0 -> b.cast(Opcode.U_CONVERT, encodeScale(v, Rounding.WRAP), DType.U8);
            case F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F4E2M1 ->
                b.cast(Opcode.U_CONVERT, encode(round(v, dtype, Rounding.WRAP), NarrowFloat.of(dtype)), DType.U8);
            case I4, U4, I2, U2 -> wrap(v, dtype);
            case BOOL -> b.select(v, b.integer(DType.U8, v.lanes(), 1), b.integer(DType.U8, v.lanes(), 0));
            default -> b.wide(v);
        };
    }

    private Value u32(Value like, long v) {
        return b.integer(DType.U32, like.lanes(), v);
    }

    private Value f32(Value like, double v) {
        return b.real(DType.F32, like.lanes(), v);
    }

    private Value shiftLeft(Value v, int by) {
        return b.op(Opcode.SHIFT_LEFT_LOGICAL, v, b.integer(v, by));
    }

    private Value shiftRight(Value v, int by) {
        return b.op(Opcode.SHIFT_RIGHT_LOGICAL, v, b.integer(v, by));
    }

    private Value add(Value v, long constant) {
        return b.op(Opcode.I_ADD, v, b.integer(v, constant));
    }

    private Value mask(Value v, long constant) {
        return b.and(v, b.integer(v, constant));
    }

    private Value equal(Value v, long constant) {
        return b.compare(Opcode.I_EQUAL, v, b.integer(v, constant));
    }

    private Value above(Value v, long constant) {
        return b.compare(Opcode.U_GREATER_THAN, v, b.integer(v, constant));
    }

    private Value times(Value v, double factor) {
        return b.op(Opcode.F_MUL, v, b.real(v, factor));
    }

    // Codes of narrow floats, as U32

    /** Normal codes by their bits; those below by their integer: no step has a number that a device might take for zero. */
    private Value decode(Value code, NarrowFloat n) {
        int m = n.mantissaBits();
        Value magnitude = mask(code, n.signBit() - 1);
        Value moved = add(shiftLeft(magnitude, 23 - m), (long) (F32_BIAS - n.bias()) << 23);
        Value whole = b.cast(Opcode.CONVERT_U_TO_F, magnitude, DType.F32);
        Value tiny = b.bits(times(whole, Math.scalb(1.0, 1 - n.bias() - m)), DType.U32);
        Value bits = b.select(above(magnitude, (1L << m) - 1), moved, tiny);
        if (n.special() == Special.IEEE) {
            int infinity = ((1 << n.exponentBits()) - 1) << m;
            Value beyond = b.or(shiftLeft(magnitude, 23 - m), u32(code, 0x7f80_0000));
            bits = b.select(above(magnitude, infinity - 1), beyond, bits);
        }
        Value sign = shiftLeft(mask(code, n.signBit()), 31 - n.exponentBits() - m);
        bits = b.or(bits, sign);
        Value nan = u32(code, 0x7fc0_0000);
        if (n.special() == Special.NAN_AT_END) bits = b.select(equal(magnitude, n.signBit() - 1), nan, bits);
        if (n.special() == Special.NAN_AT_MINUS_ZERO) bits = b.select(equal(code, n.signBit()), nan, bits);
        return b.bits(bits, DType.F32);
    }

    /** The code of a number that the format has. */
    private Value encode(Value v, NarrowFloat n) {
        int m = n.mantissaBits();
        Value bits = b.bits(v, DType.U32);
        Value magnitude = mask(bits, Integer.MAX_VALUE);
        Value moved = shiftRight(add(magnitude, -((long) (F32_BIAS - n.bias()) << 23)), 23 - m);
        Value normal = above(magnitude, ((long) (F32_BIAS + 1 - n.bias()) << 23) - 1);
        Value small = b.select(normal, f32(v, 0), b.bits(magnitude, DType.F32));
        Value tiny = b.cast(Opcode.CONVERT_F_TO_U, times(small, Math.scalb(1.0, n.bias() + m - 1)), DType.U32);
        Value code = b.select(normal, moved, tiny);
        if (n.special() == Special.IEEE) {
            Value infinity = u32(v, ((1L << n.exponentBits()) - 1) << m);
            code = b.select(equal(magnitude, 0x7f80_0000), infinity, code);
        }
        code = b.or(code, mask(shiftRight(bits, 31 - n.exponentBits() - m), n.signBit()));
        return switch (n.special()) {
            case NONE -> code;
            case NAN_AT_MINUS_ZERO -> b.select(b.isNan(v), u32(v, n.signBit()), code);
            case IEEE, NAN_AT_END -> b.select(b.isNan(v), u32(v, n.signBit() - 1), code);
        };
    }

    private Value decodeScale(Value code) {
        Value some = b.select(equal(code, 0), u32(code, 0x0040_0000), shiftLeft(code, 23));
        return b.bits(b.select(equal(code, 255), u32(code, 0x7fc0_0000), some), DType.F32);
    }

    /** The code of a power of two near an F32: the exponent, plus one where the mantissa says so. */
    private Value encodeScale(Value v, Rounding rounding) {
        Value bits = b.bits(v, DType.U32);
        Value magnitude = mask(bits, Integer.MAX_VALUE);
        Value exponent = shiftRight(magnitude, 23);
        Value mantissa = mask(magnitude, 0x007f_ffff);
        // Below 2^-126 the code 0 stands at the mantissa 0x400000, half of the next: its steps are half as wide.
        Value low = equal(exponent, 0);
        Value up = switch (rounding) {
            case DOWN -> b.integer(DType.BOOL, v.lanes(), 0);
            case UP -> b.compare(Opcode.U_GREATER_THAN, mantissa, b.select(low, u32(v, 0x0040_0000), u32(v, 0)));
            default -> {
                Value half = b.select(low, u32(v, 0x0060_0000), u32(v, 0x0040_0000));
                yield b.compare(Opcode.U_GREATER_THAN_EQUAL, mantissa, half);
            }
        };
        Value code = b.op(Opcode.I_ADD, exponent, b.select(up, u32(v, 1), u32(v, 0)));
        Value over = b.or(above(code, 254), equal(magnitude, 0x7f80_0000));
        code = b.select(over, u32(v, rounding == Rounding.WRAP ? 255 : 254), code);
        Value negative = b.and(
                b.compare(Opcode.S_LESS_THAN, bits, u32(v, 0)), b.compare(Opcode.I_NOT_EQUAL, magnitude, u32(v, 0)));
        Value nan = b.or(negative, above(magnitude, 0x7f80_0000));
        if (rounding == Rounding.WRAP) nan = b.or(nan, b.compare(Opcode.U_LESS_THAN, magnitude, u32(v, 0x0040_0000)));
        return b.select(nan, u32(v, 255), code);
    }

    // Float to float

    /** A float rounded to a float type, widened again. */
    Value round(Value v, DType to, Rounding rounding) {
        if (to == DType.F64 || to == DType.F32) return v.element() == to ? v : b.cast(Opcode.F_CONVERT, v, to);
        if (v.element() == DType.F64) v = roundToOdd(v);
        return switch (to) {
            case F16 -> halves != null ? halves.decode(halves.encode(v)) : quantise(v, to, false);
            case BF16 -> toBf16(v);
            case F8E8M0 -> decodeScale(encodeScale(v, rounding));
            default -> quantise(v, to, rounding != Rounding.WRAP);
        };
    }

    /** F64 as an F32 rounded to odd, so that a second rounding to a narrower type is as if there had been one. */
    private Value roundToOdd(Value v) {
        Value f = b.cast(Opcode.F_CONVERT, v, DType.F32);
        Value back = b.cast(Opcode.F_CONVERT, f, DType.F64);
        Value bits = b.bits(f, DType.U32);
        Value even = equal(mask(bits, 1), 0);
        Value inexact = b.compare(Opcode.F_ORD_NOT_EQUAL, back, v);
        Value infinite = equal(mask(bits, Integer.MAX_VALUE), 0x7f80_0000);
        Value tooBig = b.compare(Opcode.F_ORD_GREATER_THAN, b.abs(back), b.abs(v));
        Value odd = b.op(Opcode.I_ADD, bits, b.select(tooBig, u32(v, -1), u32(v, 1)));
        Value change = b.and(b.and(even, inexact), b.not(infinite));
        return b.bits(b.select(change, odd, bits), DType.F32);
    }

    private Value toBf16(Value v) {
        Value bits = b.bits(v, DType.U32);
        Value odd = mask(shiftRight(bits, 16), 1);
        Value rounded = b.op(Opcode.I_ADD, add(bits, 0x7fff), odd);
        Value nan = b.or(bits, u32(v, 0x0040_0000));
        return b.bits(mask(b.select(b.isNan(v), nan, rounded), 0xffff_0000L), DType.F32);
    }

    /** Rounds to a multiple of the format's step at the number's magnitude: scaling by powers of two is exact. */
    private Value quantise(Value v, DType to, boolean saturate) {
        NarrowFloat n = NarrowFloat.of(to);
        int m = n.mantissaBits();
        double largest = to == DType.F16 ? LARGEST_F16 : FloatFormat.of(to).largest();
        Value magnitude = mask(b.bits(v, DType.U32), Integer.MAX_VALUE);
        Value a = b.bits(magnitude, DType.F32);
        Value exponent = shiftRight(magnitude, 23);
        Value least = u32(v, 128 - n.bias());
        Value e = b.select(b.compare(Opcode.U_LESS_THAN, exponent, least), least, exponent);
        e = b.select(above(e, 254), u32(v, 254), e);
        Value down = b.bits(shiftLeft(b.op(Opcode.I_SUB, u32(v, 254 + m), e), 23), DType.F32);
        Value step = b.bits(shiftLeft(add(e, -m), 23), DType.F32);
        Value r = b.op(Opcode.F_MUL, b.whole(LaneBuilder.ROUND_EVEN, b.op(Opcode.F_MUL, a, down)), step);
        Value over = b.compare(Opcode.F_ORD_GREATER_THAN, r, f32(v, largest));
        double beyond = saturate || n.special() == Special.NONE
                ? largest
                : n.special() == Special.IEEE ? Double.POSITIVE_INFINITY : Double.NaN;
        Value kept = b.select(b.isNan(v), a, b.select(over, f32(v, beyond), r));
        Value signed = b.copySign(kept, v);
        return switch (n.special()) {
            case NONE -> b.select(b.isNan(v), f32(v, -0.0), signed);
            case NAN_AT_MINUS_ZERO -> b.select(b.compare(Opcode.F_ORD_EQUAL, r, f32(v, 0)), f32(v, 0), signed);
            default -> signed;
        };
    }

    // Integers

    /** The low bits of a value of the type's container as a value of the type. */
    private Value wrap(Value v, DType to) {
        Value c = v.as(Type.widened(to));
        return switch (to) {
            case I4, I2 -> {
                Value shift = b.integer(c, 8 - to.bits());
                yield b.op(Opcode.SHIFT_RIGHT_ARITHMETIC, b.op(Opcode.SHIFT_LEFT_LOGICAL, c, shift), shift);
            }
            case U4, U2 -> mask(c, to.maxInteger());
            default -> c;
        };
    }

    /** Changes an integer's width, by its own signedness. */
    private Value resize(Value v, DType to) {
        if (v.element() == DType.BOOL) return b.select(v, b.integer(to, v.lanes(), 1), b.integer(to, v.lanes(), 0));
        if (v.element().bits() == to.bits()) return v.as(to);
        boolean signed = v.element().isSigned() && to.bits() > v.element().bits();
        return b.cast(signed ? Opcode.S_CONVERT : Opcode.U_CONVERT, v, to);
    }

    /** {@link dev.meseta.compiler.kernel.Expr.Convert}. */
    Value convert(Value v, DType to, Rounding rounding) {
        if (v.narrow()) {
            // In 32 bits the number is the same, and what is made of it too, but for what the wrapped bits above would
            // say.
            if (to == DType.I64) return v;
            if (to != DType.U64) return convert(v.as(DType.I32), to, rounding);
            v = b.wide(v);
        }
        boolean fromFloat = v.element().isFloat();
        if (to.isFloat()) return fromFloat ? round(v, to, rounding) : integerToFloat(v, to, rounding);
        if (to == DType.BOOL) {
            if (v.element() == DType.BOOL) return v;
            if (fromFloat) return b.compare(Opcode.F_UNORD_NOT_EQUAL, v, b.real(v, 0));
            return b.compare(Opcode.I_NOT_EQUAL, v, b.integer(v, 0));
        }
        if (fromFloat) return floatToInteger(v, to, rounding);
        DType from = v.element();
        if (to == DType.I64 && from.bits() <= 32 && from != DType.U32) {
            long low = from == DType.BOOL ? 0 : from.minInteger();
            long high = from == DType.BOOL ? 1 : from.maxInteger();
            return b.narrow(resize(v, DType.I32), low, high);
        }
        return integerToInteger(v, to, rounding);
    }

    private Value integerToFloat(Value v, DType to, Rounding rounding) {
        boolean wide = to == DType.F64 || to == DType.F32;
        if (v.element() == DType.BOOL) v = resize(v, DType.U32);
        // Widths below 32 bits have no conversion on some devices.
        else if (v.element().bits() < 32) v = resize(v, v.element().isSigned() ? DType.I32 : DType.U32);
        if (!wide && v.element().bits() == 64) return round(oddDouble(v), to, rounding);
        if (to == DType.F32 && v.element().bits() == 64) return b.cast(Opcode.F_CONVERT, oddDouble(v), DType.F32);
        DType exact = to == DType.F64 || !wide && v.element().bits() > 16 ? DType.F64 : DType.F32;
        Opcode opcode = v.element().isSigned() ? Opcode.CONVERT_S_TO_F : Opcode.CONVERT_U_TO_F;
        Value f = b.cast(opcode, v, exact);
        return wide ? f : round(f, to, rounding);
    }

    /** A 64-bit integer as F64 rounded to odd: beyond 2^53 the lowest eleven bits become one that says whether any was set. */
    private Value oddDouble(Value v) {
        Value zero = b.integer(v, 0);
        boolean signed = v.element().isSigned();
        Value negative = b.compare(Opcode.S_LESS_THAN, v, zero);
        Value m = (signed ? b.select(negative, b.op(Opcode.S_NEGATE, v), v) : v).as(DType.U64);
        Value tail = b.compare(Opcode.I_NOT_EQUAL, mask(m, 0x7ff), b.integer(m, 0));
        Value sticky = b.select(tail, b.integer(m, 0x800), b.integer(m, 0));
        Value odd = b.or(mask(m, ~0x7ffL), sticky);
        Value big = b.compare(Opcode.U_GREATER_THAN_EQUAL, m, b.integer(m, 1L << 53));
        Value d = b.cast(Opcode.CONVERT_U_TO_F, b.select(big, odd, m), DType.F64);
        return signed ? b.select(negative, b.negate(d), d) : d;
    }

    /** A float without a fraction as an integer, clamped to its type; NaN gives 0. */
    private Value saturated(Value v, DType to) {
        boolean signed = to.isSigned();
        double low = signed ? (double) to.minInteger() : 0;
        double high = signed ? -low : Math.scalb(1.0, to.bits());
        Value over = b.compare(Opcode.F_ORD_GREATER_THAN_EQUAL, v, b.real(v, high));
        Value under = b.compare(Opcode.F_ORD_LESS_THAN, v, b.real(v, low));
        Value outside = b.or(b.or(over, under), b.isNan(v));
        Value inside = b.select(outside, b.real(v, 0), v);
        Value r = b.cast(signed ? Opcode.CONVERT_F_TO_S : Opcode.CONVERT_F_TO_U, inside, to);
        r = b.select(over, b.integer(r, to.maxInteger()), r);
        return b.select(under, b.integer(r, to.minInteger()), r);
    }

    private Value floatToInteger(Value v, DType to, Rounding rounding) {
        DType container = Type.widened(to);
        if (rounding == Rounding.WRAP) return wrapToInteger(v, to);
        if (rounding == Rounding.NEAREST) v = b.whole(LaneBuilder.ROUND_EVEN, v);
        if (to.bits() >= 32) return saturated(v, to);
        Value low = b.real(v, to.minInteger());
        Value high = b.real(v, to.maxInteger());
        v = b.select(b.isNan(v), b.real(v, 0), v);
        v = b.select(b.compare(Opcode.F_ORD_LESS_THAN, v, low), low, v);
        v = b.select(b.compare(Opcode.F_ORD_GREATER_THAN, v, high), high, v);
        return resize(b.cast(Opcode.CONVERT_F_TO_S, v, DType.I32), container);
    }

    private Value wrapToInteger(Value v, DType to) {
        Value wide = saturated(v, DType.I64);
        if (to == DType.U64) {
            Value big = saturated(v, DType.U64);
            Value beyond = b.compare(Opcode.F_ORD_GREATER_THAN_EQUAL, v, b.real(v, 0x1p63));
            return b.select(beyond, big, wide.as(DType.U64));
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
        if (low) {
            Value least = b.integer(v, to.minInteger());
            v = b.select(b.compare(Opcode.S_LESS_THAN, v, least), least, v);
        }
        if (toMagnitude < fromMagnitude) {
            Value most = b.integer(v, to.maxInteger());
            Opcode order = from.isSigned() ? Opcode.S_GREATER_THAN : Opcode.U_GREATER_THAN;
            v = b.select(b.compare(order, v, most), most, v);
        }
        return resize(v, container);
    }
}
