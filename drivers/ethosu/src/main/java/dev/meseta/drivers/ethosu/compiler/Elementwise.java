package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.quantized.Clamp;
import dev.meseta.graph.quantized.QuantizedOp;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
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
        static Operand of(Place p) {
            return new Operand(p, 0, null);
        }

        static Operand of(Lowering to, Value v, long zero) {
            return new Operand(to.place(v), zero, to.known(v));
        }

        /** Whether its last axis repeats along the result's. */
        private boolean repeatsChannels(Place out) {
            int last = place.rank() - 1;
            return out.rank() > 0 && out.extents().getLast() > 1 && (last < 0 || place.extent(last) == 1);
        }

        /** Its place with the result's extents: axes of extent 1 repeat. */
        private Place broadcast(Place out) {
            Place p = place.ofRank(out.rank());
            for (int i = 0; i < out.rank(); i++) {
                if (p.extent(i) != out.extent(i)) p = p.slice(i, 0, out.extent(i), 0);
            }
            return p;
        }
    }

    static void product(Lowering to, QuantizedOp.Product o, Value a, Value b, Place out) {
        Refusal.unless(a.dtype() == b.dtype(), "operands have different types");
        long bound = Products.largest(a.dtype(), o.leftZero()) * Products.largest(b.dtype(), o.rightZero());
        Ratio r = Ratio.twice(o.scaling(), 0, bound);
        Operand x = Operand.of(to, a, o.leftZero());
        Operand y = Operand.of(to, b, o.rightZero());
        pair(to, Kind.MUL, x, y, out, w -> clamped(w, o.clamp()).scaled(r, 0));
    }

    static void extreme(Lowering to, QuantizedOp.Extreme o, Value a, Value b, Place out) {
        boolean same = a.dtype() == out.dtype() && b.dtype() == out.dtype();
        Refusal.unless(same, "operands and result have different types");
        pair(to, o.largest() ? Kind.MAX : Kind.MIN, Operand.of(to, a, 0), Operand.of(to, b, 0), out, w -> {});
    }

    static void rescale(Lowering to, QuantizedOp.Rescale o, Place x, Place out) {
        long bound = Products.largest(x.dtype(), o.inputZero());
        Ratio r = Ratio.twice(o.scaling(), 0, bound);
        single(
                to,
                Kind.AVERAGE_POOL,
                x,
                out,
                w -> clamped(w.zeros(o.inputZero(), 0), o.clamp()).scaled(r, 0));
    }

    static void table(Lowering to, QuantizedOp.Table o, Place x, Place out) {
        Refusal.unless(x.bytes() == 1 && out.bytes() == 1, "its table is not one of bytes");
        Buffer results = to.integers(o.results().stream().mapToLong(r -> r).toArray(), 1);
        single(to, Kind.MAX_POOL, x, out, w -> w.table(results, x.signed()));
    }

    /** Limits results, and adds their zero point. */
    static Work clamped(Work w, Clamp c) {
        return w.limits(c.min(), c.max()).zeros(w.zero, c.zero());
    }

    /** An operation of one operand, as a window of one element. */
    static void single(Lowering to, Kind kind, Place x, Place out, Consumer<Work> finish) {
        Maps.each(List.of(x, out), false, p -> finish.accept(to.work(kind, p.get(0), p.get(1), Window.ONE)));
    }

    /** An operation of two operands that broadcast. The device repeats channels of the second one alone, which may be a number. */
    static void pair(Lowering to, Kind kind, Operand a, Operand b, Place out, Consumer<Work> finish) {
        boolean swapped = a.constant != null || a.repeatsChannels(out) && b.constant == null;
        Operand first = swapped ? b : a;
        Operand second = swapped ? a : b;
        Place x = first.broadcast(out);
        if (first.repeatsChannels(out)) x = to.copied(x);
        Tensor known = second.constant;
        Tensor number = known != null && known.elements() == 1 ? known : null;
        List<Place> places = new ArrayList<>(List.of(out, x));
        if (number == null) places.add(second.broadcast(out));
        Maps.each(places, true, p -> {
            Work w = to.work(kind, p.get(1), p.get(0), Window.ONE).zeros(first.zero, 0);
            w.second(number == null ? p.get(2) : null, second.zero, swapped);
            if (number != null) w.number = number.getLong(0);
            finish.accept(w);
        });
    }
}
