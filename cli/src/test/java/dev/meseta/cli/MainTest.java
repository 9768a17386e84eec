package dev.meseta.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.files.Npy;
import dev.meseta.files.Npz;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Whole command lines, on a model {@code y = a + b} for f32[n,3], and on one with an operator that does not exist. */
final class MainTest {
    @TempDir
    Path folder;

    private Path model;

    private record Said(int code, String out, String err) {
        JsonNode json() {
            return JsonMapper.builder().build().readTree(out);
        }
    }

    private static Said meseta(Object... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        String[] texts = new String[arguments.length];
        for (int i = 0; i < texts.length; i++) texts[i] = arguments[i].toString();
        int code = Main.run(new PrintWriter(out), new PrintWriter(err), texts);
        return new Said(code, out.toString(), err.toString());
    }

    @BeforeEach
    void writeModel() throws IOException {
        model = Files.write(folder.resolve("add.onnx"), model("Add"));
    }

    // ---- just enough protobuf ----

    private static byte[] field(int number, byte[] content) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(number << 3 | 2);
        out.write(content.length);
        out.writeBytes(content);
        return out.toByteArray();
    }

    private static byte[] field(int number, String text) {
        return field(number, text.getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] number(int number, int value) {
        return new byte[] {(byte) (number << 3), (byte) value};
    }

    private static byte[] all(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] p : parts) out.writeBytes(p);
        return out.toByteArray();
    }

    private static byte[] port(String name) {
        byte[] shape = field(2, all(field(1, field(2, "n")), field(1, number(1, 3))));
        return all(field(1, name), field(2, field(1, all(number(1, 1), shape))));
    }

    private static byte[] model(String operator) {
        byte[] graph = all(
                field(1, all(field(1, "a"), field(1, "b"), field(2, "y"), field(4, operator))),
                field(1, all(field(1, "y"), field(2, "z"), field(4, operator.equals("Add") ? "Neg" : "Nonsense"))),
                field(2, "sum"),
                field(11, port("a")),
                field(11, port("b")),
                field(12, port("y")));
        return all(number(1, 8), field(7, graph), field(8, all(number(2, 13))));
    }

    private Path npy(String name, Tensor t) {
        Path file = folder.resolve(name);
        Npy.write(file, t);
        return file;
    }

    // ---- the user's mistakes ----

    private static void refused(Said said, String... parts) {
        assertEquals(2, said.code(), said.err());
        assertEquals(1, said.err().lines().count(), said.err());
        assertTrue(said.err().startsWith("meseta: "), said.err());
        for (String p : parts) assertTrue(said.err().contains(p), said.err());
        assertEquals("", said.out());
    }

    @Test
    void mistakesInTheArgumentsAreOneLine() {
        refused(meseta("run", model, "--nonsense"), "--nonsense", "meseta run --help");
        refused(meseta("rnu", model), "rnu");
        refused(meseta("run"), "MODEL");
        refused(meseta("run", model, "--runs", "0", "--random", "1"), "--runs");
        refused(meseta("run", model, "--runs", "many"), "many");
        refused(meseta("run", model, "--random", "1", "--device", "abacus"), "abacus", "reference");
        refused(meseta("run", model, "--random", "1", "--output", "x.txt"), ".npy or .npz");
        refused(meseta("run", model, "--random", "1", "--output", folder.resolve("no/x.npy")), "folder");
        refused(meseta("run", model, "--random", "1", "--shape", "a=x,3"), "no number");
        refused(meseta("run", model, "--random", "1", "--shape", "a=2,4"), "f32[n,3]");
        refused(meseta("run", model, "--random", "1", "--shape", "c=2,3"), "'c'", "'a'");
        refused(meseta("run", model, "--random", "1", "--shape", "a=-1,3"), "extent");
        refused(meseta("run", model, "--random", "1", "--shape", "a=1099511627776,3"), "too large");
        refused(meseta("conformance", "onnx", "--shapes", "round"), "round");
        refused(meseta("conformance", "onnx", "--data", folder.resolve("absent")), "absent");
    }

    @Test
    void mistakesInTheInputAreOneLine() throws IOException {
        refused(meseta("run", folder.resolve("none.onnx")), "none.onnx");
        Path text = Files.writeString(folder.resolve("text.onnx"), "hello");
        refused(meseta("run", text, "--random", "1"), "text.onnx");
        refused(meseta("run", model), "'a'", "--input a=FILE", "--random");
        refused(meseta("run", model, "--input", "a=none.npy"), "no such file");
        refused(meseta("run", model, "--input", "c=none.npy"), "no input 'c'");
        Path two = npy("two.npy", Tensor.of(new float[] {1, 2}, 2));
        refused(meseta("run", model, "--input", two), "which input");
        refused(meseta("run", model, "--input", "a=" + two, "--random", "1"), "f32[2]", "f32[n,3]");
        Path half = npy("half.npy", Tensor.of(new double[] {0.1, 2, 3}, 1, 3));
        refused(meseta("run", model, "--input", "a=" + half, "--random", "1"), "f64[1,3]", "do not fit");
    }

    @Test
    void allUnsupportedOperatorsAreListed() throws IOException {
        Path odd = Files.write(folder.resolve("odd.onnx"), model("Gibberish"));
        for (String command : List.of("inspect", "run")) {
            Said said = meseta(command, odd);
            assertEquals(2, said.code());
            assertTrue(said.err().contains("Gibberish") && said.err().contains("Nonsense"), said.err());
        }
    }

    @Test
    void ourMistakesHaveAnotherCode() {
        StringWriter err = new StringWriter();
        assertEquals(1, Main.failed(new PrintWriter(err), new IllegalStateException("odd")));
        assertTrue(err.toString().contains("MESETA_DEBUG=trace"));
        assertEquals(1, Main.failed(new PrintWriter(err), new OutOfMemoryError("heap")));
        assertEquals(2, Main.failed(new PrintWriter(err), new InvalidInputException("bad")));
    }

    // ---- answers ----

    @Test
    void runsOnFilesAndWritesWhatItGot() {
        Path a = npy("a.npy", Tensor.of(new float[] {1, 2, 3}, 1, 3));
        // Whole numbers keep their meaning as floats.
        Path b = npy("b.npy", Tensor.of(new long[] {10, 20, 30}, 1, 3));
        Path out = folder.resolve("out.npy");
        Said said = meseta("run", model, "--input", "a=" + a, "--input", "b=" + b, "--output", out);
        assertEquals(0, said.code(), said.err());
        assertTrue(said.out().contains("output y f32[1,3]"), said.out());
        assertTrue(said.out().contains("first 11 22 33"), said.out());
        assertArrayEquals(new float[] {11, 22, 33}, ((Tensor) Npy.read(out)).toFloats());
        assertEquals("", said.err());
        // An input that is given decides the extents of the others.
        assertTrue(meseta("run", model, "--input", "a=" + npy("c.npy", Tensor.of(new float[6], 2, 3)), "--random", 1)
                .out()
                .contains("input  b f32[2,3]"));

        Path both = folder.resolve("both.npz");
        Npz.write(both, Map.of("a", Npy.read(a), "b", Npy.read(b)), true);
        JsonNode json =
                meseta("run", model, "--input", both, "--json", "--runs", "3").json();
        assertEquals(33, json.at("/outputs/y/max").asDouble());
        assertTrue(json.at("/ms/steady").asDouble() >= 0);
    }

    @Test
    void randomValuesAreTheSameOnAllDevicesAndNameTheirAssumptions() {
        Path first = folder.resolve("first.npz");
        for (String device : List.of("reference", "cpu")) {
            JsonNode devices = meseta("devices", "--json").json();
            if (!devices.toString().contains("\"name\":\"" + device + "\"")) continue;
            Path out = folder.resolve(device + ".npz");
            Said said = meseta("run", model, "--random", 7, "--device", device, "--output", out);
            assertEquals(0, said.code(), said.err());
            assertTrue(said.err().contains("n=1"), said.err());
            if (!Files.exists(first)) Npz.write(first, Npz.read(out), false);
            Data y = Npz.read(out).get("y");
            assertArrayEquals(((Tensor) Npz.read(first).get("y")).toFloats(), ((Tensor) y).toFloats());
        }
        // One shape is enough: the other input has the same symbol.
        Said said = meseta("run", model, "--random", 7, "--shape", "a=4,3");
        assertTrue(said.out().contains("input  b f32[4,3]"), said.out());
        assertEquals("", said.err());
    }

    @Test
    void picturesBecomeInputs() throws IOException {
        BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_INT_RGB);
        image.setRGB(0, 0, 0x102030);
        Path png = folder.resolve("p.png");
        ImageIO.write(image, "png", png.toFile());
        Said said = meseta("run", model, "--input", "a=" + png, "--random", 1);
        assertEquals(2, said.code());
        assertTrue(said.err().contains("--layout"), said.err());
    }

    @Test
    void inspectSaysWhatIsThere() {
        JsonNode json = meseta("inspect", model, "--json").json();
        assertEquals("[\"n\",3]", json.at("/inputs/0/shape").toString());
        assertEquals(1, json.at("/operators/ai.onnx.Add-13").asInt());
        assertEquals("[\"n=1\"]", json.at("/assumed").toString());
        assertEquals(1, json.at("/parts").size());
        Said text = meseta("inspect", model, "--shape", "a=2,3", "--device", "reference");
        assertTrue(text.out().contains("input   a f32[n,3]"), text.out());
        assertTrue(text.out().contains("plan    on reference"), text.out());
        assertFalse(text.out().contains("assumed"), text.out());
    }

    @Test
    void devicesAreListed() {
        assertTrue(meseta("devices").out().contains("reference"));
        assertTrue(meseta("devices", "--json").json().toString().contains("\"driver\":\"reference\""));
    }

    @Test
    void everyLineOfHelpFitsATerminal() {
        for (List<String> command : List.of(
                List.<String>of(),
                List.of("devices"),
                List.of("inspect"),
                List.of("run"),
                List.of("trace"),
                List.of("bench"),
                List.of("conformance"),
                List.of("conformance", "onnx"),
                List.of("demo"))) {
            Object[] arguments = java.util.stream.Stream.concat(command.stream(), java.util.stream.Stream.of("--help"))
                    .toArray();
            Said said = meseta(arguments);
            assertEquals(0, said.code());
            said.out().lines().forEach(l -> assertTrue(l.length() <= 80, l));
        }
    }
}
