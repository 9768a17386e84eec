package dev.meseta.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Properties;

/** How measurements are printed. */
interface BenchReport {
    void add(BenchRow row);

    void end();

    /** Three digits or more; empty for NaN. */
    static String milliseconds(double ms) {
        if (Double.isNaN(ms)) return "";
        return ms < 10 ? Text.format("%.3f", ms) : ms < 100 ? Text.format("%.2f", ms) : Text.format("%.0f", ms);
    }

    static double geometricMean(List<Double> values) {
        return Math.exp(values.stream().mapToDouble(Math::log).average().orElse(Double.NaN));
    }

    /** An array of all, at the end. */
    final class Json implements BenchReport {
        private final PrintWriter out;
        private final List<Object> all = new ArrayList<>();

        Json(PrintWriter out) {
            this.out = out;
        }

        @Override
        public void add(BenchRow row) {
            all.add(row.json());
        }

        @Override
        public void end() {
            dev.meseta.cli.Json.print(out, all);
        }
    }

    /** A table for a document; a pair of figures is Meseta's / the peer's. */
    final class Markdown implements BenchReport {
        private final PrintWriter out;
        private final List<Double> ratios = new ArrayList<>();
        private boolean begun;

        Markdown(PrintWriter out) {
            this.out = out;
        }

        @Override
        public void add(BenchRow row) {
            if (!begun) {
                out.println(
                        "| model | shape | ms, median | min | ratio | load, ms | cold | first run, ms | memory, MB |");
                out.println("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
                begun = true;
            }
            if (!Double.isNaN(row.ratio())) ratios.add(row.ratio());
            String failure = row.failure().isEmpty() ? row.problem() : row.failure();
            out.println("| " + row.model() + " | " + row.shapeText() + " | "
                    + String.join(
                            " | ",
                            times(row.steady(), "median", row.steady(), "peer.median"),
                            times(row.steady(), "min", row.steady(), "peer.min"),
                            Double.isNaN(row.ratio()) ? "" : Text.format("**%.2f**", row.ratio()),
                            times(row.warm(), "load", row.peer(), "load"),
                            BenchReport.milliseconds(BenchRow.figure(row.cold(), "load")),
                            times(row.warm(), "first", row.peer(), "first"),
                            megabytes(row.warm()) + pair(megabytes(row.peer())))
                    + " |" + (failure.isEmpty() ? "" : " " + failure));
            out.flush();
        }

        private static String times(Properties ours, String name, Properties theirs, String theirName) {
            return BenchReport.milliseconds(BenchRow.figure(ours, name))
                    + pair(BenchReport.milliseconds(BenchRow.figure(theirs, theirName)));
        }

        private static String megabytes(Properties from) {
            double bytes = BenchRow.figure(from, "memory");
            return bytes >= 0 ? Text.format("%.0f", bytes / 1e6) : "";
        }

        private static String pair(String other) {
            return other.isEmpty() ? "" : " / " + other;
        }

        @Override
        public void end() {
            if (ratios.size() < 2) return;
            out.println();
            out.println(Text.format(
                    "Ratio over %d: geometric mean **%.2f**, least %.2f.",
                    ratios.size(), geometricMean(ratios), Collections.min(ratios)));
        }
    }
}
