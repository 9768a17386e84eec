package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.compiler.Elementwise.Finish;
import dev.meseta.drivers.ethosu.compiler.Elementwise.Operand;
import dev.meseta.drivers.ethosu.compiler.Step.Kind;
import dev.meseta.drivers.ethosu.compiler.Step.Scale;
import dev.meseta.drivers.ethosu.compiler.Step.Table;
import dev.meseta.drivers.ethosu.compiler.Step.Window;
import dev.meseta.drivers.ethosu.compiler.Step.Work;
import dev.meseta.graph.DType;
import dev.meseta.graph.quantized.QuantizedOp;
import java.util.List;

/**
 * Softmax of bytes along the last axis, as TFLite's fixed point has it: exponentials from a table, their sum, its reciprocal by three steps of
 * Newton's method on numbers of 32 bits, and the products.
 */
final class Softmax {
    /** Integer bits of sums; there are fewer elements than 2 to the power of it. */
    private static final int SUM_BITS = 12;

    /** exp(-2^k) for k = -2 … 4, with 31 fraction bits. */
    private static final long[] POWERS = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};

    private static final long EXP_OF_EIGHTH = 1895147668;
    private static final long THIRD = 715827883;

    /** Fraction bits of an exponent, of which 5 are whole ones. */
    private static final int FRACTION = 26;

    private final Lowering to;
    private final long rows;
    private final long columns;

    private Softmax(Lowering to, long rows, long columns) {
        this.to = to;
        this.rows = rows;
        this.columns = columns;
    }

    static void lower(Lowering to, QuantizedOp.Softmax o, Place x, Place out) {
        long columns = x.rank() == 0 ? 1 : x.extents().getLast();
        long rows = x.elements() / columns;
        Refusal.unless(columns < 1 << SUM_BITS, "it has " + columns + " elements in a row, the device at most 4,095");
        Refusal.unless(Lowering.fits(rows), "it has " + rows + " rows");
        Refusal.unless(x.bytes() == 1, "its elements are no bytes");
        Softmax s = new Softmax(to, rows, columns);
        Place y = out.isDense() ? out : to.temporary(out.dtype(), out.extents());
        s.run(o, to.reshaped(x, List.of(1L, rows, columns)), y.reshaped(List.of(1L, rows, columns)));
        if (!out.isDense()) to.copy(y, out);
    }

    private Place each() {
        return to.temporary(DType.I32, List.of(1L, rows, columns));
    }

    private Place row() {
        return to.temporary(DType.I32, List.of(1L, rows, 1L));
    }

    private void run(QuantizedOp.Softmax o, Place x, Place out) {
        Place most = to.temporary(x.dtype(), List.of(1L, rows, 1L));
        Window all = new Window(1, Math.toIntExact(columns), 1, 1, 1, 1, 0, 0, 0, 0);
        View in = x.reshaped(List.of(rows, columns, 1L)).view();
        to.add(Work.plain(
                Kind.MAX_POOL, in, most.reshaped(List.of(rows, 1L, 1L)).view(), all, to.origin()));
        Table exponentials = new Table(to.words(exponentials(o)), true);
        Place e = pair(
                Kind.SUB,
                plain(x),
                plain(most),
                each(),
                w -> w.scaled(Scale.NONE).outZero(127).limits(-128, 127).table(exponentials));
        Place terms = pair(Kind.SHIFT_RIGHT, plain(e), word(SUM_BITS), each(), Softmax::rounded);
        Place sum = row();
        to.add(Work.plain(Kind.SUM_CHANNELS, terms.view(), sum.view(), Window.ONE, to.origin())
                .scaled(Scale.NONE));
        Place zeros = row();
        to.add(Work.plain(Kind.LEADING_ZEROS, sum.view(), zeros.view(), Window.ONE, to.origin()));
        int bits = 8 * out.bytes();
        Place exponent = pair(Kind.SUB, word(SUM_BITS + 31L - bits), plain(zeros), row(), Softmax::unscaled);
        Place reciprocal = reciprocal(sum, zeros);
        Place product = pair(Kind.MUL, plain(e), plain(reciprocal), each(), Softmax::upper);
        pair(Kind.SHIFT_RIGHT, plain(product), plain(exponent), out, w -> Elementwise.clamped(rounded(w), o.clamp()));
    }

    /** Of a sum that is shifted to the left until it is 1 + f with 31 fraction bits. */
    private Place reciprocal(Place sum, Place zeros) {
        Place headroom = pair(Kind.SUB, plain(zeros), word(1), row(), Softmax::unscaled);
        Place shifted = pair(Kind.SHIFT_LEFT, plain(sum), plain(headroom), row(), w -> w);
        Place above = pair(Kind.SUB, plain(shifted), word(1L << 30), row(), Softmax::unscaled);
        Place f = pair(Kind.SHIFT_LEFT, plain(above), word(1), row(), w -> w);
        Place half = pair(Kind.ADD, plain(f), word(Integer.MAX_VALUE), row(), w -> w.scaled(Scale.of(1, 1, 0)));
        Place start = pair(Kind.MUL, plain(half), word(-1010580540), row(), Softmax::upper);
        Place y = pair(Kind.ADD, plain(start), word(1515870810), row(), Softmax::unscaled);
        for (int i = 0; i < 3; i++) {
            Place near = pair(Kind.MUL, plain(half), plain(y), row(), Softmax::upper);
            Place error = pair(Kind.SUB, word(1L << 29), plain(near), row(), Softmax::unscaled);
            Place quarter = pair(Kind.MUL, plain(y), plain(error), row(), Softmax::upper);
            Place step = pair(Kind.MUL, plain(quarter), word(4), row(), Softmax::unscaled);
            y = pair(Kind.ADD, plain(y), plain(step), row(), Softmax::unscaled);
        }
        return pair(Kind.MUL, plain(y), word(2), row(), Softmax::unscaled);
    }

    private static Work unscaled(Work w) {
        return w.scaled(Scale.NONE);
    }

    /** The upper half of a doubled product of 32 bits, rounded. */
    private static Work upper(Work w) {
        return w.scaled(Scale.of(1L << 30, 31, 0));
    }

    /** Ties upwards. */
    private static Work rounded(Work w) {
        return w.scaled(Scale.of(1, 0, 2));
    }

    private Operand plain(Place p) {
        return new Operand(p, 0, null);
    }

    /** A constant of 32 bits. */
    private Operand word(long value) {
        return Sums.word(to, value);
    }

    private interface Change {
        Work of(Work w);
    }

    private Place pair(Kind kind, Operand a, Operand b, Place out, Change change) {
        Finish finish = (w, _) -> change.of(w);
        Elementwise.pair(to, kind, a, b, out, finish);
        return out;
    }

    /** Of -255 to 0, with 31 fraction bits. */
    private static long[] exponentials(QuantizedOp.Softmax o) {
        long[] all = new long[256];
        for (int i = 0; i < 256; i++) {
            long difference = i - 255;
            if (difference < o.leastDifference()) continue;
            long shifted = (int) (difference << Math.max(0, o.shift()));
            all[i] = exponential(upper(shifted, o.multiplier()));
        }
        return all;
    }

    private static long upper(long x, long y) {
        return x * y + (1L << 30) >> 31;
    }

    /** Of 0 or less: the series around -1/8 for what is left of quarters, times the powers of which the quarters consist. */
    private static long exponential(long x) {
        if (x == 0) return Integer.MAX_VALUE;
        long quarter = 1L << FRACTION - 2;
        long rest = (x & quarter - 1) - quarter;
        long a = (rest << 31 - FRACTION) + (1L << 28);
        long square = upper(a, a);
        long tail = upper(away(upper(square, square), 2) + upper(square, a), THIRD) + square;
        long result = EXP_OF_EIGHTH + upper(EXP_OF_EIGHTH, a + away(tail, 1));
        long quarters = rest - x;
        for (int i = 0; i < POWERS.length; i++) {
            if ((quarters >> FRACTION - 2 + i & 1) != 0) result = upper(result, POWERS[i]);
        }
        return result;
    }

    /** x / 2^bits to the nearest, ties away from 0. */
    private static long away(long x, int bits) {
        return x + (1L << bits - 1) + (x >> 63) >> bits;
    }
}
