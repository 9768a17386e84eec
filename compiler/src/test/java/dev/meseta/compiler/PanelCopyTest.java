package dev.meseta.compiler;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PanelCopyTest {
    /**
     * Columns behind each other or far apart, a constant that fits into an array, one of which a panel does, and one of which neither does.
     */
    @ParameterizedTest
    @CsvSource({"1, 40, 0", "37, 1, 0", "1, 40, 5000000", "37, 1, 5000000", "1, 40000, 5000000"})
    void copies(long step, long rowStep, long unused) {
        long[] extents = {9, 4};
        long[] steps = {4 * rowStep, rowStep};
        long width = 6;
        int stride = 8;
        long elements = 2000 + 5 * step + 36 * rowStep + unused;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment from = arena.allocate(ValueLayout.JAVA_INT, elements);
            for (int i = 0; i < elements; i++) from.setAtIndex(ValueLayout.JAVA_INT, i, i);
            MemorySegment to = arena.allocate(ValueLayout.JAVA_INT, 2 * 36 * stride);
            PanelCopy copy = new PanelCopy(from, to, 4, extents, steps, width, step, stride);
            copy.panel(0, 3);
            copy.panel(1, 1000);
            for (int p = 0; p < 2; p++)
                for (int row = 0; row < 36; row++)
                    for (int c = 0; c < stride; c++)
                        assertEquals(
                                c < width ? (p == 0 ? 3 : 1000) + row * rowStep + c * step : 0,
                                to.getAtIndex(ValueLayout.JAVA_INT, (p * 36L + row) * stride + c),
                                p + " " + row + " " + c);
        }
    }
}
