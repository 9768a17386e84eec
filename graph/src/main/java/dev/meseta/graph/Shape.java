package dev.meseta.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The extents of a tensor, outermost first; rank 0 is a scalar. Immutable.
 *
 * @param dims the extents with their origins
 */
public record Shape(List<Dim> dims) {
    public static final Shape SCALAR = new Shape(List.of());

    public Shape {
        dims = List.copyOf(dims);
    }

    public static Shape of(long... extents) {
        List<Dim> dims = new ArrayList<>(extents.length);
        for (long e : extents) dims.add(Dim.of(e));
        return new Shape(dims);
    }

    public static Shape of(List<Dim> dims) {
        return new Shape(dims);
    }

    public int rank() {
        return dims.size();
    }

    public Dim dim(int axis) {
        return dims.get(axis);
    }

    public long extent(int axis) {
        return dims.get(axis).extent();
    }

    public long[] extents() {
        long[] extents = new long[dims.size()];
        for (int i = 0; i < extents.length; i++) extents[i] = dims.get(i).extent();
        return extents;
    }

    public boolean isKnown() {
        for (Dim d : dims) if (!d.isKnown()) return false;
        return true;
    }

    /** Number of elements; 1 for a scalar. Throws {@link ArithmeticException} beyond 2^63-1. */
    public long elements() {
        long n = 1;
        for (Dim d : dims) {
            if (d.extent() == 0) return 0;
        }
        for (Dim d : dims) n = Math.multiplyExact(n, d.extent());
        return n;
    }

    /** Row-major strides in elements; of a shape without elements at most {@link Long#MAX_VALUE}. */
    public long[] strides() {
        boolean empty = false;
        for (Dim d : dims) empty |= d.extent() == 0;
        long[] s = new long[rank()];
        long n = 1;
        for (int i = rank() - 1; i >= 0; i--) {
            s[i] = n;
            long e = Math.max(1, extent(i));
            n = empty && n > Long.MAX_VALUE / e ? Long.MAX_VALUE : Math.multiplyExact(n, e);
        }
        return s;
    }

    public Shape with(int axis, Dim dim) {
        List<Dim> d = new ArrayList<>(dims);
        d.set(axis, dim);
        return new Shape(d);
    }

    public Shape without(int axis) {
        List<Dim> d = new ArrayList<>(dims);
        d.remove(axis);
        return new Shape(d);
    }

    public Shape insert(int axis, Dim dim) {
        List<Dim> d = new ArrayList<>(dims);
        d.add(axis, dim);
        return new Shape(d);
    }

    /** The shape without symbols. */
    public Shape fixed() {
        return of(extents());
    }

    // As for TensorType.
    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof Shape s && s.dims.equals(dims);
    }

    @Override
    public int hashCode() {
        return dims.hashCode();
    }

    @Override
    public String toString() {
        return dims.stream().map(Dim::toString).collect(Collectors.joining(",", "[", "]"));
    }
}
