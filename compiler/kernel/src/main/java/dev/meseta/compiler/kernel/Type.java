package dev.meseta.compiler.kernel;

import dev.meseta.graph.DType;

/**
 * The type of an expression: a scalar, or a vector of a fixed number of lanes. Element types are F64, F32, I64 to I8, U64 to U8 and
 * BOOL; narrower storage types exist in buffers alone: a load widens them (floats to F32, small integers to I8 or U8) and a store rounds.
 *
 * @param element the element type
 * @param lanes 1 for a scalar, up to 64
 */
public record Type(DType element, int lanes) {
    public static final Type INDEX = new Type(DType.I64, 1);
    public static final Type BOOL = new Type(DType.BOOL, 1);

    public Type {
        if (lanes < 1 || lanes > 64) throw new IllegalArgumentException(lanes + " lanes");
        if (element != widened(element))
            throw new IllegalArgumentException(element + " is a storage type; expressions have " + widened(element));
    }

    public static Type of(DType element) {
        return new Type(element, 1);
    }

    public boolean isVector() {
        return lanes > 1;
    }

    public Type with(DType newElement) {
        return new Type(newElement, lanes);
    }

    public Type with(int newLanes) {
        return new Type(element, newLanes);
    }

    /** The element type in which expressions hold values of a storage type. */
    public static DType widened(DType storage) {
        return switch (storage) {
            case F16, BF16, F8E4M3FN, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1 -> DType.F32;
            case I4, I2 -> DType.I8;
            case U4, U2 -> DType.U8;
            case C64, C128 -> throw new IllegalArgumentException("no kernels on " + storage);
            default -> storage;
        };
    }

    @Override
    public String toString() {
        return lanes == 1 ? element.text() : element.text() + "x" + lanes;
    }
}
