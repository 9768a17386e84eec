package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Fourier transforms, by products with matrices of cosines and sines; long ones in steps (Cooley and Tukey, 1965). */
final class SignalOperators {
    /** The longest transform that is one product. */
    private static final long DIRECT = 256;

    /** The largest prime factor of a length: the two matrices then take 2 GiB. */
    private static final long LARGEST_DIRECT = 1 << 14;

    private SignalOperators() {}

    static void register(Registry r) {
        r.expand("DFT", 17, node -> {
            long axis = node.attributes().integer("axis", 1);
            return dft(node, c -> axis);
        });
        r.expand("DFT", 20, node -> dft(node, c -> c.has(2) ? Shorthand.oneLong(c, 2, "axis") : -2));
        r.expand("STFT", 17, SignalOperators::stft);
    }

    /** Real and imaginary part, [rows, n]. A null imaginary part is 0. */
    record Complex(Value real, @Nullable Value imaginary) {}

    private interface AxisOf {
        long of(LoweringContext c);
    }

    private static Lowering.Expand dft(OperatorNode node, AxisOf axisOf) {
        boolean inverse = node.attributes().flag("inverse", false);
        boolean oneSided = node.attributes().flag("onesided", false);
        return c -> {
            Value x = c.operand(0);
            int axis = Shorthand.axis(c, axisOf.of(c), x.rank());
            c.require(
                    x.rank() >= 2
                            && axis < x.rank() - 1
                            && (x.extent(x.rank() - 1) == 1 || x.extent(x.rank() - 1) == 2),
                    "the input must have signal axes and a last axis of 1 or 2, found " + x.type() + ", axis " + axis);
            Dim extent = x.shape().dim(axis);
            Dim n = extent;
            if (c.has(1)) n = Dim.of(Shorthand.oneLong(c, 1, "dft_length"));
            else if (inverse && oneSided) n = extent.derive(2 * (extent.extent() - 1), "(2*(" + extent.term() + "-1))");
            c.require(n.extent() >= 1, "dft_length " + n.extent() + " must be 1 or more");
            return List.of(transform(c.builder(), x, axis, n, inverse, oneSided));
        };
    }

    /** A transform of x [.., axis, .., 1 or 2]. */
    static Value transform(GraphBuilder b, Value x, int axis, Dim n, boolean inverse, boolean oneSided) {
        int last = x.rank() - 1;
        // The transformed axis next to the last.
        int[] order = new int[x.rank()];
        int[] back = new int[x.rank()];
        int at = 0;
        for (int i = 0; i < last; i++) if (i != axis) order[at++] = i;
        order[at++] = axis;
        order[at] = last;
        for (int i = 0; i < order.length; i++) back[order[i]] = i;
        Value v = Shorthand.wide(b, b.transpose(x, order));
        boolean complex = x.extent(last) == 2;
        Shape outer = Shape.of(v.shape().dims().subList(0, last - 1));
        Dim rows = Shorthand.product(outer.dims());
        boolean toReal = inverse && oneSided;
        Dim half = n.derive(n.extent() / 2 + 1, "(" + n.term() + "/2+1)");
        v = fit(b, v, last - 1, toReal ? half : n);
        Dim width = v.shape().dim(last - 1);
        Value real = b.reshape(b.select(v, last, 0), Shorthand.shape(rows, width));
        Value imaginary = complex ? b.reshape(b.select(v, last, 1), Shorthand.shape(rows, width)) : null;
        Value y;
        if (toReal) {
            y = Shorthand.unsqueeze(b, toReal(b, new Complex(real, imaginary), n), 2);
        } else {
            Dim kept = oneSided ? half : n;
            Complex z = fourier(b, new Complex(real, imaginary), n, kept, inverse);
            Value im = z.imaginary == null ? Shorthand.zeros(b, z.real.dtype(), z.real.shape()) : z.imaginary;
            y = b.concat(2, Shorthand.unsqueeze(b, z.real, 2), Shorthand.unsqueeze(b, im, 2));
        }
        Shape result =
                outer.insert(last - 1, y.shape().dim(1)).insert(last, y.shape().dim(2));
        return b.cast(b.transpose(b.reshape(y, result), back), x.dtype());
    }

    /** The axis cut or filled with zeros to an extent. */
    private static Value fit(GraphBuilder b, Value x, int axis, Dim n) {
        long missing = n.extent() - x.extent(axis);
        if (missing == 0) return x;
        return missing > 0 ? Shorthand.pad(b, x, axis, 0, missing, 0) : b.slice(x, axis, 0, n);
    }

    /** The first {@code kept} places of the transform of [rows, n]; the inverse one is divided by n. */
    static Complex fourier(GraphBuilder b, Complex x, Dim n, Dim kept, boolean inverse) {
        long factor = n.extent() <= DIRECT ? 1 : factor(n.extent());
        Complex y = factor == 1 ? direct(b, x, n, kept, inverse) : split(b, x, n, factor, inverse);
        if (factor != 1 && !kept.equals(n))
            y = new Complex(
                    b.slice(y.real, 1, 0, kept),
                    b.slice(java.util.Objects.requireNonNull(y.imaginary, "transforms are complex"), 1, 0, kept));
        return y;
    }

    /** The divisor of n that is nearest to its root from below; 1 for a prime. */
    private static long factor(long n) {
        for (long d = (long) Math.sqrt((double) n); d > 1; d--) if (n % d == 0) return d;
        return 1;
    }

    /** One product each with cosines and sines. */
    private static Complex direct(GraphBuilder b, Complex x, Dim n, Dim kept, boolean inverse) {
        if (n.extent() > LARGEST_DIRECT)
            throw new InvalidInputException("a transform whose length has the prime factor " + n.extent()
                    + " is not possible; the limit is " + LARGEST_DIRECT + "; pad the signal to another length");
        DType type = x.real.dtype();
        double sign = inverse ? 1 : -1;
        Value cosines = b.constant(matrix(type, n, kept, inverse, Math::cos, 1));
        Value sines = b.constant(matrix(type, n, kept, inverse, Math::sin, sign));
        Value rr = product(b, x.real, cosines);
        Value ri = product(b, x.real, sines);
        if (x.imaginary == null) return new Complex(rr, ri);
        Value ii = product(b, x.imaginary, sines);
        Value ir = product(b, x.imaginary, cosines);
        return new Complex(b.minus(rr, ii), b.plus(ri, ir));
    }

    private static Value product(GraphBuilder b, Value x, Value m) {
        return b.add(new Op.Contraction(List.of(), List.of(), List.of(1), List.of(0), x.dtype()), x, m);
    }

    /** f(2 pi j k / n) for j below n and k below kept, divided by n for an inverse. */
    private static Tensor matrix(
            DType type, Dim n, Dim kept, boolean inverse, java.util.function.DoubleUnaryOperator f, double sign) {
        Tensor t = Tensor.allocate(type, Shorthand.shape(n, kept));
        long size = n.extent();
        double scale = inverse ? sign / size : sign;
        for (long j = 0; j < size; j++)
            for (long k = 0; k < kept.extent(); k++)
                t.setDouble(j * kept.extent() + k, scale * f.applyAsDouble(angle(j, k, size)));
        return t;
    }

    /** 2 pi j k / n, reduced before it is rounded. */
    private static double angle(long j, long k, long n) {
        return 2 * Math.PI * (Math.multiplyExact(j, k) % n) / n;
    }

    /** n = p q: transforms of length p over every q-th element, turned by twiddle factors, then transforms of length q. */
    private static Complex split(GraphBuilder b, Complex x, Dim n, long p, boolean inverse) {
        Dim rows = x.real.shape().dim(0);
        Dim first = Dim.of(p);
        Dim second = Dim.of(n.extent() / p);
        // [rows, p, q] to [rows * q, p]
        Complex z =
                map(x, v -> Shorthand.merge(b, b.transpose(Shorthand.split(b, v, 1, first, second), 0, 2, 1), 0, 2));
        z = fourier(b, z, first, first, inverse);
        z = map(z, v -> Shorthand.split(b, v, 0, rows, second));
        // [rows, q, p]: places j of the second step and k of the first turn by jk.
        Tensor cosines = Tensor.allocate(z.real.dtype(), Shorthand.shape(second, first));
        Tensor sines = Tensor.allocate(z.real.dtype(), Shorthand.shape(second, first));
        for (long j = 0; j < second.extent(); j++) {
            for (long k = 0; k < p; k++) {
                double angle = angle(j, k, n.extent());
                cosines.setDouble(j * p + k, Math.cos(angle));
                sines.setDouble(j * p + k, inverse ? Math.sin(angle) : -Math.sin(angle));
            }
        }
        z = times(b, z, b.constant(cosines), b.constant(sines));
        // [rows, q, p] to [rows * p, q]
        z = map(z, v -> Shorthand.merge(b, b.transpose(v, 0, 2, 1), 0, 2));
        z = fourier(b, z, second, second, inverse);
        // [rows, p, q]: the result's place is k + p * l.
        return map(
                z,
                v -> b.reshape(b.transpose(Shorthand.split(b, v, 0, rows, first), 0, 2, 1), Shorthand.shape(rows, n)));
    }

    private static Complex map(Complex x, java.util.function.UnaryOperator<Value> f) {
        return new Complex(f.apply(x.real), x.imaginary == null ? null : f.apply(x.imaginary));
    }

    private static Complex times(GraphBuilder b, Complex z, Value cosines, Value sines) {
        if (z.imaginary == null) return new Complex(b.times(z.real, cosines), b.times(z.real, sines));
        return new Complex(
                b.minus(b.times(z.real, cosines), b.times(z.imaginary, sines)),
                b.plus(b.times(z.real, sines), b.times(z.imaginary, cosines)));
    }

    /** The real signal of length n whose one-sided spectrum [rows, n / 2 + 1] this is. */
    private static Value toReal(GraphBuilder b, Complex x, Dim n) {
        DType type = x.real.dtype();
        long size = n.extent();
        Dim half = x.real.shape().dim(1);
        Tensor cosines = Tensor.allocate(type, Shorthand.shape(half, n));
        Tensor sines = Tensor.allocate(type, Shorthand.shape(half, n));
        for (long k = 0; k < half.extent(); k++) {
            // Every place but the first, and the middle one of an even length, stands for two.
            double weight = (k == 0 || 2 * k == size ? 1.0 : 2.0) / size;
            for (long j = 0; j < size; j++) {
                double angle = angle(j, k, size);
                cosines.setDouble(k * size + j, weight * Math.cos(angle));
                sines.setDouble(k * size + j, 2 * k == size ? 0 : -weight * Math.sin(angle));
            }
        }
        Value y = product(b, x.real, b.constant(cosines));
        return x.imaginary == null ? y : b.plus(y, product(b, x.imaginary, b.constant(sines)));
    }

    /** Operands: signal [B, L, 1 or 2] (or [B, L]), frame step, window, frame length; the last two optional. */
    private static Lowering.Expand stft(OperatorNode node) {
        boolean oneSided = node.attributes().flag("onesided", true);
        return c -> {
            GraphBuilder b = c.builder();
            Value x = c.operand(0);
            if (x.rank() == 2) x = Shorthand.unsqueeze(b, x, 2);
            c.require(
                    x.rank() == 3 && (x.extent(2) == 1 || x.extent(2) == 2),
                    "the signal must be [B, L, 1] or [B, L, 2], found " + c.type(0));
            long step = Shorthand.oneLong(c, 1, "frame_step");
            long frame = c.has(3)
                    ? Shorthand.oneLong(c, 3, "frame_length")
                    : c.has(2) ? c.operand(2).extent(0) : x.extent(1);
            long length = x.extent(1);
            c.require(
                    step >= 1 && frame >= 1 && frame <= length,
                    "frame_step " + step + " and frame_length " + frame + " do not fit a signal of " + length);
            c.require(!oneSided || x.extent(2) == 1, "a complex signal has no one-sided transform");
            Dim d = x.shape().dim(1);
            Dim frames = d.derive((length - frame) / step + 1, "frames(" + d.term() + ")");
            Tensor places = Tensor.allocate(DType.I64, Shorthand.shape(frames, Dim.of(frame)));
            for (long i = 0; i < frames.extent(); i++)
                for (long j = 0; j < frame; j++) places.setLong(i * frame + j, i * step + j);
            Value framed = b.add(new Op.Gather(1), x, b.constant(places));
            if (c.has(2)) {
                Value window = c.operand(2);
                c.require(
                        window.rank() == 1 && window.extent(0) == frame,
                        "the window must have " + frame + " elements, found " + window.type());
                framed = b.times(framed, Shorthand.along(b, window, 2, 4));
            }
            return List.of(transform(b, framed, 2, Dim.of(frame), false, oneSided));
        };
    }
}
