package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.List;

/** Determinants and inverses: Gaussian elimination with partial pivoting, one step of a scan for each column. */
final class LinearAlgebraOperators {
    private LinearAlgebraOperators() {}

    static void register(Registry r) {
        r.expand("Det", 11, node -> c -> List.of(determinant(c, c.operand(0))));
    }

    private static void requireSquare(LoweringContext c, Value x) {
        c.require(
                x.rank() >= 2 && x.extent(x.rank() - 1) == x.extent(x.rank() - 2),
                "expected square matrices, found " + x.type());
    }

    /** [.., n, n] to [..]. */
    static Value determinant(LoweringContext c, Value x) {
        requireSquare(c, x);
        GraphBuilder b = c.builder();
        Shape outer = Shape.of(x.shape().dims().subList(0, x.rank() - 2));
        Value m = Shorthand.wide(b, matrices(b, x));
        Value det =
                b.broadcast(Shorthand.like(b, m, 1), Shorthand.shape(m.shape().dim(0)));
        Dim n = m.shape().dim(1);
        Value steps = b.iota(DType.I64, Shorthand.shape(n), 0);
        List<TensorType> types = List.of(m.type(), det.type(), TensorType.of(DType.I64));
        List<Value> results = b.addAll(
                new Op.Scan(
                        b.body("determinant", types, (g, in) -> {
                            Pivoted p = pivot(g, in.get(0), in.get(2));
                            Value sign =
                                    g.select(p.moved, Shorthand.like(g, p.pivot, -1), Shorthand.like(g, p.pivot, 1));
                            Value below = g.map(MapFunction.GT, p.rows, in.get(2));
                            Value next = eliminated(g, p, below);
                            return List.of(next, g.times(in.get(1), g.times(sign, p.pivot)));
                        }),
                        2,
                        1,
                        n.extent(),
                        false),
                List.of(m, det, steps));
        return b.cast(b.reshape(results.get(1), outer), x.dtype());
    }

    /** [.., n, n] to [.., n, n]. A singular matrix gives infinities or NaN. */
    static Value inverse(LoweringContext c, Value x) {
        requireSquare(c, x);
        GraphBuilder b = c.builder();
        Value m = Shorthand.wide(b, matrices(b, x));
        Dim n = m.shape().dim(1);
        Shape square = Shorthand.shape(Dim.of(1), n, n);
        Value one =
                b.cast(b.map(MapFunction.EQ, b.iota(DType.I64, square, 1), b.iota(DType.I64, square, 2)), m.dtype());
        Value both = b.concat(2, m, b.broadcast(one, m.shape()));
        Value steps = b.iota(DType.I64, Shorthand.shape(n), 0);
        List<TensorType> types = List.of(both.type(), TensorType.of(DType.I64));
        Value result = b.addAll(
                        new Op.Scan(
                                b.body("inverse", types, (g, in) -> {
                                    Pivoted p = pivot(g, in.get(0), in.get(1));
                                    Value others = g.map(MapFunction.NE, p.rows, in.get(1));
                                    Value next = eliminated(g, p, others);
                                    Value scaled = g.divide(
                                            next,
                                            g.reshape(
                                                    p.pivot,
                                                    p.pivot
                                                            .shape()
                                                            .insert(1, Dim.of(1))
                                                            .insert(2, Dim.of(1))));
                                    return List.of(g.select(Shorthand.along(g, others, 1, 3), next, scaled));
                                }),
                                1,
                                1,
                                n.extent(),
                                false),
                        List.of(both, steps))
                .getFirst();
        return b.cast(b.reshape(b.slice(result, 2, n.extent(), n), x.shape()), x.dtype());
    }

    private static Value matrices(GraphBuilder b, Value x) {
        List<Dim> dims =
                new ArrayList<>(List.of(Shorthand.product(x.shape().dims().subList(0, x.rank() - 2))));
        dims.addAll(x.shape().dims().subList(x.rank() - 2, x.rank()));
        return b.reshape(x, Shape.of(dims));
    }

    /**
     * Matrices whose row k holds the pivot of column k.
     *
     * @param matrices [B, n, m]
     * @param row row k, [B, m]
     * @param column column k, [B, n]
     * @param pivot [B]
     * @param moved BOOL [B]: whether rows changed places
     * @param rows I64 [n]: 0, 1, 2, …
     */
    private record Pivoted(Value matrices, Value row, Value column, Value pivot, Value moved, Value rows) {}

    private static Pivoted pivot(GraphBuilder b, Value m, Value k) {
        Dim n = m.shape().dim(1);
        Value rows = b.iota(DType.I64, Shorthand.shape(n), 0);
        Value column = b.add(new Op.Gather(2), m, k);
        Value candidates =
                b.select(b.map(MapFunction.GE, rows, k), b.map(MapFunction.ABS, column), Shorthand.like(b, m, -1));
        Value best = b.add(new Op.ArgReduce(true, 1, false), candidates);
        Value from = Shorthand.unsqueeze(b, best, 1);
        Value order =
                b.select(b.map(MapFunction.EQ, rows, k), from, b.select(b.map(MapFunction.EQ, rows, from), k, rows));
        Value swapped = b.add(new Op.GatherElements(1), m, b.broadcast(Shorthand.unsqueeze(b, order, 2), m.shape()));
        Value row = b.add(new Op.Gather(1), swapped, k);
        Value newColumn = b.add(new Op.Gather(2), swapped, k);
        return new Pivoted(
                swapped, row, newColumn, b.add(new Op.Gather(1), row, k), b.map(MapFunction.NE, best, k), rows);
    }

    /** The rows chosen by a BOOL [n] with a multiple of row k taken off, so that their place in column k is 0. */
    private static Value eliminated(GraphBuilder b, Pivoted p, Value chosen) {
        Value pivot = Shorthand.unsqueeze(b, p.pivot, 1);
        Value zero = Shorthand.like(b, pivot, 0);
        Value safe = b.select(b.map(MapFunction.EQ, pivot, zero), Shorthand.like(b, pivot, 1), pivot);
        Value factor = b.select(chosen, b.divide(p.column, safe), zero);
        return b.minus(p.matrices, b.times(Shorthand.unsqueeze(b, factor, 2), Shorthand.unsqueeze(b, p.row, 1)));
    }
}
