package dev.meseta.drivers.cpu;

import dev.meseta.graph.Debug;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How long the launches of a plan took, printed when the process ends, where {@code MESETA_DEBUG=times} asks for it: for each the median of
 * the last runs, for a machine that does other things now and then stops a run for milliseconds. Thread-safe, but runs at the same time mix.
 */
final class LaunchTimes {
    private static final int SHOWN = 400;
    private static final int KEPT = 255;

    private final Plan plan;

    /** By launch, what it has taken in this run. */
    private final long[] run;

    /** By run, as many as are kept, and launch. */
    private final long[][] kept = new long[KEPT][];

    private int runs;

    /** What launches take together, and what they were thought to take on one thread. */
    private record Row(long nanoseconds, double guess) {
        Row plus(Row other) {
            return new Row(nanoseconds + other.nanoseconds, guess + other.guess);
        }
    }

    private LaunchTimes(Plan plan) {
        this.plan = plan;
        this.run = new long[plan.launches().size()];
        Runtime.getRuntime().addShutdownHook(new Thread(this::print));
    }

    /** For a plan, or null where nobody asks. */
    static @Nullable LaunchTimes of(Plan plan) {
        return Debug.TIMES.isOn() ? new LaunchTimes(plan) : null;
    }

    synchronized void add(Step.Launch launch, long taken) {
        run[launch.number()] += taken;
    }

    synchronized void addRun() {
        kept[runs++ % KEPT] = run.clone();
        Arrays.fill(run, 0);
    }

    private long median(int launch) {
        long[] all = Arrays.stream(kept, 0, Math.min(runs, KEPT))
                .mapToLong(r -> r[launch])
                .sorted()
                .toArray();
        return all[all.length / 2];
    }

    private synchronized void print() {
        if (runs == 0) return;
        Map<String, Row> byKernel = new LinkedHashMap<>();
        long total = 0;
        for (Step.Launch l : plan.launches()) {
            long median = median(l.number());
            total += median;
            double guess = KernelCost.of(l.kernel(), l.extents(), l.grid()).nanoseconds();
            String name =
                    l.kernel().name() + " ×" + l.grid() + (plan.chunk(l) < l.grid() ? " by " + plan.chunk(l) : "");
            byKernel.merge(name + "  " + l.origin(), new Row(median, guess), Row::plus);
        }
        List<Map.Entry<String, Row>> rows = byKernel.entrySet().stream()
                .sorted(Comparator.comparingLong(e -> -e.getValue().nanoseconds()))
                .toList();
        StringBuilder out = new StringBuilder();
        out.append("times: %d launches, %d runs, %.3f ms a run%n".formatted(run.length, runs, total / 1e6));
        for (Map.Entry<String, Row> e : rows.subList(0, Math.min(SHOWN, rows.size()))) {
            Row r = e.getValue();
            out.append("%9.3f µs %5.1f %%  guess %9.3f  %s%n"
                    .formatted(
                            r.nanoseconds() / 1e3,
                            100.0 * r.nanoseconds() / Math.max(1, total),
                            r.guess() / 1e3,
                            e.getKey()));
        }
        Debug.TIMES.print(out::toString);
    }
}
