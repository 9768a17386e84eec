package dev.meseta.conformance.driver;

import dev.meseta.conformance.CaseList;
import dev.meseta.conformance.Glob;
import dev.meseta.conformance.Report;
import dev.meseta.conformance.Report.Outcome;
import dev.meseta.conformance.Report.Result;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Runs the cases that every driver passes, one after the other. */
public final class DriverSuite {
    /** The time that one case may take. */
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private static final int MOST_LINES = 6;

    private final Driver driver;
    private final Device device;
    private final CaseList expectedFailures;
    private final List<Glob> globs;

    /**
     * @param device one of the driver's
     * @param filters patterns of cases ({@code *} and {@code ?}), matched against "chapter name"; none means all
     */
    public DriverSuite(Driver driver, Device device, List<String> filters) {
        this.driver = driver;
        this.device = device;
        this.expectedFailures = CaseList.resource("expected-failures/driver-" + driver.name() + ".txt");
        this.globs = filters.stream().map(Glob::new).toList();
    }

    private static List<DriverCase> all() {
        return Stream.of(
                        HandshakeChapter.cases(),
                        CompileChapter.cases(),
                        BuffersChapter.cases(),
                        SubmitChapter.cases(),
                        TimelinesChapter.cases(),
                        SchedulingChapter.cases(),
                        ValidationChapter.cases(),
                        TraceChapter.cases(),
                        FaultsChapter.cases())
                .flatMap(List::stream)
                .toList();
    }

    private List<DriverCase> chosen() {
        return all().stream()
                .filter(c -> globs.isEmpty() || globs.stream().anyMatch(g -> g.matches(c.id())))
                .toList();
    }

    /** Whether the filters leave anything. */
    public boolean isEmpty() {
        return chosen().isEmpty();
    }

    /** Runs the cases. Returns the counts, which the report has been told as well. */
    public Report.Summary run(Report report) {
        List<DriverCase> cases = chosen();
        report.plan(cases.size());
        List<Result> results = new ArrayList<>();
        for (int i = 0; i < cases.size(); i++) {
            report.started(i + 1, cases.get(i).id());
            Result r = one(i + 1, cases.get(i));
            results.add(r);
            report.result(r);
        }
        if (globs.isEmpty()) {
            Set<String> names = cases.stream().map(DriverSuite::listed).collect(Collectors.toSet());
            for (String pattern : expectedFailures.unused(names))
                report.remark("the expected failure " + pattern + " matches no case");
        }
        Report.Summary summary = Report.Summary.of(results);
        report.summary(summary);
        return summary;
    }

    /** A case's name in a list, where a space ends it. */
    private static String listed(DriverCase c) {
        return c.id().replace(' ', '-').replace("/", "-");
    }

    private Result one(int number, DriverCase c) {
        long start = System.nanoTime();
        Optional<String> expected = expectedFailures.reason(listed(c), "", Set.of());
        Throwable thrown = attempt(c);
        double milliseconds = (System.nanoTime() - start) / 1e6;
        Outcome outcome;
        String reason = expected.orElse("");
        List<String> details = List.of();
        if (thrown instanceof Skipped s) {
            outcome = Outcome.SKIP;
            reason = String.valueOf(s.getMessage());
        } else if (thrown == null) {
            outcome = expected.isPresent() ? Outcome.UNEXPECTED_PASS : Outcome.PASS;
        } else {
            outcome = expected.isPresent() ? Outcome.EXPECTED_FAILURE : Outcome.FAIL;
            details = describe(thrown);
        }
        return new Result(number, c.id(), outcome, reason, details, milliseconds);
    }

    private @Nullable Throwable attempt(DriverCase c) {
        CompletableFuture<Void> end = new CompletableFuture<>();
        Thread thread = Thread.ofPlatform().daemon().name("case").start(() -> {
            try (Subject s = new Subject(driver, device)) {
                c.body().run(s);
                end.complete(null);
            } catch (Throwable e) {
                end.completeExceptionally(e);
            }
        });
        try {
            end.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            return null;
        } catch (ExecutionException e) {
            return e.getCause();
        } catch (TimeoutException e) {
            thread.interrupt();
            AssertionError late = new AssertionError("did not end within " + LIMIT.toSeconds() + " s");
            late.setStackTrace(thread.getStackTrace());
            return late;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return e;
        }
    }

    private static List<String> describe(Throwable e) {
        List<String> lines = new ArrayList<>();
        lines.add(e instanceof AssertionError && e.getMessage() != null ? e.getMessage() : e.toString());
        for (StackTraceElement at : e.getStackTrace()) {
            if (lines.size() == MOST_LINES) break;
            lines.add("  at " + at);
        }
        return lines;
    }
}
