package dev.meseta.demo;

import dev.meseta.graph.MesetaException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URLConnection;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * The models that come as resources of jars. A model must be a file to be mapped into memory, so it is unpacked once, into the user's
 * cache folder ({@code $XDG_CACHE_HOME/meseta} or {@code ~/.cache/meseta}). Several processes may do so at once.
 */
public final class ModelFiles {
    private ModelFiles() {}

    /**
     * The file with a resource's bytes.
     *
     * @param resource name below the root of the class path
     */
    public static Path unpack(String resource) {
        ClassLoader loader = ModelFiles.class.getClassLoader();
        try {
            java.net.URL url = loader.getResource(resource);
            if (url == null) throw new MesetaException("the model '" + resource + "' is not on the class path");
            URLConnection connection = url.openConnection();
            long size = connection.getContentLengthLong();
            Path file = folder().resolve(size + "-" + resource.substring(resource.lastIndexOf('/') + 1));
            if (Files.isRegularFile(file) && Files.size(file) == size) {
                connection.getInputStream().close();
                return file;
            }
            Files.createDirectories(file.getParent());
            Path part =
                    Files.createTempFile(file.getParent(), file.getFileName().toString(), ".part");
            try (InputStream in = connection.getInputStream()) {
                Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
                move(part, file);
            } finally {
                Files.deleteIfExists(part);
            }
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "cannot unpack the model '" + resource + "' into " + folder() + ": " + e.getMessage(), e);
        }
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static Path folder() {
        String cache = System.getenv("XDG_CACHE_HOME");
        Path base =
                cache == null || cache.isBlank() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(cache);
        return base.resolve("meseta").resolve("models");
    }
}
