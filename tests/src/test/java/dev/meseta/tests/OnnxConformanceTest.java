package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.meseta.Meseta;
import dev.meseta.conformance.Engine;
import dev.meseta.conformance.OnnxCase;
import dev.meseta.conformance.OnnxSuite;
import dev.meseta.conformance.Report;
import dev.meseta.conformance.TestData;
import dev.meseta.driver.Device;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;

/** Every ONNX case in every way on every device. A result that is not expected fails a test of its own. */
final class OnnxConformanceTest {
    /** For one case in one way. */
    private static final Duration LIMIT = Duration.ofMinutes(5);

    /** Of the cases, one in so many runs on a device that compiles for long; the command runs them all. */
    private static final Map<String, Integer> SAMPLES = Map.of("vulkan", 24);

    /** The suite says something only if it covers what there is: ONNX 1.12 alone has 1,072 cases, three ways each. */
    private static final int FEWEST_PASSES = 2500;

    @TestFactory
    Stream<DynamicNode> everyCaseOnEveryDevice() {
        List<OnnxCase> cases = new ArrayList<>();
        List<DynamicNode> nodes = new ArrayList<>();
        TestData here = TestData.ofThisMachine();
        for (TestData.Source source : List.of(here.debianCases(), here.newerCases())) {
            switch (source) {
                case TestData.Found(String _, var folder) -> cases.addAll(OnnxCase.find(folder));
                case TestData.Missing(String name, String reason) -> nodes.add(absent(name, reason));
            }
        }
        if (!cases.isEmpty()) {
            Meseta meseta = Meseta.open();
            for (Device device : meseta.devices()) {
                int every = SAMPLES.getOrDefault(device.name().replaceFirst(":.*", ""), 1);
                List<OnnxCase> some = IntStream.range(0, cases.size())
                        .filter(i -> i % every == 0)
                        .mapToObj(cases::get)
                        .toList();
                nodes.add(suite(meseta, device, some, FEWEST_PASSES / every));
            }
        }
        return nodes.stream();
    }

    private static DynamicNode absent(String name, String reason) {
        String line = "=".repeat(78);
        System.err.println(line + "\nNOT TESTED: " + name + "\n" + reason + "\n" + line);
        return dynamicTest(name, () -> Assumptions.abort(reason));
    }

    private static DynamicNode suite(Meseta meseta, Device device, List<OnnxCase> cases, int fewest) {
        List<Report.Result> results = new ArrayList<>();
        Report.Summary summary = new OnnxSuite(
                        Engine.of(meseta, device), OnnxSuite.expectedFailures(device.name()), options())
                .run(cases, results::add);
        PrintStream out = System.out;
        out.println("ONNX conformance on " + device.name() + ": pass:" + summary.pass() + " fail:" + summary.fail()
                + " (expected:" + summary.expectedFailures() + ") skip:" + summary.skip());
        Stream<DynamicNode> tests = results.stream().map(r -> dynamicTest(r.name(), () -> check(r)));
        DynamicNode enough =
                dynamicTest("enough cases pass", () -> assertTrue(summary.pass() >= fewest, "only " + summary.pass()));
        return dynamicContainer("onnx on " + device.name(), Stream.concat(Stream.of(enough), tests));
    }

    /** Where every access is tested, LLVM takes long over a network's large kernels that are not in the cache. */
    private static OnnxSuite.Options options() {
        OnnxSuite.Options usual = OnnxSuite.Options.defaults();
        return new OnnxSuite.Options(usual.filters(), usual.ways(), usual.jobs(), LIMIT);
    }

    private static void check(Report.Result r) {
        switch (r.outcome()) {
            case PASS -> {
                // As it should be.
            }
            case SKIP, EXPECTED_FAILURE -> Assumptions.abort(r.reason());
            case FAIL -> fail(r.name() + ": " + String.join("; ", r.details()));
            case UNEXPECTED_PASS -> fail(r.name() + " passed, but is listed as an expected failure: " + r.reason());
        }
    }
}
