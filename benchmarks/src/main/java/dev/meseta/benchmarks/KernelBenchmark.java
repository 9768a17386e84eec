package dev.meseta.benchmarks;

import static java.util.Objects.requireNonNull;

import dev.meseta.Meseta;
import dev.meseta.compiler.GraphCompiler;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Matrix products as the compiler makes them, against the peak of fused multiply-adds that is measured before and after each of them, with one thread
 * and with all.
 *
 * <pre>{@code
 * MESETA_BENCHMARK=dev.meseta.benchmarks.KernelBenchmark ./meseta [ROWSxCOLUMNSxDEPTH…]
 * }</pre>
 *
 * <p>The right operand is constant, as weights are. For each product: the kernel alone, whose result stays in the memory of the session, with
 * operands in the caches as the run before left them, and with 64 MiB of other things there; and a whole run that gives a new tensor. JMH
 * measures; its processes for each number of threads take turns.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 4, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 250, timeUnit = TimeUnit.MILLISECONDS)
public class KernelBenchmark {
    private static final List<String> USUAL = List.of("480x480x480", "120x768x768", "1920x1920x1920");
    private static final List<String> KINDS = List.of("kernel", "cold", "run");
    private static final int ROUNDS = 3;
    private static final long MOST = 16_384;

    /** Rows, columns and the length of the sums. */
    @Param("480x480x480")
    public String product = "";

    /** Whether a run makes a tensor of the result, or begins without operands in the caches. */
    @Param({"kernel", "cold", "run"})
    public String kind = "";

    private @Nullable TensorJobs jobs;
    private List<Tensor> inputs = List.of();

    @Setup
    public void prepare() {
        KernelDevice device = (KernelDevice) Meseta.open().device("cpu");
        Extents e = Extents.parse(product);
        jobs = jobs(device, product(device, e, kind.equals("run")));
        inputs = List.of(random(e.rows, e.depth));
    }

    /** What is measured; {@code peak} measures before it and after it. */
    @Benchmark
    public List<Tensor> run(Peak peak) {
        return requireNonNull(jobs).run(inputs);
    }

    /** GFLOP/s of the device at most, beside each iteration of JMH's: the median of what was measured before and after each run. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    public static class Peak {
        private static final long FEW_STEPS = 100_000;
        /** Long beside what it costs to start a run. */
        private static final double MILLISECONDS = 5;
        /** Whatever else runs on the machine makes it look slower, and nothing faster. */
        private static final int TRIES = 3;

        private final PeakKernel kernel = kernel((KernelDevice) Meseta.open().device("cpu"));
        private final List<Double> speeds = new ArrayList<>();

        private static PeakKernel kernel(KernelDevice device) {
            int threads = device.target().threads();
            PeakKernel few = new PeakKernel(device, FEW_STEPS, 1, threads);
            double fastest = Double.POSITIVE_INFINITY;
            for (int i = 0; i < 10; i++) fastest = Math.min(fastest, few.run());
            return new PeakKernel(device, (long) (FEW_STEPS * MILLISECONDS / fastest), 1, threads);
        }

        @Setup(Level.Iteration)
        public void clear() {
            speeds.clear();
        }

        /** What is in the caches when a run begins is what the run before left there, unless it shall begin without. */
        @Setup(Level.Invocation)
        public void before(BenchmarkParams parameters) {
            measure();
            if (parameters.getParam("kind").equals("cold")) Caches.evict();
        }

        @TearDown(Level.Invocation)
        public void measure() {
            double best = 0;
            for (int i = 0; i < TRIES; i++) best = Math.max(best, kernel.speed());
            speeds.add(best);
        }

        public double peak() {
            return Median.of(speeds);
        }
    }

    private record Extents(long rows, long columns, long depth) {
        static Extents parse(String text) {
            String[] parts = text.split("x", -1);
            long[] e = new long[parts.length];
            for (int i = 0; i < e.length; i++) e[i] = parts[i].matches("[0-9]{1,5}") ? Long.parseLong(parts[i]) : 0;
            for (long n : e) if (n < 1 || n > MOST) e = new long[0];
            if (e.length != 3)
                throw new IllegalArgumentException(
                        "'" + text + "' is no product; give ROWSxCOLUMNSxDEPTH, each from 1 to " + MOST + ", as in "
                                + USUAL.getFirst());
            return new Extents(e[0], e[1], e[2]);
        }

        double flops() {
            return 2.0 * rows * columns * depth;
        }
    }

    private static Executable product(KernelDevice device, Extents e, boolean whole) {
        GraphBuilder b = new GraphBuilder("product", Interpreter::evaluate);
        Value x = b.input("x", random(e.rows, e.depth).type());
        Value y = b.matmul(x, b.constant(random(e.depth, e.columns)), DType.F32);
        if (!whole) y = b.slice(b.slice(y, 0, 0, 1), 1, 0, 1);
        return device.load(GraphCompiler.compile(b.build(List.of(y)), device.target()));
    }

    static TensorJobs jobs(KernelDevice device, Executable executable) {
        return new TensorJobs(Schedulers.of(device).client("benchmark"), executable);
    }

    private static Tensor random(long rows, long columns) {
        Random random = new Random(1);
        Tensor t = Tensor.allocate(DType.F32, Shape.of(rows, columns));
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, random.nextDouble(-1, 1));
        return t;
    }

    /** Of one iteration of JMH's. */
    private record Turn(double milliseconds, double peak) {
        double share(double flops) {
            return flops / milliseconds / 1e6 / peak;
        }
    }

    public static void main(String[] arguments) throws RunnerException {
        List<String> products = arguments.length == 0 ? USUAL : List.of(arguments);
        try {
            products.forEach(Extents::parse);
        } catch (IllegalArgumentException e) {
            System.err.println("KernelBenchmark: " + e.getMessage());
            System.exit(2);
        }
        int all;
        try (Meseta meseta = Meseta.open()) {
            all = ((KernelDevice) meseta.device("cpu")).target().threads();
        }
        print(
                "%-15s %-7s %7s %10s %9s %8s %8s %7s%n",
                "product", "", "threads", "ms", "GFLOP/s", "of peak", "at best", "peak");
        for (String product : products) for (String kind : KINDS) compare(product, kind, all);
        System.exit(0);
    }

    private static void compare(String product, String kind, int all) throws RunnerException {
        List<Turn> alone = new ArrayList<>();
        List<Turn> together = new ArrayList<>();
        for (int i = 0; i < ROUNDS; i++) {
            alone.addAll(turns(product, kind, 1));
            if (all > 1) together.addAll(turns(product, kind, all));
        }
        double one = report(product, kind, 1, alone);
        if (all == 1) return;
        double many = report(product, kind, all, together);
        print("%-15s %-7s %d threads are %.2f times as fast as one%n", product, kind, all, one / many);
    }

    private static List<Turn> turns(String product, String kind, int threads) throws RunnerException {
        RunResult result = new Runner(new OptionsBuilder()
                        .include(KernelBenchmark.class.getName() + ".run")
                        .param("product", product)
                        .param("kind", kind)
                        .jvmArgsAppend("-Dmeseta.threads=" + threads)
                        .shouldFailOnError(true)
                        .verbosity(VerboseMode.SILENT)
                        .build())
                .runSingle();
        List<Turn> turns = new ArrayList<>();
        for (IterationResult r : result.getBenchmarkResults().iterator().next().getIterationResults())
            turns.add(new Turn(
                    r.getPrimaryResult().getStatistics().getPercentile(50),
                    requireNonNull(r.getSecondaryResults().get("peak")).getScore()));
        return turns;
    }

    /** Returns milliseconds, median. */
    private static double report(String product, String kind, int threads, List<Turn> turns) {
        double flops = Extents.parse(product).flops();
        List<Double> shares = turns.stream().map(t -> t.share(flops)).toList();
        double ms = Median.of(turns.stream().map(Turn::milliseconds).toList());
        double best = turns.stream().mapToDouble(Turn::milliseconds).min().orElse(0);
        double most = turns.stream().mapToDouble(Turn::peak).max().orElse(0);
        print(
                "%-15s %-7s %7d %10.3f %9.1f %7.1f%% %7.1f%% %7.1f%n",
                product,
                kind,
                threads,
                ms,
                flops / ms / 1e6,
                100 * Median.of(shares),
                100 * flops / best / 1e6 / most,
                Median.of(turns.stream().map(Turn::peak).toList()));
        return ms;
    }

    private static void print(String format, Object... arguments) {
        System.out.printf(Locale.ROOT, format, arguments);
        System.out.flush();
    }
}
