package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/** Small pieces of graph that several families of operators need. */
final class Shorthand {
    private Shorthand() {}

    /** The number as a scalar of the value's element type. */
    static Value like(GraphBuilder b, Value x, double number) {
        return b.scalar(x.dtype(), number);
    }

    static Value sqrt(GraphBuilder b, Value x) {
        return b.map(MapFunction.SQRT, x);
    }

    static Value exp(GraphBuilder b, Value x) {
        return b.map(MapFunction.EXP, x);
    }

    static Value sigmoid(GraphBuilder b, Value x) {
        return b.map(MapFunction.SIGMOID, x);
    }

    /** x as F32 if it is a narrower float, else x. */
    static Value wide(GraphBuilder b, Value x) {
        return b.cast(x, x.dtype().computeType());
    }

    /** Arithmetic mean over axes. */
    static Value mean(GraphBuilder b, Value x, List<Integer> axes, boolean keep) {
        double n = 1;
        for (int a : axes) n *= x.extent(a);
        return b.divide(b.reduce(ReduceKind.SUM, x, axes, keep), like(b, x, n));
    }

    /** softmax along the last axis in the element type of x. */
    static Value softmax(GraphBuilder b, Value x) {
        List<Integer> last = List.of(x.rank() - 1);
        Value e = exp(b, b.minus(x, b.reduce(ReduceKind.MAX, x, last, true)));
        return b.divide(e, b.reduce(ReduceKind.SUM, e, last, true));
    }

    /** An axis counted from the front. */
    static int axis(LoweringContext c, long axis, int rank) {
        c.require(axis >= -rank && axis < rank, "axis " + axis + " is outside [-" + rank + ", " + (rank - 1) + "]");
        return (int) (axis < 0 ? axis + rank : axis);
    }

    static List<Integer> axes(int from, int to) {
        return IntStream.range(from, to).boxed().toList();
    }

    /** A new axis of extent 1. */
    static Value unsqueeze(GraphBuilder b, Value x, int axis) {
        return b.reshape(x, x.shape().insert(axis, Dim.of(1)));
    }

    /** A vector along one axis of something of a rank, 1 on the others. */
    static Value along(GraphBuilder b, Value vector, int axis, int rank) {
        List<Dim> dims = new ArrayList<>(Collections.nCopies(rank, Dim.of(1)));
        dims.set(axis, vector.shape().dim(0));
        return b.reshape(vector, Shape.of(dims));
    }

    /** A tensor of one element as a scalar. */
    static Value scalar(LoweringContext c, Value x, String what) {
        c.require(x.shape().elements() == 1, what + " must have one element, found " + x.type());
        return c.builder().reshape(x, Shape.SCALAR);
    }

    /** The only element of operand i, which decides shapes. */
    static long oneLong(LoweringContext c, int i, String what) {
        Tensor t = c.constant(i);
        c.require(t.elements() == 1, what + " must have one element, found " + t.type());
        return t.getLong(0);
    }

    static Value zeros(GraphBuilder b, DType dtype, Shape shape) {
        return b.broadcast(b.scalar(dtype, 0L), shape);
    }

    static Shape shape(Dim... dims) {
        return Shape.of(List.of(dims));
    }

    static Dim product(List<Dim> dims) {
        Dim p = Dim.of(1);
        for (Dim d : dims) p = p.times(d);
        return p;
    }

    /** An integer quotient of an extent. */
    static Dim over(Dim d, long divisor) {
        return divisor == 1 ? d : d.derive(d.extent() / divisor, "(" + d.term() + "/" + divisor + ")");
    }

    /** Axes [from, to) as one. */
    static Value merge(GraphBuilder b, Value x, int from, int to) {
        List<Dim> dims = new ArrayList<>(x.shape().dims().subList(0, from));
        dims.add(product(x.shape().dims().subList(from, to)));
        dims.addAll(x.shape().dims().subList(to, x.rank()));
        return b.reshape(x, Shape.of(dims));
    }

    /** One axis as several. */
    static Value split(GraphBuilder b, Value x, int axis, Dim... parts) {
        List<Dim> dims = new ArrayList<>(x.shape().dims());
        dims.remove(axis);
        dims.addAll(axis, List.of(parts));
        return b.reshape(x, Shape.of(dims));
    }

    /** Constant padding of one axis by an amount that may be negative. */
    static Value pad(GraphBuilder b, Value x, int axis, long low, long high, double number) {
        Value v = x;
        if (low < 0 || high < 0) {
            long cut = Math.max(0, -low) + Math.max(0, -high);
            Dim d = x.shape().dim(axis);
            v = b.slice(v, axis, Math.max(0, -low), d.derive(d.extent() - cut, "(" + d.term() + "-" + cut + ")"));
        }
        List<Long> lows = new ArrayList<>(Collections.nCopies(x.rank(), 0L));
        List<Long> highs = new ArrayList<>(lows);
        lows.set(axis, Math.max(0, low));
        highs.set(axis, Math.max(0, high));
        return b.add(new Op.Pad(lows, highs), v, like(b, x, number));
    }

    /** Each place of an axis several times in a row: h0, h0, h1, h1, … */
    static Value repeat(GraphBuilder b, Value x, int axis, long times) {
        if (times == 1) return x;
        Value u = unsqueeze(b, x, axis + 1);
        return merge(b, b.broadcast(u, u.shape().with(axis + 1, Dim.of(times))), axis, axis + 2);
    }

    /** A constant vector whose extent keeps its origin. */
    static Value vector(GraphBuilder b, DType dtype, Dim extent, java.util.function.LongToDoubleFunction element) {
        Tensor t = Tensor.allocate(new TensorType(dtype, shape(extent)));
        for (long i = 0; i < extent.extent(); i++) t.setDouble(i, element.applyAsDouble(i));
        return b.constant(t);
    }

    /** round(x * multiplier) + zero point, saturated: x integer sums, the multiplier F32 and of a shape that broadcasts. */
    static Value requantize(GraphBuilder b, Value sums, Value multiplier, Value zeroPoint) {
        return quantize(b, b.times(b.cast(sums, DType.F32), multiplier), b.scalar(DType.F32, 1.0), zeroPoint);
    }

    /** saturate(round(x / scale) + zero point) by scalars; the result has the zero point's type. */
    static Value quantize(GraphBuilder b, Value x, Value scale, Value zeroPoint) {
        return b.add(new Op.Quantize(0, zeroPoint.dtype()), x, scale, zeroPoint);
    }

    /** (x - zero point) * scale by scalars, in the scale's type. */
    static Value dequantize(GraphBuilder b, Value x, Value scale, Value zeroPoint) {
        return b.add(new Op.Dequantize(0, scale.dtype()), x, scale, zeroPoint);
    }
}
