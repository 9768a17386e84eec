package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Lowering;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** TfIdfVectorizer: counts the n-grams of a pool in each row of tokens, which are integers or strings. */
final class TextVectorizer {
    /** Largest number of elements of a result. */
    private static final long LARGEST = 1L << 28;

    private TextVectorizer() {}

    static void register(Registry r) {
        r.host("TfIdfVectorizer", 9, TextVectorizer::define);
    }

    /**
     * @param pool position in the pool by n-gram
     * @param columns result column by position in the pool
     * @param weights weight by position in the pool; empty if all are 1
     */
    private record Grams(
            Map<List<Object>, Integer> pool,
            long[] columns,
            float[] weights,
            int width,
            int shortest,
            int longest,
            int skips,
            String mode) {}

    private static Lowering.Host define(OperatorNode node) {
        Attributes a = node.attributes();
        List<Object> tokens = new ArrayList<>();
        if (a.has("pool_strings")) tokens.addAll(a.strings("pool_strings"));
        if (a.has("pool_int64s")) {
            for (long t : a.integers("pool_int64s")) tokens.add(t);
        }
        long[] starts = a.integers("ngram_counts");
        long[] columns = a.integers("ngram_indexes");
        float[] weights = a.reals("weights", new float[0]);
        Map<List<Object>, Integer> pool = new HashMap<>();
        int position = 0;
        for (int n = 1; n <= starts.length; n++) {
            long from = starts[n - 1];
            long to = n < starts.length ? starts[n] : tokens.size();
            if (from < 0 || to < from || to > tokens.size() || (to - from) % n != 0) {
                throw node.error("ngram_counts do not divide the pool of " + tokens.size() + " tokens");
            }
            for (int i = (int) from; i < to; i += n) pool.put(List.copyOf(tokens.subList(i, i + n)), position++);
        }
        if (position != columns.length || weights.length != 0 && weights.length != position) {
            throw node.error("the pool has " + position + " n-grams, but there are " + columns.length
                    + " ngram_indexes and " + weights.length + " weights");
        }
        long width = 0;
        for (long c : columns) {
            if (c < 0 || c >= LARGEST) throw node.error("ngram_indexes hold " + c);
            width = Math.max(width, c + 1);
        }
        int shortest = range(node, "min_gram_length", 1);
        int longest = range(node, "max_gram_length", shortest);
        Grams grams = new Grams(
                pool,
                columns,
                weights,
                (int) width,
                shortest,
                longest,
                range(node, "max_skip_count", 0),
                a.string("mode"));
        if (!List.of("TF", "IDF", "TFIDF").contains(grams.mode()))
            throw node.error("unknown mode '" + grams.mode() + "'");
        return data -> List.of(count(new Operands(node, data), grams));
    }

    private static int range(OperatorNode node, String attribute, int least) {
        long v = node.attributes().integer(attribute);
        if (v < least || v > Integer.MAX_VALUE) throw node.error(attribute + " is " + v);
        return (int) v;
    }

    private static Tensor count(Operands o, Grams grams) {
        Shape shape = StringTable.shape(o.get(0));
        int rank = shape.rank();
        if (rank < 1 || rank > 2) throw o.error("takes [n] or [rows,n], got " + shape);
        int rows = rank == 1 ? 1 : Math.toIntExact(shape.extent(0));
        int length = Math.toIntExact(shape.extent(rank - 1));
        if ((long) rows * grams.width() > LARGEST)
            throw o.error("the result would have " + rows + " x " + grams.width() + " elements");
        Tensor result = Tensor.allocate(DType.F32, rank == 1 ? Shape.of(grams.width()) : Shape.of(rows, grams.width()));
        for (int row = 0; row < rows; row++) {
            List<Object> tokens = tokens(o.get(0), row, length);
            int[] counts = counts(tokens, grams);
            for (int i = 0; i < counts.length; i++) {
                if (counts[i] == 0) continue;
                float weight = grams.weights().length == 0 ? 1 : grams.weights()[i];
                float value = switch (grams.mode()) {
                    case "TF" -> counts[i];
                    case "IDF" -> weight;
                    default -> counts[i] * weight;
                };
                result.setDouble((long) row * grams.width() + grams.columns()[i], value);
            }
        }
        return result;
    }

    private static List<Object> tokens(Data data, int row, int length) {
        List<Object> tokens = new ArrayList<>(length);
        for (int i = 0; i < length; i++) {
            int at = row * length + i;
            if (data instanceof Data.Strings s) tokens.add(s.values().get(at));
            else if (data instanceof Tensor t) tokens.add(t.getLong(at));
        }
        return tokens;
    }

    /** Occurrences by position in the pool. Tokens of an n-gram stand 1 to skips + 1 apart. */
    private static int[] counts(List<Object> tokens, Grams grams) {
        int[] counts = new int[grams.columns().length];
        for (int n = grams.shortest(); n <= Math.min(grams.longest(), tokens.size()); n++) {
            // Single tokens are the same whatever is skipped between them.
            int skips = n == 1 ? 0 : grams.skips();
            for (int skip = 0; skip <= skips; skip++) {
                long reach = (long) (n - 1) * (skip + 1L);
                if (reach >= tokens.size()) break;
                for (int from = 0; from + reach < tokens.size(); from++) {
                    List<Object> gram = new ArrayList<>(n);
                    for (int k = 0; k < n; k++) gram.add(tokens.get(from + k * (skip + 1)));
                    Integer at = grams.pool().get(gram);
                    if (at != null) counts[at]++;
                }
            }
        }
        return counts;
    }
}
