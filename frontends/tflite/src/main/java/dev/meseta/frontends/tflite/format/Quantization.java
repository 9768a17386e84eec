package dev.meseta.frontends.tflite.format;

/**
 * How the integers of a tensor stand for real numbers: scale * (integer - zero point).
 *
 * @param scales one for the tensor, or one for each place of the axis; empty if the tensor is not quantised
 * @param zeroPoints as many
 * @param axis the axis; without meaning where there is one scale
 */
public record Quantization(float[] scales, long[] zeroPoints, int axis) {
    static final Quantization NONE = new Quantization(new float[0], new long[0], 0);

    public boolean exists() {
        return scales.length > 0;
    }

    public boolean isPerChannel() {
        return scales.length > 1;
    }

    /** The scale of channel i. */
    public float scale(int i) {
        return scales[scales.length == 1 ? 0 : i];
    }

    /** The zero point of channel i. */
    public int zeroPoint(int i) {
        return (int) zeroPoints[zeroPoints.length == 1 ? 0 : i];
    }
}
