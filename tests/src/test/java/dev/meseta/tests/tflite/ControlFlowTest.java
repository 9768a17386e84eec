package dev.meseta.tests.tflite;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.Meseta;
import dev.meseta.Outputs;
import dev.meseta.Session;
import dev.meseta.frontends.tflite.TfliteReader;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Program;
import dev.meseta.tests.tflite.FlatBufferWriter.Table;
import dev.meseta.tests.tflite.Subgraphs.Graph;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Branches, loops and variables, against TFLite where it keeps no state for us. */
final class ControlFlowTest {
    private static void same(byte[] model, String device, Tensor... inputs) throws Exception {
        Program program = TfliteReader.read(MemorySegment.ofArray(model));
        try (TflitePeer peer = TflitePeer.open()) {
            List<Tensor> expected = peer.run(model, List.of(inputs));
            List<Tensor> found = TfliteOperatorsTest.ours(program, device, List.of(inputs));
            for (int i = 0; i < expected.size(); i++) {
                TfliteOperatorsTest.compare("result " + i, expected.get(i), found.get(i), 0, 0);
            }
        }
    }

    private static Tensor floats(float... values) {
        return Tensor.of(values, values.length);
    }

    /** A graph that gives the result of one function of its two inputs. */
    private static void pair(Graph g, String function) {
        int x = g.tensor(DType.F32, 2);
        int y = g.tensor(DType.F32, 2);
        int z = g.tensor(DType.F32, 2);
        g.inputs(x, y).operator(function, null, Subgraphs.of(x, y), z).outputs(z);
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void branchesAreTaken(String device) throws Exception {
        Subgraphs m = new Subgraphs();
        Graph main = m.graph();
        int condition = main.tensor(DType.BOOL);
        int x = main.tensor(DType.F32, 2);
        int y = main.tensor(DType.F32, 2);
        int z = main.tensor(DType.F32, 2);
        main.inputs(condition, x, y)
                .operator("IF", new Table().set(0, 1).set(1, 2), Subgraphs.of(condition, x, y), z)
                .outputs(z);
        pair(m.graph(), "ADD");
        pair(m.graph(), "MUL");
        for (long c = 0; c < 2; c++) {
            same(m.bytes(), device, Tensor.scalar(DType.BOOL, c), floats(3, 4), floats(5, -6));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void loopsEndWhenTheirConditionDoes(String device) throws Exception {
        Subgraphs m = new Subgraphs();
        Graph main = m.graph();
        int n = main.tensor(DType.I32, 1);
        int x = main.tensor(DType.F32, 2);
        int n2 = main.tensor(DType.I32, 1);
        int x2 = main.tensor(DType.F32, 2);
        main.inputs(n, x)
                .operator("WHILE", new Table().set(0, 1).set(1, 2), Subgraphs.of(n, x), n2, x2)
                .outputs(n2, x2);
        Graph condition = m.graph();
        int cn = condition.tensor(DType.I32, 1);
        int cx = condition.tensor(DType.F32, 2);
        int less = condition.tensor(DType.BOOL, 1);
        int limit = condition.constant(Tensor.of(new int[] {5}, 1));
        condition
                .inputs(cn, cx)
                .operator("LESS", null, Subgraphs.of(cn, limit), less)
                .outputs(less);
        Graph body = m.graph();
        int bn = body.tensor(DType.I32, 1);
        int bx = body.tensor(DType.F32, 2);
        int bn2 = body.tensor(DType.I32, 1);
        int bx2 = body.tensor(DType.F32, 2);
        int one = body.constant(Tensor.of(new int[] {1}, 1));
        body.inputs(bn, bx)
                .operator("ADD", null, Subgraphs.of(bn, one), bn2)
                .operator("MUL", null, Subgraphs.of(bx, bx), bx2)
                .outputs(bn2, bx2);
        for (int first : new int[] {0, 3, 5, 9}) {
            same(m.bytes(), device, Tensor.of(new int[] {first}, 1), floats(1.5f, -0.5f));
        }
    }

    /** A counter that CALL_ONCE sets to 10 and each run adds its input to. */
    private static byte[] counter() {
        Subgraphs m = new Subgraphs();
        Table name = new Table().set(1, "counter");
        Graph main = m.graph();
        int x = main.tensor(DType.F32, 1);
        int handle = main.tensor(null);
        int before = main.tensor(DType.F32, 1);
        int after = main.tensor(DType.F32, 1);
        main.inputs(x)
                .operator("CALL_ONCE", new Table().set(0, 1), Subgraphs.of())
                .operator("VAR_HANDLE", name, Subgraphs.of(), handle)
                .operator("READ_VARIABLE", null, Subgraphs.of(handle), before)
                .operator("ADD", null, Subgraphs.of(before, x), after)
                .operator("ASSIGN_VARIABLE", null, Subgraphs.of(handle, after))
                .outputs(after);
        Graph once = m.graph();
        int h = once.tensor(null);
        int ten = once.constant(floats(10));
        once.operator("VAR_HANDLE", name, Subgraphs.of(), h).operator("ASSIGN_VARIABLE", null, Subgraphs.of(h, ten));
        return m.bytes();
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void variablesAreInputsAndOutputs(String device) throws Exception {
        byte[] model = counter();
        Program program = TfliteReader.read(MemorySegment.ofArray(model));
        assertEquals(2, program.inputs().size());
        String variable = program.inputs().get(1).name();
        assertTrue(program.inputs().get(1).optional());
        String kept = program.outputs().get(1).name();
        float[] sums = new float[3];
        try (Session session = Meseta.open().load(program).on(device).prepare()) {
            Tensor state = null;
            for (int run = 0; run < 3; run++) {
                Map<String, Tensor> inputs =
                        state == null ? Map.of("t0", floats(run + 1)) : Map.of("t0", floats(run + 1), variable, state);
                var results = session.run(inputs);
                sums[run] = ((Tensor) results.all().get("t3")).toFloats()[0];
                state = (Tensor) results.all().get(kept);
            }
        }
        assertArrayEquals(new float[] {11, 13, 16}, sums);
        try (TflitePeer peer = TflitePeer.open()) {
            assertEquals(13, peer.run(model, 3, List.of(floats(1))).getFirst().toFloats()[0]);
        }
    }

    /** A model that fills a table when it begins, and looks keys up in it. */
    private static byte[] table(boolean toWords) {
        Subgraphs m = new Subgraphs();
        Graph main = m.graph();
        int handle = main.tensor(null, 1);
        int size = main.tensor(DType.I64, 1);
        int found = toWords ? main.text(3) : main.tensor(DType.I64, 3);
        Table table = new Table().set(0, 7).set(1, (byte) (toWords ? 4 : 5)).set(2, (byte) (toWords ? 5 : 4));
        int keys = toWords ? main.constant(Tensor.of(new long[] {2, 9, 1}, 3)) : main.strings("two", "nine", "one");
        int absent = toWords ? main.strings("?") : main.constant(Tensor.of(new long[] {-5}, 1));
        main.operator("CALL_ONCE", new Table().set(0, 1), Subgraphs.of())
                .operator("HASHTABLE", table, Subgraphs.of(), handle)
                .operator("HASHTABLE_FIND", null, Subgraphs.of(handle, keys, absent), found)
                .operator("HASHTABLE_SIZE", null, Subgraphs.of(handle), size)
                .outputs(size, found);
        Graph begin = m.graph();
        int own = begin.tensor(null, 1);
        int words = begin.strings("one", "two", "three");
        int numbers = begin.constant(Tensor.of(new long[] {1, 2, 3}, 3));
        begin.operator("HASHTABLE", table, Subgraphs.of(), own)
                .operator(
                        "HASHTABLE_IMPORT",
                        null,
                        toWords ? Subgraphs.of(own, numbers, words) : Subgraphs.of(own, words, numbers));
        return m.bytes();
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void tablesAreLookedUp(String device) throws Exception {
        same(table(false), device);
        Program program = TfliteReader.read(MemorySegment.ofArray(table(true)));
        try (Session session = Meseta.open().load(program).on(device).prepare()) {
            Outputs found = session.run(Map.of());
            assertArrayEquals(new long[] {3}, found.first().toLongs());
            assertEquals(
                    new Data.Strings(Shape.of(3), List.of("two", "?", "one")),
                    found.data(program.outputs().get(1).name()));
        }
    }
}
