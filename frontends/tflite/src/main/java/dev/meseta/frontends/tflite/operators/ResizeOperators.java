package dev.meseta.frontends.tflite.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import dev.meseta.graph.quantized.QuantizedOp;
import java.util.ArrayList;
import java.util.List;

/** Pictures of another size. Operands: x as batch, height, width, channels; the new height and width. */
final class ResizeOperators {
    private ResizeOperators() {}

    static void register(Registry r) {
        r.expand(
                "RESIZE_BILINEAR",
                node -> named(node, true, node.options().flag(2), node.options().flag(3)));
        r.expand(
                "RESIZE_NEAREST_NEIGHBOR",
                node -> named(
                        node, false, node.options().flag(0), node.options().flag(1)));
    }

    /** With a name for devices where it is of integers that stand for numbers. */
    private static Lowering.Expand named(OperatorNode node, boolean bilinear, boolean corners, boolean halves) {
        Lowering.Expand plain = bilinear ? bilinear(node, corners, halves) : nearest(corners, halves);
        if (!node.isQuantized(0)) return plain;
        return c -> {
            long[] size = size(c);
            QuantizedOp op = new QuantizedOp.Resize(bilinear, List.of(size[0], size[1]), corners, halves);
            return List.of(
                    Composites.of(c, op, new int[] {0}, in -> plain.expand(in).getFirst()));
        };
    }

    private static long[] size(LoweringContext c) {
        long[] size = Shapes.integers(c, 1);
        Value x = c.operand(0);
        c.require(x.rank() == 4 && size.length == 2, "resizes " + x.type() + " to " + size.length + " extents");
        for (int i = 0; i < 2; i++) {
            c.require(size[i] > 0 && size[i] < 1 << 24, "the new extent is " + size[i]);
            c.require(x.extent(i + 1) > 0, "resizes " + x.type());
        }
        return size;
    }

    private static Lowering.Expand nearest(boolean corners, boolean halves) {
        return c -> {
            long[] size = size(c);
            Value x = c.operand(0);
            for (int i = 0; i < 2; i++) {
                long n = x.extent(i + 1);
                float scale = corners && size[i] > 1 ? (n - 1) / (float) (size[i] - 1) : n / (float) size[i];
                long[] places = new long[(int) size[i]];
                for (int k = 0; k < places.length; k++) {
                    float p = (k + (halves ? 0.5f : 0)) * scale;
                    long place = corners ? FixedPoint.roundHalfAway(p) : (long) Math.floor(p);
                    places[k] = Math.clamp(place, 0, n - 1);
                }
                x = gather(c.builder(), x, i + 1, places);
            }
            return List.of(x);
        };
    }

    private static Value gather(GraphBuilder b, Value x, int axis, long[] places) {
        boolean same = places.length == x.extent(axis);
        for (int i = 0; i < places.length && same; i++) same = places[i] == i;
        return same ? x : b.add(new Op.Gather(axis), x, b.longs(places));
    }

    /** Between which two places of an axis each new one lies, and how far from the first. */
    private record Between(long[] first, long[] second, double[] part) {
        /** In floats of 32 bits. */
        static Between real(long n, long size, boolean corners, boolean halves) {
            float scale = corners && size > 1 ? (n - 1) / (float) (size - 1) : n / (float) size;
            Between w = new Between(new long[(int) size], new long[(int) size], new double[(int) size]);
            for (int i = 0; i < size; i++) {
                float p = halves ? (i + 0.5f) * scale - 0.5f : i * scale;
                w.first[i] = Math.max((long) Math.floor(p), 0);
                w.second[i] = Math.min((long) Math.ceil(p), n - 1);
                w.part[i] = p - w.first[i];
            }
            return w;
        }

        /** In integers of 10 fraction bits. */
        static Between integer(long n, long size, boolean corners, boolean halves) {
            long scale = (1024 * n + size / 2) / size;
            if (corners && size > 1) scale = (1024 * (n - 1) + (size - 1) / 2) / (size - 1);
            Between w = new Between(new long[(int) size], new long[(int) size], new double[(int) size]);
            for (int i = 0; i < size; i++) {
                long p = halves ? i * scale + scale / 2 - 512 : i * scale;
                w.first[i] = Math.max(p / 1024, 0);
                w.second[i] = Math.min((p + 1023) / 1024, n - 1);
                w.part[i] = p - 1024 * w.first[i];
            }
            return w;
        }

        /** one * (first) + part * (second - first), the parts in units of {@code one}. */
        Value apply(GraphBuilder b, Value x, int axis, double one) {
            Value low = gather(b, x, axis, first);
            Value high = gather(b, x, axis, second);
            Value weight = weights(b, x, axis, 0, 1);
            Value rest = weights(b, x, axis, one, -1);
            return b.plus(b.times(low, rest), b.times(high, weight));
        }

        /** Along height and width: the four elements around each place, each times both of its parts. */
        static Value both(GraphBuilder b, Value x, Between rows, Between columns) {
            Value up = rows.weights(b, x, 1, 1, -1);
            Value down = rows.weights(b, x, 1, 0, 1);
            Value left = columns.weights(b, x, 2, 1, -1);
            Value right = columns.weights(b, x, 2, 0, 1);
            Value above = gather(b, x, 1, rows.first);
            Value below = gather(b, x, 1, rows.second);
            Value sum = b.times(b.times(gather(b, above, 2, columns.first), up), left);
            sum = b.plus(sum, b.times(b.times(gather(b, below, 2, columns.first), down), left));
            sum = b.plus(sum, b.times(b.times(gather(b, above, 2, columns.second), up), right));
            return b.plus(sum, b.times(b.times(gather(b, below, 2, columns.second), down), right));
        }

        private Value weights(GraphBuilder b, Value x, int axis, double offset, double sign) {
            List<Dim> dims = new ArrayList<>();
            for (int i = 0; i < x.rank(); i++) dims.add(Dim.of(i == axis ? part.length : 1));
            Tensor t = Tensor.allocate(x.dtype(), Shape.of(dims));
            for (int i = 0; i < part.length; i++) t.setDouble(i, offset + sign * part[i]);
            return b.constant(t);
        }
    }

    private static Lowering.Expand bilinear(OperatorNode node, boolean corners, boolean halves) {
        DType t = node.inputType(0);
        if (t == DType.U8) {
            return c -> {
                GraphBuilder b = c.builder();
                long[] size = size(c);
                Value x = b.cast(c.operand(0), DType.F32);
                Between rows = Between.real(x.extent(1), size[0], corners, halves);
                Between columns = Between.real(x.extent(2), size[1], corners, halves);
                // In floats, as TFLite has it, and so in its order.
                Value y = b.add(
                        new Op.Cast(t, Op.Cast.Rounding.SATURATE),
                        b.plus(Between.both(b, x, rows, columns), b.scalar(DType.F32, 0.5)));
                return List.of(y);
            };
        }
        if (t == DType.F32) {
            return c -> {
                GraphBuilder b = c.builder();
                long[] size = size(c);
                Value y = c.operand(0);
                for (int i = 0; i < 2; i++) {
                    y = Between.real(y.extent(i + 1), size[i], corners, halves).apply(b, y, i + 1, 1);
                }
                return List.of(y);
            };
        }
        if (t != DType.I8 && t != DType.I16) throw node.unsupportedTypes();
        return c -> {
            GraphBuilder b = c.builder();
            long[] size = size(c);
            Value y = b.cast(c.operand(0), DType.I64);
            for (int i = 0; i < 2; i++) {
                y = Between.integer(y.extent(i + 1), size[i], corners, halves).apply(b, y, i + 1, 1024);
            }
            return List.of(b.cast(PoolingOperators.divide(b, y, b.scalar(DType.I64, 1L << 20)), t));
        };
    }
}
