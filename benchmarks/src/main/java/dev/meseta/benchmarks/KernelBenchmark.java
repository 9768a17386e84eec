package dev.meseta.benchmarks;

import dev.meseta.Meseta;
import dev.meseta.compiler.GraphCompiler;
import dev.meseta.conformance.JavaProcess;
import dev.meseta.driver.Executable;
import dev.meseta.driver.KernelDevice;
import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.runtime.TensorJobs;
import dev.meseta.runtime.scheduler.Schedulers;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/**
 * Matrix products as the compiler makes them, against the peak of fused multiply-adds that is measured in turns with them, with one thread
 * and with all. A process for each number of threads; they take turns too.
 *
 * <pre>{@code
 * MESETA_BENCHMARK=dev.meseta.benchmarks.KernelBenchmark ./meseta [ROWSxCOLUMNSxDEPTH…]
 * }</pre>
 *
 * <p>The right operand is constant, as weights are. For each product: the kernel alone, whose result stays in the memory of the session, and
 * a whole run that gives a new tensor.
 */
public final class KernelBenchmark {
    private static final List<String> USUAL = List.of("480x480x480", "120x768x768", "1920x1920x1920");
    private static final int ROUNDS = 15;
    /** A turn is as many runs as fill this, three at least. */
    private static final double TURN_MS = 60;

    private static final int LEAST_RUNS = 3;
    private static final long FEW_STEPS = 100_000;
    /** Long beside what it costs to start a run. */
    private static final double PEAK_MS = 5;

    private KernelBenchmark() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 1 && arguments[0].equals("worker")) work();
        else lead(arguments.length == 0 ? USUAL : List.of(arguments));
        System.exit(0);
    }

    // ---- the process that asks ----

    /** Of one turn. */
    private record Turn(double milliseconds, double share, double peak) {
        static Turn parse(String line) {
            String[] parts = line.split(" ", -1);
            return new Turn(Double.parseDouble(parts[0]), Double.parseDouble(parts[1]), Double.parseDouble(parts[2]));
        }
    }

    private record Worker(int threads, Process process, Writer to, BufferedReader from) {
        static Worker start(int threads, Path folder) throws IOException {
            Process process = JavaProcess.of(
                            KernelBenchmark.class.getName(),
                            Map.of("meseta.threads", Integer.toString(threads)),
                            folder.resolve("options" + threads),
                            List.of("worker"))
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            return new Worker(
                    threads,
                    process,
                    process.outputWriter(StandardCharsets.UTF_8),
                    process.inputReader(StandardCharsets.UTF_8));
        }

        Turn turn(String problem) throws IOException {
            to.write(problem + "\n");
            to.flush();
            String answer = from.readLine();
            if (answer == null) throw new IOException("the process with " + threads + " threads has ended");
            return Turn.parse(answer);
        }
    }

    private static void lead(List<String> problems) throws IOException {
        int all;
        try (Meseta meseta = Meseta.open()) {
            all = ((KernelDevice) meseta.device("cpu")).target().threads();
        }
        Path folder = Files.createTempDirectory("meseta-kernels");
        List<Worker> workers = new ArrayList<>();
        try {
            workers.add(Worker.start(1, folder));
            if (all > 1) workers.add(Worker.start(all, folder));
            print(
                    "%-15s %-7s %7s %10s %9s %8s %8s %7s%n",
                    "product", "", "threads", "ms", "GFLOP/s", "of peak", "at best", "peak");
            for (String problem : problems) {
                for (String kind : List.of("kernel", "run")) measure(problem, kind, workers);
            }
        } finally {
            for (Worker w : workers) {
                w.process().destroy();
                Files.deleteIfExists(folder.resolve("options" + w.threads()));
            }
            Files.delete(folder);
        }
    }

    private static void measure(String problem, String kind, List<Worker> workers) throws IOException {
        List<List<Turn>> turns = new ArrayList<>();
        for (Worker w : workers) {
            w.turn(kind + " " + problem);
            turns.add(new ArrayList<>());
        }
        for (int i = 0; i < ROUNDS; i++) {
            for (int w = 0; w < workers.size(); w++)
                turns.get(w).add(workers.get(w).turn(kind + " " + problem));
        }
        for (int w = 0; w < workers.size(); w++) {
            List<Turn> mine = turns.get(w);
            double ms = Median.of(mine.stream().map(Turn::milliseconds).toList());
            double share = Median.of(mine.stream().map(Turn::share).toList());
            double best = mine.stream().mapToDouble(Turn::share).max().orElse(0);
            double peak = Median.of(mine.stream().map(Turn::peak).toList());
            print(
                    "%-15s %-7s %7d %10.3f %9.1f %7.1f%% %7.1f%% %7.1f%n",
                    problem,
                    kind,
                    workers.get(w).threads(),
                    ms,
                    flops(problem) / ms / 1e6,
                    100 * share,
                    100 * best,
                    peak);
        }
        if (workers.size() < 2) return;
        List<Double> gains = new ArrayList<>();
        for (int i = 0; i < ROUNDS; i++) {
            gains.add(turns.getFirst().get(i).milliseconds()
                    / turns.getLast().get(i).milliseconds());
        }
        print(
                "%-15s %-7s %d threads are %.2f times as fast as one%n",
                problem, kind, workers.getLast().threads(), Median.of(gains));
    }

    private static void print(String format, Object... arguments) {
        System.out.printf(Locale.ROOT, format, arguments);
        System.out.flush();
    }

    private static long[] extents(String problem) {
        String[] parts = problem.split("x", -1);
        long[] extents = new long[3];
        for (int i = 0; i < 3; i++) extents[i] = Long.parseLong(parts[i]);
        return extents;
    }

    private static double flops(String problem) {
        long[] e = extents(problem);
        return 2.0 * e[0] * e[1] * e[2];
    }

    // ---- the process that measures ----

    private record Product(TensorJobs jobs, List<Tensor> inputs, double flops) {}

    private static void work() throws IOException {
        PrintStream out = System.out;
        System.setOut(System.err);
        KernelDevice device = (KernelDevice) Meseta.open().device("cpu");
        PeakKernel peak = peak(device);
        Map<String, Product> products = new HashMap<>();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Product product = products.computeIfAbsent(line, l -> product(device, l));
            Turn turn = turn(product, peak);
            out.println(turn.milliseconds() + " " + turn.share() + " " + turn.peak());
            out.flush();
        }
    }

    private static Product product(KernelDevice device, String line) {
        boolean whole = line.startsWith("run ");
        String problem = line.substring(line.indexOf(' ') + 1);
        long[] e = extents(problem);
        Random random = new Random(1);
        Tensor left = random(random, e[0], e[2]);
        GraphBuilder b = new GraphBuilder("product", Interpreter::evaluate);
        Value y = b.matmul(b.input("x", left.type()), b.constant(random(random, e[2], e[1])), DType.F32);
        if (!whole) y = b.slice(b.slice(y, 0, 0, 1), 1, 0, 1);
        Executable executable = device.load(GraphCompiler.compile(b.build(List.of(y)), device.target()));
        return new Product(jobs(device, executable), List.of(left), flops(problem));
    }

    static TensorJobs jobs(KernelDevice device, Executable executable) {
        return new TensorJobs(Schedulers.of(device).client("benchmark"), executable);
    }

    private static Tensor random(Random random, long rows, long columns) {
        Tensor t = Tensor.allocate(DType.F32, Shape.of(rows, columns));
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, random.nextDouble(-1, 1));
        return t;
    }

    private static PeakKernel peak(KernelDevice device) {
        int threads = device.target().threads();
        PeakKernel few = new PeakKernel(device, FEW_STEPS, 1, threads);
        double fastest = Double.POSITIVE_INFINITY;
        for (int i = 0; i < 10; i++) fastest = Math.min(fastest, few.run());
        return new PeakKernel(device, (long) (FEW_STEPS * PEAK_MS / fastest), 1, threads);
    }

    /** Runs and measurements of the peak, one after the other. */
    private static Turn turn(Product product, PeakKernel peak) {
        List<Double> times = new ArrayList<>();
        List<Double> peaks = new ArrayList<>();
        product.jobs().run(product.inputs());
        long begin = System.nanoTime();
        while (times.size() < LEAST_RUNS || System.nanoTime() - begin < TURN_MS * 1e6) {
            peaks.add(peak.speed());
            long start = System.nanoTime();
            product.jobs().run(product.inputs());
            times.add((System.nanoTime() - start) / 1e6);
        }
        double ms = Median.of(times);
        double best = Median.of(peaks);
        return new Turn(ms, product.flops() / ms / 1e6 / best, best);
    }
}
