package dev.meseta.frontends.tflite.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Random numbers. They run in Java, each run from the operator's seeds anew: what TFLite gives when a model is first run. Where both seeds are 0,
 * each run has others.
 */
final class RandomOperators {
    private static final SecureRandom SEEDS = new SecureRandom();

    /** Of all that a shape in a model may ask for. */
    private static final long MOST = 1L << 28;

    private RandomOperators() {}

    static void register(Registry r) {
        r.host("RANDOM_UNIFORM", node -> data -> List.of(fill(node, data, false)));
        r.host("RANDOM_STANDARD_NORMAL", node -> data -> List.of(fill(node, data, true)));
        r.host("MULTINOMIAL", node -> data -> List.of(choose(node, data)));
    }

    /** Options: two seeds, of whose 64 bits TFLite takes 32. */
    private static Philox generator(OperatorNode node) {
        int seed = (int) node.options().wide(0);
        int stream = (int) node.options().wide(1);
        return seed == 0 && stream == 0 ? new Philox(SEEDS.nextLong(), SEEDS.nextLong()) : new Philox(seed, stream);
    }

    /** Operand: the shape. */
    private static Tensor fill(OperatorNode node, List<@Nullable Data> data, boolean normal) {
        long[] extents =
                HostOperators.tensor(node, data, 0, DType.I32, DType.I64).toLongs();
        if (node.outputType(0) != DType.F32) throw node.unsupportedTypes();
        long count = 1;
        for (long e : extents) {
            node.require(
                    e >= 0 && (e == 0 || count <= MOST / e),
                    "asks for " + Arrays.toString(extents) + " random numbers, at most " + MOST + " are supported");
            count *= e;
        }
        Tensor t = Tensor.allocate(DType.F32, Shape.of(extents));
        Philox p = generator(node);
        for (long i = 0; i < count; i += normal ? 2 : 1) {
            if (!normal) {
                t.setDouble(i, p.uniform());
                continue;
            }
            float[] pair = p.normal();
            t.setDouble(i, pair[0]);
            if (i + 1 < count) t.setDouble(i + 1, pair[1]);
        }
        return t;
    }

    /** Operands: rows of logarithms of shares, how many places of each row to draw. */
    private static Tensor choose(OperatorNode node, List<@Nullable Data> data) {
        Tensor logits = HostOperators.tensor(node, data, 0, DType.F32);
        long count = HostOperators.scalar(node, data, 1, DType.I32).getLong(0);
        node.require(logits.type().rank() == 2, "the input is " + logits.type() + ", expected rank 2");
        long rows = logits.shape().extent(0);
        int classes = Math.toIntExact(logits.shape().extent(1));
        node.require(
                count >= 0 && classes > 0 && (rows == 0 || count <= MOST / rows),
                "draws " + count + " of " + logits.type());
        Tensor t = Tensor.allocate(node.outputType(0), Shape.of(rows, count));
        Philox p = generator(node);
        double[] sums = new double[classes];
        for (long row = 0; row < rows; row++) {
            double most = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < classes; i++) most = Math.max(most, logit(logits, row * classes + i));
            double sum = 0;
            for (int i = 0; i < classes; i++) {
                sum += Math.exp(logit(logits, row * classes + i) - most);
                sums[i] = sum;
            }
            for (long k = 0; k < count; k++) {
                double drawn = p.uniformDouble() * sum;
                int place = 0;
                while (place < classes - 1 && sums[place] <= drawn) place++;
                t.setLong(row * count + k, place);
            }
        }
        return t;
    }

    /** What is no number counts as nothing. */
    private static double logit(Tensor logits, long i) {
        double x = logits.getDouble(i);
        return Double.isFinite(x) ? x : Double.NEGATIVE_INFINITY;
    }
}
