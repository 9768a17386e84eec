package dev.meseta.benchmarks;

import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.program.Port;
import dev.meseta.runtime.trace.Trace;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import jdk.jfr.Recording;

/**
 * What tracing costs: runs of a model before there was a recording, and then in turns with a recording under way and without one.
 *
 * <pre>{@code
 * MESETA_BENCHMARK=dev.meseta.benchmarks.TraceBenchmark ./meseta MODEL [EXTENT]
 * }</pre>
 *
 * Open extents are taken as EXTENT, 16 unless given; inputs are ones.
 */
public final class TraceBenchmark {
    private static final double TURN_MS = 50;
    private static final int TURNS = 60;
    /** The recorder's own thread is busy for a while after a beginning or an end. */
    private static final long REST_MS = 100;

    private static final int QUESTIONS = 20_000_000;

    private TraceBenchmark() {}

    public static void main(String[] arguments) throws InterruptedException {
        if (arguments.length < 1 || arguments.length > 2) {
            System.err.println("usage: TraceBenchmark MODEL [EXTENT]");
            System.exit(2);
        }
        long extent = arguments.length > 1 ? Long.parseLong(arguments[1]) : 16;
        try (Meseta meseta = Meseta.open();
                Session session = meseta.load(Path.of(arguments[0])).prepare()) {
            Map<String, Tensor> inputs = ones(session, extent);
            for (int i = 0; i < 40; i++) turn(session, inputs);
            double question = question();
            List<Double> before = new ArrayList<>();
            for (int i = 0; i < TURNS; i++) before.add(without(session, inputs));
            List<Double> off = new ArrayList<>();
            List<Double> on = new ArrayList<>();
            List<Double> ratios = new ArrayList<>();
            for (int i = -5; i < TURNS; i++) {
                boolean first = i % 2 == 0;
                double without = first ? without(session, inputs) : 0;
                double with = with(session, inputs);
                if (!first) without = without(session, inputs);
                if (i < 0) continue;
                off.add(without);
                on.add(with);
                ratios.add(with / without);
            }
            print("the question whether there is a recording: %.2f ns%n", question);
            print("a run before any recording:  %.4f ms%n", Median.of(before));
            print("a run without a recording:   %.4f ms%n", Median.of(off));
            print("a run with one:              %.4f ms%n", Median.of(on));
            print(
                    "with / without: %.4f (median of %d pairs; quartiles %.4f to %.4f)%n",
                    Median.of(ratios), TURNS, Median.quantile(ratios, 0.25), Median.quantile(ratios, 0.75));
        }
    }

    private static double without(Session session, Map<String, Tensor> inputs) throws InterruptedException {
        Thread.sleep(REST_MS);
        return turn(session, inputs);
    }

    private static double with(Session session, Map<String, Tensor> inputs) throws InterruptedException {
        try (Recording recording = new Recording()) {
            recording.start();
            return without(session, inputs);
        }
    }

    /** Milliseconds a run, the median of those of a turn. */
    private static double turn(Session session, Map<String, Tensor> inputs) {
        List<Double> times = new ArrayList<>();
        long begun = System.nanoTime();
        do {
            long start = System.nanoTime();
            session.run(inputs);
            times.add((System.nanoTime() - start) / 1e6);
        } while ((System.nanoTime() - begun) / 1e6 < TURN_MS);
        return Median.of(times);
    }

    /** Nanoseconds of what each event costs without a recording. */
    private static double question() {
        double best = Double.MAX_VALUE;
        for (int round = 0; round < 5; round++) {
            long start = System.nanoTime();
            int yes = 0;
            for (int i = 0; i < QUESTIONS; i++) if (Trace.isOn()) yes++;
            best = Math.min(best, (System.nanoTime() - start) / (double) QUESTIONS);
            if (yes > 0) throw new IllegalStateException("there is a recording already");
        }
        return best;
    }

    private static Map<String, Tensor> ones(Session session, long extent) {
        Map<String, Tensor> inputs = new HashMap<>();
        for (Port p : session.inputs()) {
            if (p.shape() == null || p.dtype() == null) continue;
            long[] extents = new long[p.shape().rank()];
            // The first open extent is the batch.
            for (int i = 0; i < extents.length; i++)
                extents[i] = p.shape().dim(i).isKnown() ? p.shape().extent(i) : i == 0 ? 1 : extent;
            Tensor t = Tensor.allocate(TensorType.of(p.dtype(), extents));
            for (long i = 0; i < t.elements(); i++) t.setDouble(i, 1);
            inputs.put(p.name(), t);
        }
        return inputs;
    }

    private static void print(String format, Object... arguments) {
        System.out.printf(Locale.ROOT, format, arguments);
    }
}
