package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import dev.meseta.Meseta;
import dev.meseta.Outputs;
import dev.meseta.conformance.TestData;
import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Real networks on every device against another implementation, on random inputs of a fixed seed. */
final class OracleTest {
    private static final double RELATIVE = 1e-3;
    /** Of the largest magnitude of an output: sums of thousands of terms round differently in another order. */
    private static final double ABSOLUTE = 2e-5;

    private static final long SEED = 20260101;

    @TempDir
    static Path folder;

    /** How the values of an input are drawn. */
    private enum Fill {
        UNIT,
        ONES,
        ZEROS,
        TOKENS
    }

    private record Input(String name, DType type, Fill fill, long... shape) {}

    private record Network(String name, String file, List<Input> inputs) {
        @Override
        public String toString() {
            return name;
        }
    }

    private record Case(Network network, String device) {
        @Override
        public String toString() {
            return network + " on " + device;
        }
    }

    private static final List<Network> NETWORKS = List.of(
            sentences("MiniLM, 1 sentence", 1, 16),
            sentences("MiniLM, 3 sentences", 3, 7),
            picture("PP-OCR direction", "classpath:models/ch_ppocr_mobile_v2.0_cls_infer.onnx", "x", 1, 3, 48, 192),
            picture("PP-OCR recognition", "classpath:models/ch_PP-OCRv4_rec_infer.onnx", "x", 1, 3, 48, 160),
            picture("UltraFace", "shared:models/ultraface/RFB-320.onnx", "input", 1, 3, 240, 320));

    private static Network sentences(String name, long batch, long tokens) {
        return new Network(
                name,
                "classpath:all-minilm-l6-v2.onnx",
                List.of(
                        new Input("input_ids", DType.I64, Fill.TOKENS, batch, tokens),
                        new Input("attention_mask", DType.I64, Fill.ONES, batch, tokens),
                        new Input("token_type_ids", DType.I64, Fill.ZEROS, batch, tokens)));
    }

    private static Network picture(String name, String file, String input, long... shape) {
        return new Network(name, file, List.of(new Input(input, DType.F32, Fill.UNIT, shape)));
    }

    /** Every network on every device. */
    static List<Case> cases() {
        try (Meseta meseta = Meseta.open()) {
            return NETWORKS.stream()
                    .flatMap(network -> meseta.devices().stream().map(device -> new Case(network, device.name())))
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void answersAreTheOracles(Case one) throws Exception {
        Path model = file(one.network().file());
        Map<String, Tensor> inputs = inputs(one.network());
        Map<String, Tensor> expected = OnnxRuntime.run(model, inputs);
        try (Meseta meseta = Meseta.open()) {
            Outputs outputs = meseta.load(model).on(one.device()).prepare().run(inputs);
            for (Map.Entry<String, Tensor> output : expected.entrySet()) {
                compare(output.getKey(), output.getValue(), outputs.tensor(output.getKey()));
            }
        }
    }

    private static Path file(String place) throws IOException {
        String name = place.substring(place.indexOf(':') + 1);
        if (place.startsWith("shared:")) {
            return switch (TestData.ofThisMachine().shared()) {
                case TestData.Found found -> found.folder().resolve(name);
                case TestData.Missing missing -> Assumptions.abort(missing.name() + ": " + missing.reason());
            };
        }
        Path file = folder.resolve(name.replace('/', '_'));
        if (!Files.exists(file)) {
            try (InputStream in = OracleTest.class.getClassLoader().getResourceAsStream(name)) {
                Files.copy(in, file);
            }
        }
        return file;
    }

    private static Map<String, Tensor> inputs(Network network) {
        SplittableRandom random = new SplittableRandom(SEED);
        Map<String, Tensor> inputs = new LinkedHashMap<>();
        for (Input input : network.inputs()) {
            Tensor tensor = Tensor.allocate(input.type(), Shape.of(input.shape()));
            for (long i = 0; i < tensor.elements(); i++) {
                switch (input.fill()) {
                    case UNIT -> tensor.setDouble(i, random.nextDouble() * 2 - 1);
                    case ONES -> tensor.setLong(i, 1);
                    case ZEROS -> tensor.setDouble(i, 0);
                    case TOKENS -> tensor.setLong(i, random.nextLong(1000, 20_000));
                }
            }
            inputs.put(input.name(), tensor);
        }
        return inputs;
    }

    private static void compare(String name, Tensor expected, Tensor found) {
        assertEquals(expected.dtype(), found.dtype(), name);
        assertArrayEquals(expected.shape().extents(), found.shape().extents(), name);
        double largest = 0;
        for (long i = 0; i < expected.elements(); i++) {
            largest = Math.max(largest, Math.abs(expected.getDouble(i)));
        }
        for (long i = 0; i < expected.elements(); i++) {
            double e = expected.getDouble(i);
            double f = found.getDouble(i);
            // Written so that a NaN on one side alone fails.
            if (!(Math.abs(e - f) <= RELATIVE * Math.abs(e) + ABSOLUTE * largest)
                    && !(Double.isNaN(e) && Double.isNaN(f))) {
                fail(name + "[" + i + "] of " + expected.type() + ": expected " + e + ", found " + f
                        + " (largest magnitude " + largest + ", seed " + SEED + ")");
            }
        }
    }
}
