package dev.meseta.driver.plan;

import dev.meseta.graph.Debug;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * How long the launches of a plan took, printed when the process ends, where {@code MESETA_DEBUG=times} asks for it: for each the median of
 * the last runs, for a machine that does other things now and then stops a run for milliseconds. Thread-safe, but runs at the same time mix.
 */
public final class LaunchTimes {
    private static final int SHOWN = 400;
    private static final int KEPT = 255;

    private final List<Launch> launches;
    private final Function<Launch, String> note;
    private final ToDoubleFunction<Launch> guess;

    /** By launch, what it has taken in this run. */
    private final long[] run;

    /** By run, as many as are kept, and launch. */
    private final long[][] kept = new long[KEPT][];

    private int runs;

    /** What launches take together, and what they were thought to take. */
    private record Row(long nanoseconds, double guess) {
        Row plus(Row other) {
            return new Row(nanoseconds + other.nanoseconds, guess + other.guess);
        }
    }

    private LaunchTimes(LaunchPlan plan, Function<Launch, String> note, ToDoubleFunction<Launch> guess) {
        this.launches = plan.launches();
        this.note = note;
        this.guess = guess;
        this.run = new long[launches.size()];
        Runtime.getRuntime().addShutdownHook(new Thread(this::print));
    }

    /** Whether somebody asks. */
    public static boolean areWanted() {
        return Debug.TIMES.isOn();
    }

    /**
     * For a plan, or null where nobody asks.
     *
     * @param note as in {@link LaunchPlan#describe}
     * @param guess how many nanoseconds a launch was thought to take, 0 where nobody knows
     */
    public static @Nullable LaunchTimes of(
            LaunchPlan plan, Function<Launch, String> note, ToDoubleFunction<Launch> guess) {
        return areWanted() ? new LaunchTimes(plan, note, guess) : null;
    }

    public synchronized void add(Launch launch, long nanoseconds) {
        run[launch.number()] += nanoseconds;
    }

    /** A run has ended. */
    public synchronized void addRun() {
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
        for (Launch l : launches) {
            long median = median(l.number());
            total += median;
            String name = l.kernel() + " ×" + l.grid() + note.apply(l) + "  " + l.origin();
            byKernel.merge(name, new Row(median, guess.applyAsDouble(l)), Row::plus);
        }
        List<Map.Entry<String, Row>> rows = byKernel.entrySet().stream()
                .sorted(Comparator.comparingLong(e -> -e.getValue().nanoseconds()))
                .toList();
        StringBuilder out = new StringBuilder();
        out.append("times: %d launches, %d runs, %.3f ms a run%n".formatted(run.length, runs, total / 1e6));
        for (Map.Entry<String, Row> e : rows.subList(0, Math.min(SHOWN, rows.size()))) {
            Row r = e.getValue();
            double percent = 100.0 * r.nanoseconds() / Math.max(1, total);
            out.append("%9.3f µs %5.1f %%  ".formatted(r.nanoseconds() / 1e3, percent));
            if (r.guess() > 0) out.append("guess %9.3f  ".formatted(r.guess() / 1e3));
            out.append(e.getKey()).append('\n');
        }
        Debug.TIMES.print(out::toString);
    }
}
