package dev.meseta.frontends.onnx;

import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.program.ProgramFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The files beside a model that hold its external data. Each is mapped once, when the first tensor in it is met. */
final class ExternalFiles {
    private final @Nullable Path folder;
    private final Map<Path, MemorySegment> mapped = new LinkedHashMap<>();

    /**
     * @param folder where the model lies, and below which its data must lie; null if the model did not come from a file
     */
    ExternalFiles(@Nullable Path folder) {
        this.folder = folder;
    }

    /** A part of a file. Throws {@link InvalidInputException} if the path leaves the model's folder or the part the file. */
    MemorySegment slice(String location, long offset, long length, String where) {
        MemorySegment file = open(location, where);
        if (offset < 0 || length < 0 || offset > file.byteSize() || length > file.byteSize() - offset) {
            throw new InvalidInputException(where + ": needs " + length + " bytes from byte " + offset
                    + " of external file '" + location + "', which has " + file.byteSize());
        }
        return file.asSlice(offset, length);
    }

    private MemorySegment open(String location, String where) {
        if (folder == null) {
            throw new InvalidInputException(where + ": its data is in the external file '" + location
                    + "', but the model was read from memory; read it from its file, or name its folder");
        }
        try {
            Path base = folder.toRealPath();
            Path relative = Path.of(location);
            boolean climbs = relative.isAbsolute() || location.isEmpty();
            for (Path part : relative) climbs |= part.toString().equals("..");
            if (climbs) throw outside(location, where);
            Path file = base.resolve(relative).toRealPath();
            if (!file.startsWith(base)) throw outside(location, where);
            if (!Files.isRegularFile(file)) {
                throw new InvalidInputException(where + ": external data '" + location + "' is not a plain file");
            }
            MemorySegment known = mapped.get(file);
            if (known != null) return known;
            MemorySegment contents = map(file);
            mapped.put(file, contents);
            return contents;
        } catch (NoSuchFileException e) {
            throw new InvalidInputException(
                    where + ": the external file '" + location + "' is missing in " + folder
                            + "; it belongs beside the model",
                    e);
        } catch (InvalidPathException e) {
            throw new InvalidInputException(where + ": external data has a name that is no path", e);
        } catch (IOException e) {
            throw new InvalidInputException(where + ": external file '" + location + "' cannot be read: " + e, e);
        }
    }

    /** Those that were met so far. */
    List<ProgramFile> files() {
        List<ProgramFile> files = new ArrayList<>();
        mapped.forEach((path, bytes) -> files.add(new ProgramFile(path, bytes)));
        return files;
    }

    private static InvalidInputException outside(String location, String where) {
        return new InvalidInputException(
                where + ": external data '" + location + "' is outside the model's folder, which is not allowed");
    }

    /** A file, read-only; unmapped when nothing refers to it any more. */
    static MemorySegment map(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
        }
    }
}
