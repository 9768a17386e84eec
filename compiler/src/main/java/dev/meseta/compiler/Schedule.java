package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
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
