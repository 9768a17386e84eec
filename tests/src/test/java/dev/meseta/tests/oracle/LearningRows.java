package dev.meseta.tests.oracle;

import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Operators of classical machine learning. */
final class LearningRows {
    private LearningRows() {}

    static void addTo(Catalogue c) {
        c.addLearning(
                "Binarizer",
                List.of(1),
                d -> d.node()
                        .input(d.tensor(d.pick(DType.F32, DType.F64), d.filled(1, 2)))
                        .with(d.flag(), "threshold", d.real(-1, 1)));
        c.addLearning("Scaler", List.of(1), d -> {
            int w = d.integer(1, 6);
            boolean each = d.flag();
            return d.node()
                    .input(d.tensor(d.pick(DType.F32, DType.F64, DType.I64, DType.I32), d.integer(1, 4), w))
                    .with("offset", d.reals(each ? w : 1, -2, 2))
                    .with("scale", d.reals(each ? w : 1, 0.2, 2));
        });
        c.addLearning(
                "Normalizer",
                List.of(1),
                d -> d.node()
                        .input(d.tensor(d.pick(DType.F32, DType.F64, DType.I64, DType.I32), d.filled(1, 2)))
                        .with("norm", d.pick("MAX", "L1", "L2")));
        c.addLearning("Imputer", List.of(1), d -> {
            int w = d.integer(1, 5);
            boolean whole = d.flag();
            Tensor x = d.whole(whole ? DType.I64 : DType.F32, Shape.of(d.integer(1, 4), w), 0, 3);
            boolean each = d.flag();
            NodeCase n = d.node().input(x);
            return whole
                    ? n.with("imputed_value_int64s", d.integers(each ? w : 1, 5, 9))
                            .with("replaced_value_int64", 2)
                    : n.with("imputed_value_floats", d.reals(each ? w : 1, 5, 9))
                            .with("replaced_value_float", 2.0);
        });
        c.addLearning("ArrayFeatureExtractor", List.of(1), d -> {
            Tensor x = d.tensor(d.pick(DType.F32, DType.F64, DType.I64, DType.I32), d.filled(1, 3));
            long last = x.shape().extent(x.shape().rank() - 1);
            return d.node().input(x).input(d.indices(DType.I64, Shape.of(d.integer(1, 5)), last, false));
        });
        c.addLearning(
                "LabelEncoder",
                List.of(2, 4),
                d -> d.pick(List.of(0, 1, 2)) == 0
                        ? d.node()
                                .input(d.strings(d.filled(1, 3), "a", "b", "c"))
                                .with("keys_strings", List.of("a", "b"))
                                .with("values_int64s", new long[] {4, 7})
                                .with(d.flag(), "default_int64", 9)
                        : d.flag()
                                ? d.node()
                                        .input(d.whole(DType.I64, d.filled(1, 3), 0, 4))
                                        .with("keys_int64s", new long[] {0, 2, 3})
                                        .with("values_floats", new float[] {0.5f, 1, -2})
                                        .with(d.flag(), "default_float", 7.5)
                                : d.node()
                                        .input(d.whole(DType.F32, d.filled(1, 3), 0, 4))
                                        .with("keys_floats", new float[] {0, 2, 3})
                                        .with("values_strings", List.of("x", "y", "z"))
                                        .with(d.flag(), "default_string", "none"));
        c.addLearning(
                "OneHotEncoder",
                List.of(1),
                d -> d.flag()
                        ? d.node()
                                .input(d.whole(d.pick(DType.I64, DType.F32, DType.I32), d.filled(1, 2), 0, 3))
                                .with("cats_int64s", new long[] {0, 1, 2, 3})
                        : d.node()
                                .input(d.strings(d.filled(1, 2), "a", "b", "c"))
                                .with("cats_strings", List.of("a", "b"))
                                .with("zeros", 1));
        c.addLearning("FeatureVectorizer", List.of(1), d -> {
            long n = d.integer(1, 4);
            int count = d.integer(1, 3);
            DType t = d.pick(DType.F32, DType.I64, DType.F64);
            long[] widths = d.integers(count, 1, 4);
            NodeCase c2 = d.node().with("inputdimensions", widths);
            for (long w : widths) c2.input(d.tensor(t, n, w));
            return c2;
        });
        c.addLearning("LinearRegressor", List.of(1), d -> {
            int w = d.integer(1, 6);
            int targets = d.integer(1, 3);
            return d.node()
                    .input(d.tensor(DType.F32, d.integer(1, 4), w))
                    .with("coefficients", d.reals(w * targets, -2, 2))
                    .with(d.flag(), "intercepts", d.reals(targets, -2, 2))
                    .with("targets", targets)
                    // One target alone the oracle leaves as it is.
                    .with(targets > 1, "post_transform", d.pick("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"));
        });
        c.addLearning("LinearClassifier", List.of(1), d -> {
            int w = d.integer(1, 6);
            int classes = d.integer(2, 4);
            boolean binary = classes == 2 && d.flag();
            int rows = binary ? 1 : classes;
            long[] labels = new long[classes];
            for (int i = 0; i < classes; i++) labels[i] = 3 * i + 1;
            return d.node()
                    .input(d.tensor(DType.F32, d.integer(1, 4), w))
                    .with("coefficients", d.reals(w * rows, -2, 2))
                    .with("intercepts", d.reals(rows, -2, 2))
                    .with("classlabels_ints", labels)
                    .with(d.flag(), "multi_class", 0)
                    .with(d.flag(), "post_transform", d.pick("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"))
                    .outputs(2);
        });
        c.addLearning("TreeEnsembleRegressor", List.of(1), LearningRows::trees);
    }

    /** Some trees of random shape; every leaf adds to every target. */
    private static NodeCase trees(Draw d) {
        int features = d.integer(1, 5);
        int targets = d.integer(1, 3);
        int count = d.integer(1, 4);
        List<long[]> nodes = new ArrayList<>();
        List<Float> values = new ArrayList<>();
        List<String> modes = new ArrayList<>();
        List<long[]> leaves = new ArrayList<>();
        String mode = d.pick("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ");
        for (int t = 0; t < count; t++) {
            int inner = d.integer(1, 5);
            // A chain with leaves at its sides: node i branches to leaf and to node i + 1, the last one to two leaves.
            for (int i = 0; i < inner; i++) {
                boolean last = i == inner - 1;
                nodes.add(new long[] {t, i, d.integer(0, features - 1), last ? 2L * inner : i + 1, inner + i});
                values.add((float) d.integer(-2, 2));
                modes.add(mode);
            }
            for (int i = inner; i <= 2 * inner; i++) {
                nodes.add(new long[] {t, i, 0, 0, 0});
                values.add(0f);
                modes.add("LEAF");
                // To a target that no leaf adds to, the oracle does not add its base value either.
                for (int k = 0; k < targets; k++) leaves.add(new long[] {t, i, k});
            }
        }
        float[] thresholds = new float[values.size()];
        for (int i = 0; i < thresholds.length; i++) thresholds[i] = values.get(i);
        return d.node()
                .input(d.whole(DType.F32, Shape.of(d.integer(1, 20), features), -3, 3))
                .with("nodes_treeids", column(nodes, 0))
                .with("nodes_nodeids", column(nodes, 1))
                .with("nodes_featureids", column(nodes, 2))
                .with("nodes_truenodeids", column(nodes, 3))
                .with("nodes_falsenodeids", column(nodes, 4))
                .with("nodes_values", thresholds)
                .with("nodes_modes", modes)
                .with("target_treeids", column(leaves, 0))
                .with("target_nodeids", column(leaves, 1))
                .with("target_ids", column(leaves, 2))
                .with("target_weights", d.reals(leaves.size(), -2, 2))
                .with("n_targets", targets)
                .with(d.flag(), "base_values", d.reals(targets, -1, 1))
                .with(d.flag(), "aggregate_function", d.pick("SUM", "AVERAGE", "MIN", "MAX"))
                .with(targets > 1, "post_transform", d.pick("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"));
    }

    private static long[] column(List<long[]> rows, int i) {
        return rows.stream().mapToLong(r -> r[i]).toArray();
    }
}
