package dev.meseta.tests.ethosu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.compiler.specialize.Specializer;
import dev.meseta.drivers.ethosu.Program;
import dev.meseta.drivers.ethosu.compiler.GraphCompiler;
import dev.meseta.drivers.ethosu.compiler.Machine;
import dev.meseta.drivers.ethosu.model.Timeline;
import dev.meseta.frontends.tflite.TfliteReader;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.program.Port;
import dev.meseta.runtime.Input;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Models of the shared test data, compiled for the device: the same bits, and no more cycles and memory than Vela's streams take. */
final class CompiledModelsTest {
    private static final double MORE_CYCLES = 1.1;

    private record Entry(String model, String byVela) {}

    private static final List<Entry> MODELS = List.of(
            new Entry("mlperf-tiny/kws_int8.tflite", "kws_int8_vela.tflite"),
            new Entry("mlperf-tiny/resnet8_cifar10_int8.tflite", "resnet8_cifar10_int8_vela.tflite"),
            new Entry("mobilenet_v1/mobilenet_v1_0.25_128_quant.tflite", "mobilenet_v1_0.25_128_quant_vela.tflite"));

    private static Path file(Entry e) {
        return VelaModel.folder().resolve("models").resolve(e.model);
    }

    @TestFactory
    Stream<DynamicTest> modelsGiveTheSameBits() {
        return MODELS.stream()
                .map(e -> DynamicTest.dynamicTest(e.model, () -> {
                    Session reference =
                            Meseta.open().load(file(e)).on("reference").prepare();
                    Port port = reference.inputs().getFirst();
                    Tensor input = Tensor.allocate(type(port));
                    Random random = new Random(6);
                    for (long i = 0; i < input.elements(); i++) input.setLong(i, random.nextLong());
                    Tensor expected = reference.run(Map.of(port.name(), input)).first();
                    for (String device : List.of("ethosu", "ethosu:u65-256", "ethosu:u65-512")) {
                        try (Session npu =
                                Meseta.open().load(file(e)).on(device).prepare()) {
                            Tensor found = npu.run(Map.of(port.name(), input)).first();
                            assertEquals(
                                    -1, expected.data().mismatch(found.data()), device + ": first byte that differs");
                        }
                    }
                    reference.close();
                }));
    }

    @TestFactory
    Stream<DynamicTest> streamsTakeNoMoreThanVelas() {
        return MODELS.stream()
                .map(e -> DynamicTest.dynamicTest(e.model, () -> {
                    VelaModel vela = VelaModel.read(e.byVela);
                    Program own = GraphCompiler.compile(graph(file(e)), Machine.U65_256);
                    double cycles = Timeline.of(own.stream()).cycles();
                    double velas = Timeline.of(vela.stream()).cycles();
                    System.out.printf(
                            "%s: %.0f cycles, Vela's %.0f; %d bytes of fast memory, Vela's %d%n",
                            e.model, cycles, velas, own.fastBytes(), vela.regionSizes()[2]);
                    assertTrue(cycles <= MORE_CYCLES * velas, cycles + " cycles, Vela's stream " + velas);
                    assertTrue(own.fastBytes() <= vela.regionSizes()[2], own.fastBytes() + " bytes of fast memory");
                }));
    }

    private static TensorType type(Port p) {
        long[] e = p.shape().extents();
        for (int i = 0; i < e.length; i++) if (e[i] < 0) e[i] = 1;
        return new TensorType(p.dtype(), Shape.of(e));
    }

    private static Graph graph(Path file) {
        dev.meseta.graph.program.Program program = TfliteReader.read(file);
        List<Input> inputs =
                program.inputs().stream().map(p -> new Input(true, type(p))).toList();
        return new Specializer().begin(program, inputs).graph();
    }
}
