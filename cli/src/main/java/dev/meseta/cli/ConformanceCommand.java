package dev.meseta.cli;

import dev.meseta.Meseta;
import dev.meseta.conformance.Engine;
import dev.meseta.conformance.Ktap;
import dev.meseta.conformance.OnnxCase;
import dev.meseta.conformance.OnnxSuite;
import dev.meseta.conformance.Report;
import dev.meseta.conformance.TestData;
import dev.meseta.conformance.Way;
import dev.meseta.conformance.driver.DriverSuite;
import dev.meseta.driver.Device;
import dev.meseta.graph.InvalidInputException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "conformance",
        mixinStandardHelpOptions = true,
        description = "Runs a conformance suite on a device.",
        subcommands = {ConformanceCommand.Onnx.class, ConformanceCommand.OfDriver.class})
final class ConformanceCommand implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    @Command(
            name = "onnx",
            mixinStandardHelpOptions = true,
            description = {
                "Runs ONNX's operator cases, each in three ways, and reports in KTAP.",
                "Exits with 1 on an unexpected result."
            })
    static final class Onnx implements Callable<Integer> {
        @Spec
        @SuppressWarnings("NullAway.Init") // set by picocli
        private CommandSpec spec;

        @Option(
                names = "--data",
                paramLabel = "DIR",
                description = "A folder of cases: test_*/model.onnx with test_data_set_*, or light_*.onnx. Default:"
                        + " ONNX's own cases, as far as they can be found or fetched.")
        private List<Path> data = new ArrayList<>();

        @Option(names = "--device", paramLabel = "D", description = "The device (default: the preferred one).")
        private @Nullable String device;

        @Option(names = "--filter", paramLabel = "GLOB", description = "Only cases whose names match (* and ?).")
        private List<String> filters = new ArrayList<>();

        @Option(
                names = "--shapes",
                paramLabel = "WAY",
                description = "static, dynamic or constant; may be repeated (default: all three).")
        private List<Way> ways = new ArrayList<>();

        @Option(names = "--jobs", paramLabel = "N", description = "Cases at the same time (default: processors).")
        private int jobs = Runtime.getRuntime().availableProcessors();

        @Option(
                names = "--limit",
                paramLabel = "S",
                description = "Seconds that a case may take in one way (default: ${DEFAULT-VALUE}).")
        private int limit = 60;

        @Option(names = "--json", description = "Print JSON in place of KTAP.")
        private boolean json;

        @Override
        public Integer call() {
            PrintWriter err = spec.commandLine().getErr();
            if (limit < 1) throw new InvalidInputException("--limit must be 1 or more, got " + limit);
            List<OnnxCase> cases = cases(err);
            OnnxSuite.Options options = new OnnxSuite.Options(
                    filters,
                    ways.isEmpty() ? Set.of(Way.values()) : EnumSet.copyOf(ways),
                    jobs,
                    Duration.ofSeconds(limit));
            try (Meseta meseta = Meseta.open()) {
                Device d = device == null ? meseta.preferredDevice() : meseta.device(device);
                OnnxSuite suite = new OnnxSuite(Engine.of(meseta, d), OnnxSuite.expectedFailures(d.name()), options);
                if (cases.stream().noneMatch(c -> suite.chooses(c))) {
                    throw new InvalidInputException("no case matches " + filters);
                }
                Collected collected = new Collected();
                Report shown = json ? collected : new Ktap(new PrintStream(System.out, false, System.out.charset()));
                Report.Summary summary = watched(shown, report -> suite.run(cases, report));
                if (json) collected.print(spec.commandLine().getOut(), d.name(), summary);
                return summary.isExpected() ? 0 : Main.OUR_MISTAKE;
            }
        }

        private List<OnnxCase> cases(PrintWriter err) {
            List<OnnxCase> cases = new ArrayList<>();
            for (Path folder : data) cases.addAll(OnnxCase.find(folder));
            if (!data.isEmpty()) return cases;
            TestData here = TestData.ofThisMachine();
            List<String> reasons = new ArrayList<>();
            for (TestData.Source source : List.of(here.debianCases(), here.newerCases())) {
                switch (source) {
                    case TestData.Found(String _, Path folder) -> cases.addAll(OnnxCase.find(folder));
                    case TestData.Missing(String name, String reason) -> reasons.add(name + ": " + reason);
                }
            }
            if (cases.isEmpty()) {
                throw new InvalidInputException("no cases; name a folder with --data. " + String.join(". ", reasons));
            }
            reasons.forEach(r -> err.println("meseta: without " + r));
            return cases;
        }
    }

    @Command(
            name = "driver",
            mixinStandardHelpOptions = true,
            description = {
                "Runs the suite that every driver passes, and reports in KTAP.",
                "Exits with 1 on an unexpected result."
            })
    static final class OfDriver implements Callable<Integer> {
        @Spec
        @SuppressWarnings("NullAway.Init") // set by picocli
        private CommandSpec spec;

        @Option(names = "--device", paramLabel = "D", description = "The device (default: the preferred one).")
        private @Nullable String device;

        @Option(
                names = "--filter",
                paramLabel = "GLOB",
                description = "Only cases whose chapter and name match (* and ?), such as 'buffers*'.")
        private List<String> filters = new ArrayList<>();

        @Option(names = "--json", description = "Print JSON in place of KTAP.")
        private boolean json;

        @Override
        public Integer call() {
            try (Meseta meseta = Meseta.open()) {
                Device d = device == null ? meseta.preferredDevice() : meseta.device(device);
                DriverSuite suite = new DriverSuite(meseta.driver(d), d, filters);
                if (suite.isEmpty()) throw new InvalidInputException("no case matches " + filters);
                Collected collected = new Collected();
                Report shown = json ? collected : new Ktap(new PrintStream(System.out, false, System.out.charset()));
                Report.Summary summary = watched(shown, suite::run);
                if (json) collected.print(spec.commandLine().getOut(), d.name(), summary);
                return summary.isExpected() ? 0 : Main.OUR_MISTAKE;
            }
        }
    }

    private interface Run {
        Report.Summary run(Report report);
    }

    /** Shows progress where somebody watches and the report itself goes elsewhere. */
    private static Report.Summary watched(Report shown, Run run) {
        if (!Terminal.showsErrors() || Terminal.showsOutput()) return run.run(shown);
        try (ProgressBar bar = new ProgressBarBuilder()
                .setTaskName("cases")
                .setInitialMax(1)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(200)
                .build()) {
            return run.run(new Watched(shown, bar));
        }
    }

    /** Keeps results for JSON. */
    private static final class Collected implements Report {
        private final List<Object> results = new ArrayList<>();

        @Override
        public void result(Result r) {
            results.add(Json.object(
                    "name",
                    r.name(),
                    "outcome",
                    r.outcome().name().toLowerCase(java.util.Locale.ROOT),
                    "reason",
                    r.reason().isEmpty() ? null : r.reason(),
                    "details",
                    r.details().isEmpty() ? null : r.details(),
                    "ms",
                    r.milliseconds()));
        }

        void print(PrintWriter out, String device, Summary summary) {
            Map<String, Object> all = Json.object(
                    "device",
                    device,
                    "pass",
                    summary.pass(),
                    "fail",
                    summary.fail(),
                    "skip",
                    summary.skip(),
                    "expected_failures",
                    summary.expectedFailures(),
                    "tests",
                    results);
            Json.print(out, all);
        }
    }

    /** A report that moves a progress bar along. */
    private record Watched(Report report, ProgressBar bar) implements Report {
        @Override
        public void plan(int tests) {
            bar.maxHint(tests);
            report.plan(tests);
        }

        @Override
        public void started(int number, String name) {
            bar.setExtraMessage(name);
            report.started(number, name);
        }

        @Override
        public void result(Result result) {
            report.result(result);
            bar.step();
        }

        @Override
        public void remark(String line) {
            report.remark(line);
        }

        @Override
        public void summary(Summary summary) {
            report.summary(summary);
        }
    }
}
