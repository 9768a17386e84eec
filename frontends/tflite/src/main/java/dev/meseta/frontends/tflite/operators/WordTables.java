package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.graph.DType;
import dev.meseta.graph.program.Lowering;

/**
 * The logistic function and the hyperbolic tangent of 16-bit integers: TFLite interpolates between 256 places of the logistic function,
 * 1/24 apart, since tanh(x) is 2 logistic(2x) - 1. As tables of all results.
 */
final class WordTables {
    private static final int PLACES = 256;

    /** The places where TFLite's integer is one more than the nearest, a bit each. */
    private static final long[] ONE_MORE = {
        0xc0467baefa7bd110L, 0x0011009020440005L, 0x0000000000000080L, 0x8000000000000000L
    };

    /** logistic(i / 24) with 16 fraction bits. */
    private static final int[] LOGISTIC = new int[PLACES];

    static {
        for (int i = 0; i < PLACES; i++) {
            long more = ONE_MORE[i / Long.SIZE] >>> i & 1;
            LOGISTIC[i] = (int) (Math.rint(65536 / (1 + Math.exp(-i / 24.0))) + more);
        }
    }

    private WordTables() {}

    static Lowering.Expand logistic(OperatorNode node) {
        Input input = Input.of(node);
        return Tables.of(DType.I16, DType.I16, x -> {
                    long v = input.scaled(x);
                    long sum = interpolated(Math.abs(v), 9, 0x7fffL << 10);
                    long result = v >= 0 ? sum + (1 << 9) : (1L << 25) - sum + (1 << 9) - 1;
                    return result >> 10;
                })
                .expansion();
    }

    static Lowering.Expand tanh(OperatorNode node) {
        Input input = Input.of(node);
        return Tables.of(DType.I16, DType.I16, x -> {
                    long v = input.scaled(x);
                    long sum = interpolated(Math.abs(v), 8, 0xffffL << 8);
                    long result = v >= 0 ? sum - (1 << 23) + (1 << 7) : -sum + (1 << 23) + (1 << 7) - 1;
                    return result >> 8;
                })
                .expansion();
    }

    private static long interpolated(long magnitude, int bits, long beyond) {
        int i = (int) Math.min(PLACES - 1, magnitude >> bits);
        if (i == PLACES - 1) return beyond;
        long rest = magnitude & (1 << bits) - 1;
        return ((long) LOGISTIC[i] << bits) + rest * (LOGISTIC[i + 1] - LOGISTIC[i]);
    }

    /** The operand in units of 1 / (24 * 512). */
    private record Input(long multiplier, int shift) {
        static Input of(OperatorNode node) {
            Quantization q = node.inputScale(0);
            node.require(node.outputType(0) == DType.I16, "the result is not i16");
            double log = Math.log(q.scale(0)) / Math.log(2);
            double whole = Math.rint(log);
            // Q3.12 is the plain case.
            if (Math.abs(log - whole) < 1e-3 && whole >= -12 && whole <= 3) {
                return new Input(3L << (int) whole + 12, 0);
            }
            double multiplier = (double) q.scale(0) * 4096 * 3;
            int shift = 0;
            while (multiplier <= 32767.0 / 2 && shift <= 30) {
                shift++;
                multiplier *= 2;
            }
            return new Input((long) multiplier, shift);
        }

        long scaled(long x) {
            long round = shift > 0 ? 1L << shift - 1 : 0;
            return x * multiplier + round >> shift;
        }
    }
}
