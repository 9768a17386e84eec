package dev.meseta.compiler;

import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op.Cast.Rounding;

/** Threefry-2x32 with 20 rounds as an expression; the algorithm stands at the op's specification. */
final class RandomPoints {
    private static final int[] ROTATIONS = {13, 15, 26, 6, 17, 29, 16, 24};
    private static final long PARITY = 0x1BD11BDAL;
    private static final int ROUNDS = 20;

    private final Points points;

    private RandomPoints(Points points) {
        this.points = points;
    }

    /** Word number {@code position} of the stream of a key (U64). */
    static Point bits(Points points, Point key, Lin position) {
        return new RandomPoints(points).block(key, position);
    }

    private Point word(long value) {
        return points.integer(DType.U32, value);
    }

    private Point f(MapFunction f, Point a, Point b) {
        return points.apply(f, a, b);
    }

    private Point low(Point wide) {
        return points.convert(DType.U32, Rounding.WRAP, wide);
    }

    private Point high(Point wide) {
        return low(f(MapFunction.SHIFT_RIGHT, wide, points.integer(DType.U64, 32)));
    }

    private Point block(Point key, Lin position) {
        Point n = points.convert(DType.U64, Rounding.WRAP, points.number(position));
        Point counter = f(MapFunction.SHIFT_RIGHT, n, points.integer(DType.U64, 1));
        Point k0 = low(key);
        Point k1 = high(key);
        Point[] k = {k0, k1, f(MapFunction.XOR, f(MapFunction.XOR, k0, k1), word(PARITY))};
        Point x0 = f(MapFunction.ADD, low(counter), k0);
        Point x1 = f(MapFunction.ADD, high(counter), k1);
        for (int r = 0; r < ROUNDS; r++) {
            int by = ROTATIONS[r % 8];
            x0 = f(MapFunction.ADD, x0, x1);
            Point rotated = f(
                    MapFunction.OR,
                    f(MapFunction.SHIFT_LEFT, x1, word(by)),
                    f(MapFunction.SHIFT_RIGHT, x1, word(32 - by)));
            x1 = f(MapFunction.XOR, rotated, x0);
            if (r % 4 == 3) {
                int j = (r + 1) / 4;
                x0 = f(MapFunction.ADD, x0, k[j % 3]);
                x1 = f(MapFunction.ADD, x1, f(MapFunction.ADD, k[(j + 1) % 3], word(j)));
            }
        }
        Point odd =
                f(MapFunction.NE, f(MapFunction.AND, n, points.integer(DType.U64, 1)), points.integer(DType.U64, 0));
        return points.apply(MapFunction.SELECT, odd, x1, x0);
    }
}
