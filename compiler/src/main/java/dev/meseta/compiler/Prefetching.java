package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.graph.DType;
import org.jspecify.annotations.Nullable;

/**
 * Asks for packed constant columns before a tile reads them, since weights are read from memory in most runs. The processor's own prefetching
 * stops at the end of each page, and begins anew in each panel. Where so few rows use a panel that memory is slower than arithmetic, a tile asks
 * for what it reads itself a little later; otherwise the tiles above each other share the next panel among them.
 */
final class Prefetching {
    /** With more rows than this, arithmetic takes longer than reading the columns. */
    private static final long FEW_ROWS = 32;

    /** With more rows than this, reading the columns for the first time takes no part of the time that counts. */
    private static final long MANY_ROWS = 1024;

    /** So much stays in a core's caches from one panel's turn to its next. */
    private static final long CACHED_BYTES = 1 << 20;

    private static final long LINE_BYTES = 64;

    /** How far ahead a tile's own columns are asked for: what is read in the time that memory takes to answer, and some more. */
    private static final long AHEAD_BYTES = 8192;

    /**
     * The columns of a tile.
     *
     * @param buffer that they are in
     * @param number of their panel
     * @param panel the loop variable that stands for it
     * @param start where a panel begins
     * @param moving what the steps of the sum add to it
     * @param elements that a step reads
     */
    record Columns(int buffer, DType storage, Expr number, Atom panel, Lin start, Lin moving, long elements) {}

    private final Emitter e;
    private final Columns columns;
    private final @Nullable Expr next;
    private final int share;

    private Prefetching(Emitter e, Columns columns, @Nullable Expr next, int share) {
        this.e = e;
        this.columns = columns;
        this.next = next;
        this.share = share;
    }

    /**
     * Emits what does not change in the sum.
     *
     * @param done rows of the panel that tiles before this one have computed
     * @return null where it is of no use
     */
    static @Nullable Prefetching of(Emitter e, TileKernel.Shape s, Columns c, Expr done) {
        long rows = 1;
        for (Atom a : s.m()) rows *= a.extent().value();
        if (rows <= FEW_ROWS) return new Prefetching(e, c, null, 1);
        long panels = c.panel.extent().value();
        long panel = c.moving.max() + c.elements;
        if (panels == 1 || rows > MANY_ROWS && panels * panel * c.storage.bytes() < CACHED_BYTES) return null;
        // A power of two, by which the offsets can be divided once and for all.
        long tiles = s.chunk() / s.height();
        int share = (int) Long.highestOneBit(Math.min(tiles, c.elements));
        while (c.moving.split(Size.of(share))[1] != Lin.ZERO) share /= 2;
        e.open();
        // Behind the last panel, the next rows begin with the first.
        Expr after = e.let("g", Kernels.add(c.number, 1));
        Expr isLast = TileKernel.equal(after, e.size(c.panel.extent()));
        e.bind(c.panel, e.let("g", Kernels.select(isLast, Kernels.index(0), after)));
        // With more tiles than shares, some ask once more for what others have asked for.
        Expr tile = Kernels.rem(Kernels.div(done, Kernels.index(s.height())), Kernels.index(share));
        Expr mine = Kernels.mul(tile, panel / share);
        Expr next = e.let("x", Kernels.add(e.index(c.start), mine));
        e.closeInline();
        return new Prefetching(e, c, next, share);
    }

    /**
     * Emits a step's share.
     *
     * @param index of the columns that the step reads
     */
    void step(Expr index) {
        int bytes = columns.storage.bytes();
        Expr from = next == null
                ? Kernels.add(index, AHEAD_BYTES / bytes)
                : Kernels.add(next, e.index(columns.moving.split(Size.of(share))[0]));
        for (long i = 0; i < columns.elements / share; i += LINE_BYTES / bytes)
            e.add(new Stmt.Prefetch(columns.buffer, Kernels.add(from, i)));
    }
}
