package dev.meseta.driver.plan;

import dev.meseta.graph.CacheFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/**
 * What a driver compiled, on disk, by a key that names all that it was made of. Every entry begins with the SHA-256 of the rest:
 * a damaged one is as good as none. Files appear whole (written beside, then renamed), so several processes may share a folder. A folder
 * that cannot be read or written costs time, and nothing else.
 */
public final class ObjectCache {
    private static final int DIGEST_BYTES = 32;

    /** An entry whose last use is older is deleted, once a process. */
    private static final int DAYS = 60;

    private static final int MOST_ENTRIES = 20_000;

    private final Optional<Path> folder;
    private final AtomicBoolean cleaned = new AtomicBoolean();

    /** @param folder where entries are, or empty for a cache that keeps nothing */
    public ObjectCache(Optional<Path> folder) {
        this.folder = folder;
    }

    /** In a folder of that which {@link CacheFolder#configured} names. */
    public static ObjectCache configured(String name) {
        return new ObjectCache(CacheFolder.configured().map(base -> base.resolve(name)));
    }

    /** What is under a key, if it is there and whole. */
    public Optional<byte[]> find(String key) {
        if (folder.isEmpty()) return Optional.empty();
        Path file = folder.get().resolve(key);
        try {
            if (!Files.isRegularFile(file)) return Optional.empty();
            byte[] entry = Files.readAllBytes(file);
            if (entry.length <= DIGEST_BYTES) return Optional.empty();
            byte[] object = Arrays.copyOfRange(entry, DIGEST_BYTES, entry.length);
            if (!Arrays.equals(entry, 0, DIGEST_BYTES, digest(object), 0, DIGEST_BYTES)) {
                System.getLogger(ObjectCache.class.getName())
                        .log(System.Logger.Level.DEBUG, "what is kept in {0} is damaged and is made again", file);
                return Optional.empty();
            }
            // The time of the last use decides what is deleted.
            Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
            return Optional.of(object);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Keeps something. */
    public void put(String key, byte[] object) {
        if (folder.isEmpty()) return;
        Path into = folder.get();
        try {
            Files.createDirectories(into);
            if (cleaned.compareAndSet(false, true)) clean(into);
            Path part = Files.createTempFile(into, key, ".part");
            try {
                byte[] entry = Arrays.copyOf(digest(object), DIGEST_BYTES + object.length);
                System.arraycopy(object, 0, entry, DIGEST_BYTES, object.length);
                Files.write(part, entry);
                Files.move(part, into.resolve(key), StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            System.getLogger(ObjectCache.class.getName())
                    .log(System.Logger.Level.DEBUG, "nothing could be kept in {0}: {1}", into, e);
        }
    }

    private record Entry(Path file, Instant lastUse) {}

    private static void clean(Path folder) throws IOException {
        Instant oldest = Instant.now().minusSeconds(DAYS * 86_400L);
        List<Entry> entries;
        // Times are read once: other threads and processes change them meanwhile.
        try (Stream<Path> list = Files.list(folder)) {
            entries = list.map(file -> new Entry(file, lastUse(file)))
                    .sorted(Comparator.comparing(Entry::lastUse))
                    .toList();
        }
        int excess = entries.size() - MOST_ENTRIES;
        for (int i = 0; i < entries.size(); i++) {
            if (i >= excess && entries.get(i).lastUse().isAfter(oldest)) return;
            Files.deleteIfExists(entries.get(i).file());
        }
    }

    /** Another process may have deleted the file: then it is old. */
    private static Instant lastUse(Path file) {
        try {
            return Files.getLastModifiedTime(file).toInstant();
        } catch (IOException e) {
            return Instant.EPOCH;
        }
    }

    private static byte[] digest(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
