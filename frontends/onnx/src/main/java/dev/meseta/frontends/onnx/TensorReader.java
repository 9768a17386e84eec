package dev.meseta.frontends.onnx;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import com.google.protobuf.ByteString;
import dev.meseta.frontends.onnx.format.SparseTensorProto;
import dev.meseta.frontends.onnx.format.StringStringEntryProto;
import dev.meseta.frontends.onnx.format.TensorProto;
import dev.meseta.frontends.onnx.operators.ElementTypes;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes data of the tensors in a file. Raw bytes stay where they are; everything else is checked against what is there before it is allocated. */
final class TensorReader {
    /** Highest rank. Nothing real comes near it. */
    static final int HIGHEST_RANK = 64;

    /** What sparse tensors may take in all when made dense, whatever little they store. */
    private static final long SPARSE_BUDGET = 256L << 20;

    private final MemorySegment file;
    private final ExternalFiles external;
    private long sparseBytes;

    /**
     * @param file what the offsets of raw data refer to
     */
    TensorReader(MemorySegment file, ExternalFiles external) {
        this.file = file;
        this.external = external;
    }

    /** A tensor of numbers or strings. Throws {@link InvalidInputException}. */
    Data read(TensorProto proto, String where) {
        Shape shape = shape(proto.getDimsList(), where);
        if (proto.hasSegment()) throw bad(where, "is stored in segments, which is not supported");
        if (proto.getDataType() == ElementTypes.STRING) return strings(proto, shape, where);
        DType dtype = ElementTypes.of(proto.getDataType());
        if (dtype == null) throw bad(where, "has the unknown element type " + proto.getDataType());
        return numbers(proto, type(dtype, shape, where), where);
    }

    /** A tensor of numbers. */
    Tensor tensor(TensorProto proto, String where) {
        if (read(proto, where) instanceof Tensor t) return t;
        throw bad(where, "holds strings where numbers belong");
    }

    private static TensorType type(DType dtype, Shape shape, String where) {
        TensorType type = new TensorType(dtype, shape);
        try {
            long bytes = type.bytes();
            if (bytes >= 0) return type;
        } catch (ArithmeticException e) {
            throw new InvalidInputException(where + ": " + type + " is beyond any memory", e);
        }
        throw bad(where, type + " is beyond any memory");
    }

    private static Shape shape(List<Long> dims, String where) {
        if (dims.size() > HIGHEST_RANK)
            throw bad(where, "has " + dims.size() + " dimensions, more than " + HIGHEST_RANK);
        for (long d : dims) {
            if (d < 0) throw bad(where, "has a negative dimension: " + dims);
        }
        Shape shape = Shape.of(dims.stream().mapToLong(Long::longValue).toArray());
        try {
            if (shape.elements() >= 0 && shape.strides().length == shape.rank()) return shape;
        } catch (ArithmeticException e) {
            throw new InvalidInputException(where + ": " + shape + " has more than 2^63 elements", e);
        }
        throw bad(where, shape + " has more than 2^63 elements");
    }

    private static Data strings(TensorProto proto, Shape shape, String where) {
        if (isExternal(proto) || proto.hasMesetaRawOffset()) throw bad(where, "holds strings as raw data");
        count("strings", proto.getStringDataCount(), shape.elements(), where);
        return new Data.Strings(
                shape,
                proto.getStringDataList().stream().map(ByteString::toStringUtf8).toList());
    }

    private Tensor numbers(TensorProto proto, TensorType type, String where) {
        int stores = (proto.hasMesetaRawOffset() ? 1 : 0)
                + (proto.getFloatDataCount() > 0 ? 1 : 0)
                + (proto.getInt32DataCount() > 0 ? 1 : 0)
                + (proto.getInt64DataCount() > 0 ? 1 : 0)
                + (proto.getDoubleDataCount() > 0 ? 1 : 0)
                + (proto.getUint64DataCount() > 0 ? 1 : 0)
                + (proto.getStringDataCount() > 0 ? 1 : 0);
        if (isExternal(proto)) {
            if (stores > 0) throw bad(where, "has data in the file and outside");
            return fromBytes(type, external(proto, storedBytes(type), where), where);
        }
        if (stores > 1) throw bad(where, "has its data in more than one field");
        if (proto.hasMesetaRawOffset()) {
            long size = proto.getMesetaRawSize();
            count("bytes", size, storedBytes(type), where);
            return fromBytes(type, file.asSlice(proto.getMesetaRawOffset(), size), where);
        }
        return typed(proto, type, where);
    }

    /** Bytes in a file: types below a byte are packed there. */
    private static long storedBytes(TensorType type) {
        int bits = type.dtype().bits();
        if (type.dtype() == DType.BOOL || bits >= 8) return type.bytes();
        long n = type.shape().elements();
        int perByte = 8 / bits;
        return n / perByte + (n % perByte == 0 ? 0 : 1);
    }

    private static Tensor fromBytes(TensorType type, MemorySegment bytes, String where) {
        if (type.dtype() == DType.BOOL) return booleans(type, bytes);
        if (type.dtype().bits() < 8) return unpack(type, i -> bytes.get(JAVA_BYTE, i));
        if (bytes.byteSize() != type.bytes()) {
            throw bad(where, "needs " + type.bytes() + " bytes, got " + bytes.byteSize());
        }
        return Tensor.wrap(type, bytes);
    }

    /** Bytes of BOOL are 0 or 1 in a tensor; a file may hold others, which count as true. */
    private static Tensor booleans(TensorType type, MemorySegment bytes) {
        boolean clean = true;
        for (long i = 0; i < bytes.byteSize() && clean; i++) clean = (bytes.get(JAVA_BYTE, i) & ~1) == 0;
        if (clean) return Tensor.wrap(type, bytes);
        Tensor t = Tensor.allocate(type);
        for (long i = 0; i < bytes.byteSize(); i++) t.setLong(i, bytes.get(JAVA_BYTE, i));
        return t;
    }

    private interface Bytes {
        byte get(long i);
    }

    /** Spreads packed elements to a byte each; the first is in the low bits. */
    private static Tensor unpack(TensorType type, Bytes packed) {
        Tensor t = Tensor.allocate(type);
        int bits = type.dtype().bits();
        int perByte = 8 / bits;
        int mask = (1 << bits) - 1;
        long n = type.shape().elements();
        boolean signed = type.dtype().isSigned();
        for (long i = 0; i < n; i++) {
            int v = packed.get(i / perByte) >> (int) (i % perByte) * bits & mask;
            if (signed) v = v << 32 - bits >> 32 - bits;
            t.data().set(JAVA_BYTE, i, (byte) v);
        }
        return t;
    }

    private static Tensor typed(TensorProto proto, TensorType type, String where) {
        long n = type.shape().elements();
        switch (type.dtype()) {
            case F32, C64 -> count("floats", proto.getFloatDataCount(), type.dtype() == DType.C64 ? 2 * n : n, where);
            case F64, C128 ->
                count("doubles", proto.getDoubleDataCount(), type.dtype() == DType.C128 ? 2 * n : n, where);
            case I64 -> count("64-bit integers", proto.getInt64DataCount(), n, where);
            case U32, U64 -> count("unsigned integers", proto.getUint64DataCount(), n, where);
            default -> count("32-bit integers", proto.getInt32DataCount(), storedCount(type), where);
        }
        if (type.dtype().bits() < 8 && type.dtype() != DType.BOOL) {
            return unpack(type, i -> (byte) proto.getInt32Data((int) i));
        }
        Tensor t = Tensor.allocate(type);
        switch (type.dtype()) {
            case F32, C64 -> {
                Tensor parts = Tensor.wrap(TensorType.of(DType.F32, proto.getFloatDataCount()), t.data());
                for (int i = 0; i < proto.getFloatDataCount(); i++) parts.setDouble(i, proto.getFloatData(i));
            }
            case F64, C128 -> {
                Tensor parts = Tensor.wrap(TensorType.of(DType.F64, proto.getDoubleDataCount()), t.data());
                for (int i = 0; i < proto.getDoubleDataCount(); i++) parts.setDouble(i, proto.getDoubleData(i));
            }
            case I64 -> {
                for (int i = 0; i < n; i++) t.setLong(i, proto.getInt64Data(i));
            }
            case U32, U64 -> {
                for (int i = 0; i < n; i++) t.setLong(i, proto.getUint64Data(i));
            }
            case BOOL, I32, I16, I8, U16, U8 -> {
                for (int i = 0; i < n; i++) t.setLong(i, proto.getInt32Data(i));
            }
            default -> {
                // Narrow floats are stored as their bits.
                Tensor raw = Tensor.wrap(type.with(type.dtype().bytes() == 2 ? DType.U16 : DType.U8), t.data());
                for (int i = 0; i < n; i++) raw.setLong(i, proto.getInt32Data(i));
            }
        }
        return t;
    }

    private static long storedCount(TensorType type) {
        return type.dtype().bits() < 8 ? storedBytes(type) : type.shape().elements();
    }

    private static void count(String what, long there, long needed, String where) {
        if (there != needed) throw bad(where, "its dimensions need " + needed + " " + what + ", there are " + there);
    }

    private static boolean isExternal(TensorProto proto) {
        return proto.getDataLocation() == TensorProto.DataLocation.EXTERNAL;
    }

    private MemorySegment external(TensorProto proto, long bytes, String where) {
        String location = null;
        long offset = 0;
        long length = bytes;
        for (StringStringEntryProto e : proto.getExternalDataList()) {
            switch (e.getKey()) {
                case "location" -> location = e.getValue();
                case "offset" -> offset = number(e, where);
                case "length" -> length = number(e, where);
                default -> {
                    // A checksum, or what a later version may add.
                }
            }
        }
        if (location == null) throw bad(where, "has external data without a location");
        count("bytes of external data", length, bytes, where);
        return external.slice(location, offset, length, where);
    }

    private static long number(StringStringEntryProto entry, String where) {
        try {
            return Long.parseLong(entry.getValue().strip());
        } catch (NumberFormatException e) {
            throw new InvalidInputException(
                    where + ": external data has the " + entry.getKey() + " '" + entry.getValue()
                            + "', which is no number",
                    e);
        }
    }

    /** A sparse tensor, made dense. */
    Tensor dense(SparseTensorProto proto, String where) {
        Tensor values = tensor(proto.getValues(), where + ", values");
        Shape shape = shape(proto.getDimsList(), where);
        TensorType type = type(values.dtype(), shape, where);
        long stored = values.elements();
        if (values.shape().rank() != 1)
            throw bad(where, "has values of shape " + values.shape() + " instead of one axis");
        sparseBytes = Math.addExact(sparseBytes, Math.min(type.bytes(), Long.MAX_VALUE / 2));
        if (sparseBytes > SPARSE_BUDGET && type.bytes() / 1000 > values.type().bytes()) {
            throw bad(
                    where,
                    "stores " + stored + " values and takes " + type.bytes()
                            + " bytes when made dense, which is too much");
        }
        long[] positions = stored == 0 ? new long[0] : positions(proto, shape, stored, where);
        Tensor t = Tensor.allocate(type);
        int width = type.dtype().bytes();
        for (int i = 0; i < positions.length; i++) {
            MemorySegment.copy(values.data(), (long) i * width, t.data(), positions[i] * width, width);
        }
        return t;
    }

    private long[] positions(SparseTensorProto proto, Shape shape, long stored, String where) {
        Tensor indices = tensor(proto.getIndices(), where + ", indices");
        if (indices.dtype() != DType.I64) throw bad(where, "has indices of type " + indices.dtype());
        boolean linear = indices.shape().equals(Shape.of(stored));
        if (!linear && !indices.shape().equals(Shape.of(stored, shape.rank()))) {
            throw bad(where, "has indices of shape " + indices.shape() + " for " + stored + " values in " + shape);
        }
        long[] strides = shape.strides();
        long n = shape.elements();
        long[] positions = new long[Math.toIntExact(stored)];
        for (int i = 0; i < positions.length; i++) {
            long p = 0;
            if (linear) p = indices.getLong(i);
            for (int a = 0; a < shape.rank() && !linear; a++) {
                long c = indices.getLong((long) i * shape.rank() + a);
                if (c < 0 || c >= shape.extent(a))
                    throw bad(where, "has the index " + c + " on axis " + a + " of " + shape);
                p += c * strides[a];
            }
            if (p < 0 || p >= n) throw bad(where, "has the index " + p + " in " + shape);
            if (i > 0 && p <= positions[i - 1]) throw bad(where, "has indices that do not ascend");
            positions[i] = p;
        }
        return positions;
    }

    /** A list of tensors. */
    List<Data> readAll(List<TensorProto> protos, String where) {
        List<Data> all = new ArrayList<>();
        for (int i = 0; i < protos.size(); i++) all.add(read(protos.get(i), where + "[" + i + "]"));
        return all;
    }

    static String label(@Nullable String name, String otherwise) {
        return name == null || name.isEmpty() ? otherwise : "'" + name + "'";
    }

    private static InvalidInputException bad(String where, String what) {
        return new InvalidInputException(where + ": " + what);
    }
}
