package dev.meseta.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ResultMemoryTest {
    @Test
    void liesApart() {
        long seed = Long.getLong("seed", 1);
        Random random = new Random(seed);
        List<MemorySegment> pieces = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            long bytes = 1 + random.nextInt(3 << 20);
            MemorySegment m = ResultMemory.allocate(bytes);
            assertEquals(bytes, m.byteSize());
            assertEquals(0, m.address() % 64);
            m.fill((byte) (i + 1));
            pieces.add(m);
        }
        for (int i = 0; i < pieces.size(); i++) {
            MemorySegment m = pieces.get(i);
            assertEquals((byte) (i + 1), m.get(ValueLayout.JAVA_BYTE, 0), "replay with -Dseed=" + seed);
            assertEquals((byte) (i + 1), m.get(ValueLayout.JAVA_BYTE, m.byteSize() - 1), "replay with -Dseed=" + seed);
        }
    }

    /** A fifth of it is never there at once if nobody keeps it: how soon what is forgotten comes back is the JVM's affair. */
    @Test
    void whatIsForgottenGoesBack() {
        forget(1280, 4 << 20);
    }

    @Test
    void piecesThatAreForgottenGoBack() {
        forget(20_480, 256 << 10);
    }

    private static void forget(int count, long bytes) {
        long most = 0;
        for (int i = 0; i < count; i++) {
            MemorySegment m = ResultMemory.allocate(bytes);
            m.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
            most = Math.max(most, ResultMemory.outstanding());
        }
        assertTrue(most <= 1L << 30, most + " bytes at once");
        assertTrue(ResultMemory.idle() <= 64L << 20, ResultMemory.idle() + " bytes kept");
    }
}
