package dev.meseta.drivers.vulkan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.meseta.driver.DeviceException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which memory is used, and what is copied where the host does not reach what kernels work on. */
class StagingTest {
    private static final int LOCAL = MemoryType.LOCAL;
    private static final int MAPPED = MemoryType.MAPPED;
    private static final int CACHED = MAPPED | MemoryType.CACHED;
    private static final int PROTECTED = 0x20;
    private static final int ALL = -1;
    private static final long GIB = 1L << 30;

    private static void check(List<MemoryType> reported, int allowed, int forKernels, int forHost) {
        assertEquals(forKernels, MemoryType.choose(reported, allowed, true).number(), "for kernels, of " + reported);
        assertEquals(forHost, MemoryType.choose(reported, allowed, false).number(), "for the host, of " + reported);
    }

    @Test
    void aCardWithAWindowUsesItsLargeMemory() {
        List<MemoryType> card = List.of(
                new MemoryType(0, LOCAL, 8 * GIB),
                new MemoryType(1, MAPPED, 16 * GIB),
                new MemoryType(2, LOCAL | MAPPED, GIB / 4),
                new MemoryType(3, CACHED, 16 * GIB),
                new MemoryType(4, LOCAL | PROTECTED, 24 * GIB));
        check(card, ALL, 0, 3);
        // Without its large memory the window is still the device's own.
        check(card, 0b1110, 2, 3);
        check(card, 0b0110, 2, 1);
    }

    @Test
    void whatIsAllWithinReachIsMapped() {
        check(
                List.of(
                        new MemoryType(0, 0, 32 * GIB),
                        new MemoryType(1, LOCAL, 24 * GIB),
                        new MemoryType(2, MAPPED, 32 * GIB),
                        new MemoryType(3, CACHED, 32 * GIB),
                        new MemoryType(4, LOCAL | MAPPED, 24 * GIB)),
                ALL,
                4,
                3);
        check(List.of(new MemoryType(0, LOCAL | CACHED, 2 * GIB)), ALL, 0, 0);
    }

    @Test
    void noneThatWillDoIsSaid() {
        List<MemoryType> types = List.of(new MemoryType(0, LOCAL, GIB));
        assertThrows(DeviceException.class, () -> MemoryType.choose(types, ALL, false));
        assertThrows(DeviceException.class, () -> MemoryType.choose(types, 0b10, true));
    }

    @Test
    void commandListsRunThroughCopies() {
        CommandListTest.on(KernelRunner.staged()).all();
    }
}
