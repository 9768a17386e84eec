package dev.meseta.graph;

import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Discrete Fourier transforms of rows, in the op set: short ones are products with cosines and sines, long ones are made of two shorter ones
 * (Cooley and Tukey, 1965).
 */
public final class FourierTransform {
    /** The longest transform that is one product, where there is another way. */
    private static final long DIRECT = 256;

    /** The largest prime factor of a length: the two matrices then take 2 GiB. */
    private static final long LARGEST_DIRECT = 1 << 14;

    private FourierTransform() {}

    /** Real and imaginary parts, of one shape and type; a null imaginary part is 0. */
    public record Complex(Value real, @Nullable Value imaginary) {
        /** The same of both parts. */
        public Complex map(UnaryOperator<Value> f) {
            return new Complex(f.apply(real), imaginary == null ? null : f.apply(imaginary));
        }
    }

    /**
     * The first {@code kept} places of each row's transform; the inverse one is divided by n. Throws {@link InvalidInputException} for a length with a
     * prime factor that is too large.
     *
     * @param x [rows, n]
     */
    public static Complex ofRows(GraphBuilder b, Complex x, Dim n, Dim kept, boolean inverse) {
        long factor = n.extent() <= DIRECT ? 1 : factor(n.extent());
        if (factor > 1) {
            Complex y = split(b, x, n, factor, inverse);
            return kept.equals(n) ? y : y.map(v -> b.slice(v, 1, 0, kept));
        }
        if (n.extent() > LARGEST_DIRECT)
            throw new InvalidInputException("a transform whose length has the prime factor " + n.extent()
                    + " is not possible; the limit is " + LARGEST_DIRECT + "; pad the signal to another length");
        DType type = x.real.dtype();
        double scale = inverse ? 1.0 / n.extent() : 1;
        return direct(
                b,
                x,
                matrix(type, n, kept, angle -> scale * Math.cos(angle)),
                matrix(type, n, kept, angle -> (inverse ? scale : -scale) * Math.sin(angle)));
    }

    /** The divisor of n that is nearest to its root from below; 1 for a prime. */
    private static long factor(long n) {
        for (long d = (long) Math.sqrt((double) n); d > 1; d--) if (n % d == 0) return d;
        return 1;
    }

    /** One product each with the matrices [n, kept] of cosines and of sines, which have a sign. */
    private static Complex direct(GraphBuilder b, Complex x, Tensor cosines, Tensor sines) {
        Value cos = b.constant(cosines);
        Value sin = b.constant(sines);
        Value real = product(b, x.real, cos);
        Value imaginary = product(b, x.real, sin);
        if (x.imaginary == null) return new Complex(real, imaginary);
        return new Complex(
                b.minus(real, product(b, x.imaginary, sin)), b.plus(imaginary, product(b, x.imaginary, cos)));
    }

    /** Of matrices. */
    public static Value product(GraphBuilder b, Value x, Value m) {
        return b.add(new Op.Contraction(List.of(), List.of(), List.of(1), List.of(0), x.dtype()), x, m);
    }

    /** f(2 pi j k / n) for j below n and k below kept. */
    private static Tensor matrix(DType type, Dim n, Dim kept, DoubleUnaryOperator f) {
        Tensor t = Tensor.allocate(type, Shape.of(List.of(n, kept)));
        for (long j = 0; j < n.extent(); j++)
            for (long k = 0; k < kept.extent(); k++)
                t.setDouble(j * kept.extent() + k, f.applyAsDouble(angle(j, k, n.extent())));
        return t;
    }

    /** 2 pi j k / n, reduced before it is rounded. */
    public static double angle(long j, long k, long n) {
        return 2 * Math.PI * (Math.multiplyExact(j, k) % n) / n;
    }

    /** n = p q: transforms of length p over every q-th element, turned by angles, then transforms of length q. */
    private static Complex split(GraphBuilder b, Complex x, Dim n, long factor, boolean inverse) {
        Dim rows = x.real.shape().dim(0);
        Dim p = Dim.of(factor);
        Dim q = Dim.of(n.extent() / factor);
        Complex z = x.map(v -> reshaped(b, b.transpose(reshaped(b, v, rows, p, q), 0, 2, 1), rows.times(q), p));
        z = ofRows(b, z, p, p, inverse).map(v -> reshaped(b, v, rows, q, p));
        DType type = x.real.dtype();
        Tensor cosines = Tensor.allocate(type, Shape.of(List.of(q, p)));
        Tensor sines = Tensor.allocate(type, Shape.of(List.of(q, p)));
        for (long j = 0; j < q.extent(); j++) {
            for (long k = 0; k < factor; k++) {
                double angle = angle(j, k, n.extent());
                cosines.setDouble(j * factor + k, Math.cos(angle));
                sines.setDouble(j * factor + k, inverse ? Math.sin(angle) : -Math.sin(angle));
            }
        }
        z = turned(b, z, b.constant(cosines), b.constant(sines))
                .map(v -> reshaped(b, b.transpose(v, 0, 2, 1), rows.times(p), q));
        // Place k of the first step and l of the second is place k + p l of the result.
        return ofRows(b, z, q, q, inverse)
                .map(v -> reshaped(b, b.transpose(reshaped(b, v, rows, p, q), 0, 2, 1), rows, n));
    }

    private static Value reshaped(GraphBuilder b, Value x, Dim... dims) {
        return b.reshape(x, Shape.of(List.of(dims)));
    }

    private static Complex turned(GraphBuilder b, Complex z, Value cosines, Value sines) {
        Value re = b.times(z.real, cosines);
        Value im = b.times(z.real, sines);
        if (z.imaginary == null) return new Complex(re, im);
        return new Complex(b.minus(re, b.times(z.imaginary, sines)), b.plus(im, b.times(z.imaginary, cosines)));
    }
}
