package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.compiler.TileKernel.Operand;
import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Op.Cast.Rounding;
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Attention as one kernel. An iteration of the grid takes some queries, and walks over the keys in blocks: scores of a block in register
 * tiles, their exponentials against the greatest score so far, and the weighted sum of the block's values on top of what came before,
 * scaled where a greater score was found.
 *
 * <p>After M. Milakov and N. Gimelshein, "Online normalizer calculation for softmax", 2018, and T. Dao and others, "FlashAttention: fast
 * and memory-efficient exact attention with IO-awareness", 2022.
 */
final class AttentionKernel {
    /** Keys of a block, about: so few that scores, keys and values of a block lie in the nearest cache. */
    private static final int KEYS = 128;

    private static final DType TYPE = DType.F32;

    /** What scores that lie in memory may take of it. */
    private static final long MOST_BYTES = 64 << 20;

    /** The loops: over what queries share and over queries, over keys, over what is summed for a score, over what a value has. */
    private record Loops(List<Atom> others, List<Atom> queries, Atom key, Atom summed, Atom value) {}

    /**
     * What a kernel is made of.
     *
     * @param others the loops that queries, keys and values share
     * @param queries the loops over queries, outermost first
     * @param key the loop over keys
     * @param summed the loop of a score's sum
     * @param value the loop over what a value has
     * @param rows the queries
     * @param score from the sum, which is number 0
     * @param finish what is stored, from the weighed sum of values, which is number 1
     * @param to where it is stored
     */
    record Parts(
            List<Atom> others,
            List<Atom> queries,
            Atom key,
            Atom summed,
            Atom value,
            Operand rows,
            Operand keys,
            Operand values,
            Point score,
            Point finish,
            Lin to) {}

    private final Assembly a;
    private final Group g;
    private final Emitter e = new Emitter("attention");
    private final Nest nest;
    private final Loops loops;
    private final TileKernel.Shape shape;
    private final Operand values;
    private final Point score;
    private final Point finish;
    private final Lin to;
    private final int lanes;

    /** Vectors of values that are summed at once. */
    private final int vectors;

    private final int height;
    private final int depth;

    /** Keys of a block, and the elements of a row of scores: a tile's width before the block's first, a vector behind its last. */
    private final int block;

    private final int stride;

    /** The kernel where subgroups compute it. */
    private final @Nullable SubgroupAttention subgroups;

    private AttentionKernel(
            Assembly a,
            Group g,
            Nest nest,
            Loops loops,
            TileKernel.Shape shape,
            Operand values,
            int vectors,
            @Nullable SubgroupAttention subgroups) {
        this.subgroups = subgroups;
        this.a = a;
        this.g = g;
        this.nest = nest;
        this.loops = loops;
        this.shape = shape;
        this.values = values;
        this.score = nest.result().get(2);
        this.finish = nest.result().get(4);
        this.to = ((Point.Number) nest.result().get(5).form()).index();
        this.lanes = shape.lanes();
        this.vectors = vectors;
        this.height = shape.height();
        this.depth = (int) loops.value.extent().value();
        this.block = Math.max(1, KEYS / shape.width()) * shape.width();
        this.stride = shape.width() + block + lanes;
    }

    /** The kernel of a group that ends in the product with the values; null if it does not fit. */
    static @Nullable AttentionKernel of(Assembly a, Group g, AttentionGroups.Match match) {
        N scores = match.scores().anchor;
        N product = g.anchor;
        if (scores == null || product == null) return null;
        if (!(scores.op instanceof Op.Contraction so) || !(product.op instanceof Op.Contraction po)) return null;
        if (so.leftSum().size() != 1 || po.leftSum().size() != 1) return null;
        V left = product.in.getFirst();
        if (Products.free(product.in.getLast(), po.rightBatch(), po.rightSum()).size() != 1) return null;
        List<Size> result = product.result().shape();
        List<Size> rows = result.subList(0, result.size() - 1);
        Size keys = left.shape().get(po.leftSum().getFirst());
        Size summed = scores.in.getFirst().shape().get(so.leftSum().getFirst());
        Body body = new Body(a, g, match, so, po);
        Nest nest = Nest.of(List.of(rows, List.of(keys), List.of(summed), List.of(result.getLast())), body);
        for (int space = 1; space < 4; space++) if (nest.loops(space).size() != 1) return null;
        return body.elsewhere ? null : of(a, g, match, nest);
    }

    /** Whether products of a subgroup are so much faster than walking over blocks of keys that scores may lie in memory. */
    private static boolean isApart(Assembly a, AttentionGroups.Match match) {
        List<Size> scores = match.scores().root.result().shape();
        return a.target.subgroup() > 1 && Size.product(scores).value() * Float.BYTES <= MOST_BYTES;
    }

    private static @Nullable AttentionKernel of(Assembly a, Group g, AttentionGroups.Match match, Nest nest) {
        Operand x = Operand.of(nest.result().get(0));
        Operand y = Operand.of(nest.result().get(1));
        Operand values = Operand.of(nest.result().get(3));
        if (x == null || y == null || values == null) return null;
        Atom key = nest.loops(1).getFirst();
        Atom summed = nest.loops(2).getFirst();
        Atom value = nest.loops(3).getFirst();
        boolean swapped = (x.offset().vars() & key.vars()) != 0;
        Operand queries = swapped ? y : x;
        Operand keys = swapped ? x : y;
        if ((queries.offset().vars() & key.vars()) != 0 || (keys.offset().vars() & key.vars()) == 0) return null;
        Size step = values.offset().coefficient(value);
        if (step == null
                || !step.is(1)
                || !value.extent().isLiteral()
                || !summed.extent().isLiteral()) return null;
        List<Atom> rows = new ArrayList<>();
        List<Atom> others = new ArrayList<>();
        for (Atom k : nest.loops(0))
            (((keys.offset().vars() | values.offset().vars()) & k.vars()) == 0 ? rows : others).add(k);
        if (rows.isEmpty()) return null;
        Size count = Size.product(rows.stream().map(Atom::extent).toList());
        Tiling t = Tiling.of(a.target, a.choices, TYPE.bytes(), count, key.extent(), 1, 1);
        if (t == null || value.extent().value() % t.lanes() != 0) return null;
        int vectors = 0;
        for (int v = 1; v <= 4; v++) {
            boolean fits = t.height() * v + v + 1 <= a.target.vectorRegisters();
            if ((v == 1 || fits) && value.extent().value() / t.lanes() % v == 0) vectors = v;
        }
        TileKernel.Shape shape = new TileKernel.Shape(
                queries,
                keys,
                rows,
                key,
                others,
                List.of(summed),
                t.vectors() * t.lanes(),
                t.lanes(),
                t.height(),
                t.height(),
                a.target.lockstep(),
                null);
        Parts parts = new Parts(
                others,
                rows,
                key,
                summed,
                value,
                queries,
                keys,
                values,
                nest.result().get(2),
                nest.result().get(4),
                ((Point.Number) nest.result().get(5).form()).index());
        SubgroupAttention subgroups = SubgroupAttention.of(a, parts);
        if (subgroups == null && isApart(a, match)) return null;
        Loops loops = new Loops(others, rows, key, summed, value);
        return new AttentionKernel(a, g, nest, loops, shape, values, vectors, subgroups);
    }

    /** The operands of the first product, the score from it, the values, what is stored from the second product, and where. */
    private static final class Body implements Nest.Body {
        private final Assembly a;
        private final Group g;
        private final AttentionGroups.Match match;
        private final Op.Contraction scores;
        private final Op.Contraction product;
        private boolean elsewhere;

        Body(Assembly a, Group g, AttentionGroups.Match match, Op.Contraction scores, Op.Contraction product) {
            this.a = a;
            this.g = g;
            this.match = match;
            this.scores = scores;
            this.product = product;
        }

        @Override
        public List<Point> at(Points points, List<List<Lin>> index) {
            List<Lin> kept = new ArrayList<>(index.get(0));
            kept.addAll(index.get(3));
            N last = anchor(g);
            V left = last.in.getFirst();
            List<Lin> weight = Products.place(
                    left,
                    product.leftBatch(),
                    product.leftSum(),
                    Products.free(left, product.leftBatch(), product.leftSum()),
                    kept,
                    product.leftBatch().size(),
                    index.get(1));
            V s = match.scores().root.result();
            List<Lin> at = points.reshaped(left.shape(), weight, s.shape());
            elsewhere |= !at.getLast().equals(index.get(1).getFirst());
            N first = anchor(match.scores());
            List<Lin> sum = points.reshaped(s.shape(), at, first.result().shape());
            Products.Operands operands = Products.operands(first, scores);
            Pull pull = new Pull(points, match.scores(), a::place);
            Pull behind = new Pull(points, g, a::place);
            Point score =
                    new Lowering.Epilogue(a, match.scores(), first).finish(points, sum, points.given(0, TYPE, sum));
            Lowering.Epilogue epilogue = new Lowering.Epilogue(a, g, last);
            return List.of(
                    points.convert(TYPE, Rounding.WRAP, operands.left(points, pull, sum, index.get(2))),
                    points.convert(TYPE, Rounding.WRAP, operands.right(points, pull, sum, index.get(2))),
                    score,
                    points.convert(
                            TYPE,
                            Rounding.WRAP,
                            Products.operands(last, product).right(points, behind, kept, index.get(1))),
                    epilogue.finish(points, kept, points.given(1, TYPE, kept)),
                    points.number(epilogue.offset(points, kept)));
        }

        private static N anchor(Group g) {
            if (g.anchor == null) throw new IllegalStateException("no product in the group");
            return g.anchor;
        }
    }

    private static final String SCORES = "scores";
    private static final String SUMS = "sums";
    private static final String MOST = "most";
    private static final String TOTAL = "total";
    private static final String SCALE = "scale";

    /** Adds the kernel, and one before it that packs the keys where their order asks for it. */
    void add(Place out) {
        if (subgroups != null) {
            a.add(subgroups.emit(out, g.root.result().dtype(), Lowering.origin(g)));
            return;
        }
        Panels packed = shape.strided() ? Panels.of(a, nest.points(), shape, Lowering.origin(g)) : null;
        e.open();
        Expr queries = Schedule.count(e, loops.queries);
        Expr tiles = e.let("g", tiles());
        Expr number = e.let("g", Kernels.rem(Schedule.GRID, tiles));
        Schedule.decompose(e, e.let("g", Kernels.div(Schedule.GRID, tiles)), loops.others);
        Expr begin = e.let("g", Kernels.mul(number, height));
        Expr end = e.let(
                "g",
                Kernels.select(TileKernel.equal(Kernels.add(number, 1), tiles), queries, Kernels.add(begin, height)));
        e.add(new Stmt.LocalArray(SCORES, Type.of(TYPE), height * stride));
        e.add(new Stmt.LocalArray(SUMS, Type.of(TYPE), height * depth));
        e.add(new Stmt.LocalArray(MOST, Type.of(TYPE), height));
        e.add(new Stmt.LocalArray(TOTAL, Type.of(TYPE), height));
        e.add(new Stmt.LocalArray(SCALE, Type.of(TYPE), height));
        loop("m", begin, end, height, m -> {
            Expr row = e.let("m", Kernels.min(m, Kernels.sub(end, Kernels.index(height))));
            queries(packed, row, out);
        });
        e.add(e.close());
        a.add(e.launch(Kernels.mul(tiles(), Schedule.count(e, loops.others)), Lowering.origin(g)));
    }

    /** Tiles of queries. What is left at the end belongs to the iteration of the last whole one, and overlaps it. */
    private Expr tiles() {
        Expr queries = Schedule.count(e, loops.queries);
        return Kernels.max(Kernels.index(1), Kernels.div(queries, Kernels.index(height)));
    }

    /** All for some queries. */
    private void queries(@Nullable Panels packed, Expr row, Place out) {
        begin();
        Expr keys = e.size(loops.key.extent());
        List<List<Expr>> places =
                new Tile(e, TYPE, shape, packed, null, row, Kernels.index(0), Kernels.index(0), null).places();
        loop("b", Kernels.index(0), keys, block, first -> {
            Expr count = e.let("n", Kernels.min(Kernels.sub(keys, first), Kernels.index(block)));
            scores(packed, row, places, keys, first, count);
            loop("r", Kernels.index(0), Kernels.index(height), 1, r -> weights(r, count));
            loop("c", Kernels.index(0), Kernels.index(depth), (long) vectors * lanes, c -> product(c, first, count));
        });
        loop("c", Kernels.index(0), Kernels.index(depth), (long) vectors * lanes, c -> finish(places, c, out));
    }

    private interface Step {
        void at(Expr position);
    }

    private void loop(String prefix, Expr begin, Expr end, long step, Step body) {
        String v = e.fresh(prefix);
        e.open();
        body.at(Kernels.variable(v));
        e.add(new Stmt.For(v, begin, end, step, false, e.close()));
    }

    private Expr local(String array, Expr index, int width) {
        return new Expr.LoadLocal(array, index, new Type(TYPE, width));
    }

    private void keep(String array, Expr index, Expr value) {
        e.add(new Stmt.StoreLocal(array, index, value));
    }

    /** Nothing is summed yet. The greatest score so far is a finite one, so that its distance from another is a number. */
    private void begin() {
        loop(
                "c",
                Kernels.index(0),
                Kernels.index((long) height * depth),
                lanes,
                c -> keep(SUMS, c, Kernels.f32(0, lanes)));
        loop("r", Kernels.index(0), Kernels.index(height), 1, r -> {
            keep(MOST, r, Kernels.f32(-Float.MAX_VALUE, 1));
            keep(TOTAL, r, Kernels.f32(0, 1));
        });
    }

    /** The scores of a block. The last tile ends with the last key, and may begin before the block. */
    private void scores(@Nullable Panels packed, Expr row, List<List<Expr>> places, Expr keys, Expr first, Expr count) {
        int width = shape.width();
        loop("p", Kernels.index(0), Kernels.ceilDiv(count, width), 1, p -> {
            Expr column = e.let(
                    "n",
                    Kernels.min(Kernels.add(first, Kernels.mul(p, width)), Kernels.sub(keys, Kernels.index(width))));
            Expr panel = e.let("n", Kernels.add(Kernels.div(first, Kernels.index(width)), p));
            List<Expr.Var> sums = new Tile(e, TYPE, shape, packed, null, row, column, panel, null).sums(places);
            Expr at = e.let("n", Kernels.add(Kernels.sub(column, first), width));
            for (int r = 0; r < height; r++) {
                for (int v = 0; v < width / lanes; v++) {
                    e.open();
                    for (int i = 0; i < loops.queries.size(); i++)
                        e.bind(loops.queries.get(i), places.get(r).get(i));
                    e.bindVector(loops.key, Kernels.add(column, (long) v * lanes), lanes);
                    e.give(0, sums.get(r * (width / lanes) + v));
                    keep(SCORES, Kernels.add(at, (long) r * stride + (long) v * lanes), e.wide(score));
                    e.scalar();
                    e.add(e.close());
                }
            }
        });
    }

    /** Makes the scores of a query weights: exponentials of their distance from the greatest so far. */
    private void weights(Expr r, Expr count) {
        Expr begin = e.let("x", Kernels.add(Kernels.mul(r, stride), shape.width()));
        Expr end = e.let("x", Kernels.add(begin, count));
        keep(SCORES, end, Kernels.f32(Double.NEGATIVE_INFINITY, lanes));
        Expr.Var greatest = e.declare("m", Kernels.f32(Double.NEGATIVE_INFINITY, lanes));
        loop(
                "i",
                begin,
                end,
                lanes,
                i -> e.assign(greatest, Kernels.apply(MapFunction.MAX, greatest, local(SCORES, i, lanes))));
        Expr before = e.let("m", local(MOST, r, 1));
        Expr now = e.let(
                "m",
                Kernels.apply(MapFunction.MAX, before, lanes == 1 ? greatest : combined(ReduceKind.MAX, greatest)));
        keep(MOST, r, now);
        Expr all = e.let("m", Kernels.splat(now, lanes));
        Expr.Var total = e.declare("s", Kernels.f32(0, lanes));
        loop("i", begin, end, lanes, i -> {
            Expr w = e.let(
                    "w", Kernels.apply(MapFunction.EXP, Kernels.apply(MapFunction.SUB, local(SCORES, i, lanes), all)));
            keep(SCORES, i, w);
            e.assign(total, Kernels.apply(MapFunction.ADD, total, w));
        });
        Expr scale = e.let("s", Kernels.apply(MapFunction.EXP, Kernels.apply(MapFunction.SUB, before, now)));
        keep(SCALE, r, scale);
        keep(TOTAL, r, Kernels.fma(local(TOTAL, r, 1), scale, lanes == 1 ? total : combined(ReduceKind.SUM, total)));
    }

    private static Expr combined(ReduceKind kind, Expr vector) {
        return new Expr.Combine(kind, vector);
    }

    /** Adds a block's weights times values to some of the sums of each query. */
    private void product(Expr c, Expr first, Expr count) {
        List<Expr.Var> sums = new ArrayList<>();
        for (int r = 0; r < height; r++) {
            Expr scale = e.let("s", Kernels.splat(local(SCALE, Kernels.index(r), 1), lanes));
            for (int v = 0; v < vectors; v++)
                sums.add(e.declare("a", Kernels.apply(MapFunction.MUL, local(SUMS, sum(c, r, v), lanes), scale)));
        }
        int buffer = e.buffer(values.place(), values.storage(), Kernel.Access.READ);
        e.bind(loops.value, c);
        loop("t", Kernels.index(0), count, 1, t -> {
            e.bind(loops.key, e.let("t", Kernels.add(first, t)));
            Expr at = e.index(values.offset());
            List<Expr> b = new ArrayList<>();
            Type type = new Type(Type.widened(values.storage()), lanes);
            for (int v = 0; v < vectors; v++) {
                Expr x = Kernels.load(buffer, Kernels.add(at, (long) v * lanes), type);
                b.add(e.let("b", Kernels.convert(TYPE, Rounding.WRAP, x)));
            }
            for (int r = 0; r < height; r++) {
                Expr w = local(SCORES, Kernels.add(t, (long) r * stride + shape.width()), 1);
                Expr x = e.let("a", Kernels.splat(w, lanes));
                for (int v = 0; v < vectors; v++) {
                    Expr.Var s = sums.get(r * vectors + v);
                    e.assign(s, Kernels.fma(x, b.get(v), s));
                }
            }
        });
        for (int r = 0; r < height; r++)
            for (int v = 0; v < vectors; v++) keep(SUMS, sum(c, r, v), sums.get(r * vectors + v));
    }

    private Expr sum(Expr c, int row, int vector) {
        return Kernels.add(c, (long) row * depth + (long) vector * lanes);
    }

    /** Stores some elements for each query. */
    private void finish(List<List<Expr>> places, Expr c, Place out) {
        for (int r = 0; r < height; r++) {
            Expr total = e.let("s", Kernels.splat(local(TOTAL, Kernels.index(r), 1), lanes));
            for (int v = 0; v < vectors; v++) {
                e.open();
                for (int i = 0; i < loops.queries.size(); i++)
                    e.bind(loops.queries.get(i), places.get(r).get(i));
                e.bindVector(loops.value, Kernels.add(c, (long) v * lanes), lanes);
                Expr sum = local(SUMS, sum(c, r, v), lanes);
                e.give(1, e.let("o", Kernels.apply(MapFunction.DIV, sum, total)));
                e.store(out, g.root.result().dtype(), to, e.value(finish));
                e.scalar();
                e.add(e.close());
            }
        }
    }
}
