package dev.meseta.drivers.ethosu.compiler;

import static dev.meseta.drivers.ethosu.commands.Opcode.*;

import dev.meseta.drivers.ethosu.commands.Opcode;
import dev.meseta.drivers.ethosu.compiler.Blocks.Block;
import dev.meseta.drivers.ethosu.compiler.Step.Copy;
import dev.meseta.drivers.ethosu.compiler.Step.Kind;
import dev.meseta.drivers.ethosu.compiler.Step.Scale;
import dev.meseta.drivers.ethosu.compiler.Step.Second;
import dev.meseta.drivers.ethosu.compiler.Step.Table;
import dev.meseta.drivers.ethosu.compiler.Step.Window;
import dev.meseta.drivers.ethosu.compiler.Step.Work;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes steps, whose buffers have places, as commands. Copies and operations run beside each other; where one touches what the other writes,
 * it is made to wait.
 */
final class Emitter {
    private static final int INSIDE = 8;
    private static final int INSIDE_BIT = 0x103;
    private static final int TABLE_UNIT = 256;
    private static final int TABLE_UNITS = Machine.TABLE_BANKS * Machine.BANK_BYTES / TABLE_UNIT;
    private static final int FIRST_TABLE = 16;

    /** Copies, and operations, that may be under way at once. */
    private static final int MOST_UNDER_WAY = 2;

    private static final int MOST_BLOCKS_AHEAD = 3;
    private static final int LAST = 0xffff;

    private final Stream out = new Stream();
    private final Buffer[] tables = new Buffer[TABLE_UNITS];
    private int nextTable;
    private final List<Touched> copies = new ArrayList<>();
    private final List<Touched> operations = new ArrayList<>();
    private @Nullable Range lastResult;

    Emitter(Machine machine) {
        out.set(PARALLEL_MODE, machine.cores() - 1);
    }

    private record Range(int region, long begin, long end) {
        boolean meets(Range r) {
            return region == r.region && begin < r.end && r.begin < end;
        }
    }

    private record Touched(List<Range> reads, Range writes) {
        boolean conflicts(Touched t) {
            if (writes.meets(t.writes)) return true;
            for (Range r : reads) if (r.meets(t.writes)) return true;
            for (Range r : t.reads) if (r.meets(writes)) return true;
            return false;
        }
    }

    byte[] finish() {
        out.operation(OP_STOP, LAST);
        return out.bytes();
    }

    private static Range range(Buffer b, long begin, long bytes) {
        long at = b.root().address + begin;
        return new Range(b.root().region, at, at + bytes);
    }

    void copy(Copy c) {
        copy(range(c.from(), c.fromByte(), c.bytes()), range(c.to(), c.toByte(), c.bytes()));
    }

    private void copy(Range from, Range to) {
        Touched t = new Touched(List.of(from), to);
        waitFor(operations, t, OP_KERNEL_WAIT);
        begun(copies, t);
        out.set(DMA0_SRC_REGION, from.region);
        out.address(DMA0_SRC, from.begin);
        out.set(DMA0_DST_REGION, to.region == INSIDE ? INSIDE_BIT : to.region);
        out.address(DMA0_DST, to.begin);
        out.address(DMA0_LEN, from.end - from.begin);
        out.operation(OP_DMA_START, 0);
    }

    /** Waits until so few of what is under way are left that none of them is in the way. */
    private void waitFor(List<Touched> underWay, Touched t, Opcode opcode) {
        for (int i = underWay.size() - 1; i >= 0; i--) {
            if (!underWay.get(i).conflicts(t)) continue;
            out.operation(opcode, underWay.size() - 1 - i);
            underWay.subList(0, i + 1).clear();
            return;
        }
    }

    private static void begun(List<Touched> underWay, Touched t) {
        underWay.add(t);
        if (underWay.size() > MOST_UNDER_WAY) underWay.removeFirst();
    }

    /** The registers of a feature map. */
    private record Ports(
            Opcode region,
            List<Opcode> bases,
            Opcode height0,
            Opcode height1,
            Opcode width0,
            Opcode strideY,
            Opcode strideX,
            Opcode strideC,
            Opcode zero) {
        static final Ports IN = new Ports(
                IFM_REGION,
                List.of(IFM_BASE0, IFM_BASE1, IFM_BASE2, IFM_BASE3),
                IFM_HEIGHT0_M1,
                IFM_HEIGHT1_M1,
                IFM_WIDTH0_M1,
                IFM_STRIDE_Y,
                IFM_STRIDE_X,
                IFM_STRIDE_C,
                IFM_ZERO_POINT);
        static final Ports SECOND = new Ports(
                IFM2_REGION,
                List.of(IFM2_BASE0, IFM2_BASE1, IFM2_BASE2, IFM2_BASE3),
                IFM2_HEIGHT0_M1,
                IFM2_HEIGHT1_M1,
                IFM2_WIDTH0_M1,
                IFM2_STRIDE_Y,
                IFM2_STRIDE_X,
                IFM2_STRIDE_C,
                IFM2_ZERO_POINT);
        static final Ports OUT = new Ports(
                OFM_REGION,
                List.of(OFM_BASE0, OFM_BASE1, OFM_BASE2, OFM_BASE3),
                OFM_HEIGHT0_M1,
                OFM_HEIGHT1_M1,
                OFM_WIDTH0_M1,
                OFM_STRIDE_Y,
                OFM_STRIDE_X,
                OFM_STRIDE_C,
                OFM_ZERO_POINT);
    }

    /** Where a feature map begins, and its strides, in bytes; and the bytes that it lies in. */
    private record Located(boolean bricks, long base, long strideY, long strideX, long strideC, Range range) {
        static Located of(View v) {
            int bytes = v.bytes();
            int[] bricks = v.buffer().bricks;
            if (bricks == null) {
                Range r = Emitter.range(v.buffer(), v.offset() * bytes, v.end() - v.offset() * bytes);
                return new Located(false, r.begin, v.strideY() * bytes, v.strideX() * bytes, bytes, r);
            }
            long row = (long) bricks[1] * bricks[2];
            long y = v.offset() / row;
            long x = v.offset() % row / bricks[2];
            long c = v.offset() % bricks[2];
            long group = 16L * bricks[1];
            Range rows = Emitter.range(v.buffer(), y * row * bytes, ((v.height() - 1) * v.strideY() + row) * bytes);
            long base = rows.begin + bytes * (c / 16 * group + 16 * x);
            return new Located(true, base, v.strideY() * bytes, 16L * bytes, group * bytes, rows);
        }
    }

    private Located map(Ports p, View v, int zero) {
        Located l = Located.of(v);
        out.set(p.region, l.range.region);
        out.address(p.bases.get(0), l.base);
        for (int i = 1; i < 4; i++) out.address(p.bases.get(i), 0);
        out.set(p.height0, v.height() - 1);
        out.set(p.height1, v.height() - 1);
        out.set(p.width0, v.width() - 1);
        out.address(p.strideY, l.strideY);
        out.address(p.strideX, l.strideX);
        out.address(p.strideC, l.strideC);
        out.set(p.zero, zero);
        return l;
    }

    private static int precision(View v, boolean bricks, int at) {
        return (v.signed() ? 1 : 0) | Integer.numberOfTrailingZeros(v.bytes()) << at | (bricks ? 1 << 6 : 0);
    }

    /**
     * Writes an operation.
     *
     * @param encoded its weights and scales, and where they are; null if it has none
     */
    void work(Work w, Block b, @Nullable Encoded encoded, @Nullable Buffer weights) {
        List<Range> reads = new ArrayList<>();
        int activation = activation(w, reads);
        Located in = map(Ports.IN, w.in(), w.zero());
        reads.add(in.range);
        out.set(IFM_DEPTH_M1, w.in().depth() - 1);
        Scale scale = w.scale();
        int operandToScale = scale == null ? 0 : scale.operandToScale();
        out.set(IFM_PRECISION, precision(w.in(), in.bricks, 2) | operandToScale << 8);
        out.set(IFM_UPSCALE, 0);
        Located result = map(Ports.OUT, w.out(), w.outZero());
        out.set(OFM_HEIGHT_M1, w.out().height() - 1);
        out.set(OFM_WIDTH_M1, w.out().width() - 1);
        out.set(OFM_DEPTH_M1, w.out().depth() - 1);
        int rounding = w.product() != null ? w.product().rounding() : scale == null ? 0 : scale.rounding();
        out.set(OFM_PRECISION, precision(w.out(), result.bricks, 1) | (isScaled(w) ? 1 << 8 : 0) | rounding << 14);
        Second second = w.second();
        if (second != null) second(w, second, reads);
        if (!w.kind().isElementwise()) window(w.window(), b.partFirst());
        scale(w, scale);
        if (encoded != null && weights != null) weights(encoded, weights, reads);
        out.set(ACTIVATION, activation);
        out.set(ACTIVATION_MIN, w.minimum());
        out.set(ACTIVATION_MAX, w.maximum());
        block(w, b);
        boolean follows = lastResult != null && reads.stream().anyMatch(r -> r.meets(lastResult));
        out.set(BLOCKDEP, lastResult == null || follows ? 0 : MOST_BLOCKS_AHEAD);
        lastResult = result.range;
        Touched t = new Touched(reads, result.range);
        waitFor(copies, t, OP_DMA_WAIT);
        begun(operations, t);
        out.operation(w.kind().opcode, w.kind().mode);
    }

    private static boolean isScaled(Work w) {
        return switch (w.kind()) {
            case SHIFT_LEFT, SHIFT_RIGHT, LEADING_ZEROS, MIN, MAX -> false;
            default -> w.scale() != null;
        };
    }

    private void second(Work w, Second second, List<Range> reads) {
        View v = second.view();
        int bits = second.reversed() ? 1 << 6 : 0;
        if (v == null) {
            bits |= 1 << 7;
            out.set(IFM2_SCALAR, second.number());
            out.set(IFM2_ZERO_POINT, second.zero());
            out.set(IFM2_PRECISION, precision(w.in(), false, 2));
        } else {
            Located l = map(Ports.SECOND, v, second.zero());
            reads.add(l.range);
            out.set(IFM2_PRECISION, precision(v, l.bricks, 2));
            if (v.height() < w.out().height()) bits |= 1;
            if (v.width() < w.out().width()) bits |= 2;
            if (v.depth() < w.out().depth()) bits |= 4;
        }
        out.set(IFM2_BROADCAST, bits);
    }

    private void window(Window k, boolean partFirst) {
        out.set(IFM_PAD_TOP, k.top());
        out.set(IFM_PAD_LEFT, k.left());
        out.set(IFM_PAD_BOTTOM, k.bottom());
        out.set(IFM_PAD_RIGHT, k.right());
        out.set(KERNEL_HEIGHT_M1, k.reachY() - 1);
        out.set(KERNEL_WIDTH_M1, k.reachX() - 1);
        int x = k.strideX() - 1;
        int y = k.strideY() - 1;
        out.set(
                KERNEL_STRIDE,
                x & 1
                        | (y & 1) << 1
                        | (partFirst ? 4 : 0)
                        | k.dilationX() - 1 << 3
                        | k.dilationY() - 1 << 4
                        | x >> 1 << 6
                        | y >> 1 << 9);
    }

    private void scale(Work w, @Nullable Scale given) {
        Scale s = given;
        if (s == null) {
            if (!w.kind().isElementwise()) return;
            s = Scale.NONE;
        }
        out.set(OFM_SCALE, s.factor(), s.shift());
        if (w.kind() == Kind.ADD || w.kind() == Kind.SUB) {
            out.set(OPA_SCALE, s.first().factor(), s.first().shift());
            out.set(OPB_SCALE, s.secondFactor(), 0);
        }
    }

    private void weights(Encoded e, Buffer home, List<Range> reads) {
        Range all = range(home, e.from(), e.bytes());
        reads.add(all);
        out.set(WEIGHT_REGION, all.region);
        out.set(SCALE_REGION, all.region);
        Opcode[][] registers = {
            {WEIGHT_BASE, WEIGHT_LENGTH, SCALE_BASE, SCALE_LENGTH},
            {WEIGHT1_BASE, WEIGHT1_LENGTH, SCALE1_BASE, SCALE1_LENGTH}
        };
        for (int core = 0; core < e.cores().size(); core++) {
            Encoded.Core c = e.cores().get(core);
            out.address(registers[core][0], all.begin + c.weights());
            out.address(registers[core][1], c.weightBytes());
            out.address(registers[core][2], all.begin + c.scales());
            out.address(registers[core][3], c.scaleBytes());
        }
    }

    private void block(Work w, Block b) {
        out.set(OFM_BLK_HEIGHT_M1, b.height() - 1);
        out.set(OFM_BLK_WIDTH_M1, b.width() - 1);
        out.set(OFM_BLK_DEPTH_M1, b.depth() - 1);
        out.set(IFM_IB_END, b.operandEnd());
        if (w.secondView() != null) out.set(IFM2_IB_START, b.secondStart());
        out.set(AB_START, b.sumStart());
        out.set(ACC_FORMAT, b.wide() ? 1 : 0);
    }

    /** Sees that the table is inside; the register that names it. */
    private int activation(Work w, List<Range> reads) {
        Table t = w.table();
        if (t == null) return 0;
        int units = Math.toIntExact(t.results().bytes / TABLE_UNIT);
        int at = 0;
        while (at < TABLE_UNITS && tables[at] != t.results()) at += units;
        Range place;
        if (at < TABLE_UNITS) {
            place = tablePlace(at, units);
        } else {
            at = Weights.roundUp(nextTable, units) % TABLE_UNITS;
            nextTable = at + units;
            for (int i = at; i < at + units; i++) tables[i] = null;
            tables[at] = t.results();
            place = tablePlace(at, units);
            copy(range(t.results(), 0, t.results().bytes), place);
        }
        reads.add(place);
        boolean usual = w.out().bytes() < 4 && w.out().signed() == t.signed();
        return FIRST_TABLE + at / units | (usual ? 0 : t.signed() ? 3 : 2) << 12;
    }

    private static Range tablePlace(int unit, int units) {
        long at = (long) (Machine.BANKS - Machine.TABLE_BANKS) * Machine.BANK_BYTES + (long) unit * TABLE_UNIT;
        return new Range(INSIDE, at, at + (long) units * TABLE_UNIT);
    }
}
