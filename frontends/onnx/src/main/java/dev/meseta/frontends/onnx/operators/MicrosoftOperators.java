package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import dev.meseta.graph.program.OperatorDefinition;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/** The operators of domain {@code com.microsoft} that exported models use most, on floats. */
final class MicrosoftOperators {
    private static final String DOMAIN = Registry.MICROSOFT;

    private MicrosoftOperators() {}

    /** Called last: some entries are those of other families under another domain. */
    static void register(Registry r) {
        activations(r);
        normalizations(r);
        products(r);
        movement(r);
        MicrosoftAttention.register(r);
        MicrosoftQuantizedOperators.register(r);
    }

    private static void alias(Registry r, String name, int opset) {
        OperatorDefinition<OperatorNode> d = r.find(Registry.ONNX, name, opset);
        if (d == null) throw new IllegalStateException(name + "-" + opset + " is not registered");
        r.add(DOMAIN, name, 1, d);
    }

    private static Value computed(LoweringContext c, Value x, UnaryOperator<Value> f) {
        return Expansions.inComputeType(c.builder(), x, f);
    }

    private static void activations(Registry r) {
        r.add(DOMAIN, "Gelu", 1, gelu(false, ActivationOperators::gelu));
        r.add(DOMAIN, "BiasGelu", 1, gelu(true, ActivationOperators::gelu));
        r.add(DOMAIN, "FastGelu", 1, gelu(false, ActivationOperators::geluTanh));
        r.add(DOMAIN, "QuickGelu", 1, node -> {
            float alpha = node.attributes().real("alpha", 1.702f);
            return expand(c ->
                    List.of(computed(c, c.operand(0), x -> ActivationOperators.swish(c.builder(), x, alpha))));
        });
        r.add(
                DOMAIN,
                "BiasSplitGelu",
                1,
                _ -> expand(c -> {
                    GraphBuilder b = c.builder();
                    Value x = c.operand(0);
                    int last = x.rank() - 1;
                    c.require(
                            x.rank() >= 1 && x.extent(last) % 2 == 0, "the last axis of " + x.type() + " is not even");
                    Value sum = b.plus(Shorthand.wide(b, x), Shorthand.wide(b, c.operand(1)));
                    Dim half = Shorthand.over(x.shape().dim(last), 2);
                    Value gate = ActivationOperators.gelu(b, b.slice(sum, last, half.extent(), half));
                    return List.of(b.cast(b.times(b.slice(sum, last, 0, half), gate), x.dtype()));
                }));
        r.add(DOMAIN, "BiasSoftmax", 1, node -> {
            long axis = node.attributes().integer("axis", 1);
            return expand(c -> {
                GraphBuilder b = c.builder();
                Value sum = b.plus(c.operand(0), c.operand(1));
                int from = Shorthand.axis(c, axis, sum.rank());
                Value flat = Shorthand.merge(b, sum, from, sum.rank());
                return List.of(b.reshape(ActivationOperators.softmax(b, flat, from), sum.shape()));
            });
        });
    }

    private static OperatorDefinition<OperatorNode> gelu(boolean biased, BiFunction<GraphBuilder, Value, Value> f) {
        return _ -> expand(c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            c.require(!biased || c.has(1), "the bias is missing");
            return List.of(computed(c, x, v -> f.apply(b, c.has(1) ? b.plus(v, Shorthand.wide(b, c.operand(1))) : v)));
        });
    }

    /** Fixes the type of a lambda. */
    static Lowering.Expand expand(Lowering.Expand e) {
        return e;
    }

    private static void normalizations(Registry r) {
        alias(r, "LayerNormalization", 17);
        alias(r, "SimplifiedLayerNormalization", 1);
        r.add(DOMAIN, "SkipLayerNormalization", 1, node -> {
            float epsilon = node.attributes().real("epsilon", 1e-12f);
            return expand(c -> {
                Value sum = skipped(c, 4);
                List<Value> y = NormalizationOperators.layer(
                        c, sum, c.operand(2), c.operandOrNull(3), sum.rank() - 1, epsilon, DType.F32);
                return y.size() == 1 ? y : List.of(y.get(0), y.get(1), y.get(2), sum);
            });
        });
        r.add(DOMAIN, "SkipSimplifiedLayerNormalization", 1, node -> {
            float epsilon = node.attributes().real("epsilon", 1e-12f);
            return expand(c -> {
                Value sum = skipped(c, 3);
                List<Value> y = NormalizationOperators.rms(c, sum, c.operand(2), sum.rank() - 1, epsilon, DType.F32);
                return y.size() == 1 ? y : List.of(y.get(0), y.get(1), y.get(1), sum);
            });
        });
        r.add(DOMAIN, "EmbedLayerNormalization", 1, MicrosoftOperators::embed);
        r.add(DOMAIN, "GroupNorm", 1, MicrosoftOperators::groupNorm);
    }

    /** Input + skip + bias (optional). */
    private static Value skipped(LoweringContext c, int biasAt) {
        GraphBuilder b = c.builder();
        Value sum = b.plus(c.operand(0), c.operand(1));
        return c.has(biasAt) ? b.plus(sum, c.operand(biasAt)) : sum;
    }

    /** Operands: words, segments, tables of words, positions and segments, scale, bias, mask, positions. */
    private static Lowering.Expand embed(OperatorNode node) {
        float epsilon = node.attributes().real("epsilon", 1e-12f);
        return c -> {
            GraphBuilder b = c.builder();
            Value words = c.operand(0);
            c.require(words.rank() == 2, "input_ids must be [B, S], found " + words.type());
            Value sum = looked(b, c.operand(2), words);
            Value places = c.has(8)
                    ? c.operand(8)
                    : b.iota(DType.I64, Shorthand.shape(Dim.of(1), words.shape().dim(1)), 1);
            sum = b.plus(sum, looked(b, c.operand(3), places));
            if (c.has(1)) sum = b.plus(sum, looked(b, c.operand(4), c.operand(1)));
            // Only the first result of the norm is wanted; the others of this call are something else.
            LoweringContext inner = new LoweringContext(b, c.where(), List.of(), 1);
            Value y = NormalizationOperators.layer(inner, sum, c.operand(5), c.operand(6), 2, epsilon, DType.F32)
                    .getFirst();
            Value counts = c.has(7)
                    ? b.reduce(
                            ReduceKind.SUM,
                            b.cast(b.map(MapFunction.EQ, c.operand(7), Shorthand.like(b, c.operand(7), 1)), DType.I32),
                            List.of(1),
                            false)
                    : Shorthand.zeros(
                            b, DType.I32, Shorthand.shape(words.shape().dim(0)));
            return List.of(y, counts, sum);
        };
    }

    private static Value looked(GraphBuilder b, Value table, Value at) {
        return b.add(new Op.Gather(0), table, at);
    }

    /** Channels last [N, …, C]. */
    private static Lowering.Expand groupNorm(OperatorNode node) {
        Attributes a = node.attributes();
        float epsilon = a.real("epsilon", 1e-5f);
        long groups = a.integer("groups");
        boolean swish = a.flag("activation", false);
        if (!a.flag("channels_last", true)) throw node.error("channels_last 0 is not supported");
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            int last = x.rank() - 1;
            c.require(
                    x.rank() >= 3 && groups > 0 && x.extent(last) % groups == 0,
                    "the channels of " + x.type() + " do not split into " + groups + " groups");
            int[] first = new int[x.rank()];
            int[] back = new int[x.rank()];
            for (int i = 0; i < first.length; i++) first[i] = i == 0 ? 0 : i == 1 ? last : i - 1;
            for (int i = 0; i < first.length; i++) back[first[i]] = i;
            Value y = NormalizationOperators.groupNorm(
                    b,
                    b.transpose(x, first),
                    c.operand(1),
                    c.operand(2),
                    groups,
                    epsilon,
                    x.dtype().computeType());
            y = b.transpose(y, back);
            if (!swish) return List.of(y);
            return List.of(computed(c, y, v -> ActivationOperators.swish(b, v, 1)));
        };
    }

    private static void products(Registry r) {
        r.add(DOMAIN, "FusedMatMul", 1, MicrosoftOperators::fusedMatMul);
        r.add(DOMAIN, "TransposeMatMul", 1, MicrosoftOperators::fusedMatMul);
        r.add(DOMAIN, "FusedGemm", 1, node -> {
            OperatorDefinition<OperatorNode> gemm =
                    java.util.Objects.requireNonNull(r.find(Registry.ONNX, "Gemm", 13), "Gemm");
            Lowering.Expand plain = (Lowering.Expand) gemm.define(node);
            Attributes a = node.attributes();
            Activation f = Activation.of(
                    node,
                    a.string("activation", ""),
                    a.real("activation_alpha", Float.NaN),
                    a.real("activation_beta", Float.NaN));
            return expand(c -> List.of(f.apply(c.builder(), plain.expand(c).getFirst())));
        });
        r.add(DOMAIN, "FusedConv", 1, node -> {
            Windows w = Windows.of(node);
            int groups = ConvolutionOperators.groups(node);
            float[] p = node.attributes().reals("activation_params", new float[0]);
            Activation f = Activation.of(
                    node,
                    node.attributes().string("activation", ""),
                    p.length > 0 ? p[0] : Float.NaN,
                    p.length > 1 ? p[1] : Float.NaN);
            return expand(c -> {
                GraphBuilder b = c.builder();
                Value y = ConvolutionOperators.convolution(c, w, groups);
                return List.of(f.apply(b, c.has(3) ? b.plus(y, c.operand(3)) : y));
            });
        });
        r.add(DOMAIN, "Inverse", 1, _ -> expand(c -> List.of(LinearAlgebraOperators.inverse(c, c.operand(0)))));
        r.add(DOMAIN, "CDist", 1, MicrosoftOperators::distances);
    }

    /** An activation of a fused operator. */
    private record Activation(String name, float alpha, float beta) {
        static Activation of(OperatorNode node, String name, float alpha, float beta) {
            String n = name.toLowerCase(Locale.ROOT);
            if (!List.of("", "relu", "tanh", "sigmoid", "leakyrelu", "clip", "hardsigmoid")
                    .contains(n)) throw node.error("activation '" + name + "' is not supported");
            return new Activation(n, alpha, beta);
        }

        private static double or(float stated, double otherwise) {
            return Float.isNaN(stated) ? otherwise : stated;
        }

        Value apply(GraphBuilder b, Value x) {
            Value zero = Shorthand.like(b, x, 0);
            return switch (name) {
                case "relu" -> b.max(x, zero);
                case "tanh" -> b.map(MapFunction.TANH, x);
                case "sigmoid" -> Shorthand.sigmoid(b, x);
                case "leakyrelu" ->
                    b.select(b.map(MapFunction.LT, x, zero), b.times(x, Shorthand.like(b, x, or(alpha, 0.01f))), x);
                case "clip" ->
                    b.map(
                            MapFunction.CLAMP,
                            x,
                            Shorthand.like(b, x, or(alpha, -Float.MAX_VALUE)),
                            Shorthand.like(b, x, or(beta, Float.MAX_VALUE)));
                case "hardsigmoid" -> ActivationOperators.hardSigmoid(b, x, or(alpha, 0.2f), or(beta, 0.5f));
                default -> x;
            };
        }
    }

    private static Lowering.Expand fusedMatMul(OperatorNode node) {
        Attributes a = node.attributes();
        float alpha = a.real("alpha", 1);
        boolean transA = a.flag("transA", false);
        boolean transB = a.flag("transB", false);
        boolean batchA = a.flag("transBatchA", false);
        boolean batchB = a.flag("transBatchB", false);
        return c -> {
            GraphBuilder b = c.builder();
            Value left = turned(b, c.operand(0), transA, batchA);
            Value right = turned(b, c.operand(1), transB, batchB);
            Value y = MatrixOperators.matmul(c, left, right, left.dtype());
            return List.of(alpha == 1 ? y : b.times(y, Shorthand.like(b, y, alpha)));
        };
    }

    /** With {@code batch} the first axis is the matrix's row, or its column with both; vectors stay. */
    private static Value turned(GraphBuilder b, Value x, boolean matrix, boolean batch) {
        int r = x.rank();
        if (r < 2) return x;
        List<Integer> order = new ArrayList<>(Shorthand.axes(0, r));
        if (batch && r > 2) {
            // [M, batch…, K] to [batch…, M, K]
            order.remove(0);
            order.add(r - 2, 0);
        }
        if (matrix) {
            int last = order.removeLast();
            order.add(r - 2, last);
        }
        return b.add(new Op.Transpose(order), x);
    }

    private static Lowering.Expand distances(OperatorNode node) {
        String metric = node.attributes().string("metric", "sqeuclidean");
        if (!List.of("euclidean", "sqeuclidean").contains(metric))
            throw node.error("metric '" + metric + "' is not euclidean or sqeuclidean");
        return c -> {
            GraphBuilder b = c.builder();
            c.require(
                    c.operand(0).rank() == 2
                            && c.operand(1).rank() == 2
                            && c.operand(0).extent(1) == c.operand(1).extent(1),
                    "expected [M, N] and [K, N], found " + c.type(0) + " and " + c.type(1));
            Value d = b.minus(Shorthand.unsqueeze(b, c.operand(0), 1), Shorthand.unsqueeze(b, c.operand(1), 0));
            Value sum = b.sum(b.times(d, d), 2, false);
            return List.of(metric.equals("euclidean") ? Shorthand.sqrt(b, sum) : sum);
        };
    }

    private static void movement(Registry r) {
        alias(r, "Trilu", 14);
        alias(r, "GridSample", 16);
        alias(r, "GatherND", 13);
        r.add(
                DOMAIN,
                "ExpandDims",
                1,
                _ -> expand(c -> {
                    Value x = c.operand(0);
                    int axis = Shorthand.axis(c, Shorthand.oneLong(c, 1, "axis"), x.rank() + 1);
                    return List.of(Shorthand.unsqueeze(c.builder(), x, axis));
                }));
        alias(r, "Pad", 11);
        r.add(DOMAIN, "CropAndResize", 1, MicrosoftOperators::cropAndResize);
        r.add(DOMAIN, "Rfft", 1, node -> fourier(node, false));
        r.add(DOMAIN, "Irfft", 1, node -> fourier(node, true));
    }

    /** Operands: [N, C, H, W], boxes [R, 4] as y1, x1, y2, x2 in [0, 1], the image of each [R], the size of a crop [2]. */
    private static Lowering.Expand cropAndResize(OperatorNode node) {
        String mode = node.attributes().string("mode", "bilinear");
        float extrapolation = node.attributes().real("extrapolation_value", 0);
        if (!List.of("bilinear", "nearest").contains(mode))
            throw node.error("mode '" + mode + "' is not bilinear or nearest");
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            Value boxes = c.operand(1);
            long[] size = c.constant(3).toLongs();
            c.require(
                    x.rank() == 4
                            && boxes.rank() == 2
                            && boxes.extent(1) == 4
                            && size.length == 2
                            && size[0] > 0
                            && size[1] > 0,
                    "expected [N, C, H, W], [R, 4] and two sizes, found " + x.type() + ", " + boxes.type());
            Value y = cropPlaces(b, boxes, 0, size[0], x.extent(2));
            Value at = cropPlaces(b, boxes, 1, size[1], x.extent(3));
            // [R, H' * W'] for both.
            Shape grid = Shorthand.shape(boxes.shape().dim(0), Dim.of(size[0]), Dim.of(size[1]));
            Value rows = Shorthand.merge(b, b.broadcast(Shorthand.unsqueeze(b, y, 2), grid), 1, 3);
            Value columns = Shorthand.merge(b, b.broadcast(Shorthand.unsqueeze(b, at, 1), grid), 1, 3);
            Value image = b.add(new Op.Gather(0), Sampling.channelsLast(b, x), b.cast(c.operand(2), DType.I64));
            Value v = Sampling.interpolate(
                    b, image, List.of(cropTaps(b, rows, x.extent(2), mode), cropTaps(b, columns, x.extent(3), mode)));
            Value inside = b.map(MapFunction.AND, inRange(b, rows, x.extent(2)), inRange(b, columns, x.extent(3)));
            v = b.select(Shorthand.unsqueeze(b, inside, 2), v, Shorthand.like(b, v, extrapolation));
            return List.of(Sampling.channelsFirst(b, v, List.of(Dim.of(size[0]), Dim.of(size[1]))));
        };
    }

    /** Places of the crop on an axis [R, n], in pixels. */
    private static Value cropPlaces(GraphBuilder b, Value boxes, int column, long n, long extent) {
        Value from = Shorthand.unsqueeze(b, b.select(boxes, 1, column), 1);
        Value to = Shorthand.unsqueeze(b, b.select(boxes, 1, column + 2L), 1);
        Value last = Shorthand.like(b, boxes, extent - 1.0);
        if (n == 1) return b.times(b.times(b.plus(from, to), Shorthand.like(b, boxes, 0.5)), last);
        Value step = b.divide(b.times(b.minus(to, from), last), Shorthand.like(b, boxes, n - 1.0));
        return b.plus(b.times(from, last), b.times(b.iota(boxes.dtype(), Shape.of(1, n), 1), step));
    }

    private static List<Sampling.Tap> cropTaps(GraphBuilder b, Value at, long extent, String mode) {
        if (mode.equals("nearest")) {
            Value rounded = b.map(MapFunction.FLOOR, b.plus(at, Shorthand.like(b, at, 0.5)));
            return List.of(new Sampling.Tap(Sampling.index(b, rounded, extent), null, null));
        }
        Value floor = b.map(MapFunction.FLOOR, at);
        Value fraction = b.minus(at, floor);
        Value one = Shorthand.like(b, at, 1);
        return List.of(
                new Sampling.Tap(Sampling.index(b, floor, extent), b.minus(one, fraction), null),
                new Sampling.Tap(Sampling.index(b, b.plus(floor, one), extent), fraction, null));
    }

    private static Value inRange(GraphBuilder b, Value at, long extent) {
        return b.map(
                MapFunction.AND,
                b.map(MapFunction.GE, at, Shorthand.like(b, at, 0)),
                b.map(MapFunction.LE, at, Shorthand.like(b, at, extent - 1.0)));
    }

    /** One-sided transforms over the last axes; complex numbers are pairs in an axis of their own at the end. */
    private static Lowering.Expand fourier(OperatorNode node, boolean inverse) {
        long dimensions = node.attributes().integer("signal_ndim");
        boolean normalized = node.attributes().flag("normalized", false);
        if (!node.attributes().flag("onesided", true)) throw node.error("onesided 0 is not supported");
        if (dimensions < 1 || dimensions > 3) throw node.error("signal_ndim " + dimensions + " is outside [1, 3]");
        int n = (int) dimensions;
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            int signal = inverse ? x.rank() - 1 : x.rank();
            c.require(signal >= n, "the input " + x.type() + " has fewer than " + n + " signal axes");
            Value v = inverse ? x : Shorthand.unsqueeze(b, x, x.rank());
            double points = 1;
            int last = signal - 1;
            if (!inverse) v = SignalOperators.transform(b, v, last, v.shape().dim(last), false, true);
            for (int i = last - 1; i > last - n; i--)
                v = SignalOperators.transform(b, v, i, v.shape().dim(i), inverse, false);
            if (inverse) {
                Dim d = v.shape().dim(last);
                v = SignalOperators.transform(
                        b, v, last, d.derive(2 * (d.extent() - 1), "(2*(" + d.term() + "-1))"), true, true);
                v = b.reshape(v, v.shape().without(v.rank() - 1));
            }
            Value whole = inverse ? v : x;
            for (int i = last; i > last - n; i--) points *= whole.extent(i);
            if (normalized) v = b.times(v, Shorthand.like(b, v, inverse ? Math.sqrt(points) : 1 / Math.sqrt(points)));
            return List.of(v);
        };
    }
}
