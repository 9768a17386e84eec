package dev.meseta.graph.interpreter;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.meseta.graph.DType;
import dev.meseta.graph.FloatFormat;
import dev.meseta.graph.Op.Cast.Rounding;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;

/** Conversions between element types; every one rounds at most once. */
final class Casts {
    private Casts() {}

    static Tensor cast(Tensor x, Rounding rounding, TensorType type) {
        DType to = type.dtype();
        if (x.dtype() == to) return x;
        if (to.isFloat())
            return x.dtype().isFloat() ? floatToFloat(x, rounding, type) : integerToFloat(x, rounding, type);
        long[] out;
        if (x.dtype().isFloat()) {
            double[] v = Elements.doubles(x);
            out = new long[v.length];
            for (int i = 0; i < out.length; i++) out[i] = floatToInteger(v[i], to, rounding);
        } else {
            out = Elements.longs(x);
            for (int i = 0; i < out.length; i++) out[i] = integerToInteger(out[i], x.dtype(), to, rounding);
        }
        return Elements.tensor(type, out);
    }

    /** As stored in the low bits of the result. */
    static long floatToInteger(double v, DType to, Rounding rounding) {
        if (to == DType.BOOL) return v != 0 ? 1 : 0;
        if (rounding == Rounding.WRAP) return wrap(v, to);
        double r = rounding == Rounding.NEAREST ? Math.rint(v) : v;
        if (to == DType.U64) return r > 0 ? wrap(r, to) : 0;
        return Math.clamp((long) r, to.minInteger(), to.maxInteger());
    }

    /** Truncated to 64 bits, saturating there; NaN gives 0. Of an unsigned number from 2^63 on, its bits. */
    private static long wrap(double v, DType to) {
        if (to != DType.U64 || v < 0x1p63) return (long) v;
        return v >= 0x1p64 ? -1L : (long) (v - 0x1p63) ^ Long.MIN_VALUE;
    }

    private static long integerToInteger(long v, DType from, DType to, Rounding rounding) {
        if (to == DType.BOOL) return v != 0 ? 1 : 0;
        if (rounding == Rounding.WRAP) return v;
        boolean huge = from == DType.U64 && v < 0;
        if (to == DType.U64) return from == DType.U64 ? v : Math.max(0, v);
        return huge ? to.maxInteger() : Math.clamp(v, to.minInteger(), to.maxInteger());
    }

    private static Tensor floatToFloat(Tensor x, Rounding rounding, TensorType type) {
        double[] v = Elements.doubles(x);
        return type.dtype().bits() >= 16 ? Elements.tensor(type, v) : narrow(v, rounding, type);
    }

    private static Tensor integerToFloat(Tensor x, Rounding rounding, TensorType type) {
        long[] v = Elements.longs(x);
        boolean unsigned = x.dtype() == DType.U64;
        double[] d = new double[v.length];
        boolean toDouble = type.dtype() == DType.F64;
        for (int i = 0; i < d.length; i++) {
            if (toDouble) d[i] = unsigned ? Elements.unsignedToDouble(v[i]) : v[i];
            else d[i] = FloatFormat.toOddDouble(v[i], unsigned);
        }
        return type.dtype().bits() >= 16 ? Elements.tensor(type, d) : narrow(d, rounding, type);
    }

    private static Tensor narrow(double[] v, Rounding rounding, TensorType type) {
        Tensor t = Tensor.allocate(type);
        FloatFormat format = FloatFormat.of(type.dtype());
        boolean scale = type.dtype() == DType.F8E8M0;
        for (int i = 0; i < v.length; i++) {
            int code = scale && rounding == Rounding.UP
                    ? format.encodeUp(v[i])
                    : scale && rounding == Rounding.DOWN
                            ? format.encodeDown(v[i])
                            : format.encode(v[i], rounding != Rounding.WRAP);
            t.data().set(JAVA_BYTE, i, (byte) code);
        }
        return t;
    }

    /** The same bytes; types narrower than a byte keep the upper bits of theirs as their own kind has them. */
    static Tensor bitcast(Tensor x, TensorType type) {
        boolean extended =
                x.dtype().bits() < 8 && x.dtype().isSigned() != type.dtype().isSigned();
        if (!extended) return Tensor.wrap(type, x.data());
        Tensor y = Tensor.allocate(type);
        int mask = (1 << x.dtype().bits()) - 1;
        for (long i = 0; i < y.elements(); i++) {
            int code = x.data().get(JAVA_BYTE, i) & mask;
            if (type.dtype().isSigned()) y.setLong(i, code);
            else y.data().set(JAVA_BYTE, i, (byte) code);
        }
        return y;
    }
}
