package dev.meseta.drivers.ethosu.compiler;

import static dev.meseta.drivers.ethosu.compiler.Bricks.BRICK;

import dev.meseta.drivers.ethosu.commands.Access;
import dev.meseta.drivers.ethosu.commands.CommandWriter;
import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.drivers.ethosu.commands.Operation;
import dev.meseta.drivers.ethosu.compiler.Blocks.Block;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Writes steps, whose buffers have places, as commands. Copies and operations run beside each other; where one touches what the other writes,
 * it is made to wait.
 */
final class Emitter {
    private static final int TABLE_UNIT = 256;
    private static final int TABLE_UNITS = Machine.TABLE_BANKS * Machine.BANK_BYTES / TABLE_UNIT;
    private static final int FIRST_TABLE = 16;

    /** Where tables begin in the memory inside. */
    private static final int TABLES = (Machine.BANKS - Machine.TABLE_BANKS) * Machine.BANK_BYTES;

    /** Copies, and operations, that may be under way at once. */
    private static final int MOST_UNDER_WAY = 2;

    private static final int MOST_BLOCKS_AHEAD = 3;
    private static final int LAST = 0xffff;
    private static final Set<Kind> UNSCALED =
            Set.of(Kind.SHIFT_LEFT, Kind.SHIFT_RIGHT, Kind.LEADING_ZEROS, Kind.MIN, Kind.MAX);
    private static final String SIZES = "HEIGHT_M1 WIDTH_M1 DEPTH_M1";

    private final CommandWriter out = new CommandWriter();
    private final Map<Buffer, Integer> tables = new IdentityHashMap<>();
    private int nextTable;
    private final List<List<Access>> copies = new ArrayList<>();
    private final List<List<Access>> operations = new ArrayList<>();
    private @Nullable List<Access> last;

    Emitter(Machine machine) {
        out.set("PARALLEL_MODE", machine.cores() - 1);
    }

    MemorySegment finish() {
        out.operation("OP_STOP", LAST);
        return out.finish();
    }

    void write(Step step) {
        switch (step) {
            case Step.Copy c -> copy(c.from(), c.fromByte(), c.to().region, c.to().address + c.toByte(), c.bytes());
            case Work w -> work(w);
        }
    }

    private void copy(Buffer from, long at, int toRegion, long to, long bytes) {
        out.copy(from.region, from.address + at, toRegion, to, bytes);
        List<Access> touched = out.touched("OP_DMA_START", 0);
        waitFor(operations, touched, "OP_KERNEL_WAIT");
        begun(copies, touched);
        out.operation("OP_DMA_START", 0);
    }

    /** Waits until so few of what is under way are left that none of them is in the way. */
    private void waitFor(List<List<Access>> underWay, List<Access> touched, String opcode) {
        for (int i = underWay.size() - 1; i >= 0; i--) {
            if (!isInWay(underWay.get(i), touched)) continue;
            out.operation(opcode, underWay.size() - 1 - i);
            underWay.subList(0, i + 1).clear();
            return;
        }
    }

    private static void begun(List<List<Access>> underWay, List<Access> touched) {
        underWay.add(touched);
        if (underWay.size() > MOST_UNDER_WAY) underWay.removeFirst();
    }

    private static boolean isInWay(List<Access> before, List<Access> next) {
        return before.stream().anyMatch(a -> next.stream().anyMatch(b -> (a.written() || b.written()) && a.meets(b)));
    }

    /** Sets the registers of a feature map. */
    private void map(String port, Place p, int zero, int precision) {
        Buffer b = p.buffer();
        int bytes = p.bytes();
        long strideY = p.stride(0);
        long strideX = p.stride(1);
        long strideC = 1;
        long first = p.offset();
        Place all = b.shape;
        if (b.bricks && all != null) {
            long row = (long) all.width() * all.depth();
            strideX = BRICK;
            strideC = (long) BRICK * all.width();
            strideY = p.stride(0) / row * Bricks.row(all);
            long column = first % row / all.depth();
            first = first / row * Bricks.row(all) + first % all.depth() / BRICK * strideC + column * BRICK;
        }
        long base = b.address + first * bytes;
        long below = 0;
        long rows = p.height();
        if (p.end() * bytes > b.bytes) {
            // A ring: rows behind its end are those at its beginning.
            long before = p.offset() / p.stride(0);
            rows = b.bytes / bytes / p.stride(0) - before;
            below = base - before * strideY * bytes;
        }
        out.set(port + "REGION", b.region);
        out.set(port, "BASE0 BASE1 BASE2 BASE3", base, 0, below, 0);
        out.set(port, "HEIGHT0_M1 HEIGHT1_M1 WIDTH0_M1", rows - 1, p.height() - 1, p.width() - 1);
        out.set(port, "STRIDE_Y STRIDE_X STRIDE_C", strideY * bytes, strideX * bytes, strideC * bytes);
        out.set(port + "ZERO_POINT", zero);
        precision(port, p, b.bricks, precision);
    }

    private void precision(String port, Place p, boolean bricks, int more) {
        int bytes = Integer.numberOfTrailingZeros(p.bytes()) << (port.equals("OFM_") ? 1 : 2);
        out.set(port + "PRECISION", (p.signed() ? 1 : 0) | bytes | (bricks ? 1 << 6 : 0) | more);
    }

    private void work(Work w) {
        out.set("ACTIVATION", activation(w));
        out.set("ACTIVATION_", "MIN MAX", w.minimum, w.maximum);
        map("IFM_", w.in, w.zero, w.operandToScale << 8);
        out.set("IFM_", "DEPTH_M1 UPSCALE", w.in.depth() - 1, 0);
        int rounding = w.product == null ? w.rounding : w.product.rounding();
        map("OFM_", w.out, w.outZero, (w.scale != null && !UNSCALED.contains(w.kind) ? 1 << 8 : 0) | rounding << 14);
        out.set("OFM_", SIZES, w.out.height() - 1, w.out.width() - 1, w.out.depth() - 1);
        if (w.second != null || w.number != null) second(w);
        if (!w.kind.isElementwise()) window(w);
        scale(w);
        Work lead = w.lead();
        if (lead.encoded != null && lead.home != null) weights(lead.encoded, lead.home);
        block(w, Objects.requireNonNull(lead.block));
        List<Access> touched = out.touched(w.kind.opcode, w.kind.mode);
        boolean waits = last == null || isInWay(last, touched);
        out.set("BLOCKDEP", waits ? 0 : MOST_BLOCKS_AHEAD);
        last = touched;
        waitFor(copies, touched, "OP_DMA_WAIT");
        begun(operations, touched);
        out.operation(w.kind.opcode, w.kind.mode);
    }

    private void second(Work w) {
        boolean ordered = w.kind == Kind.SUB || w.kind == Kind.SHIFT_LEFT || w.kind == Kind.SHIFT_RIGHT;
        int bits = w.reversed && ordered ? 1 << 6 : 0;
        Place p = w.second;
        if (p == null) {
            bits |= 1 << 7;
            out.set("IFM2_", "SCALAR ZERO_POINT", Objects.requireNonNull(w.number), w.secondZero);
            precision("IFM2_", w.in, false, 0);
        } else {
            map("IFM2_", p, w.secondZero, 0);
            if (p.height() < w.out.height()) bits |= 1;
            if (p.width() < w.out.width()) bits |= 2;
            if (p.depth() < w.out.depth()) bits |= 4;
        }
        out.set("IFM2_BROADCAST", bits);
    }

    private void window(Work w) {
        Window.Axis x = w.window.x();
        Window.Axis y = w.window.y();
        out.set("IFM_PAD_", "TOP LEFT BOTTOM RIGHT", y.before(), x.before(), y.behind(), x.behind());
        int low = x.stride() - 1 & 1 | (y.stride() - 1 & 1) << 1 | (Blocks.isPartFirst(w) ? 4 : 0);
        int dilation = x.dilation() - 1 << 3 | y.dilation() - 1 << 4;
        int stride = low | dilation | x.stride() - 1 >> 1 << 6 | y.stride() - 1 >> 1 << 9;
        out.set("KERNEL_", "HEIGHT_M1 WIDTH_M1 STRIDE", y.reach() - 1, x.reach() - 1, stride);
    }

    private void scale(Work w) {
        if (w.scale == null && !w.kind.isElementwise()) return;
        Ratio s = w.scale == null ? Ratio.ONE : w.scale;
        out.set("OFM_SCALE", s.factor(), s.shift());
        if (w.kind != Kind.ADD && w.kind != Kind.SUB) return;
        out.set("OPA_SCALE", w.operandScale.factor(), w.operandScale.shift());
        out.set("OPB_SCALE", w.operandToScale == 0 ? 1 : 0, 0);
    }

    private void weights(Encoded e, Buffer home) {
        out.set("", "WEIGHT_REGION SCALE_REGION", home.region, home.region);
        for (int core = 0; core < e.cores().size(); core++) {
            Encoded.Core c = e.cores().get(core);
            String number = core == 0 ? "" : "1";
            out.set("WEIGHT" + number, "_BASE _LENGTH", home.address + c.weights(), c.weightBytes());
            out.set("SCALE" + number, "_BASE _LENGTH", home.address + c.scales(), c.scaleBytes());
        }
    }

    private void block(Work w, Block b) {
        Blocks.Size size = b.out();
        out.set("OFM_BLK_", SIZES, size.height() - 1, size.width() - 1, size.depth() - 1);
        out.set("IFM_IB_END", w.kind.isElementwise() ? b.sumStart() : b.operandEnd());
        if (w.second != null) out.set("IFM2_IB_START", b.operandEnd());
        out.set("", "AB_START ACC_FORMAT", b.sumStart(), Blocks.isWide(w) ? 1 : 0);
    }

    /** Sees that the table is inside; the register that names it. */
    private int activation(Work w) {
        Buffer t = w.table;
        if (t == null) return 0;
        int units = Math.toIntExact(t.bytes / TABLE_UNIT);
        if (!tables.containsKey(t)) {
            int at = Weights.roundUp(nextTable, units);
            if (at + units > TABLE_UNITS) tables.clear();
            at %= TABLE_UNITS;
            nextTable = at + units;
            tables.put(t, at);
            copy(t, 0, Operation.INSIDE, TABLES + (long) at * TABLE_UNIT, t.bytes);
        }
        int at = FIRST_TABLE + tables.get(t);
        boolean signed = w.minimum < 0;
        boolean usual = w.out.bytes() < 4 && w.out.signed() == signed;
        return at | (usual ? 0 : signed ? 3 : 2) << 12;
    }
}
