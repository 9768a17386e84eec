package dev.meseta.graph;

import org.jspecify.annotations.Nullable;

/**
 * Element type and shape of a value.
 *
 * @param dtype the element type
 * @param shape the extents
 */
public record TensorType(DType dtype, Shape shape) {
    public static TensorType of(DType dtype, long... extents) {
        return new TensorType(dtype, Shape.of(extents));
    }

    public int rank() {
        return shape.rank();
    }

    /** Size in memory in bytes. Throws {@link ArithmeticException} beyond 2^63-1. */
    public long bytes() {
        return Math.multiplyExact(shape.elements(), dtype.bytes());
    }

    public TensorType with(DType newDtype) {
        return new TensorType(newDtype, shape);
    }

    public TensorType with(Shape newShape) {
        return new TensorType(dtype, newShape);
    }

    // The methods that a record has take Java some milliseconds to make, which the start of a process would wait for.
    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof TensorType t && t.dtype == dtype && t.shape.equals(shape);
    }

    @Override
    public int hashCode() {
        return 31 * dtype.hashCode() + shape.hashCode();
    }

    @Override
    public String toString() {
        return dtype.text() + shape;
    }
}
