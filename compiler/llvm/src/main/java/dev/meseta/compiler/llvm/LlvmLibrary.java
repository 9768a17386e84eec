package dev.meseta.compiler.llvm;

import dev.meseta.graph.CacheFolder;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.jar.JarEntry;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Finds LLVM's shared library: the file that the system property {@code meseta.llvm} or the variable {@code MESETA_LLVM} names, or the
 * one in the jar {@code org.bytedeco:llvm} on the class path, unpacked once for each user into {@code $XDG_CACHE_HOME/meseta}.
 */
final class LlvmLibrary {
    private LlvmLibrary() {}

    /** Opens the library. Throws {@link IllegalStateException} that says what to do where there is none. */
    static SymbolLookup open() {
        return SymbolLookup.libraryLookup(path(), Arena.global());
    }

    /** Why there is no library and what to do, or an empty string if there is one. Opens nothing. */
    static String unavailable() {
        if (!named().isEmpty()) return Files.isRegularFile(Path.of(named())) ? "" : notAFile();
        return find(resource()) != null ? "" : missing();
    }

    /** The file that was named, or the names of the jars that it may be in, which hold its version. Opens nothing. */
    static String name() {
        if (!named().isEmpty()) return named();
        String all = System.getProperty("java.class.path", "")
                + File.pathSeparator
                + System.getProperty("jdk.module.path", "");
        return Stream.of(all.split(File.pathSeparator))
                .map(entry -> entry.substring(entry.lastIndexOf('/') + 1))
                .filter(name -> name.startsWith("llvm"))
                .collect(Collectors.joining(" "));
    }

    /** Differs between libraries that may generate different code. Opens nothing but the jar, once. */
    static String identity() {
        return Identity.OF_THIS;
    }

    private static final class Identity {
        static final String OF_THIS = find();

        private static String find() {
            try {
                if (!named().isEmpty()) {
                    Path file = Path.of(named()).toRealPath();
                    return file + " of " + Files.size(file) + " bytes of " + Files.getLastModifiedTime(file);
                }
                URL url = LlvmLibrary.find(resource());
                if (url == null) throw new IllegalStateException(missing());
                JarEntry entry = ((JarURLConnection) url.openConnection()).getJarEntry();
                return Long.toHexString(entry.getCrc()) + " of " + entry.getSize() + " bytes";
            } catch (IOException e) {
                throw new IllegalStateException("LLVM's library could not be read: " + e, e);
            }
        }
    }

    private static String named() {
        return System.getProperty("meseta.llvm", System.getenv().getOrDefault("MESETA_LLVM", ""));
    }

    private static String resource() {
        return "org/bytedeco/llvm/" + platform() + "/libLLVM.so";
    }

    private static String notAFile() {
        return "MESETA_LLVM names " + named() + ", which is not a file";
    }

    private static String missing() {
        return "LLVM was not found: the class path has no " + resource()
                + ". Add org.bytedeco:llvm with the classifier " + platform()
                + ", or set MESETA_LLVM to the path of a libLLVM.so of version 20";
    }

    private static Path path() {
        if (!named().isEmpty()) {
            Path file = Path.of(named());
            if (Files.isRegularFile(file)) return file;
            throw new IllegalStateException(notAFile());
        }
        URL url = find(resource());
        if (url == null) throw new IllegalStateException(missing());
        try {
            return unpack(url);
        } catch (IOException e) {
            throw new IllegalStateException("LLVM could not be unpacked into " + CacheFolder.path() + ": " + e, e);
        }
    }

    private static String platform() {
        String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String arch = System.getProperty("os.arch");
        return (os.contains("linux") ? "linux" : os.replace(' ', '-'))
                + "-"
                + (arch.equals("amd64") ? "x86_64" : arch.equals("aarch64") ? "arm64" : arch);
    }

    private static @Nullable URL find(String resource) {
        ClassLoader ours = LlvmLibrary.class.getClassLoader();
        URL url = ours == null ? null : ours.getResource(resource);
        return url != null ? url : ClassLoader.getSystemResource(resource);
    }

    /** The name holds the checksum, and a file gets its name only when it is whole: one of the right name and size is right. */
    private static Path unpack(URL url) throws IOException {
        JarURLConnection connection = (JarURLConnection) url.openConnection();
        JarEntry entry = connection.getJarEntry();
        Path file = CacheFolder.path().resolve("libLLVM-" + Long.toHexString(entry.getCrc()) + ".so");
        if (Files.isRegularFile(file) && Files.size(file) == entry.getSize()) return file;
        Files.createDirectories(CacheFolder.path());
        Path part = Files.createTempFile(CacheFolder.path(), "libLLVM", ".part");
        try {
            copy(connection, part, entry);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
        return file;
    }

    private static void copy(JarURLConnection connection, Path part, JarEntry entry) throws IOException {
        CRC32 crc = new CRC32();
        try (InputStream in = new CheckedInputStream(connection.getInputStream(), crc);
                FileChannel out = FileChannel.open(part, StandardOpenOption.WRITE)) {
            in.transferTo(Channels.newOutputStream(out));
            out.force(false);
            if (out.size() != entry.getSize() || crc.getValue() != entry.getCrc())
                throw new IOException("the jar's entry " + entry.getName() + " is damaged");
        }
    }
}
