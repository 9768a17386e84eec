package dev.meseta.tests.tflite;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.frontends.tflite.TfliteReader;
import dev.meseta.graph.Data;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import dev.meseta.runtime.Segmented;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * Random models of one quantised operator give the same bits on every device. {@code -Dmeseta.quantized.cases=10000} for more,
 * {@code -Dmeseta.quantized.seed=7} for others: a case is one seed, {@code -Dmeseta.quantized.devices=cpu} for some devices.
 */
final class QuantizedDevicesTest {
    private static final long CASES = Long.getLong("meseta.quantized.cases", 200);
    private static final long SEED = Long.getLong("meseta.quantized.seed", 20260101);
    private static final List<String> DEVICES =
            List.of(System.getProperty("meseta.quantized.devices", "cpu,ethosu:u65-256,ethosu:u65-512")
                    .split(","));

    private static final int MOST_SHOWN = 20;

    private static final Meseta MESETA = Meseta.open();

    /** Models of a kind, and how many of them a device for parts of graphs took. */
    private record Taken(int models, int taken) {
        Taken plus(Taken o) {
            return new Taken(models + o.models, taken + o.taken);
        }
    }

    @Test
    void everyDeviceGivesTheSameBits() {
        Map<String, Taken> taken = new ConcurrentSkipListMap<>();
        List<String> failures = LongStream.range(SEED, SEED + CASES)
                .parallel()
                .mapToObj(seed -> failure(seed, taken))
                .flatMap(Optional::stream)
                .toList();
        if (!failures.isEmpty())
            fail(failures.size() + " of " + CASES
                    + " (-Dmeseta.quantized.cases=1 -Dmeseta.quantized.seed=S repeats one):\n"
                    + failures.stream().limit(MOST_SHOWN).collect(Collectors.joining("\n")));
        String table = new TreeMap<>(taken)
                .entrySet().stream()
                        .map(e -> e.getKey() + " " + e.getValue().taken() + "/"
                                + e.getValue().models())
                        .collect(Collectors.joining(", "));
        System.out.println("models that a device for parts of graphs took: " + table);
        // A device that takes nothing compares the processor with itself.
        if (CASES < 100) return;
        for (String device : DEVICES) {
            if (!device.startsWith("ethosu")) continue;
            Taken all = taken.entrySet().stream()
                    .filter(e -> e.getKey().startsWith(device + " "))
                    .map(Map.Entry::getValue)
                    .reduce(new Taken(0, 0), Taken::plus);
            assertTrue(
                    all.taken() * 10 >= all.models() * 7,
                    device + " took " + all.taken() + " of " + all.models() + ": " + table);
        }
    }

    /** What is wrong with the model of a seed. */
    private static Optional<String> failure(long seed, Map<String, Taken> taken) {
        QuantizedModels.Draw draw = QuantizedModels.of(seed);
        String device = "reference";
        try {
            Program program =
                    TfliteReader.read(MemorySegment.ofArray(draw.model().bytes()));
            Map<String, Data> inputs = new LinkedHashMap<>();
            for (int i = 0; i < draw.model().values.size(); i++)
                inputs.put(program.inputs().get(i).name(), draw.model().values.get(i));
            List<Tensor> expected = run(program, device, inputs, draw.kind(), taken);
            for (String d : DEVICES) {
                device = d;
                List<Tensor> found = run(program, d, inputs, draw.kind(), taken);
                for (int i = 0; i < expected.size(); i++) {
                    long byteOff = expected.get(i).data().mismatch(found.get(i).data());
                    if (byteOff < 0) continue;
                    long at = byteOff / Math.max(1, expected.get(i).dtype().bits() / 8);
                    return Optional.of("seed " + seed + ", " + draw.kind() + " on " + d + ": element " + at + " of "
                            + expected.get(i).type() + " is " + found.get(i).getLong(at) + ", expected "
                            + expected.get(i).getLong(at));
                }
            }
            return Optional.empty();
        } catch (RuntimeException | AssertionError e) {
            return Optional.of("seed " + seed + ", " + draw.kind() + " on " + device + ": " + e);
        }
    }

    private static List<Tensor> run(
            Program program, String device, Map<String, Data> inputs, String kind, Map<String, Taken> taken) {
        try (Session session = MESETA.load(program).on(device).prepare()) {
            if (session.inspect(inputs).executable() instanceof Segmented s)
                taken.merge(device + " " + kind, new Taken(1, s.submissions() > 0 ? 1 : 0), Taken::plus);
            Map<String, Data> results = session.run(inputs).all();
            return program.outputs().stream()
                    .map(Port::name)
                    .map(name -> (Tensor) results.get(name))
                    .toList();
        }
    }
}
