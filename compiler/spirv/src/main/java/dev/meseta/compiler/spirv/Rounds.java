package dev.meseta.compiler.spirv;

import dev.meseta.compiler.kernel.Stmt;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;

/**
 * How many rounds of loops an invocation takes at most. Some devices end loops after so many in all, whatever their conditions say: then a
 * round of an innermost loop takes several steps. Counted are loops from a literal on; the others walk over small parts, or halve what they
 * search.
 */
final class Rounds {
    /** Steps that a round takes at most. */
    private static final int MOST = 64;

    /** Steps that a loop to an argument is prepared for. */
    private static final long MOST_ARGUMENT = 1 << 20;

    /** Loops that do not run between literals. */
    private final Set<Stmt.For> arguments = Collections.newSetFromMap(new IdentityHashMap<>());

    /** The most steps of each loop, as far as they are known. */
    private final Map<Stmt.For, Long> steps = new IdentityHashMap<>();

    private int each = 1;

    /**
     * Counts a loop between literals, and one to an extent that is not inside of another loop: bounds of extents are so coarse that their
     * products say nothing.
     */
    void note(Stmt.For f, Value begin, Value end, int depth) {
        long all = Math.max(0, Math.ceilDiv(Math.min(end.high(), Long.MAX_VALUE / 4) - begin.low(), f.step()));
        if (begin.isConstant() && end.isConstant()) steps.put(f, all);
        else steps.put(f, begin.isConstant() && depth == 0 ? Math.min(all, MOST_ARGUMENT) : 1);
        if (!begin.isConstant() || !end.isConstant()) arguments.add(f);
    }

    /** Steps of a loop that a round takes. */
    int each(Stmt.For f) {
        return isInnermost(f.body()) ? (int) Math.min(each, Math.max(1, steps.getOrDefault(f, 1L))) : 1;
    }

    /** Has rounds take as many steps as keep within a limit, if any do; returns whether that changes anything. */
    boolean fit(Stmt body, long limit) {
        while (each < MOST && of(body) > limit) each *= 2;
        return each > 1;
    }

    private boolean isInnermost(Stmt body) {
        return of(body) == 0;
    }

    /** The rounds that loops between literals take, which are taken for certain. */
    long certain(Stmt body) {
        return of(body, true);
    }

    /** The most rounds of a statement, as far as they are known. */
    long of(Stmt s) {
        return of(s, false);
    }

    /** @param sure whether loops to arguments count as one step */
    private long of(Stmt s, boolean sure) {
        return switch (s) {
            case Stmt.Block k -> {
                long sum = 0;
                for (Stmt x : k.statements()) sum = plus(sum, of(x, sure));
                yield sum;
            }
            case Stmt.For f -> {
                long all = sure && arguments.contains(f) ? 1 : steps.getOrDefault(f, 1L);
                long inner = of(f.body(), sure);
                long own = f.unroll() ? 0 : Math.ceilDiv(all, inner == 0 ? each : 1);
                yield plus(own, times(all, inner));
            }
            case Stmt.While w -> plus(1, of(w.body(), sure));
            case Stmt.If i -> Math.max(of(i.then(), sure), i.otherwise() == null ? 0 : of(i.otherwise(), sure));
            default -> 0;
        };
    }

    private static long plus(long a, long b) {
        return Math.min(Long.MAX_VALUE / 4, a + b);
    }

    private static long times(long a, long b) {
        return b != 0 && a > Long.MAX_VALUE / 4 / b ? Long.MAX_VALUE / 4 : a * b;
    }
}
