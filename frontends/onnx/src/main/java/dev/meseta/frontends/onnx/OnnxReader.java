package dev.meseta.frontends.onnx;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.DiscardUnknownFieldsParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import dev.meseta.frontends.onnx.format.ModelProto;
import dev.meseta.frontends.onnx.operators.Operators;
import dev.meseta.frontends.onnx.operators.Registry;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.program.Program;
import dev.meseta.graph.program.ProgramFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads ONNX models, IR versions 1 to 14, opsets 1 to 28. Files are mapped, and weights stay in the mapping. Everything that is wrong with
 * a model, or that Meseta cannot run, is an {@link InvalidInputException} here, before anything runs. Safe for use by several threads.
 */
public final class OnnxReader {
    private OnnxReader() {}

    /**
     * Reads a file. The program's constants refer to it: it must not change while the program is in use.
     *
     * @param file the model; its external data is looked for beside it
     */
    public static Program read(Path file) {
        ExternalFiles external = new ExternalFiles(file.toAbsolutePath().getParent());
        MemorySegment bytes = map(file);
        Program program = read(bytes, external, "model '" + file + "'", Operators.all());
        List<ProgramFile> files = new ArrayList<>(List.of(new ProgramFile(file, bytes)));
        files.addAll(external.files());
        return program.with(files);
    }

    /**
     * Reads a model in memory, which the program's constants refer to from then on.
     *
     * @param folder where external data is; null if there is none
     */
    public static Program read(MemorySegment model, @Nullable Path folder) {
        return read(model, folder, "the model", Operators.all());
    }

    /** As {@link #read(MemorySegment, Path)}, from the buffer's position to its limit. */
    public static Program read(ByteBuffer model, @Nullable Path folder) {
        return read(MemorySegment.ofBuffer(model), folder);
    }

    /** As {@link #read(MemorySegment, Path)}, with operators of one's own. */
    static Program read(MemorySegment model, @Nullable Path folder, String where, Registry registry) {
        return read(model, new ExternalFiles(folder), where, registry);
    }

    private static Program read(MemorySegment model, ExternalFiles external, String where, Registry registry) {
        MemorySegment bytes = model.isNative() ? model.asReadOnly() : copy(model);
        ModelProto proto = parse(bytes, Skeleton.Message.MODEL, ModelProto.parser(), where);
        TensorReader tensors = new TensorReader(bytes, external);
        try {
            return new ModelReader(proto, where, registry, tensors).read();
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

    static MemorySegment map(Path file) {
        try {
            if (Files.isDirectory(file)) throw new InvalidInputException("'" + file + "' is a folder, not a file");
            if (Files.size(file) == 0 && Files.isRegularFile(file)) {
                throw new InvalidInputException("'" + file + "' is empty");
            }
            return ExternalFiles.map(file);
        } catch (NoSuchFileException e) {
            throw new InvalidInputException("there is no file '" + file + "'", e);
        } catch (IOException e) {
            throw new InvalidInputException("'" + file + "' cannot be read: " + e, e);
        }
    }

    /** A message whose tensors refer to {@code bytes}. */
    static <T extends Message> T parse(MemorySegment bytes, Skeleton.Message root, Parser<T> parser, String where) {
        byte[] skeleton = Skeleton.of(bytes, root, where);
        CodedInputStream in = CodedInputStream.newInstance(skeleton);
        in.setSizeLimit(Integer.MAX_VALUE);
        try {
            T message = DiscardUnknownFieldsParser.wrap(parser).parseFrom(in);
            in.checkLastTagWas(0);
            return message;
        } catch (InvalidProtocolBufferException e) {
            throw new InvalidInputException(where + " is not a whole ONNX file: " + e.getMessage(), e);
        }
    }
}
