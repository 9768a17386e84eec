package dev.meseta.frontends.onnx.operators;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.GraphBuilder;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Value;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.LoweringContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Operators about a tensor's shape: the same elements under another one, axes in another order, a shape as numbers, and back. */
final class ShapeOperators {
    private ShapeOperators() {}

    static void register(Registry r) {
        reshape(r);
        r.expand("Flatten", 1, ShapeOperators::flatten);
        squeeze(r);
        unsqueeze(r);
        r.expand("Transpose", 1, ShapeOperators::transpose);
        r.expand("Shape", 1, ShapeOperators::shape);
        r.expand(
                "Size",
                1,
                node -> c -> List.of(
                        c.builder().dim(Expansions.product(c.type(0).shape().dims()))));
        r.expand("Expand", 8, node -> c -> {
            Value x = c.operand(0);
            Shape s = GraphBuilder.broadcastShape(
                    List.of(x.shape(), Shape.of(Expansions.dims(c, 1, "shape"))), c.where());
            return List.of(c.builder().broadcast(x, s));
        });
        r.expand("ConstantOfShape", 9, ShapeOperators::constantOfShape);
        r.expand("ConstantFill", 1, ShapeOperators::constantFill);
    }

    private static void reshape(Registry r) {
        r.expand("Reshape", 1, node -> {
            long[] shape = node.attributes().integers("shape");
            return c -> List.of(reshape(c, Arrays.stream(shape).boxed().toList(), null, false));
        });
        r.expand("Reshape", 5, node -> {
            boolean allowZero = node.attributes().flag("allowzero", false);
            return c -> {
                List<Long> wanted = Arrays.stream(Expansions.integers(c, 1, "shape"))
                        .boxed()
                        .toList();
                return List.of(reshape(c, wanted, c.dims(1), allowZero));
            };
        });
    }

    private static Value reshape(LoweringContext c, List<Long> wanted, @Nullable List<Dim> origins, boolean allowZero) {
        Value x = c.operand(0);
        List<Dim> dims = new ArrayList<>();
        int open = -1;
        for (int i = 0; i < wanted.size(); i++) {
            long w = wanted.get(i);
            if (w == 0 && !allowZero) {
                if (i >= x.rank()) throw c.error("shape " + wanted + " copies axis " + i + " of " + x.type());
                dims.add(x.shape().dim(i));
            } else if (w == -1) {
                if (open >= 0) throw c.error("shape " + wanted + " leaves more than one extent open");
                open = i;
                dims.add(Dim.of(1));
            } else if (w < 0) {
                throw c.error("shape " + wanted + " has a negative extent");
            } else {
                dims.add(origins == null ? Dim.of(w) : origins.get(i));
            }
        }
        if (open >= 0) {
            List<Dim> others = new ArrayList<>(dims);
            others.remove(open);
            dims.set(open, quotient(c, x, others, wanted));
        }
        Shape s = Shape.of(dims);
        if (s.elements() != x.shape().elements()) {
            throw c.error("cannot give " + x.type() + " the shape " + wanted + ": "
                    + x.shape().elements() + " and " + s.elements() + " elements");
        }
        return c.builder().reshape(x, s);
    }

    /** The extent that makes the elements of x fill a shape; dims that stand on both sides cancel, so that what is left has the right origin. */
    private static Dim quotient(LoweringContext c, Value x, List<Dim> others, List<Long> wanted) {
        long divisor = Shape.of(others).elements();
        if (divisor == 0) throw c.error("shape " + wanted + " has an open extent beside an extent of 0");
        if (x.shape().elements() % divisor != 0) {
            throw c.error("the elements of " + x.type() + " do not fill the shape " + wanted);
        }
        List<Dim> above = new ArrayList<>();
        List<Dim> below = new ArrayList<>(others);
        for (Dim d : x.shape().dims()) {
            int same = -1;
            for (int i = 0; i < below.size(); i++) {
                if (below.get(i).equals(d) && below.get(i).term().equals(d.term())) same = i;
            }
            if (same >= 0) below.remove(same);
            else above.add(d);
        }
        long fixedAbove = fixed(above);
        long fixedBelow = fixed(below);
        Dim movingAbove =
                Expansions.product(above.stream().filter(Dim::isDynamic).toList());
        Dim movingBelow =
                Expansions.product(below.stream().filter(Dim::isDynamic).toList());
        if (!movingBelow.isDynamic() && fixedAbove % fixedBelow == 0) {
            return Expansions.times(movingAbove, fixedAbove / fixedBelow);
        }
        Dim dividend = Expansions.times(movingAbove, fixedAbove);
        Dim by = Expansions.times(movingBelow, fixedBelow);
        Dim origin = dividend.isDynamic() ? dividend : by;
        return origin.derive(x.shape().elements() / divisor, "(" + dividend.term() + "/" + by.term() + ")");
    }

    private static long fixed(List<Dim> dims) {
        long p = 1;
        for (Dim d : dims) if (!d.isDynamic()) p = Math.multiplyExact(p, d.extent());
        return p;
    }

    private static Lowering.Expand flatten(OperatorNode node) {
        long axis = node.attributes().integer("axis", 1);
        return c -> {
            Value x = c.operand(0);
            int a = axis == x.rank() ? x.rank() : Expansions.axis(c, axis, Math.max(1, x.rank()));
            List<Dim> dims = x.shape().dims();
            return List.of(c.builder()
                    .reshape(
                            x,
                            Shape.of(List.of(
                                    Expansions.product(dims.subList(0, a)),
                                    Expansions.product(dims.subList(a, dims.size()))))));
        };
    }

    private static void squeeze(Registry r) {
        r.expand("Squeeze", 1, node -> {
            long[] axes = node.attributes().integersOrNull("axes");
            return c -> List.of(squeeze(c, axes));
        });
        r.expand("Squeeze", 13, node -> c -> List.of(squeeze(c, c.has(1) ? Expansions.integers(c, 1, "axes") : null)));
    }

    private static Value squeeze(LoweringContext c, long @Nullable [] given) {
        Value x = c.operand(0);
        List<Integer> axes = given == null
                ? Expansions.allAxes(x.rank()).stream()
                        .filter(a -> x.extent(a) == 1)
                        .toList()
                : Expansions.axes(c, given, x.rank());
        for (int a : axes) {
            if (x.extent(a) != 1) throw c.error("axis " + a + " of " + x.type() + " has not the extent 1");
        }
        return c.builder()
                .reshape(
                        x,
                        Shape.of(Expansions.allAxes(x.rank()).stream()
                                .filter(a -> !axes.contains(a))
                                .map(x.shape()::dim)
                                .toList()));
    }

    private static void unsqueeze(Registry r) {
        r.expand("Unsqueeze", 1, node -> {
            long[] axes = node.attributes().integers("axes");
            return c -> List.of(unsqueeze(c, axes));
        });
        r.expand("Unsqueeze", 13, node -> c -> List.of(unsqueeze(c, Expansions.integers(c, 1, "axes"))));
    }

    private static Value unsqueeze(LoweringContext c, long[] given) {
        Value x = c.operand(0);
        List<Integer> axes = Expansions.axes(c, given, x.rank() + given.length);
        List<Dim> dims = new ArrayList<>();
        int next = 0;
        for (int i = 0; i < x.rank() + given.length; i++) {
            dims.add(axes.contains(i) ? Dim.of(1) : x.shape().dim(next++));
        }
        return c.builder().reshape(x, Shape.of(dims));
    }

    private static Lowering.Expand transpose(OperatorNode node) {
        long[] permutation = node.attributes().integersOrNull("perm");
        return c -> {
            Value x = c.operand(0);
            List<Integer> p;
            if (permutation == null) {
                p = new ArrayList<>(Expansions.allAxes(x.rank()));
                Collections.reverse(p);
            } else {
                p = Expansions.axes(c, permutation, x.rank());
                if (p.size() != x.rank()) throw c.error("perm " + p + " does not name every axis of " + x.type());
            }
            return List.of(c.builder().add(new Op.Transpose(p), x));
        };
    }

    private static Lowering.Expand shape(OperatorNode node) {
        long start = node.attributes().integer("start", 0);
        long end = node.attributes().integer("end", Long.MAX_VALUE);
        return c -> {
            List<Dim> dims = c.type(0).shape().dims();
            int from = end(start, dims.size());
            int to = Math.max(from, end(end, dims.size()));
            return List.of(c.builder().dims(dims.subList(from, to)));
        };
    }

    /** An end of a range of axes, counted from the back if negative, moved into [0, rank]. */
    private static int end(long position, int rank) {
        return Math.clamp(position < 0 ? position + rank : position, 0, rank);
    }

    private static Lowering.Expand constantOfShape(OperatorNode node) {
        Tensor given = node.attributes().tensorOrNull("value");
        if (given != null && given.elements() != 1) {
            throw node.error("attribute 'value' is " + given.type() + ", expected one element");
        }
        Tensor value = given == null ? Tensor.scalar(DType.F32, 0.0) : given.reshape(Shape.SCALAR);
        return c ->
                List.of(c.builder().broadcast(c.builder().constant(value), Shape.of(Expansions.dims(c, 0, "shape"))));
    }

    /** A withdrawn experimental operator of the first opsets. */
    private static Lowering.Expand constantFill(OperatorNode node) {
        Attributes a = node.attributes();
        DType dtype = ElementTypes.attribute(node, "dtype", DType.F32);
        float value = a.real("value", 0);
        boolean inputAsShape = a.flag("input_as_shape", false);
        long[] extra = a.integers("extra_shape", new long[0]);
        long[] shape = a.integers("shape", new long[0]);
        return c -> {
            List<Dim> dims = new ArrayList<>();
            if (c.operandCount() == 0) for (long d : shape) dims.add(Dim.of(d));
            else
                dims.addAll(
                        inputAsShape
                                ? Expansions.dims(c, 0, "shape")
                                : c.type(0).shape().dims());
            for (long d : extra) dims.add(Dim.of(d));
            return List.of(c.builder().broadcast(c.builder().scalar(dtype, value), Shape.of(dims)));
        };
    }
}
