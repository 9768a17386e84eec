package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Value;

/** The function that many operators apply to their results. */
enum Activation {
    NONE,
    RELU,
    RELU_N1_TO_1,
    RELU6,
    TANH,
    RELU_0_TO_1;

    /**
     * What the integers of a result may be.
     *
     * @param low the least
     * @param high the greatest
     */
    record Range(long low, long high) {}

    /** The choice of an operator's options. */
    static Activation of(OperatorNode node, int field) {
        return of(node, (long) node.options().choice(field));
    }

    static Activation of(OperatorNode node, long choice) {
        if (choice < 0 || choice > 4) throw node.error("activation function " + choice + " is not supported");
        return values()[(int) choice];
    }

    private double least() {
        return switch (this) {
            case RELU, RELU6, RELU_0_TO_1 -> 0;
            case RELU_N1_TO_1 -> -1;
            case NONE, TANH -> Double.NEGATIVE_INFINITY;
        };
    }

    private double greatest() {
        return switch (this) {
            case RELU6 -> 6;
            case RELU_N1_TO_1, RELU_0_TO_1 -> 1;
            case NONE, RELU, TANH -> Double.POSITIVE_INFINITY;
        };
    }

    /** The function of floats, or of integers without a scale. */
    Value apply(GraphBuilder b, Value x) {
        if (this == TANH) return b.map(MapFunction.TANH, x);
        Value y = x;
        if (least() != Double.NEGATIVE_INFINITY) y = b.max(y, b.scalar(x.dtype(), least()));
        return greatest() == Double.POSITIVE_INFINITY ? y : b.min(y, b.scalar(x.dtype(), greatest()));
    }

    /** The integers of a quantised result that stand for numbers in the function's range. */
    Range range(OperatorNode node, Quantization q, DType dtype) {
        if (this == TANH) throw node.error("tanh as activation function of integers is not supported");
        Range all = all(dtype);
        long low = least() == Double.NEGATIVE_INFINITY ? all.low() : Math.max(all.low(), quantize(q, least()));
        long high = greatest() == Double.POSITIVE_INFINITY ? all.high() : Math.min(all.high(), quantize(q, greatest()));
        return new Range(low, high);
    }

    private static long quantize(Quantization q, double x) {
        return q.zeroPoint(0) + FixedPoint.roundHalfAway((float) x / q.scale(0));
    }

    /** Every integer of a type. */
    static Range all(DType dtype) {
        int bits = dtype.bits();
        return dtype == DType.U8 || dtype == DType.U16
                ? new Range(0, (1L << bits) - 1)
                : new Range(-(1L << (bits - 1)), (1L << (bits - 1)) - 1);
    }
}
