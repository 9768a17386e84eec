package dev.meseta.compiler;

import dev.meseta.compiler.TileKernel.Operand;
import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.CommandList;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Attention ({@link AttentionKernel}) for devices whose subgroups read each other's registers. A team, which is a subgroup, takes some
 * queries and walks over the keys, as many at once as its members have lanes: each member computes the scores of its own keys, the greatest
 * is found by exchanging halves of the team, and each member sums its own columns of the values by weights that it reads from the
 * registers of the others. Scores are never in memory.
 *
 * <p>The last block of keys overlaps the one before; its first scores are left out then.
 */
final class SubgroupAttention {
    private static final DType TYPE = DType.F32;

    /** Vectors of sums of values that a member holds: queries, times vectors of each. */
    private static final int SUMS = 32;

    /** Columns of the values at most. */
    private static final int MOST_DEPTH = 128;

    /** Keys of a block. */
    private static final int KEYS = 32;

    /** Steps of a score that are read at once, and columns of a vector of values. */
    private static final int WIDE = 4;

    /** Vectors of steps of a score that a round of the loop takes. */
    private static final int AT_ONCE = 2;

    private final AttentionKernel.Parts p;
    private final Emitter e = new Emitter("attention");
    private final int team;

    /** Keys of a block that are a member's. */
    private final int lanes;

    /** Members that sum the columns of a key. There may be more, who do so for another key. */
    private final int across;

    /** Keys whose values are summed at once. */
    private final int groups;

    /** The first member of a member's own group. */
    private final Expr group;

    /** Where a member's columns begin. */
    private final Expr own;

    private final int vectors;
    private final int height;
    private final List<Expr> partners = new ArrayList<>();
    private final List<Expr.Var> most = new ArrayList<>();
    private final List<Expr.Var> totals = new ArrayList<>();
    private final List<Expr.Var> sums = new ArrayList<>();

    private SubgroupAttention(AttentionKernel.Parts p, int team, int across) {
        this.p = p;
        this.team = team;
        this.lanes = KEYS / team;
        this.across = across;
        this.groups = team / across;
        this.vectors = (int) (p.value().extent().value() / ((long) across * WIDE));
        e.team(team);
        e.open();
        Expr member = Kernel.MEMBER_VARIABLE;
        this.group = e.let("g", Kernels.mul(Kernels.div(member, Kernels.index(across)), across));
        this.own = e.let("n", Kernels.mul(Kernels.rem(member, Kernels.index(across)), WIDE));
        this.height = Math.max(team, SUMS / vectors / team * team);
    }

    /** The kernel; null if the device has no such subgroups, or the operands do not lie so. */
    static @Nullable SubgroupAttention of(Assembly a, AttentionKernel.Parts p) {
        int team = a.target.subgroup();
        if (a.target.vectorBytes() != WIDE * TYPE.bytes() || team != 8 && team != 16) return null;
        long depth = p.value().extent().value();
        int across = depth % ((long) team * WIDE) == 0 ? team : 8;
        boolean fits = depth % ((long) across * WIDE) == 0
                && depth <= MOST_DEPTH
                && p.summed().extent().value() % WIDE == 0
                && p.key().extent().value() >= KEYS
                && Size.product(p.queries().stream().map(Atom::extent).toList()).value() >= team;
        if (!fits || !p.rows().isContiguousIn(p.summed()) || !p.keys().isContiguousIn(p.summed())) return null;
        return new SubgroupAttention(p, team, across);
    }

    CommandList.Launch emit(Place out, DType storage, String origin) {
        Expr rows = Schedule.count(e, p.queries());
        Expr down = e.let("g", Kernels.ceilDiv(rows, height));
        Expr row = e.let("m", Kernels.mul(e.let("g", Kernels.rem(Schedule.GRID, down)), height));
        Schedule.decompose(e, e.let("g", Kernels.div(Schedule.GRID, down)), p.others());
        Expr last = e.let("m", Kernels.sub(rows, Kernels.index(1)));
        for (int half = team / 2; half > 0; half /= 2) {
            Expr partner = Kernels.apply(MapFunction.XOR, Kernel.MEMBER_VARIABLE, Kernels.index(half));
            partners.add(e.let("p", partner));
        }
        for (int r = 0; r < height; r++) {
            // A finite number, so that its distance from another is one.
            most.add(e.declare("m", Kernels.f32(-Float.MAX_VALUE, 1)));
            totals.add(e.declare("s", Kernels.f32(0, 1)));
            for (int v = 0; v < vectors; v++) sums.add(e.declare("a", Kernels.f32(0, WIDE)));
        }
        Lin[] parts = Tile.parts(p.rows().offset(), List.of(p.summed()));
        List<Expr> starts = new ArrayList<>();
        for (int r = 0; r < height; r += team) {
            Expr mine = Kernels.add(Kernels.add(row, Kernel.MEMBER_VARIABLE), r);
            starts.add(start(parts[0], () -> place(Kernels.min(mine, last))));
        }
        Expr keys = e.size(p.key().extent());
        String b = e.fresh("b");
        e.open();
        Expr begin = Kernels.variable(b);
        Expr first = e.let("n", Kernels.min(begin, Kernels.sub(keys, Kernels.index(KEYS))));
        block(starts, parts[1], row, last, first, begin);
        e.add(new Stmt.For(b, Kernels.index(0), keys, KEYS, false, e.close()));
        store(out, storage, row, rows);
        e.add(e.close());
        Expr tiles = Kernels.ceilDiv(Schedule.count(e, p.queries()), height);
        return e.launch(Kernels.mul(tiles, Schedule.count(e, p.others())), origin);
    }

    private void place(Expr query) {
        Schedule.decompose(e, e.let("m", query), p.queries());
    }

    /** Where something begins, where loops have the values that are bound. */
    private Expr start(Lin offset, Runnable bind) {
        e.open();
        bind.run();
        Expr at = e.let("x", e.index(offset));
        e.closeInline();
        return at;
    }

    /**
     * All for a block of keys.
     *
     * @param first its first key
     * @param begin keys before it belong to the block before
     */
    private void block(List<Expr> starts, Lin steps, Expr row, Expr last, Expr first, Expr begin) {
        Expr key = e.let("n", Kernels.add(first, Kernels.mul(Kernel.MEMBER_VARIABLE, lanes)));
        List<Expr.Var> scores = scores(starts, steps, key);
        e.open();
        e.bindVector(p.key(), key, lanes);
        boolean whole = e.size(p.key().extent()) instanceof Expr.Int n && n.value() % KEYS == 0;
        Expr inside = whole
                ? null
                : e.let("c", Kernels.apply(MapFunction.LE, Kernels.splat(begin, lanes), new Expr.Ramp(key, 1, lanes)));
        List<String> weights = new ArrayList<>();
        for (int r = 0; r < height; r++) {
            e.open();
            place(Kernels.min(Kernels.add(row, r), last));
            e.give(0, scores.get(r));
            Expr score = e.let("s", e.wide(p.score()));
            if (inside != null)
                score = e.let("s", Kernels.select(inside, score, Kernels.f32(Double.NEGATIVE_INFINITY, lanes)));
            weights.add(weights(r, score));
            e.closeInline();
        }
        e.scalar();
        e.closeInline();
        values(weights, first);
    }

    /** Of each query the scores of a member's keys. */
    private List<Expr.Var> scores(List<Expr> starts, Lin steps, Expr key) {
        Lin[] parts = Tile.parts(p.keys().offset(), List.of(p.summed()));
        List<Expr> keys = new ArrayList<>();
        for (int i = 0; i < lanes; i++) {
            Expr mine = Kernels.add(key, i);
            keys.add(start(parts[0], () -> e.bind(p.key(), mine)));
        }
        List<Expr.Var> scores = new ArrayList<>();
        for (int r = 0; r < height; r++) scores.add(e.declare("a", Kernels.f32(0, lanes)));
        long depth = p.summed().extent().value();
        int round = depth % ((long) AT_ONCE * WIDE) == 0 ? AT_ONCE : 1;
        String k = e.fresh("k");
        e.open();
        for (int i = 0; i < round; i++) {
            e.open();
            e.bind(p.summed(), Kernels.add(Kernels.variable(k), (long) i * WIDE));
            add(scores, starts, e.index(steps), keys, e.index(parts[1]));
            e.closeInline();
        }
        e.add(new Stmt.For(k, Kernels.index(0), Kernels.index(depth), (long) round * WIDE, false, e.close()));
        return scores;
    }

    /** As many steps of the scores as are read at once. */
    private void add(List<Expr.Var> scores, List<Expr> starts, Expr moved, List<Expr> keys, Expr step) {
        List<String> shared = new ArrayList<>();
        for (Expr start : starts) shared.add(share(load(p.rows(), Kernels.add(start, moved), WIDE)));
        List<Expr> y = new ArrayList<>();
        for (Expr key : keys) y.add(e.let("y", load(p.keys(), Kernels.add(key, step), WIDE)));
        List<Expr> ofKeys = new ArrayList<>();
        for (int i = 0; i < WIDE; i++) {
            List<Integer> one = List.of(i, WIDE + i);
            Expr low = new Expr.Shuffle(y.get(0), y.get(1), one);
            if (lanes == 4) {
                Expr high = new Expr.Shuffle(y.get(2), y.get(3), one);
                low = new Expr.Shuffle(low, high, List.of(0, 1, 2, 3));
            }
            ofKeys.add(e.let("b", low));
        }
        for (int r = 0; r < height; r++) {
            Expr x = of(shared.get(r / team), Kernels.index(r % team), WIDE);
            for (int i = 0; i < WIDE; i++) {
                Expr one = Kernels.splat(new Expr.Shuffle(x, x, List.of(i)), lanes);
                e.assign(scores.get(r), new Expr.Fma(one, ofKeys.get(i), scores.get(r)));
            }
        }
    }

    /** Makes scores weights against the greatest score so far, to which sums are brought; what is shared. */
    private String weights(int r, Expr score) {
        Expr greatest = all(ReduceKind.MAX, score);
        Expr now = e.let("m", Kernels.apply(MapFunction.MAX, most.get(r), greatest));
        Expr difference = Kernels.apply(MapFunction.SUB, score, Kernels.splat(now, lanes));
        String weight = share(Kernels.apply(MapFunction.EXP, difference));
        Expr w = new Expr.Var(weight, new Type(TYPE, lanes));
        Expr scale = e.let("s", Kernels.apply(MapFunction.EXP, Kernels.apply(MapFunction.SUB, most.get(r), now)));
        e.assign(most.get(r), now);
        e.assign(totals.get(r), Kernels.fma(totals.get(r), scale, new Expr.Combine(ReduceKind.SUM, w)));
        for (int v = 0; v < vectors; v++) {
            Expr.Var sum = sums.get(r * vectors + v);
            e.assign(sum, Kernels.apply(MapFunction.MUL, sum, Kernels.splat(scale, WIDE)));
        }
        return weight;
    }

    /** All lanes of all members combined, the same in every member. */
    private Expr all(ReduceKind kind, Expr own) {
        Expr x = e.let("r", own.type().lanes() > 1 ? new Expr.Combine(kind, own) : own);
        for (Expr partner : partners) {
            String shared = share(x);
            Expr mine = new Expr.Var(shared, Type.of(TYPE));
            x = e.let("r", Kernels.apply(Kernels.combining(kind), mine, of(shared, partner, 1)));
        }
        return x;
    }

    /** Adds the weighed values of a block's keys: written out, so that it is known whose register each weight is in. */
    private void values(List<String> weights, Expr first) {
        for (int k = 0; k < KEYS / groups; k++) {
            e.open();
            e.bind(p.value(), own);
            Expr key = Kernels.add(first, k);
            e.bind(p.key(), e.let("n", groups == 1 ? key : Kernels.add(key, Kernels.mul(group, lanes))));
            Expr at = e.let("x", e.index(p.values().offset()));
            List<Expr> b = new ArrayList<>();
            for (int v = 0; v < vectors; v++)
                b.add(e.let("b", load(p.values(), Kernels.add(at, (long) v * across * WIDE), WIDE)));
            Expr member = Kernels.index(k / lanes);
            if (groups > 1) member = e.let("t", Kernels.add(group, k / lanes));
            for (int r = 0; r < height; r++) {
                Expr w = of(weights.get(r), member, lanes);
                Expr one = e.let("w", Kernels.splat(new Expr.Shuffle(w, w, List.of(k % lanes)), WIDE));
                for (int v = 0; v < vectors; v++) {
                    Expr.Var sum = sums.get(r * vectors + v);
                    e.assign(sum, new Expr.Fma(one, b.get(v), sum));
                }
            }
            e.closeInline();
        }
    }

    /** Stores the queries' results: two groups store one each. */
    private void store(Place out, DType storage, Expr row, Expr rows) {
        boolean whole = rows instanceof Expr.Int m && m.value() % height == 0;
        for (int r = 0; r < height; r += groups) {
            Expr total = all(ReduceKind.SUM, totals.get(r));
            if (groups == 2) total = own(total, all(ReduceKind.SUM, totals.get(r + 1)));
            Expr divisor = e.let("s", Kernels.splat(total, WIDE));
            Expr query = e.let("m", groups == 1 ? Kernels.add(row, r) : Kernels.add(Kernels.add(row, r), part()));
            for (int v = 0; v < vectors; v++) {
                e.open();
                place(query);
                e.bindVector(p.value(), Kernels.add(own, (long) v * across * WIDE), WIDE);
                Expr sum = sums.get(r * vectors + v);
                if (groups == 2) sum = both(sum, sums.get((r + 1) * vectors + v));
                e.give(1, e.let("o", Kernels.apply(MapFunction.DIV, sum, divisor)));
                e.store(out, storage, p.to(), e.value(p.finish()));
                e.scalar();
                Stmt store = e.close();
                e.add(whole || r == 0 && groups == 1 ? store : new Stmt.If(Kernels.lt(query, rows), store, null));
            }
        }
    }

    /** The number of a member's group. */
    private Expr part() {
        return Kernels.div(group, Kernels.index(across));
    }

    /** What is a member's of two that belong to the first group and to the second. */
    private Expr own(Expr first, Expr second) {
        Expr isFirst = Kernels.lt(Kernel.MEMBER_VARIABLE, Kernels.index(across));
        int width = first.type().lanes();
        return e.let("o", Kernels.select(width == 1 ? isFirst : Kernels.splat(isFirst, width), first, second));
    }

    /** The sums of both groups, of which each needs one: what the other needs is exchanged. */
    private Expr both(Expr first, Expr second) {
        String theirs = share(own(second, first));
        Expr partner = Kernels.apply(MapFunction.XOR, Kernel.MEMBER_VARIABLE, Kernels.index(across));
        return e.let("o", Kernels.apply(MapFunction.ADD, own(first, second), of(theirs, partner, WIDE)));
    }

    private String share(Expr value) {
        String x = e.fresh("x");
        e.add(new Stmt.Share(x, value));
        return x;
    }

    private static Expr of(String shared, Expr member, int lanes) {
        return new Expr.OfMember(shared, member, new Type(TYPE, lanes));
    }

    private Expr load(Operand o, Expr index, int width) {
        int buffer = e.buffer(o.place(), o.storage(), Kernel.Access.READ);
        return Kernels.loadAs(TYPE, buffer, o.storage(), index, width);
    }
}
