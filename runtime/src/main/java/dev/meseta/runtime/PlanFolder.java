package dev.meseta.runtime;

import dev.meseta.linux.LargeMemory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;

/**
 * A folder of {@link SectionFile}s that several processes share. Files appear whole (written beside, then renamed) and are never changed; one
 * that goes stays readable for who has it mapped. What has not been used for longest goes first.
 */
final class PlanFolder {
    private static final String PART = ".part";
    private static final long HOUR = 3600;
    private static final long LONGEST = 60L * 24 * HOUR;

    /** Files of so much together stay. */
    private static final long MOST_BYTES = 4L << 30;

    private final Path folder;
    private final long most;

    PlanFolder(Path folder) {
        this(folder, MOST_BYTES);
    }

    PlanFolder(Path folder, long most) {
        this.folder = folder;
        this.most = most;
    }

    /** The most that one file may have. */
    long largest() {
        return most / 4;
    }

    /** A file name for a key of any length: two keys have the same name hardly ever, and files hold their keys. */
    static String name(String key, String kind) {
        byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
        return hash(bytes, 0x9e37_79b9_7f4a_7c15L) + hash(bytes, 0xc2b2_ae3d_27d4_eb4fL) + kind;
    }

    private static String hash(byte[] bytes, long seed) {
        long h = seed;
        for (byte b : bytes) {
            h = (h ^ b & 0xff) * 0x0000_0100_0000_01b3L;
            h ^= h >>> 29;
        }
        String digits = Long.toHexString(h);
        return "0".repeat(16 - digits.length()) + digits;
    }

    /** Reads a file into memory. */
    SectionFile read(String name) throws IOException {
        Path file = folder.resolve(name);
        SectionFile sections = SectionFile.of(MemorySegment.ofArray(Files.readAllBytes(file)));
        touch(file);
        return sections;
    }

    /** Maps a file. */
    SectionFile map(String name) throws IOException {
        Path file = folder.resolve(name);
        MemorySegment bytes;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
        }
        touch(file);
        return SectionFile.of(bytes);
    }

    /** The contents of all sections of a file, in memory that is fast to read in order. */
    List<MemorySegment> load(String name) throws IOException {
        Path file = folder.resolve(name);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            List<MemorySegment> sections = SectionFile.load(channel, LargeMemory::allocate);
            touch(file);
            return sections;
        }
    }

    /** The names of files that begin and end so. */
    List<String> list(String prefix, String kind) throws IOException {
        List<String> names = new ArrayList<>();
        if (!Files.isDirectory(folder)) return names;
        try (DirectoryStream<Path> all = Files.newDirectoryStream(folder, prefix + "*" + kind)) {
            for (Path f : all) names.add(f.getFileName().toString());
        }
        return names;
    }

    private static void touch(Path file) throws IOException {
        Instant now = Instant.now();
        if (Files.getLastModifiedTime(file).toInstant().isBefore(now.minusSeconds(HOUR)))
            Files.setLastModifiedTime(file, FileTime.from(now));
    }

    /** Adds or replaces a file. */
    void write(String name, List<SectionFile.Section> sections) throws IOException {
        Files.createDirectories(folder);
        Path part = folder.resolve(UUID.randomUUID() + PART);
        try {
            SectionFile.write(part, sections);
            Files.move(part, folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    boolean has(String name) {
        return Files.exists(folder.resolve(name));
    }

    void delete(String name) throws IOException {
        Files.deleteIfExists(folder.resolve(name));
    }

    private record Entry(Path file, Instant lastUse, long bytes) {}

    /** Deletes what is too old, or too much. */
    void clean() throws IOException {
        List<Entry> entries = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
            for (Path f : all) {
                try {
                    BasicFileAttributes a = Files.readAttributes(f, BasicFileAttributes.class);
                    entries.add(new Entry(f, a.lastModifiedTime().toInstant(), a.size()));
                } catch (NoSuchFileException e) {
                    // Another process was faster.
                }
            }
        }
        entries.sort(Comparator.comparing(Entry::lastUse));
        Instant now = Instant.now();
        Instant oldest = now.minusSeconds(LONGEST);
        long total = entries.stream().mapToLong(Entry::bytes).sum();
        for (Entry e : entries) {
            // Whoever wrote a part has given up.
            boolean left = e.file.toString().endsWith(PART) && e.lastUse.isBefore(now.minusSeconds(HOUR));
            if (total <= most && e.lastUse.isAfter(oldest) && !left) continue;
            Files.deleteIfExists(e.file);
            total -= e.bytes;
        }
    }
}
