package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.Meseta;
import dev.meseta.conformance.JavaProcess;
import dev.meseta.graph.InvalidInputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whole models answer on the device {@code vulkan} as on {@code cpu}, within ONNX's tolerance. They run in a process whose kernels do not test
 * their accesses: those that do take minutes to be compiled, and are another code than what users run.
 */
final class VulkanModelsTest {
    /** Of the inputs, which are random; -Dseed=S replays one. */
    static final long SEED = Long.getLong("seed", 11);

    static final String RESULT = "model ";
    static final String SAME = "the same";

    /** Of each kind one, which takes half a minute; -Dmodels=all runs all. */
    private static final List<String> USUAL = List.of("MiniLM", "ch_ppocr_mobile", "kws", "silero", "light_squeezenet");

    private static final boolean ALL = "all".equals(System.getProperty("models"));

    /** Those of the demos come with the build. */
    private static final int FEWEST = ALL ? 6 : 2;

    @TempDir
    Path folder;

    @TestFactory
    Stream<DynamicTest> models() throws IOException, InterruptedException {
        try (Meseta meseta = Meseta.open()) {
            meseta.device("vulkan");
        } catch (InvalidInputException e) {
            Assumptions.abort(e.getMessage());
        }
        ProcessBuilder b = JavaProcess.of(
                        VulkanModelsWorker.class.getName(),
                        Map.of("meseta.check", "false", "seed", Long.toString(SEED)),
                        folder.resolve("options"),
                        ALL ? List.of() : USUAL)
                .redirectErrorStream(true);
        b.environment().remove("MESETA_CHECK");
        Process p = b.start();
        String printed = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, p.waitFor(), printed);
        List<String> lines = printed.lines().filter(l -> l.startsWith(RESULT)).toList();
        assertTrue(lines.size() >= FEWEST, printed);
        return lines.stream()
                .map(l -> DynamicTest.dynamicTest(
                        l.substring(0, l.indexOf(':')),
                        () -> assertTrue(l.endsWith(": " + SAME), l + "; seed " + SEED)));
    }
}
