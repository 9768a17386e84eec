package dev.meseta.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class HostMemoryTest {
    private static long openFiles() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
            return files.count();
        }
    }

    @Test
    void anonymousMemoryIsZeroAndAligned() {
        try (HostMemory m = HostMemory.anonymous(10_000)) {
            assertEquals(10_000, m.segment().byteSize());
            assertEquals(0, m.segment().address() % HostMemory.PAGE_BYTES);
            for (long i = 0; i < 2500; i++) assertEquals(0, m.segment().getAtIndex(JAVA_INT, i));
            assertEquals(-1, m.descriptor());
        }
    }

    @Test
    void twoMappingsOfOneDescriptorShareTheirBytes() {
        try (HostMemory a = HostMemory.shareable("test", 100);
                HostMemory b = HostMemory.open(a.descriptor(), 100, true)) {
            a.segment().set(JAVA_INT, 96, 7);
            assertEquals(7, b.segment().get(JAVA_INT, 96));
            b.segment().set(JAVA_INT, 0, 8);
            assertEquals(8, a.segment().get(JAVA_INT, 0));
            assertTrue(a.segment().address() != b.segment().address());
        }
    }

    @Test
    void whatIsOpenedForReadingCannotBeWritten() {
        try (HostMemory a = HostMemory.shareable("test", 64);
                HostMemory b = HostMemory.open(a.descriptor(), 64, false)) {
            assertTrue(b.segment().isReadOnly());
            assertThrows(IllegalArgumentException.class, () -> b.segment().set(JAVA_INT, 0, 1));
        }
    }

    @Test
    void aDescriptorThatHoldsLessIsRefused() {
        try (HostMemory a = HostMemory.shareable("test", 64)) {
            String message = assertThrows(
                            IllegalArgumentException.class, () -> HostMemory.open(a.descriptor(), 5000, true))
                    .getMessage();
            assertTrue(message.contains("holds 4096 bytes, 5000 are needed"), message);
        }
    }

    @Test
    void whatCouldShrinkOrIsNoMemoryIsRefused() throws IOException {
        UnixSocket.Pair pair = UnixSocket.pair();
        try (UnixSocket one = pair.one();
                UnixSocket other = pair.other()) {
            one.send(new byte[] {1}, 0);
            Descriptor stdin = other.receive(10).descriptors().getFirst();
            assertThrows(SystemCallException.class, () -> HostMemory.open(stdin.number(), 1, false));
            stdin.close();
        }
        assertThrows(SystemCallException.class, () -> HostMemory.open(100_000, 1, false));
        try (Arena arena = Arena.ofConfined();
                Descriptor unsealed = Descriptor.own((int) LibC.function("memfd_create")
                        .call("making memory", arena.allocateFrom("unsealed").address(), 2))) {
            LibC.function("ftruncate").call("growing it", unsealed.number(), 4096);
            String message = assertThrows(
                            IllegalArgumentException.class, () -> HostMemory.open(unsealed.number(), 4096, false))
                    .getMessage();
            assertTrue(message.contains("F_SEAL_SHRINK"), message);
        }
    }

    @Test
    void sizesOutOfRangeAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> HostMemory.anonymous(-1));
        assertThrows(IllegalArgumentException.class, () -> HostMemory.shareable("test", Long.MAX_VALUE));
        SystemCallException e = assertThrows(SystemCallException.class, () -> HostMemory.anonymous(1L << 60));
        assertTrue(e.getMessage().contains("ENOMEM"), e.getMessage());
    }

    @Test
    void nothingStaysOpen() throws IOException {
        HostMemory.shareable("warm", 1).close();
        long before = openFiles();
        for (int i = 0; i < 2000; i++) {
            HostMemory a = HostMemory.shareable("test", 4096);
            HostMemory.open(a.descriptor(), 4096, true).close();
            a.close();
            a.close();
            assertThrows(IllegalArgumentException.class, () -> HostMemory.shareable("test", -1));
        }
        assertEquals(before, openFiles());
    }
}
