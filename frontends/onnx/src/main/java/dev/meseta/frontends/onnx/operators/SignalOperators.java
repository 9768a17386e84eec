package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.FourierTransform;
import dev.meseta.graph.FourierTransform.Complex;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.List;

/** Fourier transforms. */
final class SignalOperators {
    private SignalOperators() {}

    static void register(Registry r) {
        r.expand("DFT", 17, node -> {
            long axis = node.attributes().integer("axis", 1);
            return dft(node, c -> axis);
        });
        r.expand("DFT", 20, node -> dft(node, c -> c.has(2) ? Shorthand.oneLong(c, 2, "axis") : -2));
        r.expand("STFT", 17, SignalOperators::stft);
    }

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
            Complex z = FourierTransform.ofRows(b, new Complex(real, imaginary), n, kept, inverse);
            Value im = z.imaginary() == null
                    ? Shorthand.zeros(b, z.real().dtype(), z.real().shape())
                    : z.imaginary();
            y = b.concat(2, Shorthand.unsqueeze(b, z.real(), 2), Shorthand.unsqueeze(b, im, 2));
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

    /** The real signal of length n whose one-sided spectrum [rows, n / 2 + 1] this is. */
    private static Value toReal(GraphBuilder b, Complex x, Dim n) {
        DType type = x.real().dtype();
        long size = n.extent();
        Dim half = x.real().shape().dim(1);
        Tensor cosines = Tensor.allocate(type, Shorthand.shape(half, n));
        Tensor sines = Tensor.allocate(type, Shorthand.shape(half, n));
        for (long k = 0; k < half.extent(); k++) {
            // Every place but the first, and the middle one of an even length, stands for two.
            double weight = (k == 0 || 2 * k == size ? 1.0 : 2.0) / size;
            for (long j = 0; j < size; j++) {
                double angle = FourierTransform.angle(j, k, size);
                cosines.setDouble(k * size + j, weight * Math.cos(angle));
                sines.setDouble(k * size + j, 2 * k == size ? 0 : -weight * Math.sin(angle));
            }
        }
        Value y = FourierTransform.product(b, x.real(), b.constant(cosines));
        if (x.imaginary() == null) return y;
        return b.plus(y, FourierTransform.product(b, x.imaginary(), b.constant(sines)));
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
