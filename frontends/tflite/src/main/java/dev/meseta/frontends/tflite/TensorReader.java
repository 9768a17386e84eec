package dev.meseta.frontends.tflite;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import dev.meseta.frontends.tflite.format.Sparsity;
import dev.meseta.frontends.tflite.format.TensorInfo;
import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Makes tensors of the constants in a file. Their bytes stay where they are, but for those that a file packs more tightly. */
final class TensorReader {
    /** What constants that are stored sparsely may take in all, whatever little the file holds of them. */
    private static final long SPARSE_BUDGET = 256L << 20;

    private long sparseBytes;

    /** Throws {@link InvalidInputException} where the bytes are not those of such a tensor. */
    Data read(TensorInfo info, MemorySegment bytes) {
        if (info.element() == TensorInfo.STRING) return strings(info, bytes);
        TensorType type = type(info);
        Sparsity sparsity = info.sparsity();
        if (sparsity != null) return dense(info, type, sparsity, bytes);
        long expected = packedBytes(type);
        if (bytes.byteSize() != expected) {
            throw bad(info, type + " takes " + expected + " bytes, its buffer has " + bytes.byteSize());
        }
        if (type.dtype() == DType.BOOL) return booleans(type, bytes);
        return type.dtype() == DType.I4 ? nibbles(type, bytes) : Tensor.wrap(type, bytes);
    }

    /** A count, where each string begins and the last one ends, and the strings: all numbers of 32 bits. */
    private static Data strings(TensorInfo info, MemorySegment bytes) {
        long expected = 1;
        for (int e : info.shape()) expected = e < 0 ? -1 : Math.multiplyExact(expected, (long) e);
        long count = bytes.byteSize() < 4 ? -1 : bytes.get(JAVA_INT_UNALIGNED, 0);
        if (count != expected || count < 0 || 4 * (count + 2) > bytes.byteSize())
            throw bad(info, "holds " + count + " strings in " + bytes.byteSize() + " bytes, expected " + expected);
        List<String> values = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            long begin = bytes.get(JAVA_INT_UNALIGNED, 4 * (i + 1));
            long end = bytes.get(JAVA_INT_UNALIGNED, 4 * (i + 2));
            if (begin < 4 * (count + 2) || end < begin || end > bytes.byteSize())
                throw bad(info, "has a string from byte " + begin + " to " + end + " of " + bytes.byteSize());
            values.add(StandardCharsets.UTF_8
                    .decode(bytes.asSlice(begin, end - begin).asByteBuffer())
                    .toString());
        }
        long[] extents = Arrays.stream(info.shape()).asLongStream().toArray();
        return new Data.Strings(Shape.of(extents), values);
    }

    private static TensorType type(TensorInfo info) {
        DType dtype = info.dtype();
        if (dtype == null) throw bad(info, "a constant of handles is not supported");
        long[] extents = Arrays.stream(info.shape()).asLongStream().toArray();
        for (long e : extents) if (e < 0) throw bad(info, "is constant, and has an unknown extent");
        TensorType type = new TensorType(dtype, Shape.of(extents));
        try {
            if (type.bytes() >= 0) return type;
        } catch (ArithmeticException e) {
            throw new InvalidInputException(info.where() + ": " + type + " is beyond any memory", e);
        }
        throw bad(info, type + " is beyond any memory");
    }

    private static long packedBytes(TensorType type) {
        long n = type.shape().elements();
        return type.dtype() == DType.I4 ? n / 2 + n % 2 : type.bytes();
    }

    /** Bytes of BOOL are 0 or 1 in a tensor; a file may hold others, which count as true. */
    private static Tensor booleans(TensorType type, MemorySegment bytes) {
        Tensor t = Tensor.allocate(type);
        for (long i = 0; i < bytes.byteSize(); i++) t.setLong(i, bytes.get(JAVA_BYTE, i));
        return t;
    }

    /** Two elements a byte, the first one in the low bits. */
    private static Tensor nibbles(TensorType type, MemorySegment bytes) {
        Tensor t = Tensor.allocate(type);
        long n = t.elements();
        for (long i = 0; i < n; i++) t.setLong(i, bytes.get(JAVA_BYTE, i / 2) >> (i % 2 == 0 ? 0 : 4));
        return t;
    }

    private Tensor dense(TensorInfo info, TensorType type, Sparsity sparsity, MemorySegment bytes) {
        sparseBytes = Math.addExact(sparseBytes, Math.min(type.bytes(), SPARSE_BUDGET + 1));
        if (sparseBytes > SPARSE_BUDGET) throw bad(info, "sparse constants take more than 256 MiB when made dense");
        if (type.dtype() == DType.BOOL || type.dtype().bits() < 8) throw bad(info, type + " cannot be sparse");
        return new Expansion(info, type, sparsity, bytes).run();
    }

    /** The walk over what is stored of a sparse tensor. */
    private static final class Expansion {
        private final TensorInfo info;
        private final Tensor result;
        private final Sparsity sparsity;
        private final MemorySegment bytes;
        private final int rank;
        private final long[] place;
        private final long[] blockExtents;
        private long next;
        private long steps;

        Expansion(TensorInfo info, TensorType type, Sparsity sparsity, MemorySegment bytes) {
            this.info = info;
            this.result = Tensor.allocate(type);
            this.sparsity = sparsity;
            this.bytes = bytes;
            this.rank = type.rank();
            int[] order = sparsity.order();
            int levels = sparsity.levels().size();
            Set<Integer> seen = new HashSet<>();
            for (int axis : order) {
                if (axis < 0 || axis >= order.length || !seen.add(axis)) throw wrong();
            }
            if (order.length != rank + sparsity.blocks().length || levels != order.length) throw wrong();
            this.place = new long[order.length];
            this.blockExtents = new long[rank];
            // No level has more entries than the tensor has elements.
            this.steps = (order.length + 1) * (result.elements() + 1);
            Arrays.fill(blockExtents, 1);
            for (int i = 0; i < order.length; i++) {
                if (order[i] < rank) continue;
                int axis = sparsity.blocks()[order[i] - rank];
                Sparsity.Level level = sparsity.levels().get(i);
                if (axis < 0 || axis >= rank || level.segments() != null || level.extent() < 1) throw wrong();
                blockExtents[axis] *= level.extent();
            }
        }

        Tensor run() {
            walk(0, 0);
            if (next * result.dtype().bytes() != bytes.byteSize()) throw wrong();
            return result;
        }

        private void walk(int level, long entry) {
            if (--steps < 0) throw wrong();
            if (level == place.length) {
                store();
                return;
            }
            Sparsity.Level l = sparsity.levels().get(level);
            int axis = sparsity.order()[level];
            int @Nullable [] segments = l.segments();
            if (segments == null) {
                if (l.extent() < 0) throw wrong();
                for (int i = 0; i < l.extent(); i++) {
                    place[axis] = i;
                    walk(level + 1, entry * l.extent() + i);
                }
                return;
            }
            if (entry + 1 >= segments.length) throw wrong();
            int begin = segments[(int) entry];
            int end = segments[(int) entry + 1];
            if (begin < 0 || end > l.positions().length) throw wrong();
            for (int i = begin; i < end; i++) {
                place[axis] = l.positions()[i];
                walk(level + 1, i);
            }
        }

        private void store() {
            long width = result.dtype().bytes();
            if ((next + 1) * width > bytes.byteSize()) throw wrong();
            long at = 0;
            for (int axis = 0; axis < rank; axis++) {
                long p = place[axis] * blockExtents[axis];
                for (int i = rank; i < place.length; i++) {
                    if (sparsity.blocks()[i - rank] == axis) p += place[i];
                }
                long extent = result.shape().extent(axis);
                if (p < 0 || p >= extent) throw wrong();
                at = at * extent + p;
            }
            MemorySegment.copy(bytes, next * width, result.data(), at * width, width);
            next++;
        }

        private InvalidInputException wrong() {
            return bad(info, "is stored sparsely, in a way that is not its shape's");
        }
    }

    private static InvalidInputException bad(TensorInfo info, String text) {
        return new InvalidInputException(info.where() + ": " + text);
    }
}
