package dev.meseta.conformance;

import java.util.Set;

/**
 * How far a float may be from what is expected: {@code |actual - expected| <= absolute + relative * |expected|}.
 *
 * @param relative the part in proportion to the expected value
 * @param absolute the constant part
 */
public record Tolerance(double relative, double absolute) {
    /** ONNX's own, for cases that state no other (source: {@code onnx/backend/test/loader}). */
    public static final Tolerance ONNX = new Tolerance(1e-3, 1e-7);

    private static final CaseList STATED = CaseList.resource("onnx-tolerances.txt");

    /** What ONNX's own test run states for a case by its name; {@link #ONNX} where it states nothing. */
    static Tolerance of(String name) {
        return STATED.reason(name, "", Set.of())
                .map(text -> text.split("\\s+"))
                .map(numbers -> new Tolerance(Double.parseDouble(numbers[0]), Double.parseDouble(numbers[1])))
                .orElse(ONNX);
    }
}
