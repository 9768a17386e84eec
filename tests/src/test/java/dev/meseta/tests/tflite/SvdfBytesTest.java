package dev.meseta.tests.tflite;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.meseta.frontends.tflite.TfliteReader;
import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.tests.tflite.OneOperator.Scale;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * SVDF whose state is bytes, which TFLite has for microcontrollers alone: as long as nothing saturates it is the one of words, which is
 * compared with TFLite's.
 */
final class SvdfBytesTest {
    private static final int CASES = 20;

    @Test
    void isTheOneOfWords() {
        for (int seed = 0; seed < CASES; seed++) {
            long[] words = results(seed, DType.I16);
            assertArrayEquals(words, results(seed, DType.I8), "seed " + seed);
        }
    }

    /** A result and its state, which the second of two runs begins with. */
    private static long[] results(int seed, DType kind) {
        Draws d = new Draws(new Random(seed));
        int rank = d.between(1, 2);
        long units = d.between(1, 5);
        long filters = rank * units;
        long width = d.between(1, 7);
        long memory = d.between(2, 6);
        OneOperator m = new OneOperator("SVDF", 3)
                .with(0, rank)
                .with(1, (byte) 1)
                .input(d.integers(DType.I8, -20, 20, 1, width), Scale.of(0.05, 0))
                .constant(d.integers(DType.I8, -20, 20, filters, width), Scale.of(0.02, 0))
                .constant(d.integers(kind, -100, 100, filters, memory), Scale.of(0.005, 0))
                .constant(d.integers(DType.I32, -500, 500, units), Scale.of(0.005 * 0.04, 0))
                .variable(kind, new long[] {1, filters * memory}, Scale.of(0.04, 0))
                .output(DType.I8, Scale.of(0.05, 3), 1, units);
        var program = TfliteReader.read(MemorySegment.ofArray(m.bytes()));
        List<Tensor> first = TfliteOperatorsTest.ours(program, "cpu", m.values);
        List<Tensor> second = TfliteOperatorsTest.ours(program, "cpu", List.of(m.values.get(0), first.get(1)));
        return second.stream()
                .flatMapToLong(t -> LongStream.range(0, t.elements()).map(t::getLong))
                .toArray();
    }
}
