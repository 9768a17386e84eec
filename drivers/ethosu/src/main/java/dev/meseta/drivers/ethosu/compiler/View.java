package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.graph.DType;

/**
 * A feature map in a buffer; channels lie together.
 *
 * @param offset of its first element, in elements, as all strides
 */
record View(Buffer buffer, DType dtype, int height, int width, int depth, long offset, long strideY, long strideX) {
    int bytes() {
        return dtype.bits() / 8;
    }

    boolean signed() {
        return dtype != DType.U8 && dtype != DType.U16;
    }

    long elements() {
        return (long) height * width * depth;
    }

    /** Some of its rows. */
    View rows(int first, int count) {
        return new View(buffer, dtype, count, width, depth, offset + first * strideY, strideY, strideX);
    }

    /** Some of its columns. */
    View columns(int first, int count) {
        return new View(buffer, dtype, height, count, depth, offset + first * strideX, strideY, strideX);
    }

    /** Some of its channels. */
    View channels(int first, int count) {
        return new View(buffer, dtype, height, width, count, offset + first, strideY, strideX);
    }

    /** Other extents from the same first element on. */
    View extents(int newHeight, int newWidth) {
        return new View(buffer, dtype, newHeight, newWidth, depth, offset, strideY, strideX);
    }

    /** The first byte behind it, from the buffer's beginning. */
    long end() {
        return bytes() * (offset + (height - 1) * strideY + (width - 1) * strideX + depth);
    }

    boolean sameElements(View v) {
        return buffer.root() == v.buffer.root()
                && bytes() == v.bytes()
                && height == v.height
                && width == v.width
                && depth == v.depth
                && offset == v.offset
                && (height == 1 || strideY == v.strideY)
                && (width == 1 || strideX == v.strideX);
    }
}
