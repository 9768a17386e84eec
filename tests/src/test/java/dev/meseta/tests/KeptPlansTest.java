package dev.meseta.tests;

import static dev.meseta.tests.Drafts.graph;
import static dev.meseta.tests.Drafts.model;
import static dev.meseta.tests.Drafts.node;
import static dev.meseta.tests.Drafts.port;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.conformance.JavaProcess;
import dev.meseta.frontends.onnx.format.GraphProto;
import dev.meseta.frontends.onnx.format.TensorProto;
import dev.meseta.graph.DType;
import dev.meseta.tests.tflite.QuantizedNetwork;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes that share a cache, on a model of all kinds of stages: {@code y = nonzero(relu(reshape(x, s) · w1 + …)) + 1}, whose shapes follow
 * from the contents of an input and, on the host, from values.
 */
final class KeptPlansTest {
    @TempDir
    Path folder;

    private Path file;
    private int processes;

    private record Said(String answer, boolean llvm) {}

    private static TensorProto.Builder weights(String name, long rows, long seed) {
        TensorProto.Builder w = TensorProto.newBuilder()
                .setName(name)
                .setDataType(1)
                .addDims(rows)
                .addDims(48);
        Random random = new Random(seed);
        for (long i = 0; i < rows * 48; i++) w.addFloatData(random.nextFloat() - 0.5f);
        return w;
    }

    private void write(long seed) throws IOException, InterruptedException {
        GraphProto.Builder g = graph(
                        node("Reshape", "x s", "r"),
                        node("Shape", "r", "extents"),
                        node("Gather", "extents one", "depth"),
                        node("Slice", "w zero depth", "used"),
                        node("MatMul", "r used", "m"),
                        node("Relu", "m", "p"),
                        node("NonZero", "p", "n"),
                        node("Add", "n one", "y"))
                .addInput(port("x", 1, 128))
                .addInput(port("s", 7, 2))
                .addInitializer(weights("w", 64, seed))
                .addInitializer(Drafts.longs("zero", 0))
                .addInitializer(Drafts.longs("one", 1));
        Files.write(file, model(g).build().toByteArray());
        // A file that was changed this moment might be changed again without a trace in its times.
        Thread.sleep(2_200);
    }

    @BeforeEach
    void model1() throws IOException, InterruptedException {
        file = folder.resolve("model.onnx");
        write(1);
    }

    private Process start() throws IOException {
        return start("cpu");
    }

    private Process start(String device) throws IOException {
        int number = processes++;
        return JavaProcess.of(
                        KeptPlansWorker.class.getName(),
                        Map.of("meseta.cache", folder.resolve("cache").toString()),
                        folder.resolve("options" + number),
                        List.of(file.toString(), device))
                .redirectInput(new File("/dev/null"))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    private static Said said(Process process) throws IOException, InterruptedException {
        List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .toList();
        assertEquals(0, process.waitFor());
        return new Said(lines.get(0), Boolean.parseBoolean(lines.get(1)));
    }

    private Said run() throws IOException, InterruptedException {
        return said(start());
    }

    private List<Path> kept() throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("cache/plans"))) {
            return files.sorted().toList();
        }
    }

    @Test
    void aSecondProcessNeedsNoCompiler() throws IOException, InterruptedException {
        Said first = run();
        assertTrue(first.llvm());
        List<Path> kept = kept();
        assertFalse(kept.isEmpty());
        assertEquals(new Said(first.answer(), false), run());
        assertEquals(kept, kept(), "and writes nothing new");
        write(2);
        Said other = run();
        assertNotEquals(first.answer(), other.answer(), "another model under the same name");
    }

    /** What is kept of a divided graph is what both devices made of their parts. */
    @Test
    void dividedGraphsAreKept() throws IOException, InterruptedException {
        QuantizedNetwork n = new QuantizedNetwork(new Random(1), DType.I8, true);
        QuantizedNetwork.Value x = n.convolution(n.input(1, 9, 9, 3), 16, 3, 1, true, QuantizedNetwork.Activation.RELU);
        file = folder.resolve("model.tflite");
        Files.write(file, n.bytes(n.dequantize(x), n.softmax(n.dense(x, 10, QuantizedNetwork.Activation.NONE))));
        Thread.sleep(2_200);
        Said first = said(start("ethosu:u65-256"));
        assertTrue(first.llvm());
        List<Path> kept = kept();
        assertEquals(new Said(first.answer(), false), said(start("ethosu:u65-256")));
        assertEquals(kept, kept(), "and writes nothing new");
        for (Path p : kept()) {
            byte[] bytes = Files.readAllBytes(p);
            bytes[bytes.length * 2 / 3] ^= 4;
            Files.write(p, bytes);
        }
        assertEquals(first.answer(), said(start("ethosu:u65-256")).answer());
        assertEquals(first.answer(), said(start("ethosu:u65-512")).answer(), "another device has other plans");
    }

    @Test
    void whatIsDamagedIsMadeAgain() throws IOException, InterruptedException {
        Said first = run();
        for (Path p : kept()) {
            byte[] bytes = Files.readAllBytes(p);
            bytes[bytes.length * 2 / 3] ^= 4;
            Files.write(p, bytes);
        }
        assertEquals(new Said(first.answer(), false), run(), "kernels are kept on their own");
        assertEquals(new Said(first.answer(), false), run());
        for (Path p : kept()) Files.write(p, new byte[] {1, 2, 3});
        assertEquals(new Said(first.answer(), false), run());
        for (Path p : kept()) if (p.toString().endsWith(".weights")) Files.delete(p);
        assertEquals(new Said(first.answer(), false), run());
        assertEquals(new Said(first.answer(), false), run());
    }

    @Test
    void processesAtOnceDoNotDisturbEachOther() throws IOException, InterruptedException {
        List<Process> all = new ArrayList<>();
        for (int i = 0; i < 3; i++) all.add(start());
        List<String> answers = new ArrayList<>();
        for (Process p : all) answers.add(said(p).answer());
        assertEquals(1, answers.stream().distinct().count(), answers::toString);
        assertEquals(new Said(answers.getFirst(), false), run());
    }
}
