package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.List;

/**
 * Random numbers, and dropout. The standard prescribes no generator: here it is the op set's, which gives the same numbers on every
 * device; only dropout with a seed follows ONNX's reference implementation. Its key is the bits of the attribute {@code seed}; without one it is a hash of the name of the node's first output, so that
 * nodes differ from each other, and a run is like the one before.
 */
final class RandomOperators {
    private RandomOperators() {}

    static void register(Registry r) {
        r.expand("RandomUniform", 1, node -> {
            Distribution d = uniform(node);
            Shape s = shapeAttribute(node);
            DType t = ElementTypes.attribute(node, "dtype", DType.F32);
            return c -> List.of(d.draw(c.builder(), s, t));
        });
        r.expand("RandomNormal", 1, node -> {
            Distribution d = normal(node);
            Shape s = shapeAttribute(node);
            DType t = ElementTypes.attribute(node, "dtype", DType.F32);
            return c -> List.of(d.draw(c.builder(), s, t));
        });
        r.expand("RandomUniformLike", 1, node -> like(node, uniform(node)));
        r.expand("RandomNormalLike", 1, node -> like(node, normal(node)));
        r.expand("Bernoulli", 15, RandomOperators::bernoulli);
        r.expand("Multinomial", 7, RandomOperators::multinomial);
        dropout(r);
    }

    private interface Distribution {
        Value draw(GraphBuilder b, Shape shape, DType dtype);
    }

    private static Shape shapeAttribute(OperatorNode node) {
        long[] shape = node.attributes().integers("shape");
        for (long d : shape) if (d < 0) throw node.error("attribute 'shape' has the negative extent " + d);
        return Shape.of(shape);
    }

    private static Lowering.Expand like(OperatorNode node, Distribution distribution) {
        boolean typed = node.attributes().has("dtype");
        DType given = ElementTypes.attribute(node, "dtype", DType.F32);
        return c -> {
            DType t = typed ? given : c.type(0).dtype();
            return List.of(distribution.draw(c.builder(), c.type(0).shape(), t));
        };
    }

    private static Distribution uniform(OperatorNode node) {
        float low = node.attributes().real("low", 0);
        float high = node.attributes().real("high", 1);
        Tensor key = key(node);
        return (b, shape, t) -> b.cast(MathOperators.linear(b, unit(b, key, shape, t), (double) high - low, low), t);
    }

    /** By Box and Muller's method ("A note on the generation of random normal deviates", 1958). */
    private static Distribution normal(OperatorNode node) {
        float mean = node.attributes().real("mean", 0);
        float scale = node.attributes().real("scale", 1);
        Tensor key = key(node);
        return (b, shape, t) -> {
            Value pairs = unit(b, key, shape.insert(0, Dim.of(2)), t);
            DType w = pairs.dtype();
            // 1 - u lies in (0, 1], where the logarithm is finite.
            Value u = b.minus(b.scalar(w, 1.0), b.select(pairs, 0, 0));
            Value radius = b.map(MapFunction.SQRT, MathOperators.linear(b, b.map(MapFunction.LOG, u), -2, 0));
            Value angle = MathOperators.linear(b, b.select(pairs, 0, 1), 2 * Math.PI, 0);
            Value z = b.times(radius, b.map(MapFunction.COS, angle));
            return b.cast(MathOperators.linear(b, z, scale, mean), t);
        };
    }

    /** Uniform numbers in [0, 1): F64 with 32 random bits for F64, else F32 with 24. */
    private static Value unit(GraphBuilder b, Tensor key, Shape shape, DType t) {
        Value bits = b.add(new Op.RandomBits(shape), b.constant(key));
        if (t == DType.F64) return MathOperators.linear(b, b.cast(bits, DType.F64), 0x1p-32, 0);
        Value high = b.map(MapFunction.SHIFT_RIGHT, bits, b.scalar(DType.U32, 8L));
        return MathOperators.linear(b, b.cast(high, DType.F32), 0x1p-24, 0);
    }

    private static Tensor key(OperatorNode node) {
        return node.attributes().has("seed")
                ? key(1L << 32 | Float.floatToRawIntBits(node.attributes().real("seed")) & 0xffff_ffffL)
                : key(hash(node));
    }

    /**
     * Uniform numbers for dropout. With a seed (an integer, unlike all others) they are those of ONNX's reference implementation, which
     * draws them from a Mersenne Twister in F64, in row-major order; without one they are the op set's.
     */
    private static Value dropoutNumbers(OperatorNode node, LoweringContext c) {
        Value x = c.operand(0);
        if (!node.attributes().has("seed")) return unit(c.builder(), key(hash(node)), x.shape(), x.dtype());
        MersenneTwister twister = new MersenneTwister(node.attributes().integer("seed"));
        Tensor u = Tensor.allocate(DType.F64, x.shape());
        for (long i = 0; i < u.elements(); i++) u.setDouble(i, twister.uniform());
        return c.builder().constant(u);
    }

    private static Tensor key(long bits) {
        return Tensor.scalar(DType.U64, bits);
    }

    /** FNV-1a (Fowler, Noll, Vo), 64 bits. */
    private static long hash(OperatorNode node) {
        String name = node.outputs().isEmpty() ? node.where() : node.outputs().getFirst();
        long h = 0xcbf29ce484222325L;
        for (int i = 0; i < name.length(); i++) h = (h ^ name.charAt(i)) * 0x100000001b3L;
        return h;
    }

    private static Lowering.Expand bernoulli(OperatorNode node) {
        boolean typed = node.attributes().has("dtype");
        DType given = ElementTypes.attribute(node, "dtype", DType.F32);
        Tensor key = key(node);
        return c -> {
            GraphBuilder b = c.builder();
            Value p = c.operand(0);
            Value u = unit(b, key, p.shape(), p.dtype());
            Value one = b.map(MapFunction.LT, u, b.cast(p, u.dtype()));
            return List.of(b.cast(one, typed ? given : p.dtype()));
        };
    }

    /** Places a uniform number among the running sums of the probabilities. */
    private static Lowering.Expand multinomial(OperatorNode node) {
        long samples = node.attributes().integer("sample_size", 1);
        DType dtype = ElementTypes.attribute(node, "dtype", DType.I32);
        Tensor key = key(node);
        if (samples < 0) throw node.error("sample_size is " + samples);
        return c -> {
            GraphBuilder b = c.builder();
            if (c.type(0).rank() != 2 || c.type(0).shape().extent(1) == 0) {
                throw c.error("input is " + c.type(0) + ", expected [batch, classes]");
            }
            Value logits = b.cast(c.operand(0), c.type(0).dtype().computeType());
            Value p = ActivationOperators.softmax(b, logits, 1);
            Value sums = b.add(new Op.Cumulative(ReduceKind.SUM, 1, false, false), p);
            Dim batch = p.shape().dim(0);
            Value u = unit(b, key, Shape.of(List.of(batch, Dim.of(samples), Dim.of(1))), p.dtype());
            Value passed = b.map(
                    MapFunction.LE,
                    b.reshape(sums, Shape.of(List.of(batch, Dim.of(1), p.shape().dim(1)))),
                    u);
            Value place = b.sum(b.cast(passed, DType.I64), 2, false);
            // Rounding may leave the last sum below 1.
            return List.of(b.cast(b.min(place, b.scalar(DType.I64, p.extent(1) - 1)), dtype));
        };
    }

    private static void dropout(Registry r) {
        // The first versions are of a training operator unless they say otherwise.
        r.expand("Dropout", 1, node -> {
            boolean test = node.attributes().flag("is_test", false);
            float ratio = node.attributes().real("ratio", 0.5f);
            return c -> {
                Value x = c.operand(0);
                List<Value> y = test ? keepAll(c) : drop(node, c, c.builder().scalar(x.dtype(), ratio));
                return List.of(y.get(0), c.builder().cast(y.get(1), x.dtype()));
            };
        });
        r.expand("Dropout", 7, node -> c -> {
            List<Value> y = keepAll(c);
            return List.of(y.get(0), c.builder().cast(y.get(1), c.type(0).dtype()));
        });
        r.expand("Dropout", 10, node -> RandomOperators::keepAll);
        r.expand("Dropout", 12, node -> {
            return c -> {
                boolean training = c.has(2) && Expansions.integer(c, 2, "training_mode") != 0;
                if (!training) return keepAll(c);
                Value ratio = c.has(1)
                        ? Expansions.scalar(c, c.operand(1), "ratio")
                        : c.builder().scalar(c.type(0).dtype(), 0.5);
                return drop(node, c, ratio);
            };
        });
    }

    private static List<Value> keepAll(LoweringContext c) {
        Value x = c.operand(0);
        return List.of(x, c.builder().broadcast(c.builder().scalar(DType.BOOL, 1L), x.shape()));
    }

    /** Drops elements with a probability, and scales the others up so that the expectation stays. */
    private static List<Value> drop(OperatorNode node, LoweringContext c, Value ratio) {
        GraphBuilder b = c.builder();
        Value x = c.operand(0);
        Tensor known = b.known(ratio);
        if (known != null && known.getDouble(0) == 0) return keepAll(c);
        if (known != null && !(known.getDouble(0) > 0 && known.getDouble(0) <= 1)) {
            throw c.error("ratio is " + known.getDouble(0) + ", expected a number in [0, 1)");
        }
        Value u = dropoutNumbers(node, c);
        Value keep = b.map(MapFunction.GE, u, b.cast(ratio, u.dtype()));
        DType w = x.dtype().computeType();
        Value p = b.cast(ratio, w);
        Value scaled = b.divide(b.cast(x, w), b.minus(b.scalar(w, 1.0), p));
        return List.of(b.cast(b.select(keep, scaled, b.scalar(w, 0.0)), x.dtype()), keep);
    }
}
