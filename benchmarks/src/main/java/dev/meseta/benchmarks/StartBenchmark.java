package dev.meseta.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * From the start of the process to the answer of {@code meseta run MODEL --random 1} and its end, with the kernels in the cache.
 *
 * <pre>{@code
 * MESETA_BENCHMARK=dev.meseta.benchmarks.StartBenchmark ./meseta [MODEL…]
 * }</pre>
 *
 * Without a model: one of a single node.
 */
public final class StartBenchmark {
    private static final int ROUNDS = 15;

    private StartBenchmark() {}

    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(System.getProperty("meseta.home"));
        List<String> models = arguments.length > 0
                ? List.of(arguments)
                : List.of(home.resolve("cli/src/launcher/training.onnx").toString());
        for (String model : models) {
            List<Double> times = new ArrayList<>();
            start(home, model);
            for (int i = 0; i < ROUNDS; i++) times.add(start(home, model));
            System.out.printf(
                    Locale.ROOT,
                    "%s: %.0f ms (median of %d; fastest %.0f, slowest %.0f)%n",
                    model,
                    Median.of(times),
                    ROUNDS,
                    Median.quantile(times, 0),
                    Median.quantile(times, 1));
        }
    }

    private static double start(Path home, String model) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(home.resolve("meseta").toString(), "run", model, "--random", "1")
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().remove("MESETA_BENCHMARK");
        long start = System.nanoTime();
        int status = builder.start().waitFor();
        double ms = (System.nanoTime() - start) / 1e6;
        if (status != 0) throw new IOException("meseta run " + model + " ended with status " + status);
        return ms;
    }
}
