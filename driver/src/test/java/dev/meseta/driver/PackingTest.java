package dev.meseta.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.Packing.Piece;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Random pieces; {@code -Dmeseta.packing.seed=N} for others. */
final class PackingTest {
    private static final long SEED = Long.getLong("meseta.packing.seed", 1);

    private static List<Piece> pieces(Random random) {
        List<Piece> pieces = new ArrayList<>();
        for (int n = random.nextInt(20); n > 0; n--) {
            int first = random.nextInt(10);
            pieces.add(new Piece(16 * random.nextInt(1, 9), first, first + random.nextInt(4)));
        }
        return pieces;
    }

    @Test
    void nothingOverlapsAndNothingIsWasted() {
        int better = 0;
        for (int n = 0; n < 500; n++) {
            String seed = "-Dmeseta.packing.seed=" + (SEED + n);
            List<Piece> pieces = pieces(new Random(SEED + n));
            Packing once = Packing.of(pieces);
            Packing best = Packing.best(pieces, 50);
            for (Packing p : List.of(once, best)) {
                check(pieces, p, seed);
                assertTrue(p.end() >= Packing.pressure(pieces), seed);
            }
            assertTrue(best.end() <= once.end(), seed);
            if (best.end() < once.end()) better++;
            assertEquals(best.offsets(), Packing.best(pieces, 50).offsets(), seed);
        }
        assertTrue(better > 0, "other orders were never better");
    }

    private static void check(List<Piece> pieces, Packing packing, String seed) {
        long end = 0;
        for (int i = 0; i < pieces.size(); i++) {
            Piece a = pieces.get(i);
            long at = packing.offsets().get(i);
            assertEquals(0, at % 16, seed);
            end = Math.max(end, at + a.bytes());
            for (int j = 0; j < i; j++) {
                Piece b = pieces.get(j);
                long other = packing.offsets().get(j);
                boolean meet = a.first() <= b.last() && b.first() <= a.last();
                boolean apart = at + a.bytes() <= other || other + b.bytes() <= at;
                assertTrue(!meet || apart, seed + ": pieces " + j + " and " + i);
            }
        }
        assertEquals(end, packing.end(), seed);
    }

    @Test
    void whatIsInUseAfterEachOtherSharesAPlace() {
        List<Piece> pieces = List.of(new Piece(64, 0, 1), new Piece(64, 2, 3), new Piece(32, 1, 2));
        Packing p = Packing.of(pieces);
        assertEquals(List.of(0L, 0L, 64L), p.offsets());
        assertEquals(96, p.end());
        assertEquals(96, Packing.pressure(pieces));
        assertEquals(0, Packing.best(List.of(), 9).end());
    }
}
