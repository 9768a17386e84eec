package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.drivers.ethosu.compiler.Blocks.Block;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An operation on feature maps. What is not said is as it is for most; each method says one thing more. */
final class Work implements Step {
    final Kind kind;
    final Place in;
    final Place out;
    final Window window;

    /** What it computes, for people. */
    final String origin;

    /** The second operand of an operation element by element; null if there is none, or it is the number. */
    @Nullable
    Place second;

    @Nullable
    Long number;

    /** Whether operands are exchanged. */
    boolean reversed;

    /** What stands for 0. */
    int zero;

    int secondZero;
    int outZero;

    /** Of convolutions. */
    @Nullable
    Product product;

    /** By which all results are scaled; null if they are not, or each channel by its own. */
    @Nullable
    Ratio scale;

    /** Twice as TFLite (0), down (1), once (2). */
    int rounding;

    /** The operand of a sum, 1 or 2, that is scaled, and how. */
    int operandToScale;

    Ratio operandScale = Ratio.ONE;

    /** What results are limited to. */
    int minimum;

    int maximum;

    /**
     * What limited results are looked up in: a constant of 256, in the order of the values of bytes, which have a sign if limits do; null if
     * they are not.
     */
    @Nullable
    Buffer table;

    /** Of the stripes of one operation a highest one, by which blocks are chosen for all; null if this is no stripe. */
    @Nullable
    Work highest;

    /** The block of results; decided, as what follows, when all that comes before is known, for all stripes in the {@link #lead}. */
    @Nullable
    Block block;

    @Nullable
    Encoded encoded;

    /** Where weights are read from. */
    @Nullable
    Buffer home;

    Work(Kind kind, Place in, Place out, Window window, String origin) {
        this.kind = kind;
        this.in = in;
        this.out = out;
        this.window = window;
        this.origin = origin;
        int bits = Math.min(16, 8 * out.bytes());
        this.minimum = out.signed() ? -(1 << bits - 1) : 0;
        this.maximum = minimum + (1 << bits) - 1;
    }

    Work zeros(long of, long ofResult) {
        zero = (int) of;
        outZero = (int) ofResult;
        return this;
    }

    Work second(@Nullable Place place, long ofSecond, boolean isReversed) {
        second = place;
        secondZero = (int) ofSecond;
        reversed = isReversed;
        return this;
    }

    Work product(Product p) {
        product = p;
        return this;
    }

    Work scaled(Ratio by, int how) {
        scale = by;
        rounding = how;
        return this;
    }

    Work scaledOperand(int which, Ratio by) {
        operandToScale = which;
        operandScale = by;
        return this;
    }

    Work limits(long low, long high) {
        minimum = (int) low;
        maximum = (int) high;
        return this;
    }

    Work table(Buffer results, boolean signed) {
        table = results;
        int low = signed ? -128 : 0;
        return limits(low, low + 255);
    }

    /** The same on other feature maps. */
    Work on(Place i, @Nullable Place s, Place o, Window w) {
        Work copy = new Work(kind, i, o, w, origin)
                .zeros(zero, outZero)
                .second(s, secondZero, reversed)
                .scaledOperand(operandToScale, operandScale)
                .limits(minimum, maximum);
        if (product != null) copy.product(product);
        if (scale != null) copy.scaled(scale, rounding);
        copy.number = number;
        copy.table = table;
        return copy;
    }

    @Override
    public List<Buffer> touched() {
        List<Buffer> all = new ArrayList<>();
        for (Place p : maps()) all.add(p.buffer());
        if (table != null) all.add(table);
        if (lead().home != null) all.add(lead().home);
        return all;
    }

    /** By which blocks are chosen. */
    Work lead() {
        return highest == null ? this : highest;
    }

    /** Its feature maps. */
    List<Place> maps() {
        return second == null ? List.of(in, out) : List.of(in, second, out);
    }
}
