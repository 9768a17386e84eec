package dev.meseta.tests.tflite;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meseta.conformance.TestData;
import dev.meseta.frontends.tflite.TfliteReader;
import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Real models of the shared test data against TFLite; skipped without it. */
final class TfliteModelsTest {
    /**
     * A model.
     *
     * @param off how much integers may be off: the last operators of these models are products and softmax, which TFLite rounds otherwise
     */
    private record Entry(String file, int off) {}

    private static final List<Entry> MODELS = List.of(
            new Entry("mlperf-tiny/kws_int8.tflite", 1),
            new Entry("mlperf-tiny/resnet8_cifar10_int8.tflite", 1),
            new Entry("mlperf-tiny/resnet8_cifar10_fp32.tflite", 0),
            new Entry("mobilenet_v1/mobilenet_v1_0.25_128_quant.tflite", 1),
            new Entry("ultraface/RFB-320_without_postprocessing.tflite", 0));

    private static final int RUNS = 3;

    /** Integers of 32 bits and more are below. */
    private static final int SMALL = 100;

    @TestFactory
    Stream<DynamicTest> models() {
        return MODELS.stream().map(m -> DynamicTest.dynamicTest(m.file(), () -> run(m)));
    }

    private static void run(Entry entry) throws Exception {
        TestData.Source source = TestData.ofThisMachine().shared();
        if (source instanceof TestData.Missing missing) assumeTrue(false, missing.reason());
        Path file = ((TestData.Found) source).folder().resolve("models").resolve(entry.file());
        byte[] bytes = Files.readAllBytes(file);
        Program program = TfliteReader.read(file);
        Random random = new Random(3);
        try (TflitePeer peer = TflitePeer.open()) {
            for (int run = 0; run < RUNS; run++) {
                List<Tensor> inputs = new ArrayList<>();
                for (Port p : program.inputs()) inputs.add(input(random, p));
                List<Tensor> expected = peer.run(bytes, inputs);
                for (String device : List.of("reference", "cpu")) {
                    List<Tensor> found = TfliteOperatorsTest.ours(program, device, inputs);
                    for (int i = 0; i < expected.size(); i++) {
                        TfliteOperatorsTest.compare(
                                entry.file() + ", run " + run + " on " + device,
                                expected.get(i),
                                found.get(i),
                                entry.off(),
                                TfliteOperatorsTest.TOLERANCE);
                    }
                }
            }
        }
    }

    /** Random values; open extents are 1. */
    static Tensor input(Random random, Port port) {
        long[] extents = port.shape().extents();
        for (int i = 0; i < extents.length; i++) if (extents[i] < 0) extents[i] = 1;
        Tensor t = Tensor.allocate(port.dtype(), Shape.of(extents));
        for (long i = 0; i < t.elements(); i++) {
            if (t.dtype() == DType.F32) t.setDouble(i, random.nextDouble(-1, 1));
            // What is not a picture's or a sound's bytes counts or names something.
            else t.setLong(i, t.dtype().bits() < Integer.SIZE ? random.nextLong() : random.nextInt(SMALL));
        }
        return t;
    }
}
