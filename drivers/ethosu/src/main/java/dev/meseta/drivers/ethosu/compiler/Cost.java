package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.drivers.ethosu.compiler.Blocks.Block;
import dev.meseta.drivers.ethosu.compiler.Blocks.Size;
import java.util.Objects;

/**
 * How many cycles an operation takes with a block, by the figures that Arm gives for its units: products, then results, which are computed at the
 * same time for blocks that follow each other; and what is read and written meanwhile.
 */
record Cost(Work w, Block b, Machine m) {
    private static final int LEAST_STEP = 32;

    /** Cycles that a byte of a map outside of the fast memory is worth to others. */
    private static final double OUTSIDE = 0.02;

    /** A memory's cycles until the first byte, bytes a cycle, and bytes that it gives at once. */
    private record Memory(double latency, double rate, double burst) {
        private static final Memory FAST = new Memory(32, 16, 32);
        private static final Memory SLOW = new Memory(500, 12, 128);

        static Memory of(Place p) {
            return p.buffer().isFast() ? FAST : SLOW;
        }

        /** Of bytes that come in runs. */
        double cycles(double bytes, double run) {
            return bytes * burst / Math.min(burst, run) / rate;
        }
    }

    /** Cycles, and something for what other memory than the fast one is kept busy with: of two ways that are as fast, the one that needs less of it. */
    double price() {
        double outside = 0;
        for (Place p : w.maps()) if (Memory.of(p) == Memory.SLOW) outside += (double) p.elements() * p.bytes();
        return cycles() + OUTSIDE * outside;
    }

    /** Of an operation whose block is decided. */
    static Cost of(Work w, Machine m) {
        return new Cost(w, Objects.requireNonNull(w.lead().block), m);
    }

    private static int over(int n, int unit) {
        return (n + unit - 1) / unit;
    }

    double cycles() {
        Size out = b.out().within(w.out);
        double each = perElement() / m.cores();
        Size in = b.in().within(w.in);
        double latency = Memory.of(w.in).latency + Memory.of(w.out).latency;
        double transfer = latency + moved(w.in, in.elements()) + moved(w.out, out.elements());
        double planes = (double) over(w.out.height(), out.height()) * over(w.out.width(), out.width());
        int depths = over(w.out.depth(), out.depth());
        double memory = memory(in, planes, depths);
        if (w.kind.isElementwise()) {
            double whole = (transfer + each * b.out().elements()) / 4 / b.out().elements();
            return Math.max(memory, Math.max(each, whole) * w.out.elements());
        }
        double products = products(out) / m.cores();
        double results = Math.ceil(each * out.elements());
        double whole = (transfer + results + products) / 4;
        products = Math.max(products, whole);
        results = Math.max(results, whole);
        double all = Math.max(products, results) * planes * depths + Math.min(products, results);
        return Math.max(memory, all) + 1e-3 * memory;
    }

    /** Cycles of a map's memory for bytes of it: those of a block's row of bricks, or of its channels, come at once. */
    private double moved(Place p, double bytes) {
        Size block = p == w.out ? b.out() : b.in();
        int cores = p == w.out ? m.cores() : 1;
        double run = p.bytes() * (p.buffer().bricks ? 16.0 * block.width() * cores : block.depth());
        return Memory.of(p).cycles(bytes, run);
    }

    /** Cycles for which the busier memory is. */
    private double memory(Size in, double planes, int depths) {
        double[] busy = new double[2];
        double read = (double) in.height() * in.width() * w.in.depth() * w.in.bytes() * planes;
        if (w.kind.isOverChannels()) read *= depths;
        busy[Memory.of(w.in) == Memory.FAST ? 0 : 1] += moved(w.in, read);
        busy[Memory.of(w.out) == Memory.FAST ? 0 : 1] += moved(w.out, w.out.elements() * w.out.bytes());
        if (w.product != null) {
            boolean copied = planes > 1 || w.highest != null;
            Memory weights = copied ? Memory.FAST : Memory.SLOW;
            busy[copied ? 0 : 1] += weights.cycles(w.product.weights().values().length * planes, weights.burst);
        }
        return Math.max(busy[0], busy[1]);
    }

    /** Cycles of a block's products. */
    private double products(Size out) {
        Window.Axis y = w.window.y();
        Window.Axis x = w.window.x();
        boolean words = w.in.bytes() == 2;
        boolean partFirst = Blocks.isPartFirst(w);
        boolean pool = w.product == null;
        int together = w.kind == Kind.DEPTHWISE ? 4 : !partFirst ? 1 : words ? 2 : 4;
        int steps = 0;
        for (int i = 0; i < y.size(); i += Blocks.REACH) {
            for (int j = 0; j < x.size(); j += Blocks.REACH) {
                int places = Math.min(Blocks.REACH, y.size() - i) * Math.min(Blocks.REACH, x.size() - j);
                steps += pool ? Math.max(4, places) : over(places, together);
            }
        }
        int inDepth = Math.min(b.in().depth(), w.in.depth());
        if (partFirst) steps *= over(inDepth, Blocks.UNIT_DEPTH);
        if (w.kind.isOverChannels()) steps *= over(w.in.depth(), inDepth);
        int units = over(out.width(), 2) * over(out.height(), 2) * (words && w.kind != Kind.CONVOLUTION ? 2 : 1);
        double step = pool ? units : Math.max(LEAST_STEP, 4.0 * units);
        return step * steps * over(out.depth(), Blocks.UNIT_DEPTH);
    }

    /** Cycles of a result, by one core. */
    private double perElement() {
        boolean words = w.in.bytes() == 4;
        double each = switch (w.kind) {
            case MUL, ADD, SUB -> words ? 0.625 : 0.75;
            case SHIFT_LEFT, SHIFT_RIGHT, LEADING_ZEROS -> 0.625;
            case MAX_POOL -> 0.125;
            default -> Blocks.isWide(w) ? 0.375 : 0.25;
        };
        return w.table == null ? each : Math.max(1, each);
    }
}
