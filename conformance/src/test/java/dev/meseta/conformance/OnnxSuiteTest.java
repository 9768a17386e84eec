package dev.meseta.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.conformance.Report.Outcome;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The suite on a model of one node, {@code y = Neg(x)} for {@code x = [1, 2]}, and on engines that are right, wrong, slow and broken. */
final class OnnxSuiteTest {
    private static final Engine RIGHT = _ -> inputs -> List.of(Tensor.of(new float[] {-1, -2}, 2));

    @TempDir
    Path folder;

    @BeforeEach
    void writeCases() throws IOException {
        writeCase("test_neg", new float[] {-1, -2});
        Files.createDirectories(folder.resolve("node/test_gone"));
        Files.writeString(
                folder.resolve("node/test_gone/data.json"), "{\"url\": \"http://example.org\", \"rtol\": 0.002}");
    }

    private void writeCase(String name, float[] y) throws IOException {
        Path set = Files.createDirectories(folder.resolve("node").resolve(name).resolve("test_data_set_0"));
        Files.write(set.resolveSibling("model.onnx"), model());
        Files.write(set.resolve("input_0.pb"), tensor(1, 2));
        Files.write(set.resolve("output_0.pb"), tensor(y));
    }

    // ---- just enough protobuf ----

    private static byte[] field(int number, byte[] content) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(number << 3 | 2);
        out.write(content.length);
        out.writeBytes(content);
        return out.toByteArray();
    }

    private static byte[] field(int number, String text) {
        return field(number, text.getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] number(int number, int value) {
        return new byte[] {(byte) (number << 3), (byte) value};
    }

    private static byte[] all(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] p : parts) out.writeBytes(p);
        return out.toByteArray();
    }

    private static byte[] tensor(float... values) {
        ByteArrayOutputStream raw = new ByteArrayOutputStream();
        for (float v : values) {
            int bits = Float.floatToRawIntBits(v);
            for (int i = 0; i < 4; i++) raw.write(bits >>> 8 * i);
        }
        return all(number(1, values.length), number(2, 1), field(9, raw.toByteArray()));
    }

    private static byte[] model() {
        byte[] type = field(1, all(number(1, 1), field(2, field(1, number(1, 2)))));
        byte[] graph = all(
                field(1, all(field(1, "x"), field(2, "y"), field(4, "Neg"))),
                field(2, "g"),
                field(11, all(field(1, "x"), field(2, type))),
                field(12, all(field(1, "y"), field(2, type))));
        return all(number(1, 8), field(7, graph), field(8, all(number(2, 13))));
    }

    // ---- running ----

    private record Ran(String text, Report.Summary summary) {
        List<String> lines() {
            return text.lines().toList();
        }
    }

    private Ran run(Engine engine, String expectedFailures, OnnxSuite.Options options) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Report.Summary summary = new OnnxSuite(engine, CaseList.parse(expectedFailures, "list"), options)
                .run(OnnxCase.find(folder), new Ktap(new PrintStream(bytes, true, StandardCharsets.UTF_8)));
        return new Ran(bytes.toString(StandardCharsets.UTF_8), summary);
    }

    private Ran run(Engine engine, String expectedFailures) {
        return run(engine, expectedFailures, OnnxSuite.Options.defaults());
    }

    @Test
    void aRightEnginePassesInAllWays() {
        Ran r = run(RIGHT, "");
        String gone = "# SKIP the model is not in the data, only the address where it once was";
        assertEquals(
                List.of(
                        "KTAP version 1",
                        "1..6",
                        "ok 1 test_gone static " + gone,
                        "ok 2 test_gone dynamic " + gone,
                        "ok 3 test_gone constant " + gone,
                        "ok 4 test_neg static",
                        "ok 5 test_neg dynamic",
                        "ok 6 test_neg constant",
                        "# pass:3 fail:0 skip:3"),
                r.lines());
        assertTrue(r.summary().isExpected());
    }

    @Test
    void aWrongEngineFailsAndSaysWhere() {
        Ran r = run(_ -> _ -> List.of(Tensor.of(new float[] {-1, 2}, 2)), "");
        assertTrue(r.lines().contains("not ok 4 test_neg static"), r.text());
        assertTrue(
                r.lines().contains("# y: expected -2.0 at [1], got 2.0 (1 of 2 elements of f32[2] differ)"), r.text());
        assertEquals("# pass:0 fail:3 skip:3", r.lines().getLast());
        assertFalse(r.summary().isExpected());
    }

    @Test
    void anEngineThatIsWrongTheSecondTimeFails() {
        Ran r = run(
                program -> {
                    int[] runs = {0};
                    return _ -> List.of(Tensor.of(new float[] {-1, runs[0]++ == 0 ? -2 : 0}, 2));
                },
                "");
        assertTrue(r.text().contains("# second run: y: expected"), r.text());
        assertEquals(3, r.summary().fail());
    }

    @Test
    void missingAndSurplusOutputsFail() {
        List<Data> none = new ArrayList<>();
        none.add(null);
        assertEquals(3, run(_ -> _ -> none, "").summary().fail());
        assertEquals(3, run(_ -> _ -> List.of(), "").summary().fail());
    }

    @Test
    void exceptionsFailWithTheirMessage() {
        Ran r = run(
                _ -> {
                    throw new InvalidInputException("no such luck # SKIP\nok 7 trick");
                },
                "");
        assertTrue(r.lines().contains("# no such luck  SKIP | ok 7 trick"), r.text());
        assertEquals(3, r.summary().fail());
        assertTrue(run(
                        _ -> {
                            throw new StackOverflowError();
                        },
                        "")
                .text()
                .contains("StackOverflowError"));
    }

    @Test
    void expectedFailuresAreNotUnexpected() {
        Ran r = run(_ -> _ -> List.of(Tensor.of(new float[] {0, 0}, 2)), "# why\ntest_n*   a good reason\n");
        assertTrue(r.lines().contains("not ok 4 test_neg static # XFAIL a good reason"), r.text());
        assertEquals("# pass:0 fail:3 skip:3", r.lines().getLast());
        assertTrue(r.summary().isExpected());
    }

    @Test
    void anUnexpectedPassIsAsRedAsAFailure() {
        Ran r = run(RIGHT, "test_neg/dynamic  a good reason");
        assertTrue(r.lines().contains("not ok 5 test_neg dynamic"), r.text());
        assertTrue(r.text().contains("# passed, but is listed as an expected failure: a good reason"));
        assertFalse(r.summary().isExpected());
    }

    @Test
    void entriesMayNameAnOperator() {
        Engine wrong = _ -> _ -> List.of(Tensor.of(new float[] {0, 0}, 2));
        assertTrue(run(wrong, "test_neg@ai.onnx.Neg-13  reason").summary().isExpected());
        assertFalse(run(wrong, "test_neg@ai.onnx.Neg-6  reason").summary().isExpected());
    }

    @Test
    void entriesThatMatchNothingAreMentioned() {
        assertTrue(
                run(RIGHT, "test_other  reason").text().contains("# the expected failure test_other matches no case"));
    }

    @Test
    void entriesNeedAReason() {
        assertThrows(InvalidInputException.class, () -> CaseList.parse("test_x", "list"));
    }

    @Test
    void casesThatDoNotEndAreFailuresAndTheRestGoesOn() throws IOException {
        writeCase("test_zero", new float[] {-1, -2});
        OnnxSuite.Options options = new OnnxSuite.Options(List.of(), Set.of(Way.values()), 1, Duration.ofMillis(300));
        Ran r = run(
                program -> inputs -> {
                    if (inputs.isEmpty()) {
                        try {
                            Thread.sleep(60_000);
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    }
                    return List.of(Tensor.of(new float[] {-1, -2}, 2));
                },
                "",
                options);
        assertTrue(r.lines().contains("not ok 6 test_neg constant"), r.text());
        assertTrue(r.text().contains("# did not end within"), r.text());
        assertTrue(r.lines().contains("ok 7 test_zero static"), r.text());
    }

    @Test
    void filtersAndWaysChoose() throws IOException {
        writeCase("test_negative", new float[] {-1, -2});
        OnnxSuite.Options options =
                new OnnxSuite.Options(List.of("*_neg"), Set.of(Way.STATIC), 2, Duration.ofSeconds(10));
        assertEquals(
                List.of("KTAP version 1", "1..1", "ok 1 test_neg static", "# pass:1 fail:0 skip:0"),
                run(RIGHT, "", options).lines());
    }

    @Test
    void waysRewriteTheProgram() {
        List<String> seen = new ArrayList<>();
        Engine spy = program -> {
            seen.add(program.inputs() + " " + program.constants().keySet());
            return RIGHT.prepare(program);
        };
        OnnxSuite.Options one = new OnnxSuite.Options(List.of(), Set.of(Way.values()), 1, Duration.ofSeconds(10));
        run(spy, "", one);
        assertEquals(3, seen.size());
        assertTrue(seen.get(0).contains("[2]"), seen.get(0));
        assertTrue(seen.get(1).contains("[x_0]"), seen.get(1));
        assertEquals("[] [x]", seen.get(2));
    }

    @Test
    void damagedCasesFailWithTheFilesName() throws IOException {
        Path set = folder.resolve("node/test_neg/test_data_set_0");
        Files.write(set.resolve("output_0.pb"), Arrays.copyOf(tensor(1, 2), 9));
        Ran r = run(RIGHT, "");
        assertEquals(3, r.summary().fail());
        assertTrue(r.text().contains("output_0.pb"), r.text());
        Files.write(set.resolveSibling("model.onnx"), new byte[] {1, 2, 3});
        assertEquals(3, run(RIGHT, "").summary().fail());
        Files.write(set.resolveSibling("model.onnx"), model());
        Files.delete(set.resolve("output_0.pb"));
        assertEquals(6, run(RIGHT, "").summary().skip());
    }

    @Test
    void foldersWithoutCasesAreRefused() throws IOException {
        Path empty = Files.createDirectory(folder.resolve("empty"));
        assertThrows(InvalidInputException.class, () -> OnnxCase.find(empty));
        assertThrows(InvalidInputException.class, () -> OnnxCase.find(folder.resolve("absent")));
    }

    @Test
    void lightModelsHaveOutputsBesideThem() throws IOException {
        Files.write(folder.resolve("light_x.onnx"), model());
        Files.write(folder.resolve("light_x_output_0.pb"), tensor(0, -0.5f));
        List<OnnxCase> cases = OnnxCase.find(folder);
        assertEquals(
                List.of("light_x", "test_gone", "test_neg"),
                cases.stream().map(OnnxCase::name).toList());
        assertEquals(new Tolerance(0.002, 1e-7), cases.get(1).tolerance());
        List<float[]> given = new ArrayList<>();
        new OnnxSuite(
                        _ -> inputs -> {
                            given.add(((Tensor) inputs.get("x")).toFloats());
                            return List.of(Tensor.of(new float[] {0, -0.5f}, 2));
                        },
                        CaseList.empty(),
                        new OnnxSuite.Options(List.of("light*"), Set.of(Way.STATIC), 1, Duration.ofSeconds(10)))
                .run(cases, r -> assertEquals(Outcome.PASS, r.outcome()));
        assertEquals("[0.0, 0.5]", Arrays.toString(given.getFirst()));
    }

    @Test
    void resultsComeInOrderWhateverTheJobs() throws IOException {
        for (int i = 0; i < 40; i++) writeCase("test_neg_" + i, new float[] {-1, -2});
        OnnxSuite.Options many = new OnnxSuite.Options(List.of(), Set.of(Way.values()), 8, Duration.ofSeconds(10));
        List<String> numbers = run(RIGHT, "", many).lines().stream()
                .filter(l -> l.startsWith("ok"))
                .map(l -> l.split(" ")[1])
                .toList();
        assertEquals(
                Stream.iterate(1, n -> n + 1).limit(126).map(String::valueOf).toList(), numbers);
    }
}
