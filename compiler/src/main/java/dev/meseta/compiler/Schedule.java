package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** Choices that kernels of all kinds make alike: lanes, and what one iteration of the grid does. */
final class Schedule {
    /** Elements that one iteration of the grid should compute at least, so that starting it costs little. */
    static final long GRAIN = 1024;

    /** Elements of a long row that one iteration computes. */
    static final long CHUNK = 4096;

    /** As both, where iterations run in lockstep: neighbours read what lies behind each other. */
    private static final long LOCKSTEP = 16;

    private Schedule() {}

    static long grain(Target target) {
        return target.lockstep() ? LOCKSTEP : GRAIN;
    }

    static long chunk(Target target) {
        return target.lockstep() ? LOCKSTEP : CHUNK;
    }

    /** How many values of the widest type that is computed with fit into a vector register. */
    static int lanes(Target target, List<Point> points) {
        Map<Point, Boolean> seen = new IdentityHashMap<>();
        int bytes = 1;
        for (Point p : points) bytes = Math.max(bytes, widest(p, seen));
        return Math.min(32, Math.max(1, target.vectorBytes() / bytes));
    }

    private static int widest(Point p, Map<Point, Boolean> seen) {
        if (seen.put(p, true) != null) return 1;
        int own = p.type() == DType.BOOL || p.form() instanceof Point.Number
                ? 1
                : p.type().bytes();
        return switch (p.form()) {
            case Point.Apply a -> {
                for (Point o : a.operands()) own = Math.max(own, widest(o, seen));
                yield own;
            }
            case Point.Convert c -> Math.max(own, widest(c.operand(), seen));
            case Point.Bits b -> Math.max(own, widest(b.operand(), seen));
            case Point.Checked _ -> 1;
            default -> own;
        };
    }

    /** Members of a team that reduces a row whose length does not say more. */
    private static final int MOST_MEMBERS = 256;

    /** Fewer are not worth what it takes to combine their results. */
    private static final int LEAST_MEMBERS = 8;

    /** Vectors of a row that a member should read at least. */
    private static final int VECTORS = 2;

    /**
     * How many members of a team reduce a row together; 1 where an iteration does better alone: on a processor, whose cache does not mind
     * where neighbours read, as soon as there is a row for each of them.
     *
     * @param type in which is combined
     * @param rows that there are
     */
    static int members(Target target, DType type, List<Atom> rows, Atom row, int lanes) {
        if (target.totals() < 2 || type != DType.F32 && type != DType.I32) return 1;
        long vectors = row.extent().value() / lanes;
        if (target.totals() == target.subgroup()) {
            long count = Size.product(rows.stream().map(Atom::extent).toList()).value();
            boolean few = count < (long) target.threads() * target.subgroup();
            return few && vectors >= target.subgroup() ? target.subgroup() : 1;
        }
        long most = Math.min(vectors / VECTORS, Math.min(target.totals(), MOST_MEMBERS));
        return most < LEAST_MEMBERS ? 1 : (int) Long.highestOneBit(most);
    }

    /** Lanes for a loop of an extent: a power of two that is not more than the extent. */
    static int lanes(int most, Atom loop) {
        long n = loop.extent().value();
        int l = most;
        while (l > 1 && l > n) l /= 2;
        return l;
    }

    /** Gives loops their values from what is left of the grid's number; the last loop varies fastest. */
    static void decompose(Emitter e, Expr rest, List<Atom> loops) {
        Expr r = rest;
        for (int i = loops.size() - 1; i >= 0; i--) {
            Expr n = e.size(loops.get(i).extent());
            e.bind(loops.get(i), i == 0 ? r : e.let("g", Kernels.rem(r, n)));
            if (i > 0) r = e.let("g", Kernels.div(r, n));
        }
    }

    /** The part of a size that whole blocks take. */
    static Expr whole(Expr size, long block) {
        if (size instanceof Expr.Int n) return Kernels.index(n.value() / block * block);
        return Kernels.sub(size, Kernels.rem(size, Kernels.index(block)));
    }

    /** Where a member's vector begins, if that of the first begins somewhere. */
    static Expr ofMember(Expr first, int lanes, int team) {
        return team == 1 ? first : Kernels.add(first, Kernels.mul(Kernel.MEMBER_VARIABLE, lanes));
    }

    /** What is done in a step of a loop. */
    interface Step {
        /** @param lanes of the vector that is bound */
        void run(int lanes);
    }

    /**
     * Walks a loop from begin to end in vectors, one for each member of a team at a time. Elements that make no whole vector are taken one
     * by one by a single member.
     */
    static void shared(Emitter e, Atom loop, int lanes, int team, Expr begin, Expr end, Step step) {
        long round = (long) lanes * team;
        boolean literal = begin instanceof Expr.Int && end instanceof Expr.Int;
        long count = literal ? ((Expr.Int) end).value() - ((Expr.Int) begin).value() : 1;
        if (literal && count <= 0) return;
        String v = e.fresh("i");
        e.open();
        Expr at = e.let("v", ofMember(Kernels.variable(v), lanes, team));
        e.open();
        e.bindVector(loop, at, lanes);
        step.run(lanes);
        e.scalar();
        Stmt whole = e.close();
        if (count % round == 0) {
            e.add(whole);
        } else {
            Stmt rest = null;
            if (count % lanes != 0) {
                e.open();
                String one = e.fresh("i");
                e.open();
                e.bindVector(loop, Kernels.variable(one), 1);
                step.run(1);
                e.add(new Stmt.For(one, at, end, 1, false, e.close()));
                rest = e.close();
            }
            e.add(new Stmt.If(Kernels.apply(MapFunction.LE, Kernels.add(at, lanes), end), whole, rest));
        }
        e.add(new Stmt.For(v, begin, end, round, false, e.close()));
    }

    /** Has what is the same in every member of a team be done by one. */
    static void byFirst(Emitter e, int team, Runnable body) {
        if (team == 1) {
            body.run();
            return;
        }
        e.open();
        body.run();
        Stmt all = e.close();
        e.add(new Stmt.If(Kernels.lt(Kernel.MEMBER_VARIABLE, Kernels.index(1)), all, null));
    }

    static Expr count(Emitter e, List<Atom> loops) {
        Expr n = Kernels.index(1);
        for (Atom a : loops) n = Kernels.mul(n, e.size(a.extent()));
        return n;
    }

    /** How many of the last loops are best walked inside an iteration of the grid, given the work in one step of them. */
    static int inside(Target target, List<Atom> loops, long work) {
        long grain = grain(target);
        long total = work;
        int n = 0;
        for (Atom a : loops.reversed()) {
            if (!a.extent().isLiteral() || total >= grain || total * a.extent().value() > 16 * grain) break;
            total *= Math.max(1, a.extent().value());
            n++;
        }
        return n;
    }

    static final Expr GRID = Kernel.GRID_VARIABLE;
}
