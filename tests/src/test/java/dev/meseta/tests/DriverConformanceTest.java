package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.meseta.Meseta;
import dev.meseta.conformance.Report;
import dev.meseta.conformance.driver.DriverSuite;
import dev.meseta.driver.Device;
import dev.meseta.graph.InvalidInputException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;

/** The suite that every driver passes, on every device that is here and on those that are only models. */
final class DriverConformanceTest {
    /** A new driver joins here. */
    private static final List<String> DEVICES = List.of("cpu", "reference", "null", "mock", "ethosu");

    /** Those that a machine may be without. */
    private static final List<String> HARDWARE = List.of("vulkan");

    private static final int FEWEST_PASSES = 150;

    @TestFactory
    Stream<DynamicNode> everyCaseOnEveryDevice() {
        Meseta meseta = Meseta.open();
        return Stream.concat(
                DEVICES.stream().map(name -> suite(meseta, meseta.device(name))),
                HARDWARE.stream().map(name -> ifThere(meseta, name)));
    }

    private static DynamicNode ifThere(Meseta meseta, String name) {
        Device device;
        try {
            device = meseta.device(name);
        } catch (InvalidInputException e) {
            return dynamicTest(name, () -> Assumptions.abort(e.getMessage()));
        }
        return suite(meseta, device);
    }

    private static DynamicNode suite(Meseta meseta, Device device) {
        List<Report.Result> results = new ArrayList<>();
        Report.Summary summary = new DriverSuite(meseta.driver(device), device, List.of()).run(results::add);
        System.out.println("Driver conformance of " + device.name() + ": pass:" + summary.pass() + " fail:"
                + summary.fail() + " (expected:" + summary.expectedFailures() + ") skip:" + summary.skip());
        Stream<DynamicNode> tests = results.stream().map(r -> dynamicTest(r.name(), () -> check(r)));
        DynamicNode enough = dynamicTest(
                "enough cases pass", () -> assertTrue(summary.pass() >= FEWEST_PASSES, "only " + summary.pass()));
        return dynamicContainer(device.name(), Stream.concat(Stream.of(enough), tests));
    }

    private static void check(Report.Result r) {
        switch (r.outcome()) {
            case PASS -> {
                // As it should be.
            }
            case SKIP, EXPECTED_FAILURE -> Assumptions.abort(r.reason());
            case FAIL -> fail(String.join("\n", r.details()));
            case UNEXPECTED_PASS -> fail("passed, but is listed as an expected failure: " + r.reason());
        }
    }
}
