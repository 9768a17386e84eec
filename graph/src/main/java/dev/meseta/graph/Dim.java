package dev.meseta.graph;

import org.jspecify.annotations.Nullable;

/**
 * One extent of a shape, and where it comes from. A dim without a symbol is fixed by the model. A dim with a symbol follows from the
 * shape of an input: its extent is right for the graph at hand, and kernels take it as an argument instead of a constant, so that
 * another extent needs no other kernel. Equality looks at the extent alone: a symbol says where a number came from, not what it is.
 *
 * @param extent number of elements, 0 or more, or {@link #UNKNOWN}
 * @param symbol an expression over the names of input dimensions, such as {@code seq} or {@code (2*seq)}
 */
public record Dim(long extent, @Nullable String symbol) {
    /** The extent of a dim that is not known yet; only in the ports of a program, never in a graph. */
    public static final long UNKNOWN = -1;

    private static final int LONGEST_SYMBOL = 48;

    public Dim {
        if (extent < UNKNOWN) throw new IllegalArgumentException("negative extent " + extent);
    }

    public static Dim of(long extent) {
        return new Dim(extent, null);
    }

    public static Dim symbolic(String symbol, long extent) {
        return new Dim(extent, symbol);
    }

    public boolean isKnown() {
        return extent != UNKNOWN;
    }

    /** Whether the extent follows from an input's shape. */
    public boolean isDynamic() {
        return symbol != null;
    }

    /** A dim of the given extent which is derived from this one (and others) by the named formula: dynamic if this one is. */
    public Dim derive(long newExtent, String formula) {
        if (symbol == null) return of(newExtent);
        return new Dim(
                newExtent,
                formula.length() <= LONGEST_SYMBOL ? formula : "#" + Integer.toHexString(formula.hashCode()));
    }

    public Dim plus(Dim other) {
        if (other.symbol == null && other.extent == 0) return this;
        if (symbol == null && extent == 0) return other;
        long sum = Math.addExact(extent, other.extent);
        return either(other).derive(sum, "(" + term() + "+" + other.term() + ")");
    }

    public Dim times(Dim other) {
        if (other.symbol == null && other.extent == 1) return this;
        if (symbol == null && extent == 1) return other;
        long product = Math.multiplyExact(extent, other.extent);
        return either(other).derive(product, "(" + term() + "*" + other.term() + ")");
    }

    /** The more certain of two dims of equal extent: the one without a symbol, if any. */
    public Dim meet(Dim other) {
        return symbol == null ? this : other;
    }

    private Dim either(Dim other) {
        return symbol != null ? this : other;
    }

    /** The symbol, or the extent where there is none. */
    public String term() {
        return symbol != null ? symbol : Long.toString(extent);
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof Dim d && d.extent == extent;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(extent);
    }

    @Override
    public String toString() {
        if (symbol == null) return extent == UNKNOWN ? "?" : Long.toString(extent);
        return extent == UNKNOWN ? symbol : symbol + "=" + extent;
    }
}
