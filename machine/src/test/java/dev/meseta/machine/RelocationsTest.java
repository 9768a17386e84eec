package dev.meseta.machine;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/** Instructions before and after; the encodings are those of the processors' manuals. */
class RelocationsTest {
    private static final long PAGE = 4096;

    @AutoClose
    private final Arena arena = Arena.ofConfined();

    private final MemorySegment memory = arena.allocate(4 * PAGE, PAGE);

    private void arm(int type, int before, long distance, int after) {
        memory.set(JAVA_INT_UNALIGNED, PAGE, before);
        Relocations.apply(ElfObject.AARCH64, type, memory, PAGE, memory.address() + PAGE + distance);
        int found = memory.get(JAVA_INT_UNALIGNED, PAGE);
        assertEquals(Integer.toHexString(after), Integer.toHexString(found), "type " + type + ", " + distance);
    }

    @Test
    void armBranches() {
        arm(283, 0x94000000, 4, 0x94000001); // bl .+4
        arm(283, 0x94000000, -4, 0x97ffffff); // bl .-4
        arm(282, 0x14000000, 0x7fffffc, 0x15ffffff); // b, the farthest forward
        assertThrows(IllegalArgumentException.class, () -> arm(283, 0x94000000, 0x8000000, 0));
    }

    @Test
    void armPages() {
        arm(275, 0x90000000, PAGE, 0xb0000000); // adrp x0, the next page
        arm(275, 0x90000000, 4 * PAGE + 5, 0x90000020); // adrp x0, four pages on
        arm(275, 0x90000001, -1, 0xf0ffffe1); // adrp x1, the page before
        assertThrows(IllegalArgumentException.class, () -> arm(275, 0x90000000, 1L << 32, 0));
    }

    @Test
    void armOffsetsInPages() {
        arm(277, 0x91000000, 0x123, 0x91048c00); // add x0, x0, #0x123
        arm(278, 0x39400000, 0x123, 0x39448c00); // ldrb w0, [x0, #0x123]
        arm(284, 0x79400000, 0x122, 0x79424400); // ldrh w0, [x0, #0x122]
        arm(285, 0xbd400000, 0x124, 0xbd412400); // ldr s0, [x0, #0x124]
        arm(286, 0xfd400000, 0x128, 0xfd409400); // ldr d0, [x0, #0x128]
        arm(299, 0x3dc00000, 0x130, 0x3dc04c00); // ldr q0, [x0, #0x130]
        assertThrows(IllegalArgumentException.class, () -> arm(299, 0x3dc00000, 0x138, 0));
    }

    @Test
    void distances() {
        for (int[] kind : new int[][] {{ElfObject.X86_64, 2}, {ElfObject.X86_64, 4}, {ElfObject.AARCH64, 261}}) {
            long address = memory.address() + 100 - 30;
            Relocations.apply(kind[0], kind[1], memory, 100, address);
            assertEquals(-30, memory.get(JAVA_INT_UNALIGNED, 100));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> Relocations.apply(kind[0], kind[1], memory, 100, address + (1L << 32)));
        }
    }

    @Test
    void addresses() {
        for (int[] kind : new int[][] {{ElfObject.X86_64, 1}, {ElfObject.AARCH64, 257}}) {
            Relocations.apply(kind[0], kind[1], memory, 100, 0x123456789abcdef0L);
            assertEquals(0x123456789abcdef0L, memory.get(JAVA_LONG_UNALIGNED, 100));
        }
    }

    @Test
    void jumps() {
        Relocations.jump(ElfObject.AARCH64, memory, 0, 0x1122334455667788L);
        assertEquals(0x58000050, memory.get(JAVA_INT_UNALIGNED, 0)); // ldr x16, .+8
        assertEquals(0xd61f0200, memory.get(JAVA_INT_UNALIGNED, 4)); // br x16
        assertEquals(0x1122334455667788L, memory.get(JAVA_LONG_UNALIGNED, 8));
        Relocations.jump(ElfObject.X86_64, memory, 0, 0x1122334455667788L);
        assertEquals(0x000225ff, memory.get(JAVA_INT_UNALIGNED, 0)); // jmp *2(%rip)
        assertEquals(0x1122334455667788L, memory.get(JAVA_LONG_UNALIGNED, 8));
    }

    @Test
    void whatIsUnknownIsRefused() {
        for (int machine : new int[] {ElfObject.X86_64, ElfObject.AARCH64, 3})
            assertThrows(IllegalArgumentException.class, () -> Relocations.apply(machine, 999, memory, 0, 0));
    }
}
