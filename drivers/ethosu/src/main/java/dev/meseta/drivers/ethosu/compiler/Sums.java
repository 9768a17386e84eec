package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.compiler.Elementwise.Operand;
import dev.meseta.drivers.ethosu.compiler.Step.Kind;
import dev.meseta.drivers.ethosu.compiler.Step.Ratio;
import dev.meseta.drivers.ethosu.compiler.Step.Scale;
import dev.meseta.drivers.ethosu.compiler.Step.Table;
import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.quantized.QuantizedOp;
import dev.meseta.graph.quantized.Scaling;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Sums and differences. TFLite multiplies both operands; the larger scale's multiplier is a half. The device shifts that operand by one less,
 * which is the same, and scales the other, rounding once what TFLite rounds twice. Where all pairs of bytes are seen to give the same results, the
 * device does it at once; else both operands are scaled to 32 bits by themselves.
 */
final class Sums {
    private static final long HALF = 1L << 30;

    /** Multiplied with and shifted back by 31 bits, it leaves numbers of 32 bits as they are. */
    private static final long ONE = 1L << 31;

    private final QuantizedOp.Sum o;
    private final DType type;
    private final boolean secondScaled;
    private final Ratio result;

    private Sums(QuantizedOp.Sum o, DType type) {
        this.o = o;
        this.type = type;
        this.secondScaled = isHalf(o.left());
        this.result = Ratios.twice(o.result().multiplier(0), o.result().shift(0), bound(true) + bound(false));
    }

    static void lower(Lowering to, QuantizedOp.Sum o, Value a, Value b, Place out) {
        DType t = out.dtype();
        Refusal.unless(a.dtype() == t && b.dtype() == t, "operands and result have different types");
        Refusal.unless(o.leftShift() <= 31 - t.bits(), "operands are shifted by " + o.leftShift());
        Sums s = new Sums(o, t);
        Kind kind = o.subtract() ? Kind.SUB : Kind.ADD;
        Operand x = Operand.of(to, a, o.leftZero());
        Operand y = Operand.of(to, b, o.rightZero());
        Ratio ratio = s.ratio();
        if (ratio == null) {
            Operand wideX = s.widened(to, x, o.left(), o.leftZero());
            Operand wideY = s.widened(to, y, o.right(), o.rightZero());
            Scale scale = Scale.of(s.result.factor(), s.result.shift(), 0);
            Elementwise.pair(
                    to,
                    kind,
                    wideX,
                    wideY,
                    out,
                    (w, _) -> Elementwise.clamped(w, o.clamp()).scaled(scale));
            return;
        }
        Elementwise.pair(to, kind, x, y, out, (w, swapped) -> {
            int scaled = s.secondScaled != swapped ? 2 : 1;
            Scale scale = new Scale(s.result.factor(), s.result.shift(), 0, scaled, ratio, 0);
            return Elementwise.clamped(w, o.clamp()).scaled(scale);
        });
    }

    private static boolean isHalf(Scaling s) {
        return s.multiplier(0) == HALF && s.shift(0) == 0;
    }

    /** Of an operand when it is scaled. */
    private long bound(boolean left) {
        Scaling s = left ? o.left() : o.right();
        long x = Products.largest(type, left ? o.leftZero() : o.rightZero()) << o.leftShift();
        Ratios.twice(s.multiplier(0), s.shift(0), x);
        return Math.round(Math.scalb((double) x * s.multiplier(0), Math.toIntExact(s.shift(0) - 31))) + 1;
    }

    private int least() {
        return type == DType.U8 ? 0 : -(1 << type.bits() - 1);
    }

    /** An operand's scaled elements, from the least on. */
    private long[] scaled(Scaling s, long zero) {
        long[] all = new long[1 << type.bits()];
        for (int i = 0; i < all.length; i++) {
            all[i] = Ratios.scaled(least() + i - zero << o.leftShift(), s.multiplier(0), s.shift(0));
        }
        return all;
    }

    /** The ratio by which the device may scale the operand with the smaller scale; null if there is none. */
    private @Nullable Ratio ratio() {
        int headroom = type == DType.I16 ? 14 : 19;
        if (!secondScaled && !isHalf(o.right()) || o.leftShift() != headroom + 1) return null;
        Scaling small = secondScaled ? o.right() : o.left();
        long zero = secondScaled ? o.rightZero() : o.leftZero();
        int shift = Math.toIntExact(31 - small.shift(0) - o.leftShift());
        if (shift < 1 || shift > 31) return null;
        Ratio ratio = new Ratio(small.multiplier(0), shift);
        long[] exact = scaled(small, zero);
        long[] shifted = scaled(secondScaled ? o.left() : o.right(), secondScaled ? o.leftZero() : o.rightZero());
        for (int i = 0; i < exact.length; i++) {
            long found = Ratios.device(least() + i - zero, ratio);
            if (found == exact[i]) continue;
            if (type == DType.I16 || !same(exact[i], found, shifted)) return null;
        }
        return ratio;
    }

    /** Whether two scaled elements give the same results with all that the other operand may be. */
    private boolean same(long x, long y, long[] others) {
        boolean negative = o.subtract() && secondScaled;
        boolean negativeOther = o.subtract() && !secondScaled;
        for (long other : others) {
            long z = negativeOther ? -other : other;
            if (Ratios.device(z + (negative ? -x : x), result) != Ratios.device(z + (negative ? -y : y), result)) {
                return false;
            }
        }
        return true;
    }

    /** An operand scaled as TFLite does, in 32 bits: bytes by a table, others step by step. */
    private Operand widened(Lowering to, Operand x, Scaling s, long zero) {
        Place wide = to.temporary(DType.I32, x.place().extents());
        if (type != DType.I16) {
            Table t = new Table(to.words(scaled(s, zero)), type != DType.U8);
            Operand nothing = new Operand(x.place(), 0, Tensor.scalar(type, 0L));
            Elementwise.pair(
                    to,
                    Kind.ADD,
                    new Operand(x.place(), 0, null),
                    nothing,
                    wide,
                    (w, _) -> w.limits(least(), least() + 255).table(t).scaled(Scale.NONE));
            return new Operand(wide, 0, null);
        }
        long left = o.leftShift() + Math.max(0, s.shift(0));
        Operand power = new Operand(x.place(), 0, Tensor.scalar(type, 1L << Math.min(14, left)));
        Scale rest = Scale.of(1L << Math.max(0, left - 14), 0, 0);
        Operand given = new Operand(x.place(), zero, null);
        Elementwise.pair(to, Kind.MUL, given, power, wide, (w, _) -> w.scaled(rest));
        Elementwise.pair(
                to,
                Kind.MUL,
                new Operand(wide, 0, null),
                word(to, s.multiplier(0)),
                wide,
                (w, _) -> w.scaled(Scale.of(HALF, 31, 0)));
        if (s.shift(0) < 0) {
            Scale right = Scale.of(ONE, Math.toIntExact(31 - s.shift(0)), 0);
            Elementwise.pair(to, Kind.ADD, new Operand(wide, 0, null), word(to, 0), wide, (w, _) -> w.scaled(right));
        }
        return new Operand(wide, 0, null);
    }

    /** A constant of 32 bits. */
    static Operand word(Lowering to, long value) {
        Buffer b = to.words(new long[] {value});
        return new Operand(Place.dense(b, DType.I32, List.of(1L)), 0, null);
    }
}
