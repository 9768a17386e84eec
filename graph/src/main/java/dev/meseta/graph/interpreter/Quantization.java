package dev.meseta.graph.interpreter;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.meseta.graph.DType;
import dev.meseta.graph.FloatFormat;
import dev.meseta.graph.Op.Cast.Rounding;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;

/**
 * Between real numbers and their quantised codes. The arithmetic is in F32, rounded after every step as the specification says, or in
 * F64 where x, scale or result is F64: here the order of rounding decides about codes, so doubles are not used to be more exact.
 */
final class Quantization {
    private Quantization() {}

    static Tensor quantize(int axis, Tensor x, Tensor scale, Tensor zeroPoint, TensorType type) {
        boolean wide = x.dtype() == DType.F64 || scale.dtype() == DType.F64;
        DType to = type.dtype();
        double[] v = Elements.doubles(x);
        double[] scales = Elements.doubles(scale);
        Channels channels = Channels.of(axis, x, scale);
        if (to.isFloat()) {
            for (int i = 0; i < v.length; i++) v[i] = divide(v[i], scales[channels.of(i)], wide);
            return to.bits() >= 16 ? Elements.tensor(type, v) : narrow(v, type);
        }
        long[] zeros = Elements.longs(zeroPoint);
        long[] out = new long[v.length];
        for (int i = 0; i < out.length; i++) {
            int c = channels.of(i);
            double rounded = Math.rint(divide(v[i], scales[c], wide));
            double zero = to == DType.U64 ? Elements.unsignedToDouble(zeros[c]) : zeros[c];
            out[i] = Casts.floatToInteger(rounded + zero, to, Rounding.SATURATE);
        }
        return Elements.tensor(type, out);
    }

    private static double divide(double x, double scale, boolean wide) {
        return wide ? x / scale : (float) x / (float) scale;
    }

    private static Tensor narrow(double[] v, TensorType type) {
        Tensor t = Tensor.allocate(type);
        FloatFormat format = FloatFormat.of(type.dtype());
        for (int i = 0; i < v.length; i++) t.data().set(JAVA_BYTE, i, (byte) format.encode(v[i], true));
        return t;
    }

    static Tensor dequantize(int axis, Tensor x, Tensor scale, Tensor zeroPoint, TensorType type) {
        boolean wide = type.dtype() == DType.F64 || scale.dtype() == DType.F64;
        double[] v = Elements.doubles(x);
        double[] scales = Elements.doubles(scale);
        double[] zeros = Elements.doubles(zeroPoint);
        Channels channels = Channels.of(axis, x, scale);
        for (int i = 0; i < v.length; i++) {
            int c = channels.of(i);
            double difference = v[i] - zeros[c];
            v[i] = wide ? difference * scales[c] : (float) difference * (float) scales[c];
        }
        return Elements.tensor(type, v);
    }

    /** Which entry of the scale belongs to an element. */
    private record Channels(int inner, int count) {
        static Channels of(int axis, Tensor x, Tensor scale) {
            if (scale.shape().rank() == 0) return new Channels(1, 1);
            long inner = 1;
            for (int i = axis + 1; i < x.shape().rank(); i++) inner *= x.shape().extent(i);
            return new Channels((int) inner, (int) scale.elements());
        }

        int of(int element) {
            return element / inner % count;
        }
    }
}
