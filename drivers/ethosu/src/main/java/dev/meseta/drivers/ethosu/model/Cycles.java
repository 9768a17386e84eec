package dev.meseta.drivers.ethosu.model;

import dev.meseta.drivers.ethosu.commands.Access;
import dev.meseta.drivers.ethosu.commands.FeatureMap;
import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.drivers.ethosu.commands.Operation;
import dev.meseta.drivers.ethosu.commands.Operation.Block;
import dev.meseta.drivers.ethosu.commands.Operation.Dma;
import dev.meseta.drivers.ethosu.commands.Operation.Range;

/**
 * How many cycles an operation takes: an estimate, from what the public documents say of the device, and with the rates that Arm's compiler
 * assumes of an Ethos-U65 at 1 GHz with a memory of its own. The device works on one block of results at a time. While it multiplies for one
 * block, it scales and stores the one before, so the longer of the two counts for each block, and the shorter once. What is read and written
 * goes on beside that, at the rate of each memory. {@link Timeline} puts operations one after the other.
 */
public final class Cycles {
    /** Elements of a result that are computed together, height, width and depth: each of them takes eight products a cycle. */
    private static final int UNIT_SIDE = 2;

    private static final int UNIT_DEPTH = 8;
    private static final int UNIT_LINE = 4;

    /** Cycles for the eight products of each of 32 operands' channels; also what it takes to decode that many weights. */
    private static final int STEP = 4;

    private static final int DECODE = 32;

    /** Windows are walked over in parts of at most so many rows and columns. */
    private static final int PART = 8;

    private static final int BRICK = 16;

    /** A block's way through the device, in which a command waits for memory, is spread over so many units. */
    private static final double UNITS = 4;

    /** Bytes of what scales a channel, and bytes of them that are read at once. */
    private static final double SCALE_BYTES = 10;

    private static final double SCALE_BURST = 256;

    private static final int ACCUMULATORS_OF_40_BITS = 1;

    private final Block b;
    private final Settings s;
    private final FeatureMap in;
    private final FeatureMap out;
    private final boolean wide;
    private final Memory source;
    private final Memory target;

    /** Of a block of results, and of what it is computed from. */
    private record Extent(int height, int width, int depth) {
        double elements() {
            return (double) height * width * depth;
        }
    }

    /**
     * A memory.
     *
     * @param rate bytes a cycle
     * @param burst bytes that it gives at once: shorter runs take as long
     * @param readLatency cycles until the first byte
     */
    record Memory(double rate, double burst, double readLatency, double writeLatency) {
        /** Region 2. */
        static final Memory FAST = new Memory(16, 32, 32, 32);

        /** All other regions. */
        static final Memory SLOW = new Memory(12, 128, 500, 250);

        static Memory of(int region) {
            return region == 2 || region == Operation.INSIDE ? FAST : SLOW;
        }

        /** Cycles for bytes that come in runs. */
        double cycles(double bytes, double run) {
            return bytes * burst / Math.min(burst, Math.max(1, run)) / rate;
        }
    }

    /**
     * What an operation costs.
     *
     * @param compute cycles that the arithmetic takes
     * @param fast cycles for which the fast memory is busy
     * @param slow cycles for which the other memory is busy
     * @param macs products that are added
     */
    public record Cost(double compute, double fast, double slow, double macs) {
        /** What it takes in all, where nothing else is under way. */
        public double cycles() {
            return Math.max(compute, Math.max(fast, slow));
        }
    }

    private Cycles(Block b) {
        this.b = b;
        this.s = Settings.of(b);
        this.in = b.first();
        this.out = b.result();
        this.wide = in.bytes() == 2;
        this.source = Memory.of(in.region());
        this.target = Memory.of(out.region());
    }

    /** The cost of an operation. */
    public static Cost of(Operation operation) {
        return switch (operation) {
            case Dma d -> {
                Memory from = Memory.of(d.fromRegion());
                Memory to = Memory.of(d.toRegion());
                double bytes = d.length();
                double read = bytes / from.rate + from.readLatency;
                double write = bytes / to.rate;
                double fast = (from == Memory.FAST ? read : 0) + (to == Memory.FAST ? write : 0);
                double slow = (from == Memory.SLOW ? read : 0) + (to == Memory.SLOW ? write : 0);
                yield new Cost(Math.max(read, write), fast, slow, 0);
            }
            case Block b -> new Cycles(b).cost();
        };
    }

    private Cost cost() {
        Extent block = resultBlock();
        double compute = b.kind().isElementwise() ? elementwise() : blocks(block);
        double[] busy = new double[2];
        memory(block, busy);
        return new Cost(compute, busy[0], busy[1], macs());
    }

    private double macs() {
        if (b.kind().isElementwise()) return 0;
        double window = (double) b.kernel().y().size() * b.kernel().x().size();
        boolean channels = b.kind().isOverChannels();
        return window * (channels ? in.depth() : 1) * out.height() * out.width() * out.depth();
    }

    private static int over(int a, int b) {
        return (a + b - 1) / b;
    }

    private static int up(int a, int b) {
        return over(a, b) * b;
    }

    private Extent resultBlock() {
        return new Extent(
                Math.min(out.height(), s.height()), Math.min(out.width(), s.width()), Math.min(out.depth(), s.depth()));
    }

    /** What the device reads for a block of results. */
    private Extent operandBlock() {
        Operation.Kernel k = b.kernel();
        int depth = s.depth();
        if (b.kind().isOverChannels()) {
            int most = wide || k.partFirst() ? 16 : 32;
            depth = up(Math.min(in.depth(), most), wide ? 4 : 8);
        }
        return new Extent(
                side(s.height(), k.y().stride(), Math.min(k.y().reach(), PART)),
                side(s.width(), k.x().stride(), Math.min(k.x().reach(), PART)),
                depth);
    }

    private int side(int block, int stride, int reach) {
        int span = (block - 1) * stride + reach;
        if (b.upscale() != 0) span = (span + (b.upscale() == 1 ? 1 : 0) + 1) / 2;
        return up(span, UNIT_SIDE);
    }

    /** Cycles for which a block's operand and its result are under way between memory and the device. */
    private double transfers() {
        Extent o = operandBlock();
        Extent r = resultBlock();
        double read = Math.min(o.height, in.height())
                * (double) Math.min(o.width, in.width())
                * Math.min(o.depth, in.depth());
        return source.readLatency
                + source.cycles(read, readRun(in))
                + target.writeLatency
                + target.cycles(r.elements(), writeRun());
    }

    private double readRun(FeatureMap f) {
        Extent o = operandBlock();
        if (f.bricks()) return (double) BRICK * f.bytes() * o.width;
        return (double) f.bytes() * o.depth * (f.depth() == 1 && o.depth == 1 ? o.width : 1);
    }

    private double writeRun() {
        if (out.bricks()) return (double) BRICK * out.bytes() * s.width() * s.cores();
        if (out.depth() == 1 && s.depth() == 1) return (double) out.bytes() * s.width();
        return Math.min(64, Math.min((double) BRICK * out.bytes() * s.cores(), (double) s.depth() * out.bytes()));
    }

    /** For each element of a result, how long it takes to scale, look up and store it. */
    private double perElement() {
        double output;
        boolean accumulates = !b.kind().isElementwise();
        if (b.kind().isElementwise() && in.bytes() == 4) output = b.kind().isUnary() ? 1.125 : 0.625;
        else if (b.kind() == Kind.MUL && out.bytes() == 4) output = 0.5;
        else if (b.kind() == Kind.MUL || accumulates && s.accumulator() == ACCUMULATORS_OF_40_BITS) output = 0.375;
        else if (b.kind() == Kind.ADD || b.kind() == Kind.SUB) output = 0.75;
        else if (b.kind() == Kind.MAX_POOL) output = 0.125;
        else output = 0.25;
        double activation = s.activation() != 0 ? 1 : bounded() ? 0.25 : 0;
        return Math.max(output, activation) / s.cores();
    }

    /** Whether results are kept within bounds that their type does not keep by itself. */
    private boolean bounded() {
        if (out.bytes() == 4) return false;
        int span = 8 * out.bytes();
        long least = out.signed() ? -(1L << span - 1) : 0;
        return s.minimum() > least || s.maximum() < least + (1L << span) - 1;
    }

    private double elementwise() {
        double each = perElement();
        double block = (double) s.height() * s.width() * s.depth();
        each = Math.max(each, (transfers() + each * block) / UNITS / block);
        return each * out.height() * out.width() * (out.bricks() ? up(out.depth(), BRICK) : out.depth());
    }

    /** Convolutions and pools, block by block. */
    private double blocks(Extent block) {
        boolean line = b.kind().hasWeights()
                && out.height() == 1
                && out.width() % 2 == 0
                && b.kernel().y().size() == 1;
        int height = line ? 1 : block.height;
        int unitsX = over(block.width, line ? UNIT_LINE : UNIT_SIDE);
        int unitsY = line ? 1 : over(height, UNIT_SIDE);
        int unitsZ = over(block.depth, UNIT_DEPTH);
        double arithmetic = 0;
        for (int y = 0; y < b.kernel().y().size(); y += PART) {
            for (int x = 0; x < b.kernel().x().size(); x += PART) {
                int elements = Math.min(PART, b.kernel().y().size() - y)
                        * Math.min(PART, b.kernel().x().size() - x);
                arithmetic += part(elements, unitsX, unitsY, unitsZ);
            }
        }
        if (b.kind().isOverChannels()) {
            arithmetic *= over(in.depth(), Math.min(in.depth(), operandBlock().depth));
        }
        arithmetic /= s.cores();
        double elements = (double) height * block.width * block.depth;
        double output = Math.ceil(perElement() * elements);
        if (!b.scales().isEmpty()) {
            double latency = Memory.of(b.scales().getFirst().region()).readLatency;
            output = Math.max(output, SCALE_BYTES * block.depth * latency / SCALE_BURST);
        }
        double whole = (transfers() + output + arithmetic) / UNITS;
        arithmetic = Math.max(arithmetic, whole);
        output = Math.max(output, whole);
        double count =
                (double) over(out.height(), height) * over(out.width(), block.width) * over(out.depth(), block.depth);
        return Math.max(arithmetic, output) * count + Math.min(arithmetic, output);
    }

    /** Cycles for a part of the window, for all operands' channels of one block. */
    private double part(int elements, int unitsX, int unitsY, int unitsZ) {
        double units = (double) STEP * unitsX * unitsY;
        double steps;
        double cycles;
        int groups = 1;
        switch (b.kind()) {
            case MAX_POOL, AVERAGE_POOL -> {
                steps = 1;
                cycles = Math.max(STEP, elements) * (double) unitsX * unitsY * unitsZ * (wide ? 2 : 1);
            }
            case DEPTHWISE -> {
                steps = over(elements, 4);
                cycles = Math.max(DECODE, units * (wide ? 2 : 1)) * steps * unitsZ;
            }
            default -> {
                boolean partFirst = b.kernel().partFirst() && b.kind() == Kind.CONVOLUTION;
                steps = partFirst ? over(elements, wide ? 2 : 4) : elements;
                if (partFirst) groups = over(Math.min(in.depth(), operandBlock().depth), 8);
                cycles = Math.max(DECODE, units) * steps * groups * unitsZ;
            }
        }
        double delay = 0;
        if (unitsX == 1 && unitsY == 1) {
            // A unit waits for its own sum before it can add to it.
            if (unitsZ == 1) delay = 2 * steps;
            else if (steps > 1) delay = 2 * (steps - 1) * unitsZ;
        }
        return cycles + delay * groups;
    }

    /** Adds for how long each memory is busy: the fast one, the other one. */
    private void memory(Extent block, double[] busy) {
        double planes = (double) over(out.height(), block.height) * over(out.width(), block.width);
        int depthBlocks = over(out.depth(), block.depth);
        add(busy, out.region(), target.cycles(bytes(out, out.depth()), writeRun()));
        FeatureMap second = b.second();
        if (b.kind().isElementwise()) {
            add(busy, in.region(), source.cycles(bytes(in, in.depth()), readRun(in)));
            if (second != null) {
                Memory m = Memory.of(second.region());
                add(busy, second.region(), m.cycles(bytes(second, second.depth()), readRun(second)));
            }
            return;
        }
        Extent o = operandBlock();
        double parts =
                (double) over(b.kernel().y().size(), PART) * over(b.kernel().x().size(), PART);
        boolean channels = b.kind().isOverChannels();
        double plane = (double) Math.min(o.height, in.height()) * Math.min(o.width, in.width());
        double fetched = plane * up(in.depth(), in.bricks() ? BRICK : 1) * in.bytes() * parts * planes;
        add(busy, in.region(), source.cycles(fetched * (channels ? depthBlocks : 1), readRun(in)));
        // Weights are read again for every block of a plane.
        for (Range r : b.weights()) {
            Memory m = Memory.of(r.region());
            add(busy, r.region(), m.cycles(r.length() * planes, m.burst));
        }
        for (Range r : b.scales()) {
            Memory m = Memory.of(r.region());
            add(busy, r.region(), m.cycles(r.length(), m.burst));
        }
    }

    private static double bytes(FeatureMap f, int depth) {
        return (double) f.height() * f.width() * (f.bricks() ? up(depth, BRICK) : depth) * f.bytes();
    }

    private static void add(double[] busy, int region, double cycles) {
        if (region != Operation.INSIDE) busy[Memory.of(region) == Memory.FAST ? 0 : 1] += cycles;
    }

    /** Bytes of the fast memory that an operation reaches to. */
    static long fastBytes(Operation operation) {
        long most = 0;
        for (Access a : Access.of(operation)) if (a.region() == 2) most = Math.max(most, a.end());
        return most;
    }
}
