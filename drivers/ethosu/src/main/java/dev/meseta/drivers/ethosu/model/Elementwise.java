package dev.meseta.drivers.ethosu.model;

import dev.meseta.drivers.ethosu.commands.Kind;
import dev.meseta.graph.InvalidInputException;

/** Operations on single elements, whose zero points are taken already. */
final class Elementwise {
    /** How far the operand that is not scaled is shifted, by bytes of an element. */
    private static final int[] HEADROOM = {0, 19, 14};

    private static final int FIRST = 1;
    private static final int SECOND = 2;

    private Elementwise() {}

    static long apply(Settings s, long x, long y) {
        return switch (s.block().kind()) {
            case ADD, SUB -> scaled(s, sum(s, x, y));
            case MUL -> product(s, x, y);
            case MIN -> Math.min(x, y);
            case MAX -> Math.max(x, y);
            case LEAKY -> x < 0 ? scaled(s, x) : x;
            case ABS -> scaled(s, Math.abs(x));
            case LEADING_ZEROS -> Integer.numberOfLeadingZeros((int) x);
            case SHIFT_RIGHT -> s.reversed() ? shiftRight(s, y, x) : shiftRight(s, x, y);
            case SHIFT_LEFT -> s.reversed() ? (int) (y << x) : (int) (x << y);
            default -> throw new InvalidInputException(s.block().kind() + " is not element by element");
        };
    }

    private static long scaled(Settings s, long x) {
        long y = Scaling.apply(x, s.result(), s.rounding());
        return s.block().result().bytes() == 4 ? (int) y : y;
    }

    private static long sum(Settings s, long x, long y) {
        long left = x;
        long right = y;
        int bytes = s.block().first().bytes();
        if (s.operandToScale() == 0) {
            left *= (int) s.first().factor();
            right *= (int) s.second().factor();
        } else if (bytes > 2) {
            throw new InvalidInputException("a scaled operand of 32 bits");
        } else if (s.operandToScale() == FIRST) {
            left = Scaling.apply(x, s.first(), 0);
            right = y << HEADROOM[bytes];
        } else if (s.operandToScale() == SECOND) {
            left = x << HEADROOM[bytes];
            right = Scaling.apply(y, s.first(), 0);
        }
        if (s.block().kind() == Kind.ADD) return left + right;
        return s.reversed() ? right - left : left - right;
    }

    /** Of 32 bits, all of the product is there before it is shifted; there is no factor, whatever its register says. */
    private static long product(Settings s, long x, long y) {
        if (s.block().first().bytes() < 4) return scaled(s, x * y);
        long shifted = Scaling.apply(x * y, 1, s.result().shift(), s.rounding());
        return s.block().result().bytes() == 4 ? (int) shifted : shifted;
    }

    private static long shiftRight(Settings s, long x, long y) {
        if (y < 0 || y > 62) throw new InvalidInputException("shifts by " + y);
        return Scaling.apply(x, 1, (int) y, s.rounding());
    }
}
