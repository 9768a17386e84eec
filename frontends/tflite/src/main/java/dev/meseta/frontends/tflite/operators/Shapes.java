package dev.meseta.frontends.tflite.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.LoweringContext;
import java.util.Arrays;
import java.util.List;

/** What many operators need to move elements: axes counted from either end, operands that are lists of numbers, cuts. */
final class Shapes {
    private Shapes() {}

    /** An axis in [0, rank) from one in [-rank, rank). */
    static int axis(LoweringContext c, long axis, int rank) {
        c.require(axis >= -rank && axis < rank, "axis " + axis + " is outside [" + -rank + ", " + (rank - 1) + "]");
        return (int) (axis < 0 ? axis + rank : axis);
    }

    /** The numbers of an operand that decides shapes. */
    static long[] integers(LoweringContext c, int operand) {
        Tensor t = c.constant(operand);
        c.require(t.dtype().isInteger(), "operand " + operand + " is " + t.type() + ", expected integers");
        c.require(t.elements() <= 1 << 16, "operand " + operand + " is " + t.type() + ", which decides a shape");
        return t.toLongs();
    }

    /** The only number of an operand that decides shapes. */
    static long integer(LoweringContext c, int operand) {
        long[] v = integers(c, operand);
        c.require(v.length == 1, "operand " + operand + " has " + v.length + " elements, expected one");
        return v[0];
    }

    /** The axes that an operand names, ascending. */
    static List<Integer> axes(LoweringContext c, int operand, int rank) {
        return Arrays.stream(integers(c, operand))
                .mapToObj(a -> axis(c, a, rank))
                .distinct()
                .sorted()
                .toList();
    }

    /** An operand of extents, none of them negative. */
    static List<Dim> dims(LoweringContext c, int operand) {
        for (long d : integers(c, operand)) c.require(d >= 0, "operand " + operand + " has the extent " + d);
        return c.dims(operand);
    }

    static Value unsqueeze(GraphBuilder b, Value x, int axis) {
        return b.reshape(x, x.shape().insert(axis, Dim.of(1)));
    }

    static Shape shape(List<Dim> dims) {
        return Shape.of(dims);
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

    /** A dim and a number of elements more. */
    static Dim plus(Dim d, long more) {
        return more == 0 ? d : d.derive(d.extent() + more, "(" + d.term() + (more < 0 ? "" : "+") + more + ")");
    }

    static Value scalar(LoweringContext c, int operand) {
        Value v = c.operand(operand);
        c.require(v.shape().elements() == 1, "operand " + operand + " is " + v.type() + ", expected one element");
        return c.builder().reshape(v, Shape.SCALAR);
    }

    static Value zeros(GraphBuilder b, DType dtype, Shape shape) {
        return b.broadcast(b.scalar(dtype, 0L), shape);
    }
}
