package dev.meseta.frontends.onnx.operators;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class MersenneTwisterTest {
    /** The C++ standard states the 10,000th number of the generator with its default seed. */
    @Test
    void givesTheStandardsNumber() {
        MersenneTwister twister = new MersenneTwister(5489);
        int last = 0;
        for (int i = 0; i < 10_000; i++) last = twister.bits();
        assertEquals(4123659995L, last & 0xffff_ffffL);
    }

    /** The first numbers that numpy draws after {@code numpy.random.seed(0)}. */
    @Test
    void givesNumpysNumbers() {
        MersenneTwister twister = new MersenneTwister(0);
        assertEquals(0.5488135039273248, twister.uniform());
        assertEquals(0.7151893663724195, twister.uniform());
        assertEquals(0.6027633760716439, twister.uniform());
    }
}
