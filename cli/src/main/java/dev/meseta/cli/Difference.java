package dev.meseta.cli;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Program;
import java.util.Map;
import java.util.Properties;

/**
 * How far the outputs of two runtimes are apart.
 *
 * @param absolute the largest difference
 * @param relative the largest difference of an output, relative to that output's largest value
 * @param tolerance how large {@code relative} may be
 * @param problem what cannot be: another name, type or shape, a NaN on one side, or more than the tolerance; else empty
 */
record Difference(double absolute, double relative, double tolerance, String problem) {
    private static final double SINGLE = 1e-3;
    private static final double HALF = 1e-2;
    /** Where a number is rounded to an integer, its last bit decides which; the steps of 8 bits show in the output. */
    private static final double QUANTISED = 5e-2;

    static Difference between(Program program, Map<String, Data> ours, Map<String, Data> theirs) {
        double tolerance = tolerance(program);
        double absolute = 0;
        double relative = 0;
        String problem = "";
        for (Map.Entry<String, Data> e : theirs.entrySet()) {
            Data found = ours.get(e.getKey());
            Data expected = e.getValue();
            String name = "output '" + e.getKey() + "'";
            if (found instanceof Tensor f
                    && expected instanceof Tensor x
                    && f.type().equals(x.type())) {
                double off = farthest(f, x);
                double scale = largest(x);
                absolute = Math.max(absolute, off);
                relative = Math.max(relative, scale > 0 ? off / scale : off);
                double allowed = x.dtype().isFloat() || tolerance == QUANTISED ? tolerance * scale : 0;
                if (problem.isEmpty() && off > allowed) {
                    problem = name + " is off by " + Text.number(off) + " where values go up to " + Text.number(scale);
                }
            } else if (problem.isEmpty() && !expected.equals(found)) {
                problem = name + " is " + (found == null ? "missing" : found.describe()) + ", the peer's is "
                        + expected.describe();
            }
        }
        return new Difference(absolute, relative, tolerance, problem);
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

    private static double farthest(Tensor a, Tensor b) {
        double most = 0;
        for (long i = 0; i < a.elements(); i++) {
            double x = a.getDouble(i);
            double y = b.getDouble(i);
            if (x == y || Double.isNaN(x) && Double.isNaN(y)) continue;
            double off = Math.abs(x - y);
            if (Double.isNaN(off)) return Double.POSITIVE_INFINITY;
            most = Math.max(most, off);
        }
        return most;
    }

    private static double largest(Tensor t) {
        double most = 0;
        for (long i = 0; i < t.elements(); i++) {
            double v = Math.abs(t.getDouble(i));
            if (Double.isFinite(v)) most = Math.max(most, v);
        }
        return most;
    }

    void put(Properties figures) {
        figures.setProperty("difference", Double.toString(absolute));
        figures.setProperty("difference.relative", Double.toString(relative));
        figures.setProperty("tolerance", Double.toString(tolerance));
        figures.setProperty("problem", problem);
    }
}
