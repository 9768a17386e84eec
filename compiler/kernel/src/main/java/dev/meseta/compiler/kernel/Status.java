package dev.meseta.compiler.kernel;

/** What the code of a kernel says of a launch that went wrong: a code, beside which it leaves an index. All emitters of code use these. */
public final class Status {
    /** A {@link Stmt.Check} failed. */
    public static final int POSITION_OUTSIDE = 1;

    /** An index outside a local array. */
    public static final int LOCAL_ARRAY = 2;

    /** From here on: an index outside buffer number {@code code - BUFFER}. */
    public static final int BUFFER = 16;

    private Status() {}
}
