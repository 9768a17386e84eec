package dev.meseta.cli;

import dev.meseta.Meseta;
import dev.meseta.Model;
import dev.meseta.Session;
import dev.meseta.files.Images;
import dev.meseta.files.Npy;
import dev.meseta.files.Npz;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.program.Port;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
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
        name = "run",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Runs a model on files, or on random values.")
final class RunCommand implements Callable<Integer> {
    /** With more runs than this a terminal shows progress. */
    private static final int MANY_RUNS = 3;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Parameters(
            paramLabel = "MODEL",
            description = "The model, an ONNX or TFLite file, or a package that compile wrote.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Path file;

    @Option(
            names = "--input",
            paramLabel = "NAME=FILE",
            description = "An input: npy, npz, pb (TensorProto), png, jpg, or raw little-endian values (raw, bin)."
                    + " The name may be left out where there is one input, and for an npz file.")
    private List<String> inputs = new ArrayList<>();

    @Option(
            names = "--random",
            paramLabel = "SEED",
            description = "Fills the inputs that are not given from the seed and their name, type and shape.")
    private @Nullable Long random;

    @Option(
            names = "--shape",
            paramLabel = "NAME=1,3,224,224",
            description = "The shape of an input that the model leaves open (default: 1 for each open extent).")
    private List<String> shapes = new ArrayList<>();

    @Option(names = "--layout", paramLabel = "L", description = "Of a picture: nchw, nhwc, chw or hwc.")
    private Images.@Nullable Layout layout;

    @Option(names = "--channels", paramLabel = "C", description = "Of a picture: rgb, bgr or gray.")
    private Images.@Nullable Channels channels;

    @Option(names = "--resize", paramLabel = "WxH", description = "Of a picture; default: what the input states.")
    private @Nullable String resize;

    @Option(
            names = "--mean",
            paramLabel = "M",
            split = ",",
            description = "Of a picture: subtracted from the samples (0 to 255); one number, or one a channel.")
    private List<String> mean = new ArrayList<>();

    @Option(
            names = "--scale",
            paramLabel = "S",
            split = ",",
            description = "Of a picture: multiplied after that; 1/255 is understood.")
    private List<String> scale = new ArrayList<>();

    @Option(names = "--output", paramLabel = "FILE", description = "Writes the outputs: npz, or npy for a single one.")
    private @Nullable Path output;

    @Option(names = "--device", paramLabel = "D", description = "The device (default: the preferred one).")
    private @Nullable String device;

    @Option(
            names = "--runs",
            paramLabel = "N",
            description = "Runs in all; the steady time is the median after the first.")
    private int runs = 1;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    /** Times in milliseconds; steady is NaN for one run. */
    private record Times(double load, double prepare, double first, double steady) {}

    @Override
    public Integer call() {
        if (runs < 1) throw new InvalidInputException("--runs must be 1 or more, got " + runs);
        checkOutput();
        PrintWriter err = spec.commandLine().getErr();
        try (Meseta meseta = Meseta.open()) {
            long start = System.nanoTime();
            Model model = meseta.load(file);
            if (device != null) model = model.on(device);
            final double load = since(start);
            Map<String, Data> given = new InputFiles(
                            model,
                            new Shapes(model, shapes, Map.of()),
                            new InputFiles.Pictures(layout, channels, resize, mean, scale))
                    .read(inputs);
            Shapes concrete = new Shapes(model, shapes, given);
            boolean filled = fill(model, concrete, given);
            start = System.nanoTime();
            Session session = model.prepare();
            session.prepare(given);
            double prepare = since(start);
            start = System.nanoTime();
            Map<String, Data> results = session.run(given).all();
            double first = since(start);
            Times times = new Times(load, prepare, first, steady(session, given));
            save(results);
            if (filled && !concrete.assumed().isEmpty()) {
                err.println("meseta: open extents taken as " + String.join(", ", concrete.assumed())
                        + "; --shape sets them");
            }
            if (json) json(session, given, results, times);
            else print(session, given, results, times);
        }
        return 0;
    }

    private static double since(long start) {
        return (System.nanoTime() - start) / 1e6;
    }

    private double steady(Session session, Map<String, Data> given) {
        double[] times = new double[runs - 1];
        if (times.length == 0) return Double.NaN;
        if (times.length > MANY_RUNS && Terminal.showsErrors()) {
            try (ProgressBar bar = new ProgressBarBuilder()
                    .setTaskName("runs")
                    .setInitialMax(times.length)
                    .setStyle(ProgressBarStyle.ASCII)
                    .clearDisplayOnFinish()
                    .build()) {
                for (int i = 0; i < times.length; i++) {
                    times[i] = timed(session, given);
                    bar.step();
                }
            }
        } else {
            for (int i = 0; i < times.length; i++) times[i] = timed(session, given);
        }
        Arrays.sort(times);
        int middle = times.length / 2;
        return times.length % 2 == 1 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
    }

    private static double timed(Session session, Map<String, Data> given) {
        long start = System.nanoTime();
        session.run(given);
        return since(start);
    }

    /** Adds random values for inputs that are missing; returns whether there were any. */
    private boolean fill(Model model, Shapes concrete, Map<String, Data> given) {
        Long seed = random;
        boolean any = false;
        for (Port p : model.required()) {
            if (given.containsKey(p.name())) continue;
            if (seed == null) {
                throw new InvalidInputException(
                        "input '" + p.name() + "' (" + p.describe() + ") is missing; give it with" + " --input "
                                + p.name() + "=FILE, or random values with --random SEED");
            }
            Shape shape = concrete.of(p);
            if (p.kind() != Port.Kind.TENSOR || p.dtype() == null || shape == null) {
                throw new InvalidInputException("input '" + p.name() + "' (" + p.describe()
                        + ") cannot be filled with random values; give it with --input"
                        + (p.kind() == Port.Kind.TENSOR ? ", or its shape with --shape" : ""));
            }
            given.put(p.name(), RandomInputs.fill(seed, p.name(), new TensorType(p.dtype(), shape)));
            any = true;
        }
        return any;
    }

    private void checkOutput() {
        if (output == null) return;
        String name = output.toString().toLowerCase(Locale.ROOT);
        if (!name.endsWith(".npy") && !name.endsWith(".npz")) {
            throw new InvalidInputException("--output " + output + ": must end in .npy or .npz");
        }
        Path folder = output.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new InvalidInputException("--output " + output + ": the folder does not exist");
        }
    }

    private void save(Map<String, Data> results) {
        if (output == null) return;
        if (output.toString().toLowerCase(Locale.ROOT).endsWith(".npz")) {
            Npz.write(output, results, false);
        } else if (results.size() == 1) {
            Npy.write(output, results.values().iterator().next());
        } else {
            throw new InvalidInputException("--output " + output + ": an npy file holds one array, but the model gives "
                    + results.keySet() + "; name an npz file");
        }
    }

    private void print(Session session, Map<String, Data> given, Map<String, Data> results, Times times) {
        PrintWriter out = spec.commandLine().getOut();
        out.println(
                "device " + session.device().name() + " (" + session.device().description() + ")");
        given.forEach((name, data) -> section(out, "input", name, data));
        results.forEach((name, data) -> section(out, "output", name, data));
        if (output != null) out.println("written to " + output);
        out.println("time   load " + Text.milliseconds(times.load()) + ", prepare " + Text.milliseconds(times.prepare())
                + ", first run " + Text.milliseconds(times.first()));
        if (runs > 1) {
            out.println("       steady " + Text.milliseconds(times.steady()) + " (median of "
                    + Text.count(runs - 1L, "more run") + ")");
        }
    }

    private static void section(PrintWriter out, String what, String name, Data data) {
        out.println(Text.format("%-6s", what) + " " + name + " " + Values.describe(data));
        for (String line : Values.lines(data)) out.println("         " + line);
    }

    private void json(Session session, Map<String, Data> given, Map<String, Data> results, Times times) {
        Json.print(
                spec.commandLine().getOut(),
                Json.object(
                        "model",
                        file.toString(),
                        "device",
                        session.device().name(),
                        "inputs",
                        described(given),
                        "outputs",
                        described(results),
                        "written",
                        output == null ? null : output.toString(),
                        "ms",
                        Json.object(
                                "load",
                                times.load(),
                                "prepare",
                                times.prepare(),
                                "first",
                                times.first(),
                                "steady",
                                runs > 1 ? times.steady() : null),
                        "runs",
                        runs));
    }

    private static Map<String, Object> described(Map<String, Data> data) {
        Map<String, Object> all = new LinkedHashMap<>();
        data.forEach((name, d) -> all.put(name, Values.json(d)));
        return all;
    }
}
