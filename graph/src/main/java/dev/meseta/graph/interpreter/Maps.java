package dev.meseta.graph.interpreter;

import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Scalar functions on every element: {@link FloatFunctions} on doubles, {@link IntegerFunctions} on longs. */
final class Maps {
    private Maps() {}

    static Tensor map(MapFunction f, List<Tensor> in, TensorType type) {
        DType t = in.getLast().dtype();
        if (f == MapFunction.SELECT) return select(in.get(0), in.get(1), in.get(2), type);
        if (f.isPredicate()) return t.isFloat() ? predicateOnFloats(f, in, type) : predicateOnIntegers(f, in, t, type);
        return t.isFloat() ? onFloats(f, in, type) : onIntegers(f, in, t, type);
    }

    private static Tensor onFloats(MapFunction f, List<Tensor> in, TensorType type) {
        double[] x = Elements.doubles(in.get(0));
        switch (f.arity()) {
            case 1 -> {
                var g = FloatFunctions.unary(f);
                Parallel.ranges(x.length, (from, to) -> {
                    for (int i = from; i < to; i++) x[i] = g.applyAsDouble(x[i]);
                });
            }
            case 2 -> {
                double[] y = Elements.doubles(in.get(1));
                var g = FloatFunctions.binary(f);
                Parallel.ranges(x.length, (from, to) -> {
                    for (int i = from; i < to; i++) x[i] = g.applyAsDouble(x[i], y[i]);
                });
            }
            default -> {
                double[] low = Elements.doubles(in.get(1));
                double[] high = Elements.doubles(in.get(2));
                for (int i = 0; i < x.length; i++) x[i] = Math.min(Math.max(x[i], low[i]), high[i]);
            }
        }
        return Elements.tensor(type, x);
    }

    private static Tensor onIntegers(MapFunction f, List<Tensor> in, DType t, TensorType type) {
        long[] x = Elements.longs(in.get(0));
        switch (f.arity()) {
            case 1 -> {
                var g = IntegerFunctions.unary(f, t);
                for (int i = 0; i < x.length; i++) x[i] = g.applyAsLong(x[i]);
            }
            case 2 -> {
                long[] y = Elements.longs(in.get(1));
                var g = IntegerFunctions.binary(f, t);
                for (int i = 0; i < x.length; i++) x[i] = g.applyAsLong(x[i], y[i]);
            }
            default -> {
                long[] low = Elements.longs(in.get(1));
                long[] high = Elements.longs(in.get(2));
                var max = IntegerFunctions.binary(MapFunction.MAX, t);
                var min = IntegerFunctions.binary(MapFunction.MIN, t);
                for (int i = 0; i < x.length; i++) x[i] = min.applyAsLong(max.applyAsLong(x[i], low[i]), high[i]);
            }
        }
        return Elements.tensor(type, x);
    }

    private static Tensor predicateOnFloats(MapFunction f, List<Tensor> in, TensorType type) {
        double[] x = Elements.doubles(in.get(0));
        double[] y = f.arity() == 1 ? x : Elements.doubles(in.get(1));
        long[] out = new long[x.length];
        for (int i = 0; i < out.length; i++) {
            boolean b = switch (f) {
                case IS_NAN -> Double.isNaN(x[i]);
                case IS_INF -> Double.isInfinite(x[i]);
                case EQ -> x[i] == y[i];
                case NE -> x[i] != y[i];
                case LT -> x[i] < y[i];
                case LE -> x[i] <= y[i];
                case GT -> x[i] > y[i];
                case GE -> x[i] >= y[i];
                default -> throw new AssertionError(f);
            };
            out[i] = b ? 1 : 0;
        }
        return Elements.tensor(type, out);
    }

    private static Tensor predicateOnIntegers(MapFunction f, List<Tensor> in, DType t, TensorType type) {
        long[] x = Elements.longs(in.get(0));
        long[] y = Elements.longs(in.get(1));
        // Flipping the sign bit makes signed comparison order unsigned numbers.
        long flip = Elements.isUnsigned64(t) ? Long.MIN_VALUE : 0;
        for (int i = 0; i < x.length; i++) {
            int c = Long.compare(x[i] ^ flip, y[i] ^ flip);
            boolean b = switch (f) {
                case EQ -> c == 0;
                case NE -> c != 0;
                case LT -> c < 0;
                case LE -> c <= 0;
                case GT -> c > 0;
                case GE -> c >= 0;
                default -> throw new AssertionError(f);
            };
            x[i] = b ? 1 : 0;
        }
        return Elements.tensor(type, x);
    }

    /** Chooses bytes, so that every element type passes unchanged. */
    private static Tensor select(Tensor condition, Tensor x, Tensor y, TensorType type) {
        Tensor out = Tensor.allocate(type);
        long bytes = type.dtype().bytes();
        for (long i = 0; i < out.elements(); i++) {
            Tensor from = condition.getLong(i) != 0 ? x : y;
            MemorySegment.copy(from.data(), i * bytes, out.data(), i * bytes, bytes);
        }
        return out;
    }
}
