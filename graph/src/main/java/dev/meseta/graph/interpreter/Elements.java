package dev.meseta.graph.interpreter;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.meseta.graph.DType;
import dev.meseta.graph.FloatFormat;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.lang.foreign.MemorySegment;

/**
 * Tensors as arrays to compute with: floats as {@code double[]}, integers and BOOL as {@code long[]} (signed types sign-extended,
 * unsigned ones zero-extended, U64 by its bits). Storing rounds floats once and keeps the low bits of integers.
 */
final class Elements {
    private Elements() {}

    /** The values as doubles; exact but for 64-bit integers beyond 2^53, which round to nearest. */
    static double[] doubles(Tensor t) {
        int n = Memory.arrayLength(t.type());
        MemorySegment data = t.data();
        double[] v;
        switch (t.dtype()) {
            case F64 -> v = data.toArray(JAVA_DOUBLE_UNALIGNED);
            case F32 -> {
                v = new double[n];
                for (int i = 0; i < n; i++) v[i] = data.get(JAVA_FLOAT_UNALIGNED, 4L * i);
            }
            case F16 -> {
                v = new double[n];
                for (int i = 0; i < n; i++) v[i] = Float.float16ToFloat(data.get(JAVA_SHORT_UNALIGNED, 2L * i));
            }
            case BF16 -> {
                v = new double[n];
                for (int i = 0; i < n; i++) v[i] = FloatFormat.bf16ToFloat(data.get(JAVA_SHORT_UNALIGNED, 2L * i));
            }
            case F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1 -> {
                v = new double[n];
                FloatFormat format = FloatFormat.of(t.dtype());
                for (int i = 0; i < n; i++) v[i] = format.decode(data.get(JAVA_BYTE, i) & 0xff);
            }
            default -> {
                v = new double[n];
                for (int i = 0; i < n; i++) v[i] = t.getDouble(i);
            }
        }
        return v;
    }

    /** The values of an integer or BOOL tensor. */
    static long[] longs(Tensor t) {
        int n = Memory.arrayLength(t.type());
        MemorySegment data = t.data();
        long[] v;
        switch (t.dtype()) {
            case I64, U64 -> v = data.toArray(JAVA_LONG_UNALIGNED);
            case I32 -> {
                v = new long[n];
                for (int i = 0; i < n; i++) v[i] = data.get(JAVA_INT_UNALIGNED, 4L * i);
            }
            case I8 -> {
                v = new long[n];
                for (int i = 0; i < n; i++) v[i] = data.get(JAVA_BYTE, i);
            }
            case U8 -> {
                v = new long[n];
                for (int i = 0; i < n; i++) v[i] = data.get(JAVA_BYTE, i) & 0xff;
            }
            default -> {
                v = new long[n];
                for (int i = 0; i < n; i++) v[i] = t.getLong(i);
            }
        }
        return v;
    }

    /** A new tensor of a float type, rounded to nearest even. */
    static Tensor tensor(TensorType type, double[] v) {
        Tensor t = Tensor.allocate(type);
        MemorySegment data = t.data();
        int n = v.length;
        switch (type.dtype()) {
            case F64 -> MemorySegment.copy(v, 0, data, JAVA_DOUBLE_UNALIGNED, 0, n);
            case F32 -> {
                for (int i = 0; i < n; i++) data.set(JAVA_FLOAT_UNALIGNED, 4L * i, (float) v[i]);
            }
            default -> {
                for (int i = 0; i < n; i++) t.setDouble(i, v[i]);
            }
        }
        return t;
    }

    /** A new tensor of an integer type or BOOL, of the low bits. */
    static Tensor tensor(TensorType type, long[] v) {
        Tensor t = Tensor.allocate(type);
        MemorySegment data = t.data();
        int n = v.length;
        switch (type.dtype()) {
            case I64, U64 -> MemorySegment.copy(v, 0, data, JAVA_LONG_UNALIGNED, 0, n);
            case I32, U32 -> {
                for (int i = 0; i < n; i++) data.set(JAVA_INT_UNALIGNED, 4L * i, (int) v[i]);
            }
            case I8, U8 -> {
                for (int i = 0; i < n; i++) data.set(JAVA_BYTE, i, (byte) v[i]);
            }
            default -> {
                for (int i = 0; i < n; i++) t.setLong(i, v[i]);
            }
        }
        return t;
    }

    /** A copy of a tensor's bytes. */
    static Tensor copy(Tensor t) {
        Tensor c = Tensor.allocate(t.type());
        MemorySegment.copy(t.data(), 0, c.data(), 0, t.data().byteSize());
        return c;
    }

    static double unsignedToDouble(long bits) {
        if (bits >= 0) return bits;
        // Halving keeps the lowest bit as a sticky one, so that the conversion rounds once.
        return (double) ((bits >>> 1) | (bits & 1)) * 2.0;
    }

    static boolean isUnsigned64(DType t) {
        return t == DType.U64;
    }
}
