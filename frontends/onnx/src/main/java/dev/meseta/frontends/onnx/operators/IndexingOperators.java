package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.List;

/**
 * Operators that read or write at computed positions. Negative positions count from the end; positions outside remain so, and whatever
 * runs the graph reports them.
 */
final class IndexingOperators {
    private IndexingOperators() {}

    static void register(Registry r) {
        r.expand("Gather", 1, node -> {
            long axis = node.attributes().integer("axis", 0);
            return c -> {
                Value x = c.operand(0);
                int a = Expansions.axis(c, axis, x.rank());
                return List.of(c.builder().add(new Op.Gather(a), x, positions(c, 1, x.extent(a))));
            };
        });
        r.expand("GatherElements", 11, node -> {
            long axis = node.attributes().integer("axis", 0);
            return c -> {
                Value x = c.operand(0);
                int a = Expansions.axis(c, axis, x.rank());
                requireInside(c, x, c.operand(1), a);
                return List.of(c.builder().add(new Op.GatherElements(a), x, positions(c, 1, x.extent(a))));
            };
        });
        r.expand("GatherND", 11, node -> {
            long batch = node.attributes().integer("batch_dims", 0);
            return c -> {
                Value x = c.operand(0);
                if (batch < 0 || batch >= Math.min(x.rank(), c.type(1).rank())) {
                    throw c.error("batch_dims is " + batch + " for " + x.type() + " and " + c.type(1));
                }
                return List.of(c.builder().add(new Op.GatherNd((int) batch), x, coordinates(c, (int) batch)));
            };
        });
        r.expand("Scatter", 9, IndexingOperators::scatterElements);
        r.expand("ScatterElements", 11, IndexingOperators::scatterElements);
        r.expand("ScatterND", 11, node -> {
            Op.Combine combine = combine(node);
            return c -> List.of(asNumbers(
                    c.builder(),
                    combine,
                    c.operand(0),
                    c.operand(2),
                    (x, u) -> c.builder().add(new Op.ScatterNd(combine), x, coordinates(c, 0), u)));
        });
        r.expand("TensorScatter", 24, IndexingOperators::tensorScatter);
        r.expand("OneHot", 9, node -> oneHot(node, false));
        r.expand("OneHot", 11, node -> oneHot(node, true));
        topK(r);
    }

    private static Value positions(LoweringContext c, int operand, long extent) {
        if (!c.type(operand).dtype().isInteger()) {
            throw c.error("positions are " + c.type(operand) + ", expected integers");
        }
        return Expansions.positions(c.builder(), c.operand(operand), extent);
    }

    private static void requireInside(LoweringContext c, Value x, Value positions, int axis) {
        boolean fits = positions.rank() == x.rank();
        for (int i = 0; fits && i < x.rank(); i++) fits = i == axis || positions.extent(i) <= x.extent(i);
        if (!fits) {
            throw c.error("positions are " + positions.type() + " for " + x.type()
                    + ": expected the same rank, and extents that are not larger beside axis " + axis);
        }
    }

    /** Operand 1, whose last axis holds coordinates into operand 0 from axis {@code batch} on, without negative ones. */
    private static Value coordinates(LoweringContext c, int batch) {
        Value x = c.operand(0);
        Value at = c.operand(1);
        if (at.rank() == 0 || batch + at.extent(at.rank() - 1) > x.rank()) {
            throw c.error("coordinates " + at.type() + " name more axes than " + x.type() + " has");
        }
        GraphBuilder b = c.builder();
        Value p = b.cast(at, DType.I64);
        int n = (int) at.extent(at.rank() - 1);
        List<Dim> extents = x.shape().dims().subList(batch, batch + n);
        Value shifted = b.plus(p, b.dims(extents));
        return b.select(b.map(MapFunction.LT, p, b.scalar(DType.I64, 0L)), shifted, p);
    }

    private static Op.Combine combine(OperatorNode node) {
        String reduction = node.attributes().string("reduction", "none");
        return switch (reduction) {
            case "none" -> Op.Combine.SET;
            case "add" -> Op.Combine.ADD;
            case "mul" -> Op.Combine.MUL;
            case "min" -> Op.Combine.MIN;
            case "max" -> Op.Combine.MAX;
            default -> throw node.error("reduction is '" + reduction + "', expected none, add, mul, min or max");
        };
    }

    private interface Scatter {
        Value apply(Value x, Value updates);
    }

    /** Truth values combine as numbers: add and max are or, mul and min are and. */
    private static Value asNumbers(GraphBuilder b, Op.Combine combine, Value x, Value updates, Scatter f) {
        if (x.dtype() != DType.BOOL || combine == Op.Combine.SET) return f.apply(x, updates);
        DType t = DType.I32;
        return b.cast(f.apply(b.cast(x, t), b.cast(updates, t)), DType.BOOL);
    }

    private static Lowering.Expand scatterElements(OperatorNode node) {
        long axis = node.attributes().integer("axis", 0);
        Op.Combine combine = combine(node);
        return c -> {
            Value data = c.operand(0);
            int a = Expansions.axis(c, axis, data.rank());
            requireInside(c, data, c.operand(1), a);
            Value at = positions(c, 1, data.extent(a));
            return List.of(asNumbers(
                    c.builder(),
                    combine,
                    data,
                    c.operand(2),
                    (x, u) -> c.builder().add(new Op.ScatterElements(a, combine), x, at, u)));
        };
    }

    private static Lowering.Expand tensorScatter(OperatorNode node) {
        long axis = node.attributes().integer("axis", -2);
        String mode = node.attributes().string("mode", "linear");
        boolean circular = mode.equals("circular");
        if (!circular && !mode.equals("linear")) {
            throw node.error("mode is '" + mode + "', expected linear or circular");
        }
        return c -> {
            GraphBuilder b = c.builder();
            Value cache = c.operand(0);
            Value update = c.operand(1);
            int a = Expansions.axis(c, axis, cache.rank());
            if (a == 0) throw c.error("axis is 0, the batch");
            requireInside(c, cache, update, a);
            Value p = b.iota(
                    DType.I64,
                    Expansions.repeated(cache.rank(), a, update.shape().dim(a)),
                    a);
            if (c.has(2)) {
                Value start = c.operand(2);
                if (start.rank() != 1 || start.extent(0) != cache.extent(0)) {
                    throw c.error(
                            "write_indices are " + start.type() + " for " + cache.type() + ", expected one a sample");
                }
                p = b.plus(p, Expansions.along(b, b.cast(start, DType.I64), cache.rank(), 0));
            }
            if (circular) p = b.map(MapFunction.MOD, p, b.scalar(DType.I64, cache.extent(a)));
            Value at = b.broadcast(p, update.shape());
            return List.of(b.add(new Op.ScatterElements(a, Op.Combine.SET), cache, at, update));
        };
    }

    private static Lowering.Expand oneHot(OperatorNode node, boolean negative) {
        long axis = node.attributes().integer("axis", -1);
        return c -> {
            GraphBuilder b = c.builder();
            long depth = Expansions.integer(c, 1, "depth");
            if (depth < 0) throw c.error("depth is " + depth);
            Dim d = c.type(1).dtype().isInteger() ? c.dims(1).getFirst() : Dim.of(depth);
            Value at = b.cast(c.operand(0), DType.I64);
            Value values = c.operand(2);
            if (values.rank() != 1 || values.extent(0) != 2) {
                throw c.error("values are " + values.type() + ", expected [off, on]");
            }
            if (negative) {
                Value below = b.map(MapFunction.LT, at, b.scalar(DType.I64, 0L));
                at = b.select(below, b.plus(at, b.scalar(DType.I64, depth)), at);
            }
            int a = Expansions.axis(c, axis, at.rank() + 1);
            Value place = b.iota(DType.I64, Expansions.repeated(at.rank() + 1, a, d), a);
            Value hot = b.map(MapFunction.EQ, b.reshape(at, at.shape().insert(a, Dim.of(1))), place);
            return List.of(Expansions.choose(b, hot, b.select(values, 0, 1), b.select(values, 0, 0)));
        };
    }

    private static void topK(Registry r) {
        r.expand("TopK", 1, node -> {
            long axis = node.attributes().integer("axis", -1);
            long k = node.attributes().integer("k");
            if (k < 0) throw node.error("k is " + k);
            return c -> topK(c, axis, Dim.of(k), true);
        });
        r.expand("TopK", 10, node -> {
            long axis = node.attributes().integer("axis", -1);
            boolean largest = node.attributes().flag("largest", true);
            return c -> {
                List<Dim> k = c.dims(1);
                if (k.size() != 1) throw c.error("k is " + c.type(1) + ", expected one element");
                return topK(c, axis, k.getFirst(), largest);
            };
        });
    }

    private static List<Value> topK(LoweringContext c, long axis, Dim k, boolean largest) {
        Value x = c.operand(0);
        int a = Expansions.axis(c, axis, x.rank());
        if (k.extent() < 0 || k.extent() > x.extent(a)) {
            throw c.error(
                    "k is " + k.extent() + ", axis " + a + " of " + x.type() + " has " + x.extent(a) + " elements");
        }
        return c.builder().addAll(new Op.TopK(k, a, largest), List.of(x));
    }
}
