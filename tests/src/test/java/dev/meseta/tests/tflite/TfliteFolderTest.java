package dev.meseta.tests.tflite;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meseta.frontends.tflite.TfliteReader;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Whatever models are in a folder: the devices against each other, to the bit where outputs are integers, and beside TFLite, of which the
 * difference is printed. {@code -Dmeseta.tflite.folder=DIR}, and {@code -Dmeseta.tflite.devices=cpu,ethosu} for other devices than these;
 * {@code -Dmeseta.seed=N} for other values.
 */
final class TfliteFolderTest {
    private static final String FOLDER = System.getProperty("meseta.tflite.folder", "");
    private static final List<String> DEVICES =
            List.of(System.getProperty("meseta.tflite.devices", "cpu,ethosu").split(","));
    private static final long SEED = Long.getLong("meseta.seed", 3);

    @TestFactory
    Stream<DynamicTest> folder() throws IOException {
        if (FOLDER.isEmpty())
            return Stream.of(DynamicTest.dynamicTest("none", () -> assumeTrue(false, "no folder is named")));
        List<Path> files;
        try (Stream<Path> all = Files.walk(Path.of(FOLDER))) {
            files = all.filter(f -> f.toString().endsWith(".tflite")).sorted().toList();
        }
        assertTrue(!files.isEmpty(), "no .tflite in " + FOLDER);
        return files.stream().map(f -> DynamicTest.dynamicTest(f.getFileName().toString(), () -> run(f)));
    }

    private static void run(Path file) throws Exception {
        String name = file.getFileName().toString();
        Program program = TfliteReader.read(file);
        Random random = new Random(SEED);
        List<Tensor> inputs = program.inputs().stream()
                .filter(p -> !p.optional())
                .map(p -> TfliteModelsTest.input(random, p))
                .toList();
        List<Tensor> reference = TfliteOperatorsTest.ours(program, "reference", inputs);
        say("%-60s %-10s %s", name, "TFLite", beside(file, inputs, reference));
        List<String> wrong = new ArrayList<>();
        for (String device : DEVICES) {
            List<Tensor> found = TfliteOperatorsTest.ours(program, device, inputs);
            String difference = difference(reference, found);
            say("%-60s %-10s %s", name, device, difference);
            for (int i = 0; i < found.size(); i++) {
                Difference d = Difference.of(reference.get(i), found.get(i));
                if (d.worst() > (reference.get(i).dtype().isFloat() ? 1e-3 * d.largest() : 0))
                    wrong.add(device + ": output " + i + ": " + difference);
            }
        }
        assertTrue(wrong.isEmpty(), name + ", seed " + SEED + ": " + wrong);
    }

    private static String beside(Path file, List<Tensor> inputs, List<Tensor> ours)
            throws IOException, InterruptedException {
        try (TflitePeer peer = TflitePeer.open()) {
            return difference(peer.run(Files.readAllBytes(file), inputs), ours);
        } catch (TflitePeer.Refusal e) {
            return "does not run it: " + e.getMessage();
        }
    }

    private static void say(String format, Object... values) {
        System.out.println(String.format(Locale.ROOT, format, values));
    }

    private static String difference(List<Tensor> expected, List<Tensor> found) {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < expected.size(); i++) {
            Tensor e = expected.get(i);
            Difference d = Difference.of(e, found.get(i));
            all.add(
                    d.differing() == 0
                            ? "equal"
                            : String.format(
                                    Locale.ROOT,
                                    "%s: %d of %d differ, by up to %.3g of %.3g",
                                    e.dtype(),
                                    d.differing(),
                                    e.elements(),
                                    d.worst(),
                                    d.largest()));
        }
        return String.join("; ", all);
    }
}
