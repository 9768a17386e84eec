package dev.meseta.tests;

import static dev.meseta.tests.Drafts.graph;
import static dev.meseta.tests.Drafts.model;
import static dev.meseta.tests.Drafts.node;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.cli.Main;
import dev.meseta.frontends.onnx.format.TensorShapeProto;
import dev.meseta.frontends.onnx.format.TypeProto;
import dev.meseta.frontends.onnx.format.ValueInfoProto;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code meseta bench} with its processes, on a model {@code y = -x} for f32[batch,4], beside peers that are known. */
final class BenchTest {
    @TempDir
    Path folder;

    private Path file;

    private record Said(int code, String out, String err) {
        JsonNode json() {
            return JsonMapper.builder().build().readTree(out);
        }
    }

    /** Measures for no longer than it must. */
    private static Said bench(Object... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        String[] texts = new String[arguments.length + 5];
        texts[0] = "bench";
        texts[1] = "--seconds";
        texts[2] = "0";
        texts[3] = "--settle";
        texts[4] = "0";
        for (int i = 0; i < arguments.length; i++) texts[i + 5] = arguments[i].toString();
        int code = Main.run(new PrintWriter(out), new PrintWriter(err), texts);
        return new Said(code, out.toString(), err.toString());
    }

    @BeforeEach
    void writeModel() throws IOException {
        TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
        shape.addDimBuilder().setDimParam("batch");
        shape.addDimBuilder().setDimValue(4);
        ValueInfoProto.Builder x = ValueInfoProto.newBuilder()
                .setName("x")
                .setType(TypeProto.newBuilder()
                        .setTensorType(TypeProto.Tensor.newBuilder()
                                .setElemType(Drafts.F32)
                                .setShape(shape)));
        file = Files.write(
                folder.resolve("neg.onnx"),
                model(graph(node("Neg", "x", "y")).addInput(x)).build().toByteArray());
    }

    @Test
    void aloneItSaysHowLongEverythingTakes() {
        Said said = bench(file, "--json", "--threads", 1);
        assertEquals(0, said.code(), said.err());
        assertEquals(1, said.json().size());
        JsonNode row = said.json().get(0);
        assertEquals(file.toString(), row.at("/model").asString());
        assertEquals("[1,4]", row.at("/shape/x").toString());
        assertEquals(1, row.at("/threads").asInt());
        for (String figure : new String[] {
            "meseta_ms",
            "meseta_min_ms",
            "meseta_runs",
            "meseta_load_ms",
            "meseta_load_cold_ms",
            "meseta_first_ms",
            "meseta_memory_bytes"
        }) assertTrue(row.path(figure).asDouble(-1) > 0, figure + " in " + said.out());
        assertTrue(row.path("peer_ms").isMissingNode() && row.path("ratio").isMissingNode(), said.out());
        assertTrue(said.err().contains("batch=1 (assumed)") || said.err().contains("batch=1"), said.err());
    }

    @Test
    void besideAPeerItComparesAnswers() {
        Said said = bench(file, "--json", "--peer", "same", "--shape", "x=2x4/3,4");
        assertEquals(0, said.code(), said.err() + said.out());
        assertEquals(2, said.json().size());
        for (int i = 0; i < 2; i++) {
            JsonNode row = said.json().get(i);
            assertEquals("[" + (i + 2) + ",4]", row.at("/shape/x").toString());
            assertTrue(row.at("/ratio").asDouble() > 0, said.out());
            assertTrue(row.at("/peer_ms").asDouble() > 0, said.out());
            assertEquals(0, row.at("/difference").asDouble());
            assertTrue(row.at("/same").asBoolean());
        }
        assertEquals("", said.err());
    }

    @Test
    void otherAnswersAreLoud() {
        Said text = bench(file, "--peer", "wrong", "--shape", "batch=2");
        assertEquals(1, text.code(), text.err());
        assertTrue(text.out().contains("THE ANSWERS DIFFER: output 'y' is off by 1"), text.out());
        assertTrue(text.out().contains("2x4"), text.out());
        text.out().lines().forEach(l -> assertTrue(l.length() <= 80 || l.contains("neg.onnx"), l));
        Said json = bench(file, "--peer", "wrong", "--json");
        assertEquals(1, json.code());
        assertFalse(json.json().at("/0/same").asBoolean(true), json.out());
    }

    @Test
    void aPeerMayRefuseAModel() {
        Said said = bench(file, "--peer", "refusing");
        assertEquals(0, said.code(), said.err());
        assertTrue(said.out().contains("refusing refuses: not today"), said.out());
    }

    @Test
    void aListOfModelsBecomesATable() throws IOException {
        Path list = folder.resolve("list.txt");
        Files.writeString(list, "minus  neg.onnx  x=2x4/3x4\nplus  none.onnx\n");
        Said said = bench("--suite", list, "--peer", "same", "--markdown");
        assertEquals(0, said.code(), said.err());
        assertTrue(said.err().startsWith("meseta: plus is left out: "), said.err());
        List<String> lines = said.out().lines().toList();
        assertEquals(6, lines.size(), said.out());
        assertTrue(lines.get(2).startsWith("| minus | 2x4 | "), said.out());
        assertTrue(lines.get(3).startsWith("| minus | 3x4 | "), said.out());
        assertTrue(lines.get(5).startsWith("Ratio over 2: geometric mean "), said.out());
    }

    @Test
    void tuningComesFirst() {
        Said said = bench(file, "--tune", "--tune-seconds", "1", "--json");
        assertEquals(0, said.code(), said.err());
        // Nothing about this model can be done in two ways, so that nothing is tried or kept.
        assertEquals(0, said.json().at("/0/tune_questions").asInt(-1));
        assertTrue(said.json().at("/0/tune_complete").asBoolean(false), said.out());
        assertTrue(bench(file, "--tune", "--device", "reference").out().contains("nothing to tune on reference"));
    }

    @Test
    void mistakesAreOneLine() {
        for (Object[] arguments : new Object[][] {
            {file, "--peer", "abacus"},
            {file, "--threads", "0"},
            {file, "--seconds", "-1"},
            {file, "--settle", "x"},
            {file, "--shape", "y=1,4"},
            {file, "--shape", "x=1,5"},
            {file, "--shape", "x=1,4/2,4", "--shape", "batch=1/2/3"},
            {file, "--device", "abacus"},
            {file, "--input", "x=none.npy"},
            {folder.resolve("none.onnx")},
            {"--suite", folder.resolve("none.txt")},
            {file, "--json", "--markdown"},
            {file, "--tune-seconds", "-1"},
            {},
        }) {
            Said said = bench(arguments);
            assertEquals(2, said.code(), said.err());
            assertEquals("", said.out());
            assertEquals(1, said.err().lines().count(), said.err());
            assertTrue(said.err().startsWith("meseta: "), said.err());
        }
        assertTrue(bench(file, "--peer", "abacus").err().contains("refusing"), "it names those that there are");
    }
}
