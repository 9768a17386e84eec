package dev.meseta.drivers.ethosu.model;

import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.drivers.ethosu.commands.Operation.Block;
import dev.meseta.graph.InvalidInputException;

/** Operations on single elements, whose zero points are taken already. */
final class Elementwise {
    /** How far the operand that is not scaled is shifted, by bytes of an element. */
    private static final int[] HEADROOM = {0, 19, 14};

    private static final int FIRST = 1;
    private static final int SECOND = 2;

    private Elementwise() {}

    static long apply(Block b, long x, long y) {
        return switch (b.kind()) {
            case ADD, SUB -> scaled(b, sum(b, x, y));
            case MUL -> product(b, x, y);
            case MIN -> Math.min(x, y);
            case MAX -> Math.max(x, y);
            case LEAKY -> x < 0 ? scaled(b, x) : x;
            case ABS -> scaled(b, Math.abs(x));
            case LEADING_ZEROS -> Integer.numberOfLeadingZeros((int) x);
            case SHIFT_RIGHT -> b.reversed() ? shiftRight(b, y, x) : shiftRight(b, x, y);
            case SHIFT_LEFT -> b.reversed() ? (int) (y << x) : (int) (x << y);
            default -> throw new InvalidInputException(b.kind() + " is not element by element");
        };
    }

    private static long scaled(Block b, long x) {
        long y = Scaling.apply(x, b.resultScale(), b.rounding());
        return b.result().bytes() == 4 ? (int) y : y;
    }

    private static long sum(Block b, long x, long y) {
        long left = x;
        long right = y;
        int bytes = b.first().bytes();
        if (b.operandToScale() == 0) {
            left *= (int) b.firstScale().factor();
            right *= (int) b.secondScale().factor();
        } else if (bytes > 2) {
            throw new InvalidInputException("a scaled operand of 32 bits");
        } else if (b.operandToScale() == FIRST) {
            left = Scaling.apply(x, b.firstScale(), 0);
            right = y << HEADROOM[bytes];
        } else if (b.operandToScale() == SECOND) {
            left = x << HEADROOM[bytes];
            right = Scaling.apply(y, b.firstScale(), 0);
        }
        if (b.kind() == Kind.ADD) return left + right;
        return b.reversed() ? right - left : left - right;
    }

    /** Of 32 bits, all of the product is there before it is shifted; there is no factor, whatever its register says. */
    private static long product(Block b, long x, long y) {
        if (b.first().bytes() < 4) return scaled(b, x * y);
        long shifted = Scaling.apply(x * y, 1, b.resultScale().shift(), b.rounding());
        return b.result().bytes() == 4 ? (int) shifted : shifted;
    }

    private static long shiftRight(Block b, long x, long y) {
        if (y < 0 || y > 62) throw new InvalidInputException("shifts by " + y);
        return Scaling.apply(x, 1, (int) y, b.rounding());
    }
}
