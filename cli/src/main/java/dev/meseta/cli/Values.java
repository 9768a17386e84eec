package dev.meseta.cli;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.stream.Collectors;

/** A short account of what data holds. */
final class Values {
    private static final int FIRST = 6;
    private static final int TOP = 5;
    private static final int LONGEST_TEXT = 40;

    private Values() {}

    /** The type, with extents alone: where they came from does not matter in a result. */
    static String describe(Data data) {
        return data instanceof Tensor t ? t.type().with(t.shape().fixed()).toString() : data.describe();
    }

    /** Lines of at most about 76 characters. */
    static List<String> lines(Data data) {
        List<String> lines = new ArrayList<>();
        switch (data) {
            case Tensor t when t.dtype().kind() == DType.Kind.COMPLEX || t.elements() == 0 -> {}
            case Tensor t -> {
                Statistics s = Statistics.of(t);
                if (t.elements() > 1) {
                    lines.add(Text.format(
                            "min %s  max %s  mean %s%s",
                            Text.number(s.min), Text.number(s.max), Text.number(s.mean), s.remark()));
                }
                lines.add(first(t));
                if (ranks(t)) {
                    lines.add("top "
                            + top(t).stream()
                                    .map(e -> "#" + e.getKey() + " " + Text.number(e.getValue()))
                                    .collect(Collectors.joining("  ")));
                }
            }
            case Data.Strings s ->
                lines.add(s.values().stream()
                                .limit(FIRST)
                                .map(v -> "'" + (v.length() > LONGEST_TEXT ? v.substring(0, LONGEST_TEXT) + "…" : v)
                                        + "'")
                                .collect(Collectors.joining(" "))
                        + (s.values().size() > FIRST ? " …" : ""));
            case Data.Sequence s -> {
                for (int i = 0; i < Math.min(FIRST, s.items().size()); i++) {
                    lines.add("item " + i + ": " + describe(s.items().get(i)));
                    for (String line : lines(s.items().get(i))) lines.add("  " + line);
                }
                if (s.items().size() > FIRST) lines.add("…");
            }
            case Data.Optional o -> {
                if (o.value() != null) lines.addAll(lines(o.value()));
            }
            case Data.Mapping m ->
                m.entries().entrySet().stream()
                        .sorted(Comparator.comparing(e -> e.getKey().toString()))
                        .limit(FIRST)
                        .forEach(e -> lines.add(e.getKey() + ": " + String.join(" ", lines(e.getValue()))));
        }
        return lines;
    }

    /** The same for programs. */
    static Map<String, Object> json(Data data) {
        Map<String, Object> o = new LinkedHashMap<>();
        o.put("type", describe(data));
        if (data instanceof Tensor t) {
            o.put("dtype", t.dtype().text());
            o.put("shape", t.shape().extents());
            if (t.dtype().kind() != DType.Kind.COMPLEX && t.elements() > 0) {
                Statistics s = Statistics.of(t);
                o.putAll(Json.object("min", s.min, "max", s.max, "mean", s.mean, "nan", s.nan, "infinite", s.infinite));
                List<Object> first = new ArrayList<>();
                for (long i = 0; i < Math.min(t.elements(), 10); i++) first.add(element(t, i));
                o.put("first", first);
                if (ranks(t)) {
                    List<Object> top = new ArrayList<>();
                    for (Map.Entry<Long, Double> e : top(t)) {
                        top.add(Json.object("index", e.getKey(), "value", e.getValue()));
                    }
                    o.put("top", top);
                }
            }
        } else if (data instanceof Data.Strings s) {
            o.put("shape", s.shape().extents());
            o.put("first", s.values().stream().limit(10).toList());
        } else if (data instanceof Data.Sequence s) {
            o.put("items", s.items().stream().map(Values::json).toList());
        }
        return o;
    }

    private static Object element(Tensor t, long i) {
        if (!t.dtype().isFloat()) return t.getLong(i);
        double v = t.getDouble(i);
        return Double.isFinite(v) ? (Object) v : Double.toString(v);
    }

    private static String first(Tensor t) {
        StringBuilder line = new StringBuilder(t.elements() > 1 ? "first" : "value");
        for (long i = 0; i < Math.min(t.elements(), FIRST); i++) {
            line.append(' ').append(t.dtype().isFloat() ? Text.number(t.getDouble(i)) : Long.toString(t.getLong(i)));
        }
        return line + (t.elements() > FIRST ? " …" : "");
    }

    /** Whether the largest elements are what one wants to know: a vector of scores. */
    private static boolean ranks(Tensor t) {
        Shape s = t.shape();
        long longest = 0;
        for (long e : s.extents()) longest = Math.max(longest, e);
        return t.dtype().isFloat() && longest == t.elements() && longest > 2 * TOP;
    }

    private static List<Map.Entry<Long, Double>> top(Tensor t) {
        // Of equal values the one that comes first counts as larger.
        Comparator<Map.Entry<Long, Double>> order = Comparator.<Map.Entry<Long, Double>>comparingDouble(
                        Map.Entry::getValue)
                .thenComparing(Map.Entry.<Long, Double>comparingByKey().reversed());
        PriorityQueue<Map.Entry<Long, Double>> best = new PriorityQueue<>(order);
        for (long i = 0; i < t.elements(); i++) {
            best.add(Map.entry(i, t.getDouble(i)));
            if (best.size() > TOP) best.poll();
        }
        return best.stream().sorted(order.reversed()).toList();
    }

    /** Extremes and mean of the finite elements. */
    private record Statistics(double min, double max, double mean, long nan, long infinite) {
        static Statistics of(Tensor t) {
            double min = Double.POSITIVE_INFINITY;
            double max = Double.NEGATIVE_INFINITY;
            double sum = 0;
            long nan = 0;
            long infinite = 0;
            for (long i = 0; i < t.elements(); i++) {
                double v = t.getDouble(i);
                if (Double.isNaN(v)) nan++;
                else if (Double.isInfinite(v)) infinite++;
                else sum += v;
                if (v < min) min = v;
                if (v > max) max = v;
            }
            long finite = t.elements() - nan - infinite;
            boolean none = nan == t.elements();
            return new Statistics(
                    none ? Double.NaN : min,
                    none ? Double.NaN : max,
                    finite == 0 ? Double.NaN : sum / finite,
                    nan,
                    infinite);
        }

        String remark() {
            return (nan > 0 ? "  NaN " + nan : "") + (infinite > 0 ? "  infinite " + infinite : "");
        }
    }
}
