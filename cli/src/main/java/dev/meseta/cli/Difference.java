package dev.meseta.cli;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Program;
import java.util.Map;
import java.util.Properties;

/**
 * How far the outputs of two runtimes are apart: of each figure, that of the output where it is largest.
 *
 * @param absolute the largest difference
 * @param relative the largest difference, relative to the largest value
 * @param mean the root of the mean square of the differences, relative to that of the values
 * @param tolerance how large {@code relative} may be, or {@code mean} for a quantised model
 * @param problem what cannot be: another name, type or shape, a NaN on one side, or more than the tolerance; else empty
 */
record Difference(double absolute, double relative, double mean, double tolerance, String problem) {
    private static final double SINGLE = 1e-3;
    private static final double HALF = 1e-2;
    /** Where a number is rounded to an integer, its last bit decides which: single values may be far off, and all of them a little. */
    private static final double QUANTISED = 5e-2;
    /** Differences of this size are none, however small the values. */
    private static final double NOTHING = 1e-5;

    static Difference between(Program program, Map<String, Data> ours, Map<String, Data> theirs) {
        Difference worst = new Difference(0, 0, 0, tolerance(program), "");
        for (Map.Entry<String, Data> e : theirs.entrySet()) {
            String name = "output '" + e.getKey() + "'";
            Data found = ours.get(e.getKey());
            if (found instanceof Tensor f
                    && e.getValue() instanceof Tensor x
                    && f.type().equals(x.type())) {
                worst = worst.and(name, f, x);
            } else if (!e.getValue().equals(found)) {
                worst = worst.and(
                        0,
                        0,
                        0,
                        name + " is " + (found == null ? "missing" : found.describe()) + ", the peer's is "
                                + e.getValue().describe());
            }
        }
        return worst;
    }

    private Difference and(double moreAbsolute, double moreRelative, double moreMean, String another) {
        return new Difference(
                Math.max(absolute, moreAbsolute),
                Math.max(relative, moreRelative),
                Math.max(mean, moreMean),
                tolerance,
                problem.isEmpty() ? another : problem);
    }

    private Difference and(String name, Tensor found, Tensor expected) {
        double off = 0;
        double largest = 0;
        double squares = 0;
        double energy = 0;
        for (long i = 0; i < expected.elements(); i++) {
            double x = found.getDouble(i);
            double y = expected.getDouble(i);
            if (x == y || Double.isNaN(x) && Double.isNaN(y)) x = y = Double.isFinite(y) ? y : 0;
            double d = Double.isNaN(x - y) ? Double.POSITIVE_INFINITY : Math.abs(x - y);
            off = Math.max(off, d);
            squares += d * d;
            if (Double.isFinite(y)) largest = Math.max(largest, Math.abs(y));
            if (Double.isFinite(y)) energy += y * y;
        }
        double ofLargest = relative(off, largest);
        double ofAll = relative(Math.sqrt(squares), Math.sqrt(energy));
        boolean quantised = tolerance == QUANTISED;
        boolean real = expected.dtype().isFloat();
        boolean same = off == 0
                || real && off <= NOTHING
                || (real || quantised) && (quantised ? ofAll : ofLargest) <= tolerance;
        return and(
                off,
                ofLargest,
                ofAll,
                same ? "" : name + " is off by " + Text.number(off) + " where values go up to " + Text.number(largest));
    }

    private static double relative(double difference, double to) {
        return difference == 0 ? 0 : difference / to;
    }

    /** What the arithmetic of a model allows: that of single precision, or less where it computes in fewer bits. */
    private static double tolerance(Program program) {
        if (program.calls().stream().anyMatch(c -> c.operator().matches(".*(Quantize|QLinear|Integer).*"))) {
            return QUANTISED;
        }
        boolean half = program.constants().values().stream()
                .anyMatch(d -> d instanceof Tensor t && (t.dtype() == DType.F16 || t.dtype() == DType.BF16));
        return half ? HALF : SINGLE;
    }

    void put(Properties figures) {
        figures.setProperty("difference", Double.toString(absolute));
        figures.setProperty("difference.relative", Double.toString(relative));
        figures.setProperty("difference.mean", Double.toString(mean));
        figures.setProperty("tolerance", Double.toString(tolerance));
        figures.setProperty("problem", problem);
    }
}
