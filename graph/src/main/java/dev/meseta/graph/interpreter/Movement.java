package dev.meseta.graph.interpreter;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/** Elements to other places, untouched: everything here is one strided copy of bytes. */
final class Movement {
    private Movement() {}

    static Tensor iota(Op.Iota o, TensorType type) {
        Tensor t = Tensor.allocate(type);
        if (t.elements() == 0) return t;
        long[] extents = o.shape().extents();
        long axisExtent = extents[o.axis()];
        long inner = 1;
        for (int i = o.axis() + 1; i < extents.length; i++) inner *= extents[i];
        long n = t.elements();
        for (long i = 0; i < n; i++) t.setLong(i, i / inner % axisExtent);
        return t;
    }

    static Tensor transpose(Tensor x, List<Integer> permutation, TensorType type) {
        Tensor y = Tensor.allocate(type);
        long[] own = x.shape().strides();
        long[] from = new long[own.length];
        for (int i = 0; i < from.length; i++) from[i] = own[permutation.get(i)];
        copy(x.data(), 0, from, y.data(), 0, y.shape().strides(), y.shape().extents(), bytes(x));
        return y;
    }

    static Tensor broadcast(Tensor x, TensorType type) {
        Tensor y = Tensor.allocate(type);
        long[] from = x.shape().strides();
        for (int i = 0; i < from.length; i++) if (x.shape().extent(i) == 1) from[i] = 0;
        copy(x.data(), 0, from, y.data(), 0, y.shape().strides(), y.shape().extents(), bytes(x));
        return y;
    }

    static Tensor slice(Op.Slice o, Tensor x, TensorType type) {
        Tensor y = Tensor.allocate(type);
        if (y.elements() == 0) return y;
        long[] from = x.shape().strides();
        long start = 0;
        for (int i = 0; i < from.length; i++) {
            start += o.starts().get(i) * from[i];
            from[i] *= o.steps().get(i);
        }
        copy(x.data(), start, from, y.data(), 0, y.shape().strides(), y.shape().extents(), bytes(x));
        return y;
    }

    static Tensor pad(Op.Pad o, Tensor x, Tensor value, TensorType type) {
        Tensor y = Tensor.allocate(type);
        fill(y, value);
        long[] to = y.shape().strides();
        long start = 0;
        for (int i = 0; i < to.length; i++) start += o.low().get(i) * to[i];
        copy(x.data(), 0, x.shape().strides(), y.data(), start, to, x.shape().extents(), bytes(x));
        return y;
    }

    /** Every element becomes the given scalar. */
    private static void fill(Tensor y, Tensor scalar) {
        copy(
                scalar.data(),
                0,
                new long[] {0},
                y.data(),
                0,
                new long[] {1},
                new long[] {y.elements()},
                y.dtype().bytes());
    }

    static Tensor concat(int axis, List<Tensor> parts, TensorType type) {
        Tensor y = Tensor.allocate(type);
        long[] to = y.shape().strides();
        long at = 0;
        for (Tensor x : parts) {
            copy(
                    x.data(),
                    0,
                    x.shape().strides(),
                    y.data(),
                    at * to[axis],
                    to,
                    x.shape().extents(),
                    bytes(x));
            at += x.shape().extent(axis);
        }
        return y;
    }

    private static int bytes(Tensor t) {
        return t.dtype().bytes();
    }

    /**
     * Copies a box of elements from one strided layout to another.
     *
     * @param fromAt element at which the box begins in {@code from}
     * @param fromStrides elements from one place to the next, an axis; 0 repeats, negative goes backwards
     * @param extents of the box
     * @param bytes an element
     */
    static void copy(
            MemorySegment from,
            long fromAt,
            long[] fromStrides,
            MemorySegment to,
            long toAt,
            long[] toStrides,
            long[] extents,
            int bytes) {
        for (long e : extents) if (e == 0) return;
        // Axes that lie behind each other in both layouts are one axis: the inner loop becomes long.
        int rank = 0;
        long[] f = new long[extents.length + 1];
        long[] t = new long[extents.length + 1];
        long[] n = new long[extents.length + 1];
        for (int i = 0; i < extents.length; i++) {
            if (extents[i] == 1) continue;
            boolean joins =
                    rank > 0 && f[rank - 1] == fromStrides[i] * extents[i] && t[rank - 1] == toStrides[i] * extents[i];
            if (!joins) {
                n[rank++] = 1;
            }
            n[rank - 1] *= extents[i];
            f[rank - 1] = fromStrides[i];
            t[rank - 1] = toStrides[i];
        }
        if (rank == 0) {
            n[rank] = 1;
            f[rank] = 1;
            t[rank++] = 1;
        }
        new Box(from, to, Arrays.copyOf(f, rank), Arrays.copyOf(t, rank), Arrays.copyOf(n, rank), bytes)
                .copy(0, fromAt, toAt);
    }

    /** A strided copy, axis by axis. */
    private record Box(
            MemorySegment from, MemorySegment to, long[] fromStrides, long[] toStrides, long[] extents, int bytes) {
        void copy(int axis, long f, long t) {
            if (axis == extents.length - 1) {
                row(f, t, fromStrides[axis], toStrides[axis], extents[axis]);
                return;
            }
            for (long i = 0; i < extents[axis]; i++) copy(axis + 1, f + i * fromStrides[axis], t + i * toStrides[axis]);
        }

        private void row(long f, long t, long fs, long ts, long n) {
            if (fs == 1 && ts == 1) {
                MemorySegment.copy(from, f * bytes, to, t * bytes, n * bytes);
                return;
            }
            switch (bytes) {
                case 1 -> {
                    for (long i = 0; i < n; i++) to.set(JAVA_BYTE, t + i * ts, from.get(JAVA_BYTE, f + i * fs));
                }
                case 2 -> {
                    for (long i = 0; i < n; i++)
                        to.set(
                                JAVA_SHORT_UNALIGNED,
                                2 * (t + i * ts),
                                from.get(JAVA_SHORT_UNALIGNED, 2 * (f + i * fs)));
                }
                case 4 -> {
                    for (long i = 0; i < n; i++)
                        to.set(JAVA_INT_UNALIGNED, 4 * (t + i * ts), from.get(JAVA_INT_UNALIGNED, 4 * (f + i * fs)));
                }
                case 8 -> {
                    for (long i = 0; i < n; i++)
                        to.set(JAVA_LONG_UNALIGNED, 8 * (t + i * ts), from.get(JAVA_LONG_UNALIGNED, 8 * (f + i * fs)));
                }
                default -> {
                    for (long i = 0; i < n; i++)
                        MemorySegment.copy(from, bytes * (f + i * fs), to, bytes * (t + i * ts), bytes);
                }
            }
        }
    }

    /** What {@link #walk} calls with the row-major number of a place and its offset in the strided layout. */
    @FunctionalInterface
    interface Place {
        void at(long number, long offset);
    }

    /** Visits the places of a box in row-major order. */
    static void walk(Shape box, long[] strides, Place body) {
        long[] extents = box.extents();
        long[] index = new long[extents.length];
        long offset = 0;
        long n = box.elements();
        for (long i = 0; i < n; i++) {
            body.at(i, offset);
            for (int a = extents.length - 1; a >= 0; a--) {
                offset += strides[a];
                if (++index[a] < extents[a]) break;
                offset -= extents[a] * strides[a];
                index[a] = 0;
            }
        }
    }
}
