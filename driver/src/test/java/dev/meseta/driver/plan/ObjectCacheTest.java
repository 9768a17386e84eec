package dev.meseta.driver.plan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ObjectCacheTest {
    private static final byte[] OBJECT = {1, 2, 3, 4, 5};

    @TempDir
    Path folder;

    @Test
    void keepsWhatItIsGiven() throws IOException {
        ObjectCache cache = new ObjectCache(Optional.of(folder.resolve("deep/er")));
        assertTrue(cache.find("a").isEmpty());
        cache.put("a", OBJECT);
        assertArrayEquals(OBJECT, cache.find("a").orElseThrow());
        assertTrue(cache.find("b").isEmpty());
        try (Stream<Path> files = Files.list(folder.resolve("deep/er"))) {
            assertEquals(1, files.count(), "no part is left behind");
        }
    }

    @Test
    void doesNotTrustADamagedEntry() throws IOException {
        ObjectCache cache = new ObjectCache(Optional.of(folder));
        cache.put("a", OBJECT);
        byte[] whole = Files.readAllBytes(folder.resolve("a"));
        for (int length = 0; length < whole.length; length++) {
            Files.write(folder.resolve("a"), java.util.Arrays.copyOf(whole, length));
            assertTrue(cache.find("a").isEmpty(), "cut to " + length + " bytes");
        }
        for (int i = 0; i < whole.length; i++) {
            byte[] flipped = whole.clone();
            flipped[i] ^= 0x10;
            Files.write(folder.resolve("a"), flipped);
            assertTrue(cache.find("a").isEmpty(), "byte " + i + " changed");
        }
        cache.put("a", OBJECT);
        assertArrayEquals(OBJECT, cache.find("a").orElseThrow());
    }

    @Test
    void aFolderThatCannotBeWrittenIsNoError() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "not a folder");
        ObjectCache cache = new ObjectCache(Optional.of(file));
        cache.put("a", OBJECT);
        assertTrue(cache.find("a").isEmpty());
        ObjectCache none = new ObjectCache(Optional.empty());
        none.put("a", OBJECT);
        assertTrue(none.find("a").isEmpty());
    }
}
