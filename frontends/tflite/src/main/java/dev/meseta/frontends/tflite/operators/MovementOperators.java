package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Operators that move elements. */
final class MovementOperators {
    private MovementOperators() {}

    static void register(Registry r) {
        r.expand("RESHAPE", MovementOperators::reshape);
        r.expand("SQUEEZE", MovementOperators::squeeze);
        r.expand("EXPAND_DIMS", node -> c -> {
            Value x = c.operand(0);
            return List.of(Shapes.unsqueeze(c.builder(), x, Shapes.axis(c, Shapes.integer(c, 1), x.rank() + 1)));
        });
        r.expand("TRANSPOSE", node -> MovementOperators::transpose);
        r.expand("PAD", node -> c -> List.of(pad(c, node, zero(c, node))));
        r.expand("PADV2", node -> c -> List.of(pad(c, node, Shapes.scalar(c, 2))));
        r.expand("MIRROR_PAD", node -> c -> List.of(mirror(c, node.options().choice(0) == 0 ? 1 : 0)));
        r.expand("CONCATENATION", MovementOperators::concatenation);
        r.expand("SPLIT", MovementOperators::split);
        r.expand("SPLIT_V", MovementOperators::splitBySizes);
        r.expand("PACK", MovementOperators::pack);
        r.expand("UNPACK", MovementOperators::unpack);
        r.expand("TILE", node -> MovementOperators::tile);
        r.expand("BROADCAST_TO", node -> c -> {
            List<Dim> dims = Shapes.dims(c, 1);
            c.require(dims.size() >= c.type(0).rank(), "a shape of " + dims.size() + " axes for " + c.type(0));
            return List.of(c.builder().broadcast(c.operand(0), Shape.of(dims)));
        });
        r.expand("REVERSE_V2", node -> c -> {
            Value x = c.operand(0);
            for (int axis : Shapes.axes(c, 1, x.rank())) x = c.builder().flip(x, axis);
            return List.of(x);
        });
    }

    /** Option or operand 1: the extents, one of which may be -1. */
    private static Lowering.Expand reshape(OperatorNode node) {
        int[] option = node.options().integers(0);
        long[] fixed = Arrays.stream(option).asLongStream().toArray();
        boolean scalar = option.length == 0
                && node.outputs().size() == 1
                && node.output(0).shape().length == 0;
        return c -> {
            Value x = c.operand(0);
            long[] extents = c.has(1) && c.type(1).rank() <= 1 ? Shapes.integers(c, 1) : fixed;
            // Old writers have one extent of 0 for a scalar.
            if (scalar || extents.length == 1 && extents[0] == 0 && x.shape().elements() == 1) extents = new long[0];
            List<Dim> dims = new ArrayList<>();
            for (long e : extents) {
                c.require(e >= -1, "the extent " + e + " is negative");
                dims.add(Dim.of(e));
            }
            return List.of(c.builder().reshape(x, completed(c, x, dims)));
        };
    }

    /** Extents with the one that is -1 made to fit; extents of x keep their origins where they stay. */
    private static Shape completed(LoweringContext c, Value x, List<Dim> dims) {
        long known = 1;
        int open = -1;
        for (int i = 0; i < dims.size(); i++) {
            if (!dims.get(i).isKnown()) {
                c.require(open < 0, "more than one extent is -1");
                open = i;
            } else {
                known = multiply(c, known, dims.get(i).extent());
            }
        }
        if (open < 0) return Shape.of(dims);
        long elements = x.shape().elements();
        c.require(
                known == 0 ? elements == 0 : elements % known == 0,
                x.type() + " does not fit the shape " + Shape.of(dims));
        long rest = known == 0 ? 0 : elements / known;
        List<Dim> result = new ArrayList<>(dims);
        result.set(
                open,
                open == 0 && x.rank() > 0 && x.extent(0) == rest ? x.shape().dim(0) : Dim.of(rest));
        return Shape.of(result);
    }

    private static long multiply(LoweringContext c, long a, long b) {
        try {
            return Math.multiplyExact(a, b);
        } catch (ArithmeticException e) {
            throw new InvalidInputException(c.where() + ": the shape is beyond any memory", e);
        }
    }

    /** Option: the axes; without any, all of extent 1. */
    private static Lowering.Expand squeeze(OperatorNode node) {
        int[] option = node.options().integers(0);
        return c -> {
            Value x = c.operand(0);
            List<Integer> axes = new ArrayList<>();
            for (int a : option) axes.add(Shapes.axis(c, a, x.rank()));
            List<Dim> dims = new ArrayList<>();
            for (int i = 0; i < x.rank(); i++) {
                boolean goes = option.length == 0 ? x.extent(i) == 1 : axes.contains(i);
                c.require(!goes || x.extent(i) == 1, "axis " + i + " of " + x.type() + " is not of extent 1");
                if (!goes) dims.add(x.shape().dim(i));
            }
            return List.of(c.builder().reshape(x, Shape.of(dims)));
        };
    }

    private static List<Value> transpose(LoweringContext c) {
        Value x = c.operand(0);
        long[] order = Shapes.integers(c, 1);
        c.require(order.length == x.rank(), "a permutation of " + order.length + " axes for " + x.type());
        int[] permutation = new int[order.length];
        for (int i = 0; i < order.length; i++) permutation[i] = Shapes.axis(c, order[i], x.rank());
        return List.of(c.builder().transpose(x, permutation));
    }

    /** What stands for 0. */
    private static Value zero(LoweringContext c, OperatorNode node) {
        DType t = c.type(0).dtype();
        long zero = node.isQuantizedResult(0) ? node.outputScale(0).zeroPoint(0) : 0;
        return c.builder().scalar(t, zero);
    }

    private record Paddings(List<Long> low, List<Long> high) {}

    private static Paddings paddings(LoweringContext c, Value x) {
        long[] p = Shapes.integers(c, 1);
        c.require(p.length == 2 * x.rank(), "paddings of " + p.length + " numbers for " + x.type());
        List<Long> low = new ArrayList<>();
        List<Long> high = new ArrayList<>();
        for (int i = 0; i < x.rank(); i++) {
            c.require(p[2 * i] >= 0 && p[2 * i + 1] >= 0, "a padding is negative: " + Arrays.toString(p));
            low.add(p[2 * i]);
            high.add(p[2 * i + 1]);
        }
        return new Paddings(low, high);
    }

    private static Value pad(LoweringContext c, OperatorNode node, Value value) {
        Value x = c.operand(0);
        node.require(value.dtype() == x.dtype(), "pads " + x.type() + " by " + value.type());
        Paddings p = paddings(c, x);
        return c.builder().add(new Op.Pad(p.low(), p.high()), x, value);
    }

    /** The elements next to the borders, in the opposite order; without the border itself if {@code skip} is 1. */
    private static Value mirror(LoweringContext c, int skip) {
        GraphBuilder b = c.builder();
        Value x = c.operand(0);
        Paddings p = paddings(c, x);
        for (int axis = 0; axis < x.rank(); axis++) {
            long low = p.low().get(axis);
            long high = p.high().get(axis);
            long n = x.extent(axis);
            c.require(low + skip <= n && high + skip <= n, "mirrors more than " + x.type() + " holds on axis " + axis);
            List<Value> parts = new ArrayList<>();
            if (low > 0) parts.add(b.slice(x, axis, low - 1 + skip, Dim.of(low), -1));
            parts.add(x);
            if (high > 0) parts.add(b.slice(x, axis, n - 1 - skip, Dim.of(high), -1));
            x = b.concat(axis, parts);
        }
        return x;
    }

    /** Options: the axis, an activation function. Operands of another scale than the result's are brought to it. */
    private static Lowering.Expand concatenation(OperatorNode node) {
        int axis = node.options().integer(0);
        Activation activation = Activation.of(node, 1);
        node.require(!node.inputs().isEmpty(), "has no operands");
        return c -> {
            GraphBuilder b = c.builder();
            List<Value> parts = new ArrayList<>();
            for (int i = 0; i < c.operandCount(); i++) parts.add(rescaled(b, c.operand(i), node, i));
            Value y = b.concat(Shapes.axis(c, axis, parts.getFirst().rank()), parts);
            return List.of(activation == Activation.NONE ? y : activation.apply(b, y));
        };
    }

    private static Value rescaled(GraphBuilder b, Value x, OperatorNode node, int i) {
        if (!node.isQuantized(i) || !node.isQuantizedResult(0)) return x;
        Quantization from = node.inputScale(i);
        Quantization to = node.outputScale(0);
        if (from.scale(0) == to.scale(0) && from.zeroPoint(0) == to.zeroPoint(0)) return x;
        // TFLite's own arithmetic here is in floats: x * (scale / result's scale) + offset, rounded.
        float factor = from.scale(0) * (1.0f / to.scale(0));
        float bias = -from.zeroPoint(0) * factor;
        return Tables.of(
                        x.dtype(), x.dtype(), v -> (long) FixedPoint.roundHalfAway(v * factor + bias) + to.zeroPoint(0))
                .of(b, x);
    }

    /** Operands: the axis, x. */
    private static Lowering.Expand split(OperatorNode node) {
        int parts = node.outputs().size();
        return c -> {
            Value x = c.operand(1);
            int axis = Shapes.axis(c, Shapes.integer(c, 0), x.rank());
            c.require(parts > 0 && x.extent(axis) % parts == 0, x.type() + " cannot be split in " + parts + " parts");
            Dim size = Shapes.over(x.shape().dim(axis), parts);
            List<Value> results = new ArrayList<>();
            for (int i = 0; i < parts; i++) results.add(c.builder().slice(x, axis, i * size.extent(), size));
            return results;
        };
    }

    /** Operands: x, the sizes, one of which may be -1, the axis. */
    private static Lowering.Expand splitBySizes(OperatorNode node) {
        int parts = node.outputs().size();
        return c -> {
            Value x = c.operand(0);
            long[] sizes = Shapes.integers(c, 1);
            int axis = Shapes.axis(c, Shapes.integer(c, 2), x.rank());
            c.require(sizes.length == parts, sizes.length + " sizes for " + parts + " results");
            long rest = x.extent(axis);
            for (long s : sizes) rest -= Math.max(0, s);
            List<Value> results = new ArrayList<>();
            long at = 0;
            for (long s : sizes) {
                long size = s == -1 ? rest : s;
                c.require(size >= 0 && at + size <= x.extent(axis), "a part of size " + size + " leaves " + x.type());
                results.add(c.builder().slice(x, axis, at, size));
                at += size;
            }
            return results;
        };
    }

    /** Options: how many, the axis. */
    private static Lowering.Expand pack(OperatorNode node) {
        int axis = node.options().integer(1);
        node.require(!node.inputs().isEmpty(), "has no operands");
        return c -> {
            int a = Shapes.axis(c, axis, c.type(0).rank() + 1);
            List<Value> parts = new ArrayList<>();
            for (int i = 0; i < c.operandCount(); i++) parts.add(Shapes.unsqueeze(c.builder(), c.operand(i), a));
            return List.of(c.builder().concat(a, parts));
        };
    }

    /** Options: how many, the axis. */
    private static Lowering.Expand unpack(OperatorNode node) {
        int axis = node.options().integer(1);
        int count = node.outputs().size();
        return c -> {
            Value x = c.operand(0);
            int a = Shapes.axis(c, axis, x.rank());
            c.require(x.extent(a) == count, x.type() + " does not hold " + count + " parts on axis " + a);
            List<Value> results = new ArrayList<>();
            for (int i = 0; i < count; i++) results.add(c.builder().select(x, a, i));
            return results;
        };
    }

    private static List<Value> tile(LoweringContext c) {
        GraphBuilder b = c.builder();
        Value x = c.operand(0);
        long[] times = Shapes.integers(c, 1);
        c.require(times.length == x.rank(), times.length + " multiples for " + x.type());
        List<Dim> apart = new ArrayList<>();
        List<Dim> repeated = new ArrayList<>();
        List<Dim> joined = new ArrayList<>();
        for (int i = 0; i < times.length; i++) {
            c.require(times[i] >= 0, "a multiple is negative");
            Dim d = x.shape().dim(i);
            apart.addAll(List.of(Dim.of(1), d));
            repeated.addAll(List.of(Dim.of(times[i]), d));
            joined.add(d.times(Dim.of(times[i])));
        }
        Value y = b.broadcast(b.reshape(x, Shape.of(apart)), Shape.of(repeated));
        return List.of(b.reshape(y, Shape.of(joined)));
    }
}
