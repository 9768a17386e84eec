package dev.meseta.drivers.ethosu.compiler;

import static dev.meseta.drivers.ethosu.compiler.Weights.roundUp;

import dev.meseta.drivers.ethosu.compiler.Step.Kind;
import dev.meseta.drivers.ethosu.compiler.Step.Window;
import dev.meseta.drivers.ethosu.compiler.Step.Work;
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
    private static final int REACH = 8;

    private static final int SPLIT_DEPTH = 16;

    private Blocks() {}

    /**
     * A block of results.
     *
     * @param inHeight what it needs of the operand
     * @param operandEnd the bank behind operands
     * @param secondStart the first bank of second operands
     * @param sumStart the first bank of sums
     * @param wide whether sums have 40 bits
     */
    record Block(
            int height,
            int width,
            int depth,
            int inHeight,
            int inWidth,
            int inDepth,
            int operandEnd,
            int secondStart,
            int sumStart,
            boolean wide,
            boolean partFirst) {}

    /** Whether parts of the window go before channels: where more of what is read is used so. */
    static boolean isPartFirst(int inputs, Window w, boolean words) {
        if (inputs <= UNIT_CHANNELS) return true;
        int places = w.height() * w.width();
        double deep = (double) inputs / roundUp(inputs, words ? 16 : 32);
        double part = (double) inputs / roundUp(inputs, UNIT_CHANNELS) * places / roundUp(places, words ? 2 : 4);
        return part >= deep;
    }

    private static final int UNIT_CHANNELS = Machine.UNIT_DEPTH;

    static Block choose(Work w, Machine m) {
        int height = Math.min(MOST_HEIGHT, roundUp(w.out().height(), Machine.UNIT));
        int width = Math.min(MOST_WIDTH, roundUp(w.out().width(), Machine.UNIT));
        int unitDepth = UNIT_CHANNELS * m.cores();
        int depth = Math.min(MOST_DEPTH, roundUp(w.out().depth(), unitDepth));
        Block best = null;
        double bestCost = Double.MAX_VALUE;
        for (int d = Math.min(depth, SPLIT_DEPTH); d <= depth; d += d < SPLIT_DEPTH ? unitDepth : SPLIT_DEPTH) {
            for (int h = Machine.UNIT; h <= height; h += Machine.UNIT) {
                for (int v = Machine.UNIT; v <= width; v += Machine.UNIT) {
                    Block b = fit(w, h, v, Math.min(d, depth));
                    if (b == null) break;
                    double cost = Cost.of(w, b, m) + 1e-3 * Cost.bytesRead(w, b);
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
    static @Nullable Block fit(Work w, int height, int width, int depth) {
        Kind kind = w.kind();
        int bits = 8 * w.in().bytes();
        boolean partFirst = w.product() != null && w.product().weights().partFirst();
        Window win = w.window();
        int inHeight = roundUp((height - 1) * win.strideY() + Math.min(REACH, win.reachY()), Machine.UNIT);
        int inWidth = roundUp((width - 1) * win.strideX() + Math.min(REACH, win.reachX()), Machine.UNIT);
        int inDepth = depth;
        if (kind.isOverChannels()) inDepth = inputDepth(w.in().depth(), bits, partFirst);
        long inBytes = (long) inHeight * inWidth * roundUp(inDepth * bits / 8, 8);
        int operandBanks = roundUp(2 * banks(inBytes), bits == 32 ? 16 : 8);
        int end = Machine.OUTPUT_BANKS + operandBanks;
        int limit = Machine.BANKS - Machine.TABLE_BANKS;
        if (kind.isElementwise()) {
            int second = w.secondView() == null ? 0 : operandBanks;
            if (end + second > limit) return null;
            return new Block(height, width, depth, inHeight, inWidth, inDepth, limit, end, limit, false, false);
        }
        boolean wide = bits == 16 && kind.isProduct();
        // A row alone with a window of one row is computed without a second row.
        int rows = w.out().height() == 1 && win.height() == 1 ? 1 : height;
        long sumBytes = (long) rows * width * roundUp(depth, UNIT_CHANNELS) * (wide ? 40 : 32) / 8;
        int sums = limit - roundUp(2 * banks(sumBytes), wide ? 20 : 16);
        if (end > sums) return null;
        return new Block(height, width, depth, inHeight, inWidth, inDepth, end, end, sums, wide, partFirst);
    }

    private static int inputDepth(int depth, int bits, boolean partFirst) {
        if (bits == 16) return roundUp(Math.min(depth, 16), 4);
        return roundUp(Math.min(depth, partFirst ? 16 : 32), UNIT_CHANNELS);
    }

    private static int banks(long bytes) {
        return Math.toIntExact((bytes + Machine.BANK_BYTES - 1) / Machine.BANK_BYTES);
    }
}
