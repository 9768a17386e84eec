package dev.meseta.cli;

import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * All figures of one model in one shape; times in milliseconds.
 *
 * @param model what the model is called
 * @param job what was measured
 * @param shapes of the inputs, by name
 * @param tuned what a search for better choices found; empty without one
 * @param cold loading and the first run with an empty kernel cache
 * @param warm the same with the kernels in the cache
 * @param peer the same of the peer; empty without one
 * @param steady runs in turns
 */
record BenchRow(
        String model,
        BenchJob job,
        Map<String, Shape> shapes,
        Properties tuned,
        Properties cold,
        Properties warm,
        Properties peer,
        Properties steady) {
    static Map<String, Shape> shapes(Map<String, Data> inputs) {
        Map<String, Shape> shapes = new LinkedHashMap<>();
        inputs.forEach((name, data) -> {
            if (data instanceof Tensor t) shapes.put(name, t.shape());
            if (data instanceof Data.Strings s) shapes.put(name, s.shape());
        });
        return shapes;
    }

    /** A figure, NaN where it was not measured. */
    static double figure(Properties from, String name) {
        return Double.parseDouble(from.getProperty(name, "NaN"));
    }

    double ratio() {
        return figure(steady, "ratio");
    }

    /** What went wrong on our side, or empty. */
    String failure() {
        for (Properties p : List.of(tuned, cold, warm, steady)) {
            if (p.containsKey("error") && !"peer".equals(p.getProperty("mistake"))) return p.getProperty("error");
        }
        return "";
    }

    /** Whether {@link #failure} is the user's to mend. */
    boolean userFailed() {
        return List.of(tuned, cold, warm, steady).stream().anyMatch(p -> "user".equals(p.getProperty("mistake")));
    }

    /** Why the peer has no figures, or empty. */
    String refusal() {
        for (Properties p : List.of(peer, steady)) {
            if ("peer".equals(p.getProperty("mistake")) || p == peer && p.containsKey("error"))
                return p.getProperty("error");
        }
        return "";
    }

    /** How the answers differ beyond what is tolerated, or empty. */
    String problem() {
        return steady.getProperty("problem", "");
    }

    /** The shapes as text: one where all are equal. Scalars are left out. */
    String shapeText() {
        Set<String> different = new LinkedHashSet<>();
        List<String> named = new ArrayList<>();
        shapes.forEach((name, shape) -> {
            if (shape.rank() == 0) return;
            String text =
                    Arrays.stream(shape.extents()).mapToObj(Long::toString).collect(Collectors.joining("x"));
            different.add(text);
            named.add(name + "=" + text);
        });
        return different.size() == 1 ? different.iterator().next() : String.join(" ", named);
    }

    /** For programs; a figure that was not measured is left out. */
    Map<String, Object> json() {
        Map<String, Object> shape = new LinkedHashMap<>();
        shapes.forEach((name, s) -> shape.put(name, s.extents()));
        boolean compared = steady.containsKey("difference");
        return Json.object(
                "model", model,
                "file", job.model().toString(),
                "shape", shape,
                "device", job.device(),
                "threads", job.threads(),
                "meseta_ms", number(steady, "median"),
                "peer_ms", number(steady, "peer.median"),
                "ratio", number(steady, "ratio"),
                "ratio_spread", number(steady, "ratio.spread"),
                "meseta_min_ms", number(steady, "min"),
                "meseta_spread", number(steady, "spread"),
                "meseta_turns", number(steady, "turns"),
                "meseta_runs", number(steady, "runs"),
                "meseta_open_ms", number(warm, "open"),
                "meseta_load_ms", number(warm, "load"),
                "meseta_load_cold_ms", number(cold, "load"),
                "meseta_load_again_ms", number(warm, "again"),
                "meseta_first_ms", number(warm, "first"),
                "meseta_first_cold_ms", number(cold, "first"),
                "meseta_memory_bytes", number(warm, "memory"),
                "meseta_heap_bytes", number(warm, "heap"),
                "meseta_memory_cold_bytes", number(cold, "memory"),
                "tune_questions", number(tuned, "questions"),
                "tune_tried", number(tuned, "tried"),
                "tune_found", number(tuned, "found"),
                "tune_gain", number(tuned, "gain"),
                "tune_complete", tuned.containsKey("complete") ? Boolean.valueOf(tuned.getProperty("complete")) : null,
                "peer", job.peer().isEmpty() ? null : job.peer(),
                "peer_version", peer.getProperty("version"),
                "peer_min_ms", number(steady, "peer.min"),
                "peer_spread", number(steady, "peer.spread"),
                "peer_turns", number(steady, "peer.turns"),
                "peer_runs", number(steady, "peer.runs"),
                "peer_open_ms", number(peer, "open"),
                "peer_load_ms", number(peer, "load"),
                "peer_load_again_ms", number(peer, "again"),
                "peer_first_ms", number(peer, "first"),
                "peer_memory_bytes", number(peer, "memory"),
                "difference", number(steady, "difference"),
                "difference_relative", number(steady, "difference.relative"),
                "difference_mean", number(steady, "difference.mean"),
                "tolerance", number(steady, "tolerance"),
                "same", compared ? problem().isEmpty() : null,
                "problem", problem().isEmpty() ? null : problem(),
                "peer_refuses", refusal().isEmpty() ? null : refusal(),
                "error", failure().isEmpty() ? null : failure());
    }

    private static @Nullable Object number(Properties from, String name) {
        double v = figure(from, name);
        if (Double.isNaN(v)) return null;
        return v == Math.rint(v) && Math.abs(v) < 1e15 ? (Object) (long) v : (Object) v;
    }
}
