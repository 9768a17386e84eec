package dev.meseta.tests;

import static dev.meseta.tests.Drafts.graph;
import static dev.meseta.tests.Drafts.model;
import static dev.meseta.tests.Drafts.node;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.cli.Main;
import dev.meseta.frontends.onnx.format.GraphProto;
import dev.meseta.frontends.onnx.format.TensorProto;
import dev.meseta.frontends.onnx.format.TensorShapeProto;
import dev.meseta.frontends.onnx.format.TypeProto;
import dev.meseta.frontends.onnx.format.ValueInfoProto;
import dev.meseta.graph.InvalidInputException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Packages from the command that writes them to a process that has nothing but what runs them. */
final class PackageTest {
    /** What runs what was compiled for {@code cpu}. */
    private static final Set<String> CPU = Set.of("dev.meseta.machine", "dev.meseta.drivers.cpu");

    /** What runs what was compiled for {@code vulkan}. */
    private static final Set<String> VULKAN = Set.of("dev.meseta.compiler.spirv", "dev.meseta.drivers.vulkan");

    private static final Path WITH_SPACES = Path.of("a model.onnx");

    @TempDir
    Path folder;

    private Path model;
    private Path pack;

    private record Said(int code, String out, String err) {}

    private static Said meseta(Object... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        String[] words = new String[arguments.length];
        for (int i = 0; i < words.length; i++) words[i] = arguments[i].toString();
        int code = Main.run(new PrintWriter(out, true), new PrintWriter(err, true), words);
        return new Said(code, out.toString(), err.toString());
    }

    private static String refusal(Object... arguments) {
        Said s = meseta(arguments);
        assertEquals(2, s.code, s.out + s.err);
        assertEquals(1, s.err.lines().count(), s.err);
        return s.err;
    }

    private static TensorProto.Builder weights(long seed, long rows, long columns) {
        TensorProto.Builder w = TensorProto.newBuilder()
                .setName("w")
                .setDataType(1)
                .addDims(rows)
                .addDims(columns);
        Random random = new Random(seed);
        for (long i = 0; i < rows * columns; i++) w.addFloatData(random.nextFloat() - 0.5f);
        return w;
    }

    /** {@code y = softmax(relu(x · w))} of any number of rows. */
    @BeforeEach
    void write() throws IOException {
        TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
        shape.addDimBuilder().setDimParam("rows");
        shape.addDimBuilder().setDimValue(64);
        GraphProto.Builder g = graph(node("MatMul", "x w", "m"), node("Relu", "m", "r"), node("Softmax", "r", "y"))
                .addInput(ValueInfoProto.newBuilder()
                        .setName("x")
                        .setType(TypeProto.newBuilder()
                                .setTensorType(TypeProto.Tensor.newBuilder()
                                        .setElemType(1)
                                        .setShape(shape))))
                .addInitializer(weights(1, 64, 48));
        model = folder.resolve(WITH_SPACES);
        Files.write(model, model(g).build().toByteArray());
        pack = folder.resolve("a model.mpk");
    }

    private void compile(String target, String... more) {
        List<Object> all = new ArrayList<>(List.of("compile", model, "--target", target, "-o", pack));
        all.addAll(List.of(more));
        Said s = meseta(all.toArray());
        assertEquals(0, s.code, s.err);
    }

    private static String answer(Path file) {
        try (Meseta meseta = Meseta.open();
                Session session = meseta.load(file).prepare()) {
            return PackageWorker.answer(session);
        }
    }

    @Test
    void aPackageGivesWhatTheModelGives() {
        compile("cpu:native", "--shape", "rows=2");
        assertEquals(answer(model), answer(pack));
        Said inspected = meseta("inspect", pack, "--json");
        assertEquals(0, inspected.code, inspected.err);
        assertTrue(inspected.out.contains("\"runs_here\" : \"yes\""), inspected.out);
        Said run = meseta("run", pack, "--random", 1, "--json");
        assertEquals(0, run.code, run.err);
        assertTrue(run.out.contains("f32[2,48]"), run.out);
    }

    @Test
    void itRunsWithoutCompilerAndLlvm() throws IOException, InterruptedException {
        compile("cpu:native", "--shape", "rows=2");
        for (String threads : List.of("1", "3")) {
            List<String> said = PackageWorker.run(CPU, threads, pack, model);
            assertEquals(4, said.size(), said::toString);
            assertEquals(answer(model), said.get(0));
            assertEquals("LLVM false, mapped true", said.get(1));
            assertEquals(String.join(" ", PackageWorker.modules(CPU)), said.get(2));
            assertTrue(said.get(3).contains("only packages run"), said.get(3));
        }
    }

    /** Compiled without one, run on the one that is here: another schedule than that of any device here, so that sums have another order. */
    @Test
    void aPackageForAnyGpuRunsWithoutCompiler() throws IOException, InterruptedException {
        for (String version : List.of("1.2", "1.3")) {
            compile("vulkan:" + version, "--shape", "rows=2");
            assertTrue(meseta("inspect", pack).out.contains("form"));
            try (Meseta meseta = Meseta.open()) {
                meseta.device("vulkan");
            } catch (InvalidInputException e) {
                assertTrue(refusal("run", pack, "--random", 1).contains("vulkan:" + version));
                continue;
            }
            double[] expected = numbers(answer(model));
            double[] actual =
                    numbers(PackageWorker.run(VULKAN, "1", pack, model).getFirst());
            assertArrayEquals(expected, actual, 1e-6, "vulkan:" + version);
            assertTrue(refusal("run", pack, "--random", 1, "--device", "cpu").contains("cpu"));
        }
    }

    private static double[] numbers(String answer) {
        return java.util.Arrays.stream(
                        answer.replaceAll("[\\[\\],]", " ").strip().split(" +"))
                .mapToDouble(Double::parseDouble)
                .toArray();
    }

    @Test
    void itRunsTheShapesThatItWasCompiledFor() {
        compile("cpu:native", "--shape", "rows=2", "--shape", "rows=5");
        for (int rows : new int[] {2, 5}) {
            Said s = meseta("run", pack, "--random", 1, "--shape", "rows=" + rows);
            assertEquals(0, s.code, s.err);
        }
        String message = refusal("run", pack, "--random", 1, "--shape", "rows=3");
        for (String part : List.of("x f32[3,64]", "x f32[2,64]", "x f32[5,64]"))
            assertTrue(message.contains(part), message);
    }

    @Test
    void targetsThatThereAreNoneOfAreRefused() {
        for (String spec :
                List.of("cpu:z80", "cpu:", "cpu", "toaster:x", "", "reference:x", "cpu:native+avx2", "cpu:+")) {
            String message = refusal("compile", model, "--target", spec, "-o", pack);
            assertTrue(message.contains("x86-64-v3") || message.contains("native has"), message);
        }
        String message = refusal("compile", model, "--target", "cpu:x86-64-v3+sse9", "-o", pack);
        assertTrue(message.contains("avx512_vnni"), message);
        assertFalse(Files.exists(pack));
    }

    @Test
    void whatThisProcessorCannotRunIsNamed() {
        String arch = System.getProperty("os.arch").equals("aarch64") ? "x86-64-v2" : "armv8-a";
        compile("cpu:" + arch);
        String message = refusal("run", pack, "--random", 1);
        assertTrue(message.contains("cpu:" + arch) && message.contains("this processor is"), message);
        Said inspected = meseta("inspect", pack);
        assertEquals(0, inspected.code);
        assertTrue(inspected.out.contains("it does not run"), inspected.out);
        compile("cpu:x86-64-v4+avx512_fp16+avx_vnni+avx512_bf16+sse4a");
        message = refusal("run", pack, "--random", 1);
        assertTrue(message.contains("lacks") || message.contains("this processor is"), message);
        compile("cpu:x86-64-v2");
        assertTrue(refusal("run", pack, "--random", 1, "--device", "reference").contains("reference"));
    }

    @Test
    void whatAPackageCannotHoldIsNamed() throws IOException {
        GraphProto.Builder g = graph(node("NonZero", "x", "y")).addInput(Drafts.port("x", 1, 4));
        Files.write(model, model(g).build().toByteArray());
        String message = refusal("compile", model, "--target", "cpu:native", "-o", pack);
        assertTrue(message.contains("NonZero") && message.contains("host"), message);
        g = graph(node("Reshape", "x s", "y"))
                .addInput(Drafts.port("x", 1, 128))
                .addInput(Drafts.port("s", 7, 2));
        Files.write(model, model(g).build().toByteArray());
        message = refusal("compile", model, "--target", "cpu:native", "-o", pack);
        assertTrue(message.contains("'s'") && message.contains("must be given (compile --input"), message);
        assertTrue(refusal("compile", pack.resolveSibling("none"), "--target", "cpu:native", "-o", pack)
                .contains("none"));
        assertTrue(refusal("compile", model, "--target", "cpu:native", "-o", folder.resolve("no/x.mpk"))
                .contains("folder"));
        assertTrue(
                refusal("compile", model, "--target", "cpu:native", "-o", model).contains("itself"));
    }

    @Test
    void itRunsWithTheContentsThatItWasCompiledFor() throws IOException {
        GraphProto.Builder g = graph(node("Reshape", "x s", "r"), node("Relu", "r", "y"))
                .addInput(Drafts.port("x", 1, 12))
                .addInput(Drafts.port("s", 7, 2));
        Files.write(model, model(g).build().toByteArray());
        Path wide = integers("wide.npy", 3, 4);
        Path tall = integers("tall.npy", 6, -1);
        Path other = integers("other.npy", 2, 6);
        compile("cpu:native", "--input", "s=" + wide);
        Said run = meseta("run", pack, "--random", 1, "--input", "s=" + wide, "--json");
        assertEquals(0, run.code, run.err);
        assertTrue(run.out.contains("f32[3,4]"), run.out);
        String message = refusal("run", pack, "--random", 1, "--input", "s=" + other);
        assertTrue(message.contains("contents [2,6]") && message.contains("contents [3,4]"), message);
        assertFalse(message.contains("i64[2];"), message);
        compile("cpu:native", "--input", "s=" + tall);
        run = meseta("run", pack, "--random", 1, "--input", "s=" + tall, "--json");
        assertEquals(0, run.code, run.err);
        assertTrue(run.out.contains("f32[6,2]"), run.out);
        Said inspected = meseta("inspect", pack);
        assertTrue(inspected.out.contains("runs    x f32[12], s i64[2] with contents [6,-1]\n"), inspected.out);
    }

    /** A file of 64-bit integers in NumPy's form. */
    private Path integers(String name, long... values) throws IOException {
        String header = "{'descr': '<i8', 'fortran_order': False, 'shape': (" + values.length + ",), }";
        header += " ".repeat(63 - (10 + header.length()) % 64) + "\n";
        java.nio.ByteBuffer file = java.nio.ByteBuffer.allocate(10 + header.length() + 8 * values.length)
                .order(java.nio.ByteOrder.LITTLE_ENDIAN);
        file.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
        file.putShort((short) header.length()).put(header.getBytes(StandardCharsets.US_ASCII));
        for (long v : values) file.putLong(v);
        return Files.write(folder.resolve(name), file.array());
    }

    /** Seeded damage in every section, and cuts where something begins or ends. */
    @Test
    void whatIsDamagedIsRefused() throws IOException {
        compile("cpu:native", "--shape", "rows=2");
        byte[] whole = Files.readAllBytes(pack);
        java.nio.ByteBuffer header = java.nio.ByteBuffer.wrap(whole).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        int sections = header.getInt(12);
        assertEquals(5, sections);
        List<Integer> edges =
                new ArrayList<>(List.of(0, 7, 8, 12, 16, 24, 28, 32, PackageBytes.HEADER + 32 * sections));
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int i = 0; i < sections; i++) {
            int offset = (int) header.getLong(32 + 32 * i + 8);
            int bytes = (int) header.getLong(32 + 32 * i + 16);
            edges.addAll(List.of(32 + 32 * i, offset, offset + bytes));
            for (int flip = 0; flip < 8; flip++) {
                byte[] flipped = whole.clone();
                flipped[offset + random.nextInt(bytes)] ^= (byte) (1 << random.nextInt(8));
                Files.write(pack, flipped);
                String message = refusal("run", pack, "--random", 1);
                assertTrue(message.contains("section " + i + " is damaged"), () -> "seed " + seed + ": " + message);
            }
        }
        for (int edge : edges) {
            for (int length : new int[] {edge - 1, edge, edge + 1}) {
                if (length < 0 || length >= whole.length) continue;
                Files.write(pack, java.util.Arrays.copyOf(whole, length));
                refusal("run", pack, "--random", 1);
            }
        }
    }
}
