package dev.meseta.frontends.tflite.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import dev.meseta.graph.quantized.QuantizedOp;
import java.util.List;

/** Reductions of windows over height and width. */
final class PoolingOperators {
    /** Places in a window whose greatest element's place is asked for. */
    private static final long MOST_PLACES = 64;

    private static final float TENTH = 0.1f;

    private PoolingOperators() {}

    static void register(Registry r) {
        r.expand("AVERAGE_POOL_2D", PoolingOperators::average);
        r.expand("MAX_POOL_2D", PoolingOperators::max);
        r.expand("L2_POOL_2D", PoolingOperators::root);
        r.expandCustom("MaxPoolingWithArgmax2D", PoolingOperators::maxWithPlaces);
        r.expandCustom("MaxUnpooling2D", PoolingOperators::unpool);
    }

    private record Pool(OperatorNode node, int padding, long[] stride, long[] window) {
        static Pool of(OperatorNode n) {
            return new Pool(
                    n,
                    n.options().choice(0),
                    new long[] {n.options().integer(2), n.options().integer(1)},
                    new long[] {n.options().integer(4), n.options().integer(3)});
        }

        Windows place(Value x, int axis) {
            return Windows.placeBare(node, padding, x.extent(axis + 1), window[axis], stride[axis]);
        }

        /** What devices may know it by. */
        QuantizedOp named(LoweringContext c, boolean largest, Activation.Range range) {
            Value x = c.operand(0);
            requireRank(c, x);
            Windows h = place(x, 0);
            Windows w = place(x, 1);
            long zero = node.isQuantizedResult(0) ? node.outputScale(0).zeroPoint(0) : 0;
            return new QuantizedOp.Pool(
                    largest,
                    List.of(window[0], window[1]),
                    List.of(stride[0], stride[1]),
                    List.of(h.low(), w.low()),
                    List.of(h.high(), w.high()),
                    Composites.clamp(zero, range));
        }

        private static void requireRank(LoweringContext c, Value x) {
            c.require(x.rank() == 4, "the input is " + x.type() + ", expected rank 4");
        }

        Value reduce(LoweringContext c, ReduceKind kind, Value x) {
            requireRank(c, x);
            Windows h = place(x, 0);
            Windows w = place(x, 1);
            return c.builder()
                    .add(
                            new Op.WindowReduce(
                                    kind,
                                    List.of(1L, window[0], window[1], 1L),
                                    List.of(1L, stride[0], stride[1], 1L),
                                    List.of(1L, 1L, 1L, 1L),
                                    List.of(0L, h.low(), w.low(), 0L),
                                    List.of(0L, h.high(), w.high(), 0L)),
                            x);
        }

        /** How many elements of x each window holds, in a shape that broadcasts over the result. */
        Value counts(LoweringContext c, Value x, Value result, DType dtype) {
            long[][] n = new long[2][];
            for (int axis = 0; axis < 2; axis++) {
                Windows p = place(x, axis);
                n[axis] = new long[Math.toIntExact(p.places())];
                for (int i = 0; i < n[axis].length; i++) {
                    long begin = i * stride[axis] - p.low();
                    long end = Math.min(begin + window[axis], x.extent(axis + 1));
                    n[axis][i] = end - Math.max(0, begin);
                }
            }
            Shape shape = Shape.of(
                    List.of(Dim.of(1), result.shape().dim(1), result.shape().dim(2), Dim.of(1)));
            if (isUniform(n[0]) && isUniform(n[1])) {
                return c.builder().scalar(dtype, n[0].length == 0 || n[1].length == 0 ? 1 : n[0][0] * n[1][0]);
            }
            Tensor t = Tensor.allocate(new TensorType(dtype, shape));
            for (int i = 0; i < n[0].length; i++) {
                for (int j = 0; j < n[1].length; j++) t.setLong((long) i * n[1].length + j, n[0][i] * n[1][j]);
            }
            return c.builder().constant(t);
        }

        private static boolean isUniform(long[] v) {
            for (long x : v) if (x != v[0]) return false;
            return true;
        }
    }

    private static Lowering.Expand average(OperatorNode node) {
        Pool pool = Pool.of(node);
        Activation activation = Activation.of(node, 5);
        DType t = node.inputType(0);
        if (t == DType.F32) {
            return c -> {
                GraphBuilder b = c.builder();
                Value sums = pool.reduce(c, ReduceKind.SUM, c.operand(0));
                return List.of(activation.apply(b, b.divide(sums, pool.counts(c, c.operand(0), sums, DType.F32))));
            };
        }
        if (t != DType.I8 && t != DType.U8 && t != DType.I16) throw node.unsupportedTypes();
        Activation.Range range = range(node, activation, t);
        return outer -> List.of(Composites.of(outer, pool.named(outer, false, range), new int[] {0}, c -> {
            GraphBuilder b = c.builder();
            Value sums = pool.reduce(c, ReduceKind.SUM, b.cast(c.operand(0), DType.I32));
            Value counts = pool.counts(c, c.operand(0), sums, DType.I32);
            return FixedPoint.narrow(b, divide(b, sums, counts), 0, range, t);
        }));
    }

    /** A quotient to the nearest, ties away from 0; the divisor is positive. */
    static Value divide(GraphBuilder b, Value x, Value divisor) {
        Value half = b.map(MapFunction.SHIFT_RIGHT, divisor, b.scalar(divisor.dtype(), 1L));
        Value negative = b.map(MapFunction.LT, x, b.scalar(x.dtype(), 0L));
        return b.divide(b.select(negative, b.minus(x, half), b.plus(x, half)), divisor);
    }

    private static Activation.Range range(OperatorNode node, Activation activation, DType t) {
        if (activation == Activation.NONE) return Activation.all(t);
        return activation.range(node, node.outputScale(0), t);
    }

    private static Lowering.Expand max(OperatorNode node) {
        Pool pool = Pool.of(node);
        Activation activation = Activation.of(node, 5);
        DType t = node.inputType(0);
        if (t == DType.F32) {
            return c -> List.of(activation.apply(c.builder(), pool.reduce(c, ReduceKind.MAX, c.operand(0))));
        }
        if (t != DType.I8 && t != DType.U8 && t != DType.I16) throw node.unsupportedTypes();
        Activation.Range range = range(node, activation, t);
        return outer -> List.of(Composites.of(outer, pool.named(outer, true, range), new int[] {0}, c -> {
            GraphBuilder b = c.builder();
            Value y = pool.reduce(c, ReduceKind.MAX, c.operand(0));
            return activation == Activation.NONE ? y : FixedPoint.narrow(b, b.cast(y, DType.I32), 0, range, t);
        }));
    }

    private static Lowering.Expand root(OperatorNode node) {
        Pool pool = Pool.of(node);
        Activation activation = Activation.of(node, 5);
        if (node.inputType(0) != DType.F32) throw node.unsupportedTypes();
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            Value sums = pool.reduce(c, ReduceKind.SUM, b.times(x, x));
            Value mean = b.divide(sums, pool.counts(c, x, sums, DType.F32));
            return List.of(activation.apply(b, b.map(MapFunction.SQRT, mean)));
        };
    }

    private static Pool mediaPipe(OperatorNode n) {
        long[] stride = {MediaPipeOptions.extent(n, 2), MediaPipeOptions.extent(n, 1)};
        long[] window = {MediaPipeOptions.extent(n, 4), MediaPipeOptions.extent(n, 3)};
        n.require(window[0] * window[1] <= MOST_PLACES, "a window has more than " + MOST_PLACES + " places");
        return new Pool(n, MediaPipeOptions.isSame(n) ? Windows.SAME : Windows.VALID, stride, window);
    }

    /** The greatest of each window, and the place in the window of the first that is so, as a float and a tenth more. */
    private static Lowering.Expand maxWithPlaces(OperatorNode node) {
        if (node.inputType(0) != DType.F32) throw node.unsupportedTypes();
        Pool pool = mediaPipe(node);
        Activation activation = Activation.of(node, MediaPipeOptions.number(node, 5));
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            Value most = pool.reduce(c, ReduceKind.MAX, x);
            Windows h = pool.place(x, 0);
            Windows w = pool.place(x, 1);
            Op pad = new Op.Pad(List.of(0L, h.low(), w.low(), 0L), List.of(0L, h.high(), w.high(), 0L));
            Value padded = b.add(pad, x, b.scalar(DType.F32, Double.NEGATIVE_INFINITY));
            Value places = b.broadcast(b.scalar(DType.F32, (double) TENTH), most.shape());
            for (int i = (int) (pool.window()[0] * pool.window()[1]) - 1; i >= 0; i--) {
                Op slice = new Op.Slice(
                        List.of(0L, i / pool.window()[1], i % pool.window()[1], 0L),
                        most.shape().dims(),
                        List.of(1L, pool.stride()[0], pool.stride()[1], 1L));
                Value here = b.map(MapFunction.EQ, b.add(slice, padded), most);
                places = b.select(here, b.scalar(DType.F32, (double) (i + TENTH)), places);
            }
            return List.of(activation.apply(b, most), places);
        };
    }

    /** Each element at its place in a window, around it zeros. */
    private static Lowering.Expand unpool(OperatorNode node) {
        if (node.inputType(0) != DType.F32 || node.inputType(1) != DType.F32) throw node.unsupportedTypes();
        Pool pool = mediaPipe(node);
        long height = pool.window()[0];
        long width = pool.window()[1];
        node.require(height == pool.stride()[0] && width == pool.stride()[1], "windows that overlap are not supported");
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            c.require(
                    x.rank() == 4 && x.shape().equals(c.operand(1).shape()),
                    "input and places must have one shape of rank 4");
            long[] spread = {x.extent(0), x.extent(1), 1, x.extent(2), 1, x.extent(3)};
            Value places = b.cast(b.reshape(c.operand(1), spread), DType.I32);
            Tensor t = Tensor.allocate(DType.I32, Shape.of(1, 1, height, 1, width, 1));
            for (long i = 0; i < t.elements(); i++) t.setLong(i, i);
            Value here = b.map(MapFunction.EQ, places, b.constant(t));
            Value y = b.select(here, b.reshape(x, spread), b.scalar(DType.F32, 0.0));
            return List.of(b.reshape(
                    y,
                    x.extent(0),
                    Math.multiplyExact(x.extent(1), height),
                    Math.multiplyExact(x.extent(2), width),
                    x.extent(3)));
        };
    }
}
