package dev.meseta.drivers.ethosu.compiler;

import static dev.meseta.drivers.ethosu.compiler.QuantizedBodies.longs;
import static dev.meseta.drivers.ethosu.compiler.QuantizedBodies.picture;

import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.quantized.Clamp;
import dev.meseta.graph.quantized.QuantizedOp;
import dev.meseta.graph.quantized.Scaling;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Random operators in a graph: shapes, strides, paddings, zero points, scales. */
final class RandomOperators {
    final Random random;
    final GraphBuilder b;
    final DType type;

    RandomOperators(Random random, GraphBuilder b, DType type) {
        this.random = random;
        this.b = b;
        this.type = type;
    }

    long low(DType t) {
        return t == DType.U8 ? 0 : -(1L << t.bits() - 1);
    }

    long zero(DType t) {
        return t == DType.I16 ? 0 : low(t) + random.nextInt(256);
    }

    Clamp clamp() {
        long low = low(type);
        long high = low + (1L << type.bits()) - 1;
        long zero = zero(type);
        return switch (random.nextInt(3)) {
            case 0 -> new Clamp(zero, low, high);
            case 1 -> new Clamp(zero, zero, high);
            default -> new Clamp(zero, zero, Math.min(high, zero + random.nextInt(1, 100)));
        };
    }

    Scaling scaling(int channels, double size, boolean wide) {
        List<Long> m = new ArrayList<>();
        List<Long> s = new ArrayList<>();
        for (int i = 0; i < channels; i++) {
            double real = size * (0.3 + random.nextDouble());
            int shift = Math.getExponent(real) + 1;
            m.add(Math.min(Integer.MAX_VALUE, Math.round(Math.scalb(real, 31 - shift))));
            s.add((long) shift);
        }
        return new Scaling(m, s, wide);
    }

    Value constant(DType t, long... extents) {
        Tensor w = Tensor.allocate(t, Shape.of(extents));
        for (long i = 0; i < w.elements(); i++) w.setLong(i, random.nextInt());
        return b.constant(w);
    }

    Value bias(long n, boolean wide) {
        Tensor t = Tensor.allocate(wide ? DType.I64 : DType.I32, Shape.of(n));
        for (long i = 0; i < n; i++) t.setLong(i, random.nextInt(-4000, 4000));
        return b.constant(t);
    }

    Value input() {
        return b.input(
                "x" + random.nextInt(1 << 20),
                picture(type, random.nextInt(6) == 0 ? 2 : 1, extent(), extent(), channels()));
    }

    int extent() {
        return random.nextInt(1, random.nextInt(4) == 0 ? 24 : 9);
    }

    int channels() {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextInt(1, 5);
            case 1 -> 16 * random.nextInt(1, 5);
            default -> random.nextInt(1, 40);
        };
    }

    private Value weights(DType w, long... extents) {
        return constant(w, extents);
    }

    /** TFLite's padding on an axis: before and behind. */
    private long[] same(long extent, long window, long stride, long dilation) {
        long places = (extent + stride - 1) / stride;
        long total = Math.max(0, (places - 1) * stride + (window - 1) * dilation + 1 - extent);
        return new long[] {total / 2, total - total / 2};
    }

    Value convolution(Value x, boolean depthwise) {
        boolean words = type == DType.I16;
        boolean wide = words && random.nextBoolean();
        long c = x.extent(3);
        long[] k = {random.nextInt(1, 6), random.nextInt(1, 6)};
        long[] s = {random.nextInt(1, random.nextInt(5) == 0 ? 6 : 4), random.nextInt(1, random.nextInt(5) == 0 ? 6 : 4)
        };
        long[] d = {1, 1};
        boolean same = random.nextBoolean();
        if (random.nextInt(4) == 0) d = new long[] {random.nextInt(1, 5), random.nextInt(1, 5)};
        long[][] pad = new long[2][2];
        for (int i = 0; i < 2; i++) {
            if (same) pad[i] = same(x.extent(i + 1), k[i], s[i], d[i]);
            else while ((k[i] - 1) * d[i] + 1 > x.extent(i + 1)) k[i]--;
        }
        long groups = !depthwise && c % 2 == 0 && random.nextInt(6) == 0 ? 2 : 1;
        long outputs = depthwise ? c * (random.nextInt(6) == 0 ? 2 : 1) : channels() * groups;
        DType t = type == DType.U8 ? DType.U8 : DType.I8;
        Value w = depthwise ? weights(t, 1, k[0], k[1], outputs) : weights(t, outputs, k[0], k[1], c / groups);
        double size =
                (words ? 1.0 : 40.0) / Math.sqrt(k[0] * k[1] * (depthwise ? 1 : c / groups)) / (words ? 16000 : 6000);
        int scales = random.nextBoolean() ? (int) outputs : 1;
        QuantizedOp op = new QuantizedOp.Convolution(
                depthwise,
                longs(s),
                longs(d),
                List.of(pad[0][0], pad[1][0]),
                List.of(pad[0][1], pad[1][1]),
                zero(type),
                t == DType.U8 ? random.nextInt(256) : 0,
                scaling(scales, size, wide),
                clamp());
        List<Value> operands = new ArrayList<>(List.of(x, w));
        if (random.nextInt(4) > 0) operands.add(bias(outputs, wide));
        return QuantizedBodies.add(b, op, type, operands.toArray(Value[]::new));
    }

    Value fullyConnected() {
        boolean wide = type == DType.I16 && random.nextBoolean();
        int m = random.nextInt(1, 8);
        int k = random.nextInt(1, 300);
        int n = random.nextInt(1, 60);
        Value x = b.input("x", new TensorType(type, Shape.of(m, k)));
        DType t = type == DType.U8 ? DType.U8 : DType.I8;
        QuantizedOp op = new QuantizedOp.FullyConnected(
                zero(type),
                t == DType.U8 ? 117 : 0,
                scaling(random.nextBoolean() ? n : 1, 1.0 / 150 / Math.sqrt(k) / (type == DType.I16 ? 128 : 1), wide),
                clamp());
        return QuantizedBodies.add(b, op, type, x, constant(t, n, k), bias(n, wide));
    }

    Value pool(Value x, boolean largest) {
        long[] k = {random.nextInt(1, 6), random.nextInt(1, 6)};
        long[] s = {random.nextInt(1, 5), random.nextInt(1, 5)};
        boolean all = random.nextInt(5) == 0;
        boolean same = !all && random.nextBoolean();
        long[][] pad = new long[2][2];
        for (int i = 0; i < 2; i++) {
            if (all) k[i] = x.extent(i + 1);
            if (same) pad[i] = same(x.extent(i + 1), k[i], s[i], 1);
            else k[i] = Math.min(k[i], x.extent(i + 1));
        }
        QuantizedOp op = new QuantizedOp.Pool(
                largest, longs(k), longs(s), List.of(pad[0][0], pad[1][0]), List.of(pad[0][1], pad[1][1]), clamp());
        return QuantizedBodies.add(b, op, type, x);
    }

    /** One or two of equal shape, or one that broadcasts, or constant. */
    private Value other(Value x) {
        long[] e = x.shape().extents().clone();
        switch (random.nextInt(5)) {
            case 0 -> {
                for (int i = 0; i < 4; i++) if (random.nextBoolean()) e[i] = 1;
            }
            case 1 -> {
                return constant(type, 1, 1, 1, e[3]);
            }
            case 2 -> {
                return constant(type);
            }
            default -> {}
        }
        return b.input("y", picture(type, e[0], e[1], e[2], e[3]));
    }

    Value sum(Value x) {
        Value y = other(x);
        double left = 0.2 + random.nextDouble();
        double right = random.nextInt(4) == 0 ? left : 0.2 + random.nextDouble();
        double twice = 2 * Math.max(left, right);
        int bits = type == DType.I16 ? 15 : 20;
        QuantizedOp op = new QuantizedOp.Sum(
                random.nextBoolean(),
                bits,
                zero(type),
                zero(type),
                exact(left / twice),
                exact(right / twice),
                exact(twice / Math.scalb(0.5 + random.nextDouble(), bits)),
                clamp());
        boolean swap = random.nextBoolean();
        Value u = swap ? y : x;
        Value v = swap ? x : y;
        return QuantizedBodies.add(b, op, type, broadcastable(u, v), broadcastable(v, u));
    }

    /** Composites have numpy's broadcasting inside; scalars stay scalars. */
    private static Value broadcastable(Value v, Value other) {
        return v;
    }

    private static Scaling exact(double real) {
        int shift = Math.getExponent(real) + 1;
        long m = Math.round(Math.scalb(real, 31 - shift));
        if (m == 1L << 31) return new Scaling(List.of(1L << 30), List.of(shift + 1L), false);
        return new Scaling(List.of(m), List.of((long) shift), false);
    }

    Value product(Value x) {
        Value y = other(x);
        double size = (type == DType.I16 ? 1.0 / 256 : 1) * (0.002 + 0.02 * random.nextDouble());
        QuantizedOp op = new QuantizedOp.Product(zero(type), zero(type), exact(size), clamp());
        return QuantizedBodies.add(b, op, type, x, y);
    }

    Value extreme(Value x) {
        return QuantizedBodies.add(b, new QuantizedOp.Extreme(random.nextBoolean()), type, x, other(x));
    }

    Value rescale(Value x) {
        QuantizedOp op = new QuantizedOp.Rescale(zero(x.dtype()), exact(0.3 + 3 * random.nextDouble()), clamp());
        return QuantizedBodies.add(b, op, type, x);
    }

    Value table(Value x) {
        List<Long> results = new ArrayList<>();
        for (int i = 0; i < 256; i++) results.add(low(type) + random.nextInt(256));
        return QuantizedBodies.add(b, new QuantizedOp.Table(results), type, x);
    }

    Value movement(Value x) {
        return switch (random.nextInt(5)) {
            case 0 -> b.reshape(x, x.extent(0), x.extent(2), x.extent(1), x.extent(3));
            case 1 -> b.transpose(x, random.nextBoolean() ? new int[] {0, 2, 1, 3} : new int[] {0, 3, 1, 2});
            case 2 -> {
                List<Long> starts = new ArrayList<>();
                long[] sizes = new long[4];
                List<Long> steps = new ArrayList<>();
                for (int i = 0; i < 4; i++) {
                    long e = x.extent(i);
                    long start = random.nextLong(e);
                    long step = random.nextInt(4) == 0 ? 2 : 1;
                    starts.add(start);
                    steps.add(step);
                    sizes[i] = (e - start + step - 1) / step;
                }
                yield b.add(new Op.Slice(starts, Shape.of(sizes).dims(), steps), x);
            }
            case 3 -> {
                List<Long> low = new ArrayList<>();
                List<Long> high = new ArrayList<>();
                for (int i = 0; i < 4; i++) {
                    boolean none = i == 0 || i == 3 && random.nextInt(3) > 0;
                    low.add(none ? 0 : (long) random.nextInt(3));
                    high.add(none ? 0 : (long) random.nextInt(3));
                }
                yield b.add(new Op.Pad(low, high), x, b.scalar(type, low(type) + random.nextInt(256)));
            }
            default -> {
                int axis = random.nextInt(1, 4);
                long[] e = x.shape().extents().clone();
                e[axis] = extent();
                Value y = b.input("y", picture(type, e[0], e[1], e[2], e[3]));
                yield b.concat(axis, x, y, x);
            }
        };
    }
}
