package dev.meseta.benchmarks;

import dev.meseta.Meseta;
import dev.meseta.compiler.Choices;
import dev.meseta.compiler.GraphCompiler;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.KernelDevice;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.runtime.TensorJobs;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;

/**
 * Where convolutions with kernels of 3×3 are faster through Winograd's transforms: the direct way (implicit GEMM), tiles of 2 and tiles of 4,
 * by turns in one process, for as many channels in as out and square maps.
 *
 * <pre>{@code
 * MESETA_BENCHMARK=dev.meseta.benchmarks.WinogradBenchmark ./meseta [CHANNELSxSIZE…]
 * }</pre>
 *
 * <p>Maps lie channels-last, as between convolutions, and kernels are constant. What the two small convolutions around take is taken off. Two lines a
 * shape, one with the weights in the caches as the run before left them, and one with other things there, as in a model whose weights are larger
 * than the caches: milliseconds of the direct way, how many times as fast the two others are (medians of ratios of turns), what the compiler
 * chooses, and how much longer that takes than the fastest.
 */
public final class WinogradBenchmark {
    private static final List<Long> CHANNELS = List.of(16L, 32L, 64L, 128L, 256L, 512L);
    private static final List<Long> SIZES = List.of(7L, 14L, 28L, 56L, 112L, 224L);
    private static final List<String> WAYS = List.of("direct", "tiles of 2", "tiles of 4");
    private static final int ROUNDS = 15;
    private static final int WARMUP = 2;
    private static final double TURN_MS = 8;

    private static final long MOST = 1024;

    /** What is larger takes long to measure, and is like what is smaller. */
    private static final double MOST_PRODUCTS = 2e9;

    private WinogradBenchmark() {}

    private record Problem(long channels, long size) {
        static Problem parse(String text) {
            String[] parts = text.split("x", -1);
            if (parts.length == 2 && text.matches("[0-9]{1,4}x[0-9]{1,4}")) {
                Problem p = new Problem(Long.parseLong(parts[0]), Long.parseLong(parts[1]));
                if (p.channels >= 16 && p.channels <= MOST && p.size >= 1 && p.size <= MOST) return p;
            }
            throw new IllegalArgumentException("'" + text + "' is no shape; give CHANNELSxSIZE, from 16x1 to " + MOST
                    + "x" + MOST + ", as in 64x56");
        }

        double products() {
            return 9.0 * channels * channels * size * size;
        }

        /** As the compiler asks how to do it. */
        String question() {
            return "3x3 convolution of " + channels + " to 1x" + channels + "x" + size + "x" + size;
        }

        Tensor input() {
            return random(1, 1, size, size);
        }

        /** Between two of 1×1, as maps lie channels-last between convolutions; these two alone, too, to know what they take. */
        Graph graph(boolean whole) {
            GraphBuilder b = new GraphBuilder("convolution", Interpreter::evaluate);
            Value x = b.add(plain(0), b.input("x", input().type()), b.constant(random(channels, 1, 1, 1)));
            if (whole) x = b.add(plain(1), x, b.constant(random(channels, channels, 3, 3)));
            return b.build(List.of(b.add(plain(0), x, b.constant(random(1, channels, 1, 1)))));
        }

        private static Op plain(long padding) {
            List<Long> ones = List.of(1L, 1L);
            List<Long> around = List.of(padding, padding);
            return new Op.Convolution(ones, around, around, ones, ones, 1, DType.F32);
        }
    }

    private static Tensor random(long... extents) {
        Random random = new Random(1);
        Tensor t = Tensor.allocate(DType.F32, Shape.of(extents));
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, random.nextDouble(-1, 1));
        return t;
    }

    public static void main(String[] arguments) {
        List<Problem> problems = new ArrayList<>();
        try {
            for (String text : arguments) problems.add(Problem.parse(text));
        } catch (IllegalArgumentException e) {
            System.err.println("WinogradBenchmark: " + e.getMessage());
            System.exit(2);
        }
        if (problems.isEmpty()) for (long c : CHANNELS) for (long s : SIZES) problems.add(new Problem(c, s));
        problems.removeIf(p -> arguments.length == 0 && p.products() > MOST_PRODUCTS);
        try (Meseta meseta = Meseta.open()) {
            KernelDevice device = (KernelDevice) meseta.device("cpu");
            System.out.printf("%d threads%n", device.target().threads());
            print(
                    "%9s %6s %8s %11s %11s %11s %11s %8s%n",
                    "channels", "size", "weights", "direct, ms", "tiles of 2", "tiles of 4", "chosen", "lost");
            for (Problem p : problems) measure(device, p);
        }
        System.exit(0);
    }

    /** A way to do it, and the milliseconds that it took in each turn. */
    private record Way(String name, String commands, TensorJobs jobs, List<Double> warm, List<Double> cold) {
        static Way of(KernelDevice device, String name, Graph graph, Choices choices) {
            CommandList list = GraphCompiler.compile(graph, device.target(), choices);
            return new Way(
                    name,
                    list.commands().toString(),
                    KernelBenchmark.jobs(device, device.load(list)),
                    new ArrayList<>(),
                    new ArrayList<>());
        }

        private double run(List<Tensor> input) {
            long start = System.nanoTime();
            jobs.run(input);
            return (System.nanoTime() - start) / 1e6;
        }

        /** The median of the runs of a turn, and one run without weights in a cache. */
        void turn(List<Tensor> input) {
            List<Double> runs = new ArrayList<>();
            long begin = System.nanoTime();
            do {
                runs.add(run(input));
            } while (System.nanoTime() - begin < TURN_MS * 1e6);
            warm.add(Median.of(runs));
            Caches.evict();
            cold.add(run(input));
        }
    }

    /** How many times as fast as another, without what is around both. */
    private static double gain(List<Double> of, List<Double> other, List<Double> around) {
        List<Double> ratios = new ArrayList<>();
        for (int i = WARMUP; i < of.size(); i++) {
            double rest = around.get(i);
            ratios.add((other.get(i) - rest) / (of.get(i) - rest));
        }
        return Median.of(ratios);
    }

    private static double median(List<Double> times) {
        return Median.of(times.subList(WARMUP, times.size()));
    }

    private static void measure(KernelDevice device, Problem p) {
        Graph graph = p.graph(true);
        List<Way> ways = new ArrayList<>();
        for (String name : WAYS) ways.add(Way.of(device, name, graph, Choices.forced(Map.of(p.question(), name))));
        if (ways.stream().map(Way::commands).distinct().count() < WAYS.size())
            throw new IllegalStateException("the compiler was not asked for the " + p.question());
        String commands = Way.of(device, "chosen", graph, Choices.NONE).commands;
        Way chosen = ways.stream()
                .filter(w -> w.commands.equals(commands))
                .findFirst()
                .orElseThrow();
        Way around = Way.of(device, "around", p.graph(false), Choices.NONE);
        List<Tensor> input = List.of(p.input());
        for (int i = 0; i < ROUNDS + WARMUP; i++) {
            around.turn(input);
            for (Way w : ways) w.turn(input);
        }
        report(p, chosen.name, "warm", ways, around, Way::warm);
        report(p, chosen.name, "cold", ways, around, Way::cold);
    }

    private static void report(
            Problem p, String chosen, String weights, List<Way> ways, Way around, Function<Way, List<Double>> times) {
        List<Double> rest = times.apply(around);
        List<Double> direct = times.apply(ways.getFirst());
        Map<String, Double> gains = new LinkedHashMap<>();
        for (Way w : ways) gains.put(w.name, gain(times.apply(w), direct, rest));
        double best = gains.values().stream().mapToDouble(g -> g).max().orElse(1);
        print(
                "%9d %6d %8s %11.3f %11.2f %11.2f %11s %7.0f%%%n",
                p.channels,
                p.size,
                weights,
                median(direct) - median(rest),
                gains.getOrDefault(WAYS.get(1), 0.0),
                gains.getOrDefault(WAYS.get(2), 0.0),
                chosen,
                100 * (best / gains.getOrDefault(chosen, 0.0) - 1));
    }

    private static void print(String format, Object... arguments) {
        System.out.printf(Locale.ROOT, format, arguments);
        System.out.flush();
    }
}
