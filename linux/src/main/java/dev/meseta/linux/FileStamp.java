package dev.meseta.linux;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.CodeSource;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * What tells a file from what it was before, without reading it: its device, number, size, and the times of its last changes. A file that is
 * written, replaced or moved to gets another stamp, unless it was changed twice within the resolution of the file system's clock: a stamp
 * is good for comparison once it is {@link #settled}.
 *
 * @param text equal for equal stamps
 * @param changed the later of the two times that Linux keeps of changes
 */
public record FileStamp(String text, Instant changed) {
    /** File systems count time in steps of up to two seconds. */
    private static final long RESOLUTION_SECONDS = 2;

    private static final class Unknown {
        static final String NAME = UUID.randomUUID().toString();
    }

    /** The stamp of a regular file. */
    public static FileStamp of(Path file) throws IOException {
        Map<String, Object> a = Files.readAttributes(file, "unix:dev,ino,size,isRegularFile,lastModifiedTime,ctime");
        if (!Boolean.TRUE.equals(a.get("isRegularFile"))
                || !(a.get("lastModifiedTime") instanceof FileTime modified)
                || !(a.get("ctime") instanceof FileTime changed))
            throw new IOException(file + " is not a regular file");
        return of(a, modified.toInstant(), changed.toInstant());
    }

    private static FileStamp of(Map<String, Object> a, Instant modified, Instant changed) {
        String text = a.get("dev") + ":" + a.get("ino") + ":" + a.get("size") + ":" + nanoseconds(modified) + ":"
                + nanoseconds(changed);
        return new FileStamp(text, modified.isAfter(changed) ? modified : changed);
    }

    private static String nanoseconds(Instant t) {
        return t.getEpochSecond() + "." + t.getNano();
    }

    /** Whether a file that had this stamp at some time after {@code time} had the same contents at {@code time}. */
    public boolean settled(Instant time) {
        return changed.isBefore(time.minusSeconds(RESOLUTION_SECONDS));
    }

    /**
     * What tells the classes beside some, each for those that were built with it, from another version of them: the stamp of the jar, or of
     * all files of the folder. Where the JVM does not say where classes come from, another one in each process.
     */
    public static String ofClasses(Class<?>... classes) {
        StringBuilder all = new StringBuilder();
        for (Class<?> c : classes) {
            CodeSource source = c.getProtectionDomain().getCodeSource();
            if (source == null || source.getLocation() == null) return Unknown.NAME;
            try {
                Path place = Path.of(source.getLocation().toURI());
                all.append(
                                Files.isDirectory(place)
                                        ? ofFolder(place)
                                        : of(place).text())
                        .append('\n');
            } catch (IOException | URISyntaxException | RuntimeException e) {
                return Unknown.NAME;
            }
        }
        return all.toString();
    }

    private static String ofFolder(Path folder) throws IOException {
        long[] sum = new long[2];
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path f : (Iterable<Path>) files::iterator) {
                sum[0]++;
                sum[1] = sum[1] * 31 + Files.getLastModifiedTime(f).hashCode();
            }
        }
        return folder + ":" + sum[0] + ":" + sum[1];
    }
}
