package dev.meseta.drivers.ethosu.compiler;

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
import dev.meseta.graph.quantized.Clamp;
import dev.meseta.graph.quantized.QuantizedOp;
import dev.meseta.graph.quantized.Scaling;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;

/** Quantised operators with their meaning in the op set, written from {@code docs/tflite.md}. */
final class QuantizedBodies {
    private final GraphBuilder b;
    private final DType type;

    private QuantizedBodies(GraphBuilder b, DType type) {
        this.b = b;
        this.type = type;
    }

    /** Adds an operator with a result of a type. */
    static Value add(GraphBuilder b, QuantizedOp op, DType type, Value... operands) {
        return b.composite(
                        op.name(),
                        op.attributes(),
                        List.of(operands),
                        (body, in) -> List.of(new QuantizedBodies(body, type).body(op, in)))
                .getFirst();
    }

    private Value body(QuantizedOp op, List<Value> in) {
        return switch (op) {
            case QuantizedOp.Convolution o -> convolution(o, in);
            case QuantizedOp.FullyConnected o -> fullyConnected(o, in);
            case QuantizedOp.Pool o -> pool(o, in.getFirst());
            case QuantizedOp.Sum o -> {
                Value x = times(shifted(minus(in.get(0), o.leftZero()), o.leftShift()), o.left());
                Value y = times(shifted(minus(in.get(1), o.rightZero()), o.leftShift()), o.right());
                yield clamp(
                        times(b.map(o.subtract() ? MapFunction.SUB : MapFunction.ADD, x, y), o.result()), o.clamp());
            }
            case QuantizedOp.Product o ->
                clamp(
                        times(b.times(minus(in.get(0), o.leftZero()), minus(in.get(1), o.rightZero())), o.scaling()),
                        o.clamp());
            case QuantizedOp.Extreme o -> b.map(o.largest() ? MapFunction.MAX : MapFunction.MIN, in.get(0), in.get(1));
            case QuantizedOp.Rescale o -> clamp(times(minus(in.getFirst(), o.inputZero()), o.scaling()), o.clamp());
            case QuantizedOp.Table o -> {
                Value index = minus(in.getFirst(), in.getFirst().dtype() == DType.U8 ? 0 : -128);
                Tensor t = Tensor.allocate(type, Shape.of(256));
                for (int i = 0; i < 256; i++) t.setLong(i, o.results().get(i));
                yield b.add(new Op.Gather(0), b.constant(t), index);
            }
            case QuantizedOp.Reduction o -> reduction(o, in.getFirst());
            default -> throw new IllegalArgumentException(op.name());
        };
    }

    private Value minus(Value x, long zero) {
        return b.minus(b.cast(x, DType.I64), b.scalar(DType.I64, zero));
    }

    private Value shifted(Value x, long left) {
        return b.map(MapFunction.SHIFT_LEFT, x, b.scalar(DType.I64, left));
    }

    private Value vector(Scaling s, ToLongFunction<Integer> f) {
        if (!s.isPerChannel()) return b.scalar(DType.I64, f.applyAsLong(0));
        long[] v = new long[s.multipliers().size()];
        for (int i = 0; i < v.length; i++) v[i] = f.applyAsLong(i);
        return b.longs(v);
    }

    /** Times a multiplier, whose last axis is that of x's channels. */
    private Value times(Value x, Scaling s) {
        if (s.wide()) {
            Value reduced = vector(s, i -> s.multiplier(i) < 0x7fff0000L ? s.multiplier(i) + (1 << 15) >> 16 : 0x7fff);
            Value product = b.plus(b.times(x, reduced), vector(s, i -> 1L << 14 - s.shift(i)));
            return b.map(MapFunction.SHIFT_RIGHT, product, vector(s, i -> 15 - s.shift(i)));
        }
        Value left = b.map(MapFunction.SHIFT_LEFT, x, vector(s, i -> Math.max(0, s.shift(i))));
        Value narrow = b.cast(b.cast(left, DType.I32), DType.I64);
        Value product = b.plus(b.times(narrow, vector(s, s::multiplier)), b.scalar(DType.I64, 1L << 30));
        Value high = b.map(MapFunction.SHIFT_RIGHT, product, b.scalar(DType.I64, 31L));
        Value sign = b.map(MapFunction.SHIFT_RIGHT, high, b.scalar(DType.I64, 63L));
        Value away = b.map(MapFunction.AND, sign, vector(s, i -> s.shift(i) < 0 ? -1 : 0));
        Value half = vector(s, i -> s.shift(i) < 0 ? 1L << -s.shift(i) - 1 : 0);
        return b.map(
                MapFunction.SHIFT_RIGHT, b.plus(b.plus(high, half), away), vector(s, i -> Math.max(0, -s.shift(i))));
    }

    private Value clamp(Value x, Clamp c) {
        Value y = b.plus(x, b.scalar(DType.I64, c.zero()));
        return b.cast(b.map(MapFunction.CLAMP, y, b.scalar(DType.I64, c.min()), b.scalar(DType.I64, c.max())), type);
    }

    private Value convolution(QuantizedOp.Convolution o, List<Value> in) {
        Value x = b.transpose(minus(in.get(0), o.inputZero()), 0, 3, 1, 2);
        int[] order = o.depthwise() ? new int[] {3, 0, 1, 2} : new int[] {0, 3, 1, 2};
        Value w = b.transpose(minus(in.get(1), o.weightZero()), order);
        int groups = (int) (x.extent(1) / w.extent(1));
        Op op = new Op.Convolution(o.strides(), o.low(), o.high(), List.of(1L, 1L), o.dilations(), groups, DType.I64);
        Value sums = b.transpose(b.add(op, x, w), 0, 2, 3, 1);
        return clamp(times(biased(sums, in), o.scaling()), o.clamp());
    }

    private Value biased(Value sums, List<Value> in) {
        return in.size() < 3 ? sums : b.plus(sums, b.cast(in.get(2), DType.I64));
    }

    private Value fullyConnected(QuantizedOp.FullyConnected o, List<Value> in) {
        Value w = b.transpose(minus(in.get(1), o.weightZero()), 1, 0);
        Value sums = b.matmul(minus(in.get(0), o.inputZero()), w, DType.I64);
        return clamp(times(biased(sums, in), o.scaling()), o.clamp());
    }

    private static List<Long> spatial(List<Long> two, long other) {
        return List.of(other, two.get(0), two.get(1), other);
    }

    private Value pool(QuantizedOp.Pool o, Value x) {
        ReduceKind kind = o.largest() ? ReduceKind.MAX : ReduceKind.SUM;
        Op op = new Op.WindowReduce(
                kind,
                spatial(o.window(), 1),
                spatial(o.strides(), 1),
                List.of(1L, 1L, 1L, 1L),
                spatial(o.low(), 0),
                spatial(o.high(), 0));
        Value y = b.add(op, b.cast(x, DType.I64));
        Clamp plain = new Clamp(0, o.clamp().min(), o.clamp().max());
        if (o.largest()) return clamp(y, plain);
        Value ones = b.broadcast(b.scalar(DType.I64, 1L), x.shape());
        Value count = b.add(op, ones);
        Value half = b.map(MapFunction.SHIFT_RIGHT, count, b.scalar(DType.I64, 1L));
        Value negative = b.map(MapFunction.LT, y, b.scalar(DType.I64, 0L));
        Value nudged = b.select(negative, b.minus(y, half), b.plus(y, half));
        return clamp(b.divide(nudged, count), plain);
    }

    private Value reduction(QuantizedOp.Reduction o, Value x) {
        List<Integer> axes = o.axes().stream().map(Math::toIntExact).toList();
        Value sum = b.reduce(ReduceKind.SUM, minus(x, o.inputZero()), axes, o.keep());
        long low = type == DType.U8 ? 0 : -(1L << type.bits() - 1);
        return clamp(times(sum, o.scaling()), new Clamp(o.outputZero(), low, low + (1L << type.bits()) - 1));
    }

    /** A picture's type. */
    static TensorType picture(DType t, long n, long h, long w, long c) {
        return new TensorType(t, Shape.of(List.of(Dim.of(n), Dim.of(h), Dim.of(w), Dim.of(c))));
    }

    static List<Long> longs(long... values) {
        List<Long> l = new ArrayList<>();
        for (long v : values) l.add(v);
        return l;
    }
}
