package dev.meseta.compiler.kernel;

import dev.meseta.graph.DType;

/**
 * A matrix that the members of a team hold together, each some elements that are its device's business, or an iteration without a team by
 * itself.
 *
 * @param element F16, I8 or U8 of a factor; F32 or I32 of a sum
 */
public record MatrixType(DType element, int rows, int columns) {
    @Override
    public String toString() {
        return element.text() + "[" + rows + "," + columns + "]";
    }
}
