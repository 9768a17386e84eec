package dev.meseta.frontends.tflite.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Discrete Fourier transforms of rows in 32-bit floats, whose lengths are powers of two: short ones are products with cosines and sines, long
 * ones are made of two shorter ones (Cooley and Tukey, 1965).
 */
final class FourierTransform {
    /** The longest transform that is one product. */
    private static final long DIRECT = 512;

    private FourierTransform() {}

    /** Real and imaginary parts; a null imaginary part is 0. */
    record Complex(Value real, @Nullable Value imaginary) {
        Complex map(UnaryOperator<Value> f) {
            return new Complex(f.apply(real), imaginary == null ? null : f.apply(imaginary));
        }
    }

    /**
     * The first {@code kept} places of each row's transform.
     *
     * @param x [rows, n], with n a power of two
     */
    static Complex ofRows(GraphBuilder b, Complex x, long n, long kept) {
        if (n <= DIRECT) return direct(b, x, matrix(n, kept, Math::cos), matrix(n, kept, angle -> -Math.sin(angle)));
        Complex y = split(b, x, n);
        return y.map(v -> b.slice(v, 1, 0, kept));
    }

    /** One product each with the matrices [n, kept] of cosines and of sines, which have a sign. */
    static Complex direct(GraphBuilder b, Complex x, Tensor cosines, Tensor sines) {
        Value cos = b.constant(cosines);
        Value sin = b.constant(sines);
        Value real = product(b, x.real, cos);
        Value imaginary = product(b, x.real, sin);
        if (x.imaginary == null) return new Complex(real, imaginary);
        return new Complex(
                b.minus(real, product(b, x.imaginary, sin)), b.plus(imaginary, product(b, x.imaginary, cos)));
    }

    private static Value product(GraphBuilder b, Value x, Value m) {
        return b.add(new Op.Contraction(List.of(), List.of(), List.of(1), List.of(0), DType.F32), x, m);
    }

    /** f(2 pi j k / n) for j below n and k below kept. */
    private static Tensor matrix(long n, long kept, DoubleUnaryOperator f) {
        Tensor t = Tensor.allocate(DType.F32, Shape.of(n, kept));
        for (long j = 0; j < n; j++)
            for (long k = 0; k < kept; k++) t.setDouble(j * kept + k, f.applyAsDouble(angle(j, k, n)));
        return t;
    }

    /** 2 pi j k / n, reduced before it is rounded. */
    static double angle(long j, long k, long n) {
        return 2 * Math.PI * (j * k % n) / n;
    }

    /** n = p q: transforms of length p over every q-th element, turned by angles, then transforms of length q. */
    private static Complex split(GraphBuilder b, Complex x, long n) {
        long p = 1L << (63 - Long.numberOfLeadingZeros(n)) / 2;
        long q = n / p;
        long rows = x.real.extent(0);
        Complex z =
                x.map(v -> b.reshape(b.transpose(b.reshape(v, Shape.of(rows, p, q)), 0, 2, 1), Shape.of(rows * q, p)));
        z = ofRows(b, z, p, p).map(v -> b.reshape(v, Shape.of(rows, q, p)));
        Tensor cosines = Tensor.allocate(DType.F32, Shape.of(q, p));
        Tensor sines = Tensor.allocate(DType.F32, Shape.of(q, p));
        for (long j = 0; j < q; j++) {
            for (long k = 0; k < p; k++) {
                cosines.setDouble(j * p + k, Math.cos(angle(j, k, n)));
                sines.setDouble(j * p + k, -Math.sin(angle(j, k, n)));
            }
        }
        z = turned(b, z, b.constant(cosines), b.constant(sines));
        z = z.map(v -> b.reshape(b.transpose(v, 0, 2, 1), Shape.of(rows * p, q)));
        // Place k of the first step and l of the second is place k + p l of the result.
        return ofRows(b, z, q, q)
                .map(v -> b.reshape(b.transpose(b.reshape(v, Shape.of(rows, p, q)), 0, 2, 1), Shape.of(rows, n)));
    }

    private static Complex turned(GraphBuilder b, Complex z, Value cosines, Value sines) {
        Value re = b.times(z.real, cosines);
        Value im = b.times(z.real, sines);
        if (z.imaginary == null) return new Complex(re, im);
        return new Complex(b.minus(re, b.times(z.imaginary, sines)), b.plus(im, b.times(z.imaginary, cosines)));
    }
}
