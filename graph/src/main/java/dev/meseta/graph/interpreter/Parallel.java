package dev.meseta.graph.interpreter;

import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/** Independent pieces of work on all cores; each piece writes its own part of a result, so that the result does not depend on the order. */
final class Parallel {
    /** Below this many elementary steps one thread is faster than many. */
    private static final double WORTH_IT = 1 << 16;

    /** Elements of a flat array in one piece. */
    private static final int PIECE = 1 << 14;

    private Parallel() {}

    /** Calls the body with 0 … n-1. */
    static void each(int n, double stepsEach, IntConsumer body) {
        if (n > 1 && n * stepsEach > WORTH_IT) IntStream.range(0, n).parallel().forEach(body);
        else for (int i = 0; i < n; i++) body.accept(i);
    }

    /** A range of positions, [from, to). */
    @FunctionalInterface
    interface Range {
        void accept(int from, int to);
    }

    /** Calls the body with ranges that cover 0 … n-1. */
    static void ranges(int n, Range body) {
        int pieces = (int) (((long) n + PIECE - 1) / PIECE);
        each(pieces, PIECE * 4, p -> body.accept(p * PIECE, (int) Math.min(n, (p + 1L) * PIECE)));
    }
}
