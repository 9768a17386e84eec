package dev.meseta.graph;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The types of an op's results from its operands' types, and the check of every constraint of {@link OpSpec} on the way. A broken
 * constraint is a {@link ConstraintException} that names its number.
 */
public final class TypeInference {
    private final Op op;
    private final List<TensorType> in;

    private TypeInference(Op op, List<TensorType> in) {
        this.op = op;
        this.in = in;
    }

    public static List<TensorType> infer(Op op, List<TensorType> operands) {
        TypeInference t = new TypeInference(op, operands);
        for (TensorType type : operands) {
            if (!type.shape().isKnown())
                throw new ConstraintException(op.mnemonic(), "C0", "operand " + type + " has an unknown extent");
        }
        t.operandCount();
        try {
            List<TensorType> result = t.infer();
            for (TensorType type : result) {
                if (!type.shape().isKnown())
                    throw new ConstraintException(op.mnemonic(), "C0", "the result " + type + " has an unknown extent");
                type.bytes();
            }
            return result;
        } catch (ArithmeticException e) {
            throw new ConstraintException(
                    op.mnemonic(), "C0", "the result's size is beyond 64 bits (operands " + operands + ")");
        }
    }

    private void operandCount() {
        int expected = switch (op) {
            case Op.Constant _, Op.Iota _ -> 0;
            case Op.RandomBits _,
                    Op.Cast _,
                    Op.Bitcast _,
                    Op.Reshape _,
                    Op.Transpose _,
                    Op.Broadcast _,
                    Op.Slice _,
                    Op.Reduce _,
                    Op.ArgReduce _,
                    Op.WindowReduce _,
                    Op.Cumulative _,
                    Op.TopK _ -> 1;
            case Op.Pad _, Op.Contraction _, Op.Convolution _, Op.Gather _, Op.GatherElements _, Op.GatherNd _ -> 2;
            case Op.Dequantize _, Op.Quantize _, Op.ScatterElements _, Op.ScatterNd _ -> 3;
            default -> -1;
        };
        if (expected >= 0 && in.size() != expected) {
            throw new ConstraintException(op.mnemonic(), "C0", "takes " + expected + " operands, got " + in.size());
        }
    }

    private List<TensorType> infer() {
        return switch (op) {
            case Op.Constant o -> List.of(o.value().type());
            case Op.Iota o -> {
                check(1, o.axis() >= 0 && o.axis() < o.shape().rank(), "axis %s of %s", o.axis(), o.shape());
                check(2, o.dtype().isArithmetic(), "%s", o.dtype());
                yield List.of(new TensorType(o.dtype(), o.shape()));
            }
            case Op.RandomBits o -> {
                check(1, in.get(0).equals(TensorType.of(DType.U64)), "%s", in.get(0));
                yield List.of(new TensorType(DType.U32, o.shape()));
            }
            case Op.Map o -> List.of(map(o));
            case Op.Cast o -> {
                DType from = in.get(0).dtype();
                boolean complex = o.dtype().kind() == DType.Kind.COMPLEX || from.kind() == DType.Kind.COMPLEX;
                check(1, !complex, "%s to %s", from, o.dtype());
                yield List.of(in.get(0).with(o.dtype()));
            }
            case Op.Bitcast o -> {
                DType from = in.get(0).dtype();
                check(1, from.bits() == o.dtype().bits(), "%s to %s", from, o.dtype());
                yield List.of(in.get(0).with(o.dtype()));
            }
            case Op.Quantize o -> {
                DType x = in.get(0).dtype();
                DType s = in.get(1).dtype();
                check(1, (isWideFloat(x) || x == DType.I32) && isWideFloat(s), "%s by %s", x, s);
                quantization(o.axis(), in.get(2).dtype() == o.dtype());
                yield List.of(in.get(0).with(o.dtype()));
            }
            case Op.Dequantize o -> {
                check(
                        1,
                        isWideFloat(o.dtype()) && isWideFloat(in.get(1).dtype()),
                        "%s to %s",
                        in.get(1).dtype(),
                        o.dtype());
                quantization(o.axis(), in.get(2).dtype() == in.get(0).dtype());
                yield List.of(in.get(0).with(o.dtype()));
            }
            case Op.Reshape o -> {
                check(1, o.shape().elements() == in.get(0).shape().elements(), "%s to %s", in.get(0), o.shape());
                yield List.of(in.get(0).with(o.shape()));
            }
            case Op.Transpose o -> {
                check(1, isPermutation(o.permutation(), in.get(0).rank()), "%s of %s", o.permutation(), in.get(0));
                yield List.of(in.get(0)
                        .with(Shape.of(o.permutation().stream()
                                .map(in.get(0).shape()::dim)
                                .toList())));
            }
            case Op.Broadcast o -> List.of(broadcast(o));
            case Op.Slice o -> List.of(slice(o));
            case Op.Pad o -> List.of(pad(o));
            case Op.Concat o -> List.of(concat(o));
            case Op.Reduce o -> {
                axes(o.axes());
                boolean logical = o.kind() == ReduceKind.AND || o.kind() == ReduceKind.OR;
                DType t = in.get(0).dtype();
                check(2, logical ? t == DType.BOOL : t.isArithmetic(), "%s of %s", o.kind(), t);
                List<Dim> dims = new ArrayList<>();
                for (int i = 0; i < in.get(0).rank(); i++) {
                    if (!o.axes().contains(i)) dims.add(in.get(0).shape().dim(i));
                }
                yield List.of(in.get(0).with(Shape.of(dims)));
            }
            case Op.ArgReduce o -> {
                check(
                        1,
                        isAxis(o.axis(), in.get(0)) && in.get(0).shape().extent(o.axis()) > 0,
                        "axis %s of %s",
                        o.axis(),
                        in.get(0));
                check(2, in.get(0).dtype().isArithmetic(), "%s", in.get(0));
                yield List.of(new TensorType(DType.I64, in.get(0).shape().without(o.axis())));
            }
            case Op.WindowReduce o -> List.of(windowReduce(o));
            case Op.Cumulative o -> {
                axis(o.axis());
                check(
                        2,
                        isArithmeticKind(o.kind()) && in.get(0).dtype().isArithmetic(),
                        "%s of %s",
                        o.kind(),
                        in.get(0));
                yield List.of(in.get(0));
            }
            case Op.TopK o -> {
                axis(o.axis());
                check(
                        2,
                        o.k().isKnown() && o.k().extent() <= in.get(0).shape().extent(o.axis()),
                        "k = %s of %s, axis %s",
                        o.k(),
                        in.get(0),
                        o.axis());
                check(3, in.get(0).dtype().isArithmetic(), "%s", in.get(0));
                TensorType t = in.get(0).with(in.get(0).shape().with(o.axis(), o.k()));
                yield List.of(t, t.with(DType.I64));
            }
            case Op.Contraction o -> List.of(contraction(o));
            case Op.Convolution o -> List.of(convolution(o));
            case Op.Gather o -> {
                axis(o.axis());
                check(2, isIndex(in.get(1).dtype()), "%s", in.get(1));
                List<Dim> dims = new ArrayList<>(in.get(0).shape().dims().subList(0, o.axis()));
                dims.addAll(in.get(1).shape().dims());
                dims.addAll(
                        in.get(0).shape().dims().subList(o.axis() + 1, in.get(0).rank()));
                yield List.of(in.get(0).with(Shape.of(dims)));
            }
            case Op.GatherElements o -> {
                axis(o.axis());
                positionsLike(2, o.axis());
                yield List.of(in.get(0).with(in.get(1).shape()));
            }
            case Op.GatherNd o -> List.of(gatherNd(o));
            case Op.ScatterElements o -> {
                axis(o.axis());
                positionsLike(2, o.axis());
                check(
                        3,
                        in.get(2).shape().equals(in.get(1).shape())
                                && in.get(2).dtype() == in.get(0).dtype(),
                        "%s at %s of %s",
                        in.get(2),
                        in.get(1),
                        in.get(0));
                check(
                        4,
                        o.combine() == Op.Combine.SET || in.get(0).dtype().isArithmetic(),
                        "%s of %s",
                        o.combine(),
                        in.get(0).dtype());
                yield List.of(in.get(0));
            }
            case Op.ScatterNd o -> List.of(scatterNd(o));
            case Op.Scan o -> scan(o);
            case Op.If o -> {
                check(1, in.get(0).equals(TensorType.of(DType.BOOL)), "%s", in.get(0));
                List<TensorType> captured = in.subList(1, in.size());
                check(
                        2,
                        o.then().inputTypes().equals(captured)
                                && o.otherwise().inputTypes().equals(captured),
                        "%s and %s for %s",
                        o.then().inputTypes(),
                        o.otherwise().inputTypes(),
                        captured);
                check(
                        3,
                        o.then().outputTypes().equals(o.otherwise().outputTypes()),
                        "%s and %s",
                        o.then().outputTypes(),
                        o.otherwise().outputTypes());
                yield o.then().outputTypes();
            }
            case Op.While o -> {
                check(
                        1,
                        o.condition().inputTypes().equals(in)
                                && o.body().inputTypes().equals(in),
                        "%s and %s for %s",
                        o.condition().inputTypes(),
                        o.body().inputTypes(),
                        in);
                check(
                        2,
                        o.condition().outputTypes().equals(List.of(TensorType.of(DType.BOOL))),
                        "%s",
                        o.condition().outputTypes());
                check(
                        3,
                        o.carried() >= 0
                                && o.carried() <= in.size()
                                && o.body().outputTypes().equals(in.subList(0, o.carried())),
                        "%s for %s",
                        o.body().outputTypes(),
                        in);
                yield o.body().outputTypes();
            }
            case Op.Composite o -> {
                check(
                        1,
                        o.body().inputTypes().equals(in),
                        "%s takes %s, got %s",
                        o.name(),
                        o.body().inputTypes(),
                        in);
                yield o.body().outputTypes();
            }
        };
    }

    private TensorType map(Op.Map o) {
        MapFunction f = o.function();
        check(1, in.size() == f.arity(), "%s takes %s, got %s", f.text(), f.arity(), in.size());
        for (TensorType t : in) check(2, t.shape().equals(in.get(0).shape()), "%s of %s", f.text(), in);
        int first = f == MapFunction.SELECT ? 1 : 0;
        if (first == 1) check(3, in.get(0).dtype() == DType.BOOL, "select by %s", in.get(0));
        DType t = in.get(first).dtype();
        for (TensorType x : in.subList(first, in.size())) check(3, x.dtype() == t, "%s of %s", f.text(), in);
        check(4, f.accepts(t), "%s of %s", f.text(), t);
        Shape s = in.get(0).shape();
        for (TensorType x : in) s = meet(s, x.shape());
        return new TensorType(f.isPredicate() ? DType.BOOL : t, s);
    }

    private static Shape meet(Shape a, Shape b) {
        List<Dim> dims = new ArrayList<>();
        for (int i = 0; i < a.rank(); i++) dims.add(a.dim(i).meet(b.dim(i)));
        return Shape.of(dims);
    }

    private void quantization(int axis, boolean sameType) {
        check(
                2,
                sameType && in.get(2).shape().equals(in.get(1).shape()),
                "zero point %s, scale %s, x %s",
                in.get(2),
                in.get(1),
                in.get(0));
        TensorType s = in.get(1);
        check(
                3,
                s.rank() == 0
                        || s.rank() == 1
                                && isAxis(axis, in.get(0))
                                && s.shape().extent(0) == in.get(0).shape().extent(axis),
                "scale %s along axis %s of %s",
                s,
                axis,
                in.get(0));
    }

    private TensorType broadcast(Op.Broadcast o) {
        TensorType x = in.get(0);
        check(1, x.rank() == o.shape().rank(), "%s to %s", x, o.shape());
        for (int i = 0; i < x.rank(); i++) {
            check(
                    2,
                    x.shape().extent(i) == 1 || x.shape().extent(i) == o.shape().extent(i),
                    "%s to %s",
                    x,
                    o.shape());
        }
        return x.with(o.shape());
    }

    private TensorType slice(Op.Slice o) {
        TensorType x = in.get(0);
        int r = x.rank();
        check(1, o.starts().size() == r && o.sizes().size() == r && o.steps().size() == r, "%s of %s", o, x);
        for (int i = 0; i < r; i++) {
            long step = o.steps().get(i);
            long size = o.sizes().get(i).extent();
            check(2, step != 0, "axis %s", i);
            check(3, size >= 0, "size %s on axis %s", size, i);
            if (size == 0) continue;
            long start = o.starts().get(i);
            long last = Math.addExact(start, Math.multiplyExact(size - 1, step));
            long n = x.shape().extent(i);
            check(
                    3,
                    start >= 0 && start < n && last >= 0 && last < n,
                    "axis %s of %s: from %s, %s elements, step %s",
                    i,
                    x,
                    start,
                    size,
                    step);
        }
        return x.with(Shape.of(o.sizes()));
    }

    private TensorType pad(Op.Pad o) {
        TensorType x = in.get(0);
        check(1, o.low().size() == x.rank() && o.high().size() == x.rank(), "%s, %s of %s", o.low(), o.high(), x);
        List<Dim> dims = new ArrayList<>();
        for (int i = 0; i < x.rank(); i++) {
            check(2, o.low().get(i) >= 0 && o.high().get(i) >= 0, "%s, %s", o.low(), o.high());
            dims.add(x.shape()
                    .dim(i)
                    .plus(Dim.of(Math.addExact(o.low().get(i), o.high().get(i)))));
        }
        check(3, in.get(1).equals(TensorType.of(x.dtype())), "%s for %s", in.get(1), x);
        return x.with(Shape.of(dims));
    }

    private TensorType concat(Op.Concat o) {
        check(1, !in.isEmpty(), "no operand");
        TensorType first = in.get(0);
        check(2, isAxis(o.axis(), first), "axis %s of %s", o.axis(), first);
        Dim sum = Dim.of(0);
        Shape s = first.shape();
        for (TensorType t : in) {
            check(3, t.dtype() == first.dtype() && t.rank() == first.rank(), "%s and %s", t, first);
            for (int i = 0; i < t.rank(); i++) {
                if (i != o.axis()) {
                    check(3, t.shape().extent(i) == first.shape().extent(i), "%s and %s on axis %s", t, first, i);
                    s = s.with(i, s.dim(i).meet(t.shape().dim(i)));
                }
            }
            sum = sum.plus(t.shape().dim(o.axis()));
        }
        return first.with(s.with(o.axis(), sum));
    }

    private TensorType windowReduce(Op.WindowReduce o) {
        TensorType x = in.get(0);
        List<Dim> dims = new ArrayList<>();
        for (List<Long> l : List.of(o.window(), o.strides(), o.dilations(), o.low(), o.high()))
            check(1, l.size() == x.rank(), "%s for %s", l, x);
        for (int i = 0; i < x.rank(); i++) {
            check(
                    1,
                    o.window().get(i) >= 1
                            && o.strides().get(i) >= 1
                            && o.dilations().get(i) >= 1
                            && o.low().get(i) >= 0
                            && o.high().get(i) >= 0,
                    "axis %s of %s",
                    i,
                    o);
            dims.add(windowed(
                    2,
                    x.shape().dim(i),
                    o.window().get(i),
                    o.strides().get(i),
                    o.dilations().get(i),
                    Math.addExact(o.low().get(i), o.high().get(i))));
        }
        check(3, isArithmeticKind(o.kind()) && x.dtype().isArithmetic(), "%s of %s", o.kind(), x);
        return x.with(Shape.of(dims));
    }

    private Dim windowed(int constraint, Dim d, long window, long stride, long dilation, long padding) {
        long dilated = Math.addExact(Math.multiplyExact(window - 1, dilation), 1);
        long padded = Math.addExact(d.extent(), padding);
        check(constraint, padded >= dilated, "window %s over %s", dilated, padded);
        long extent = (padded - dilated) / stride + 1;
        // The last place at which a window begins, counted from the extent.
        long last = padding - dilated;
        if (stride == 1) return last == -1 ? d : d.derive(extent, "(" + d.term() + signed(last + 1) + ")");
        return d.derive(extent, "((" + d.term() + signed(last) + ")/" + stride + "+1)");
    }

    private static String signed(long number) {
        return number < 0 ? Long.toString(number) : "+" + number;
    }

    private TensorType contraction(Op.Contraction o) {
        TensorType l = in.get(0);
        TensorType r = in.get(1);
        check(
                1,
                o.leftBatch().size() == o.rightBatch().size()
                        && o.leftSum().size() == o.rightSum().size(),
                "%s",
                o);
        check(
                1,
                distinctAxes(l, o.leftBatch(), o.leftSum()) && distinctAxes(r, o.rightBatch(), o.rightSum()),
                "%s of %s",
                o,
                in);
        List<Dim> dims = new ArrayList<>();
        for (int i = 0; i < o.leftBatch().size(); i++) {
            Dim a = l.shape().dim(o.leftBatch().get(i));
            Dim b = r.shape().dim(o.rightBatch().get(i));
            check(2, a.equals(b), "%s and %s, batch pair %s", l, r, i);
            dims.add(a.meet(b));
        }
        for (int i = 0; i < o.leftSum().size(); i++) {
            check(
                    2,
                    l.shape()
                            .dim(o.leftSum().get(i))
                            .equals(r.shape().dim(o.rightSum().get(i))),
                    "%s and %s, sum pair %s",
                    l,
                    r,
                    i);
        }
        products(3, o.dtype());
        for (int i = 0; i < l.rank(); i++)
            if (!o.leftBatch().contains(i) && !o.leftSum().contains(i))
                dims.add(l.shape().dim(i));
        for (int i = 0; i < r.rank(); i++)
            if (!o.rightBatch().contains(i) && !o.rightSum().contains(i))
                dims.add(r.shape().dim(i));
        return new TensorType(o.dtype(), Shape.of(dims));
    }

    private void products(int constraint, DType result) {
        DType a = in.get(0).dtype();
        DType b = in.get(1).dtype();
        boolean floats = isWideFloat(a) && a == b && isWideFloat(result);
        boolean integers = a.isInteger()
                && b.isInteger()
                && a.isArithmetic()
                && b.isArithmetic()
                && result.isInteger()
                && result.bits() >= 32;
        check(constraint, floats || integers, "%s and %s to %s", a, b, result);
    }

    private TensorType convolution(Op.Convolution o) {
        TensorType x = in.get(0);
        TensorType k = in.get(1);
        check(1, x.rank() >= 2 && x.rank() == k.rank(), "%s and %s", x, k);
        int spatial = x.rank() - 2;
        for (List<Long> l : List.of(o.strides(), o.low(), o.high(), o.inputDilation(), o.kernelDilation()))
            check(1, l.size() == spatial, "%s for %s", l, x);
        check(
                2,
                o.groups() >= 1
                        && x.shape().extent(1) == Math.multiplyExact(k.shape().extent(1), (long) o.groups())
                        && k.shape().extent(0) % o.groups() == 0,
                "%s, kernel %s, groups %s",
                x,
                k,
                o.groups());
        List<Dim> dims = new ArrayList<>(List.of(x.shape().dim(0), k.shape().dim(0)));
        for (int i = 0; i < spatial; i++) {
            check(
                    3,
                    o.strides().get(i) >= 1
                            && o.inputDilation().get(i) >= 1
                            && o.kernelDilation().get(i) >= 1
                            && k.shape().extent(i + 2) >= 1,
                    "spatial axis %s of %s",
                    i,
                    o);
            Dim d = x.shape().dim(i + 2);
            long between = o.inputDilation().get(i);
            if (between > 1 && d.extent() > 0) {
                d = d.derive(
                        Math.addExact(Math.multiplyExact(d.extent() - 1, between), 1),
                        "((" + d.term() + "-1)*" + between + "+1)");
            }
            dims.add(windowed(
                    4,
                    d,
                    k.shape().extent(i + 2),
                    o.strides().get(i),
                    o.kernelDilation().get(i),
                    Math.addExact(o.low().get(i), o.high().get(i))));
        }
        products(5, o.dtype());
        return new TensorType(o.dtype(), Shape.of(dims));
    }

    private TensorType gatherNd(Op.GatherNd o) {
        TensorType x = in.get(0);
        TensorType c = in.get(1);
        check(
                1,
                isIndex(c.dtype()) && c.rank() >= 1 && o.batch() >= 0 && o.batch() < c.rank() && o.batch() <= x.rank(),
                "%s into %s, batch %s",
                c,
                x,
                o.batch());
        for (int i = 0; i < o.batch(); i++)
            check(1, c.shape().dim(i).equals(x.shape().dim(i)), "%s into %s, batch axis %s", c, x, i);
        long last = c.shape().extent(c.rank() - 1);
        check(2, o.batch() + last <= x.rank(), "%s into %s, batch %s", c, x, o.batch());
        List<Dim> dims = new ArrayList<>(c.shape().dims().subList(0, c.rank() - 1));
        dims.addAll(x.shape().dims().subList(o.batch() + (int) last, x.rank()));
        return x.with(Shape.of(dims));
    }

    private TensorType scatterNd(Op.ScatterNd o) {
        TensorType x = in.get(0);
        TensorType c = in.get(1);
        TensorType u = in.get(2);
        check(1, isIndex(c.dtype()) && c.rank() >= 1 && c.shape().extent(c.rank() - 1) <= x.rank(), "%s into %s", c, x);
        List<Dim> dims = new ArrayList<>(c.shape().dims().subList(0, c.rank() - 1));
        dims.addAll(x.shape().dims().subList((int) c.shape().extent(c.rank() - 1), x.rank()));
        check(2, u.equals(x.with(Shape.of(dims))), "updates %s, expected %s", u, x.with(Shape.of(dims)));
        check(3, o.combine() == Op.Combine.SET || x.dtype().isArithmetic(), "%s of %s", o.combine(), x.dtype());
        return x;
    }

    private List<TensorType> scan(Op.Scan o) {
        int own = o.carried() + o.scanned();
        check(
                1,
                o.carried() >= 0 && o.scanned() >= 0 && own <= in.size() && o.steps() >= 0,
                "%s carried, %s scanned of %s",
                o.carried(),
                o.scanned(),
                in.size());
        List<TensorType> expected = new ArrayList<>(in.subList(0, o.carried()));
        for (TensorType t : in.subList(o.carried(), own)) {
            check(2, t.rank() >= 1 && t.shape().extent(0) == o.steps(), "%s for %s steps", t, o.steps());
            expected.add(t.with(t.shape().without(0)));
        }
        expected.addAll(in.subList(own, in.size()));
        check(
                1,
                o.body().inputTypes().equals(expected),
                "%s, expected %s",
                o.body().inputTypes(),
                expected);
        List<TensorType> out = o.body().outputTypes();
        check(
                3,
                out.size() >= o.carried() && out.subList(0, o.carried()).equals(in.subList(0, o.carried())),
                "%s for %s",
                out,
                in);
        List<TensorType> result = new ArrayList<>(out.subList(0, o.carried()));
        Dim steps = o.scanned() > 0 ? in.get(o.carried()).shape().dim(0) : Dim.of(o.steps());
        for (TensorType t : out.subList(o.carried(), out.size()))
            result.add(t.with(t.shape().insert(0, steps)));
        return result;
    }

    private void positionsLike(int constraint, int axis) {
        TensorType x = in.get(0);
        TensorType p = in.get(1);
        check(constraint, isIndex(p.dtype()) && p.rank() == x.rank(), "%s into %s", p, x);
        for (int i = 0; i < x.rank(); i++)
            check(
                    constraint,
                    i == axis || p.shape().extent(i) <= x.shape().extent(i),
                    "%s into %s on axis %s",
                    p,
                    x,
                    i);
    }

    /** Constraint C1 of the ops with one axis. */
    private void axis(int axis) {
        check(1, isAxis(axis, in.get(0)), "axis %s of %s", axis, in.get(0));
    }

    private void axes(List<Integer> axes) {
        int last = -1;
        for (int a : axes) {
            check(1, a > last && a < in.get(0).rank(), "axes %s of %s", axes, in.get(0));
            last = a;
        }
    }

    private static boolean distinctAxes(TensorType t, List<Integer> a, List<Integer> b) {
        Set<Integer> seen = new HashSet<>();
        for (List<Integer> l : List.of(a, b)) {
            for (int axis : l) if (!isAxis(axis, t) || !seen.add(axis)) return false;
        }
        return true;
    }

    private static boolean isPermutation(List<Integer> p, int rank) {
        if (p.size() != rank) return false;
        boolean[] seen = new boolean[rank];
        for (int a : p) {
            if (a < 0 || a >= rank || seen[a]) return false;
            seen[a] = true;
        }
        return true;
    }

    private static boolean isAxis(int axis, TensorType t) {
        return axis >= 0 && axis < t.rank();
    }

    private static boolean isIndex(DType t) {
        return t == DType.I32 || t == DType.I64;
    }

    private static boolean isWideFloat(DType t) {
        return t.isFloat() && t.bits() >= 16;
    }

    private static boolean isArithmeticKind(ReduceKind k) {
        return k != ReduceKind.AND && k != ReduceKind.OR;
    }

    /** What was found becomes text only where the constraint is broken: checks are many, breaches few. */
    private void check(int constraint, boolean holds, String found, Object... args) {
        if (holds) return;
        throw new ConstraintException(
                op.mnemonic(),
                "C" + constraint,
                OpSpec.of(op).constraint(constraint) + "; found " + String.format(Locale.ROOT, found, args));
    }
}
