package dev.meseta.tests.tflite;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.conformance.TestData;
import dev.meseta.frontends.tflite.TfliteReader;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.tests.ModelAttempt;
import dev.meseta.tests.tflite.FlatBufferWriter.Table;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Models with mistakes in them: each is refused with one message, or is a program, which runs where it is little work. Random models of one
 * operator each, and real ones. {@code -Dmeseta.tflite.mutations=1000000} for many, {@code -Dmeseta.tflite.seed=N} for others,
 * {@code -Dmeseta.tflite.mutant=K} for one of them alone: what fails says both numbers.
 */
final class MutatedModelsTest {
    private static final int MUTATIONS = Integer.getInteger("meseta.tflite.mutations", 4_000);
    private static final long SEED = Long.getLong("meseta.tflite.seed", 1);
    private static final int ONE = Integer.getInteger("meseta.tflite.mutant", -1);

    /** One of so many is of a real model, which takes longer to read. */
    private static final int REAL = 20;

    /** Elements that the interpreter may read for one of them. */
    private static final double WORK = 1e6;

    /** For all of them, by far: what is slower than this does not end. */
    private static final long MINUTES = 30;

    private static final List<String> MODELS = List.of(
            "mlperf-tiny/kws_int8.tflite",
            "mlperf-tiny/resnet8_cifar10_int8.tflite",
            "mobilenet_v1/mobilenet_v1_0.25_128_quant.tflite");

    private volatile int current;

    @Test
    @Timeout(value = MINUTES, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void damagedModelsAreRefusedOrRun() throws IOException {
        List<byte[]> real = new ArrayList<>();
        if (TestData.ofThisMachine().shared() instanceof TestData.Found found) {
            for (String m : MODELS)
                real.add(Files.readAllBytes(found.folder().resolve("models").resolve(m)));
        }
        List<OperatorRows.Row> rows = OperatorRows.all();
        int ran = 0;
        int programs = 0;
        int first = ONE < 0 ? 0 : ONE;
        int end = ONE < 0 ? MUTATIONS : ONE + 1;
        for (int i = first; i < end; i++) {
            Random random = new Random(SEED * 1_000_003 + i);
            OperatorRows.Row row = rows.get(random.nextInt(rows.size()));
            byte[] mutant = mutant(random, row, i % REAL == 0 ? real : List.of());
            try {
                Boolean complete = attempt(mutant);
                if (complete != null) programs++;
                if (Boolean.TRUE.equals(complete)) ran++;
            } catch (Throwable e) {
                throw new AssertionError(
                        "-Dmeseta.tflite.seed=" + SEED + " -Dmeseta.tflite.mutant=" + i + " (" + row.name() + "): " + e,
                        e);
            }
        }
        System.out.println("seed " + SEED + ": of " + (end - first) + " damaged models " + ran + " ran, "
                + (programs - ran) + " are programs that were not run, the rest was refused");
        if (ONE >= 0) return;
        assertTrue(ran > MUTATIONS / 20 && programs < MUTATIONS * 19 / 20, ran + " ran of " + programs + " programs");
    }

    /** Some of the random models are damaged as tables, all others as files. */
    private static byte[] mutant(Random random, OperatorRows.Row row, List<byte[]> real) {
        ModelMutations mutations = new ModelMutations(random.nextLong());
        if (!real.isEmpty()) return mutations.of(real.get(random.nextInt(real.size())));
        OneOperator operator = row.draw().apply(new Draws(random));
        Table model = operator.model();
        if (random.nextInt(4) == 0) return mutations.of(OneOperator.bytes(model));
        mutations.damage(model, operator.options());
        return OneOperator.bytes(model);
    }

    /** Whether it ran to its end; null if it was refused. Whatever is thrown but a refusal is a failure. */
    private static Boolean attempt(byte[] model) {
        try {
            return ModelAttempt.run(TfliteReader.read(MemorySegment.ofArray(model)), WORK);
        } catch (InvalidInputException e) {
            assertFalse(String.valueOf(e.getMessage()).isBlank());
            return null;
        }
    }
}
