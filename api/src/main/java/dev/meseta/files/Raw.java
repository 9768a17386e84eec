package dev.meseta.files;

import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Files that hold the elements of one tensor and nothing else: row-major, little-endian, {@code dtype.bytes()} bytes an element. */
public final class Raw {
    private Raw() {}

    /**
     * Reads a file into memory of its own.
     *
     * @param type what it holds
     * @throws InvalidInputException if it cannot be read or its size is not the type's
     */
    public static Tensor read(Path file, TensorType type) {
        try (InputStream in = Files.newInputStream(file)) {
            long size = Files.size(file);
            if (size != type.bytes()) {
                throw new InvalidInputException(
                        file + ": " + type + " takes " + type.bytes() + " bytes, but the file has " + size);
            }
            Tensor t = Tensor.allocate(type);
            Npy.fill(in, t.data(), file.toString());
            return t;
        } catch (NoSuchFileException e) {
            throw new InvalidInputException(file + ": no such file", e);
        } catch (IOException e) {
            throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }
}
