package dev.meseta.frontends.tflite.format;

import dev.meseta.graph.InvalidInputException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A TFLite file as records. Indices of tensors, buffers, operators and subgraphs are checked.
 *
 * @param description what its writer says of it
 * @param subgraphs the first one is the model's own
 * @param buffers the bytes of constants, parts of the file
 * @param metadata what else a writer put into the file, by name
 */
public record ModelFile(
        String description,
        List<Subgraph> subgraphs,
        List<MemorySegment> buffers,
        Map<String, MemorySegment> metadata) {
    /** What the bytes 4 to 7 of a file are. */
    public static final String IDENTIFIER = "TFL3";

    private static final int VERSION = 3;

    /**
     * Operators and the tensors between them.
     *
     * @param inputs indices of tensors
     * @param outputs indices of tensors
     * @param operators in the order in which they run
     */
    public record Subgraph(
            String name, List<TensorInfo> tensors, int[] inputs, int[] outputs, List<Operator> operators) {}

    /**
     * One operator of a subgraph.
     *
     * @param name what TFLite calls it, such as {@code CONV_2D}; for a custom one the name that the model gives
     * @param custom whether it is a custom one
     * @param version of the operator
     * @param inputs indices of tensors, -1 for one left out
     * @param outputs indices of tensors
     * @param options the options of a builtin operator
     * @param customOptions those of a custom one, which it alone understands
     */
    public record Operator(
            String name,
            boolean custom,
            int version,
            int[] inputs,
            int[] outputs,
            Options options,
            MemorySegment customOptions,
            int[] intermediates) {}

    private record Code(String name, boolean custom, int version) {}

    /**
     * Reads a file.
     *
     * @param where what messages call it
     */
    public static ModelFile read(MemorySegment bytes, String where) {
        return new Reader(bytes, where).model();
    }

    private record Reader(MemorySegment bytes, String where) {
        ModelFile model() {
            FlatBuffer.Table model = new FlatBuffer(bytes, where).root();
            int version = model.int32(0, 0);
            if (version != VERSION) {
                throw error("has version " + version + " of TFLite's format; version " + VERSION + " is known");
            }
            List<MemorySegment> buffers = new ArrayList<>();
            for (FlatBuffer.Table b : model.tables(4)) buffers.add(buffer(b, 0, 1));
            List<Code> codes = new ArrayList<>();
            for (FlatBuffer.Table c : model.tables(1)) codes.add(code(c));
            List<Subgraph> subgraphs = new ArrayList<>();
            for (FlatBuffer.Table s : model.tables(2)) {
                subgraphs.add(subgraph(s, subgraphs.size(), codes, buffers.size()));
            }
            if (subgraphs.isEmpty()) throw error("holds no graph");
            Map<String, MemorySegment> metadata = new HashMap<>();
            for (FlatBuffer.Table m : model.tables(6)) {
                int buffer = m.int32(1, 0);
                if (buffer >= 0 && buffer < buffers.size()) metadata.put(m.string(0), buffers.get(buffer));
            }
            return new ModelFile(model.string(3), List.copyOf(subgraphs), List.copyOf(buffers), metadata);
        }

        /** Bytes in a table, or where the file is too large for that, at a place behind all tables. */
        private MemorySegment buffer(FlatBuffer.Table table, int field, int place) {
            long offset = table.int64(place, 0);
            if (offset == 0 || offset == 1) return table.bytes(field);
            long size = table.int64(place + 1, 0);
            if (offset < 0 || size < 0 || offset > bytes.byteSize() || size > bytes.byteSize() - offset) {
                throw error(
                        "has a buffer of " + size + " bytes at byte " + offset + ", the file has " + bytes.byteSize());
            }
            return bytes.asSlice(offset, size);
        }

        private Code code(FlatBuffer.Table table) {
            int old = table.int8(0, 0);
            int number = Math.max(old, table.int32(3, 0));
            if (number == OperatorNames.CUSTOM) return new Code(table.string(1), true, table.int32(2, 1));
            return new Code(OperatorNames.of(number), false, table.int32(2, 1));
        }

        private Subgraph subgraph(FlatBuffer.Table table, int number, List<Code> codes, int buffers) {
            List<TensorInfo> tensors = new ArrayList<>();
            for (FlatBuffer.Table t : table.tables(0)) {
                String what = "subgraph " + number + ", tensor " + tensors.size();
                TensorInfo info = TensorInfo.read(t, tensors.size(), where + ": " + what);
                if (info.buffer() < 0 || info.buffer() >= buffers && info.buffer() > 0) {
                    throw error(what + " refers to buffer " + info.buffer() + " of " + buffers);
                }
                tensors.add(info);
            }
            int count = tensors.size();
            List<Operator> operators = new ArrayList<>();
            for (FlatBuffer.Table o : table.tables(3)) {
                operators.add(operator(o, "subgraph " + number + ", operator " + operators.size(), codes, count));
            }
            String what = "subgraph " + number;
            return new Subgraph(
                    table.string(4),
                    List.copyOf(tensors),
                    indices(table.ints(1), 0, count, what),
                    indices(table.ints(2), 0, count, what),
                    List.copyOf(operators));
        }

        private Operator operator(FlatBuffer.Table table, String what, List<Code> codes, int tensors) {
            int code = table.int32(0, 0);
            if (code < 0 || code >= codes.size()) {
                throw error(what + " is of kind " + Integer.toUnsignedString(code) + ", of " + codes.size());
            }
            FlatBuffer.@Nullable Table options = table.table(4);
            Code c = codes.get(code);
            return new Operator(
                    c.name(),
                    c.custom(),
                    c.version(),
                    indices(table.ints(1), -1, tensors, what),
                    indices(table.ints(2), 0, tensors, what),
                    new Options(options != null ? options : table.table(12)),
                    buffer(table, 5, 9),
                    indices(table.ints(8), -1, tensors, what));
        }

        private int[] indices(int[] indices, int least, int count, String what) {
            for (int i : indices) {
                if (i < least || i >= count) throw error(what + " refers to tensor " + i + ", of " + count);
            }
            return indices;
        }

        private InvalidInputException error(String text) {
            return new InvalidInputException(where + " " + text);
        }
    }
}
