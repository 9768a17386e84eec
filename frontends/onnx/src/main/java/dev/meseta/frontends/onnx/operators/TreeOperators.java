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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Decision trees. All trees are walked at once, one level a step: the places reached are a tensor [rows, trees], and a step gathers each
 * place's rule and moves on. Leaves lead to themselves.
 */
final class TreeOperators {
    /** Largest number of entries of the table from leaves to weights. */
    private static final long LARGEST = 1L << 26;

    private static final int DEEPEST = 1000;
    private static final int MEMBER = 6;
    private static final int LEAF = 7;

    private static final List<String> MODES = List.of(
            "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", "BRANCH_MEMBER", "LEAF");

    private static final List<MapFunction> COMPARISONS =
            List.of(MapFunction.LE, MapFunction.LT, MapFunction.GE, MapFunction.GT, MapFunction.EQ, MapFunction.NE);

    private static final List<String> AGGREGATES = List.of("AVERAGE", "SUM", "MIN", "MAX");

    private TreeOperators() {}

    static void register(Registry r) {
        r.add(Registry.ML, "TreeEnsemble", 5, TreeOperators::ensemble);
        r.add(Registry.ML, "TreeEnsembleRegressor", 1, TreeOperators::regressor);
        r.add(Registry.ML, "TreeEnsembleClassifier", 1, TreeOperators::classifier);
    }

    /**
     * Trees as parallel arrays, one entry a node.
     *
     * @param weights [nodes, targets], row-major: what reaching a leaf adds
     * @param votes whether a leaf has a say on a target, laid out as weights
     * @param members the sets of MEMBER nodes; null elsewhere
     */
    private record Forest(
            int[] roots,
            long[] features,
            double[] splits,
            int[] modes,
            boolean[] missing,
            int[] yes,
            int[] no,
            double[][] members,
            double[] weights,
            boolean[] votes,
            int targets) {

        static Forest empty(OperatorNode node, int roots, int nodes, long targets) {
            if (targets < 1 || targets * Math.max(1, nodes) > LARGEST) {
                throw node.error("has " + nodes + " nodes and " + targets + " targets, which is too much");
            }
            int entries = (int) (nodes * targets);
            return new Forest(
                    new int[roots],
                    new long[nodes],
                    new double[nodes],
                    new int[nodes],
                    new boolean[nodes],
                    new int[nodes],
                    new int[nodes],
                    new double[nodes][],
                    new double[entries],
                    new boolean[entries],
                    (int) targets);
        }

        void vote(OperatorNode node, int leaf, long target, double weight) {
            if (target < 0 || target >= targets)
                throw node.error("a leaf votes for target " + target + " of " + targets);
            int at = leaf * targets + (int) target;
            weights[at] += weight;
            votes[at] = true;
        }

        /** Steps from a root to the farthest leaf. Throws if a path does not end. */
        int depth(OperatorNode node) {
            int n = modes.length;
            int[] level = new int[n];
            List<Integer> here = new ArrayList<>();
            for (int r : roots) here.add(r);
            boolean[] queued = new boolean[n];
            for (int depth = 0; depth <= Math.min(DEEPEST, n); depth++) {
                List<Integer> next = new ArrayList<>();
                Arrays.fill(queued, false);
                for (int i : here) {
                    level[i] = depth;
                    if (modes[i] == LEAF) continue;
                    for (int child : new int[] {yes[i], no[i]}) {
                        if (!queued[child]) next.add(child);
                        queued[child] = true;
                    }
                }
                if (next.isEmpty()) return depth;
                here = next;
            }
            throw node.error("a tree is more than " + DEEPEST + " levels deep, or leads back to itself");
        }
    }

    private static int index(OperatorNode node, String what, long i, int n) {
        if (i < 0 || i >= n) throw node.error(what + " holds " + i + ", there are " + n);
        return (int) i;
    }

    private static void sameLength(OperatorNode node, String what, int length, int expected) {
        if (length != expected) throw node.error(what + " has " + length + " entries instead of " + expected);
    }

    private static Lowering ensemble(OperatorNode node) {
        Attributes a = node.attributes();
        long[] features = a.integers("nodes_featureids");
        int inner = features.length;
        long[] targetIds = a.integers("leaf_targetids");
        int leaves = targetIds.length;
        double[] splits = a.tensor("nodes_splits").toDoubles();
        long[] modes = a.tensor("nodes_modes").toLongs();
        double[] weights = a.tensor("leaf_weights").toDoubles();
        long[] roots = a.integers("tree_roots");
        long[] missing = a.integers("nodes_missing_value_tracks_true", new long[inner]);
        long[] yes = children(node, "true", inner, leaves);
        long[] no = children(node, "false", inner, leaves);
        sameLength(node, "nodes_splits", splits.length, inner);
        sameLength(node, "nodes_modes", modes.length, inner);
        sameLength(node, "leaf_weights", weights.length, leaves);
        sameLength(node, "nodes_missing_value_tracks_true", missing.length, inner);
        Forest f = Forest.empty(node, roots.length, inner + leaves, a.integer("n_targets", 1));
        Tensor sets = a.tensorOrNull("membership_values");
        int member = 0;
        for (int i = 0; i < inner; i++) {
            f.features()[i] = features[i];
            f.splits()[i] = splits[i];
            f.modes()[i] = index(node, "nodes_modes", modes[i], LEAF);
            f.missing()[i] = missing[i] != 0;
            f.yes()[i] = (int) yes[i];
            f.no()[i] = (int) no[i];
            if (f.modes()[i] == MEMBER) {
                if (sets == null) throw node.error("has set membership nodes, but no membership_values");
                double[] all = sets.toDoubles();
                int from = member;
                while (member < all.length && !Double.isNaN(all[member])) member++;
                f.members()[i] = Arrays.copyOfRange(all, Math.min(from, all.length), Math.min(member, all.length));
                member++;
            }
        }
        for (int i = 0; i < leaves; i++) {
            f.modes()[inner + i] = LEAF;
            f.yes()[inner + i] = inner + i;
            f.no()[inner + i] = inner + i;
            f.vote(node, inner + i, targetIds[i], weights[i]);
        }
        for (int i = 0; i < roots.length; i++) f.roots()[i] = index(node, "tree_roots", roots[i], inner);
        int aggregate = index(node, "aggregate_function", a.integer("aggregate_function", 1), 4);
        String transform = LinearModels.transform(node, a.integer("post_transform", 0));
        boolean wide = a.tensor("leaf_weights").dtype() == DType.F64;
        int depth = f.depth(node);
        return (Lowering.Expand) c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            Value scores = scores(b, x, f, depth, AGGREGATES.get(aggregate), new double[0], wide);
            return List.of(b.cast(LinearModels.apply(b, scores, transform), x.dtype()));
        };
    }

    /** Children as entries of one list, in which the leaves come behind the nodes. */
    private static long[] children(OperatorNode node, String branch, int inner, int leaves) {
        long[] ids = node.attributes().integers("nodes_" + branch + "nodeids");
        long[] leafs = node.attributes().integers("nodes_" + branch + "leafs");
        sameLength(node, "nodes_" + branch + "nodeids", ids.length, inner);
        sameLength(node, "nodes_" + branch + "leafs", leafs.length, inner);
        for (int i = 0; i < inner; i++) {
            String what = "nodes_" + branch + "nodeids";
            ids[i] = leafs[i] != 0 ? inner + index(node, what, ids[i], leaves) : index(node, what, ids[i], inner);
        }
        return ids;
    }

    /** Floats from a list of F32, or from the tensor of F64 that may stand in its place. */
    static double[] reals(Attributes a, String name) {
        Tensor t = a.tensorOrNull(name + "_as_tensor");
        if (t != null) return t.toDoubles();
        float[] f = a.reals(name, new float[0]);
        double[] d = new double[f.length];
        for (int i = 0; i < f.length; i++) d[i] = f[i];
        return d;
    }

    /** The form of opsets 1 to 4: nodes and votes by tree and node number. */
    private static Forest old(OperatorNode node, String votes, String ids, long targets) {
        Attributes a = node.attributes();
        long[] trees = a.integers("nodes_treeids");
        int n = trees.length;
        long[] nodes = a.integers("nodes_nodeids");
        long[] features = a.integers("nodes_featureids");
        double[] values = reals(a, "nodes_values");
        List<String> modes = a.strings("nodes_modes");
        long[] yes = a.integers("nodes_truenodeids");
        long[] no = a.integers("nodes_falsenodeids");
        long[] missing = a.integers("nodes_missing_value_tracks_true", new long[n]);
        for (int length :
                new int[] {nodes.length, features.length, values.length, modes.size(), yes.length, no.length}) {
            sameLength(node, "a list of nodes_", length, n);
        }
        if (missing.length != 0) sameLength(node, "nodes_missing_value_tracks_true", missing.length, n);
        Map<List<Long>, Integer> places = new HashMap<>();
        List<Integer> roots = new ArrayList<>();
        Map<Long, Boolean> seen = new HashMap<>();
        for (int i = 0; i < n; i++) {
            if (places.put(List.of(trees[i], nodes[i]), i) != null) {
                throw node.error("tree " + trees[i] + " has node " + nodes[i] + " twice");
            }
            // The first node of a tree is its root.
            if (seen.put(trees[i], true) == null) roots.add(i);
        }
        Forest f = Forest.empty(node, roots.size(), n, targets);
        for (int i = 0; i < roots.size(); i++) f.roots()[i] = roots.get(i);
        for (int i = 0; i < n; i++) {
            int mode = MODES.indexOf(modes.get(i));
            if (mode < 0 || mode == MEMBER) throw node.error("unknown node mode '" + modes.get(i) + "'");
            boolean leaf = mode == LEAF;
            f.modes()[i] = mode;
            f.features()[i] = leaf ? 0 : features[i];
            f.splits()[i] = values[i];
            f.missing()[i] = missing.length != 0 && missing[i] != 0;
            f.yes()[i] = leaf ? i : place(node, places, trees[i], yes[i]);
            f.no()[i] = leaf ? i : place(node, places, trees[i], no[i]);
        }
        long[] voteTrees = a.integers(votes + "_treeids");
        long[] voteNodes = a.integers(votes + "_nodeids");
        long[] voteIds = a.integers(ids);
        double[] voteWeights = reals(a, votes + "_weights");
        for (int length : new int[] {voteNodes.length, voteIds.length, voteWeights.length}) {
            sameLength(node, "a list of " + votes + "_", length, voteTrees.length);
        }
        for (int i = 0; i < voteTrees.length; i++) {
            f.vote(node, place(node, places, voteTrees[i], voteNodes[i]), voteIds[i], voteWeights[i]);
        }
        return f;
    }

    private static int place(OperatorNode node, Map<List<Long>, Integer> places, long tree, long id) {
        Integer i = places.get(List.of(tree, id));
        if (i == null) throw node.error("tree " + tree + " has no node " + id);
        return i;
    }

    private static boolean wide(Attributes a) {
        return a.names().stream().anyMatch(n -> n.endsWith("_as_tensor"));
    }

    private static Lowering regressor(OperatorNode node) {
        Attributes a = node.attributes();
        Forest f = old(node, "target", "target_ids", a.integer("n_targets", 1));
        String aggregate = a.string("aggregate_function", "SUM");
        if (!AGGREGATES.contains(aggregate)) throw node.error("unknown aggregate_function '" + aggregate + "'");
        double[] base = reals(a, "base_values");
        String transform = LinearModels.transform(node, a.string("post_transform", "NONE"));
        boolean wide = wide(a);
        int depth = f.depth(node);
        if (base.length != 0) sameLength(node, "base_values", base.length, f.targets());
        return (Lowering.Expand) c -> {
            GraphBuilder b = c.builder();
            Value scores = scores(b, c.operand(0), f, depth, aggregate, base, wide);
            return List.of(b.cast(LinearModels.apply(b, scores, transform), DType.F32));
        };
    }

    private static Lowering classifier(OperatorNode node) {
        Attributes a = node.attributes();
        LinearModels.Labels labels = LinearModels.Labels.of(node, "classlabels_int64s", "classlabels_strings");
        int classes = labels.size();
        long[] ids = a.integers("class_ids");
        Forest f = old(node, "class", "class_ids", Math.max(1, classes));
        double[] base = reals(a, "base_values");
        String transform = LinearModels.transform(node, a.string("post_transform", "NONE"));
        boolean wide = wide(a);
        int depth = f.depth(node);
        // With two classes, leaves may vote for one of them only.
        boolean binary = classes == 2 && Arrays.stream(ids).distinct().count() == 1;
        boolean positive = Arrays.stream(reals(a, "class_weights")).allMatch(w -> w >= 0);
        if (base.length != 0) sameLength(node, "base_values", base.length, binary && base.length == 1 ? 1 : classes);
        int only = binary ? (int) ids[0] : 0;
        return labels.lowering(node, c -> {
            GraphBuilder b = c.builder();
            double[] start = base.length == classes ? base : new double[0];
            Value scores = scores(b, c.operand(0), f, depth, "SUM", start, wide);
            if (binary) {
                Value one = b.slice(scores, 1, only, 1);
                if (base.length == 1) one = b.plus(one, b.scalar(one.dtype(), base[0]));
                Value threshold = b.scalar(one.dtype(), positive ? 0.5 : 0.0);
                return LinearModels.binary(b, one, threshold, positive, transform);
            }
            Value best = b.add(new Op.ArgReduce(true, 1, false), scores);
            return List.of(best, b.cast(LinearModels.apply(b, scores, transform), DType.F32));
        });
    }

    /** Aggregated leaf weights, [rows, targets], in F32 or F64. */
    private static Value scores(
            GraphBuilder b, Value input, Forest f, int depth, String aggregate, double[] base, boolean wide) {
        DType t = wide || input.dtype() == DType.F64 ? DType.F64 : DType.F32;
        Value x = b.cast(input, t);
        if (x.rank() == 1)
            x = b.reshape(x, Shape.of(List.of(Dim.of(1), x.shape().dim(0))));
        int nodes = f.modes().length;
        Shape places = Shape.of(List.of(x.shape().dim(0), Dim.of(f.roots().length)));
        Value at = b.broadcast(b.longs(longs(f.roots())), places);
        Value features = b.longs(f.features());
        Value splits = b.cast(b.constant(Tensor.of(f.splits(), nodes)), t);
        Value modes = b.longs(longs(f.modes()));
        Value yes = b.longs(longs(f.yes()));
        Value no = b.longs(longs(f.no()));
        for (int step = 0; step < depth; step++) {
            Value v = b.add(new Op.GatherElements(1), x, pick(b, features, at));
            Value holds = holds(b, f, v, pick(b, splits, at), pick(b, modes, at), at);
            at = b.select(holds, pick(b, yes, at), pick(b, no, at));
        }
        Value weights = b.cast(b.constant(Tensor.of(f.weights(), nodes, f.targets())), t);
        Value reached = pick(b, weights, at);
        Value result = aggregate(b, f, reached, at, aggregate);
        return base.length == 0 ? result : b.plus(result, b.cast(b.constant(Tensor.of(base, base.length)), t));
    }

    private static long[] longs(int[] v) {
        return Arrays.stream(v).asLongStream().toArray();
    }

    private static Value pick(GraphBuilder b, Value table, Value at) {
        return b.add(new Op.Gather(0), table, at);
    }

    private static Value holds(GraphBuilder b, Forest f, Value v, Value split, Value mode, Value at) {
        Value holds = b.broadcast(b.scalar(DType.BOOL, 0L), v.shape());
        for (int m = 0; m < COMPARISONS.size(); m++) {
            int wanted = m;
            if (Arrays.stream(f.modes()).noneMatch(x -> x == wanted)) continue;
            holds = b.select(
                    b.map(MapFunction.EQ, mode, b.scalar(DType.I64, (long) m)),
                    b.map(COMPARISONS.get(m), v, split),
                    holds);
        }
        if (Arrays.stream(f.modes()).anyMatch(m -> m == MEMBER)) {
            holds = b.select(
                    b.map(MapFunction.EQ, mode, b.scalar(DType.I64, (long) MEMBER)), isMember(b, f, v, at), holds);
        }
        boolean anyMissing = false;
        for (boolean m : f.missing()) anyMissing |= m;
        if (!anyMissing) return holds;
        Tensor tracks = Tensor.allocate(DType.BOOL, Shape.of(f.missing().length));
        for (int i = 0; i < f.missing().length; i++) tracks.setLong(i, f.missing()[i] ? 1 : 0);
        Value missing = b.map(MapFunction.AND, b.map(MapFunction.IS_NAN, v), pick(b, b.constant(tracks), at));
        return b.map(MapFunction.OR, holds, missing);
    }

    private static Value isMember(GraphBuilder b, Forest f, Value v, Value at) {
        int widest = Arrays.stream(f.members())
                .mapToInt(m -> m == null ? 0 : m.length)
                .max()
                .orElse(0);
        double[] table = new double[f.members().length * Math.max(1, widest)];
        // NaN equals nothing.
        Arrays.fill(table, Double.NaN);
        int row = Math.max(1, widest);
        for (int i = 0; i < f.members().length; i++) {
            if (f.members()[i] != null) System.arraycopy(f.members()[i], 0, table, i * row, f.members()[i].length);
        }
        Value sets = b.cast(b.constant(Tensor.of(table, f.members().length, row)), v.dtype());
        Value equal = b.map(MapFunction.EQ, b.reshape(v, v.shape().insert(2, Dim.of(1))), pick(b, sets, at));
        return b.reduce(ReduceKind.OR, equal, List.of(2), false);
    }

    private static Value aggregate(GraphBuilder b, Forest f, Value reached, Value at, String aggregate) {
        if (aggregate.equals("SUM") || aggregate.equals("AVERAGE")) {
            Value sum = b.sum(reached, 1, false);
            return aggregate.equals("SUM") ? sum : b.divide(sum, b.scalar(sum.dtype(), (double) f.roots().length));
        }
        Tensor votes = Tensor.allocate(DType.BOOL, Shape.of(f.modes().length, f.targets()));
        for (int i = 0; i < f.votes().length; i++) votes.setLong(i, f.votes()[i] ? 1 : 0);
        Value voted = pick(b, b.constant(votes), at);
        boolean least = aggregate.equals("MIN");
        double identity = least ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
        Value counted = b.select(voted, reached, b.scalar(reached.dtype(), identity));
        Value result = b.reduce(least ? ReduceKind.MIN : ReduceKind.MAX, counted, List.of(1), false);
        Value any = b.reduce(ReduceKind.OR, voted, List.of(1), false);
        return b.select(any, result, b.scalar(result.dtype(), 0.0));
    }
}
