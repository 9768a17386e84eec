package dev.meseta.drivers.vulkan;

import dev.meseta.graph.Debug;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** How long each launch took, printed when the process ends. Where it is asked for, every launch is a submission of its own. Thread-safe. */
final class LaunchTimes {
    private static final int MOST = 10_000;
    private static final Map<Step.Launch, List<Long>> TIMES = new ConcurrentHashMap<>();

    static {
        if (isOn()) Runtime.getRuntime().addShutdownHook(new Thread(LaunchTimes::print, "meseta-vulkan-times"));
    }

    private LaunchTimes() {}

    static boolean isOn() {
        return Debug.TIMES.isOn();
    }

    static void add(Step.Launch launch, long nanoseconds) {
        List<Long> list = TIMES.computeIfAbsent(launch, _ -> new ArrayList<>());
        synchronized (list) {
            if (list.size() < MOST) list.add(nanoseconds);
        }
    }

    private static void print() {
        record Line(Step.Launch launch, long median, int count) {}
        List<Line> lines = new ArrayList<>();
        TIMES.forEach((launch, list) -> {
            synchronized (list) {
                long[] sorted = list.stream().mapToLong(x -> x).toArray();
                Arrays.sort(sorted);
                lines.add(new Line(launch, sorted[sorted.length / 2], sorted.length));
            }
        });
        lines.sort(Comparator.comparingLong(Line::median).reversed());
        Debug.TIMES.print(() -> {
            long all = lines.stream().mapToLong(Line::median).sum();
            StringBuilder out =
                    new StringBuilder(String.format(Locale.ROOT, "%12.1f us for all launches%n", all / 1e3));
            for (Line l : lines)
                out.append(String.format(
                        Locale.ROOT,
                        "%12.1f us x%d  %s grid %d  %s%n",
                        l.median() / 1e3,
                        l.count(),
                        l.launch().kernel(),
                        l.launch().grid(),
                        l.launch().origin()));
            return out.toString();
        });
    }
}
