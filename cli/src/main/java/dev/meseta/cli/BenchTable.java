package dev.meseta.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/** Figures for people, in 80 columns: a line for each side of each model. */
final class BenchTable implements BenchReport {
    private static final int WIDTH = 80;
    private static final String LINE = "  %-14s %9s %9s %7s %8s %8s %8s %7s";

    private final PrintWriter out;
    private final List<Double> ratios = new ArrayList<>();
    private @Nullable BenchRow last;
    private String version = "";

    BenchTable(PrintWriter out) {
        this.out = out;
    }

    /** Printed at once, because the next takes seconds. */
    @Override
    public void add(BenchRow row) {
        if (last == null) line("milliseconds", "median", "min", "spread", "load", "cold", "first", "memory");
        last = row;
        version = row.peer().getProperty("version", version);
        String title = row.model() + "  " + row.shapeText();
        out.println(title.length() <= WIDTH ? title : title.substring(0, WIDTH - 1) + "…");
        if (!row.failure().isEmpty()) {
            out.println("  failed: " + row.failure());
            out.flush();
            return;
        }
        if (row.tuned().containsKey("questions")) {
            out.println(Text.format(
                    "  tuned: %.0f of %.0f choices changed after %.0f trials, %.2f times as fast%s",
                    BenchRow.figure(row.tuned(), "found"),
                    BenchRow.figure(row.tuned(), "questions"),
                    BenchRow.figure(row.tuned(), "tried"),
                    BenchRow.figure(row.tuned(), "gain"),
                    "true".equals(row.tuned().getProperty("complete")) ? "" : " (time was up)"));
        }
        side("meseta", row.steady(), "", row.warm(), BenchReport.milliseconds(BenchRow.figure(row.cold(), "load")));
        if (!row.job().peer().isEmpty()) {
            if (!row.refusal().isEmpty()) out.println("  " + row.job().peer() + " refuses: " + row.refusal());
            else side(row.job().peer(), row.steady(), "peer.", row.peer(), "");
        }
        if (!Double.isNaN(row.ratio())) {
            ratios.add(row.ratio());
            out.println(Text.format(
                    "  ratio %.2f (spread %.0f %%), answers differ by %.1e, %.1e of the largest",
                    row.ratio(),
                    100 * BenchRow.figure(row.steady(), "ratio.spread"),
                    BenchRow.figure(row.steady(), "difference"),
                    BenchRow.figure(row.steady(), "difference.relative")));
        }
        if (!row.problem().isEmpty()) out.println("  THE ANSWERS DIFFER: " + row.problem());
        out.flush();
    }

    private void side(String name, Properties steady, String prefix, Properties start, String cold) {
        double memory = BenchRow.figure(start, "memory");
        line(
                name,
                BenchReport.milliseconds(BenchRow.figure(steady, prefix + "median")),
                BenchReport.milliseconds(BenchRow.figure(steady, prefix + "min")),
                Text.format("%.0f %%", 100 * BenchRow.figure(steady, prefix + "spread")),
                BenchReport.milliseconds(BenchRow.figure(start, "load")),
                cold,
                BenchReport.milliseconds(BenchRow.figure(start, "first")),
                memory >= 0 ? Text.format("%.0f MB", memory / 1e6) : "");
    }

    private void line(Object... columns) {
        out.println(Text.format(LINE, columns));
    }

    /** What holds for all. */
    @Override
    public void end() {
        if (last == null) return;
        BenchJob job = last.job();
        out.println();
        if (ratios.size() > 1) {
            out.println(Text.format(
                    "ratio over %d: geometric mean %.2f, least %.2f",
                    ratios.size(), BenchReport.geometricMean(ratios), Collections.min(ratios)));
        }
        out.println("on " + job.device() + " with " + Text.count(job.threads(), "thread")
                + (version.isEmpty() ? "" : "; ratio = " + job.peer() + " " + version + "'s time / Meseta's"));
    }
}
