package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.meseta.Meseta;
import dev.meseta.Session;
import dev.meseta.conformance.JavaProcess;
import dev.meseta.graph.Data;
import dev.meseta.graph.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * With one number of threads a model gives the same bits: in every run, in processes that compiled it by themselves, and in one that found
 * its kernels and plans on disk.
 */
final class SameBitsTest {
    private static final int RUNS = 4;

    @TempDir
    Path folder;

    private int processes;

    private List<String> answers(String cache, int threads, long seed) throws IOException, InterruptedException {
        Path model = RealModelsTest.resource("all-minilm-l6-v2.onnx").toAbsolutePath();
        Process p = JavaProcess.of(
                        SameBitsTest.class.getName(),
                        Map.of(
                                "meseta.cache",
                                folder.resolve(cache).toString(),
                                "meseta.threads",
                                Integer.toString(threads)),
                        folder.resolve("options" + processes++),
                        List.of(model.toString(), Long.toString(seed)))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        List<String> lines = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .toList();
        assertEquals(0, p.waitFor());
        assertEquals(RUNS, lines.size());
        return lines;
    }

    @Test
    void processesAgree() throws IOException, InterruptedException {
        for (int threads : new int[] {1, 2, 3}) {
            String first = "first" + threads;
            List<String> one = answers(first, threads, 1);
            assertEquals(1, one.stream().distinct().count(), threads + " threads, one process: " + one);
            assertEquals(one, answers("second" + threads, threads, 1), threads + " threads, compiled anew");
            assertEquals(one, answers(first, threads, 1), threads + " threads, from disk");
            if (threads == 1) assertNotEquals(one, answers(first, threads, 2), "other words");
        }
    }

    /** Says, run by run, a hash of all results of a sentence embedder. */
    public static void main(String[] arguments) throws Exception {
        Random random = new Random(Long.parseLong(arguments[1]));
        int tokens = 40;
        int batch = 2;
        long[] ids = LongStream.generate(() -> random.nextInt(1000, 30000))
                .limit((long) batch * tokens)
                .toArray();
        long[] ones = new long[ids.length];
        Arrays.fill(ones, 1);
        Map<String, Tensor> inputs = Map.of(
                "input_ids", Tensor.of(ids, batch, tokens),
                "attention_mask", Tensor.of(ones, batch, tokens),
                "token_type_ids", Tensor.of(new long[ids.length], batch, tokens));
        try (Meseta meseta = Meseta.open();
                Session session = meseta.load(Path.of(arguments[0])).prepare()) {
            for (int i = 0; i < RUNS; i++) {
                MessageDigest hash = MessageDigest.getInstance("SHA-256");
                for (Data d : session.run(inputs).all().values())
                    hash.update(((Tensor) d).data().asByteBuffer());
                System.out.println(HexFormat.of().formatHex(hash.digest()));
            }
        }
        // The cache is written beside the work, and must be whole when the process ends.
        System.exit(0);
    }
}
