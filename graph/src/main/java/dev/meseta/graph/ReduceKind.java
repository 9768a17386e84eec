package dev.meseta.graph;

/** How a reduction combines elements. The empty reduction gives the identity. */
public enum ReduceKind {
    /** Identity 0. Floats below 32 bits accumulate in F32. */
    SUM,
    /** Identity 1. */
    PROD,
    /** Identity: the largest value of the type, infinity for floats. NaN wins. */
    MIN,
    /** Identity: the smallest value of the type, -infinity for floats. NaN wins. */
    MAX,
    /** BOOL; identity true. */
    AND,
    /** BOOL; identity false. */
    OR;

    public String text() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
