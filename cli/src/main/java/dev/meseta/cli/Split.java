package dev.meseta.cli;

import dev.meseta.driver.Device;
import dev.meseta.runtime.Segmented;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** How a graph is divided between a device for parts of graphs and another one, for {@code inspect}. */
final class Split {
    /** Nodes of one reason that are named without {@code --all}. */
    private static final int MOST_NAMED = 3;

    /** Letters of a name that are shown without {@code --all}. */
    private static final int LONGEST_NAME = 30;

    private Split() {}

    private static Map<String, Integer> ops(Segmented.Segment s) {
        Map<String, Integer> counts = new TreeMap<>();
        for (String op : s.ops()) counts.merge(op, 1, Integer::sum);
        return counts;
    }

    private static double share(Segmented s) {
        return s.macs() == 0 ? 0 : 100.0 * s.macsOnDevice() / s.macs();
    }

    private static String cut(String name, boolean all) {
        return all || name.length() <= LONGEST_NAME ? name : name.substring(0, LONGEST_NAME - 1) + "…";
    }

    static void print(PrintWriter out, Segmented split, Device device, boolean all) {
        for (int i = 0; i < split.segments().size(); i++) {
            Segmented.Segment s = split.segments().get(i);
            out.println("    segment " + (i + 1) + " on " + s.device().name() + ": "
                    + Text.count(s.ops().size(), "node"));
            Text.wrapped(out, "      ", InspectCommand.counts(ops(s)));
        }
        Map<String, List<Segmented.Refusal>> refusals = new LinkedHashMap<>();
        for (Segmented.Refusal r : split.refusals())
            refusals.computeIfAbsent(r.op() + ": " + r.reason(), _ -> new ArrayList<>())
                    .add(r);
        if (!refusals.isEmpty()) out.println("    not on " + device.name() + ":");
        refusals.forEach((reason, nodes) -> {
            List<String> names =
                    nodes.stream().map(r -> cut(r.node(), all)).distinct().toList();
            List<String> named = all ? names : names.subList(0, Math.min(MOST_NAMED, names.size()));
            String rest = named.size() < names.size() ? " and " + (names.size() - named.size()) + " more" : "";
            Text.wrapped(
                    out,
                    "      ",
                    List.of((Text.count(nodes.size(), "node") + " of " + reason + " (" + String.join(", ", named) + rest
                                    + ")")
                            .split(" ")));
        });
        out.printf(
                Locale.ROOT,
                "    %.1f %% of %d multiply-accumulates on %s, in %s%n",
                share(split),
                split.macs(),
                device.name(),
                Text.count(split.submissions(), "submission"));
    }

    static Map<String, Object> json(Segmented split) {
        List<Object> segments = new ArrayList<>();
        for (Segmented.Segment s : split.segments())
            segments.add(
                    Json.object("device", s.device().name(), "nodes", s.ops().size(), "ops", ops(s)));
        List<Object> refusals = new ArrayList<>();
        for (Segmented.Refusal r : split.refusals())
            refusals.add(Json.object("op", r.op(), "node", r.node(), "reason", r.reason()));
        return Json.object(
                "segments",
                segments,
                "refusals",
                refusals,
                "macs",
                split.macs(),
                "macs_on_device",
                split.macsOnDevice(),
                "submissions",
                split.submissions());
    }
}
