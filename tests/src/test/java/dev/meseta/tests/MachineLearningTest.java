package dev.meseta.tests;

import dev.meseta.Meseta;
import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** The operators of ai.onnx.ml, of which ONNX has few cases, against ONNX Runtime. */
class MachineLearningTest {
    private static final Meseta MESETA = Meseta.open();
    private static final DType F = DType.F32;
    private static final List<String> KERNELS = List.of("LINEAR", "POLY", "RBF", "SIGMOID");

    private final Random random = new Random(5);
    private final Map<String, OneNode> cases = new LinkedHashMap<>();

    @TempDir
    Path folder;

    private OneNode node(String operator, String variant) {
        OneNode n = new OneNode("ai.onnx.ml", operator, 18);
        cases.put(operator + " " + variant, n);
        return n;
    }

    private float[] reals(int n) {
        float[] v = new float[n];
        for (int i = 0; i < n; i++) v[i] = random.nextFloat(-1, 1);
        return v;
    }

    private Tensor floats(int... extents) {
        int n = 1;
        long[] shape = new long[extents.length];
        for (int i = 0; i < extents.length; i++) {
            shape[i] = extents[i];
            n *= extents[i];
        }
        return Tensor.of(reals(n), shape);
    }

    private Tensor integers(DType type, int low, int high, long... extents) {
        Tensor t = Tensor.allocate(type, Shape.of(extents));
        for (long i = 0; i < t.elements(); i++) t.setLong(i, random.nextInt(low, high));
        return t;
    }

    @TestFactory
    List<DynamicTest> asThePeer() {
        vectorMachines();
        linearModels();
        features();
        trees();
        List<DynamicTest> tests = new ArrayList<>();
        cases.forEach((name, n) ->
                tests.add(DynamicTest.dynamicTest(name, () -> n.compare(MESETA, folder, OneNode::close))));
        return tests;
    }

    private void vectorMachines() {
        for (String kernel : KERNELS) {
            for (int oneClass = 0; oneClass < 2; oneClass++) {
                node("SVMRegressor", kernel + ", one_class " + oneClass)
                        .input(floats(5, 3))
                        .text("kernel_type", kernel)
                        .reals("kernel_params", 0.7f, 0.2f, 3)
                        .reals("coefficients", reals(4))
                        .reals("rho", 0.1f)
                        .reals("support_vectors", reals(12))
                        .integer("n_supports", 4)
                        .integer("one_class", oneClass)
                        .output(F);
            }
            machine(kernel + ", decisions of pairs", kernel, 4)
                    .output(DType.I64)
                    .output(F);
            machine(kernel + ", probabilities", kernel, 4)
                    .reals("prob_a", -1, -2, -0.5f, -1.5f, -1, -3)
                    .reals("prob_b", reals(6))
                    .output(DType.I64)
                    .output(F);
            machine(kernel + ", probabilities of two", kernel, 2)
                    .reals("prob_a", -1)
                    .reals("prob_b", 0.2f)
                    .output(DType.I64)
                    .output(F);
        }
        machine("logistic", "RBF", 3)
                .text("post_transform", "LOGISTIC")
                .output(DType.I64)
                .output(F);
        machine("softmax", "RBF", 3)
                .text("post_transform", "SOFTMAX")
                .output(DType.I64)
                .output(F);
        node("SVMRegressor", "without vectors")
                .input(floats(5, 3))
                .reals("coefficients", reals(3))
                .reals("rho", 0.1f)
                .text("kernel_type", "LINEAR")
                .reals("kernel_params", 0, 0, 0)
                .integer("n_supports", 0)
                .output(F);
        node("SVMClassifier", "without vectors")
                .input(floats(5, 3))
                .integers("classlabels_ints", 4, 7, 9)
                .reals("coefficients", reals(9))
                .reals("rho", 0.1f, 0, 0)
                .text("kernel_type", "LINEAR")
                .reals("kernel_params", 0, 0, 0)
                .output(DType.I64)
                .output(F);
    }

    private OneNode machine(String variant, String kernel, int classes) {
        long[] labels = new long[classes];
        long[] sizes = new long[classes];
        int vectors = 0;
        for (int i = 0; i < classes; i++) {
            labels[i] = 10 + 3L * i;
            sizes[i] = 1 + i % 3;
            vectors += (int) sizes[i];
        }
        return node("SVMClassifier", variant)
                .input(floats(6, 3))
                .text("kernel_type", kernel)
                .reals("kernel_params", 0.7f, 0.2f, 3)
                .integers("classlabels_ints", labels)
                .integers("vectors_per_class", sizes)
                .reals("support_vectors", reals(vectors * 3))
                .reals("coefficients", reals((classes - 1) * vectors))
                .reals("rho", reals(classes * (classes - 1) / 2));
    }

    private void linearModels() {
        for (String transform : List.of("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO")) {
            node("LinearRegressor", transform)
                    .input(floats(4, 3))
                    .reals("coefficients", reals(6))
                    .reals("intercepts", reals(2))
                    .integer("targets", 2)
                    .text("post_transform", transform)
                    .output(F);
            node("LinearClassifier", transform)
                    .input(floats(4, 3))
                    .reals("coefficients", reals(9))
                    .reals("intercepts", reals(3))
                    .integers("classlabels_ints", 2, 0, 5)
                    .text("post_transform", transform)
                    .output(DType.I64)
                    .output(F);
        }
        node("LinearClassifier", "two classes")
                .input(floats(4, 3))
                .reals("coefficients", reals(6))
                .reals("intercepts", reals(2))
                .integers("classlabels_ints", 2, 5)
                .text("post_transform", "SOFTMAX")
                .output(DType.I64)
                .output(F);
    }

    private void features() {
        node("Scaler", "a number each")
                .input(floats(4, 3))
                .reals("offset", reals(3))
                .reals("scale", reals(3))
                .output(F);
        node("Scaler", "integers")
                .input(integers(DType.I64, -5, 5, 4, 3))
                .reals("offset", 0.5f)
                .reals("scale", 2)
                .output(F);
        for (String norm : List.of("L1", "L2"))
            node("Normalizer", norm).input(floats(4, 3)).text("norm", norm).output(F);
        // Of numbers below zero the peer takes the largest, ONNX's reference implementation the largest magnitude.
        node("Normalizer", "MAX")
                .input(Tensor.of(new float[] {1, 4, 2, 3, 0.5f, 0.25f}, 2, 3))
                .text("norm", "MAX")
                .output(F);
        node("Imputer", "floats")
                .input(Tensor.of(new float[] {1, Float.NaN, 3, Float.NaN, 5, 6}, 2, 3))
                .reals("imputed_value_floats", 7, 8, 9)
                .real("replaced_value_float", Float.NaN)
                .output(F);
        node("Imputer", "integers")
                .input(integers(DType.I64, 0, 3, 4, 3))
                .integers("imputed_value_int64s", 7, 8, 9)
                .integer("replaced_value_int64", 1)
                .output(DType.I64);
        node("OneHotEncoder", "zeros")
                .input(integers(DType.I64, 0, 5, 4, 3))
                .integers("cats_int64s", 3, 1, 0)
                .integer("zeros", 1)
                .output(F);
        node("FeatureVectorizer", "columns")
                .input(floats(4, 3))
                .input(floats(4, 2))
                .integers("inputdimensions", 3, 2)
                .output(F);
        node("ArrayFeatureExtractor", "places")
                .input(floats(4, 5))
                .input(Tensor.of(new long[] {4, 0, 2}, 1, 3))
                .output(F);
        node("Binarizer", "threshold")
                .input(floats(4, 5))
                .real("threshold", 0.2f)
                .output(F);
    }

    /** A tree of depth two for each target. */
    private void trees() {
        for (String aggregate : List.of("SUM", "AVERAGE", "MIN", "MAX"))
            tree("TreeEnsembleRegressor", "target", aggregate)
                    .text("aggregate_function", aggregate)
                    .integer("n_targets", 2)
                    .output(F);
        for (String transform : List.of("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"))
            tree("TreeEnsembleClassifier", "class", transform)
                    .text("post_transform", transform)
                    .integers("classlabels_int64s", 5, 8, 2)
                    .output(DType.I64)
                    .output(F);
    }

    private OneNode tree(String operator, String votes, String variant) {
        String leaf = "LEAF";
        float[] weights = reals(6);
        // A class that no leaf of a row votes for has score 0; the peer never chooses it, ONNX's reference
        // implementation does.
        if (votes.equals("class")) for (int i = 0; i < weights.length; i++) weights[i] = Math.abs(weights[i]);
        return node(operator, variant)
                .input(floats(20, 3))
                .integers("nodes_treeids", 0, 0, 0, 0, 0, 1, 1, 1)
                .integers("nodes_nodeids", 0, 1, 2, 3, 4, 0, 1, 2)
                .integers("nodes_featureids", 0, 2, 0, 0, 0, 1, 0, 0)
                .strings("nodes_modes", "BRANCH_LEQ", "BRANCH_LEQ", leaf, leaf, leaf, "BRANCH_LEQ", leaf, leaf)
                .reals("nodes_values", 0.1f, -0.2f, 0, 0, 0, 0.3f, 0, 0)
                .integers("nodes_truenodeids", 1, 2, 0, 0, 0, 1, 0, 0)
                .integers("nodes_falsenodeids", 4, 3, 0, 0, 0, 2, 0, 0)
                .integers(votes + "_treeids", 0, 0, 0, 1, 1, 1)
                .integers(votes + "_nodeids", 2, 3, 4, 1, 2, 2)
                .integers(votes + "_ids", 0, 1, 1, 0, 1, 0)
                .reals(votes + "_weights", weights);
    }
}
