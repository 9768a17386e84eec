package dev.meseta.graph.interpreter;

import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Ops that compare elements along an axis: the extreme's position, and the sorted top k. */
final class Ordering {
    private Ordering() {}

    static Tensor argReduce(Op.ArgReduce o, Tensor x, TensorType type) {
        // NaN is the extreme on either side.
        long[] keys = keys(x, o.largest() ? Long.MAX_VALUE : Long.MIN_VALUE);
        int n = (int) x.shape().extent(o.axis());
        int inner = inner(x.shape(), o.axis());
        long[] out = new long[Memory.arrayLength(type)];
        Parallel.each(out.length, n, line -> {
            int at = line / inner * n * inner + line % inner;
            int best = 0;
            for (int i = 1; i < n; i++) {
                int c = Long.compare(keys[at + i * inner], keys[at + best * inner]);
                if (o.largest() ? c > 0 : c < 0) best = i;
                else if (c == 0 && o.lastOnTie()) best = i;
            }
            out[line] = best;
        });
        return Elements.tensor(type, out);
    }

    /** Values and positions. */
    static List<Tensor> topK(Op.TopK o, Tensor x, TensorType type) {
        long[] keys = keys(x, Long.MAX_VALUE);
        int n = (int) x.shape().extent(o.axis());
        int k = (int) o.k().extent();
        int inner = inner(x.shape(), o.axis());
        int bytes = x.dtype().bytes();
        Tensor values = Tensor.allocate(type);
        long[] positions = new long[Memory.arrayLength(type)];
        int lines = k == 0 || inner == 0 ? 0 : positions.length / k;
        Parallel.each(lines, n * 16.0, line -> {
            int at = line / inner * n * inner + line % inner;
            Integer[] order = new Integer[n];
            for (int i = 0; i < n; i++) order[i] = i;
            Comparator<Integer> ascending = (a, b) -> Long.compare(keys[at + a * inner], keys[at + b * inner]);
            // The sort is stable: equal elements stay in the order of their positions.
            Arrays.sort(order, o.largest() ? ascending.reversed() : ascending);
            for (int i = 0; i < k; i++) {
                int to = line / inner * k * inner + i * inner + line % inner;
                positions[to] = order[i];
                long from = (long) (at + order[i] * inner) * bytes;
                MemorySegment.copy(x.data(), from, values.data(), (long) to * bytes, bytes);
            }
        });
        return List.of(values, Elements.tensor(type.with(dev.meseta.graph.DType.I64), positions));
    }

    /** Signed numbers in the order of the elements; both zeros are equal. */
    private static long[] keys(Tensor x, long nan) {
        if (!x.dtype().isFloat()) {
            long[] keys = Elements.longs(x);
            if (Elements.isUnsigned64(x.dtype())) {
                for (int i = 0; i < keys.length; i++) keys[i] ^= Long.MIN_VALUE;
            }
            return keys;
        }
        double[] v = Elements.doubles(x);
        long[] keys = new long[v.length];
        for (int i = 0; i < keys.length; i++) {
            long bits = Double.doubleToLongBits(v[i] + 0.0);
            keys[i] = Double.isNaN(v[i]) ? nan : bits < 0 ? bits ^ Long.MAX_VALUE : bits;
        }
        return keys;
    }

    private static int inner(Shape s, int axis) {
        long n = 1;
        for (int i = axis + 1; i < s.rank(); i++) n *= s.extent(i);
        return (int) n;
    }
}
