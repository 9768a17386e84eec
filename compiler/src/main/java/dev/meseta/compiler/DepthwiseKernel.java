package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A convolution of each channel by itself, channels-last: lanes are channels, and some pixels beside each other share the vectors of the
 * kernel and of the input between them. Pixels whose window lies inside the row are computed in tiles without a test; the others, at both
 * ends of the row, one by one with a test for each tap. Rows outside the input are left out. So the input needs no padding in memory.
 */
final class DepthwiseKernel {
    /** Pixels of a tile where there are 32 registers, and where there are fewer. */
    private static final int MANY_PIXELS = 8;

    private static final int PIXELS = 4;

    /**
     * What is computed where: all in the loops of one nest.
     *
     * @param input the operand's place in memory, with the padding's offset
     * @param weights the other operand
     * @param kernel its elements, packed: taps, then channels
     * @param row the loop over the last spatial axis of the result; null if it has one place
     * @param column the loop over channels
     * @param outer the other loops of the result, outermost first
     * @param taps the kernel's spatial indices, by axis: loops, or 0 for an extent of 1
     * @param places the result's spatial indices, by axis
     */
    record Work(
            TileKernel.Operand input,
            TileKernel.Operand weights,
            Panels kernel,
            List<Atom> outer,
            @Nullable Atom row,
            Atom column,
            List<Lin> taps,
            List<Lin> places) {}

    private final Emitter e;
    private final Op.Convolution op;
    private final Work w;
    private final List<Size> extents;
    private final List<Long> window;
    private final DType type;
    private final int lanes;
    private final Point finish;
    private final Lin to;
    private final Place out;
    private final DType storage;
    private final int pixels;

    /**
     * @param extents the input's spatial extents
     * @param window the kernel's
     * @param finish what is stored, from the sum (number 0)
     */
    DepthwiseKernel(
            Target target,
            Op.Convolution op,
            Work work,
            List<Size> extents,
            List<Long> window,
            DType type,
            Point finish,
            Lin to,
            Place out,
            DType storage) {
        this.e = new Emitter("depthwise");
        this.op = op;
        this.w = work;
        this.extents = extents;
        this.window = window;
        this.type = type;
        this.lanes = lanes(target, type, work.column().extent());
        this.finish = finish;
        this.to = to;
        this.out = out;
        this.storage = storage;
        this.pixels = target.vectorRegisters() >= 32 ? MANY_PIXELS : PIXELS;
    }

    /** The lanes that need the least time for all channels, the widest vectors being somewhat slower. */
    static int lanes(Target target, DType type, Size channels) {
        int widest = Math.max(1, target.vectorBytes() / type.bytes());
        int best = 1;
        double least = Double.POSITIVE_INFINITY;
        for (int l = widest; l >= 1; l /= 2) {
            if (l > channels.value()) continue;
            double cost = (l == widest && target.vectorBytes() > 32 ? 0.75 : 0.5) * ((channels.value() + l - 1) / l);
            if (cost >= least) continue;
            least = cost;
            best = l;
        }
        return best;
    }

    CommandList.Launch emit(String origin) {
        e.open();
        Schedule.decompose(e, Schedule.GRID, w.outer());
        MapKernel.row(e, w.column(), lanes, Kernels.index(0), e.size(w.column().extent()), this::line);
        e.add(e.close());
        return e.launch(Schedule.count(e, w.outer()), origin);
    }

    /** All pixels of a row for some channels. */
    private void line() {
        if (w.row() == null) {
            tile(Kernels.index(0), 1, true);
            return;
        }
        int axis = op.strides().size() - 1;
        long stride = op.strides().get(axis);
        long low = op.low().get(axis);
        long reach = (window.get(axis) - 1) * op.kernelDilation().get(axis);
        Expr places = e.size(w.row().extent());
        Expr begin = Kernels.min(Kernels.index((Math.max(0, low) + stride - 1) / stride), places);
        // The last place whose window ends inside: place * stride - low + reach <= extent - 1.
        Expr room = Kernels.add(e.size(extents.get(axis)), low - 1 - reach);
        Expr inside = Kernels.select(
                Kernels.lt(room, Kernels.index(0)),
                Kernels.index(0),
                Kernels.add(Kernels.div(Kernels.max(room, Kernels.index(0)), Kernels.index(stride)), 1));
        Expr end = e.let("e", Kernels.max(begin, Kernels.min(inside, places)));
        int count = pixels(begin, end);
        // The last tile overlaps the one before; where none fits, all pixels are tested.
        Expr few = Kernels.lt(Kernels.sub(end, begin), Kernels.index(count));
        Expr tiled = e.let("e", Kernels.select(few, begin, end));
        Expr last = Kernels.sub(tiled, Kernels.index(count));
        places(begin, tiled, count, i -> tile(e.let("p", Kernels.min(i, last)), count, false));
        Expr ends = Kernels.add(begin, Kernels.sub(places, tiled));
        places(Kernels.index(0), ends, 1, i -> {
            Expr right = Kernels.add(i, Kernels.sub(tiled, begin));
            tile(e.let("p", Kernels.select(Kernels.lt(i, begin), i, right)), 1, true);
        });
    }

    /** Pixels of a tile: where their number is known, as many tiles as are needed take as few as they can. */
    private int pixels(Expr begin, Expr end) {
        if (!(begin instanceof Expr.Int b && end instanceof Expr.Int n) || n.value() <= b.value()) return pixels;
        long inside = n.value() - b.value();
        return (int) Math.ceilDiv(inside, Math.ceilDiv(inside, pixels));
    }

    private void places(Expr begin, Expr end, int step, Consumer<Expr> body) {
        if (begin.equals(end)) return;
        String v = e.fresh("p");
        e.open();
        body.accept(Kernels.variable(v));
        e.add(new Stmt.For(v, begin, end, step, false, e.close()));
    }

    /** Some pixels beside each other. */
    private void tile(Expr first, int count, boolean tested) {
        List<Expr.Var> sums = new ArrayList<>();
        Expr zero = Kernels.splat(ReduceKernel.identity(ReduceKind.SUM, type), lanes);
        for (int i = 0; i < count; i++) sums.add(e.declare("a", zero));
        taps(0, first, count, tested, sums);
        for (int i = 0; i < count; i++) {
            e.open();
            if (w.row() != null) e.bind(w.row(), Kernels.add(first, i));
            e.give(0, sums.get(i));
            e.store(out, storage, to, e.value(finish));
            e.add(e.close());
        }
    }

    /** The taps of an axis and of those behind it: of each axis but the last, a loop over those inside the input. */
    private void taps(int axis, Expr first, int count, boolean tested, List<Expr.Var> sums) {
        if (axis == window.size() - 1) {
            lastAxis(first, count, tested, sums);
            return;
        }
        Expr from = Kernels.index(0);
        Expr to = Kernels.index(window.get(axis));
        long low = op.low().get(axis);
        if (low > 0 || op.high().get(axis) > 0) {
            long dilation = op.kernelDilation().get(axis);
            Expr zero = Kernels.index(0);
            Expr place = Kernels.mul(e.index(w.places().get(axis)), op.strides().get(axis));
            Expr before = e.let("y", Kernels.sub(Kernels.index(low), place));
            from = e.let("y", Kernels.ceilDiv(Kernels.max(before, zero), dilation));
            Expr room = Kernels.max(Kernels.add(before, e.size(extents.get(axis))), zero);
            to = e.let("y", Kernels.min(Kernels.ceilDiv(room, dilation), to));
        }
        String v = e.fresh("k");
        e.open();
        Atom tap = w.taps().get(axis).atom();
        if (tap != null) e.bind(tap, Kernels.variable(v));
        taps(axis + 1, first, count, tested, sums);
        e.add(new Stmt.For(v, from, to, 1, false, e.close()));
    }

    /** The taps of the last axis; pixels beside each other share what they read. */
    private void lastAxis(Expr first, int count, boolean tested, List<Expr.Var> sums) {
        int axis = window.size() - 1;
        Atom tap = w.taps().get(axis).atom();
        Map<Long, Expr> inputs = new HashMap<>();
        for (long k = 0; k < window.get(axis); k++) {
            Expr inside = tested ? inside(axis, first, k) : null;
            e.open();
            if (tap != null) e.bind(tap, Kernels.index(k));
            Expr weight = e.let("w", kernel());
            for (int i = 0; i < count; i++) {
                long column =
                        i * op.strides().get(axis) + k * op.kernelDilation().get(axis);
                Expr x = inputs.get(column);
                if (x == null) {
                    x = e.let("x", input(Kernels.add(first, i)));
                    if (inside == null) inputs.put(column, x);
                }
                Expr.Var sum = sums.get(i);
                e.assign(sum, Kernels.multiplyAdd(weight, x, sum));
            }
            if (inside == null) e.closeInline();
            else e.add(new Stmt.If(inside, e.close(), null));
        }
    }

    /** Whether a tap of the last axis lies inside the input; null if it always does. */
    private @Nullable Expr inside(int axis, Expr place, long tap) {
        long low = op.low().get(axis);
        if (low <= 0 && op.high().get(axis) <= 0) return null;
        Expr at = Kernels.mul(
                w.row() == null ? Kernels.index(0) : place, op.strides().get(axis));
        Expr x = e.let("y", Kernels.add(at, tap * op.kernelDilation().get(axis) - low));
        return e.let(
                "y",
                Kernels.and(
                        Kernels.apply(MapFunction.GE, x, Kernels.index(0)), Kernels.lt(x, e.size(extents.get(axis)))));
    }

    private Expr kernel() {
        e.open();
        e.bind(w.kernel().panel(), Kernels.index(0));
        Expr index = Kernels.add(e.index(w.kernel().offset()), e.index(Lin.of(w.column())));
        e.closeInline();
        return load(w.kernel().place(), w.weights().storage(), index);
    }

    private Expr input(Expr place) {
        e.open();
        if (w.row() != null) e.bind(w.row(), place);
        Expr index = e.index(w.input().offset());
        e.closeInline();
        return load(w.input().place(), w.input().storage(), index);
    }

    private Expr load(Place place, DType stored, Expr index) {
        int b = e.buffer(place, stored, Kernel.Access.READ);
        return Kernels.loadAs(type, b, stored, index, lanes);
    }
}
