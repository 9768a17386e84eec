package dev.meseta.frontends.tflite;

import dev.meseta.frontends.tflite.format.FlatBuffer;
import dev.meseta.frontends.tflite.format.ModelFile;
import dev.meseta.frontends.tflite.operators.Operators;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.program.CustomOperator;
import dev.meseta.graph.program.Program;
import dev.meseta.graph.program.ProgramFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Reads TFLite models (version 3 of the format, the only one in use). Files are mapped, and weights stay in the mapping. Everything that is
 * wrong with a model, or that Meseta cannot run, is an {@link InvalidInputException} here, before anything runs. Safe for use by several
 * threads.
 *
 * <p>Variables, which a TFLite interpreter keeps from one run to the next, become inputs and outputs of the program, since programs keep
 * nothing: an input that may be left out for the value that the model begins with, and an output of the same name with what it is afterwards.
 */
public final class TfliteReader {
    private TfliteReader() {}

    /** Whether a file's first bytes say that it is a TFLite model. */
    public static boolean recognizes(MemorySegment start) {
        return FlatBuffer.hasIdentifier(start, ModelFile.IDENTIFIER);
    }

    /** Whether a file's first bytes say that it is a TFLite model; not for what cannot be read. */
    public static boolean recognizes(Path file) {
        if (!Files.isRegularFile(file)) return false;
        try (var in = Files.newInputStream(file)) {
            return recognizes(MemorySegment.ofArray(in.readNBytes(8)));
        } catch (IOException e) {
            return false;
        }
    }

    /** Reads a file. The program's constants refer to it: it must not change while the program is in use. */
    public static Program read(Path file) {
        MemorySegment bytes = map(file);
        return read(bytes, "model '" + file + "'").with(List.of(new ProgramFile(file, bytes)));
    }

    /** Reads a model in memory, which the program's constants refer to from then on. */
    public static Program read(MemorySegment model) {
        return read(model, "the model");
    }

    /** The custom operators of a file, whether they can run or not. */
    public static List<CustomOperator> customOperators(Path file) {
        return CustomOperators.all(ModelFile.read(map(file), "model '" + file + "'"));
    }

    private static Program read(MemorySegment model, String where) {
        if (!recognizes(model)) {
            throw new InvalidInputException(
                    where + " is not a TFLite model: its bytes 4 to 7 are not '" + ModelFile.IDENTIFIER + "'");
        }
        MemorySegment bytes = model.isNative() ? model.asReadOnly() : copy(model);
        try {
            return new ModelReader(ModelFile.read(bytes, where), where, Operators.all()).read();
        } catch (InvalidInputException e) {
            if (e.getMessage() != null && e.getMessage().startsWith(where)) throw e;
            throw new InvalidInputException(where + ": " + e.getMessage(), e);
        }
    }

    /** Devices read native memory. */
    private static MemorySegment copy(MemorySegment heap) {
        MemorySegment bytes =
                Arena.ofAuto().allocate(Math.max(1, heap.byteSize()), 64).asSlice(0, heap.byteSize());
        return bytes.copyFrom(heap).asReadOnly();
    }

    private static MemorySegment map(Path file) {
        if (Files.isDirectory(file)) throw new InvalidInputException("'" + file + "' is a folder, not a file");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
        } catch (NoSuchFileException e) {
            throw new InvalidInputException("there is no file '" + file + "'", e);
        } catch (IOException e) {
            throw new InvalidInputException("'" + file + "' cannot be read: " + e, e);
        }
    }
}
