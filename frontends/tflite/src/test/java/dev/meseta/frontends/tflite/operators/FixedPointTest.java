package dev.meseta.frontends.tflite.operators;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.meseta.frontends.tflite.operators.FixedPoint.Multiplier;
import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.interpreter.Interpreter;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The arithmetic of quantised operators against its definition, step by step. */
class FixedPointTest {
    @Test
    void multipliersAreNearest() {
        assertEquals(new Multiplier(1 << 30, 1), Multiplier.of(1));
        assertEquals(new Multiplier(1 << 30, 0), Multiplier.of(0.5));
        assertEquals(new Multiplier(0, 0), Multiplier.of(0));
        assertEquals(new Multiplier(1717986918, -3), Multiplier.of(0.1));
        assertEquals(new Multiplier(1 << 30, 1), Multiplier.of(Math.nextDown(1.0)));
        assertEquals(new Multiplier(0, 0), Multiplier.of(0x1p-34));
    }

    @Test
    void productsAreRoundedTwice() {
        Random random = new Random(1);
        for (int i = 0; i < 300; i++) {
            Multiplier m = Multiplier.of(Math.exp(random.nextDouble(-16, 2)));
            int[] x = new int[64];
            for (int k = 0; k < x.length; k++) x[k] = random.nextInt() >> random.nextInt(8, 32);
            GraphBuilder b = new GraphBuilder("test", Interpreter::evaluate);
            Tensor y = b.known(FixedPoint.times(b, b.constant(Tensor.of(x, x.length)), m));
            for (int k = 0; k < x.length; k++) assertEquals(twice(x[k], m), y.getLong(k), x[k] + " times " + m);
        }
    }

    /** By the words of the definition. */
    private static long twice(int x, Multiplier m) {
        int left = Math.max(0, m.shift());
        int right = Math.max(0, -m.shift());
        long product = (long) (x << left) * m.mantissa();
        long nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30);
        int high = (int) ((product + nudge) / (1L << 31));
        int mask = (int) ((1L << right) - 1);
        int rest = high & mask;
        int threshold = (mask >> 1) + (high < 0 ? 1 : 0);
        return (high >> right) + (rest > threshold ? 1 : 0);
    }

    @Test
    void wideSumsAreRoundedOnce() {
        Random random = new Random(2);
        for (int i = 0; i < 300; i++) {
            Multiplier m = Multiplier.of(Math.exp(random.nextDouble(-12, 0)));
            long x = random.nextLong() >> random.nextInt(20, 60);
            GraphBuilder b = new GraphBuilder("test", Interpreter::evaluate);
            Tensor y = b.known(FixedPoint.timesWide(b, b.scalar(DType.I64, x), new Multiplier[] {m}));
            long reduced = m.mantissa() < 0x7fff0000 ? (m.mantissa() + (1 << 15)) >> 16 : 0x7fff;
            assertEquals((int) (x * reduced + (1L << 14 - m.shift()) >> 15 - m.shift()), y.getLong(0));
        }
    }
}
