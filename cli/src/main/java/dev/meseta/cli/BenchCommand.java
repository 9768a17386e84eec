package dev.meseta.cli;

import dev.meseta.Meseta;
import dev.meseta.Model;
import dev.meseta.driver.Device;
import dev.meseta.driver.GraphDevice;
import dev.meseta.driver.KernelDevice;
import dev.meseta.graph.CacheFolder;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.program.Port;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Measures models: loading, the first run, the steady state, memory; beside a peer if one is named.",
            "Exits with 1 if the peer's answers are others."
        })
final class BenchCommand implements Callable<Integer> {
    private static final int MOST_THREADS = 1024;
    private static final int STEPS = 3;
    private static final int WIDTH = 80;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Parameters(paramLabel = "MODEL", description = "Models, ONNX or TFLite files.")
    private List<Path> files = new ArrayList<>();

    @Option(
            names = "--suite",
            paramLabel = "FILE",
            description = "Measure the models of a list, such as benchmarks/models.txt.")
    private @Nullable Path suite;

    @Option(names = "--peer", paramLabel = "P", description = "Measure in turns with another runtime: onnxruntime.")
    private String peer = "";

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Threads that a run may use, on either side (default: processors).")
    private @Nullable Integer threads;

    @Option(
            names = "--shape",
            paramLabel = "NAME=1,128",
            description =
                    "The shape of an input, or an open extent by its name; several with / between them, to measure"
                            + " one after the other: ids=1x16/1x128. Where nothing is said: a batch of 1, 128 tokens, pictures of"
                            + " 224 by 224.")
    private List<String> shapes = new ArrayList<>();

    @Option(
            names = "--input",
            paramLabel = "NAME=FILE",
            description = "Measure on this input, as in meseta run (default: random values).")
    private List<String> inputs = new ArrayList<>();

    @Option(names = "--seed", paramLabel = "SEED", description = "Of the random values (default: ${DEFAULT-VALUE}).")
    private long seed = 1;

    @Option(names = "--device", paramLabel = "D", description = "The device (default: the preferred one).")
    private @Nullable String device;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            description = "How long the steady state is measured (default: ${DEFAULT-VALUE}).")
    private double seconds = 3;

    @Option(
            names = "--settle",
            paramLabel = "MS",
            description = "Rest before each turn, so that the other's threads have stopped spinning (default:"
                    + " ${DEFAULT-VALUE}).")
    private double settle = 50;

    @Option(
            names = "--tune",
            description = "First search the compiler's choices for these models on the device, and remember the best.")
    private boolean tune;

    @Option(
            names = "--tune-seconds",
            paramLabel = "S",
            description = "Longest search for a model (default: ${DEFAULT-VALUE}).")
    private double tuneSeconds = 60;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Option(names = "--markdown", description = "Print a table in Markdown.")
    private boolean markdown;

    /** One model in one shape. */
    private record Case(String name, Path file, Map<String, Data> inputs, List<String> assumed) {}

    @Override
    public Integer call() {
        check();
        Path folder = temporaryFolder();
        try {
            return measure(folder);
        } finally {
            delete(folder);
        }
    }

    private void check() {
        if (threads != null && (threads < 1 || threads > MOST_THREADS)) {
            throw new InvalidInputException("--threads must be from 1 to " + MOST_THREADS + ", got " + threads);
        }
        if (!(seconds >= 0 && seconds <= 3600)) {
            throw new InvalidInputException("--seconds must be from 0 to 3600, got " + Text.number(seconds));
        }
        if (!(settle >= 0 && settle <= 1000)) {
            throw new InvalidInputException("--settle must be from 0 to 1000, got " + Text.number(settle));
        }
        if (!(tuneSeconds >= 0 && tuneSeconds <= 86_400)) {
            throw new InvalidInputException("--tune-seconds must be from 0 to 86400, got " + Text.number(tuneSeconds));
        }
        if (json && markdown) throw new InvalidInputException("--json and --markdown: choose one");
        if (files.isEmpty() && suite == null) {
            throw new InvalidInputException("which MODEL is to be measured? Name one or more, or a list with --suite");
        }
        if (!peer.isEmpty()) BenchWorker.peer(peer);
    }

    private int measure(Path folder) {
        List<Case> cases;
        BenchJob job;
        try (Meseta meseta = Meseta.open()) {
            Device d = device == null ? meseta.preferredDevice() : meseta.device(device);
            cases = cases(meseta);
            job = new BenchJob(
                    BenchJob.Task.START,
                    Path.of(""),
                    folder.resolve("inputs"),
                    d.name(),
                    peer,
                    threads != null ? threads : threads(d),
                    settle,
                    seconds);
        }
        BenchReport report = report(spec.commandLine().getOut());
        int code = 0;
        try (Steps bar = new Steps(cases.size() * (STEPS + (peer.isEmpty() ? 0 : 1) + (tune ? 1 : 0)))) {
            for (Case c : cases) {
                BenchRow row = measure(c, job, folder, bar);
                report.add(row);
                if (row.userFailed()) code = Math.max(code, Main.USERS_MISTAKE);
                else if (!row.failure().isEmpty() || !row.problem().isEmpty()) code = Math.max(code, Main.OUR_MISTAKE);
            }
        }
        report.end();
        return code;
    }

    private BenchReport report(PrintWriter out) {
        if (json) return new BenchReport.Json(out);
        return markdown ? new BenchReport.Markdown(out) : new BenchTable(out);
    }

    private static int threads(Device device) {
        return switch (device) {
            case KernelDevice k -> k.target().threads();
            case GraphDevice _ -> Runtime.getRuntime().availableProcessors();
        };
    }

    // ---- what is measured ----

    /** Every model in every shape; made before anything is measured, so that a mistake is known at once. */
    private List<Case> cases(Meseta meseta) {
        List<Case> cases = new ArrayList<>();
        if (suite != null) {
            for (BenchSuite.Entry e : BenchSuite.read(suite)) {
                if (e.file() == null) say(e.name() + " is left out: " + e.reason());
                else add(cases, e.name(), e.file(), meseta.load(e.file()), BenchShapes.sets(e.shapes()));
            }
        }
        List<List<String>> sets = BenchShapes.sets(shapes);
        List<Model> models = files.stream().map(meseta::load).toList();
        BenchShapes.check(shapes, models);
        for (int i = 0; i < models.size(); i++) {
            add(cases, files.get(i).toString(), files.get(i), models.get(i), sets);
        }
        return cases;
    }

    private void add(List<Case> cases, String name, Path file, Model model, List<List<String>> sets) {
        List<String> before = null;
        for (List<String> set : sets) {
            List<String> own = BenchShapes.of(model, set);
            if (own.equals(before)) continue;
            before = own;
            Case c = inputs(name, model, file, own);
            if (!c.assumed().isEmpty()) {
                say(name + ": open extents taken as " + String.join(", ", c.assumed()) + "; --shape sets them");
            }
            cases.add(c);
        }
    }

    private void say(String line) {
        spec.commandLine().getErr().println("meseta: " + line);
    }

    private Case inputs(String name, Model model, Path file, List<String> own) {
        Map<String, Data> given = new InputFiles(
                        model,
                        new Shapes(model, own, Map.of()),
                        new InputFiles.Pictures(null, null, null, List.of(), List.of()))
                .read(inputs);
        Shapes concrete = new Shapes(model, own, given, BenchInputs::extent);
        for (Port p : model.required()) {
            if (given.containsKey(p.name())) continue;
            Shape shape = concrete.of(p);
            if (p.kind() != Port.Kind.TENSOR || p.dtype() == null || shape == null) {
                throw new InvalidInputException(file + ": input '" + p.name() + "' (" + p.describe()
                        + ") cannot be filled with random values; give it with --input"
                        + (p.kind() == Port.Kind.TENSOR ? ", or its shape with --shape" : ""));
            }
            given.put(p.name(), BenchInputs.fill(model, p, new TensorType(p.dtype(), shape), seed));
        }
        return new Case(name, file, given, List.copyOf(concrete.assumed()));
    }

    // ---- measuring ----

    private BenchRow measure(Case c, BenchJob plan, Path folder, Steps bar) {
        TensorFile.write(plan.inputs(), c.inputs());
        BenchJob job = plan.of(c.file());
        Map<String, Shape> inputShapes = BenchRow.shapes(c.inputs());
        Properties none = new Properties();
        String threads = Integer.toString(job.threads());
        Map<String, String> lasting = new HashMap<>(Map.of("meseta.threads", threads));
        CacheFolder.configured().ifPresent(users -> lasting.put("meseta.cache", users.toString()));
        Properties tuned = !tune
                ? none
                : bar.step(
                        c.name(),
                        "tuning",
                        () -> BenchChild.measure(job.with(BenchJob.Task.TUNE).within(tuneSeconds), lasting));
        if (tuned.containsKey("error")) return new BenchRow(c.name(), job, inputShapes, tuned, none, none, none, none);
        // A cache of its own: empty for the first process, and with all kernels for the others.
        Path cache = folder.resolve("cache");
        delete(cache);
        copyTuned(cache);
        Map<String, String> settings = Map.of("meseta.cache", cache.toString(), "meseta.threads", threads);
        Properties cold = bar.step(c.name(), "cold start", () -> BenchChild.measure(job, settings));
        if (cold.containsKey("error")) return new BenchRow(c.name(), job, inputShapes, tuned, cold, none, none, none);
        Properties warm = bar.step(c.name(), "warm start", () -> BenchChild.measure(job, settings));
        Properties peerStart = job.peer().isEmpty()
                ? none
                : bar.step(
                        c.name(),
                        "start of " + job.peer(),
                        () -> BenchChild.measure(job.with(BenchJob.Task.PEER_START), settings));
        BenchJob alone = peerStart.containsKey("error") ? job.alone() : job;
        Properties steady =
                bar.step(c.name(), "runs", () -> BenchChild.measure(alone.with(BenchJob.Task.STEADY), settings));
        return new BenchRow(c.name(), job, inputShapes, tuned, cold, warm, peerStart, steady);
    }

    /** What tuning has found is kept beside the kernels, and belongs into the steady state as much as into any other run. */
    private static void copyTuned(Path cache) {
        Path from = CacheFolder.configured().orElse(cache).resolve("tuned");
        if (!Files.isDirectory(from)) return;
        try (Stream<Path> files = Files.list(from)) {
            Path to = Files.createDirectories(cache.resolve("tuned"));
            for (Path file : files.toList()) Files.copy(file, to.resolve(file.getFileName()));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot copy " + from + " to " + cache + ": " + e.getMessage(), e);
        }
    }

    private static Path temporaryFolder() {
        try {
            return Files.createTempDirectory("meseta-bench");
        } catch (IOException e) {
            throw new UncheckedIOException("no folder for temporary files: " + e.getMessage(), e);
        }
    }

    private static void delete(Path tree) {
        if (!Files.exists(tree)) return;
        try (Stream<Path> files = Files.walk(tree)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot delete " + tree + ": " + e.getMessage(), e);
        }
    }

    /** Progress on a terminal. */
    private static final class Steps implements AutoCloseable {
        private final @Nullable ProgressBar bar;

        Steps(int steps) {
            bar = Terminal.showsErrors()
                    ? new ProgressBarBuilder()
                            .setTaskName("measuring")
                            .setInitialMax(steps)
                            .setStyle(ProgressBarStyle.ASCII)
                            .setMaxRenderedLength(WIDTH - 1)
                            .clearDisplayOnFinish()
                            .build()
                    : null;
        }

        Properties step(String model, String what, java.util.function.Supplier<Properties> measurement) {
            if (bar != null) bar.setExtraMessage(model.substring(model.lastIndexOf('/') + 1) + ", " + what);
            Properties figures = measurement.get();
            if (bar != null) bar.step();
            return figures;
        }

        @Override
        public void close() {
            if (bar != null) bar.close();
        }
    }
}
