package dev.meseta.conformance;

import dev.meseta.conformance.Report.Outcome;
import dev.meseta.conformance.Report.Result;
import dev.meseta.frontends.onnx.OnnxData;
import dev.meseta.frontends.onnx.OnnxReader;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.MesetaException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Runs operator cases, each in several ways, and holds what happens against what is expected. */
public final class OnnxSuite {
    /** Deep graphs are walked by recursion. */
    private static final long STACK_BYTES = 16L << 20;

    private final Engine engine;
    private final CaseList expectedFailures;
    private final CaseList randomCases;
    private final Options options;
    private final List<Glob> globs;

    /**
     * How to run.
     *
     * @param filters patterns of case names ({@code *} and {@code ?}); a case runs if one matches, or if there is none
     * @param ways the ways in which each case runs
     * @param jobs cases that run at the same time
     * @param limit the time that one case may take in one way
     */
    public record Options(List<String> filters, Set<Way> ways, int jobs, Duration limit) {
        public Options {
            filters = List.copyOf(filters);
            ways = Set.copyOf(ways);
            if (jobs < 1) throw new InvalidInputException("jobs must be 1 or more, got " + jobs);
        }

        /** All cases in all ways, as many at a time as there are processors. */
        public static Options defaults() {
            return new Options(
                    List.of(),
                    Set.of(Way.values()),
                    Runtime.getRuntime().availableProcessors(),
                    Duration.ofSeconds(60));
        }
    }

    /** @param expectedFailures cases that are known to fail, see {@link #expectedFailures} */
    public OnnxSuite(Engine engine, CaseList expectedFailures, Options options) {
        this.engine = engine;
        this.expectedFailures = expectedFailures;
        this.randomCases = CaseList.resource("onnx-random.txt");
        this.options = options;
        this.globs = options.filters().stream().map(Glob::new).toList();
    }

    /** Whether a case is among those that the options name. */
    public boolean chooses(OnnxCase c) {
        return globs.isEmpty() || globs.stream().anyMatch(g -> g.matches(c.name()));
    }

    /**
     * The cases that are known to fail on a device: those in {@code expected-failures/onnx-NAME.txt}, by the device's name without a number.
     */
    public static CaseList expectedFailures(String device) {
        return CaseList.resource("expected-failures/onnx-" + device.replaceFirst(":.*", "") + ".txt");
    }

    private record Test(OnnxCase onnxCase, Way way) {
        String name() {
            return onnxCase.name() + " " + way.text();
        }
    }

    /** Runs the cases. Returns the counts, which the report has been told as well. */
    public Report.Summary run(List<OnnxCase> cases, Report report) {
        List<OnnxCase> chosen = cases.stream().filter(this::chooses).toList();
        List<Way> ways =
                Stream.of(Way.values()).filter(options.ways()::contains).toList();
        int tests = chosen.size() * ways.size();
        report.plan(tests);
        InOrder results = new InOrder(tests, report);
        AtomicInteger next = new AtomicInteger();
        ExecutorService workers = Executors.newCachedThreadPool(Thread.ofPlatform()
                .daemon()
                .stackSize(STACK_BYTES)
                .name("case-", 0)
                .factory());
        List<Thread> slots = new ArrayList<>();
        for (int j = 0; j < options.jobs(); j++) {
            slots.add(Thread.ofPlatform().daemon().name("slot-" + j).start(() -> {
                for (int i = next.getAndIncrement(); i < chosen.size(); i = next.getAndIncrement()) {
                    Attempt attempt = new Attempt(chosen.get(i), engine, randomCases);
                    for (int w = 0; w < ways.size(); w++) {
                        int number = i * ways.size() + w + 1;
                        Test test = new Test(chosen.get(i), ways.get(w));
                        report.started(number, test.name());
                        results.add(number, one(number, test, attempt, workers));
                    }
                }
            }));
        }
        try {
            for (Thread t : slots) t.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        } finally {
            workers.shutdownNow();
        }
        if (options.filters().isEmpty()) {
            Set<String> names = chosen.stream().map(OnnxCase::name).collect(Collectors.toSet());
            for (String pattern : expectedFailures.unused(names)) {
                report.remark("the expected failure " + pattern + " matches no case");
            }
        }
        Report.Summary summary = Report.Summary.of(results.all());
        report.summary(summary);
        return summary;
    }

    /** Hands results on in the order of their numbers. */
    private static final class InOrder {
        private final @Nullable Result[] results;
        private final Report report;
        private int told;

        InOrder(int tests, Report report) {
            this.results = new Result[tests];
            this.report = report;
        }

        synchronized void add(int number, Result result) {
            results[number - 1] = result;
            for (; told < results.length; told++) {
                Result r = results[told];
                if (r == null) return;
                report.result(r);
            }
        }

        synchronized List<Result> all() {
            List<Result> all = new ArrayList<>();
            for (Result r : results) if (r != null) all.add(r);
            return all;
        }
    }

    private Result one(int number, Test test, Attempt attempt, ExecutorService workers) {
        long start = System.nanoTime();
        Verdict verdict = limited(workers, () -> attempt.run(test.way()));
        double milliseconds = (System.nanoTime() - start) / 1e6;
        Optional<String> expected =
                expectedFailures.reason(test.onnxCase().name(), test.way().text(), attempt.operators());
        return switch (verdict) {
            case Verdict.Skip(String reason) ->
                new Result(number, test.name(), Outcome.SKIP, reason, List.of(), milliseconds);
            case Verdict.Pass _ ->
                new Result(
                        number,
                        test.name(),
                        expected.isPresent() ? Outcome.UNEXPECTED_PASS : Outcome.PASS,
                        expected.orElse(""),
                        List.of(),
                        milliseconds);
            case Verdict.Fail(List<String> details) ->
                new Result(
                        number,
                        test.name(),
                        expected.isPresent() ? Outcome.EXPECTED_FAILURE : Outcome.FAIL,
                        expected.orElse(""),
                        details,
                        milliseconds);
        };
    }

    private Verdict limited(ExecutorService workers, Callable<Verdict> work) {
        Future<Verdict> future = workers.submit(work);
        try {
            return future.get(options.limit().toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            // Its thread is a daemon; the next case gets another one.
            future.cancel(true);
            return new Verdict.Fail(
                    List.of("did not end within " + options.limit().toSeconds() + " s"));
        } catch (ExecutionException e) {
            return new Verdict.Fail(describe(e.getCause() == null ? e : e.getCause()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Verdict.Fail(List.of("interrupted"));
        }
    }

    private static List<String> describe(Throwable e) {
        List<String> lines = new ArrayList<>();
        if (e instanceof MesetaException && e.getMessage() != null) {
            lines.add(e.getMessage());
            return lines;
        }
        lines.add(e.toString());
        for (int i = 0; i < Math.min(4, e.getStackTrace().length); i++) lines.add("  at " + e.getStackTrace()[i]);
        return lines;
    }

    /** How a test ended, before it is held against the expected failures. */
    private sealed interface Verdict {
        record Pass() implements Verdict {}

        record Skip(String reason) implements Verdict {}

        record Fail(List<String> details) implements Verdict {}
    }

    /** One case; its files are read once, by whichever way comes first. Confined to one slot, whose ways follow each other. */
    private static final class Attempt {
        private final OnnxCase onnxCase;
        private final Engine engine;
        private final CaseList randomCases;
        private volatile @Nullable Loaded loaded;

        private record Loaded(Program program, List<Values> sets) {}

        private record Values(Map<String, Data> inputs, List<Data> outputs) {}

        Attempt(OnnxCase onnxCase, Engine engine, CaseList randomCases) {
            this.onnxCase = onnxCase;
            this.engine = engine;
            this.randomCases = randomCases;
        }

        /** What the model calls; empty if it could not be read. */
        Set<String> operators() {
            Loaded l = loaded;
            return l == null
                    ? Set.of()
                    : l.program().calls().stream().map(Call::operator).collect(Collectors.toSet());
        }

        Verdict run(Way way) {
            if (onnxCase.missing().isPresent())
                return new Verdict.Skip(onnxCase.missing().get());
            Loaded l = load();
            // Without the inputs as constants all sets can share a session.
            Engine.@Nullable Prepared shared = null;
            for (Values set : l.sets()) {
                Optional<String> refusal = way.refuses(l.program(), set.inputs());
                if (refusal.isPresent()) return new Verdict.Skip(refusal.get());
                Engine.Prepared prepared = way == Way.CONSTANT || shared == null
                        ? engine.prepare(way.apply(l.program(), set.inputs()))
                        : shared;
                shared = prepared;
                Map<String, Data> inputs = way == Way.CONSTANT ? Map.of() : set.inputs();
                // Twice: the second run meets the plans, kernels and memory that the first one left.
                for (String run : List.of("", "second run: ")) {
                    List<String> wrong = differences(l.program(), set.outputs(), prepared.run(inputs));
                    if (!wrong.isEmpty()) {
                        return new Verdict.Fail(wrong.stream().map(w -> run + w).toList());
                    }
                }
            }
            return new Verdict.Pass();
        }

        private List<String> differences(Program program, List<Data> expected, List<@Nullable Data> actual) {
            Comparison.Extent extent =
                    randomCases.reason(onnxCase.name(), "", operators()).isPresent()
                            ? Comparison.Extent.TYPES
                            : Comparison.Extent.VALUES;
            if (actual.size() != expected.size()) {
                return List.of("expected " + expected.size() + " outputs, got " + actual.size());
            }
            List<String> wrong = new ArrayList<>();
            for (int i = 0; i < expected.size(); i++) {
                String name = program.outputs().get(i).name();
                Comparison.difference(expected.get(i), actual.get(i), onnxCase.tolerance(), extent)
                        .ifPresent(d -> wrong.add(name + ": " + d));
            }
            return wrong;
        }

        private Loaded load() {
            Loaded l = loaded;
            if (l == null) {
                Program program = OnnxReader.read(onnxCase.model());
                List<Values> sets = new ArrayList<>();
                for (OnnxCase.DataSet set : onnxCase.sets()) {
                    Map<String, Data> inputs = set.light() ? light(program) : read(set.inputs(), program.inputs());
                    List<Data> outputs = new ArrayList<>(
                            read(set.outputs(), program.outputs()).values());
                    sets.add(new Values(inputs, outputs));
                }
                l = new Loaded(asTheDataHasIt(program, sets), sets);
                loaded = l;
            }
            return l;
        }

        /**
         * The program without the shapes that it states for inputs whose data has others: ONNX's own runner does not look at them. (Two
         * cases of ONNX 1.12 state the shape of one operand for another.)
         */
        private static Program asTheDataHasIt(Program program, List<Values> sets) {
            List<Port> ports = program.inputs().stream()
                    .map(port -> sets.stream()
                                    .allMatch(set -> fits(port, set.inputs().get(port.name())))
                            ? port
                            : new Port(port.name(), port.kind(), port.dtype(), null, port.optional()))
                    .toList();
            return new Program(program.name(), ports, program.outputs(), program.constants(), program.calls());
        }

        private static boolean fits(Port port, @Nullable Data data) {
            Shape stated = port.shape();
            if (stated == null || !(data instanceof Tensor t)) return true;
            if (stated.rank() != t.shape().rank()) return false;
            for (int i = 0; i < stated.rank(); i++) {
                if (stated.dim(i).isKnown() && stated.extent(i) != t.shape().extent(i)) return false;
            }
            return true;
        }

        private static Map<String, Data> read(List<Path> files, List<Port> ports) {
            Map<String, Data> values = new LinkedHashMap<>();
            for (int f = 0; f < files.size(); f++) {
                Path file = files.get(f);
                int i = OnnxCase.number(file, f);
                if (i >= ports.size()) {
                    throw new InvalidInputException(file + ": the model has only " + ports.size());
                }
                Port port = ports.get(i);
                values.put(port.name(), retyped(OnnxData.read(file, port.kind()), port));
            }
            return values;
        }

        /** ONNX 1.12 had no bf16 in its data, and stored the bits as u16. */
        private static Data retyped(Data data, Port port) {
            return data instanceof Tensor t && t.dtype() == DType.U16 && port.dtype() == DType.BF16
                    ? Tensor.wrap(t.type().with(DType.BF16), t.data())
                    : data;
        }

        /** The inputs that ONNX's runner computes for these models: 0, 1/n, … (n-1)/n, with 1 for every extent that is open. */
        private static Map<String, Data> light(Program program) {
            Map<String, Data> values = new LinkedHashMap<>();
            for (Port port : program.inputs()) {
                Shape shape = port.shape();
                if (program.constants().containsKey(port.name())) continue;
                if (port.dtype() != DType.F32 || shape == null) {
                    throw new InvalidInputException("input '" + port.name() + "' is " + port.describe()
                            + "; values can be computed for f32 alone");
                }
                Tensor t = Tensor.allocate(
                        DType.F32,
                        Shape.of(shape.dims().stream()
                                .mapToLong(d -> d.isKnown() ? d.extent() : 1)
                                .toArray()));
                for (long i = 0; i < t.elements(); i++) t.setDouble(i, (double) i / t.elements());
                values.put(port.name(), t);
            }
            return values;
        }
    }
}
