package dev.meseta.compiler.kernel;

import dev.meseta.graph.DType;

/**
 * A float format of up to 16 bits, for those who emit its conversions.
 *
 * @param exponentBits bits of the exponent
 * @param mantissaBits bits of the mantissa that are stored
 * @param bias of the exponent
 * @param special which codes are infinity or NaN
 */
public record NarrowFloat(int exponentBits, int mantissaBits, int bias, Special special) {
    /** Which codes are infinity or NaN. */
    public enum Special {
        IEEE,
        NAN_AT_END,
        NAN_AT_MINUS_ZERO,
        NONE
    }

    /** The format of an element type. Throws {@link IllegalArgumentException} for one that is no narrow float. */
    public static NarrowFloat of(DType dtype) {
        return switch (dtype) {
            case F16 -> new NarrowFloat(5, 10, 15, Special.IEEE);
            case F8E4M3FN -> new NarrowFloat(4, 3, 7, Special.NAN_AT_END);
            case F8E4M3FNUZ -> new NarrowFloat(4, 3, 8, Special.NAN_AT_MINUS_ZERO);
            case F8E5M2 -> new NarrowFloat(5, 2, 15, Special.IEEE);
            case F8E5M2FNUZ -> new NarrowFloat(5, 2, 16, Special.NAN_AT_MINUS_ZERO);
            case F4E2M1 -> new NarrowFloat(2, 1, 1, Special.NONE);
            default -> throw new IllegalArgumentException(dtype + " is not a narrow float");
        };
    }

    /** The bit of the sign, alone. */
    public int signBit() {
        return 1 << (exponentBits + mantissaBits);
    }
}
