package dev.meseta.cli;

import dev.meseta.Meseta;
import dev.meseta.Model;
import dev.meseta.Session;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.program.Port;
import dev.meseta.runtime.trace.PerfettoTrace;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import jdk.jfr.Recording;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "trace",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Runs a model and writes what happened when: loading, compiling, copying, and the jobs on the device.",
            "https://ui.perfetto.dev shows the file."
        })
final class TraceCommand implements Callable<Integer> {
    /** What a file of the Flight Recorder begins with. */
    private static final byte[] RECORDING = {'F', 'L', 'R', 0};

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Parameters(
            paramLabel = "MODEL",
            description = "The model, or a recording of Java's Flight Recorder (jfr), which is turned into a trace.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Path file;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            required = true,
            description = "The file to write, such as model.pftrace.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Path output;

    @Option(
            names = "--input",
            paramLabel = "NAME=FILE",
            description = "An input, as for run; what is not given is random.")
    private List<String> inputs = new ArrayList<>();

    @Option(
            names = "--shape",
            paramLabel = "NAME=1,3,224,224",
            description = "The shape of an input that the model leaves open (default: 1 for each open extent).")
    private List<String> shapes = new ArrayList<>();

    @Option(names = "--device", paramLabel = "D", description = "The device (default: the preferred one).")
    private @Nullable String device;

    @Option(names = "--runs", paramLabel = "N", description = "Runs in all (default: 3).")
    private int runs = 3;

    @Override
    public Integer call() {
        if (runs < 1) throw new InvalidInputException("--runs must be 1 or more, got " + runs);
        OutputFile.check(output, file, "the file to read");
        try {
            if (isRecording()) {
                write(converted());
                return 0;
            }
            Path recorded = Files.createTempFile("meseta", ".jfr");
            try (Recording recording = new Recording()) {
                recording.start();
                try {
                    runModel();
                } catch (RunFailed e) {
                    save(recording, recorded);
                    throw e.reason;
                }
                save(recording, recorded);
            } finally {
                Files.deleteIfExists(recorded);
            }
        } catch (IOException e) {
            throw new InvalidInputException("--output " + output + ": " + e.getMessage(), e);
        }
        return 0;
    }

    /** A run did not end well: that is worth a trace too. */
    private static final class RunFailed extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final RuntimeException reason;

        RunFailed(RuntimeException reason) {
            super(reason);
            this.reason = reason;
        }
    }

    private boolean isRecording() {
        if (!Files.isRegularFile(file)) return false;
        try (InputStream in = Files.newInputStream(file)) {
            return Arrays.equals(in.readNBytes(RECORDING.length), RECORDING);
        } catch (IOException e) {
            throw new InvalidInputException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private PerfettoTrace converted() {
        try {
            return PerfettoTrace.read(file);
        } catch (IOException e) {
            throw new InvalidInputException(file + " is no whole recording: " + e.getMessage(), e);
        }
    }

    private void runModel() {
        try (Meseta meseta = Meseta.open()) {
            Model model = meseta.load(file);
            if (device != null) model = model.on(device);
            Map<String, Data> given =
                    new InputFiles(model, new Shapes(model, shapes, Map.of()), InputFiles.Pictures.NONE).read(inputs);
            Shapes concrete = new Shapes(model, shapes, given);
            fill(model, concrete, given);
            if (!concrete.assumed().isEmpty())
                spec.commandLine()
                        .getErr()
                        .println("meseta: open extents taken as " + String.join(", ", concrete.assumed())
                                + "; --shape sets them");
            try (Session session = model.prepare()) {
                session.prepare(given);
                for (int i = 0; i < runs; i++) run(session, given);
            }
        }
    }

    private static void run(Session session, Map<String, Data> given) {
        try {
            session.run(given);
        } catch (RuntimeException e) {
            throw new RunFailed(e);
        }
    }

    private static void fill(Model model, Shapes concrete, Map<String, Data> given) {
        for (Port p : model.required()) {
            if (given.containsKey(p.name())) continue;
            Shape shape = concrete.of(p);
            if (p.kind() != Port.Kind.TENSOR || p.dtype() == null || shape == null)
                throw new InvalidInputException("input '" + p.name() + "' (" + p.describe()
                        + ") cannot be filled with random values; give it with --input"
                        + (p.kind() == Port.Kind.TENSOR ? ", or its shape with --shape" : ""));
            given.put(p.name(), RandomInputs.fill(0, p.name(), new TensorType(p.dtype(), shape)));
        }
    }

    private void save(Recording recording, Path recorded) throws IOException {
        recording.stop();
        recording.dump(recorded);
        write(PerfettoTrace.read(recorded));
    }

    private void write(PerfettoTrace trace) throws IOException {
        if (trace.threadCount() == 0)
            throw new InvalidInputException(file + " tells nothing of Meseta: the recording has none of its events");
        trace.write(output);
        PrintWriter out = spec.commandLine().getOut();
        out.println("written to " + output + ": " + Text.count(trace.threadCount(), "thread") + ", "
                + Text.count(trace.queueCount(), "device queue"));
        out.println("https://ui.perfetto.dev shows it");
    }
}
