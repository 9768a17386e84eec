package dev.meseta.cli;

import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.Tuner;
import dev.meseta.conformance.Peer;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/** The process that measures for {@code meseta bench}: it is told what by its arguments, and prints properties. */
final class BenchWorker {
    /** Runs after the first until the memory of a session is what it stays. */
    private static final int FEW_RUNS = 5;

    private static final double MOST_FEW_RUNS_MS = 2_000;

    /** A turn is one run, or as many as fill this. */
    private static final double TURN_MS = 20;

    private static final double WARM_UP_MS = 500;
    private static final int LEAST_WARM_UP = 3;

    /** The JVM is quiet when it has compiled for less than a few milliseconds for so long. */
    private static final double QUIET_MS = 400;

    private static final long COMPILING_MS = 5;
    private static final double MOST_WARM_UP_MS = 15_000;
    private static final int LEAST_TURNS = 5;

    private BenchWorker() {}

    public static void main(String[] arguments) throws IOException {
        // Whatever a runtime prints must not get between the figures.
        PrintStream out = System.out;
        System.setOut(System.err);
        Properties figures = measure(BenchJob.parse(arguments));
        figures.store(out, null);
        out.flush();
        // Threads of a peer's may still be there.
        System.exit(0);
    }

    /** The figures by name, times in milliseconds; or {@code error}, and {@code mistake} whose it is: user, peer or ours. */
    static Properties measure(BenchJob job) {
        Properties figures = new Properties();
        try {
            Map<String, Data> inputs = TensorFile.read(job.inputs());
            switch (job.task()) {
                case TUNE -> tune(job, inputs, figures);
                case START -> start(job, inputs, figures);
                case PEER_START -> peerStart(job, inputs, figures);
                case STEADY -> steady(job, inputs, figures);
            }
        } catch (InvalidInputException e) {
            failed(figures, "user", String.valueOf(e.getMessage()));
        } catch (Peer.RefusedException e) {
            failed(figures, "peer", String.valueOf(e.getMessage()));
        } catch (RuntimeException | OutOfMemoryError | StackOverflowError e) {
            failed(figures, "ours", e.toString());
        }
        return figures;
    }

    private static void failed(Properties figures, String mistake, String message) {
        figures.setProperty("mistake", mistake);
        figures.setProperty("error", message);
    }

    private static void put(Properties figures, String name, double value) {
        figures.setProperty(name, Double.toString(value));
    }

    private static double since(long start) {
        return (System.nanoTime() - start) / 1e6;
    }

    private static void tune(BenchJob job, Map<String, Data> inputs, Properties figures) {
        try (Meseta meseta = Meseta.open()) {
            Tuner.Result result = Tuner.tune(
                    meseta.load(job.model()).on(job.device()),
                    inputs,
                    Duration.ofMillis((long) (job.seconds() * 1e3)),
                    (_, _) -> {});
            put(figures, "questions", result.questions());
            put(figures, "tried", result.tried());
            put(figures, "found", result.found().size());
            put(figures, "gain", result.gain());
            figures.setProperty("complete", Boolean.toString(result.complete()));
        }
    }

    // ---- from nothing to the first answer ----

    private static void start(BenchJob job, Map<String, Data> inputs, Properties figures) {
        ProcessMemory memory = ProcessMemory.watch();
        long start = System.nanoTime();
        try (Meseta meseta = Meseta.open()) {
            meseta.device(job.device());
            put(figures, "open", since(start));
            start = System.nanoTime();
            try (Session session = load(meseta, job, inputs)) {
                put(figures, "load", since(start));
                start = System.nanoTime();
                session.run(inputs);
                put(figures, "first", since(start));
                fewRuns(() -> session.run(inputs));
                put(figures, "memory", memory.growth());
                put(figures, "heap", ProcessMemory.heapPeak());
            }
            start = System.nanoTime();
            try (Session _ = load(meseta, job, inputs)) {
                put(figures, "again", since(start));
            }
        }
    }

    private static Session load(Meseta meseta, BenchJob job, Map<String, Data> inputs) {
        Session session = meseta.load(job.model()).on(job.device()).prepare();
        session.prepare(inputs);
        return session;
    }

    private static void peerStart(BenchJob job, Map<String, Data> inputs, Properties figures) {
        ProcessMemory memory = ProcessMemory.watch();
        long start = System.nanoTime();
        Peer peer = peer(job.peer());
        figures.setProperty("version", peer.version());
        put(figures, "open", since(start));
        start = System.nanoTime();
        try (Peer.Loaded loaded = peer.load(job.model(), job.threads())) {
            put(figures, "load", since(start));
            try (Peer.Bound bound = loaded.bind(inputs)) {
                start = System.nanoTime();
                bound.run();
                put(figures, "first", since(start));
                fewRuns(bound::run);
                put(figures, "memory", memory.growth());
                put(figures, "heap", ProcessMemory.heapPeak());
            }
        }
        start = System.nanoTime();
        try (Peer.Loaded _ = peer.load(job.model(), job.threads())) {
            put(figures, "again", since(start));
        }
    }

    private static void fewRuns(Runnable run) {
        long start = System.nanoTime();
        for (int i = 0; i < FEW_RUNS && since(start) < MOST_FEW_RUNS_MS; i++) run.run();
    }

    /** The peer of this name. Throws {@link InvalidInputException} that says which there are. */
    static Peer peer(String name) {
        List<Peer> peers = Peer.all();
        for (Peer p : peers) {
            if (p.name().equals(name)) return p;
        }
        throw new InvalidInputException("no peer '" + name + "'; "
                + (peers.isEmpty()
                        ? "this installation has none: peers come with the module benchmarks of a checkout"
                        : "there are "
                                + String.join(
                                        ", ", peers.stream().map(Peer::name).toList())));
    }

    // ---- the steady state ----

    private static void steady(BenchJob job, Map<String, Data> inputs, Properties figures) {
        try (Meseta meseta = Meseta.open();
                Session session = load(meseta, job, inputs)) {
            Map<String, Data> ours = session.run(inputs).all();
            Turns a = new Turns(() -> session.run(inputs));
            if (job.peer().isEmpty()) {
                alternate(job, List.of(a));
                a.put(figures, "");
                return;
            }
            try (Peer.Loaded loaded = peer(job.peer()).load(job.model(), job.threads());
                    Peer.Bound bound = loaded.bind(inputs)) {
                Difference.between(meseta.load(job.model()).program(), ours, bound.answer())
                        .put(figures);
                Turns b = new Turns(bound::run);
                alternate(job, List.of(a, b));
                a.put(figures, "");
                b.put(figures, "peer.");
                Samples ratios = a.ratios(b);
                put(figures, "ratio", ratios.median());
                put(figures, "ratio.spread", ratios.spread());
            }
        }
    }

    /** Turn after turn, each after a rest in which the threads of the turn before stop spinning. */
    private static void alternate(BenchJob job, List<Turns> sides) {
        long start = System.nanoTime();
        Compiling compiling = new Compiling();
        for (int i = 0; i < LEAST_WARM_UP || since(start) < WARM_UP_MS * sides.size() || compiling.goesOn(); i++) {
            for (Turns side : sides) side.run.run();
        }
        start = System.nanoTime();
        for (int i = 0; i < LEAST_TURNS || since(start) < job.seconds() * 1e3; i++) {
            for (Turns side : sides) {
                rest(job.settle());
                side.turn();
            }
        }
    }

    /** Whether the JVM still compiles its own code, of the model's loading above all: that takes the processors from what is measured. */
    private static final class Compiling {
        private final CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
        private final long begin = System.nanoTime();
        private long known = -1;
        private long changed = begin;

        boolean goesOn() {
            long now = compiler == null ? 0 : compiler.getTotalCompilationTime();
            if (now > known + COMPILING_MS) {
                known = now;
                changed = System.nanoTime();
            }
            return since(changed) < QUIET_MS && since(begin) < MOST_WARM_UP_MS;
        }
    }

    private static void rest(double milliseconds) {
        if (milliseconds <= 0) return;
        try {
            Thread.sleep(Duration.ofNanos((long) (milliseconds * 1e6)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** One side's turns. Each begins with a run that is not timed: it wakes the threads, and fetches into the caches what a rest has cost. */
    private static final class Turns {
        private final Runnable run;
        /** The median of each turn. */
        private final List<Double> times = new ArrayList<>();

        private double fastest = Double.POSITIVE_INFINITY;
        private long runs;

        Turns(Runnable run) {
            this.run = run;
        }

        void turn() {
            List<Double> turn = new ArrayList<>();
            run.run();
            long begin = System.nanoTime();
            do {
                long start = System.nanoTime();
                run.run();
                turn.add(since(start));
            } while (since(begin) < TURN_MS);
            Samples samples = Samples.of(turn);
            times.add(samples.median());
            fastest = Math.min(fastest, samples.min());
            runs += samples.count();
        }

        /** The other's time over this one's, turn by turn. */
        Samples ratios(Turns other) {
            List<Double> ratios = new ArrayList<>();
            for (int i = 0; i < times.size(); i++) ratios.add(other.times.get(i) / times.get(i));
            return Samples.of(ratios);
        }

        void put(Properties figures, String prefix) {
            Samples turns = Samples.of(times);
            BenchWorker.put(figures, prefix + "median", turns.median());
            BenchWorker.put(figures, prefix + "min", fastest);
            BenchWorker.put(figures, prefix + "spread", turns.spread());
            BenchWorker.put(figures, prefix + "turns", turns.count());
            BenchWorker.put(figures, prefix + "runs", runs);
        }
    }
}
