package dev.meseta.benchmarks;

/** The caches, as a benchmark finds them. */
final class Caches {
    /** More than they hold. */
    private static final long[] OTHERS = new long[8 << 20];

    private Caches() {}

    /** Fills them with other things. */
    static void evict() {
        for (int i = 0; i < OTHERS.length; i += 8) OTHERS[i]++;
    }
}
