package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Lowering;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * SVMClassifier and SVMRegressor, as libsvm predicts (Chang and Lin, LIBSVM: A Library for Support Vector Machines): one decision for each
 * pair of classes, votes, and probabilities that are coupled from the pairs' own. Without support vectors the coefficients are a linear
 * model, one row a class. They run in Java: models are small, and the coupling iterates until it holds.
 */
final class SupportVectorMachines {
    private static final List<String> KERNELS = List.of("LINEAR", "POLY", "RBF", "SIGMOID");

    /** Keeps the probabilities of pairs away from 0 and 1. */
    private static final double SMALLEST_PROBABILITY = 1e-7;

    private SupportVectorMachines() {}

    static void register(Registry r) {
        r.add(Registry.ML, "SVMClassifier", 1, SupportVectorMachines::classifier);
        r.add(Registry.ML, "SVMRegressor", 1, SupportVectorMachines::regressor);
    }

    /**
     * Vectors and how they are compared with a row of features.
     *
     * @param vectors [count, features], row-major
     */
    private record Kernel(String type, double gamma, double coef0, double degree, float[] vectors, int count) {
        static Kernel of(OperatorNode node, float[] vectors, long count, boolean linear) {
            Attributes a = node.attributes();
            String type = linear ? "LINEAR" : a.string("kernel_type", "LINEAR");
            if (!KERNELS.contains(type)) throw node.error("unknown kernel_type '" + type + "'");
            float[] p = a.reals("kernel_params", 0, 0, 0);
            if (p.length != 3)
                throw node.error("has " + p.length + " kernel_params instead of gamma, coef0 and degree");
            if (count < 1 || vectors.length == 0 || vectors.length % count != 0)
                throw node.error("has " + vectors.length + " numbers for " + count + " vectors of equal length");
            return new Kernel(type, p[0], p[1], p[2], vectors, (int) count);
        }

        int features() {
            return vectors.length / count;
        }

        /** The kernel of each vector with a row. */
        double[] on(double[] rows, int row) {
            double[] result = new double[count];
            int n = features();
            for (int v = 0; v < count; v++) {
                double sum = 0;
                for (int i = 0; i < n; i++) {
                    double x = rows[row * n + i];
                    double s = vectors[v * n + i];
                    sum += type.equals("RBF") ? (x - s) * (x - s) : x * s;
                }
                result[v] = switch (type) {
                    case "POLY" -> Math.pow(gamma * sum + coef0, degree);
                    case "RBF" -> Math.exp(-gamma * sum);
                    case "SIGMOID" -> Math.tanh(gamma * sum + coef0);
                    default -> sum;
                };
            }
            return result;
        }
    }

    /** The features of all rows; a vector is one row. */
    private static double[] rows(Operands o, Kernel kernel) {
        Tensor x = o.tensor(0);
        int rank = x.shape().rank();
        if (rank < 1 || rank > 2 || x.shape().extent(rank - 1) != kernel.features())
            throw o.error("takes [rows," + kernel.features() + "], got " + x.describe());
        return x.toDoubles();
    }

    private static Tensor floats(List<double[]> rows, int columns) {
        Tensor t = Tensor.allocate(DType.F32, Shape.of(rows.size(), columns));
        long at = 0;
        for (double[] row : rows) for (double v : row) t.setDouble(at++, v);
        return t;
    }

    /** A post_transform on the scores of one row. */
    private static double[] transformed(double[] scores, String transform) {
        double largest = Arrays.stream(scores).max().orElse(0);
        double[] y = switch (transform) {
            case "LOGISTIC" ->
                Arrays.stream(scores).map(s -> 1 / (1 + Math.exp(-s))).toArray();
            case "SOFTMAX" ->
                Arrays.stream(scores).map(s -> Math.exp(s - largest)).toArray();
            case "SOFTMAX_ZERO" ->
                Arrays.stream(scores)
                        .map(s -> Math.abs(s) <= 1e-7 ? 0 : Math.exp(s - largest))
                        .toArray();
            case "PROBIT" -> Arrays.stream(scores).map(LinearModels::probit).toArray();
            default -> scores;
        };
        double sum = transform.startsWith("SOFTMAX") ? Arrays.stream(y).sum() : 1;
        return sum == 0 ? y : Arrays.stream(y).map(v -> v / sum).toArray();
    }

    private static Lowering regressor(OperatorNode node) {
        Attributes a = node.attributes();
        float[] coefficients = a.reals("coefficients");
        float[] rho = a.reals("rho");
        long supports = a.integer("n_supports", 0);
        boolean linear = supports == 0;
        Kernel kernel = linear
                ? Kernel.of(node, coefficients, 1, true)
                : Kernel.of(node, a.reals("support_vectors"), supports, false);
        if (!linear && coefficients.length != supports || rho.length != 1)
            throw node.error("has " + coefficients.length + " coefficients and " + rho.length + " rho for " + supports
                    + " support vectors");
        boolean oneClass = a.flag("one_class", false);
        String transform = LinearModels.transform(node, a.string("post_transform", "NONE"));
        return (Lowering.Host) data -> {
            double[] x = rows(new Operands(node, data), kernel);
            List<double[]> scores = new ArrayList<>();
            for (int row = 0; row < x.length / kernel.features(); row++) {
                double[] k = kernel.on(x, row);
                double sum = rho[0];
                for (int i = 0; i < k.length; i++) sum += linear ? k[i] : coefficients[i] * k[i];
                double score = oneClass ? (sum > 0 ? 1 : -1) : sum;
                scores.add(transformed(new double[] {score}, transform));
            }
            return List.of(floats(scores, 1));
        };
    }

    /**
     * A classifier of pairs, or a linear one if {@code starts} is null.
     *
     * @param coefficients [classes - 1, vectors]: row j - 1 holds class i's against j for i below j, row i holds j's against i
     * @param starts first vector of each class, then the number of vectors
     */
    private record Classifier(
            LinearModels.Labels labels,
            Kernel kernel,
            float[] coefficients,
            float[] rho,
            float[] probA,
            float[] probB,
            int @Nullable [] starts,
            String transform) {

        int columns() {
            int n = labels.size();
            return starts == null || probA.length > 0 || n == 2 ? n : pairs(n);
        }

        /** The class of one row, and its scores. */
        int classify(double[] k, List<double[]> scores) {
            if (starts == null) {
                double[] s = Arrays.stream(k).map(v -> v + rho[0]).toArray();
                scores.add(transformed(s, transform));
                return largest(s);
            }
            int n = labels.size();
            double[] votes = new double[n];
            double[] decisions = new double[pairs(n)];
            int pair = 0;
            for (int i = 0; i < n; i++) {
                for (int j = i + 1; j < n; j++) {
                    double sum = rho[pair] + part(k, starts, i, j - 1) + part(k, starts, j, i);
                    decisions[pair++] = sum;
                    votes[sum > 0 ? i : j]++;
                }
            }
            if (probA.length > 0) scores.add(transformed(probabilities(decisions, n), transform));
            else if (n == 2) scores.add(both(decisions[0]));
            else scores.add(transformed(decisions, transform));
            return largest(votes);
        }

        private double part(double[] k, int[] first, int from, int row) {
            double sum = 0;
            for (int v = first[from]; v < first[from + 1]; v++) sum += coefficients[row * kernel.count() + v] * k[v];
            return sum;
        }

        private double[] both(double score) {
            if (!transform.equals("PROBIT")) return transformed(new double[] {-score, score}, transform);
            double p = LinearModels.probit(score);
            return new double[] {1 - p, p};
        }

        private double[] probabilities(double[] decisions, int n) {
            double[][] r = new double[n][n];
            int pair = 0;
            for (int i = 0; i < n; i++) {
                for (int j = i + 1; j < n; j++, pair++) {
                    double p = 1 / (1 + Math.exp(decisions[pair] * probA[pair] + probB[pair]));
                    r[i][j] = Math.clamp(p, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY);
                    r[j][i] = 1 - r[i][j];
                }
            }
            return couple(r);
        }
    }

    private static int pairs(int classes) {
        return classes * (classes - 1) / 2;
    }

    /** The first of the largest elements. */
    private static int largest(double[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
        return best;
    }

    /**
     * Probabilities of classes from those of pairs: the second method of Wu, Lin and Weng, Probability Estimates for Multi-class
     * Classification by Pairwise Coupling (2004), algorithm 2, with libsvm's bounds on steps and error.
     */
    private static double[] couple(double[][] r) {
        int n = r.length;
        double[][] q = new double[n][n];
        for (int t = 0; t < n; t++) {
            for (int j = 0; j < n; j++) {
                if (j == t) continue;
                q[t][t] += r[j][t] * r[j][t];
                q[t][j] = -r[j][t] * r[t][j];
            }
        }
        double[] p = new double[n];
        Arrays.fill(p, 1.0 / n);
        double allowed = 0.005 / n;
        for (int step = 0; step < Math.max(100, n); step++) {
            double[] qp = new double[n];
            double pqp = 0;
            for (int t = 0; t < n; t++) {
                for (int j = 0; j < n; j++) qp[t] += q[t][j] * p[j];
                pqp += p[t] * qp[t];
            }
            double error = 0;
            for (double v : qp) error = Math.max(error, Math.abs(v - pqp));
            if (error < allowed) break;
            for (int t = 0; t < n; t++) {
                double change = (pqp - qp[t]) / q[t][t];
                p[t] += change;
                double scale = 1 + change;
                pqp = (pqp + change * (change * q[t][t] + 2 * qp[t])) / (scale * scale);
                for (int j = 0; j < n; j++) {
                    qp[j] = (qp[j] + change * q[t][j]) / scale;
                    p[j] /= scale;
                }
            }
        }
        return p;
    }

    private static Lowering classifier(OperatorNode node) {
        Classifier c = read(node);
        return (Lowering.Host) data -> {
            double[] x = rows(new Operands(node, data), c.kernel());
            int rows = x.length / c.kernel().features();
            List<double[]> scores = new ArrayList<>();
            int[] classes = new int[rows];
            for (int row = 0; row < rows; row++)
                classes[row] = c.classify(c.kernel().on(x, row), scores);
            return List.of(names(c.labels(), classes), floats(scores, c.columns()));
        };
    }

    private static Data names(LinearModels.Labels labels, int[] classes) {
        if (labels.texts().isEmpty()) {
            long[] numbers =
                    Arrays.stream(classes).mapToLong(i -> labels.numbers()[i]).toArray();
            return Tensor.of(numbers, numbers.length);
        }
        List<String> texts =
                Arrays.stream(classes).mapToObj(i -> labels.texts().get(i)).toList();
        return new Data.Strings(Shape.of(texts.size()), texts);
    }

    private static Classifier read(OperatorNode node) {
        Attributes a = node.attributes();
        LinearModels.Labels labels = LinearModels.Labels.of(node, "classlabels_ints", "classlabels_strings");
        int n = labels.size();
        float[] coefficients = a.reals("coefficients");
        float[] rho = a.reals("rho");
        float[] probA = a.reals("prob_a", new float[0]);
        float[] probB = a.reals("prob_b", new float[0]);
        long[] sizes = a.integers("vectors_per_class", new long[0]);
        String transform = LinearModels.transform(node, a.string("post_transform", "NONE"));
        if (Arrays.stream(sizes).allMatch(s -> s == 0)) {
            if (rho.length == 0) throw node.error("has no rho");
            Kernel kernel = Kernel.of(node, coefficients, n, true);
            return new Classifier(labels, kernel, coefficients, rho, probA, probB, null, transform);
        }
        float[] vectors = a.reals("support_vectors");
        int[] starts = new int[n + 1];
        if (sizes.length != n || n < 2)
            throw node.error("has " + sizes.length + " vectors_per_class for " + n + " classes");
        for (int i = 0; i < n; i++) {
            if (sizes[i] < 0 || sizes[i] > vectors.length - starts[i])
                throw node.error("has vectors_per_class " + Arrays.toString(sizes) + ", and " + vectors.length
                        + " numbers in support_vectors");
            starts[i + 1] = starts[i] + (int) sizes[i];
        }
        Kernel kernel = Kernel.of(node, vectors, starts[n], false);
        if (coefficients.length != (long) (n - 1) * starts[n] || rho.length != pairs(n))
            throw node.error("has " + coefficients.length + " coefficients and " + rho.length + " rho for " + n
                    + " classes and " + starts[n] + " support vectors");
        if (probA.length != probB.length || probA.length != 0 && probA.length != pairs(n))
            throw node.error(
                    "has " + probA.length + " prob_a and " + probB.length + " prob_b for " + pairs(n) + " pairs");
        return new Classifier(labels, kernel, coefficients, rho, probA, probB, starts, transform);
    }
}
