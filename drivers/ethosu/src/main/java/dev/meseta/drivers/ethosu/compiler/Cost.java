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
        double transfer = Memory.of(w.in).latency
                + Memory.of(w.in).cycles(in.elements(), run(w.in, b.in(), 1))
                + Memory.of(w.out).latency
                + Memory.of(w.out).cycles(out.elements(), run(w.out, b.out(), m.cores()));
        double planes = (double) over(w.out.height(), out.height()) * over(w.out.width(), out.width());
        int depths = over(w.out.depth(), out.depth());
        double memory = memory(in, planes, depths);
        if (w.kind.isElementwise()) {
            double whole = (transfer + each * b.out().elements()) / 4 / b.out().elements();
            return Math.max(memory, Math.max(each, whole) * w.out.elements());
        }
        double products = products(out) / m.cores();
        double results = Math.ceil(each * out.elements());
        if (w.product != null) results = Math.max(results, 10.0 * out.depth() * Memory.FAST.latency / 256);
        double whole = (transfer + results + products) / 4;
        products = Math.max(products, whole);
        results = Math.max(results, whole);
        double all = Math.max(products, results) * planes * depths + Math.min(products, results);
        return Math.max(memory, all) + 1e-3 * memory;
    }

    /** Bytes that come at once. */
    private static double run(Place p, Size block, int cores) {
        if (p.buffer().bricks) return 16.0 * p.bytes() * block.width() * cores;
        return p.bytes() * (double) block.depth();
    }

    /** Cycles for which the busier memory is. */
    private double memory(Size in, double planes, int depths) {
        double[] busy = new double[2];
        double read = (double) in.height() * in.width() * w.in.depth() * w.in.bytes() * planes;
        if (w.kind.isOverChannels()) read *= depths;
        if (w.kind.isElementwise()) read = w.in.elements() * w.in.bytes();
        busy[Memory.of(w.in) == Memory.FAST ? 0 : 1] += Memory.of(w.in).cycles(read, run(w.in, b.in(), 1));
        double written = w.out.elements() * w.out.bytes();
        busy[Memory.of(w.out) == Memory.FAST ? 0 : 1] +=
                Memory.of(w.out).cycles(written, run(w.out, b.out(), m.cores()));
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
        boolean row = w.product != null && w.out.height() == 1 && w.out.width() % 2 == 0 && y.size() == 1;
        int units = over(out.width(), row ? 4 : 2) * (row ? 1 : over(out.height(), 2));
        int inDepth = Math.min(b.in().depth(), w.in.depth());
        double all = 0;
        for (int i = 0; i < y.size(); i += Blocks.REACH) {
            for (int j = 0; j < x.size(); j += Blocks.REACH) {
                int places = Math.min(Blocks.REACH, y.size() - i) * Math.min(Blocks.REACH, x.size() - j);
                all += part(places, units, over(out.depth(), Blocks.UNIT_DEPTH), over(inDepth, Blocks.UNIT_DEPTH));
            }
        }
        return w.kind.isOverChannels() ? all * over(w.in.depth(), inDepth) : all;
    }

    private double part(int places, int units, int depths, int inDepths) {
        boolean words = w.in.bytes() == 2;
        boolean pool = w.kind == Kind.MAX_POOL || w.kind == Kind.AVERAGE_POOL;
        boolean partFirst = Blocks.isPartFirst(w);
        int inner = partFirst ? inDepths : 1;
        int together = w.kind == Kind.DEPTHWISE ? 4 : !partFirst ? 1 : words ? 2 : 4;
        int steps = pool ? 1 : over(places, together) * inner;
        double step = Math.max(LEAST_STEP, 4.0 * units * (words && w.kind == Kind.DEPTHWISE ? 2 : 1));
        if (pool) step = (double) Math.max(4, places) * units * (words ? 2 : 1);
        // A unit waits for its own sum before it can add to it.
        int delay = units > 1 ? 0 : depths == 1 ? 2 * steps : steps > inner ? 2 * (steps - inner) * depths : 0;
        return step * steps * depths + delay;
    }

    /** Cycles of a result, by one core. */
    private double perElement() {
        boolean words = w.in.bytes() == 4;
        double each = switch (w.kind) {
            case MUL -> words ? 0.625 : w.out.bytes() == 4 ? 0.5 : 0.375;
            case ADD, SUB -> words ? 0.625 : 0.75;
            case SHIFT_LEFT, SHIFT_RIGHT -> 0.625;
            case LEADING_ZEROS -> 1.125;
            case MAX_POOL -> 0.125;
            default -> Blocks.isWide(w) ? 0.375 : 0.25;
        };
        return w.table == null ? each : Math.max(1, each);
    }
}
