package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.graph.DType;
import dev.meseta.graph.program.Lowering;

/**
 * The logistic function and the hyperbolic tangent of 16-bit integers: TFLite interpolates between 256 places of the logistic function,
 * 1/24 apart, since tanh(x) is 2 logistic(2x) - 1. As tables of all results.
 */
final class WordTables {
    private static final int[] LOGISTIC = new int[257];

    static {
        for (int i = 0; i < LOGISTIC.length; i++) {
            LOGISTIC[i] = (int) Math.min(65535, Math.rint(65536 / (1 + Math.exp(-i / 24.0))));
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
        int i = (int) Math.min(255, magnitude >> bits);
        if (i >= 255) return beyond;
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
