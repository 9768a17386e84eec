package dev.meseta.tests.tflite;

import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.tests.tflite.OneOperator.Scale;
import java.util.Random;

/** Random tensors, scales and choices, from one seed. */
record Draws(Random random) {
    int between(int low, int high) {
        return random.nextInt(low, high + 1);
    }

    boolean flag() {
        return random.nextBoolean();
    }

    @SafeVarargs
    final <T> T one(T... choices) {
        return choices[random.nextInt(choices.length)];
    }

    long[] shape(int rank, int most) {
        long[] s = new long[rank];
        for (int i = 0; i < rank; i++) s[i] = between(1, most);
        return s;
    }

    /** Integers over the whole of narrow types, small ones of wide types, floats around 0. */
    Tensor tensor(DType dtype, long... shape) {
        Tensor t = Tensor.allocate(dtype, Shape.of(shape));
        for (long i = 0; i < t.elements(); i++) {
            if (dtype.isFloat()) t.setDouble(i, random.nextGaussian() * 2);
            else if (dtype == DType.I32 || dtype == DType.I64 || dtype == DType.U32) t.setLong(i, between(-100, 100));
            else t.setLong(i, random.nextLong());
        }
        return t;
    }

    Tensor floats(double low, double high, long... shape) {
        Tensor t = Tensor.allocate(DType.F32, Shape.of(shape));
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, random.nextDouble(low, high));
        return t;
    }

    Tensor integers(DType dtype, int low, int high, long... shape) {
        Tensor t = Tensor.allocate(dtype, Shape.of(shape));
        for (long i = 0; i < t.elements(); i++) t.setLong(i, between(low, high));
        return t;
    }

    double real(double low, double high) {
        return Math.exp(random.nextDouble(Math.log(low), Math.log(high)));
    }

    /** A scale for a type: 16-bit ones have no zero point. */
    Scale scale(DType dtype) {
        return Scale.of(real(0.004, 0.2), zero(dtype));
    }

    int zero(DType dtype) {
        return switch (dtype) {
            case I8 -> between(-128, 127);
            case U8 -> between(0, 255);
            default -> 0;
        };
    }

    /** Scales along an axis, of weights without zero points. */
    Scale channels(int count, int axis, double low, double high) {
        float[] s = new float[count];
        for (int i = 0; i < count; i++) s[i] = (float) real(low, high);
        return new Scale(s, new long[count], axis);
    }

    DType bytes() {
        return one(DType.I8, DType.I8, DType.U8);
    }
}
