package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.frontends.tflite.operators.FixedPoint.Multiplier;
import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.quantized.QuantizedOp;
import java.util.List;
import java.util.stream.LongStream;

/** Softmax along the last axis. That of bytes is in fixed point, with integers alone. */
final class SoftmaxOperators {
    /** Integer bits of differences of logarithms. */
    private static final int DIFFERENCE_BITS = 5;

    /** Integer bits of sums of exponentials. */
    private static final int SUM_BITS = 12;

    /** Of logarithms of shares, in 1. */
    private static final int LOGARITHM_STEPS = 16;

    private SoftmaxOperators() {}

    static void register(Registry r) {
        r.expand("SOFTMAX", SoftmaxOperators::softmax);
        r.expand("LOG_SOFTMAX", SoftmaxOperators::logSoftmax);
    }

    /** Option: beta, a factor of the logarithms. */
    private static Lowering.Expand softmax(OperatorNode node) {
        float beta = node.options().real(0);
        DType t = node.inputType(0);
        if (t == DType.F32) {
            return c -> {
                GraphBuilder b = c.builder();
                Value x = c.operand(0);
                c.require(x.rank() >= 1, "the input is a scalar");
                List<Integer> last = List.of(x.rank() - 1);
                Value d = b.minus(x, b.reduce(ReduceKind.MAX, x, last, true));
                Value e = b.map(MapFunction.EXP, beta == 1 ? d : b.times(d, b.scalar(t, (double) beta)));
                return List.of(b.divide(e, b.reduce(ReduceKind.SUM, e, last, true)));
            };
        }
        if (t == DType.I16 && node.outputType(0) == t && node.isQuantized(0)) {
            WordSoftmax words = WordSoftmax.of(node.inputScale(0), beta);
            return c -> {
                c.require(c.type(0).rank() >= 1, "the input is a scalar");
                return List.of(words.shares(c.builder(), c.operand(0)));
            };
        }
        if (!Tables.isByte(t) || !node.isQuantized(0)) throw node.unsupportedTypes();
        DType y = node.outputType(0);
        if (y != t && y != DType.I16) throw node.unsupportedTypes();
        Exponentials e = Exponentials.of(node.inputScale(0), beta);
        return c -> {
            c.require(c.type(0).rank() >= 1, "the input is a scalar");
            return List.of(Composites.of(c, e.named(y), new int[] {0}, in -> e.shares(in.builder(), in.operand(0), y)));
        };
    }

    private static Lowering.Expand logSoftmax(OperatorNode node) {
        DType t = node.inputType(0);
        if (Tables.isByte(t) && node.outputType(0) == t && node.isQuantized(0)) {
            float scale = node.outputScale(0).scale(0);
            node.require(scale == 1f / LOGARITHM_STEPS, "the result's scale is " + scale + ", expected 1/16");
            LogarithmOfSum logarithm = new LogarithmOfSum(node, Exponentials.of(node.inputScale(0), 1));
            return c -> {
                c.require(c.type(0).rank() >= 1, "the input is a scalar");
                return List.of(logarithm.shares(c.builder(), c.operand(0)));
            };
        }
        if (t != DType.F32) throw node.unsupportedTypes();
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            c.require(x.rank() >= 1, "the input is a scalar");
            List<Integer> last = List.of(x.rank() - 1);
            Value d = b.minus(x, b.reduce(ReduceKind.MAX, x, last, true));
            Value sum = b.reduce(ReduceKind.SUM, b.map(MapFunction.EXP, d), last, true);
            return List.of(b.minus(d, b.map(MapFunction.LOG, sum)));
        };
    }

    /** Of so many bits, 32 or 63; x is positive. */
    static Value leadingZeros(GraphBuilder b, Value x, int bits) {
        Value n = b.scalar(DType.I64, 0L);
        Value v = x;
        for (int step = Integer.highestOneBit(bits - 1); step >= 1; step /= 2) {
            Value low = b.map(MapFunction.LT, v, b.scalar(DType.I64, 1L << bits - step));
            Value shift = b.select(low, b.scalar(DType.I64, (long) step), b.scalar(DType.I64, 0L));
            n = b.plus(n, shift);
            v = b.map(MapFunction.SHIFT_LEFT, v, shift);
        }
        return n;
    }

    /**
     * Exponentials of the differences of bytes, 0 to -255, with 31 fraction bits: 0 for those that are too small to count.
     *
     * @param table by the difference's magnitude, I32
     */
    private record Exponentials(Tensor table) {
        static Exponentials of(Quantization q, float beta) {
            double real =
                    Math.min((double) beta * q.scale(0) * (1L << 31 - DIFFERENCE_BITS), (double) ((1L << 31) - 1));
            Multiplier m = Multiplier.of(real);
            int shift = Math.max(0, m.shift());
            double radius = ((1 << DIFFERENCE_BITS) - 1.0) * (1L << 31 - DIFFERENCE_BITS) / (1L << shift);
            int least = -(int) Math.floor(radius);
            Tensor t = Tensor.allocate(DType.I32, Shape.of(256));
            for (int i = 0; i < 256; i++) {
                if (-i < least) continue;
                long scaled = (((long) (int) ((long) -i << shift)) * m.mantissa() + (1L << 30)) >> 31;
                t.setLong(i, GemmlowpExponential.ofNegative(scaled));
            }
            return new Exponentials(t);
        }

        QuantizedOp named(DType result) {
            Activation.Range range = Activation.all(result);
            List<Long> exponentials =
                    LongStream.range(0, 256).map(table::getLong).boxed().toList();
            return new QuantizedOp.Softmax(exponentials, Composites.clamp(range.low(), range));
        }

        /** Each exponential's share of their sum, as integers of a scale of 1 / 2^bits. */
        Value shares(GraphBuilder b, Value x, DType result) {
            List<Integer> last = List.of(x.rank() - 1);
            Value wide = b.cast(x, DType.I32);
            Value difference = b.minus(b.reduce(ReduceKind.MAX, wide, last, true), wide);
            Value e = b.add(new Op.Gather(0), b.constant(table), difference);
            Value terms = FixedPoint.divideByPower(b, e, SUM_BITS);
            Value sum = b.cast(b.cast(b.reduce(ReduceKind.SUM, terms, last, true), DType.I32), DType.I64);
            Value headroom = leadingZeros(b, sum, 32);
            Value reciprocal = reciprocal(b, b.map(MapFunction.SHIFT_LEFT, sum, headroom));
            // Bits of the sum above 1, and those of the result below 31.
            Value exponent = b.minus(b.scalar(DType.I64, (long) SUM_BITS + 31 - result.bits()), headroom);
            Value product = FixedPoint.product31(b, reciprocal, e);
            Value half = b.map(
                    MapFunction.SHIFT_RIGHT,
                    b.map(MapFunction.SHIFT_LEFT, b.scalar(DType.I64, 1L), exponent),
                    b.scalar(DType.I64, 1L));
            Value rounded = b.map(MapFunction.SHIFT_RIGHT, b.plus(product, half), exponent);
            Activation.Range range = Activation.all(result);
            return FixedPoint.narrow(b, rounded, (int) range.low(), range, result);
        }

        /** 1 / (1 + f) with 31 fraction bits, where x is 1 + f with 31: by three steps of Newton's method. */
        private static Value reciprocal(GraphBuilder b, Value x) {
            Value f = b.minus(x, b.scalar(DType.I64, 1L << 31));
            // Half of 1 + f, rounded; then 1 / that, with two integer bits.
            Value half = halfSum(b, f);
            Value y = b.plus(
                    FixedPoint.product31(b, half, b.scalar(DType.I64, -1010580540L)), b.scalar(DType.I64, 1515870810L));
            for (int i = 0; i < 3; i++) {
                Value error = b.minus(b.scalar(DType.I64, 1L << 29), FixedPoint.product31(b, half, y));
                Value step = b.map(MapFunction.SHIFT_LEFT, FixedPoint.product31(b, y, error), b.scalar(DType.I64, 2L));
                y = b.plus(y, saturated(b, step));
            }
            return saturated(b, b.map(MapFunction.SHIFT_LEFT, y, b.scalar(DType.I64, 1L)));
        }

        private static Value halfSum(GraphBuilder b, Value f) {
            Value sum = b.plus(f, b.scalar(DType.I64, (1L << 31) - 1));
            return b.map(MapFunction.SHIFT_RIGHT, b.plus(sum, b.scalar(DType.I64, 1L)), b.scalar(DType.I64, 1L));
        }

        private static Value saturated(GraphBuilder b, Value x) {
            return b.map(MapFunction.CLAMP, x, b.scalar(DType.I64, (long) Integer.MIN_VALUE), b.scalar(DType.I64, (long)
                    Integer.MAX_VALUE));
        }
    }

    /** Logarithms of shares of bytes: exponentials are those of softmax, the logarithm of their sum is interpolated between 513 places. */
    private record LogarithmOfSum(OperatorNode node, Exponentials exponentials) {
        private static final int PLACE_BITS = 9;
        private static final int BETWEEN_BITS = 15;
        /** Fraction bits of logarithms to the base 2, and of the factors to the result's steps. */
        private static final int LOGARITHM_BITS = 30;

        private static final int FACTOR_BITS = 20;
        private static final Tensor LOGARITHMS = logarithms();

        private static Tensor logarithms() {
            Tensor t = Tensor.allocate(DType.I64, Shape.of((1 << PLACE_BITS) + 1));
            for (int i = 0; i < t.elements(); i++)
                t.setLong(
                        i,
                        Math.round(Math.log1p(Math.scalb((double) i, -PLACE_BITS))
                                / Math.log(2)
                                * (1L << LOGARITHM_BITS)));
            return t;
        }

        Value shares(GraphBuilder b, Value x) {
            List<Integer> last = List.of(x.rank() - 1);
            Value wide = b.cast(x, DType.I32);
            Value difference = b.minus(b.reduce(ReduceKind.MAX, wide, last, true), wide);
            Value e = b.cast(b.add(new Op.Gather(0), b.constant(exponentials.table), difference), DType.I64);
            Value logarithm = logarithm(b, b.reduce(ReduceKind.SUM, e, last, true));
            // Exponentials have 31 fraction bits.
            Value beyond = b.minus(logarithm, b.scalar(DType.I64, 31L << LOGARITHM_BITS));
            long perBit = Math.round(Math.log(2) * LOGARITHM_STEPS * (1 << FACTOR_BITS));
            long perStep = Math.round((double) node.inputScale(0).scale(0) * LOGARITHM_STEPS * (1 << FACTOR_BITS));
            Value ofSum = shifted(b, b.times(beyond, b.scalar(DType.I64, perBit)), LOGARITHM_BITS);
            Value steps = b.plus(b.times(b.cast(difference, DType.I64), b.scalar(DType.I64, perStep)), ofSum);
            DType t = x.dtype();
            return FixedPoint.narrow(
                    b,
                    b.neg(shifted(b, steps, FACTOR_BITS)),
                    node.outputScale(0).zeroPoint(0),
                    Activation.all(t),
                    t);
        }

        /** To the base 2. */
        private static Value logarithm(GraphBuilder b, Value x) {
            Value zeros = leadingZeros(b, x, 63);
            Value whole = b.map(MapFunction.SHIFT_LEFT, x, zeros);
            Value place = b.minus(
                    b.map(MapFunction.SHIFT_RIGHT, whole, b.scalar(DType.I64, 62L - PLACE_BITS)),
                    b.scalar(DType.I64, 1L << PLACE_BITS));
            Value between = b.map(
                    MapFunction.AND,
                    b.map(MapFunction.SHIFT_RIGHT, whole, b.scalar(DType.I64, 62L - PLACE_BITS - BETWEEN_BITS)),
                    b.scalar(DType.I64, (1L << BETWEEN_BITS) - 1));
            Value here = b.add(new Op.Gather(0), b.constant(LOGARITHMS), place);
            Value next = b.add(new Op.Gather(0), b.constant(LOGARITHMS), b.plus(place, b.scalar(DType.I64, 1L)));
            Value fraction = b.plus(here, shifted(b, b.times(b.minus(next, here), between), BETWEEN_BITS));
            Value exponent = b.minus(b.scalar(DType.I64, 62L), zeros);
            return b.plus(
                    b.map(MapFunction.SHIFT_LEFT, exponent, b.scalar(DType.I64, (long) LOGARITHM_BITS)), fraction);
        }

        /** Over 2^bits to the nearest, ties upwards. */
        private static Value shifted(GraphBuilder b, Value x, int bits) {
            return b.map(
                    MapFunction.SHIFT_RIGHT, b.plus(x, b.scalar(DType.I64, 1L << bits - 1)), b.scalar(DType.I64, (long)
                            bits));
        }
    }
}
