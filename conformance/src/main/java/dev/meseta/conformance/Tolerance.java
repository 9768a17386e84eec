package dev.meseta.conformance;

/**
 * How far a float may be from what is expected: {@code |actual - expected| <= absolute + relative * |expected|}.
 *
 * @param relative the part in proportion to the expected value
 * @param absolute the constant part
 */
public record Tolerance(double relative, double absolute) {
    /** ONNX's own, for cases that state no other (source: {@code onnx/backend/test/loader}). */
    public static final Tolerance ONNX = new Tolerance(1e-3, 1e-7);
}
