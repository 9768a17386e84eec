package dev.meseta.tests.tflite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.frontends.tflite.TfliteReader;
import dev.meseta.graph.Data;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Random models of one operator: {@code reference} and {@code cpu} against TFLite's reference kernels, integers to the bit. More models:
 * {@code -Dmeseta.tflite.cases=100}; another seed: {@code -Dmeseta.tflite.seed=7}; some rows: {@code -Dmeseta.tflite.rows=CONV.*}.
 */
final class TfliteOperatorsTest {
    private static final int CASES = Integer.getInteger("meseta.tflite.cases", 4);
    private static final long SEED = Long.getLong("meseta.tflite.seed", 20260101);
    private static final String ROWS = System.getProperty("meseta.tflite.rows", ".*");
    /** Of models in floats. */
    static final double TOLERANCE = 2e-5;

    /** Models that keep state are run so often. */
    private static final int RUNS = 3;

    private static final Meseta MESETA = Meseta.open();

    private static TflitePeer peer;

    @BeforeAll
    static void open() throws IOException {
        peer = TflitePeer.open();
    }

    @AfterAll
    static void close() throws IOException {
        peer.close();
    }

    @TestFactory
    Stream<DynamicTest> rows() {
        return OperatorRows.all().stream()
                .filter(row -> row.name().matches(ROWS))
                .map(row -> DynamicTest.dynamicTest(row.name(), () -> {
                    for (int i = 0; i < CASES; i++) run(row, SEED + i);
                }));
    }

    private static void run(OperatorRows.Row row, long seed) throws IOException {
        OneOperator model =
                row.draw().apply(new Draws(new Random(seed + row.name().hashCode())));
        byte[] bytes = model.bytes();
        String where = row.name() + ", seed " + seed;
        List<Tensor> expected;
        try {
            expected = peer.run(bytes, model.states() > 0 ? RUNS : 1, model.values);
        } catch (TflitePeer.Refusal e) {
            fail(where + ": TFLite " + e.getMessage());
            return;
        }
        Program program = TfliteReader.read(MemorySegment.ofArray(bytes));
        List<Tensor> reference = runs(program, "reference", model);
        List<Tensor> cpu = runs(program, "cpu", model);
        for (int i = 0; i < expected.size(); i++) {
            compare(
                    where + ", result " + i + " on reference",
                    expected.get(i),
                    reference.get(i),
                    row.off(),
                    row.tolerance());
            boolean integers = !expected.get(i).dtype().isFloat();
            compare(
                    where + ", result " + i + " on cpu",
                    integers ? reference.get(i) : expected.get(i),
                    cpu.get(i),
                    0,
                    row.tolerance());
        }
    }

    /** Runs a model; one that keeps state several times, with what each run leaves for the next. */
    private static List<Tensor> runs(Program program, String device, OneOperator model) {
        List<Tensor> results = ours(program, device, model.values);
        for (int run = 1; run < RUNS && model.states() > 0; run++) {
            List<Tensor> inputs = new java.util.ArrayList<>(model.values);
            inputs.addAll(results.subList(results.size() - model.states(), results.size()));
            results = ours(program, device, inputs);
        }
        return results;
    }

    static List<Tensor> ours(Program program, String device, List<Tensor> inputs) {
        Map<String, Data> named = new LinkedHashMap<>();
        for (int i = 0; i < inputs.size(); i++) {
            named.put(program.inputs().get(i).name(), inputs.get(i));
        }
        try (Session session = MESETA.load(program).on(device).prepare()) {
            Map<String, Data> results = session.run(named).all();
            return program.outputs().stream()
                    .map(Port::name)
                    .map(name -> (Tensor) results.get(name))
                    .toList();
        }
    }

    private static String first(Tensor t) {
        return java.util.stream.LongStream.range(0, Math.min(12, t.elements()))
                .mapToObj(i -> String.valueOf(t.getDouble(i)))
                .toList()
                .toString();
    }

    /** Integers may be off by so much, floats by a small part of the largest. */
    static void compare(String where, Tensor expected, Tensor found, int off, double tolerance) {
        assertEquals(expected.type().toString(), found.type().toString(), where);
        Difference d = Difference.of(expected, found);
        double allowed = expected.dtype().isFloat() ? tolerance * Math.max(1, d.largest()) : off;
        if (d.worst() > allowed) {
            fail(where + ": " + d.differing() + " of " + expected.elements() + " differ, by up to " + d.worst()
                    + "; expected " + first(expected) + ", found " + first(found));
        }
    }
}
