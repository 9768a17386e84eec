package dev.meseta.cli;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Inputs on their way from one process of ours to another: every element type as it is in memory, which npz files do not have. */
final class TensorFile {
    private TensorFile() {}

    /** Throws {@link InvalidInputException} for what is neither a tensor nor strings. */
    static void write(Path file, Map<String, Data> inputs) {
        try (DataOutputStream out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
            out.writeInt(inputs.size());
            for (Map.Entry<String, Data> e : inputs.entrySet()) {
                out.writeUTF(e.getKey());
                switch (e.getValue()) {
                    case Tensor t -> {
                        out.writeUTF(t.dtype().name());
                        write(out, t.shape());
                        out.write(t.data().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
                    }
                    case Data.Strings(Shape shape, List<String> values) -> {
                        out.writeUTF("");
                        write(out, shape);
                        for (String s : values) out.writeUTF(s);
                    }
                    default ->
                        throw new InvalidInputException("input '" + e.getKey() + "' is "
                                + e.getValue().describe() + "; only tensors can be measured");
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void write(DataOutputStream out, Shape shape) throws IOException {
        out.writeInt(shape.rank());
        for (long extent : shape.extents()) out.writeLong(extent);
    }

    static Map<String, Data> read(Path file) {
        Map<String, Data> inputs = new LinkedHashMap<>();
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
            for (int n = in.readInt(); n > 0; n--) {
                String name = in.readUTF();
                String dtype = in.readUTF();
                long[] extents = new long[in.readInt()];
                for (int i = 0; i < extents.length; i++) extents[i] = in.readLong();
                Shape shape = Shape.of(extents);
                inputs.put(name, dtype.isEmpty() ? strings(in, shape) : tensor(in, DType.valueOf(dtype), shape));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return inputs;
    }

    private static Tensor tensor(DataInputStream in, DType dtype, Shape shape) throws IOException {
        Tensor t = Tensor.allocate(dtype, shape);
        t.data()
                .copyFrom(MemorySegment.ofArray(
                        in.readNBytes(Math.toIntExact(t.type().bytes()))));
        return t;
    }

    private static Data.Strings strings(DataInputStream in, Shape shape) throws IOException {
        List<String> values = new ArrayList<>();
        for (long i = 0; i < shape.elements(); i++) values.add(in.readUTF());
        return new Data.Strings(shape, values);
    }
}
