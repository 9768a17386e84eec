package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.compiler.Step.Kind;
import dev.meseta.drivers.ethosu.compiler.Step.Ratio;
import dev.meseta.drivers.ethosu.compiler.Step.Scale;
import dev.meseta.drivers.ethosu.compiler.Step.Table;
import dev.meseta.drivers.ethosu.compiler.Step.Window;
import dev.meseta.drivers.ethosu.compiler.Step.Work;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.quantized.Clamp;
import dev.meseta.graph.quantized.QuantizedOp;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Operations element by element, of one and of two operands. */
final class Elementwise {
    private Elementwise() {}

    /**
     * An operand.
     *
     * @param constant its elements if they are known
     */
    record Operand(Place place, long zero, @Nullable Tensor constant) {
        static Operand of(Lowering to, Value v, long zero) {
            return new Operand(to.place(v), zero, to.known(v));
        }

        /** Whether its last axis repeats along the result's. */
        private boolean repeatsChannels(Place out) {
            if (out.rank() == 0) return false;
            long n = out.extents().getLast();
            return n > 1 && (place.rank() == 0 || place.extents().getLast() == 1);
        }

        /** Its place with the result's extents: axes of extent 1 repeat. */
        private Place broadcast(Place out) {
            Place q = place.ofRank(out.rank());
            List<Long> strides = new ArrayList<>(Collections.nCopies(out.rank(), 0L));
            for (int i = 0; i < out.rank(); i++) {
                if (q.extents().get(i) != 1 || out.extents().get(i) == 1)
                    strides.set(i, q.strides().get(i));
            }
            return new Place(place.buffer(), place.dtype(), out.extents(), strides, place.offset());
        }
    }

    static void product(Lowering to, QuantizedOp.Product o, Value a, Value b, Place out) {
        Refusal.unless(a.dtype() == b.dtype(), "operands have different types");
        long bound = Products.largest(a.dtype(), o.leftZero()) * Products.largest(b.dtype(), o.rightZero());
        Ratio r = Ratios.twice(o.scaling().multiplier(0), o.scaling().shift(0), bound);
        Operand x = Operand.of(to, a, o.leftZero());
        Operand y = Operand.of(to, b, o.rightZero());
        pair(to, Kind.MUL, x, y, out, (w, _) -> clamped(w, o.clamp()).scaled(Scale.of(r.factor(), r.shift(), 0)));
    }

    static void extreme(Lowering to, QuantizedOp.Extreme o, Value a, Value b, Place out) {
        boolean same = a.dtype() == out.dtype() && b.dtype() == out.dtype();
        Refusal.unless(same, "operands and result have different types");
        Kind kind = o.largest() ? Kind.MAX : Kind.MIN;
        pair(to, kind, Operand.of(to, a, 0), Operand.of(to, b, 0), out, (w, _) -> w);
    }

    static void rescale(Lowering to, QuantizedOp.Rescale o, Place x, Place out) {
        long bound = Products.largest(x.dtype(), o.inputZero());
        Ratio r = Ratios.twice(o.scaling().multiplier(0), o.scaling().shift(0), bound);
        Scale scale = Scale.of(r.factor(), r.shift(), 0);
        single(
                to,
                Kind.AVERAGE_POOL,
                x,
                out,
                w -> clamped(w, o.clamp()).scaled(scale).zero(o.inputZero()));
    }

    static void table(Lowering to, QuantizedOp.Table o, Place x, Place out) {
        Refusal.unless(x.bytes() == 1 && out.bytes() == 1, "its table is not one of bytes");
        Table t = new Table(to.table(o.results()), x.signed());
        int least = x.signed() ? -128 : 0;
        single(to, Kind.MAX_POOL, x, out, w -> w.limits(least, least + 255).table(t));
    }

    /** Limits results, and adds the zero point. */
    static Work clamped(Work w, Clamp c) {
        return w.limits(c.min(), c.max()).outZero(c.zero());
    }

    /** An operation of one operand, as a window of one element. */
    static void single(Lowering to, Kind kind, Place x, Place out, UnaryOperator<Work> finish) {
        Maps.each(
                List.of(x, out),
                true,
                v -> to.add(finish.apply(Work.plain(kind, v.get(0), v.get(1), Window.ONE, to.origin()))));
    }

    /** Adds what an operation needs; told whether its operands are exchanged. */
    interface Finish {
        Work apply(Work w, boolean swapped);
    }

    /** An operation of two operands that broadcast. The device repeats channels of the second one alone, which may be a number. */
    static void pair(Lowering to, Kind kind, Operand a, Operand b, Place out, Finish finish) {
        boolean swapped = a.constant != null || a.repeatsChannels(out) && b.constant == null;
        boolean reversed = swapped && kind != Kind.ADD && kind != Kind.MUL && kind != Kind.MIN && kind != Kind.MAX;
        Operand first = swapped ? b : a;
        Operand second = swapped ? a : b;
        Place x = first.broadcast(out);
        if (first.repeatsChannels(out)) {
            Place whole = to.temporary(x.dtype(), out.extents());
            to.copy(x, whole);
            x = whole;
        }
        Tensor constant = second.constant;
        boolean number = constant != null && constant.elements() == 1 && second.place.bytes() < 4;
        List<Place> places = new ArrayList<>(List.of(out, x));
        if (!number) places.add(second.broadcast(out));
        Maps.each(places, false, v -> {
            Work w = Work.plain(kind, v.get(1), v.get(0), Window.ONE, to.origin())
                    .zero(first.zero);
            if (constant != null && number) w = w.number((int) constant.getLong(0), (int) second.zero, reversed);
            else w = w.second(v.get(2), (int) second.zero, reversed);
            to.add(finish.apply(w, swapped));
        });
    }
}
