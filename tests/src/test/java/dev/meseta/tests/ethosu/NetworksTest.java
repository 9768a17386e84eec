package dev.meseta.tests.ethosu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import dev.meseta.Meseta;
import dev.meseta.Model;
import dev.meseta.Outputs;
import dev.meseta.Session;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Port;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Whole networks with random weights: all devices give the same bits. {@code -Dmeseta.networks.seed=…} repeats a run. */
final class NetworksTest {
    private static final long SEED = Long.getLong("meseta.networks.seed", new Random().nextInt(Integer.MAX_VALUE));

    private static final List<String> DEVICES = List.of("cpu", "ethosu:u65-256", "ethosu:u65-512");

    /** Results of fewer different values would show few mistakes. */
    private static final int LEAST_VALUES = 4;

    private static final int MOST_DRAWS = 8;

    @TempDir
    Path folder;

    @TestFactory
    Stream<DynamicTest> allDevicesGiveTheSameBits() {
        return Stream.of(Networks.values())
                .flatMap(n -> Stream.of(true, false)
                        .map(signed -> DynamicTest.dynamicTest(
                                n + (signed ? " int8" : " uint8") + " seed " + SEED, () -> compare(n, signed))));
    }

    private void compare(Networks network, boolean signed) throws IOException {
        // Weights are drawn until results differ enough: some saturate.
        for (long seed = SEED; seed < SEED + MOST_DRAWS; seed++) if (isCompared(network, signed, seed)) return;
        fail("no network of " + MOST_DRAWS + " has results of " + LEAST_VALUES + " different values");
    }

    /** False if there is too little to compare. */
    private boolean isCompared(Networks network, boolean signed, long seed) throws IOException {
        Path file = Files.write(folder.resolve(network + ".tflite"), network.file(seed, signed));
        Model model = Meseta.open().load(file);
        Map<String, Data> inputs = new HashMap<>();
        Random random = new Random(seed);
        for (Port p : model.inputs()) inputs.put(p.name(), input(random, p));
        Outputs expected = run(model, "reference", inputs);
        long different = model.outputs().stream()
                .map(p -> expected.get(p.name()))
                .flatMapToLong(t -> LongStream.range(0, t.elements()).map(t::getLong))
                .distinct()
                .count();
        if (different < LEAST_VALUES) return false;
        for (String device : DEVICES) {
            Outputs found = run(model, device, inputs);
            for (Port p : model.outputs())
                assertEquals(
                        -1,
                        expected.get(p.name())
                                .data()
                                .mismatch(found.get(p.name()).data()),
                        () -> "first byte of " + p.name() + " that differs on " + device + ", seed " + seed);
        }
        return true;
    }

    private static Outputs run(Model model, String device, Map<String, Data> inputs) {
        try (Session session = model.on(device).prepare()) {
            return session.run(inputs);
        }
    }

    private static Tensor input(Random random, Port port) {
        Tensor t = Tensor.allocate(port.dtype(), Shape.of(port.shape().extents()));
        int low = port.dtype().isSigned() ? -128 : 0;
        for (long i = 0; i < t.elements(); i++)
            t.setLong(i, Math.clamp((long) (random.nextGaussian() * 40) + low + 128, low, low + 255));
        return t;
    }
}
