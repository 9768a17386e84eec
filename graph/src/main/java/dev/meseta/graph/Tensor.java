package dev.meseta.graph;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Locale;

/**
 * A dense, row-major tensor in memory. The bytes belong to whoever made the segment; tensors made by {@link #allocate} live as long as
 * they are reachable. Reading from several threads is safe; writing is the owner's business.
 */
public final class Tensor implements Data {
    /** Alignment of allocated tensors in bytes: a cache line, and the widest vector. */
    public static final long ALIGNMENT = 64;

    /** A thread that owns no memory. */
    private static final Thread NOBODY = Thread.ofPlatform().unstarted(() -> {});

    private final TensorType type;
    private final MemorySegment data;
    private final boolean automatic;

    private Tensor(TensorType type, MemorySegment data, boolean automatic) {
        this.type = type;
        this.data = data;
        this.automatic = automatic;
    }

    /** A tensor over bytes that exist, without a copy. Throws {@link IllegalArgumentException} if the segment's size is not the type's. */
    public static Tensor wrap(TensorType type, MemorySegment data) {
        if (data.byteSize() != type.bytes()) {
            throw new IllegalArgumentException(type + " takes " + type.bytes() + " bytes, got " + data.byteSize());
        }
        return new Tensor(type, data, false);
    }

    /**
     * A tensor of zeros in native memory that is freed when the tensor is no longer reachable. Throws {@link InvalidInputException} where
     * the memory is not to be had.
     */
    public static Tensor allocate(TensorType type) {
        long bytes;
        try {
            bytes = type.bytes();
        } catch (ArithmeticException e) {
            throw new InvalidInputException(type + " is beyond any memory", e);
        }
        try {
            return new Tensor(
                    type, Arena.ofAuto().allocate(Math.max(1, bytes), ALIGNMENT).asSlice(0, bytes), true);
        } catch (OutOfMemoryError | IllegalArgumentException e) {
            // The JVM counts native memory against a limit of its own before it asks the system, so that nothing has
            // happened yet.
            throw new InvalidInputException(
                    String.format(
                            Locale.ROOT,
                            "%s needs %.2f GiB of memory, more than Java has left; use smaller inputs, or raise its"
                                    + " limit with -XX:MaxDirectMemorySize=… (for ./meseta in MESETA_JAVA_OPTIONS)",
                            type,
                            bytes / (double) (1L << 30)),
                    e);
        }
    }

    /**
     * A tensor over memory that, like that of {@link #allocate}, nobody can free while somebody can reach it. Throws {@link
     * IllegalArgumentException} if the segment's size is not the type's.
     */
    public static Tensor automatic(TensorType type, MemorySegment data) {
        return new Tensor(type, wrap(type, data).data, true);
    }

    public static Tensor allocate(DType dtype, Shape shape) {
        return allocate(new TensorType(dtype, shape));
    }

    /** A copy of the values; without extents a vector. */
    public static Tensor of(float[] values, long... extents) {
        Tensor t = allocate(DType.F32, shapeFor(values.length, extents));
        MemorySegment.copy(values, 0, t.data, JAVA_FLOAT_UNALIGNED, 0, values.length);
        return t;
    }

    public static Tensor of(double[] values, long... extents) {
        Tensor t = allocate(DType.F64, shapeFor(values.length, extents));
        MemorySegment.copy(values, 0, t.data, JAVA_DOUBLE_UNALIGNED, 0, values.length);
        return t;
    }

    public static Tensor of(long[] values, long... extents) {
        Tensor t = allocate(DType.I64, shapeFor(values.length, extents));
        MemorySegment.copy(values, 0, t.data, JAVA_LONG_UNALIGNED, 0, values.length);
        return t;
    }

    public static Tensor of(int[] values, long... extents) {
        Tensor t = allocate(DType.I32, shapeFor(values.length, extents));
        MemorySegment.copy(values, 0, t.data, JAVA_INT_UNALIGNED, 0, values.length);
        return t;
    }

    /** A scalar (rank 0) of any type, from a double: rounded for floats, truncated for integers. */
    public static Tensor scalar(DType dtype, double value) {
        Tensor t = allocate(dtype, Shape.SCALAR);
        t.setDouble(0, value);
        return t;
    }

    /** A scalar (rank 0) of an integer type or BOOL from its bits. */
    public static Tensor scalar(DType dtype, long value) {
        Tensor t = allocate(dtype, Shape.SCALAR);
        t.setLong(0, value);
        return t;
    }

    private static Shape shapeFor(int length, long[] extents) {
        Shape s = extents.length == 0 && length != 1 ? Shape.of(length) : Shape.of(extents);
        if (s.elements() != length)
            throw new IllegalArgumentException(s + " needs " + s.elements() + " values, got " + length);
        return s;
    }

    public TensorType type() {
        return type;
    }

    public DType dtype() {
        return type.dtype();
    }

    public Shape shape() {
        return type.shape();
    }

    public long elements() {
        return type.shape().elements();
    }

    /** The bytes, row-major, little-endian. */
    public MemorySegment data() {
        return data;
    }

    /** Whether the memory is such ({@link #allocate}, {@link #automatic}) that nobody can free it while somebody can reach it. */
    public boolean isAutomatic() {
        return automatic;
    }

    /** A copy of its own. */
    public Tensor copy() {
        Tensor c = allocate(type);
        c.data.copyFrom(data);
        return c;
    }

    /** Whether one thread alone may touch memory, and close it: that of a confined arena. */
    public static boolean isConfined(MemorySegment memory) {
        return !memory.isAccessibleBy(NOBODY);
    }

    /** The same bytes under another shape of as many elements. */
    public Tensor reshape(Shape shape) {
        Tensor t = wrap(type.with(shape), data);
        return automatic ? new Tensor(t.type, data, true) : t;
    }

    /** The element at a row-major position as a double; exact but for 64-bit integers beyond 2^53. */
    public double getDouble(long i) {
        return switch (dtype()) {
            case F64 -> data.get(JAVA_DOUBLE_UNALIGNED, i * 8);
            case F32 -> data.get(JAVA_FLOAT_UNALIGNED, i * 4);
            case F16 -> Float.float16ToFloat(data.get(JAVA_SHORT_UNALIGNED, i * 2));
            case BF16 -> FloatFormat.bf16ToFloat(data.get(JAVA_SHORT_UNALIGNED, i * 2));
            case F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1 ->
                FloatFormat.of(dtype()).decode(data.get(JAVA_BYTE, i) & 0xff);
            case U64 -> unsignedToDouble(data.get(JAVA_LONG_UNALIGNED, i * 8));
            default -> getLong(i);
        };
    }

    /** The element at a row-major position as a long: the bits of U64, 0 or 1 for BOOL, truncated for floats. */
    public long getLong(long i) {
        return switch (dtype()) {
            case I64, U64 -> data.get(JAVA_LONG_UNALIGNED, i * 8);
            case I32 -> data.get(JAVA_INT_UNALIGNED, i * 4);
            case U32 -> data.get(JAVA_INT_UNALIGNED, i * 4) & 0xffff_ffffL;
            case I16 -> data.get(JAVA_SHORT_UNALIGNED, i * 2);
            case U16 -> data.get(JAVA_SHORT_UNALIGNED, i * 2) & 0xffff;
            case I8, I4, I2 -> data.get(JAVA_BYTE, i);
            case U8, U4, U2 -> data.get(JAVA_BYTE, i) & 0xff;
            case BOOL -> data.get(JAVA_BYTE, i) != 0 ? 1 : 0;
            case C64, C128 -> throw new IllegalStateException("complex elements have no integer value");
            default -> (long) getDouble(i);
        };
    }

    /** Stores a double: rounded to nearest even for floats (out of range: infinity, or the largest where there is none), truncated and wrapped for integers, != 0 for BOOL. */
    public void setDouble(long i, double v) {
        switch (dtype()) {
            case F64 -> data.set(JAVA_DOUBLE_UNALIGNED, i * 8, v);
            case F32 -> data.set(JAVA_FLOAT_UNALIGNED, i * 4, (float) v);
            case F16 -> data.set(JAVA_SHORT_UNALIGNED, i * 2, FloatFormat.doubleToF16(v));
            case BF16 -> data.set(JAVA_SHORT_UNALIGNED, i * 2, FloatFormat.doubleToBf16(v));
            case F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1 ->
                data.set(JAVA_BYTE, i, (byte) FloatFormat.of(dtype()).encode(v, true));
            case BOOL -> data.set(JAVA_BYTE, i, (byte) (v != 0 ? 1 : 0));
            case U64 -> setLong(i, doubleToUnsigned(v));
            default -> setLong(i, (long) v);
        }
    }

    /** Stores a long: the low bits for integers, != 0 for BOOL, the nearest number for floats (signed). */
    public void setLong(long i, long v) {
        switch (dtype()) {
            case I64, U64 -> data.set(JAVA_LONG_UNALIGNED, i * 8, v);
            case I32, U32 -> data.set(JAVA_INT_UNALIGNED, i * 4, (int) v);
            case I16, U16 -> data.set(JAVA_SHORT_UNALIGNED, i * 2, (short) v);
            case I8, U8 -> data.set(JAVA_BYTE, i, (byte) v);
            case I4 -> data.set(JAVA_BYTE, i, (byte) ((byte) (v << 4) >> 4));
            case I2 -> data.set(JAVA_BYTE, i, (byte) ((byte) (v << 6) >> 6));
            case U4 -> data.set(JAVA_BYTE, i, (byte) (v & 15));
            case U2 -> data.set(JAVA_BYTE, i, (byte) (v & 3));
            case BOOL -> data.set(JAVA_BYTE, i, (byte) (v != 0 ? 1 : 0));
            case C64, C128 -> throw new IllegalStateException("complex elements have no integer value");
            case F64 -> data.set(JAVA_DOUBLE_UNALIGNED, i * 8, (double) v);
            default -> setDouble(i, FloatFormat.toOddDouble(v, false));
        }
    }

    /** All elements as longs. For small tensors such as shapes and axes. */
    public long[] toLongs() {
        long[] v = new long[Math.toIntExact(elements())];
        for (int i = 0; i < v.length; i++) v[i] = getLong(i);
        return v;
    }

    public double[] toDoubles() {
        double[] v = new double[Math.toIntExact(elements())];
        for (int i = 0; i < v.length; i++) v[i] = getDouble(i);
        return v;
    }

    public float[] toFloats() {
        float[] v = new float[Math.toIntExact(elements())];
        for (int i = 0; i < v.length; i++) v[i] = (float) getDouble(i);
        return v;
    }

    static double unsignedToDouble(long bits) {
        if (bits >= 0) return bits;
        return (double) ((bits >>> 1) | (bits & 1)) * 2.0;
    }

    static long doubleToUnsigned(double v) {
        if (!(v >= 0x1p63)) return (long) v;
        return v >= 0x1p64 ? -1L : (long) (v - 0x1p63) ^ Long.MIN_VALUE;
    }

    @Override
    public String describe() {
        return type.toString();
    }

    @Override
    public String toString() {
        return "Tensor " + type;
    }
}
