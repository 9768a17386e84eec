package dev.meseta.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.Meseta;
import dev.meseta.Model;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Dim;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class BenchPartsTest {
    @TempDir
    Path folder;

    // ---- statistics ----

    @Test
    void quantilesLieBetweenValues() {
        Samples s = Samples.of(List.of(4.0, 1.0, 2.0, 3.0));
        assertEquals(2.5, s.median());
        assertEquals(1, s.min());
        assertEquals((3.25 - 1.75) / 2.5, s.spread());
        assertEquals(7, Samples.of(List.of(7.0)).median());
        assertThrows(IllegalArgumentException.class, () -> Samples.of(List.of()));
    }

    // ---- shapes ----

    @Test
    void setsOfShapesGoTogether() {
        assertEquals(List.of(List.of()), BenchShapes.sets(List.of()));
        assertEquals(
                List.of(List.of("a=1x2", "b=7"), List.of("a=3x4", "b=7")),
                BenchShapes.sets(List.of("a=1x2/3x4", "b=7")));
        assertEquals(
                List.of(List.of("a=1", "b=3"), List.of("a=2", "b=4")), BenchShapes.sets(List.of("a=1/2", "b=3/4")));
        assertThrows(InvalidInputException.class, () -> BenchShapes.sets(List.of("a=1/2", "b=3/4/5")));
    }

    private static Port port(String name, DType type, Dim... dims) {
        return Port.tensor(name, type, Shape.of(List.of(dims)));
    }

    private static Dim open(String symbol) {
        return new Dim(Dim.UNKNOWN, symbol);
    }

    private static Model model(List<Port> inputs, Map<String, Data> constants, Call... calls) {
        return Meseta.open().load(new Program("m", inputs, List.of(), constants, List.of(calls)));
    }

    @Test
    void anOpenExtentMayBeNamed() {
        Port ids = port("ids", DType.I64, open("batch"), open("length"));
        Port other = port("other", DType.F32, open("batch"), Dim.of(3));
        Model model = model(List.of(ids, other), Map.of());
        Shapes shapes = new Shapes(model, List.of("batch=5"), Map.of(), BenchInputs::extent);
        assertEquals(Shape.of(5, 128), shapes.of(ids));
        assertEquals(Shape.of(5, 3), shapes.of(other));
        assertEquals("[length=128]", shapes.assumed().toString());
        assertEquals(List.of("batch=5"), BenchShapes.of(model, List.of("batch=5", "pixels=1")));
        assertThrows(InvalidInputException.class, () -> BenchShapes.check(List.of("pixels=1"), List.of(model)));
    }

    @Test
    void openExtentsAreWhatTheySeemToBe() {
        assertEquals(1, BenchInputs.extent(port("x", DType.F32, open(null), Dim.of(3), open(null), open(null)), 0));
        assertEquals(224, BenchInputs.extent(port("x", DType.F32, open(null), Dim.of(3), open(null), open(null)), 2));
        assertEquals(128, BenchInputs.extent(port("ids", DType.I64, open("b"), open("s")), 1));
        assertEquals(1, BenchInputs.extent(port("state", DType.F32, Dim.of(2), open(null), Dim.of(128)), 1));
    }

    // ---- lists of models ----

    @Test
    void listsNameModelsAndWhyTheyAreNotThere() throws IOException {
        Files.createFile(folder.resolve("a.onnx"));
        Path list = folder.resolve("list.txt");
        Files.writeString(list, "# all\n\nmodel a  a.onnx  x=1x2/3x4  y=5  # one\nb  b.onnx\nc  jar:no/such.onnx\n");
        List<BenchSuite.Entry> entries = BenchSuite.read(list);
        assertEquals("model a", entries.get(0).name());
        assertEquals(folder.resolve("a.onnx").toAbsolutePath(), entries.get(0).file());
        assertEquals(List.of("x=1x2/3x4", "y=5"), entries.get(0).shapes());
        assertNull(entries.get(1).file());
        assertTrue(entries.get(1).reason().contains("b.onnx does not exist"));
        assertTrue(entries.get(2).reason().contains("not on the class path"));
        for (String bad : List.of("", "only a name", "a  moon:x.onnx")) {
            Files.writeString(list, bad);
            assertThrows(InvalidInputException.class, () -> BenchSuite.read(list), bad);
        }
        assertThrows(InvalidInputException.class, () -> BenchSuite.read(folder));
    }

    // ---- inputs ----

    @Test
    void integersAreWhatTheModelCanIndex() {
        Lowering.Expand nothing = _ -> List.of();
        Model model = model(
                List.of(
                        port("input_ids", DType.I64, open("b"), open("s")),
                        port("attention_mask", DType.I64, open("b"), open("s"))),
                Map.of("words", Tensor.allocate(DType.F32, Shape.of(50, 8))),
                new Call("cast", "ai.onnx.Cast-13", List.of("input_ids"), List.of("i"), nothing),
                new Call("look up", "ai.onnx.Gather-13", List.of("words", "i"), List.of("e"), nothing));
        TensorType type = TensorType.of(DType.I64, 4, 100);
        Tensor ids = (Tensor) BenchInputs.fill(model, model.inputs().get(0), type, 1);
        assertTrue(Arrays.stream(ids.toLongs()).allMatch(v -> v >= 0 && v < 50));
        assertTrue(Arrays.stream(ids.toLongs()).max().orElse(0) > 40);
        Tensor mask = (Tensor) BenchInputs.fill(model, model.inputs().get(1), type, 1);
        assertTrue(Arrays.stream(mask.toLongs()).allMatch(v -> v == 1));
        Tensor rate = (Tensor) BenchInputs.fill(model, port("sr", DType.I64), TensorType.of(DType.I64), 1);
        assertEquals(16000, rate.getLong(0));
        Tensor positions =
                (Tensor) BenchInputs.fill(model, port("position_ids", DType.I64), TensorType.of(DType.I64, 2, 3), 1);
        assertArrayEquals(new long[] {0, 1, 2, 0, 1, 2}, positions.toLongs());
    }

    @Test
    void inputsComeThroughAFileAsTheyAre() {
        Map<String, Data> inputs = new LinkedHashMap<>();
        inputs.put("a", Tensor.of(new float[] {1, Float.NaN, -0f}, 3));
        inputs.put("b", Tensor.of(new long[] {7}));
        inputs.put("c", RandomInputs.fill(1, "c", TensorType.of(DType.I4, 2, 0)));
        inputs.put("d", new Data.Strings(Shape.of(2), List.of("x", "ü")));
        Path file = folder.resolve("inputs");
        TensorFile.write(file, inputs);
        Map<String, Data> read = TensorFile.read(file);
        assertEquals(List.copyOf(inputs.keySet()), List.copyOf(read.keySet()));
        assertArrayEquals(((Tensor) inputs.get("a")).toFloats(), ((Tensor) read.get("a")).toFloats());
        assertEquals(((Tensor) inputs.get("b")).type(), ((Tensor) read.get("b")).type());
        assertEquals(((Tensor) inputs.get("c")).type(), ((Tensor) read.get("c")).type());
        assertEquals(inputs.get("d"), read.get("d"));
        assertThrows(
                InvalidInputException.class, () -> TensorFile.write(file, Map.of("e", new Data.Sequence(List.of()))));
    }

    // ---- answers ----

    private static Difference difference(Call call, Data ours, Data theirs) {
        Program program = new Program("m", List.of(), List.of(), Map.of(), List.of(call));
        return Difference.between(program, Map.of("y", ours), Map.of("y", theirs));
    }

    @Test
    void answersMayDifferByWhatTheArithmeticAllows() {
        Lowering.Expand nothing = _ -> List.of();
        Call plain = new Call("n", "ai.onnx.Add-14", List.of(), List.of(), nothing);
        Call quantised = new Call("n", "ai.onnx.DynamicQuantizeLinear-11", List.of(), List.of(), nothing);
        Tensor theirs = Tensor.of(new float[] {100, 1}, 2);
        Difference small = difference(plain, Tensor.of(new float[] {100, 1.05f}, 2), theirs);
        assertEquals("", small.problem());
        assertEquals(0.05, small.absolute(), 1e-6);
        assertEquals(0.0005, small.relative(), 1e-8);
        Tensor off = Tensor.of(new float[] {102, 1}, 2);
        assertTrue(difference(plain, off, theirs).problem().contains("'y' is off by 2"));
        assertEquals("", difference(quantised, off, theirs).problem());
        Tensor nan = Tensor.of(new float[] {Float.NaN, 1}, 2);
        assertTrue(difference(quantised, nan, theirs).problem().contains("off by"));
        assertEquals("", difference(plain, nan, nan).problem());
        // One value of many is far off.
        float[] many = new float[1000];
        Arrays.fill(many, 10);
        Tensor all = Tensor.of(many, 1000);
        many[7] = 11;
        assertEquals("", difference(quantised, Tensor.of(many, 1000), all).problem());
        assertEquals(0.1, difference(quantised, Tensor.of(many, 1000), all).relative(), 1e-6);
        assertTrue(difference(plain, Tensor.of(many, 1000), all).problem().contains("off by 1"));
        Tensor tiny = Tensor.of(new float[] {1e-6f, 0}, 2);
        assertEquals(
                "",
                difference(plain, tiny, Tensor.of(new float[] {2e-6f, 0}, 2)).problem());
        assertTrue(difference(plain, Tensor.of(new float[] {1}, 1), theirs)
                .problem()
                .contains("f32[1]"));
        assertTrue(difference(plain, Tensor.of(new long[] {1000000}, 1), Tensor.of(new long[] {1000001}, 1))
                .problem()
                .contains("off by 1"));
    }

    @Test
    void jobsComeThroughACommandLine() {
        BenchJob job = new BenchJob(BenchJob.Task.STEADY, Path.of("/a b=c.onnx"), Path.of("i"), "cpu", "", 3, 0.5, 2);
        assertEquals(job, BenchJob.parse(job.arguments().toArray(String[]::new)));
    }
}
