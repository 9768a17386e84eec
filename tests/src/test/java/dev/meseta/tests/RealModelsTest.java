package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.conformance.TestData;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.tests.oracle.OnnxRuntimePeer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Real models against ONNX Runtime. Those that come from Maven are always there; those of the shared test data are looked for beside the
 * checkout (see {@link TestData}), and their tests are skipped without it.
 */
class RealModelsTest {
    private static final double EMBEDDING_TOLERANCE = 1e-4;
    private static final double TOLERANCE = 1e-3;
    private static final List<String> DEVICES = List.of("cpu", "reference");

    private static final Meseta MESETA = Meseta.open();

    /** One run of a model with inputs, on each device, against the peer. */
    private static void compare(Path model, List<String> devices, double tolerance, List<Map<String, Tensor>> runs) {
        try (OnnxRuntimePeer peer = new OnnxRuntimePeer(model)) {
            for (String device : devices) {
                Session session = MESETA.load(model).on(device).prepare();
                for (Map<String, Tensor> inputs : runs) {
                    close(device, session.run(inputs).all(), peer.run(inputs), tolerance);
                }
            }
        }
    }

    private static void close(String where, Map<String, Data> ours, Map<String, Tensor> theirs, double tolerance) {
        assertEquals(theirs.keySet(), ours.keySet());
        theirs.forEach((name, expected) -> {
            Tensor found = (Tensor) ours.get(name);
            assertEquals(expected.type(), found.type(), name);
            double worst = 0;
            for (long i = 0; i < expected.elements(); i++) {
                double e = expected.getDouble(i);
                double f = found.getDouble(i);
                assertTrue(
                        Double.isFinite(f) || e == f, where + ", " + name + " at " + i + ": " + f + ", expected " + e);
                worst = Math.max(worst, Math.abs(e - f));
            }
            assertTrue(worst <= tolerance, where + ", " + name + ": off by " + worst + ", allowed " + tolerance);
        });
    }

    private static Tensor random(Random random, double low, double high, long... extents) {
        Tensor t = Tensor.allocate(DType.F32, Shape.of(extents));
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, random.nextDouble(low, high));
        return t;
    }

    /** A resource of a jar as a file. */
    static Path resource(String name) throws IOException {
        Path file = Path.of("target", "models", name.substring(name.lastIndexOf('/') + 1));
        if (!Files.exists(file)) {
            Files.createDirectories(file.getParent());
            Path part = Files.createTempFile(file.getParent(), "model", ".part");
            try (InputStream in = RealModelsTest.class.getClassLoader().getResourceAsStream(name)) {
                assertTrue(in != null, name + " is on the class path");
                Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
            }
            Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
        }
        return file;
    }

    private static Path shared(String name) {
        TestData.Source source = TestData.ofThisMachine().shared();
        if (source instanceof TestData.Missing missing) assumeTrue(false, name + " is not tested: " + missing.reason());
        return ((TestData.Found) source).folder().resolve("models").resolve(name);
    }

    @TestFactory
    Stream<DynamicTest> sentenceEmbedder() throws IOException {
        Path model = resource("all-minilm-l6-v2.onnx");
        return DEVICES.stream()
                .map(device -> DynamicTest.dynamicTest("MiniLM on " + device, () -> {
                    Random random = new Random(7);
                    List<Map<String, Tensor>> runs = Stream.of(
                                    new int[] {1, 16}, new int[] {2, 33}, new int[] {3, 7}, new int[] {1, 128})
                            .map(shape -> sentences(random, shape[0], shape[1]))
                            .toList();
                    compare(model, List.of(device), EMBEDDING_TOLERANCE, runs);
                }));
    }

    private static Map<String, Tensor> sentences(Random random, int batch, int tokens) {
        long[] ids = new long[batch * tokens];
        long[] mask = new long[batch * tokens];
        for (int b = 0; b < batch; b++) {
            int length = b == 0 ? tokens : random.nextInt(1, tokens + 1);
            for (int i = 0; i < length; i++) {
                ids[b * tokens + i] = random.nextInt(1000, 30000);
                mask[b * tokens + i] = 1;
            }
        }
        return Map.of(
                "input_ids", Tensor.of(ids, batch, tokens),
                "attention_mask", Tensor.of(mask, batch, tokens),
                "token_type_ids", Tensor.of(new long[batch * tokens], batch, tokens));
    }

    @TestFactory
    Stream<DynamicTest> textReader() {
        record Case(String name, String model, long[] shape) {}
        return Stream.of(
                        new Case("detection", "models/ch_PP-OCRv4_det_infer.onnx", new long[] {1, 3, 320, 256}),
                        new Case("direction", "models/ch_ppocr_mobile_v2.0_cls_infer.onnx", new long[] {2, 3, 48, 192}),
                        new Case("recognition", "models/ch_PP-OCRv4_rec_infer.onnx", new long[] {1, 3, 48, 320}),
                        new Case("detection v3", "models/ch_PP-OCRv3_det_infer.onnx", new long[] {1, 3, 160, 224}),
                        new Case("recognition v3", "models/ch_PP-OCRv3_rec_infer.onnx", new long[] {2, 3, 48, 200}))
                .flatMap(c -> DEVICES.stream()
                        .map(device -> DynamicTest.dynamicTest("PP-OCR " + c.name() + " on " + device, () -> {
                            Path model = resource(c.model());
                            String input =
                                    MESETA.load(model).inputs().getFirst().name();
                            compare(
                                    model,
                                    List.of(device),
                                    TOLERANCE,
                                    List.of(Map.of(input, random(new Random(3), -1, 1, c.shape()))));
                        })));
    }

    @TestFactory
    Stream<DynamicTest> faceDetector() {
        return DEVICES.stream()
                .map(device -> DynamicTest.dynamicTest("UltraFace on " + device, () -> {
                    Path model = shared("ultraface/RFB-320.onnx");
                    compare(
                            model,
                            List.of(device),
                            TOLERANCE,
                            List.of(Map.of("input", random(new Random(5), -1, 1, 1, 3, 240, 320))));
                }));
    }

    /** The state of each run goes into the next: what is off would add up over the recording. */
    @TestFactory
    Stream<DynamicTest> voiceDetector() {
        return DEVICES.stream()
                .map(device -> DynamicTest.dynamicTest("silero on " + device, () -> voiceDetector(device)));
    }

    private static void voiceDetector(String device) throws IOException {
        Path model = shared("silero/silero_vad_v5.onnx");
        byte[] wav = Files.readAllBytes(
                model.resolve("../../../inputs/speech_16k.wav").normalize());
        int chunk = 512;
        // The model wants the end of the chunk before in front of each chunk.
        int context = 64;
        int chunks = Math.min((wav.length - 44) / 2 / chunk, "cpu".equals(device) ? Integer.MAX_VALUE : 64);
        Session session = MESETA.load(model).on(device).prepare();
        try (OnnxRuntimePeer peer = new OnnxRuntimePeer(model)) {
            Tensor ourState = Tensor.allocate(DType.F32, Shape.of(2, 1, 128));
            Tensor theirState = ourState;
            boolean speech = false;
            for (int c = 0; c < chunks; c++) {
                Tensor samples = Tensor.allocate(DType.F32, Shape.of(1, context + chunk));
                for (int i = c == 0 ? context : 0; i < context + chunk; i++) {
                    int at = 44 + (c * chunk + i - context) * 2;
                    samples.setDouble(i, (short) ((wav[at] & 0xff) | wav[at + 1] << 8) / 32768.0);
                }
                Map<String, Tensor> inputs =
                        new HashMap<>(Map.of("input", samples, "sr", Tensor.of(new long[] {16000})));
                inputs.put("state", ourState);
                Map<String, Data> ours = session.run(inputs).all();
                inputs.put("state", theirState);
                Map<String, Tensor> theirs = peer.run(inputs);
                close(device + ", chunk " + c, ours, theirs, TOLERANCE);
                ourState = (Tensor) ours.get("stateN");
                theirState = theirs.get("stateN");
                speech |= theirs.get("output").getDouble(0) > 0.9;
            }
            assertTrue(speech, "the recording has speech in it");
        }
    }

    @Test
    void theDataIsReal() throws IOException {
        assertTrue(Files.size(resource("all-minilm-l6-v2.onnx")) > 50_000_000);
    }
}
