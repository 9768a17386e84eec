package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.LoweringContext;
import dev.meseta.graph.program.OperatorDefinition;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** What many expansions need: axes counted from either end, products of dims, positions that may be negative, one-element operands. */
final class Expansions {
    private Expansions() {}

    /** A definition of one operand that is one scalar function. */
    static OperatorDefinition.Expansion<OperatorNode> unary(MapFunction f) {
        return node -> c -> List.of(c.builder().map(f, c.operand(0)));
    }

    /** A definition of one operand that is computed in F32 where the operand is a narrower float. */
    static OperatorDefinition.Expansion<OperatorNode> wide(
            java.util.function.BiFunction<GraphBuilder, Value, Value> f) {
        return node -> c -> List.of(inComputeType(c.builder(), c.operand(0), x -> f.apply(c.builder(), x)));
    }

    /** Applies f in the type that arithmetic on x is done in, and rounds the result back once. */
    static Value inComputeType(GraphBuilder b, Value x, UnaryOperator<Value> f) {
        return b.cast(f.apply(b.cast(x, x.dtype().computeType())), x.dtype());
    }

    /** The float type in which functions of an element type are computed: F64 where F32 does not hold its integers, else F32. */
    static DType floatFor(DType t) {
        if (t.isFloat()) return t.computeType();
        return t.bits() >= 32 ? DType.F64 : DType.F32;
    }

    /** An axis in [0, rank) from one in [-rank, rank). */
    static int axis(LoweringContext c, long axis, int rank) {
        if (axis < -rank || axis >= rank) {
            throw c.error("axis " + axis + " is outside [" + -rank + ", " + (rank - 1) + "] for rank " + rank);
        }
        return (int) (axis < 0 ? axis + rank : axis);
    }

    /** Axes in [0, rank), in the order given; none may occur twice. */
    static List<Integer> axes(LoweringContext c, long[] axes, int rank) {
        List<Integer> result = new ArrayList<>(axes.length);
        for (long a : axes) {
            int axis = axis(c, a, rank);
            if (result.contains(axis)) throw c.error("axis " + axis + " occurs twice in " + Arrays.toString(axes));
            result.add(axis);
        }
        return result;
    }

    static List<Integer> allAxes(int rank) {
        return IntStream.range(0, rank).boxed().toList();
    }

    static Dim product(List<Dim> dims) {
        Dim p = Dim.of(1);
        for (Dim d : dims) p = p.times(d);
        return p;
    }

    /** A dim times a number, with its symbol. */
    static Dim times(Dim d, long factor) {
        return d.times(Dim.of(factor));
    }

    /** A dim divided by a number that divides it, with its symbol. */
    static Dim over(Dim d, long divisor) {
        return divisor == 1 ? d : d.derive(d.extent() / divisor, "(" + d.term() + "/" + divisor + ")");
    }

    /** A shape with an axis of extent 1 at each place. */
    static Shape repeated(int rank, int axis, Dim dim) {
        List<Dim> dims = new ArrayList<>();
        for (int i = 0; i < rank; i++) dims.add(i == axis ? dim : Dim.of(1));
        return Shape.of(dims);
    }

    /** A vector laid along one axis of a tensor of the given rank; other axes have extent 1. */
    static Value along(GraphBuilder b, Value vector, int rank, int axis) {
        return b.reshape(vector, repeated(rank, axis, vector.shape().dim(0)));
    }

    /** Positions with the negative ones counted from the end, and wide enough to be positions. */
    static Value positions(GraphBuilder b, Value positions, long extent) {
        Value p = positions.dtype() == DType.I32 ? positions : b.cast(positions, DType.I64);
        Tensor known = b.known(p);
        if (known != null && noneNegative(known)) return p;
        Value zero = b.scalar(p.dtype(), 0L);
        return b.select(b.map(MapFunction.LT, p, zero), b.plus(p, b.scalar(p.dtype(), extent)), p);
    }

    private static boolean noneNegative(Tensor t) {
        long n = t.elements();
        for (long i = 0; i < n; i++) if (t.getLong(i) < 0) return false;
        return true;
    }

    static boolean isZero(Tensor t) {
        long n = t.elements();
        for (long i = 0; i < n; i++) if (t.getDouble(i) != 0) return false;
        return true;
    }

    /** A tensor of one element as a scalar; an error for more elements. */
    static Value scalar(LoweringContext c, Value v, String what) {
        if (v.shape().elements() != 1) throw c.error(what + " is " + v.type() + ", expected one element");
        return c.builder().reshape(v, Shape.SCALAR);
    }

    /** The one element of an operand that decides shapes. */
    static long integer(LoweringContext c, int operand, String what) {
        Tensor t = c.constant(operand);
        boolean number = t.dtype().kind() != DType.Kind.COMPLEX;
        if (t.elements() != 1 || !number) throw c.error(what + " is " + t.type() + ", expected one number");
        return t.getLong(0);
    }

    /** The one element of an operand that decides contents, as a real number. */
    static double real(LoweringContext c, int operand, String what) {
        Tensor t = c.constant(operand);
        boolean number = t.dtype().kind() != DType.Kind.COMPLEX;
        if (t.elements() != 1 || !number) throw c.error(what + " is " + t.type() + ", expected one number");
        return t.getDouble(0);
    }

    /** The elements of an operand that decides shapes. */
    static long[] integers(LoweringContext c, int operand, String what) {
        Tensor t = c.constant(operand);
        if (t.shape().rank() > 1) throw c.error(what + " is " + t.type() + ", expected a vector");
        if (!t.dtype().isInteger()) throw c.error(what + " is " + t.type() + ", expected integers");
        return t.toLongs();
    }

    /** The elements of an operand that is a shape: none may be negative. */
    static List<Dim> dims(LoweringContext c, int operand, String what) {
        for (long d : integers(c, operand, what)) {
            if (d < 0) throw c.error(what + " has the negative extent " + d);
        }
        return c.dims(operand);
    }

    /** The broadcasting of the first opsets: the second operand's shape lies in the first one's from {@code axis} on, by default at its end. */
    static Value legacyBroadcast(LoweringContext c, Value a, Value b, boolean broadcast, long axis, boolean axisGiven) {
        if (a.shape().equals(b.shape())) return b;
        if (!broadcast) {
            throw c.error("shapes " + a.shape() + " and " + b.shape() + " differ, and attribute 'broadcast' is 0");
        }
        GraphBuilder builder = c.builder();
        if (b.shape().elements() == 1) return builder.reshape(b, Shape.SCALAR);
        int start = axisGiven ? (int) Math.clamp(axis < 0 ? axis + a.rank() : axis, -1, a.rank()) : a.rank() - b.rank();
        if (start < 0 || start + b.rank() > a.rank()) {
            throw c.error("shape " + b.shape() + " does not fit into " + a.shape() + " at axis " + axis);
        }
        List<Dim> dims = new ArrayList<>(b.shape().dims());
        for (int i = start + b.rank(); i < a.rank(); i++) dims.add(Dim.of(1));
        return builder.reshape(b, Shape.of(dims));
    }

    /** Registers a function of two operands whose broadcasting was limited, and asked for by attribute, before opset 7. */
    static void binary(Registry r, String name, MapFunction f) {
        r.expand(name, 1, node -> {
            boolean broadcast = node.attributes().flag("broadcast", false);
            boolean axisGiven = node.attributes().has("axis");
            long axis = node.attributes().integer("axis", 0);
            return c -> {
                Value a = c.operand(0);
                Value b = legacyBroadcast(c, a, c.operand(1), broadcast, axis, axisGiven);
                return List.of(c.builder().map(f, a, b));
            };
        });
        r.expand(name, 7, node -> c -> List.of(c.builder().map(f, c.operand(0), c.operand(1))));
    }

    /** x where the condition holds, else y; for every element type up to 64 bits. */
    static Value choose(GraphBuilder b, Value condition, Value x, Value y) {
        if (x.dtype() != DType.C64) return b.select(condition, x, y);
        // Choosing looks at no element's value: a complex number travels as a 64-bit integer.
        Op bits = new Op.Bitcast(DType.I64);
        return b.add(new Op.Bitcast(DType.C64), b.select(condition, b.add(bits, x), b.add(bits, y)));
    }

    /** BOOL: x is finite, element by element. */
    static Value isFinite(GraphBuilder b, Value x) {
        return b.map(MapFunction.LT, b.map(MapFunction.ABS, x), b.scalar(x.dtype(), Double.POSITIVE_INFINITY));
    }

    static Value reduceKeep(GraphBuilder b, ReduceKind kind, Value x, int axis) {
        return b.reduce(kind, x, List.of(axis), true);
    }
}
