package dev.meseta.compiler.spirv;

/**
 * How exactly a device computes with floats where a module asks for it.
 *
 * @param denormals32 F32 numbers below the normal ones can be kept
 * @param denormals64 the same for F64
 * @param specials signed zeros, infinities and NaN can be kept
 * @param nearest rounding to nearest even can be asked for
 * @param halves there are F16 registers, of which specials and rounding can be asked for, too
 * @param denormals16 as denormals32, for F16
 */
public record FloatControls(
        boolean denormals32,
        boolean denormals64,
        boolean specials,
        boolean nearest,
        boolean halves,
        boolean denormals16) {
    /** Nothing but what every device does. */
    public static final FloatControls NONE = new FloatControls(false, false, false, false, false, false);

    /** All that can be asked for. */
    public static final FloatControls ALL = new FloatControls(true, true, true, true, true, true);
}
