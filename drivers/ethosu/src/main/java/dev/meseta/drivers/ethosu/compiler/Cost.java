package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.compiler.Blocks.Block;
import dev.meseta.drivers.ethosu.compiler.Step.Kind;
import dev.meseta.drivers.ethosu.compiler.Step.Window;
import dev.meseta.drivers.ethosu.compiler.Step.Work;

/**
 * How many cycles an operation takes, by the figures that Arm gives for its units: products, then results, which are computed at the same time
 * for blocks that follow each other.
 */
final class Cost {
    private static final int REACH = 8;

    /** Cycles until the first byte of the memory beside the device. */
    private static final double LATENCY = 32;

    private static final double BYTES_PER_CYCLE = 16;

    /** Bytes that this memory gives at once. */
    private static final int BURST = 32;

    private static final int MINIMUM_STEP = 32;

    private Cost() {}

    static double of(Work w, Block b, Machine m) {
        int height = Math.min(b.height(), w.out().height());
        int width = Math.min(b.width(), w.out().width());
        int depth = Math.min(b.depth(), w.out().depth());
        double elements = (double) height * width * depth;
        double perElement = perElement(w) / m.cores();
        double memory = memory(w, b, m);
        if (w.kind().isElementwise()) {
            double block = b.height() * b.width() * (double) b.depth();
            double each = Math.max(perElement, (memory + perElement * block) / 4 / block);
            return each * w.out().elements();
        }
        double products = products(w, b, height, width, depth) / m.cores();
        double results = Math.ceil(perElement * elements);
        if (w.product() != null) results = Math.max(results, 10.0 * depth * LATENCY / 256);
        double command = (memory + results + products) / 4;
        products = Math.max(products, command);
        results = Math.max(results, command);
        double blocks = (double) ceil(w.out().height(), height)
                * ceil(w.out().width(), width)
                * ceil(w.out().depth(), depth);
        return Math.max(products, results) * blocks + Math.min(products, results);
    }

    /** Of the operand, for all blocks. */
    static double bytesRead(Work w, Block b) {
        double blocks =
                (double) ceil(w.out().height(), b.height()) * ceil(w.out().width(), b.width());
        double reads = w.kind().isOverChannels() ? ceil(w.out().depth(), b.depth()) : 1;
        double operand = (double) b.inHeight() * b.inWidth() * w.in().depth() * w.in().bytes() * reads;
        double weights = w.product() == null ? 0 : w.product().weights().values().length;
        return blocks * (operand + weights);
    }

    static int ceil(int n, int unit) {
        return (n + unit - 1) / unit;
    }

    /** Cycles of a block's products. */
    private static double products(Work w, Block b, int blockHeight, int width, int depth) {
        Window win = w.window();
        boolean row = w.kind().isProduct() && w.out().height() == 1 && w.out().width() % 2 == 0 && win.height() == 1;
        int height = row ? 1 : blockHeight;
        int unitsX = ceil(width, row ? 4 : 2);
        int unitsY = ceil(height, row ? 1 : 2);
        int places = unitsX * unitsY;
        int unitsZ = ceil(depth, Machine.UNIT_DEPTH);
        int inDepth = Math.min(b.inDepth(), w.in().depth());
        boolean words = w.in().bytes() == 2;
        double all = 0;
        for (int y = 0; y < win.height(); y += REACH) {
            for (int x = 0; x < win.width(); x += REACH) {
                int part = Math.min(REACH, win.height() - y) * Math.min(REACH, win.width() - x);
                all += part(w, b, part, places, unitsZ, inDepth, words);
            }
        }
        return w.kind().isOverChannels() ? all * ceil(w.in().depth(), inDepth) : all;
    }

    private static double part(Work w, Block b, int part, int places, int unitsZ, int inDepth, boolean words) {
        int steps;
        double cycles;
        int inner = 1;
        if (w.kind() == Kind.MAX_POOL || w.kind() == Kind.AVERAGE_POOL) {
            steps = 1;
            cycles = (double) Math.max(4, part) * places * unitsZ * (words ? 2 : 1);
        } else if (w.kind() == Kind.DEPTHWISE) {
            steps = ceil(part, 4);
            cycles = (double) Math.max(MINIMUM_STEP, 4 * places * (words ? 2 : 1)) * steps * unitsZ;
        } else if (b.partFirst()) {
            steps = ceil(part, words ? 2 : 4);
            inner = ceil(inDepth, Machine.UNIT_DEPTH);
            cycles = (double) Math.max(MINIMUM_STEP, 4 * places) * steps * inner * unitsZ;
        } else {
            steps = part;
            cycles = (double) Math.max(MINIMUM_STEP, 4 * places) * steps * unitsZ;
        }
        int delay = 0;
        if (places == 1) delay = unitsZ == 1 ? 2 * steps : steps > 1 ? 2 * (steps - 1) * unitsZ : 0;
        return cycles + delay * inner;
    }

    /** Cycles of a result, by one core. */
    private static double perElement(Work w) {
        double table = w.table() == null ? 0 : 1;
        return Math.max(
                table,
                switch (w.kind()) {
                    case MUL -> w.in().bytes() == 4 ? 0.625 : w.out().bytes() == 4 ? 0.5 : 0.375;
                    case ADD, SUB -> w.in().bytes() == 4 ? 0.625 : 0.75;
                    case SHIFT_LEFT, SHIFT_RIGHT -> 0.625;
                    case LEADING_ZEROS -> 1.125;
                    case MAX_POOL -> 0.125;
                    case CONVOLUTION, DEPTHWISE -> w.in().bytes() == 2 ? 0.375 : 0.25;
                    default -> 0.25;
                });
    }

    /** Cycles to read a block's operand and to write its results. */
    private static double memory(Work w, Block b, Machine m) {
        View in = w.in();
        View out = w.out();
        double read = (double) Math.min(in.height(), b.inHeight())
                * Math.min(in.width(), b.inWidth())
                * Math.min(in.depth(), b.inDepth());
        double written = (double) Math.min(out.height(), b.height())
                * Math.min(out.width(), b.width())
                * Math.min(out.depth(), b.depth());
        int readBurst;
        int writeBurst;
        if (in.buffer().bricks != null) readBurst = 16 * in.bytes() * b.inWidth();
        else readBurst = in.bytes() * b.inDepth() * (in.depth() == b.inDepth() ? b.inWidth() : 1);
        if (out.buffer().bricks != null) writeBurst = 16 * out.bytes() * b.width() * m.cores();
        else if (b.depth() <= 16 && out.depth() == b.depth()) writeBurst = out.bytes() * b.depth() * b.width();
        else writeBurst = Math.min(Math.min(64, 16 * out.bytes() * m.cores()), b.depth() * out.bytes());
        return 2 * LATENCY
                + read * BURST / Math.min(BURST, readBurst) / BYTES_PER_CYCLE
                + written * BURST / Math.min(BURST, writeBurst) / BYTES_PER_CYCLE;
    }
}
