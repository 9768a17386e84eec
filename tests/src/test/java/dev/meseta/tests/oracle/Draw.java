package dev.meseta.tests.oracle;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Random choices for one case. Equal seeds make equal cases. */
final class Draw {
    static final DType[] FLOATS = {DType.F32, DType.F32, DType.F64, DType.F16};
    static final DType[] FLOATS_AND_BF16 = {DType.F32, DType.F32, DType.F64, DType.F16, DType.BF16};
    static final DType[] SIGNED = {DType.I8, DType.I16, DType.I32, DType.I64};
    static final DType[] UNSIGNED = {DType.U8, DType.U16, DType.U32, DType.U64};
    static final DType[] INTEGERS = {
        DType.I8, DType.I16, DType.I32, DType.I64, DType.U8, DType.U16, DType.U32, DType.U64
    };
    static final DType[] NUMBERS = {
        DType.F32, DType.F32, DType.F64, DType.F16, DType.I32, DType.I64, DType.I8, DType.I16, DType.U8, DType.U16,
        DType.U32, DType.U64
    };
    static final DType[] ANY = {
        DType.F32,
        DType.F64,
        DType.F16,
        DType.I32,
        DType.I64,
        DType.I8,
        DType.I16,
        DType.U8,
        DType.U16,
        DType.U32,
        DType.U64,
        DType.BOOL
    };

    private final String domain;
    private final String operator;
    private final int opset;
    private final Random random;

    Draw(String domain, String operator, int opset, Random random) {
        this.domain = domain;
        this.operator = operator;
        this.opset = opset;
        this.random = random;
    }

    NodeCase node() {
        return new NodeCase(domain, operator, opset);
    }

    /** The version of the operator's domain that this case is for. */
    int opset() {
        return opset;
    }

    boolean since(int version) {
        return opset >= version;
    }

    boolean flag() {
        return random.nextBoolean();
    }

    /** True once in so many times. */
    boolean rarely(int times) {
        return random.nextInt(times) == 0;
    }

    /** From low to high, both included. */
    int integer(int low, int high) {
        return random.nextInt(low, high + 1);
    }

    double real(double low, double high) {
        return random.nextDouble(low, high);
    }

    @SafeVarargs
    final <T> T pick(T... of) {
        return of[random.nextInt(of.length)];
    }

    <T> T pick(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    long[] integers(int count, int low, int high) {
        long[] v = new long[count];
        for (int i = 0; i < count; i++) v[i] = integer(low, high);
        return v;
    }

    float[] reals(int count, double low, double high) {
        float[] v = new float[count];
        for (int i = 0; i < count; i++) v[i] = (float) real(low, high);
        return v;
    }

    /** An extent: mostly small, now and then longer than a vector register. */
    long extent() {
        return rarely(8) ? integer(9, 37) : integer(1, 6);
    }

    Shape shape(int lowestRank, int highestRank) {
        long[] e = new long[integer(lowestRank, highestRank)];
        for (int i = 0; i < e.length; i++) e[i] = extent();
        if (e.length > 0 && rarely(40)) e[integer(0, e.length - 1)] = 0;
        while (Arrays.stream(e).reduce(1, (a, b) -> a * b) > 20000) e[integer(0, e.length - 1)] = 2;
        return Shape.of(e);
    }

    /** Without an extent of 0. */
    Shape filled(int lowestRank, int highestRank) {
        while (true) {
            Shape s = shape(lowestRank, highestRank);
            if (s.elements() > 0) return s;
        }
    }

    /** A shape that broadcasts to the given one: some extents are 1, some leading ones gone. */
    Shape broadcasting(Shape to) {
        long[] e = to.extents();
        for (int i = 0; i < e.length; i++) {
            if (rarely(3)) e[i] = 1;
        }
        return Shape.of(rarely(3) ? Arrays.copyOfRange(e, integer(0, e.length), e.length) : e);
    }

    /** An axis of a tensor of this rank, counted from either end. */
    int axis(int rank) {
        return integer(-rank, rank - 1);
    }

    /** Different axes, in any order, counted from either end if {@code negative}. */
    long[] axes(int rank, int lowestCount, int highestCount, boolean negative) {
        List<Long> all = new ArrayList<>();
        for (long a = 0; a < rank; a++) all.add(a);
        Collections.shuffle(all, random);
        int count = integer(lowestCount, Math.min(rank, highestCount));
        return all.stream()
                .limit(count)
                .mapToLong(a -> negative && flag() ? a - rank : a)
                .toArray();
    }

    long[] permutation(int rank) {
        return axes(rank, rank, rank, false);
    }

    /** Values of an ordinary size: reals around 0, integers of one or two digits. */
    Tensor tensor(DType type, Shape shape) {
        if (type.isFloat()) return type.bits() <= 8 ? tensor(type, shape, -6, 6) : normal(type, shape);
        if (type == DType.BOOL) return tensor(type, shape, 0, 1);
        double high = type.bits() < 8 ? type.maxInteger() : 20;
        return tensor(type, shape, type.isSigned() ? Math.max(-high, type.minInteger()) : 0, high);
    }

    Tensor tensor(DType type, long... extents) {
        return tensor(type, Shape.of(extents));
    }

    private Tensor normal(DType type, Shape shape) {
        Tensor t = Tensor.allocate(type, shape);
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, random.nextGaussian() * 2);
        return t;
    }

    /** Values from low to high; whole numbers, both included, for integers. */
    Tensor tensor(DType type, Shape shape, double low, double high) {
        Tensor t = Tensor.allocate(type, shape);
        for (long i = 0; i < t.elements(); i++) {
            if (type.isFloat()) t.setDouble(i, real(low, high));
            else t.setLong(i, random.nextLong((long) low, (long) high + 1));
        }
        return t;
    }

    /** Values with many ties, all whole numbers. */
    Tensor whole(DType type, Shape shape, int low, int high) {
        Tensor t = Tensor.allocate(type, shape);
        for (long i = 0; i < t.elements(); i++) {
            if (type.isFloat()) t.setDouble(i, integer(low, high));
            else t.setLong(i, integer(low, high));
        }
        return t;
    }

    /** Values of every size that the type has, among them infinities, NaN, and zeros of both signs. */
    Tensor extreme(DType type, Shape shape) {
        double[] special = {
            0.0,
            -0.0,
            1,
            -1,
            0.5,
            -0.5,
            1.5,
            2.5,
            -2.5,
            Double.POSITIVE_INFINITY,
            Double.NEGATIVE_INFINITY,
            Double.NaN,
            1e-3,
            88.9,
            -103.5,
            1e4,
            -1e4,
            127,
            128,
            255,
            256
        };
        Tensor t = Tensor.allocate(type, shape);
        for (long i = 0; i < t.elements(); i++) {
            if (type == DType.BOOL) t.setLong(i, integer(0, 1));
            else if (!type.isFloat()) {
                long v = switch (integer(0, 4)) {
                    case 0 -> type.maxInteger();
                    case 1 -> type.minInteger();
                    case 2 -> random.nextLong();
                    default -> integer(-3, 3);
                };
                int spare = 64 - type.bits();
                t.setLong(i, type.isSigned() ? v << spare >> spare : v << spare >>> spare);
            } else t.setDouble(i, flag() ? special[random.nextInt(special.length)] : random.nextGaussian() * 3);
        }
        return t;
    }

    /** Mostly ordinary values, sometimes extreme ones. */
    Tensor any(DType type, Shape shape) {
        return rarely(4) ? extreme(type, shape) : tensor(type, shape);
    }

    /** Indices below a limit, or from its negative on. */
    Tensor indices(DType type, Shape shape, long limit, boolean negative) {
        Tensor t = Tensor.allocate(type, shape);
        for (long i = 0; i < t.elements(); i++) t.setLong(i, random.nextLong(negative ? -limit : 0, limit));
        return t;
    }

    static Tensor list(long... values) {
        return Tensor.of(values, values.length);
    }

    static Tensor list(float... values) {
        return Tensor.of(values, values.length);
    }

    Data.Strings strings(Shape shape, String... of) {
        List<String> values = new ArrayList<>();
        for (long i = 0; i < shape.elements(); i++) values.add(pick(of));
        return new Data.Strings(shape, values);
    }
}
