package dev.meseta.drivers.cpu;

import dev.meseta.graph.Debug;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How long the launches of a plan took, summed over its runs; printed when the process ends, where {@code MESETA_DEBUG=times} asks for it.
 * Thread-safe.
 */
final class LaunchTimes {
    private static final int SHOWN = 400;

    private final Plan plan;
    private final long[] nanoseconds;
    private long runs;

    private LaunchTimes(Plan plan) {
        this.plan = plan;
        this.nanoseconds = new long[plan.launches().size()];
        Runtime.getRuntime().addShutdownHook(new Thread(this::print));
    }

    /** For a plan, or null where nobody asks. */
    static @Nullable LaunchTimes of(Plan plan) {
        return Debug.TIMES.isOn() ? new LaunchTimes(plan) : null;
    }

    synchronized void add(Step.Launch launch, long taken) {
        nanoseconds[launch.number()] += taken;
    }

    synchronized void addRun() {
        runs++;
    }

    private synchronized void print() {
        if (runs == 0) return;
        record Row(String name, long nanoseconds) {}
        Map<String, Long> byKernel = new LinkedHashMap<>();
        long total = 0;
        for (Step.Launch l : plan.launches()) {
            long t = nanoseconds[l.number()];
            total += t;
            byKernel.merge(l.kernel().name() + " ×" + l.grid() + "  " + l.origin(), t, Long::sum);
        }
        List<Row> rows = byKernel.entrySet().stream()
                .map(e -> new Row(e.getKey(), e.getValue()))
                .sorted(Comparator.comparingLong(Row::nanoseconds).reversed())
                .toList();
        StringBuilder out = new StringBuilder();
        out.append(
                "times: %d launches, %d runs, %.3f ms a run%n".formatted(nanoseconds.length, runs, total / 1e6 / runs));
        for (Row r : rows.subList(0, Math.min(SHOWN, rows.size())))
            out.append("%9.3f µs %5.1f %%  %s%n"
                    .formatted(r.nanoseconds() / 1e3 / runs, 100.0 * r.nanoseconds() / Math.max(1, total), r.name()));
        Debug.TIMES.print(out::toString);
    }
}
