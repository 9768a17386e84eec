package dev.meseta.frontends.tflite.operators;

import dev.meseta.frontends.tflite.format.Quantization;
import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.function.LongUnaryOperator;

/**
 * A function of narrow integers as a table of its results, from the least operand to the greatest.
 *
 * @param results of as many elements as the operand's type has values
 */
record Tables(Tensor results) {
    static boolean isByte(DType t) {
        return t == DType.I8 || t == DType.U8;
    }

    /** A function of integers; what leaves the result's range is the nearest that does not. */
    static Tables of(DType from, DType to, LongUnaryOperator f) {
        Activation.Range all = Activation.all(from);
        Activation.Range range = Activation.all(to);
        Tensor t = Tensor.allocate(to, Shape.of(all.high() - all.low() + 1));
        for (long x = all.low(); x <= all.high(); x++) {
            t.setLong(x - all.low(), Math.clamp(f.applyAsLong(x), range.low(), range.high()));
        }
        return new Tables(t);
    }

    /** A function of the numbers that operand 0 stands for, in floats as TFLite computes it, rounded to the nearest, ties away from 0. */
    static Tables ofReal(OperatorNode node, DoubleUnaryOperator f) {
        Quantization x = node.inputScale(0);
        Quantization y = node.outputScale(0);
        float inverse = 1 / y.scale(0);
        return of(node.inputType(0), node.outputType(0), i -> {
            float number = x.scale(0) * (i - x.zeroPoint(0));
            float result = (float) f.applyAsDouble(number);
            return (long) FixedPoint.roundHalfAway(result * inverse) + y.zeroPoint(0);
        });
    }

    Lowering.Expand expansion() {
        return c -> List.of(of(c.builder(), c.operand(0)));
    }

    /** The function of x; that of bytes is a composite. */
    Value of(GraphBuilder b, Value x) {
        if (!isByte(x.dtype())) return lookUp(b, x);
        return Composites.of(b, Composites.table(results), List.of(x), (inner, in) -> lookUp(inner, in.getFirst()));
    }

    private Value lookUp(GraphBuilder b, Value x) {
        Value wide = b.cast(x, DType.I32);
        long least = Activation.all(x.dtype()).low();
        Value position = least == 0 ? wide : b.minus(wide, b.scalar(DType.I32, least));
        return b.add(new Op.Gather(0), b.constant(results), position);
    }

    /** The error function of x / sqrt(2), by its series near 0 and a continued fraction beyond. */
    static double erf(double x) {
        double z = Math.abs(x) * Math.sqrt(0.5);
        double result;
        if (z < 2.5) {
            double term = z;
            double sum = z;
            for (int n = 1; n < 80; n++) {
                term *= -z * z / n;
                sum += term / (2 * n + 1);
            }
            result = 2 / Math.sqrt(Math.PI) * sum;
        } else {
            double fraction = 0;
            for (int n = 60; n > 0; n--) fraction = n / 2.0 / (z + fraction);
            result = 1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction);
        }
        return Math.copySign(result, x);
    }
}
