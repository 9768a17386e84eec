package dev.meseta.benchmarks;

import dev.meseta.Meseta;
import dev.meseta.driver.KernelDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a launch costs beside its work: chains of launches that follow each other in one run, for several amounts of work an iteration. With
 * one iteration a launch needs no other thread; with as many as there are threads each has one, and they start and end together. What a
 * launch takes longer than the work of one iteration is the cost of its dispatch.
 *
 * <pre>{@code
 * MESETA_BENCHMARK=dev.meseta.benchmarks.DispatchBenchmark ./meseta
 * }</pre>
 */
public final class DispatchBenchmark {
    private static final int LAUNCHES = 1_000;
    private static final int ROUNDS = 15;

    private DispatchBenchmark() {}

    public static void main(String[] arguments) {
        try (Meseta meseta = Meseta.open()) {
            KernelDevice device = (KernelDevice) meseta.device("cpu");
            int threads = device.target().threads();
            System.out.printf(
                    Locale.ROOT,
                    "%12s %17s %16s %18s %16s%n",
                    "steps of work",
                    "work, us",
                    "1 iteration, us",
                    threads + " iterations, us",
                    "dispatch, us");
            for (int steps : new int[] {1, 100, 1_000, 2_000, 5_000, 10_000}) measure(device, steps, threads);
        }
    }

    private static void measure(KernelDevice device, int steps, int threads) {
        // One launch with the work of a whole chain says how long the work alone takes.
        PeakKernel work = new PeakKernel(device, (long) steps * LAUNCHES, 1, 1);
        PeakKernel single = new PeakKernel(device, steps, LAUNCHES, 1);
        PeakKernel shared = new PeakKernel(device, steps, LAUNCHES, threads);
        List<Double> works = new ArrayList<>();
        List<Double> singles = new ArrayList<>();
        List<Double> shareds = new ArrayList<>();
        List<Double> costs = new ArrayList<>();
        for (int i = -2; i < ROUNDS; i++) {
            double a = work.run() * 1e3 / LAUNCHES;
            double b = single.run() * 1e3 / LAUNCHES;
            double c = shared.run() * 1e3 / LAUNCHES;
            if (i < 0) continue;
            works.add(a);
            singles.add(b);
            shareds.add(c);
            costs.add(c - a);
        }
        System.out.printf(
                Locale.ROOT,
                "%12d %17.3f %16.3f %18.3f %16.3f%n",
                steps,
                Median.of(works),
                Median.of(singles),
                Median.of(shareds),
                Median.of(costs));
    }
}
