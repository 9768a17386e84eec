package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.drivers.ethosu.compiler.Elementwise.Operand;
import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.quantized.QuantizedOp;
import dev.meseta.graph.quantized.Scaling;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Sums and differences. TFLite multiplies both operands; the larger scale's multiplier is a half. The device shifts that operand by one less,
 * which is the same, and scales the other, rounding once what TFLite rounds twice. Where all pairs of bytes are seen to give the same results, the
 * device does it at once; else both operands are scaled to 32 bits by themselves.
 */
final class Sums {
    private static final long HALF = 1L << 30;

    private final QuantizedOp.Sum o;
    private final DType type;
    private final boolean secondScaled;
    private final Ratio result;

    private Sums(QuantizedOp.Sum o, DType type) {
        this.o = o;
        this.type = type;
        this.secondScaled = isHalf(o.left());
        long bound = bound(o.left(), o.leftZero()) + bound(o.right(), o.rightZero());
        this.result = Ratio.twice(o.result(), 0, bound);
    }

    static void lower(Lowering to, QuantizedOp.Sum o, Value a, Value b, Place out) {
        DType t = out.dtype();
        Refusal.unless(a.dtype() == t && b.dtype() == t, "operands and result have different types");
        Refusal.unless(o.leftShift() <= 31 - t.bits(), "operands are shifted by " + o.leftShift());
        Sums s = new Sums(o, t);
        Operand x = Operand.of(to, a, o.leftZero());
        Operand y = Operand.of(to, b, o.rightZero());
        Ratio ratio = s.ratio();
        if (ratio == null) {
            x = s.widened(to, x, o.left());
            y = s.widened(to, y, o.right());
        }
        Elementwise.pair(to, o.subtract() ? Kind.SUB : Kind.ADD, x, y, out, w -> {
            Elementwise.clamped(w, o.clamp()).scaled(s.result, 0);
            if (ratio != null) w.scaledOperand(s.secondScaled != w.reversed ? 2 : 1, ratio);
        });
    }

    private static boolean isHalf(Scaling s) {
        return s.multiplier(0) == HALF && s.shift(0) == 0;
    }

    /** Of an operand when it is scaled. */
    private long bound(Scaling s, long zero) {
        long x = Products.largest(type, zero) << o.leftShift();
        Ratio.twice(s, 0, x);
        return Math.round(Math.scalb((double) x * s.multiplier(0), Math.toIntExact(s.shift(0) - 31))) + 1;
    }

    /** An operand's scaled elements, from the least on. */
    private long[] scaled(Scaling s, long zero) {
        long[] all = new long[1 << type.bits()];
        for (int i = 0; i < all.length; i++) {
            all[i] = Ratio.scaled(type.minInteger() + i - zero << o.leftShift(), s);
        }
        return all;
    }

    /** The ratio by which the device may scale the operand with the smaller scale; null if there is none. */
    private @Nullable Ratio ratio() {
        Scaling small = secondScaled ? o.right() : o.left();
        Scaling large = secondScaled ? o.left() : o.right();
        long zero = secondScaled ? o.rightZero() : o.leftZero();
        int shift = Math.toIntExact(31 - small.shift(0) - o.leftShift());
        boolean usual = isHalf(large) && o.leftShift() == (type == DType.I16 ? 15 : 20);
        if (!usual || shift < 1 || shift > 31) return null;
        Ratio ratio = new Ratio(small.multiplier(0), shift);
        long[] exact = scaled(small, zero);
        long[] others = scaled(large, secondScaled ? o.leftZero() : o.rightZero());
        for (int i = 0; i < exact.length; i++) {
            long found = ratio.apply(type.minInteger() + i - zero);
            if (found != exact[i] && (type == DType.I16 || !same(exact[i], found, others))) return null;
        }
        return ratio;
    }

    /** Whether two scaled elements give the same results with all that the other operand may be. */
    private boolean same(long x, long y, long[] others) {
        int sign = o.subtract() && secondScaled ? -1 : 1;
        int signOther = o.subtract() && !secondScaled ? -1 : 1;
        for (long z : others) {
            if (result.apply(signOther * z + sign * x) != result.apply(signOther * z + sign * y)) return false;
        }
        return true;
    }

    /** An operand scaled as TFLite does, in 32 bits: bytes by a table, others step by step. */
    private Operand widened(Lowering to, Operand x, Scaling s) {
        Operand wide = Operand.of(to.temporary(DType.I32, x.place().extents()));
        if (type != DType.I16) {
            Buffer table = to.integers(scaled(s, x.zero()), Integer.BYTES);
            Operand nothing = new Operand(x.place(), 0, Tensor.scalar(type, 0L));
            Consumer<Work> look = w -> w.table(table, type != DType.U8).scaled(Ratio.ONE, 0);
            Elementwise.pair(to, Kind.ADD, Operand.of(x.place()), nothing, wide.place(), look);
            return wide;
        }
        long left = o.leftShift() + Math.max(0, s.shift(0));
        Operand given = new Operand(x.place(), x.zero(), null);
        Operand power = new Operand(x.place(), 0, Tensor.scalar(type, 1L << Math.min(14, left)));
        Ratio rest = new Ratio(1L << Math.max(0, left - 14), 0);
        Elementwise.pair(to, Kind.MUL, given, power, wide.place(), w -> w.scaled(rest, 0));
        Elementwise.pair(to, Kind.MUL, wide, to.word(s.multiplier(0)), wide.place(), w -> w.scaled(Ratio.UPPER, 0));
        if (s.shift(0) >= 0) return wide;
        Ratio right = Ratio.right((int) -s.shift(0));
        Elementwise.pair(to, Kind.ADD, wide, to.word(0), wide.place(), w -> w.scaled(right, 0));
        return wide;
    }
}
