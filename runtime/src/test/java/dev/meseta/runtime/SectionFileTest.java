package dev.meseta.runtime;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.StreamCorruptedException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SectionFileTest {
    @TempDir
    Path folder;

    private static MemorySegment bytes(int... values) {
        byte[] b = new byte[values.length];
        for (int i = 0; i < b.length; i++) b[i] = (byte) values[i];
        return MemorySegment.ofArray(b);
    }

    private byte[] written() throws IOException {
        byte[] page = new byte[5000];
        Arrays.fill(page, (byte) 7);
        Path file = folder.resolve("file");
        SectionFile.write(
                file,
                List.of(
                        new SectionFile.Section(1, bytes(1, 2, 3)),
                        new SectionFile.Section(2, bytes()),
                        new SectionFile.Section(3, List.of(bytes(4), MemorySegment.ofArray(page), bytes(5, 6)))));
        return Files.readAllBytes(file);
    }

    @Test
    void sectionsAreReadAsTheyWereWritten() throws IOException {
        SectionFile file = SectionFile.of(MemorySegment.ofArray(written()));
        assertEquals(3, file.count());
        assertArrayEquals(new byte[] {1, 2, 3}, file.tagged(1).toArray(JAVA_BYTE));
        assertEquals(0, file.tagged(2).byteSize());
        MemorySegment parts = file.tagged(3);
        assertEquals(4, parts.get(JAVA_BYTE, 0));
        assertEquals(7, parts.get(JAVA_BYTE, 64));
        assertEquals(7, parts.get(JAVA_BYTE, 64 + 4999));
        assertEquals(5, parts.get(JAVA_BYTE, SectionFile.aligned(64 + 5000)));
        assertThrows(IOException.class, () -> file.tagged(4));
    }

    @Test
    void sectionsOfAPageBeginAtOne() throws IOException {
        Path file = folder.resolve("mapped");
        Files.write(file, written());
        PlanFolder plans = new PlanFolder(folder);
        SectionFile mapped = plans.map("mapped");
        assertEquals(0, mapped.get(2).address() % 4096);
        assertEquals(0, mapped.get(0).address() % SectionFile.ALIGNMENT);
    }

    /** A file that was cut off or in which any byte is another is refused, or the section that the byte is in is. */
    @Test
    void damageIsSeen() throws IOException {
        byte[] whole = written();
        for (int length = 0; length < whole.length; length++) {
            MemorySegment cut = MemorySegment.ofArray(Arrays.copyOf(whole, length));
            assertThrows(IOException.class, () -> SectionFile.of(cut));
        }
        byte[] longer = Arrays.copyOf(whole, whole.length + 1);
        assertThrows(IOException.class, () -> SectionFile.of(MemorySegment.ofArray(longer)));
        int harmless = 0;
        for (int i = 0; i < whole.length; i++) {
            byte[] flipped = whole.clone();
            flipped[i] ^= 0x20;
            try {
                SectionFile file = SectionFile.of(MemorySegment.ofArray(flipped));
                for (int s = 0; s < file.count(); s++) file.get(s);
                harmless++;
            } catch (IOException _) {
                // Seen.
            }
        }
        // Between sections are bytes that mean nothing, for who does not look at the whole file.
        assertEquals(gaps(whole), harmless);
    }

    /** Who verifies a file trusts every byte of it. */
    @Test
    void everyBitOfAVerifiedFileMatters() throws IOException {
        byte[] whole = written();
        SectionFile.of(MemorySegment.ofArray(whole)).verify();
        for (int i = 0; i < whole.length; i++) {
            byte[] flipped = whole.clone();
            flipped[i] ^= (byte) (1 << i % 8);
            assertThrows(
                    StreamCorruptedException.class,
                    () -> SectionFile.of(MemorySegment.ofArray(flipped)).verify(),
                    "byte " + i);
        }
    }

    private static int gaps(byte[] whole) throws IOException {
        SectionFile file = SectionFile.of(MemorySegment.ofArray(whole));
        long used = 32 + 32L * file.count();
        for (int s = 0; s < file.count(); s++) used += file.bytes(s);
        return (int) (whole.length - used);
    }
}
