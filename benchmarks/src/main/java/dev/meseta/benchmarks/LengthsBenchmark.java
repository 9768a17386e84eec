package dev.meseta.benchmarks;

import dev.meseta.Meseta;
import dev.meseta.Model;
import dev.meseta.Session;
import dev.meseta.conformance.JavaProcess;
import dev.meseta.graph.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Sentences of a hundred different lengths in turn, many times over, on a model of text: what a new length costs, how many kernels it
 * compiles, and whether memory stays what it is.
 *
 * <pre>{@code
 * MESETA_BENCHMARK=dev.meseta.benchmarks.LengthsBenchmark ./meseta MODEL [RUNS]
 * }</pre>
 *
 * The kernel cache is a folder of its own, empty at first: a file in it is one compilation by LLVM.
 */
public final class LengthsBenchmark {
    private static final int LENGTHS = 100;
    private static final int SHORTEST = 5;
    private static final int USUAL_RUNS = 10_000;
    private static final int REPORTS = 10;
    private static final long WORDS = 1_000;

    private LengthsBenchmark() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 3 && arguments[0].equals("worker")) {
            measure(Path.of(arguments[1]), Integer.parseInt(arguments[2]));
            return;
        }
        if (arguments.length < 1 || arguments.length > 2) {
            System.err.println("usage: LengthsBenchmark MODEL [RUNS]");
            System.exit(2);
        }
        String runs = arguments.length > 1 ? arguments[1] : Integer.toString(USUAL_RUNS);
        Path folder = Files.createTempDirectory("meseta-lengths");
        try {
            Process process = JavaProcess.of(
                            LengthsBenchmark.class.getName(),
                            Map.of("meseta.cache", folder.resolve("cache").toString()),
                            folder.resolve("options"),
                            List.of("worker", arguments[0], runs))
                    .inheritIO()
                    .start();
            System.exit(process.waitFor());
        } finally {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path f : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(f);
            }
        }
    }

    private static void measure(Path file, int runs) throws IOException {
        try (Meseta meseta = Meseta.open()) {
            Model model = meseta.load(file);
            List<Integer> lengths = new ArrayList<>();
            for (int i = 0; i < LENGTHS; i++) lengths.add(SHORTEST + i);
            Random random = new Random(1);
            java.util.Collections.shuffle(lengths, random);
            try (Session session = model.prepare()) {
                plan(session, lengths, random);
                run(session, lengths, runs, random);
            }
        }
    }

    /** Meets each length for the first time. */
    private static void plan(Session session, List<Integer> lengths, Random random) throws IOException {
        List<Double> times = new ArrayList<>();
        List<Long> compiled = new ArrayList<>();
        for (int length : lengths) {
            Map<String, Tensor> inputs = sentence(session, length, random);
            long start = System.nanoTime();
            session.prepare(inputs);
            times.add((System.nanoTime() - start) / 1e6);
            compiled.add(kernels());
        }
        List<Double> later = times.subList(10, LENGTHS);
        print(
                "a new length is planned in %.1f ms (median after ten; the first in %.0f, the second in %.1f, the slowest"
                        + " after ten in %.1f)%n",
                Median.of(later), times.get(0), times.get(1), Median.quantile(later, 1));
        print(
                "compiled by LLVM: %d kernels for the first length, %d for ten, %d for all %d%n",
                compiled.get(0), compiled.get(9), compiled.get(LENGTHS - 1), LENGTHS);
    }

    private static void run(Session session, List<Integer> lengths, int runs, Random random) throws IOException {
        print("%8s %14s %10s %10s%n", "runs", "memory, MB", "kernels", "ms a run");
        List<Map<String, Tensor>> inputs = new ArrayList<>();
        for (int length : lengths) inputs.add(sentence(session, length, random));
        int done = 0;
        for (int report = 0; report <= REPORTS; report++) {
            int until = Math.max(LENGTHS, (int) ((long) runs * report / REPORTS));
            long start = System.nanoTime();
            int before = done;
            for (; done < until; done++) session.run(inputs.get(done % LENGTHS));
            double each = (System.nanoTime() - start) / 1e6 / Math.max(1, done - before);
            print("%8d %14.1f %10d %10.2f%n", done, resident() / 1e6, kernels(), each);
        }
    }

    private static Map<String, Tensor> sentence(Session session, int length, Random random) {
        Map<String, Tensor> inputs = new HashMap<>();
        session.inputs().forEach(port -> {
            long[] values = new long[length];
            for (int i = 0; i < length; i++) {
                values[i] =
                        port.name().contains("mask") ? 1 : port.name().contains("type") ? 0 : random.nextLong(WORDS);
            }
            inputs.put(port.name(), Tensor.of(values, 1, length));
        });
        return inputs;
    }

    /** Compiled kernels: files in the cache. */
    private static long kernels() throws IOException {
        Path folder = Path.of(System.getProperty("meseta.cache"), "kernels");
        if (!Files.isDirectory(folder)) return 0;
        try (Stream<Path> files = Files.list(folder)) {
            return files.count();
        }
    }

    private static long resident() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        }
        return 0;
    }

    private static void print(String format, Object... arguments) {
        System.out.printf(Locale.ROOT, format, arguments);
        System.out.flush();
    }
}
