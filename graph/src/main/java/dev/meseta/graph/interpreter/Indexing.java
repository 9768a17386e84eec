package dev.meseta.graph.interpreter;

import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.DoubleBinaryOperator;
import java.util.function.LongBinaryOperator;

/** Gathers and scatters: elements at positions that are data. A position outside is an {@link InvalidInputException}. */
final class Indexing {
    private Indexing() {}

    static Tensor gather(int axis, Tensor x, Tensor positions, TensorType type) {
        Tensor y = Tensor.allocate(type);
        long extent = x.shape().extent(axis);
        long outer = product(x.shape(), 0, axis);
        long slice = product(x.shape(), axis + 1, x.shape().rank()) * x.dtype().bytes();
        long count = positions.elements();
        long[] from = new long[Memory.arrayLength(positions.type())];
        for (int p = 0; p < count; p++) {
            from[p] = inside("gather", positions, p, positions.getLong(p), extent, axis) * slice;
        }
        for (long o = 0; o < outer; o++) {
            for (int p = 0; p < count; p++) {
                MemorySegment.copy(x.data(), o * extent * slice + from[p], y.data(), (o * count + p) * slice, slice);
            }
        }
        return y;
    }

    static Tensor gatherElements(int axis, Tensor x, Tensor positions, TensorType type) {
        Tensor y = Tensor.allocate(type);
        long extent = x.shape().extent(axis);
        long[] strides = x.shape().strides();
        long along = strides[axis];
        strides[axis] = 0;
        int bytes = x.dtype().bytes();
        Movement.walk(positions.shape(), strides, (i, offset) -> {
            long p = inside("gather_elements", positions, i, positions.getLong(i), extent, axis);
            MemorySegment.copy(x.data(), (offset + p * along) * bytes, y.data(), i * bytes, bytes);
        });
        return y;
    }

    static Tensor gatherNd(int batch, Tensor x, Tensor coordinates, TensorType type) {
        Tensor y = Tensor.allocate(type);
        int last = coordinates.shape().rank() - 1;
        int length = (int) coordinates.shape().extent(last);
        long rows = product(coordinates.shape(), 0, last);
        long rowsInBatch = product(coordinates.shape(), batch, last);
        long slice =
                product(x.shape(), batch + length, x.shape().rank()) * x.dtype().bytes();
        long batchBytes =
                product(x.shape(), batch, x.shape().rank()) * x.dtype().bytes();
        for (long r = 0; r < rows; r++) {
            long at = r / rowsInBatch * batchBytes
                    + place("gather_nd", x, coordinates, r, length, batch)
                            * x.dtype().bytes();
            if (slice > 0) MemorySegment.copy(x.data(), at, y.data(), r * slice, slice);
        }
        return y;
    }

    static Tensor scatterElements(Op.ScatterElements o, Tensor x, Tensor positions, Tensor updates) {
        int axis = o.axis();
        long extent = x.shape().extent(axis);
        long[] strides = x.shape().strides();
        long along = strides[axis];
        strides[axis] = 0;
        Scatter s = new Scatter(x, updates, o.combine());
        Movement.walk(positions.shape(), strides, (i, offset) -> {
            long p = inside("scatter_elements", positions, i, positions.getLong(i), extent, axis);
            s.put(offset + p * along, i, 1);
        });
        return s.result();
    }

    static Tensor scatterNd(Op.ScatterNd o, Tensor x, Tensor coordinates, Tensor updates) {
        int last = coordinates.shape().rank() - 1;
        int length = (int) coordinates.shape().extent(last);
        long rows = product(coordinates.shape(), 0, last);
        long slice = product(x.shape(), length, x.shape().rank());
        Scatter s = new Scatter(x, updates, o.combine());
        for (long r = 0; r < rows; r++) {
            s.put(place("scatter_nd", x, coordinates, r, length, 0), r * slice, slice);
        }
        return s.result();
    }

    /** The result of a scatter while it grows: bytes where elements replace each other, else numbers. */
    private static final class Scatter {
        private final Tensor x;
        private final Tensor updates;
        private final Op.Combine combine;
        private final Tensor bytes;
        private double[] doubles = {};
        private double[] doubleUpdates = {};
        private long[] longs = {};
        private long[] longUpdates = {};

        Scatter(Tensor x, Tensor updates, Op.Combine combine) {
            this.x = x;
            this.updates = updates;
            this.combine = combine;
            this.bytes = combine == Op.Combine.SET ? Elements.copy(x) : x;
            if (combine == Op.Combine.SET) return;
            if (x.dtype().isFloat()) {
                doubles = Elements.doubles(x);
                doubleUpdates = Elements.doubles(updates);
            } else {
                longs = Elements.longs(x);
                longUpdates = Elements.longs(updates);
            }
        }

        /** Combines {@code n} elements of the result from {@code at} with the updates from {@code from}. */
        void put(long at, long from, long n) {
            if (n == 0) return;
            int size = x.dtype().bytes();
            if (combine == Op.Combine.SET) {
                MemorySegment.copy(updates.data(), from * size, bytes.data(), at * size, n * size);
            } else if (x.dtype().isFloat()) {
                DoubleBinaryOperator f = Combining.floats(kind());
                for (int i = 0; i < n; i++) {
                    int a = (int) at + i;
                    doubles[a] = f.applyAsDouble(doubles[a], doubleUpdates[(int) from + i]);
                }
            } else {
                LongBinaryOperator f = Combining.integers(kind(), x.dtype());
                for (int i = 0; i < n; i++) {
                    int a = (int) at + i;
                    longs[a] = f.applyAsLong(longs[a], longUpdates[(int) from + i]);
                }
            }
        }

        private ReduceKind kind() {
            return switch (combine) {
                case ADD -> ReduceKind.SUM;
                case MUL -> ReduceKind.PROD;
                case MIN -> ReduceKind.MIN;
                case MAX -> ReduceKind.MAX;
                case SET -> throw new AssertionError("set combines nothing");
            };
        }

        Tensor result() {
            if (combine == Op.Combine.SET) return bytes;
            return x.dtype().isFloat() ? Elements.tensor(x.type(), doubles) : Elements.tensor(x.type(), longs);
        }
    }

    /** The element of x at row r of the coordinates, which index x's axes from {@code firstAxis} on. */
    private static long place(String op, Tensor x, Tensor coordinates, long r, int length, int firstAxis) {
        long[] strides = x.shape().strides();
        long at = 0;
        for (int j = 0; j < length; j++) {
            int axis = firstAxis + j;
            long c = coordinates.getLong(r * length + j);
            at += inside(op, coordinates, r * length + j, c, x.shape().extent(axis), axis) * strides[axis];
        }
        return at;
    }

    private static long inside(String op, Tensor positions, long i, long p, long extent, int axis) {
        if (p < 0 || p >= extent) {
            throw new InvalidInputException(op + ": position " + p + " (element " + where(positions.shape(), i)
                    + " of the positions) is outside the extent " + extent + " of axis " + axis);
        }
        return p;
    }

    private static String where(Shape shape, long i) {
        long[] index = new long[shape.rank()];
        long rest = i;
        for (int a = index.length - 1; a >= 0; a--) {
            index[a] = rest % shape.extent(a);
            rest /= shape.extent(a);
        }
        return Arrays.toString(index);
    }

    private static long product(Shape s, int from, int to) {
        long n = 1;
        for (int i = from; i < to; i++) n *= s.extent(i);
        return n;
    }
}
