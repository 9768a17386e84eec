package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.commands.Opcode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the device does at once, before it is known where buffers lie. */
sealed interface Step {
    /** What it reads. */
    List<Buffer> reads();

    /** What it writes. */
    Buffer writes();

    /** Copies bytes. */
    record Copy(Buffer from, long fromByte, Buffer to, long toByte, long bytes) implements Step {
        @Override
        public List<Buffer> reads() {
            return List.of(from);
        }

        @Override
        public Buffer writes() {
            return to;
        }
    }

    /** What an operation computes. */
    enum Kind {
        CONVOLUTION(Opcode.OP_CONV, 0),
        DEPTHWISE(Opcode.OP_DEPTHWISE, 0),
        MAX_POOL(Opcode.OP_POOL, 0),
        AVERAGE_POOL(Opcode.OP_POOL, 1),
        SUM_CHANNELS(Opcode.OP_POOL, 2),
        MUL(Opcode.OP_ELEMENTWISE, 0),
        ADD(Opcode.OP_ELEMENTWISE, 1),
        SUB(Opcode.OP_ELEMENTWISE, 2),
        MIN(Opcode.OP_ELEMENTWISE, 3),
        MAX(Opcode.OP_ELEMENTWISE, 4),
        LEADING_ZEROS(Opcode.OP_ELEMENTWISE, 7),
        SHIFT_RIGHT(Opcode.OP_ELEMENTWISE, 8),
        SHIFT_LEFT(Opcode.OP_ELEMENTWISE, 9);

        final Opcode opcode;
        final int mode;

        Kind(Opcode opcode, int mode) {
            this.opcode = opcode;
            this.mode = mode;
        }

        boolean isElementwise() {
            return opcode == Opcode.OP_ELEMENTWISE;
        }

        boolean isProduct() {
            return this == CONVOLUTION || this == DEPTHWISE;
        }

        /** Whether each channel of a result is made of all of the operand's. */
        boolean isOverChannels() {
            return this == CONVOLUTION || this == SUM_CHANNELS;
        }
    }

    /** How a window walks over the operand. */
    record Window(
            int height,
            int width,
            int strideY,
            int strideX,
            int dilationY,
            int dilationX,
            int top,
            int left,
            int bottom,
            int right) {
        static final Window ONE = new Window(1, 1, 1, 1, 1, 1, 0, 0, 0, 0);

        int reachY() {
            return (height - 1) * dilationY + 1;
        }

        int reachX() {
            return (width - 1) * dilationX + 1;
        }
    }

    /**
     * The second operand of an operation element by element.
     *
     * @param view null if it is the number
     * @param reversed whether it is the first one of a difference or a shift
     */
    record Second(@Nullable View view, int number, int zero, boolean reversed) {}

    /**
     * How results are scaled: times a factor, over a power of two.
     *
     * @param rounding 0 twice as TFLite, 1 down, 2 once
     * @param operandToScale of a sum, 1 or 2; 0 where both are multiplied by their factors
     * @param first of the operand that is scaled, or of the first
     */
    record Scale(long factor, int shift, int rounding, int operandToScale, Ratio first, long secondFactor) {
        /** Leaves results as they are. */
        static final Scale NONE = of(1, 0, 0);

        static Scale of(long factor, int shift, int rounding) {
            return new Scale(factor, shift, rounding, 0, new Ratio(1, 0), 1);
        }
    }

    /**
     * 256 results, in the order of bytes' values.
     *
     * @param signed whether bytes have a sign, so that the first result is that of -128
     */
    record Table(Buffer results, boolean signed) {}

    /** factor / 2^shift. */
    record Ratio(long factor, int shift) {}

    /** What a product has for each channel of the result: a bias of 40 bits, and a ratio. */
    record Product(Weights weights, long[] bias, Ratio[] ratios, int rounding) {
        Product slice(int first, int count) {
            return new Product(
                    weights.slice(first, count),
                    java.util.Arrays.copyOfRange(bias, first, first + count),
                    java.util.Arrays.copyOfRange(ratios, first, first + count),
                    rounding);
        }
    }

    /**
     * An operation on feature maps.
     *
     * @param zero of the operand
     * @param product of convolutions; else null
     * @param scale of all results; null if there is none or each channel has its own
     * @param outZero added to scaled results
     * @param minimum what results are limited to
     * @param table what is limited is looked up in it; or null
     * @param origin what it computes, for people
     */
    record Work(
            Kind kind,
            View in,
            int zero,
            @Nullable Second second,
            View out,
            Window window,
            @Nullable Product product,
            @Nullable Scale scale,
            int outZero,
            int minimum,
            int maximum,
            @Nullable Table table,
            String origin)
            implements Step {
        static Work plain(Kind kind, View in, View out, Window window, String origin) {
            boolean s = out.signed();
            int bits = Math.min(16, 8 * out.bytes());
            int max = (1 << (s ? bits - 1 : bits)) - 1;
            return new Work(kind, in, 0, null, out, window, null, null, 0, s ? -max - 1 : 0, max, null, origin);
        }

        Work zero(long of) {
            return new Work(
                    kind, in, (int) of, second, out, window, product, scale, outZero, minimum, maximum, table, origin);
        }

        Work outZero(long of) {
            return new Work(
                    kind, in, zero, second, out, window, product, scale, (int) of, minimum, maximum, table, origin);
        }

        Work second(View view, int secondZero, boolean reversed) {
            Second s = new Second(view, 0, secondZero, reversed);
            return new Work(kind, in, zero, s, out, window, product, scale, outZero, minimum, maximum, table, origin);
        }

        Work number(int number, int secondZero, boolean reversed) {
            Second s = new Second(null, number, secondZero, reversed);
            return new Work(kind, in, zero, s, out, window, product, scale, outZero, minimum, maximum, table, origin);
        }

        Work scaled(Scale by) {
            return new Work(kind, in, zero, second, out, window, product, by, outZero, minimum, maximum, table, origin);
        }

        Work product(Product p) {
            return new Work(kind, in, zero, second, out, window, p, scale, outZero, minimum, maximum, table, origin);
        }

        Work limits(long low, long high) {
            return new Work(
                    kind, in, zero, second, out, window, product, scale, outZero, (int) low, (int) high, table, origin);
        }

        Work table(Table results) {
            return new Work(
                    kind, in, zero, second, out, window, product, scale, outZero, minimum, maximum, results, origin);
        }

        Work maps(View newIn, View newOut, Window newWindow) {
            return new Work(
                    kind, newIn, zero, second, newOut, newWindow, product, scale, outZero, minimum, maximum, table,
                    origin);
        }

        @Nullable
        View secondView() {
            return second == null ? null : second.view;
        }

        @Override
        public List<Buffer> reads() {
            List<Buffer> all = new ArrayList<>(List.of(in.buffer()));
            View s = secondView();
            if (s != null) all.add(s.buffer());
            return all;
        }

        @Override
        public Buffer writes() {
            return out.buffer();
        }
    }
}
