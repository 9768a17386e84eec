package dev.meseta.drivers.ethosu.compiler;

import static dev.meseta.drivers.ethosu.compiler.Weights.roundUp;

import org.jspecify.annotations.Nullable;

/**
 * How much of a result is computed at once: the block of results whose operands and sums fit into the memory inside, both of them twice,
 * and that takes the fewest cycles.
 */
final class Blocks {
    private static final int MOST_HEIGHT = 32;
    private static final int MOST_WIDTH = 64;
    private static final int MOST_DEPTH = 128;

    /** Elements of the window on each axis that are taken at once. */
    static final int REACH = 8;

    private static final int UNIT = 2;
    static final int UNIT_DEPTH = 8;
    private static final int SPLIT_DEPTH = 16;

    private Blocks() {}

    /** Of a feature map. */
    record Size(int height, int width, int depth) {
        double elements() {
            return (double) height * width * depth;
        }

        /** The part of it that a place has. */
        Size within(Place p) {
            return new Size(Math.min(height, p.height()), Math.min(width, p.width()), Math.min(depth, p.depth()));
        }
    }

    /**
     * A block of results.
     *
     * @param in what it needs of the operand
     * @param operandEnd the bank behind operands; for operations element by element behind the first of two
     * @param sumStart the first bank of sums
     */
    record Block(Size out, Size in, int operandEnd, int sumStart) {}

    static Block choose(Work w, Machine m) {
        int height = Math.min(MOST_HEIGHT, roundUp(w.out.height(), UNIT));
        int width = Math.min(MOST_WIDTH, roundUp(w.out.width(), UNIT));
        int depth = Math.min(MOST_DEPTH, roundUp(w.out.depth(), UNIT_DEPTH * m.cores()));
        Block best = null;
        double bestCost = Double.MAX_VALUE;
        for (int d = Math.min(depth, SPLIT_DEPTH); d > 0; d = d < depth ? Math.min(depth, d + SPLIT_DEPTH) : 0) {
            for (int h = UNIT; h <= height; h += UNIT) {
                for (int v = UNIT; v <= width; v += UNIT) {
                    Block b = fit(w, new Size(h, v, d));
                    if (b == null) break;
                    double cost = new Cost(w, b, m).cycles();
                    if (cost < bestCost) {
                        bestCost = cost;
                        best = b;
                    }
                }
            }
        }
        if (best == null) throw new Refusal("no block of results fits into the memory inside");
        return best;
    }

    /** The layout of the memory inside for a block; null if it does not fit. */
    private static @Nullable Block fit(Work w, Size out) {
        Size in = new Size(operand(w.window.y(), out.height), operand(w.window.x(), out.width), inDepth(w, out.depth));
        long inBytes = (long) in.height * in.width * roundUp(in.depth * w.in.bytes(), 8);
        int operandBanks = roundUp(2 * banks(inBytes), w.in.bytes() == 4 ? 16 : 8);
        int end = Machine.OUTPUT_BANKS + operandBanks;
        int limit = Machine.BANKS - Machine.TABLE_BANKS;
        if (w.kind.isElementwise()) {
            return end + (w.second == null ? 0 : operandBanks) > limit ? null : new Block(out, in, end, limit);
        }
        long sumBytes = (long) out.height * out.width * roundUp(out.depth, UNIT_DEPTH) * (isWide(w) ? 40 : 32) / 8;
        int sums = limit - roundUp(2 * banks(sumBytes), isWide(w) ? 20 : 16);
        return end > sums ? null : new Block(out, in, end, sums);
    }

    /** Whether sums have 40 bits. */
    static boolean isWide(Work w) {
        return w.product != null && w.in.bytes() == 2;
    }

    static boolean isPartFirst(Work w) {
        return w.product != null && w.product.weights().partFirst();
    }

    private static int operand(Window.Axis a, int places) {
        return roundUp((places - 1) * a.stride() + Math.min(REACH, a.reach()), UNIT);
    }

    private static int inDepth(Work w, int outDepth) {
        if (!w.kind.isOverChannels()) return outDepth;
        if (w.in.bytes() == 2) return roundUp(Math.min(w.in.depth(), 16), 4);
        return roundUp(Math.min(w.in.depth(), isPartFirst(w) ? 16 : 32), UNIT_DEPTH);
    }

    private static int banks(long bytes) {
        return Math.toIntExact((bytes + Machine.BANK_BYTES - 1) / Machine.BANK_BYTES);
    }
}
