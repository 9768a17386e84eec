package dev.meseta.frontends.onnx;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.meseta.frontends.onnx.format.TensorProto;
import dev.meseta.graph.InvalidInputException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A copy of a protobuf file without the tensors' raw bytes, each replaced by its place in the file. What is left is small, is parsed by
 * protobuf in the ordinary way, and has weights that are neither copied nor limited to protobuf's 2 GiB: they stay in the mapped file.
 * (Protobuf's own aliased input cannot do this: it aliases the heap alone since the JDK lost the means that it used for mapped memory.)
 *
 * <p>Wire format: a message is a row of fields, each a tag (field number and wire type) and a value; a message within is a field with a
 * length in front. Lengths are written again, as varints of five bytes, since the contents shrink.
 */
final class Skeleton {
    /** Deepest nesting of messages; protobuf's own limit. */
    private static final int DEEPEST = 100;

    private static final int LARGEST = Integer.MAX_VALUE - 64;
    private static final int LENGTH_BYTES = 5;

    /** Messages on the way from a file's root to a tensor; everything else is copied as it is. */
    enum Message {
        MODEL,
        GRAPH,
        NODE,
        ATTRIBUTE,
        FUNCTION,
        SPARSE,
        TENSOR,
        SEQUENCE,
        MAP,
        OPTIONAL,
        /** No tensor below. */
        OTHER;

        Message child(int field) {
            return switch (this) {
                case MODEL -> field == 7 ? GRAPH : field == 25 ? FUNCTION : OTHER;
                case GRAPH -> field == 1 ? NODE : field == 5 ? TENSOR : field == 15 ? SPARSE : OTHER;
                case NODE -> field == 5 ? ATTRIBUTE : OTHER;
                case ATTRIBUTE ->
                    switch (field) {
                        case 5, 10 -> TENSOR;
                        case 6, 11 -> GRAPH;
                        case 22, 23 -> SPARSE;
                        default -> OTHER;
                    };
                case FUNCTION -> field == 7 ? NODE : field == 11 ? ATTRIBUTE : OTHER;
                case SPARSE -> field == 1 || field == 2 ? TENSOR : OTHER;
                case SEQUENCE, OPTIONAL ->
                    switch (field) {
                        case 3 -> TENSOR;
                        case 4 -> SPARSE;
                        case 5 -> SEQUENCE;
                        case 6 -> MAP;
                        case 7 -> OPTIONAL;
                        default -> OTHER;
                    };
                case MAP -> field == 5 ? SEQUENCE : OTHER;
                case TENSOR, OTHER -> OTHER;
            };
        }
    }

    private final MemorySegment file;
    private final String where;
    private byte[] out = new byte[4096];
    private int size;

    private Skeleton(MemorySegment file, String where) {
        this.file = file;
        this.where = where;
    }

    /** The skeleton of a file whose root is the given message. Throws {@link InvalidInputException} if it is no protobuf. */
    static byte[] of(MemorySegment file, Message root, String where) {
        Skeleton s = new Skeleton(file, where);
        s.copy(0, file.byteSize(), root, 0);
        return Arrays.copyOf(s.out, s.size);
    }

    private void copy(long begin, long end, Message message, int depth) {
        if (depth > DEEPEST) throw broken(begin, "messages are nested more than " + DEEPEST + " deep");
        long at = begin;
        while (at < end) {
            long start = at;
            long tag = varint(at, end);
            at += varintSize(at);
            long field = tag >>> 3;
            if (field == 0 || field > 0x1fff_ffffL) throw broken(start, "there is no field number " + field);
            switch ((int) (tag & 7)) {
                case 0 -> {
                    varint(at, end);
                    at += varintSize(at);
                }
                case 1 -> at = within(at, 8, end);
                case 5 -> at = within(at, 4, end);
                case 2 -> {
                    long length = varint(at, end);
                    long from = at + varintSize(at);
                    at = within(from, length, end);
                    if (message == Message.TENSOR && field == TensorProto.RAW_DATA_FIELD_NUMBER) {
                        reference(from, length);
                        continue;
                    }
                    Message child = message.child((int) field);
                    if (child != Message.OTHER) {
                        nested(tag, from, at, child, depth);
                        continue;
                    }
                }
                default -> throw broken(start, "wire type " + (tag & 7) + " is not used by ONNX");
            }
            boolean ours = message == Message.TENSOR
                    && (field == TensorProto.MESETA_RAW_OFFSET_FIELD_NUMBER
                            || field == TensorProto.MESETA_RAW_SIZE_FIELD_NUMBER);
            if (!ours) append(start, at - start);
        }
    }

    /** A message whose length is known only once its contents are written. */
    private void nested(long tag, long from, long to, Message child, int depth) {
        writeVarint(tag);
        room(LENGTH_BYTES);
        int mark = size;
        size += LENGTH_BYTES;
        copy(from, to, child, depth + 1);
        int length = size - mark - LENGTH_BYTES;
        for (int i = 0; i < LENGTH_BYTES; i++) {
            int more = i < LENGTH_BYTES - 1 ? 0x80 : 0;
            out[mark + i] = (byte) (length >>> (7 * i) & 0x7f | more);
        }
    }

    private void reference(long offset, long length) {
        writeVarint((long) TensorProto.MESETA_RAW_OFFSET_FIELD_NUMBER << 3);
        writeVarint(offset);
        writeVarint((long) TensorProto.MESETA_RAW_SIZE_FIELD_NUMBER << 3);
        writeVarint(length);
    }

    private long within(long at, long length, long end) {
        if (length < 0 || length > end - at) {
            throw broken(
                    at,
                    "a field of " + Long.toUnsignedString(length) + " bytes leaves what is around it, which has "
                            + (end - at) + " left");
        }
        return at + length;
    }

    private long varint(long at, long end) {
        long v = 0;
        for (int i = 0; i < 10; i++) {
            if (at + i >= end) throw broken(at, "the file ends within a number");
            byte b = file.get(JAVA_BYTE, at + i);
            v |= (long) (b & 0x7f) << (7 * i);
            if (b >= 0) return v;
        }
        throw broken(at, "a number has more than ten bytes");
    }

    private int varintSize(long at) {
        int n = 1;
        while (file.get(JAVA_BYTE, at + n - 1) < 0) n++;
        return n;
    }

    private void writeVarint(long value) {
        room(10);
        long v = value;
        while ((v & ~0x7fL) != 0) {
            out[size++] = (byte) (v & 0x7f | 0x80);
            v >>>= 7;
        }
        out[size++] = (byte) v;
    }

    private void append(long from, long length) {
        room(length);
        MemorySegment.copy(file, JAVA_BYTE, from, out, size, (int) length);
        size += (int) length;
    }

    private void room(long more) {
        long needed = size + more;
        if (needed > LARGEST) {
            throw new InvalidInputException(
                    where
                            + " holds more than 2 GiB beside its tensors' raw bytes; store large tensors as raw or external data");
        }
        if (needed > out.length) out = Arrays.copyOf(out, (int) Math.min(LARGEST, Math.max(needed, out.length * 2L)));
    }

    private InvalidInputException broken(long at, String what) {
        String format = FileFormat.of(file);
        return new InvalidInputException(where
                + (format != null
                        ? " is " + format + ", not an ONNX file"
                        : " is not a whole ONNX file: at byte " + at + ", " + what));
    }
}
