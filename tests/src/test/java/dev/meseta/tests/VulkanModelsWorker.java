package dev.meseta.tests;

import dev.meseta.Meseta;
import dev.meseta.Model;
import dev.meseta.conformance.Comparison;
import dev.meseta.conformance.TestData;
import dev.meseta.conformance.Tolerance;
import dev.meseta.graph.Data;
import dev.meseta.graph.Dim;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Port;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;

/**
 * A process of {@link VulkanModelsTest}: runs the models of the demos, those of the shared test data, and ONNX's light ones on {@code cpu} and on
 * {@code vulkan}, and prints a line for each.
 */
final class VulkanModelsWorker {
    private static final Meseta MESETA = Meseta.open();

    private VulkanModelsWorker() {}

    /** @param arguments words that names of the models to run begin with; none for all */
    public static void main(String[] arguments) throws IOException {
        for (Case c : cases())
            if (arguments.length == 0 || Stream.of(arguments).anyMatch(c.name()::startsWith))
                System.out.println(VulkanModelsTest.RESULT + c.name() + ": " + compare(c));
        System.exit(0);
    }

    /** @param extents of the inputs that have open ones, by their names; what is not named is 1 */
    private record Case(String name, Path file, Map<String, List<Long>> extents) {}

    private static List<Case> cases() throws IOException {
        List<Case> all = new ArrayList<>();
        List<Long> sentence = List.of(2L, 33L);
        all.add(new Case(
                "MiniLM",
                RealModelsTest.resource("all-minilm-l6-v2.onnx"),
                Map.of("input_ids", sentence, "attention_mask", sentence, "token_type_ids", sentence)));
        all.add(text("ch_PP-OCRv4_det_infer", 160, 224));
        all.add(text("ch_PP-OCRv4_rec_infer", 48, 200));
        all.add(text("ch_PP-OCRv3_det_infer", 160, 224));
        all.add(text("ch_PP-OCRv3_rec_infer", 48, 200));
        all.add(text("ch_ppocr_mobile_v2.0_cls_infer", 48, 192));
        TestData here = TestData.ofThisMachine();
        if (here.shared() instanceof TestData.Found(String _, Path folder)) {
            Path models = folder.resolve("models");
            all.add(new Case(
                    "silero",
                    models.resolve("silero/silero_vad_v5.onnx"),
                    Map.of("input", List.of(1L, 576L), "state", List.of(2L, 1L, 128L))));
            try (Stream<Path> files = Files.walk(models)) {
                for (Path p : files.sorted().toList()) {
                    String name = p.getFileName().toString();
                    boolean model = name.endsWith(".tflite") || name.equals("RFB-320.onnx");
                    if (model) all.add(new Case(name, p, Map.of()));
                }
            }
        }
        if (here.newerCases() instanceof TestData.Found(String _, Path folder)) {
            try (Stream<Path> files = Files.walk(folder.resolve("light"))) {
                for (Path p : files.sorted().toList()) {
                    String name = p.getFileName().toString();
                    if (name.startsWith("light_") && name.endsWith(".onnx")) all.add(new Case(name, p, Map.of()));
                }
            }
        }
        return all;
    }

    private static Case text(String name, long high, long wide) throws IOException {
        return new Case(
                name, RealModelsTest.resource("models/" + name + ".onnx"), Map.of("x", List.of(1L, 3L, high, wide)));
    }

    /** What differs; "the same" where nothing does. */
    private static String compare(Case c) {
        Model model = MESETA.load(c.file());
        Random random = new Random(VulkanModelsTest.SEED);
        Map<String, Data> inputs = new LinkedHashMap<>();
        for (Port p : model.required())
            inputs.put(p.name(), input(random, p, c.extents().getOrDefault(p.name(), List.of())));
        Map<String, Data> expected = run(model, "cpu", inputs);
        Map<String, Data> actual = run(model, "vulkan", inputs);
        if (expected.isEmpty() || !expected.keySet().equals(actual.keySet()))
            return "outputs " + expected.keySet() + " and " + actual.keySet();
        for (Map.Entry<String, Data> e : expected.entrySet()) {
            Optional<String> d = Comparison.difference(
                    e.getValue(), actual.get(e.getKey()), tolerance((Tensor) e.getValue()), Comparison.Extent.VALUES);
            if (d.isPresent()) return e.getKey() + ": " + d.get();
        }
        return VulkanModelsTest.SAME;
    }

    /**
     * ONNX's, but that the absolute part is in proportion to the greatest element: what is near 0 by cancellation is off by the rounding of what
     * it was computed from, which each device does in its own order.
     */
    private static Tolerance tolerance(Tensor expected) {
        double greatest = 0;
        for (long i = 0; i < expected.elements(); i++) greatest = Math.max(greatest, Math.abs(expected.getDouble(i)));
        return new Tolerance(Tolerance.ONNX.relative(), Math.max(Tolerance.ONNX.absolute(), 1e-6 * greatest));
    }

    private static Map<String, Data> run(Model model, String device, Map<String, Data> inputs) {
        return model.on(device).prepare().run(inputs).all();
    }

    private static Tensor input(Random random, Port p, List<Long> extents) {
        Shape stated = Objects.requireNonNull(p.shape(), p.name());
        long[] e = new long[stated.rank()];
        for (int i = 0; i < e.length; i++) {
            Dim d = stated.dims().get(i);
            e[i] = !extents.isEmpty() ? extents.get(i) : d.isKnown() ? d.extent() : 1;
        }
        Tensor t = Tensor.allocate(Objects.requireNonNull(p.dtype()), Shape.of(e));
        for (long i = 0; i < t.elements(); i++) {
            switch (t.dtype()) {
                case I8, U8 -> t.setLong(i, random.nextInt(256));
                case I64 -> t.setLong(i, number(random, p.name()));
                default -> t.setDouble(i, random.nextDouble(-1, 1));
            }
        }
        return t;
    }

    /** Tokens, a mask that hides nothing, types of sentences, a rate of samples. */
    private static long number(Random random, String input) {
        return switch (input) {
            case "input_ids" -> random.nextInt(1000, 30000);
            case "attention_mask" -> 1;
            case "sr" -> 16000;
            default -> 0;
        };
    }
}
