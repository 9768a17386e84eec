package dev.meseta.compiler.llvm;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import java.util.zip.CRC32;

/**
 * A checksum of this module's classes. What the emitter makes of a kernel changes when its code does, and with the checksum in its key, a
 * cached object file that another version made is not taken for ours.
 */
final class OwnCode {
    private OwnCode() {}

    private static final class Holder {
        static final String CHECKSUM = compute();
    }

    /** The checksum, made once. */
    static String checksum() {
        return Holder.CHECKSUM;
    }

    /** Where classes are in a form that cannot be listed (jars within jars), this process shares what it compiles with no other. */
    private static String compute() {
        CodeSource source = OwnCode.class.getProtectionDomain().getCodeSource();
        try {
            if (source != null)
                return checksums(Path.of(source.getLocation().toURI())).toString();
        } catch (IOException | URISyntaxException | IllegalArgumentException | FileSystemNotFoundException e) {
            System.getLogger(OwnCode.class.getName())
                    .log(System.Logger.Level.DEBUG, "the classes at {0} cannot be listed: {1}", source, e);
        }
        return UUID.randomUUID().toString();
    }

    /** The checksum of each class in a jar or folder, by name. */
    static Map<String, Long> checksums(Path place) throws IOException {
        Map<String, Long> checksums = new TreeMap<>();
        if (Files.isDirectory(place)) {
            List<Path> files;
            try (Stream<Path> all = Files.walk(place)) {
                files = all.filter(f -> isClass(f.toString())).toList();
            }
            for (Path f : files) {
                CRC32 crc = new CRC32();
                crc.update(Files.readAllBytes(f));
                checksums.put(place.relativize(f).toString(), crc.getValue());
            }
            return checksums;
        }
        // The jar's table holds what we need: nothing is unpacked.
        try (JarFile jar = new JarFile(place.toFile(), false)) {
            for (Enumeration<JarEntry> entries = jar.entries(); entries.hasMoreElements(); ) {
                JarEntry e = entries.nextElement();
                if (isClass(e.getName())) checksums.put(e.getName(), e.getCrc());
            }
        }
        return checksums;
    }

    private static boolean isClass(String name) {
        return name.endsWith(".class");
    }
}
