package dev.meseta.tests.ethosu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.drivers.ethosu.commands.Checker;
import dev.meseta.drivers.ethosu.commands.CommandStream;
import dev.meseta.drivers.ethosu.commands.Disassembler;
import dev.meseta.drivers.ethosu.model.DeviceModel;
import dev.meseta.drivers.ethosu.model.Timeline;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Port;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Streams of the shared test data: they give, to the bit, what the models that they were made of give. */
final class VelaStreamsTest {
    /** @param cycles that Vela itself gives for it */
    private record Entry(String compiled, String original, double cycles) {}

    private static final List<Entry> MODELS = List.of(
            new Entry("kws_int8_vela.tflite", "mlperf-tiny/kws_int8.tflite", 47_548),
            new Entry("resnet8_cifar10_int8_vela.tflite", "mlperf-tiny/resnet8_cifar10_int8.tflite", 100_635),
            new Entry(
                    "mobilenet_v1_0.25_128_quant_vela.tflite",
                    "mobilenet_v1/mobilenet_v1_0.25_128_quant.tflite",
                    303_636));

    /** Mutated streams; {@code -Dmeseta.ethosu.mutations=1000000} for many. */
    private static final int MUTATIONS = Integer.getInteger("meseta.ethosu.mutations", 3_000);

    /** Enough to begin, so that many mutations are tried. */
    private static final double MUTATION_WORK = 2e5;

    @TestFactory
    Stream<DynamicTest> streamsGiveWhatTheirModelsGive() {
        return MODELS.stream().map(e -> DynamicTest.dynamicTest(e.compiled(), () -> run(e)));
    }

    private static void run(Entry entry) {
        VelaModel compiled = VelaModel.read(entry.compiled());
        Checker.check(compiled.stream(), compiled.regionSizes());
        Random random = new Random(5);
        try (Session session = Meseta.open()
                .load(VelaModel.folder().resolve("models").resolve(entry.original()))
                .on("reference")
                .prepare()) {
            Port port = session.inputs().getFirst();
            for (int i = 0; i < 2; i++) {
                Tensor input = input(random, port);
                Tensor expected = session.run(Map.of(port.name(), input)).first();
                MemorySegment[] regions = compiled.regions(input);
                DeviceModel.run(compiled.stream(), regions);
                assertEquals(-1, expected.data().mismatch(compiled.result(regions)), "first byte that differs");
            }
        }
    }

    /** The same by a session on the device that is a model. */
    @Test
    void aCompiledModelRunsOnItsDevice() {
        java.nio.file.Path folder = VelaModel.folder();
        Entry e = MODELS.getFirst();
        try (Session npu = Meseta.open()
                        .load(folder.resolve("vela").resolve(e.compiled()))
                        .on("ethosu")
                        .prepare();
                Session reference = Meseta.open()
                        .load(folder.resolve("models").resolve(e.original()))
                        .on("reference")
                        .prepare()) {
            Tensor input = input(new Random(8), npu.inputs().getFirst());
            Tensor expected = reference
                    .run(Map.of(reference.inputs().getFirst().name(), input))
                    .first();
            Tensor found =
                    npu.run(Map.of(npu.inputs().getFirst().name(), input)).first();
            assertEquals(-1, expected.data().mismatch(found.data()), "first byte that differs");
        }
    }

    private static Tensor input(Random random, Port port) {
        long[] extents = port.shape().extents();
        for (int i = 0; i < extents.length; i++) if (extents[i] < 0) extents[i] = 1;
        Tensor t = Tensor.allocate(port.dtype(), Shape.of(extents));
        for (long i = 0; i < t.elements(); i++) t.setLong(i, random.nextLong());
        return t;
    }

    /** The estimate knows nothing of these networks: that it is so near is no accident. */
    @TestFactory
    Stream<DynamicTest> estimatesAreNearVelas() {
        return MODELS.stream()
                .map(e -> DynamicTest.dynamicTest(e.compiled(), () -> {
                    Timeline t = Timeline.of(VelaModel.read(e.compiled()).stream());
                    assertEquals(1, t.cycles() / e.cycles(), 0.05, t.summary());
                }));
    }

    @Test
    void streamsArePrinted() {
        List<String> lines = Disassembler.lines(VelaModel.read(MODELS.getFirst().compiled()).stream(), Map.of());
        assertTrue(
                lines.stream().anyMatch(l -> l.contains("convolution i8[49,5,2] -> i8[25,5,16] bricks, window 10x3")));
        assertTrue(lines.getLast().contains("OP_STOP"));
    }

    @Test
    void aRegionThatIsTooSmallIsFound() {
        VelaModel m = VelaModel.read(MODELS.getFirst().compiled());
        long[] sizes = m.regionSizes();
        Checker.check(m.stream(), sizes);
        for (int i = 0; i < sizes.length; i++) {
            long[] smaller = sizes.clone();
            smaller[i] = sizes[i] / 2;
            InvalidInputException e = org.junit.jupiter.api.Assertions.assertThrows(
                    InvalidInputException.class, () -> Checker.check(m.stream(), smaller));
            assertTrue(e.getMessage().contains("region " + i), e.getMessage());
        }
    }

    /** Bytes changed at random: each stream is refused with one message, or runs inside its regions (heap memory, which is checked). */
    @Test
    void mutatedStreamsAreRefusedOrStayInside() {
        List<VelaModel> models =
                MODELS.stream().map(e -> VelaModel.read(e.compiled())).toList();
        List<byte[]> originals = models.stream()
                .map(m -> m.operator()
                        .inputs()
                        .getFirst()
                        .constant()
                        .orElseThrow()
                        .toArray(ValueLayout.JAVA_BYTE))
                .toList();
        Random random = new Random(11);
        int refused = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            int which = i % models.size();
            byte[] bytes = originals.get(which).clone();
            for (int k = random.nextInt(1, 4); k > 0; k--) mutate(random, bytes);
            try {
                CommandStream stream = CommandStream.ofWords(
                        CommandStream.bare(MemorySegment.ofArray(bytes)).words());
                DeviceModel.run(stream, MUTATION_WORK, models.get(which).regions());
            } catch (InvalidInputException e) {
                assertFalse(e.getMessage().isBlank());
                refused++;
            }
        }
        assertTrue(refused > MUTATIONS / 10, refused + " of " + MUTATIONS + " are refused");
    }

    private static void mutate(Random random, byte[] bytes) {
        int at = random.nextInt(bytes.length);
        switch (random.nextInt(3)) {
            case 0 -> bytes[at] = (byte) random.nextInt();
            case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
            default -> bytes[at] += (byte) random.nextInt(-2, 3);
        }
    }
}
