package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.runtime.ModelPackage;
import dev.meseta.tests.PackageBytes.Section;
import dev.meseta.tests.tflite.QuantizedNetwork;
import dev.meseta.tests.tflite.QuantizedNetwork.Activation;
import dev.meseta.tests.tflite.QuantizedNetwork.Value;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Packages for a device that takes parts of graphs: alone, and with another one for the rest. */
final class DividedPackageTest {
    private static final String NPU = "dev.meseta.drivers.ethosu";
    private static final Set<String> BOTH = Set.of(NPU, "dev.meseta.machine", "dev.meseta.drivers.cpu");

    @TempDir
    Path folder;

    private Path whole;
    private Path mixed;
    private Path pack;

    /** Networks of bytes: all of one runs on the device, of the other all but the floats in the middle and at the end. */
    @BeforeEach
    void write() throws IOException {
        QuantizedNetwork n = new QuantizedNetwork(new Random(1), DType.I8, true);
        Value x = n.convolution(n.input(1, 12, 12, 3), 16, 3, 2, true, Activation.RELU6);
        whole = Files.write(folder.resolve("whole.tflite"), n.bytes(n.softmax(n.dense(x, 10, Activation.NONE))));
        n = new QuantizedNetwork(new Random(2), DType.I8, true);
        x = n.convolution(n.input(1, 12, 12, 3), 16, 3, 1, true, Activation.RELU);
        mixed = Files.write(
                folder.resolve("mixed.tflite"),
                n.bytes(n.dequantize(x), n.dequantize(n.dense(x, 10, Activation.NONE))));
        pack = folder.resolve("model.mpk");
    }

    private ModelPackage compile(Path model, String target) {
        try (Meseta meseta = Meseta.open()) {
            return meseta.load(model)
                    .compile(
                            target,
                            List.of(PackageWorker.inputs(meseta.load(model).inputs())),
                            Set.of(),
                            pack);
        }
    }

    private static String answer(Path file, String device) {
        try (Meseta meseta = Meseta.open();
                Session session = meseta.load(file).on(device).prepare()) {
            return PackageWorker.answer(session);
        }
    }

    @Test
    void whatRunsThereAltogetherNeedsNothingElse() throws IOException, InterruptedException {
        ModelPackage made = compile(whole, "ethosu:u65-256");
        assertTrue(made.rest().isEmpty());
        List<String> said = PackageWorker.run(Set.of(NPU), "1", pack, whole);
        assertEquals(answer(whole, "reference"), said.get(0));
        assertEquals("LLVM false, mapped true", said.get(1));
        assertEquals(String.join(" ", PackageWorker.modules(Set.of(NPU))), said.get(2));
        assertTrue(said.get(3).contains("only packages run"), said.get(3));
    }

    @Test
    void theRestRunsOnTheOtherDevice() throws IOException, InterruptedException {
        ModelPackage made = compile(mixed, "ethosu:u65-512,cpu:native");
        assertEquals("cpu", made.rest().orElseThrow().driver());
        List<String> said = PackageWorker.run(BOTH, "2", pack, mixed);
        assertEquals(answer(mixed, "reference"), said.get(0));
        assertEquals("LLVM false, mapped true", said.get(1));
        assertEquals(answer(mixed, "ethosu:u65-512"), said.get(0));
        String alone = PackageWorker.run(Set.of(NPU), "1", pack, mixed).getFirst();
        assertTrue(alone.contains("compiled for cpu:native: no driver 'cpu' is here"), alone);
    }

    @Test
    void whatDoesNotFitIsNamed() {
        compile(mixed, "ethosu:u65-256");
        for (String device : List.of("ethosu:u65-512", "cpu")) {
            String message = assertThrows(InvalidInputException.class, () -> answer(pack, device))
                    .getMessage();
            assertTrue(message.contains("compiled for ethosu:u65-256: ") && message.contains(device), message);
        }
        for (Map.Entry<String, String> wrong : Map.of(
                        "ethosu:u55-128", "u65-512",
                        "ethosu", "ethosu:u65-256",
                        "ethosu:u65-256,", "cpu:x86-64-v3",
                        "ethosu:u65-256,cpu:z80", "x86-64-v3",
                        "ethosu:u65-256,ethosu:u65-256", "cpu:native",
                        "cpu:native,cpu:native", "runs whole models")
                .entrySet()) {
            String message = assertThrows(InvalidInputException.class, () -> compile(mixed, wrong.getKey()))
                    .getMessage();
            assertTrue(message.contains(wrong.getValue()), message);
        }
    }

    /** Seeded damage to programs whose checksums are made right: loaded or refused, and nothing else. */
    @Test
    void programsThatLieAreRefused() throws IOException {
        compile(mixed, "ethosu:u65-256");
        byte[] file = Files.readAllBytes(pack);
        ByteBuffer header = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        List<Section> sections = new ArrayList<>();
        int program = -1;
        for (int i = 0; i < header.getInt(12); i++) {
            int entry = PackageBytes.HEADER + PackageBytes.ENTRY * i;
            byte[] bytes = new byte[(int) header.getLong(entry + 16)];
            System.arraycopy(file, (int) header.getLong(entry + 8), bytes, 0, bytes.length);
            if (header.getInt(entry) == PackageBytes.PROGRAM) program = i;
            sections.add(new Section(header.getInt(entry), bytes));
        }
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        int refused = 0;
        byte[] right = sections.get(program).bytes();
        for (int i = 0; i < 300; i++) {
            byte[] wrong = i < 150 ? java.util.Arrays.copyOf(right, random.nextInt(right.length)) : right.clone();
            // What tells how much there is stands in front; behind it is code for the processor, which nothing here
            // looks into.
            if (i >= 150) wrong[random.nextInt(Math.min(wrong.length, 160))] ^= (byte) (1 << random.nextInt(8));
            sections.set(program, new Section(PackageBytes.PROGRAM, wrong));
            Files.write(pack, PackageBytes.of(sections));
            try (Meseta meseta = Meseta.open()) {
                meseta.load(pack).load();
            } catch (InvalidInputException e) {
                refused++;
                assertFalse(e.getMessage().isBlank(), () -> "seed " + seed);
            }
        }
        assertTrue(refused >= 150, refused + " with seed " + seed);
    }
}
