package dev.meseta.tests.oracle;

import dev.meseta.frontends.onnx.operators.Registry;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** Every operator that is compared: which versions of it, and how a case is drawn. */
public final class Catalogue {
    /** The highest opset of the default domain that is drawn, the highest that the oracle takes. */
    static final int LATEST = 24;

    /**
     * One operator.
     *
     * @param domain the domain as a file writes it, empty for the default one
     * @param operator its name
     * @param versions opsets in which it changed, of those to compare; the latest opset is drawn too for the default domain
     * @param generator draws a case
     */
    public record Row(String domain, String operator, List<Integer> versions, Function<Draw, NodeCase> generator) {
        public String name() {
            return domain.isEmpty() ? operator : domain + "::" + operator;
        }
    }

    private final List<Row> rows = new ArrayList<>();

    private Catalogue() {}

    /** All rows. */
    public static List<Row> rows() {
        Catalogue c = new Catalogue();
        ElementwiseRows.addTo(c);
        ReductionRows.addTo(c);
        WindowRows.addTo(c);
        MovementRows.addTo(c);
        MatrixRows.addTo(c);
        SequenceRows.addTo(c);
        MicrosoftRows.addTo(c);
        LearningRows.addTo(c);
        return List.copyOf(c.rows);
    }

    /** An operator of the default domain, which is still there at the latest opset. */
    void add(String operator, List<Integer> versions, Function<Draw, NodeCase> generator) {
        List<Integer> drawn = new ArrayList<>(versions);
        drawn.add(LATEST);
        rows.add(new Row("", operator, List.copyOf(drawn), generator));
    }

    /** An operator that is gone from the default domain after these versions. */
    void addOld(String operator, List<Integer> versions, Function<Draw, NodeCase> generator) {
        rows.add(new Row("", operator, versions, generator));
    }

    void addMicrosoft(String operator, Function<Draw, NodeCase> generator) {
        rows.add(new Row(Registry.MICROSOFT, operator, List.of(1), generator));
    }

    void addLearning(String operator, List<Integer> versions, Function<Draw, NodeCase> generator) {
        rows.add(new Row(Registry.ML, operator, versions, generator));
    }
}
