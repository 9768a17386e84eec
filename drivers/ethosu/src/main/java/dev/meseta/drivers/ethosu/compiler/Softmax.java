package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.drivers.ethosu.compiler.Elementwise.Operand;
import dev.meseta.graph.DType;
import dev.meseta.graph.quantized.QuantizedOp;
import java.util.List;
import java.util.function.Consumer;

/**
 * Softmax of bytes along the last axis, as TFLite's fixed point has it: exponentials from a table, their sum, its reciprocal by three steps of
 * Newton's method on numbers of 32 bits, and the products.
 */
record Softmax(Lowering to, long rows, long columns) {
    /** Integer bits of sums; there are fewer elements than 2 to the power of it. */
    private static final int SUM_BITS = 12;

    static void lower(Lowering to, QuantizedOp.Softmax o, Place x, Place out) {
        long columns = x.rank() == 0 ? 1 : x.extents().getLast();
        long rows = x.elements() / columns;
        Refusal.unless(columns < 1 << SUM_BITS, "it has " + columns + " elements in a row, the device at most 4,095");
        Refusal.unless(rows <= Place.LONGEST_AXIS && x.bytes() == 1, "it has " + rows + " rows of " + x.dtype());
        to.dense(out, y -> new Softmax(to, rows, columns).run(o, to.dense(x).reshaped(1, rows, columns), y));
    }

    private Operand row() {
        return Operand.of(to.temporary(DType.I32, List.of(1L, rows, 1L)));
    }

    private Operand each() {
        return Operand.of(to.temporary(DType.I32, List.of(1L, rows, columns)));
    }

    private void run(QuantizedOp.Softmax o, Place x, Place out) {
        Place most = to.temporary(x.dtype(), List.of(1L, rows, 1L));
        Place flat = x.reshaped(rows, columns, 1);
        to.work(Kind.MAX_POOL, flat, most.reshaped(rows, 1, 1), Window.of(1, Math.toIntExact(columns)));
        long[] table = new long[256];
        for (int i = 0; i < 256; i++) table[i] = o.exponentials().get(255 - i);
        Buffer exponentials = to.integers(table, Integer.BYTES);
        Consumer<Work> power = w -> w.scaled(Ratio.ONE, 0).zeros(0, 127).table(exponentials, true);
        Operand e = pair(Kind.SUB, Operand.of(x), Operand.of(most), each(), power);
        Operand terms = pair(Kind.SHIFT_RIGHT, e, to.word(SUM_BITS), each(), w -> w.scaled(Ratio.ONE, 2));
        Operand sum = row();
        to.work(Kind.SUM_CHANNELS, terms.place(), sum.place(), Window.ONE).scaled(Ratio.ONE, 0);
        Operand zeros = row();
        to.work(Kind.LEADING_ZEROS, sum.place(), zeros.place(), Window.ONE);
        Operand exponent = row(Kind.SUB, to.word(SUM_BITS + 31L - 8 * out.bytes()), zeros);
        Operand product = pair(Kind.MUL, e, reciprocal(sum, zeros), each(), w -> w.scaled(Ratio.UPPER, 0));
        Operand result = Operand.of(out.reshaped(1, rows, columns));
        pair(Kind.SHIFT_RIGHT, product, exponent, result, w -> Elementwise.clamped(w.scaled(Ratio.ONE, 2), o.clamp()));
    }

    /** Of a sum that is shifted to the left until it is 1 + f with 31 fraction bits. */
    private Operand reciprocal(Operand sum, Operand zeros) {
        Operand shifted = row(Kind.SHIFT_LEFT, sum, row(Kind.SUB, zeros, to.word(1)));
        Operand f = row(Kind.SHIFT_LEFT, row(Kind.SUB, shifted, to.word(1L << 30)), to.word(1));
        Operand half = pair(Kind.ADD, f, to.word(Integer.MAX_VALUE), row(), w -> w.scaled(new Ratio(1, 1), 0));
        Operand y = row(Kind.ADD, upper(half, to.word(-1010580540)), to.word(1515870810));
        for (int i = 0; i < 3; i++) {
            Operand error = row(Kind.SUB, to.word(1L << 29), upper(half, y));
            y = row(Kind.ADD, y, row(Kind.MUL, upper(y, error), to.word(4)));
        }
        // Twice that, which is no more than the greatest number.
        Operand limited = row(Kind.MIN, y, to.word(1L << 30));
        return row(Kind.ADD, limited, row(Kind.MIN, limited, to.word((1L << 30) - 1)));
    }

    private Operand upper(Operand a, Operand b) {
        return pair(Kind.MUL, a, b, row(), w -> w.scaled(Ratio.UPPER, 0));
    }

    private Operand row(Kind kind, Operand a, Operand b) {
        return pair(kind, a, b, row(), w -> w.scaled(Ratio.ONE, 0));
    }

    private Operand pair(Kind kind, Operand a, Operand b, Operand out, Consumer<Work> change) {
        Elementwise.pair(to, kind, a, b, out.place(), change);
        return out;
    }
}
