package dev.meseta.tests;

import static dev.meseta.tests.Drafts.F32;
import static dev.meseta.tests.Drafts.graph;
import static dev.meseta.tests.Drafts.model;
import static dev.meseta.tests.Drafts.node;
import static dev.meseta.tests.Drafts.port;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.frontends.onnx.format.TensorProto;
import dev.meseta.graph.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Sessions beside and after each other: {@code y = softmax(x · w)}. */
@Timeout(300)
final class ManySessionsTest {
    private static final int ROWS = 64;

    @TempDir
    Path folder;

    private Path write(String name, int width) throws IOException {
        TensorProto.Builder w = TensorProto.newBuilder()
                .setName("w")
                .setDataType(F32)
                .addDims(width)
                .addDims(width);
        Random random = new Random(width);
        for (int i = 0; i < width * width; i++) w.addFloatData(random.nextFloat() - 0.5f);
        Path file = folder.resolve(name);
        Files.write(
                file,
                model(graph(node("MatMul", "x w", "p"), node("Softmax", "p", "y"))
                                .addInput(port("x", F32, ROWS, width))
                                .addInitializer(w))
                        .build()
                        .toByteArray());
        return file;
    }

    private static Tensor input(int width) {
        float[] x = new float[ROWS * width];
        Random random = new Random(7);
        for (int i = 0; i < x.length; i++) x[i] = random.nextFloat() - 0.5f;
        return Tensor.of(x, ROWS, width);
    }

    /** Who helps with a run, and with how much of it, differs from run to run; what comes out does not. */
    @Test
    void runsAtOnceGiveTheSameBits() throws Exception {
        Path file = write("same.onnx", 300);
        Tensor x = input(300);
        try (Meseta meseta = Meseta.open();
                Session session = meseta.load(file).on("cpu").prepare();
                var threads = Executors.newFixedThreadPool(4)) {
            float[] alone = session.run(Map.of("x", x)).get("y").toFloats();
            List<Future<?>> all = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                all.add(threads.submit(() -> {
                    for (int i = 0; i < 100; i++)
                        assertArrayEquals(
                                alone, session.run(Map.of("x", x)).get("y").toFloats());
                }));
            }
            for (Future<?> f : all) f.get();
        }
    }

    /** Sixty models' weights one after the other, of 16 MB each and as much again packed, in a process that never holds a quarter of that. */
    @Test
    void memoryGoesBackWhenASessionGoes() throws Exception {
        int width = 2048;
        Path file = write("large.onnx", width);
        Tensor x = input(width);
        long before = resident();
        long most = 0;
        for (int i = 0; i < 60; i++) {
            try (Meseta meseta = Meseta.open();
                    Session session = meseta.load(file).on("cpu").prepare()) {
                session.run(Map.of("x", x));
            }
            // Another file, whose weights nobody has in memory.
            Path next = folder.resolve("large" + i + ".onnx");
            file = Files.move(file, next);
            System.gc();
            most = Math.max(most, resident() - before);
        }
        assertTrue(most < 480L << 20, "resident memory grew by " + (most >> 20) + " MB");
    }

    private static long resident() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status")))
            if (line.startsWith("VmRSS:")) return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
        throw new IOException("/proc/self/status has no VmRSS");
    }
}
