package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** LinearRegressor and LinearClassifier, and what all models of ai.onnx.ml share: transforms of scores, and labels of classes. */
final class LinearModels {
    private static final List<String> TRANSFORMS = List.of("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT");

    /** Winitzki's constant for the inverse error function. */
    private static final double WINITZKI = 0.147;

    private LinearModels() {}

    static void register(Registry r) {
        r.add(Registry.ML, "LinearRegressor", 1, LinearModels::regressor);
        r.add(Registry.ML, "LinearClassifier", 1, LinearModels::classifier);
    }

    static String transform(OperatorNode node, String name) {
        if (!TRANSFORMS.contains(name)) throw node.error("unknown post_transform '" + name + "'");
        return name;
    }

    static String transform(OperatorNode node, long number) {
        if (number < 0 || number >= TRANSFORMS.size()) throw node.error("unknown post_transform " + number);
        return TRANSFORMS.get((int) number);
    }

    /** A post_transform on scores [rows, targets]. */
    static Value apply(GraphBuilder b, Value x, String transform) {
        return switch (transform) {
            case "LOGISTIC" -> b.map(MapFunction.SIGMOID, x);
            case "SOFTMAX" -> normalised(b, b.map(MapFunction.EXP, belowMaximum(b, x)));
            case "SOFTMAX_ZERO" -> {
                // As softmax, but a score of zero stays zero and has no share.
                Value zero = b.map(MapFunction.LE, b.map(MapFunction.ABS, x), b.scalar(x.dtype(), 1e-7));
                Value e = b.map(MapFunction.EXP, belowMaximum(b, x));
                yield normalised(b, b.select(zero, b.scalar(x.dtype(), 0.0), e));
            }
            case "PROBIT" -> probit(b, x);
            default -> x;
        };
    }

    private static Value belowMaximum(GraphBuilder b, Value x) {
        return b.minus(x, b.reduce(ReduceKind.MAX, x, List.of(1), true));
    }

    private static Value normalised(GraphBuilder b, Value e) {
        Value sum = b.sum(e, 1, true);
        Value empty = b.map(MapFunction.EQ, sum, b.scalar(sum.dtype(), 0.0));
        return b.divide(e, b.select(empty, b.scalar(sum.dtype(), 1.0), sum));
    }

    /** The normal distribution's quantiles, sqrt(2) * erfinv(2x - 1), with Winitzki's approximation. */
    private static Value probit(GraphBuilder b, Value x) {
        DType t = x.dtype();
        Value y = b.minus(b.times(x, b.scalar(t, 2.0)), b.scalar(t, 1.0));
        Value log = b.map(MapFunction.LOG, b.minus(b.scalar(t, 1.0), b.times(y, y)));
        Value v = b.plus(b.scalar(t, 2 / (Math.PI * WINITZKI)), b.times(log, b.scalar(t, 0.5)));
        Value root = b.map(MapFunction.SQRT, b.minus(b.times(v, v), b.times(log, b.scalar(t, 1 / WINITZKI))));
        Value size = b.map(MapFunction.SQRT, b.minus(root, v));
        return b.times(b.times(b.map(MapFunction.SIGN, y), size), b.scalar(t, Math.sqrt(2)));
    }

    /** The same for one number. */
    static double probit(double x) {
        double y = 2 * x - 1;
        double log = Math.log(1 - y * y);
        double v = 2 / (Math.PI * WINITZKI) + log / 2;
        return Math.sqrt(2) * Math.signum(y) * Math.sqrt(Math.sqrt(v * v - log / WINITZKI) - v);
    }

    /**
     * Class and scores [rows, 2] of one score [rows, 1] for the second of two classes.
     *
     * @param threshold a score above it stands for the second class
     * @param share whether the first class has what the second leaves of 1, and not the score's negative
     */
    static List<Value> binary(GraphBuilder b, Value score, Value threshold, boolean share, String transform) {
        DType t = score.dtype();
        Value second = b.map(MapFunction.GT, score, threshold);
        Value best = b.reshape(
                b.cast(second, DType.I64), Shape.of(List.of(score.shape().dim(0))));
        Value pair;
        if (transform.equals("PROBIT")) {
            Value p = probit(b, score);
            pair = b.concat(1, b.minus(b.scalar(t, 1.0), p), p);
        } else if (share) {
            pair = b.concat(1, b.minus(b.scalar(t, 1.0), score), score);
        } else {
            pair = b.concat(1, b.neg(score), score);
            if (transform.equals("LOGISTIC")) pair = b.map(MapFunction.SIGMOID, pair);
        }
        return List.of(best, b.cast(pair, DType.F32));
    }

    /**
     * What a classifier calls its classes.
     *
     * @param numbers labels that are integers; empty if they are strings
     */
    record Labels(long[] numbers, List<String> texts) {
        static Labels of(OperatorNode node, String integers, String strings) {
            Labels labels = new Labels(
                    node.attributes().integers(integers, new long[0]),
                    node.attributes().strings(strings, List.of()));
            if (labels.numbers.length > 0 && !labels.texts.isEmpty()) {
                throw node.error("has both " + integers + " and " + strings);
            }
            if (labels.size() == 0) throw node.error("has no class labels");
            return labels;
        }

        int size() {
            return Math.max(numbers.length, texts.size());
        }

        /** A classifier: {@code index} gives the class's position, I64 [rows], and the scores. */
        Lowering lowering(OperatorNode node, Lowering.Expand index) {
            if (texts.isEmpty()) {
                return (Lowering.Expand) c -> {
                    List<Value> r = index.expand(c);
                    Value label = c.builder().add(new Op.Gather(0), c.builder().longs(numbers), r.getFirst());
                    return List.of(label, r.get(1));
                };
            }
            List<Port> inputs = new ArrayList<>();
            List<String> names = new ArrayList<>();
            for (int i = 0; i < node.inputs().size(); i++) {
                names.add("x" + i);
                inputs.add(Port.any("x" + i));
            }
            Lowering.Host name = data -> List.of(text(new Operands(node, data).tensor(0)));
            return new Lowering.Inline(new Program(
                    node.where(),
                    inputs,
                    List.of(Port.any("label"), Port.any("scores")),
                    Map.of(),
                    List.of(
                            new Call(
                                    node.where(),
                                    node.operator() + ".scores",
                                    names,
                                    List.of("index", "scores"),
                                    index),
                            new Call(
                                    node.where(),
                                    node.operator() + ".labels",
                                    List.of("index"),
                                    List.of("label"),
                                    name))));
        }

        private Data text(Tensor index) {
            List<String> result = new ArrayList<>();
            for (long i : index.toLongs()) result.add(texts.get((int) i));
            return new Data.Strings(index.shape(), result);
        }
    }

    /** x · coefficientsᵀ + intercepts in F32: [rows, targets]. */
    private static Value product(
            OperatorNode node, GraphBuilder b, Value input, float[] coefficients, float[] intercepts, int targets) {
        Value x = b.cast(input, DType.F32);
        if (x.rank() == 1) x = b.reshape(x, x.shape().insert(0, dev.meseta.graph.Dim.of(1)));
        if (x.rank() != 2 || x.extent(1) * targets != coefficients.length) {
            throw node.error("has " + coefficients.length + " coefficients for " + targets + " targets and an input of "
                    + input.type());
        }
        Value w = b.constant(Tensor.of(coefficients, targets, x.extent(1)));
        Value y = b.matmul(x, b.transpose(w, 1, 0), DType.F32);
        return intercepts.length == 0 ? y : b.plus(y, b.constant(Tensor.of(intercepts, targets)));
    }

    private static Lowering regressor(OperatorNode node) {
        Attributes a = node.attributes();
        long targets = a.integer("targets", 1);
        float[] coefficients = a.reals("coefficients");
        float[] intercepts = a.reals("intercepts", new float[0]);
        if (targets < 1 || targets > coefficients.length || intercepts.length != 0 && intercepts.length != targets) {
            throw node.error("has " + targets + " targets, " + coefficients.length + " coefficients and "
                    + intercepts.length + " intercepts");
        }
        String transform = transform(node, a.string("post_transform", "NONE"));
        return (Lowering.Expand) c -> List.of(apply(
                c.builder(),
                product(node, c.builder(), c.operand(0), coefficients, intercepts, (int) targets),
                transform));
    }

    private static Lowering classifier(OperatorNode node) {
        Attributes a = node.attributes();
        Labels labels = Labels.of(node, "classlabels_ints", "classlabels_strings");
        float[] coefficients = a.reals("coefficients");
        float[] intercepts = a.reals("intercepts", new float[0]);
        // One row of coefficients may tell two classes apart.
        boolean binary = labels.size() == 2 && intercepts.length == 1;
        int targets = binary ? 1 : labels.size();
        if (intercepts.length != 0 && intercepts.length != targets) {
            throw node.error("has " + intercepts.length + " intercepts for " + targets + " classes");
        }
        String transform = transform(node, a.string("post_transform", "NONE"));
        return labels.lowering(node, c -> {
            GraphBuilder b = c.builder();
            Value scores = product(node, b, c.operand(0), coefficients, intercepts, targets);
            // Shares of two classes sum to 1, but for those that the logistic function makes.
            if (binary)
                return binary(b, scores, b.scalar(scores.dtype(), 0.0), !transform.equals("LOGISTIC"), transform);
            return List.of(b.add(new Op.ArgReduce(true, 1, false), scores), apply(b, scores, transform));
        });
    }
}
