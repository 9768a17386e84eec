package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.meseta.tests.oracle.Catalogue;
import dev.meseta.tests.oracle.Comparison;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Random models of one operator each, on the devices {@code reference} and {@code cpu}, against ONNX Runtime. The same cases every
 * time, but for these properties: {@code meseta.seed} draws others, {@code meseta.cases} as many for an operator,
 * {@code meseta.operator} only those of one operator, {@code meseta.case} only the one of this number.
 */
final class OperatorOracleTest {
    private static final long SEED = Long.getLong("meseta.seed", 1);
    private static final int CASES = Integer.getInteger("meseta.cases", 8);
    private static final int ONLY = Integer.getInteger("meseta.case", -1);
    private static final String OPERATOR = System.getProperty("meseta.operator", "");

    /** Of the cases of an operator, at least one in so many must be one that ONNX Runtime takes. */
    private static final int COMPARED_ONE_IN = 10;

    private static final int DIFFERENCES_SHOWN = 5;

    private static final LongAdder COMPARED = new LongAdder();
    private static final LongAdder REFUSED = new LongAdder();

    @TestFactory
    Stream<DynamicTest> asOnnxRuntime() {
        List<Catalogue.Row> rows = Catalogue.rows().stream()
                .filter(r -> OPERATOR.isEmpty() || r.name().equals(OPERATOR))
                .toList();
        assertTrue(!rows.isEmpty(), "no operator '" + OPERATOR + "' is compared");
        return rows.stream().map(row -> dynamicTest(row.name(), () -> compare(row)));
    }

    private static void compare(Catalogue.Row row) {
        List<String> differences = new ArrayList<>();
        int compared = 0;
        String refusal = "";
        for (int i = ONLY < 0 ? 0 : ONLY; i < (ONLY < 0 ? CASES : ONLY + 1); i++) {
            switch (Comparison.compare(Comparison.draw(row, SEED, i))) {
                case Comparison.Same() -> compared++;
                case Comparison.Refused(String reason) -> refusal = reason;
                case Comparison.Different(String how) -> {
                    compared++;
                    differences.add("-Dmeseta.operator=" + row.name() + " -Dmeseta.seed=" + SEED + " -Dmeseta.case=" + i
                            + "\n  " + how);
                }
            }
        }
        COMPARED.add(compared);
        REFUSED.add((ONLY < 0 ? CASES : 1) - compared);
        assertTrue(
                differences.isEmpty(),
                () -> differences.size() + " cases differ:\n"
                        + String.join(
                                "\n",
                                differences.stream().limit(DIFFERENCES_SHOWN).toList()));
        assertTrue(
                ONLY >= 0 || compared * COMPARED_ONE_IN >= CASES,
                "ONNX Runtime took " + compared + " of " + CASES + " cases; the last refusal: " + refusal);
    }

    @AfterAll
    static void summary() {
        System.out.println("operators against ONNX Runtime: " + COMPARED.sum() + " cases compared, " + REFUSED.sum()
                + " refused by it; seed " + SEED);
    }
}
