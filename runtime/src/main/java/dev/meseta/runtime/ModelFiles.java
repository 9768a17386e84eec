package dev.meseta.runtime;

import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Program;
import dev.meseta.graph.program.ProgramFile;
import dev.meseta.linux.FileStamp;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The files that a model was read from, as they were then: what names the model in the cache. Thread-safe. */
public final class ModelFiles {
    /**
     * A file.
     *
     * @param stamp the text of its {@link FileStamp}
     */
    record Part(Path path, String stamp) {}

    /** Bytes of a file. */
    record Range(int part, long offset) {}

    private final List<Part> parts;
    private final @Nullable MemorySegment[] mapped;

    /** Files that were found unchanged, not mapped yet. */
    ModelFiles(List<Part> parts) {
        this.parts = List.copyOf(parts);
        this.mapped = new MemorySegment[parts.size()];
    }

    /**
     * The files of a program; empty if it has none, or one of them was changed so lately that another change would not show.
     *
     * @param before when the program had not been read yet
     */
    public static Optional<ModelFiles> of(Program program, Instant before) {
        if (program.files().isEmpty()) return Optional.empty();
        List<Part> parts = new ArrayList<>();
        try {
            for (ProgramFile f : program.files()) {
                Path path = f.path().toAbsolutePath().normalize();
                FileStamp stamp = FileStamp.of(path);
                if (!stamp.settled(before)) return Optional.empty();
                parts.add(new Part(path, stamp.text()));
            }
        } catch (IOException e) {
            return Optional.empty();
        }
        ModelFiles files = new ModelFiles(parts);
        for (int i = 0; i < parts.size(); i++)
            files.mapped[i] = program.files().get(i).bytes();
        return Optional.of(files);
    }

    List<Part> parts() {
        return parts;
    }

    /** Equal for equal files in equal places. */
    String identity() {
        return parts.stream().map(p -> p.path() + "|" + p.stamp()).collect(Collectors.joining("\n"));
    }

    /** Whether all files are still what they were. */
    boolean unchanged() {
        try {
            for (Part p : parts) if (!FileStamp.of(p.path()).text().equals(p.stamp())) return false;
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** Where in the files a tensor's bytes are. */
    synchronized Optional<Range> locate(Tensor tensor) {
        MemorySegment data = tensor.data();
        if (!data.isNative()) return Optional.empty();
        for (int i = 0; i < mapped.length; i++) {
            MemorySegment file = mapped[i];
            if (file == null) continue;
            long offset = data.address() - file.address();
            if (offset >= 0 && offset <= file.byteSize() - data.byteSize()) return Optional.of(new Range(i, offset));
        }
        return Optional.empty();
    }

    /** Bytes of a file. Throws {@link IOException} if it was changed, or has none there. */
    synchronized MemorySegment bytes(int part, long offset, long bytes) throws IOException {
        if (part < 0 || part >= mapped.length) throw new IOException("the model has no file number " + part);
        MemorySegment file = mapped[part];
        if (file == null) {
            Path path = parts.get(part).path();
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
                file = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
            }
            if (!unchanged()) throw new IOException(path + " was changed");
            mapped[part] = file;
        }
        if (offset < 0 || bytes < 0 || offset > file.byteSize() - bytes)
            throw new IOException("bytes " + offset + " to " + (offset + bytes) + " are outside of the model's file");
        return file.asSlice(offset, bytes);
    }
}
