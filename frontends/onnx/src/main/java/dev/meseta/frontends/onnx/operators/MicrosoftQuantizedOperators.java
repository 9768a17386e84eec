package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import dev.meseta.graph.program.OperatorDefinition;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The operators of domain {@code com.microsoft} on quantised numbers. Where ONNX has no operator, a quantised function is the function
 * of the dequantised numbers, quantised.
 */
final class MicrosoftQuantizedOperators {
    private static final String DOMAIN = Registry.MICROSOFT;

    private MicrosoftQuantizedOperators() {}

    static void register(Registry r) {
        for (String name : List.of("QuantizeLinear", "DequantizeLinear")) {
            OperatorDefinition<OperatorNode> d =
                    java.util.Objects.requireNonNull(r.find(Registry.ONNX, name, 21), name);
            r.add(DOMAIN, name, 1, d);
        }
        elementwise(r);
        pools(r);
        products(r);
        blocks(r);
    }

    /** x as floats by a scale and a zero point (optional), both scalars. */
    private static Value real(LoweringContext c, Value x, int scaleAt, int zeroAt) {
        Value scale = Shorthand.scalar(c, c.operand(scaleAt), "a scale");
        return Shorthand.dequantize(c.builder(), x, scale, zeroPoint(c, zeroAt, x.dtype()));
    }

    private static Value zeroPoint(LoweringContext c, int at, DType type) {
        return c.has(at)
                ? Shorthand.scalar(c, c.operand(at), "a zero point")
                : c.builder().scalar(type, 0L);
    }

    private static Value quantized(LoweringContext c, Value x, int scaleAt, int zeroAt, DType type) {
        Value scale = Shorthand.scalar(c, c.operand(scaleAt), "the result's scale");
        return Shorthand.quantize(c.builder(), x, scale, zeroPoint(c, zeroAt, type));
    }

    private static void elementwise(Registry r) {
        for (var f : List.of(MapFunction.ADD, MapFunction.MUL)) {
            r.add(
                    DOMAIN,
                    f == MapFunction.ADD ? "QLinearAdd" : "QLinearMul",
                    1,
                    _ -> MicrosoftOperators.expand(c -> {
                        Value x = real(c, c.operand(0), 1, 2);
                        Value y = real(c, c.operand(3), 4, 5);
                        return List.of(quantized(
                                c, c.builder().map(f, x, y), 6, 7, c.operand(0).dtype()));
                    }));
        }
        r.add(DOMAIN, "QLinearSigmoid", 1, _ -> unary(c -> x -> Shorthand.sigmoid(c.builder(), x)));
        r.add(DOMAIN, "QLinearLeakyRelu", 1, node -> {
            float alpha = node.attributes().real("alpha", 0.01f);
            return unary(c -> x -> {
                GraphBuilder b = c.builder();
                Value negative = b.map(MapFunction.LT, x, Shorthand.like(b, x, 0));
                return b.select(negative, b.times(x, Shorthand.like(b, x, alpha)), x);
            });
        });
        r.add(DOMAIN, "QLinearSoftmax", 1, node -> {
            long axis = node.attributes().integer("axis", -1);
            long opset = node.attributes().integer("opset", 13);
            return unary(c -> x -> {
                GraphBuilder b = c.builder();
                int from = Shorthand.axis(c, axis, x.rank());
                if (opset >= 13) return ActivationOperators.softmax(b, x, from);
                Value flat = Shorthand.merge(b, x, from, x.rank());
                return b.reshape(ActivationOperators.softmax(b, flat, from), x.shape());
            });
        });
        r.add(DOMAIN, "QLinearConcat", 1, node -> {
            long axis = node.attributes().integer("axis");
            return MicrosoftOperators.expand(c -> {
                List<Value> parts = new ArrayList<>();
                for (int i = 2; i + 2 < c.operandCount(); i += 3) parts.add(real(c, c.operand(i), i + 1, i + 2));
                c.require(!parts.isEmpty(), "there is nothing to concatenate");
                Value all = c.builder()
                        .concat(Shorthand.axis(c, axis, parts.getFirst().rank()), parts);
                return List.of(quantized(c, all, 0, 1, c.operand(2).dtype()));
            });
        });
    }

    private interface Function {
        UnaryOperator<Value> in(LoweringContext c);
    }

    /** Operands: x, its scale and zero point, the result's scale and zero point. */
    private static Lowering.Expand unary(Function f) {
        return c -> {
            Value x = c.operand(0);
            return List.of(quantized(c, f.in(c).apply(real(c, x, 1, 2)), 3, 4, x.dtype()));
        };
    }

    private static void pools(Registry r) {
        r.add(DOMAIN, "QLinearGlobalAveragePool", 1, node -> {
            boolean last = node.attributes().flag("channels_last", false);
            return unary(c -> x -> {
                List<Integer> axes = last ? Shorthand.axes(1, x.rank() - 1) : PoolingOperators.spatial(c, x);
                return Shorthand.mean(c.builder(), x, axes, true);
            });
        });
        r.add(DOMAIN, "QLinearAveragePool", 1, node -> {
            Windows w = Windows.of(node);
            boolean countPadding = node.attributes().flag("count_include_pad", false);
            boolean last = node.attributes().flag("channels_last", false);
            return unary(c -> x -> {
                GraphBuilder b = c.builder();
                if (!last) return PoolingOperators.averagePool(c, x, w, countPadding);
                Value y = PoolingOperators.averagePool(c, channelsFirst(b, x), w, countPadding);
                return Sampling.channelsLast(b, y);
            });
        });
        r.add(DOMAIN, "NhwcMaxPool", 1, node -> {
            Windows w = Windows.of(node);
            return MicrosoftOperators.expand(c -> {
                GraphBuilder b = c.builder();
                return List.of(
                        Sampling.channelsLast(b, PoolingOperators.maximum(c, channelsFirst(b, c.operand(0)), w)));
            });
        });
    }

    private static Value channelsFirst(GraphBuilder b, Value x) {
        int[] order = new int[x.rank()];
        for (int i = 0; i < order.length; i++) order[i] = i == 0 ? 0 : i == 1 ? order.length - 1 : i - 1;
        return b.transpose(x, order);
    }

    private static void products(Registry r) {
        r.add(
                DOMAIN,
                "DynamicQuantizeMatMul",
                1,
                _ -> MicrosoftOperators.expand(c -> {
                    GraphBuilder b = c.builder();
                    List<Value> q = QuantizeOperators.dynamicQuantize(b, c.operand(0));
                    Value y = scaledProduct(
                            c, q.get(0), q.get(2), c.operand(1), c.operandOrNull(3), q.get(1), c.operand(2));
                    return List.of(c.has(4) ? b.plus(y, c.operand(4)) : y);
                }));
        r.add(
                DOMAIN,
                "MatMulIntegerToFloat",
                1,
                _ -> MicrosoftOperators.expand(c -> {
                    Value scale = Shorthand.scalar(c, c.operand(2), "a_scale");
                    Value y = scaledProduct(
                            c, c.operand(0), c.operandOrNull(4), c.operand(1), c.operandOrNull(5), scale, c.operand(3));
                    return List.of(c.has(6) ? c.builder().plus(y, c.operand(6)) : y);
                }));
        r.add(DOMAIN, "QGemm", 1, MicrosoftQuantizedOperators::gemm);
        r.add(DOMAIN, "MatMulNBits", 1, MicrosoftQuantizedOperators::matMulBits);
    }

    private static Value scaledProduct(
            LoweringContext c,
            Value left,
            @Nullable Value leftZero,
            Value right,
            @Nullable Value rightZero,
            Value leftScale,
            Value rightScale) {
        GraphBuilder b = c.builder();
        Value sums = QuantizeOperators.integerMatmul(c, left, leftZero, right, rightZero);
        Value columns = rightScale.shape().elements() == 1 ? b.reshape(rightScale, Shape.SCALAR) : rightScale;
        return b.times(b.cast(sums, leftScale.dtype()), b.times(leftScale, columns));
    }

    /** Operands: A, scale, zero point, B, scale, zero point, C (I32), the result's scale and zero point; without those it is a float. */
    private static Lowering.Expand gemm(OperatorNode node) {
        float alpha = node.attributes().real("alpha", 1);
        boolean transA = node.attributes().flag("transA", false);
        boolean transB = node.attributes().flag("transB", false);
        return c -> {
            GraphBuilder b = c.builder();
            Value left = transA ? b.transpose(c.operand(0), 1, 0) : c.operand(0);
            Value right = transB ? b.transpose(c.operand(3), 1, 0) : c.operand(3);
            Value sums = QuantizeOperators.integerMatmul(c, left, c.operandOrNull(2), right, c.operandOrNull(5));
            if (c.has(6)) sums = b.plus(sums, c.operand(6));
            Value rightScale =
                    c.operand(4).shape().elements() == 1 ? b.reshape(c.operand(4), Shape.SCALAR) : c.operand(4);
            Value scale = b.times(Shorthand.scalar(c, c.operand(1), "A's scale"), rightScale);
            if (alpha != 1) scale = b.times(scale, Shorthand.like(b, scale, alpha));
            if (!c.has(7)) return List.of(b.times(b.cast(sums, scale.dtype()), scale));
            Value yScale = Shorthand.scalar(c, c.operand(7), "the result's scale");
            Value zero = zeroPoint(c, 8, c.operand(0).dtype());
            return List.of(Shorthand.requantize(b, sums, b.divide(scale, yScale), zero));
        };
    }

    /** Numbers of a few bits out of bytes, the lowest first: the last axis grows by 8 / bits; as I32. */
    private static Value unpacked(GraphBuilder b, Value bytes, int bits) {
        Value wide = b.cast(bytes, DType.I32);
        if (bits == 8) return wide;
        int each = 8 / bits;
        int last = bytes.rank();
        Value column = Shorthand.unsqueeze(b, wide, last);
        Value shifts = b.times(b.iota(DType.I32, Shape.of(each), 0), b.scalar(DType.I32, (long) bits));
        Value parts = b.map(
                MapFunction.AND, b.map(MapFunction.SHIFT_RIGHT, column, shifts), b.scalar(DType.I32, (1L << bits) - 1));
        return Shorthand.merge(b, parts, last - 1, last + 1);
    }

    /** Operands: A [.., K], packed B [N, blocks, bytes], scales, zero points, group of each row, bias. */
    private static Lowering.Expand matMulBits(OperatorNode node) {
        Attributes a = node.attributes();
        long k = a.integer("K");
        long n = a.integer("N");
        long bits = a.integer("bits", 4);
        long block = a.integer("block_size");
        if (bits != 2 && bits != 4 && bits != 8) throw node.error("bits " + bits + " is not 2, 4 or 8");
        if (k < 1 || n < 1 || block < 16 || Long.bitCount(block) != 1)
            throw node.error("K " + k + ", N " + n + " and block_size " + block + " make no sense");
        if (node.hasInput(4)) throw node.error("g_idx is not supported");
        long blocks = Math.ceilDiv(k, block);
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            Value packed = c.operand(1);
            c.require(
                    packed.dtype() == DType.U8 && packed.shape().elements() == n * blocks * block * bits / 8,
                    "B must hold " + n * blocks * block + " numbers of " + bits + " bits as uint8, found "
                            + packed.type());
            DType type = x.dtype();
            Value numbers = unpacked(b, b.reshape(packed, n, blocks, block * bits / 8), (int) bits);
            Value scales = b.reshape(c.operand(2), n, blocks, 1);
            Value zero = zeroPoints(c, n, blocks, (int) bits, type);
            // The weights as floats of A's type; they fold if they are constant and small.
            Value weights = b.times(b.minus(b.cast(numbers, type), zero), b.cast(scales, type));
            weights = b.slice(Shorthand.merge(b, weights, 1, 3), 1, 0, k);
            c.require(x.extent(x.rank() - 1) == k, "A must have " + k + " columns, found " + x.type());
            Value y = b.add(
                    new Op.Contraction(List.of(), List.of(), List.of(x.rank() - 1), List.of(1), type), x, weights);
            return List.of(c.has(5) ? b.plus(y, c.operand(5)) : y);
        };
    }

    /** [N, blocks, 1] or a scalar, as floats. */
    private static Value zeroPoints(LoweringContext c, long n, long blocks, int bits, DType type) {
        GraphBuilder b = c.builder();
        if (!c.has(3)) return b.scalar(type, (double) (1L << (bits - 1)));
        Value z = c.operand(3);
        if (z.dtype().isFloat()) return b.cast(b.reshape(z, n, blocks, 1), type);
        long bytes = Math.ceilDiv(blocks * bits, 8);
        c.require(
                z.shape().elements() == n * bytes, "zero_points must hold " + n * bytes + " bytes, found " + z.type());
        Value all = unpacked(b, b.reshape(z, n, bytes), bits);
        return b.cast(b.reshape(b.slice(all, 1, 0, blocks), n, blocks, 1), type);
    }

    private static void blocks(Registry r) {
        r.add(DOMAIN, "GatherBlockQuantized", 1, node -> {
            Attributes a = node.attributes();
            long gather = a.integer("gather_axis", 0);
            long quantize = a.integer("quantize_axis", 1);
            long block = a.integer("block_size", 128);
            long bits = a.integer("bits", 4);
            if (block < 16 || Long.bitCount(block) != 1) throw node.error("block_size " + block + " makes no sense");
            if (bits != 2 && bits != 4 && bits != 8) throw node.error("bits " + bits + " is not 2, 4 or 8");
            return MicrosoftOperators.expand(c -> List.of(gatherBlocks(c, gather, quantize, block, (int) bits)));
        });
    }

    /** Operands: numbers (bytes hold several), positions, scales, zero points (optional). */
    private static Value gatherBlocks(LoweringContext c, long gatherAxis, long quantizeAxis, long block, int bits) {
        GraphBuilder b = c.builder();
        Value data = c.operand(0);
        int gather = Shorthand.axis(c, gatherAxis, data.rank());
        int along = Shorthand.axis(c, quantizeAxis, data.rank());
        c.require(gather != along, "gather_axis and quantize_axis are both " + gather);
        boolean bytes = data.dtype() == DType.U8;
        c.require(!bytes || along == data.rank() - 1, "bytes must be quantised along the last axis");
        Value at = Expansions.positions(b, c.operand(1), data.extent(gather));
        int shift = gather < along ? at.rank() - 1 : 0;
        Value numbers = b.add(new Op.Gather(gather), data, at);
        numbers = bytes ? unpacked(b, numbers, bits) : b.cast(numbers, DType.I32);
        Value scales = spread(b, b.add(new Op.Gather(gather), c.operand(2), at), along + shift, block, numbers);
        Value zero = bytes ? b.scalar(DType.I32, 1L << (bits - 1)) : b.scalar(DType.I32, 0L);
        if (c.has(3)) {
            Value z = b.add(new Op.Gather(gather), c.operand(3), at);
            z = z.dtype() == DType.U8 ? unpacked(b, z, bits) : b.cast(z, DType.I32);
            z = b.slice(z, along + shift, 0, c.operand(2).extent(along));
            zero = spread(b, z, along + shift, block, numbers);
        }
        DType type = scales.dtype();
        return b.times(b.cast(b.minus(numbers, zero), type), scales);
    }

    /** Each number of an axis for a whole block of {@code like}. */
    private static Value spread(GraphBuilder b, Value v, int axis, long block, Value like) {
        Value all = Shorthand.repeat(b, v, axis, block);
        return b.slice(all, axis, 0, like.shape().dim(axis));
    }
}
