package dev.meseta.cli;

import dev.meseta.Model;
import dev.meseta.graph.program.Port;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Numbers and names for people. */
final class Text {
    private static final int MOST_INPUTS = 12;

    private Text() {}

    static String format(String format, Object... arguments) {
        return String.format(Locale.ROOT, format, arguments);
    }

    /** A size such as {@code 3.4 MB}. */
    static String bytes(long n) {
        if (n < 1000) return n + " B";
        double v = n;
        for (String unit : List.of("kB", "MB", "GB", "TB")) {
            v /= 1000;
            if (v < 999.95) return format("%.1f %s", v, unit);
        }
        return format("%.1f PB", v / 1000);
    }

    /** A duration such as {@code 3.42 ms}. */
    static String milliseconds(double ms) {
        return ms < 1 ? format("%.3f ms", ms) : ms < 100 ? format("%.2f ms", ms) : format("%.0f ms", ms);
    }

    /** A number in at most six significant digits. */
    static String number(double v) {
        if (v == Math.rint(v) && Math.abs(v) < 1e9) return format("%.0f", v);
        double a = Math.abs(v);
        return a >= 1e-4 && a < 1e7
                ? format("%.6g", v).replaceFirst("(\\.\\d*?)0+$", "$1").replaceFirst("\\.$", "")
                : format("%.4g", v);
    }

    /** The inputs of a model for a message. */
    static String inputs(Model model) {
        List<Port> required = model.required();
        String list = required.stream()
                .limit(MOST_INPUTS)
                .map(p -> "'" + p.name() + "' " + p.describe())
                .collect(Collectors.joining(", "));
        int others = model.inputs().size() - Math.min(required.size(), MOST_INPUTS);
        return (list.isEmpty() ? "no input that must be given" : list)
                + (others > 0
                        ? ", and " + others + (required.size() > MOST_INPUTS ? " more" : " that may be left out")
                        : "");
    }

    /** Words in lines of 78 columns. */
    static void wrapped(PrintWriter out, String indent, List<String> words) {
        wrapped(out, indent, indent, words);
    }

    /** As above, with another beginning of the first line. */
    static void wrapped(PrintWriter out, String first, String indent, List<String> words) {
        StringBuilder line = new StringBuilder(first);
        boolean begun = false;
        for (String w : words) {
            if (begun && line.length() + w.length() > 78) {
                out.println(line.toString().stripTrailing());
                line = new StringBuilder(indent);
            }
            line.append(w).append(' ');
            begun = true;
        }
        if (begun) out.println(line.toString().stripTrailing());
    }

    /** A count with its noun, such as {@code 1 kernel} or {@code 3 kernels}. */
    static String count(long n, String noun) {
        return n + " " + noun + (n == 1 ? "" : "s");
    }
}
