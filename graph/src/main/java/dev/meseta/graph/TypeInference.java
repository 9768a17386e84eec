package dev.meseta.graph;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
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
            for (TensorType type : result) type.bytes();
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
                check(1, o.axis() >= 0 && o.axis() < o.shape().rank(), "axis ", o.axis(), " of ", o.shape());
                check(2, o.dtype().isArithmetic(), o.dtype());
                yield List.of(new TensorType(o.dtype(), o.shape()));
            }
            case Op.RandomBits o -> {
                check(1, in.get(0).equals(TensorType.of(DType.U64)), in.get(0));
                yield List.of(new TensorType(DType.U32, o.shape()));
            }
            case Op.Map o -> List.of(map(o));
            case Op.Cast o -> {
                check(
                        1,
                        o.dtype().kind() != DType.Kind.COMPLEX
                                && in.get(0).dtype().kind() != DType.Kind.COMPLEX,
                        in.get(0),
                        " to ",
                        o.dtype());
                yield List.of(in.get(0).with(o.dtype()));
            }
            case Op.Bitcast o -> {
                check(1, in.get(0).dtype().bits() == o.dtype().bits(), in.get(0).dtype(), " to ", o.dtype());
                yield List.of(in.get(0).with(o.dtype()));
            }
            case Op.Quantize o -> {
                DType x = in.get(0).dtype();
                DType s = in.get(1).dtype();
                check(1, (isWideFloat(x) || x == DType.I32) && isWideFloat(s), x, " by ", s);
                quantization(o.axis(), in.get(2).dtype() == o.dtype());
                yield List.of(in.get(0).with(o.dtype()));
            }
            case Op.Dequantize o -> {
                check(
                        1,
                        isWideFloat(o.dtype()) && isWideFloat(in.get(1).dtype()),
                        in.get(1).dtype(),
                        " to ",
                        o.dtype());
                quantization(o.axis(), in.get(2).dtype() == in.get(0).dtype());
                yield List.of(in.get(0).with(o.dtype()));
            }
            case Op.Reshape o -> {
                check(1, o.shape().elements() == in.get(0).shape().elements(), in.get(0), " to ", o.shape());
                yield List.of(in.get(0).with(o.shape()));
            }
            case Op.Transpose o -> {
                check(1, isPermutation(o.permutation(), in.get(0).rank()), o.permutation(), " of ", in.get(0));
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
                check(2, logical ? t == DType.BOOL : t.isArithmetic(), o.kind().text(), " of ", t);
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
                        "axis ",
                        o.axis(),
                        " of ",
                        in.get(0));
                check(2, in.get(0).dtype().isArithmetic(), in.get(0));
                yield List.of(new TensorType(DType.I64, in.get(0).shape().without(o.axis())));
            }
            case Op.WindowReduce o -> List.of(windowReduce(o));
            case Op.Cumulative o -> {
                check(1, isAxis(o.axis(), in.get(0)), "axis ", o.axis(), " of ", in.get(0));
                check(
                        2,
                        isArithmeticKind(o.kind()) && in.get(0).dtype().isArithmetic(),
                        o.kind().text(),
                        " of ",
                        in.get(0));
                yield List.of(in.get(0));
            }
            case Op.TopK o -> {
                check(1, isAxis(o.axis(), in.get(0)), "axis ", o.axis(), " of ", in.get(0));
                check(
                        2,
                        o.k().isKnown() && o.k().extent() <= in.get(0).shape().extent(o.axis()),
                        "k = ",
                        o.k(),
                        " of ",
                        in.get(0),
                        ", axis ",
                        o.axis());
                check(3, in.get(0).dtype().isArithmetic(), in.get(0));
                TensorType t = in.get(0).with(in.get(0).shape().with(o.axis(), o.k()));
                yield List.of(t, t.with(DType.I64));
            }
            case Op.Contraction o -> List.of(contraction(o));
            case Op.Convolution o -> List.of(convolution(o));
            case Op.Gather o -> {
                check(1, isAxis(o.axis(), in.get(0)), "axis ", o.axis(), " of ", in.get(0));
                check(2, isIndex(in.get(1).dtype()), in.get(1));
                List<Dim> dims = new ArrayList<>(in.get(0).shape().dims().subList(0, o.axis()));
                dims.addAll(in.get(1).shape().dims());
                dims.addAll(
                        in.get(0).shape().dims().subList(o.axis() + 1, in.get(0).rank()));
                yield List.of(in.get(0).with(Shape.of(dims)));
            }
            case Op.GatherElements o -> {
                check(1, isAxis(o.axis(), in.get(0)), "axis ", o.axis(), " of ", in.get(0));
                positionsLike(2, o.axis());
                yield List.of(in.get(0).with(in.get(1).shape()));
            }
            case Op.GatherNd o -> List.of(gatherNd(o));
            case Op.ScatterElements o -> {
                check(1, isAxis(o.axis(), in.get(0)), "axis ", o.axis(), " of ", in.get(0));
                positionsLike(2, o.axis());
                check(
                        3,
                        in.get(2).shape().equals(in.get(1).shape())
                                && in.get(2).dtype() == in.get(0).dtype(),
                        in.get(2),
                        " at ",
                        in.get(1),
                        " of ",
                        in.get(0));
                check(
                        4,
                        o.combine() == Op.Combine.SET || in.get(0).dtype().isArithmetic(),
                        o.combine(),
                        " of ",
                        in.get(0).dtype());
                yield List.of(in.get(0));
            }
            case Op.ScatterNd o -> List.of(scatterNd(o));
            case Op.Scan o -> scan(o);
            case Op.If o -> {
                check(1, in.get(0).equals(TensorType.of(DType.BOOL)), in.get(0));
                List<TensorType> captured = in.subList(1, in.size());
                check(
                        2,
                        o.then().inputTypes().equals(captured)
                                && o.otherwise().inputTypes().equals(captured),
                        o.then().inputTypes(),
                        " and ",
                        o.otherwise().inputTypes(),
                        " for ",
                        captured);
                check(
                        3,
                        o.then().outputTypes().equals(o.otherwise().outputTypes()),
                        o.then().outputTypes(),
                        " and ",
                        o.otherwise().outputTypes());
                yield o.then().outputTypes();
            }
            case Op.While o -> {
                check(
                        1,
                        o.condition().inputTypes().equals(in)
                                && o.body().inputTypes().equals(in),
                        o.condition().inputTypes(),
                        " and ",
                        o.body().inputTypes(),
                        " for ",
                        in);
                check(
                        2,
                        o.condition().outputTypes().equals(List.of(TensorType.of(DType.BOOL))),
                        o.condition().outputTypes());
                check(
                        3,
                        o.carried() >= 0
                                && o.carried() <= in.size()
                                && o.body().outputTypes().equals(in.subList(0, o.carried())),
                        o.body().outputTypes(),
                        " for ",
                        in);
                yield o.body().outputTypes();
            }
            case Op.Composite o -> {
                check(
                        1,
                        o.body().inputTypes().equals(in),
                        o.name(),
                        " takes ",
                        o.body().inputTypes(),
                        ", got ",
                        in);
                yield o.body().outputTypes();
            }
        };
    }

    private TensorType map(Op.Map o) {
        MapFunction f = o.function();
        check(1, in.size() == f.arity(), f.text(), " takes ", f.arity(), ", got ", in.size());
        for (TensorType t : in) check(2, t.shape().equals(in.get(0).shape()), f.text(), " of ", in);
        int first = f == MapFunction.SELECT ? 1 : 0;
        if (first == 1) check(3, in.get(0).dtype() == DType.BOOL, "select by ", in.get(0));
        DType t = in.get(first).dtype();
        for (TensorType x : in.subList(first, in.size())) check(3, x.dtype() == t, f.text(), " of ", in);
        check(4, f.accepts(t), f.text(), " of ", t);
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
                "zero point ",
                in.get(2),
                ", scale ",
                in.get(1),
                ", x ",
                in.get(0));
        TensorType s = in.get(1);
        check(
                3,
                s.rank() == 0
                        || s.rank() == 1
                                && isAxis(axis, in.get(0))
                                && s.shape().extent(0) == in.get(0).shape().extent(axis),
                "scale ",
                s,
                " along axis ",
                axis,
                " of ",
                in.get(0));
    }

    private TensorType broadcast(Op.Broadcast o) {
        TensorType x = in.get(0);
        check(1, x.rank() == o.shape().rank(), x, " to ", o.shape());
        for (int i = 0; i < x.rank(); i++) {
            check(
                    2,
                    x.shape().extent(i) == 1 || x.shape().extent(i) == o.shape().extent(i),
                    x,
                    " to ",
                    o.shape());
        }
        return x.with(o.shape());
    }

    private TensorType slice(Op.Slice o) {
        TensorType x = in.get(0);
        int r = x.rank();
        check(1, o.starts().size() == r && o.sizes().size() == r && o.steps().size() == r, o, " of ", x);
        for (int i = 0; i < r; i++) {
            long step = o.steps().get(i);
            long size = o.sizes().get(i).extent();
            check(2, step != 0, "axis ", i);
            check(3, size >= 0, "size ", size, " on axis ", i);
            if (size == 0) continue;
            long start = o.starts().get(i);
            long last = Math.addExact(start, Math.multiplyExact(size - 1, step));
            long n = x.shape().extent(i);
            check(
                    3,
                    start >= 0 && start < n && last >= 0 && last < n,
                    "axis ",
                    i,
                    " of ",
                    x,
                    ": from ",
                    start,
                    ", ",
                    size,
                    " elements, step ",
                    step);
        }
        return x.with(Shape.of(o.sizes()));
    }

    private TensorType pad(Op.Pad o) {
        TensorType x = in.get(0);
        check(1, o.low().size() == x.rank() && o.high().size() == x.rank(), o.low(), ", ", o.high(), " of ", x);
        List<Dim> dims = new ArrayList<>();
        for (int i = 0; i < x.rank(); i++) {
            check(2, o.low().get(i) >= 0 && o.high().get(i) >= 0, o.low(), ", ", o.high());
            dims.add(x.shape()
                    .dim(i)
                    .plus(Dim.of(Math.addExact(o.low().get(i), o.high().get(i)))));
        }
        check(3, in.get(1).equals(TensorType.of(x.dtype())), in.get(1), " for ", x);
        return x.with(Shape.of(dims));
    }

    private TensorType concat(Op.Concat o) {
        check(1, !in.isEmpty(), "no operand");
        TensorType first = in.get(0);
        check(2, isAxis(o.axis(), first), "axis ", o.axis(), " of ", first);
        Dim sum = Dim.of(0);
        Shape s = first.shape();
        for (TensorType t : in) {
            check(3, t.dtype() == first.dtype() && t.rank() == first.rank(), t, " and ", first);
            for (int i = 0; i < t.rank(); i++) {
                if (i != o.axis()) {
                    check(3, t.shape().extent(i) == first.shape().extent(i), t, " and ", first, " on axis ", i);
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
            check(1, l.size() == x.rank(), l, " for ", x);
        for (int i = 0; i < x.rank(); i++) {
            check(
                    1,
                    o.window().get(i) >= 1
                            && o.strides().get(i) >= 1
                            && o.dilations().get(i) >= 1
                            && o.low().get(i) >= 0
                            && o.high().get(i) >= 0,
                    "axis ",
                    i,
                    " of ",
                    o);
            dims.add(windowed(
                    2,
                    x.shape().dim(i),
                    o.window().get(i),
                    o.strides().get(i),
                    o.dilations().get(i),
                    Math.addExact(o.low().get(i), o.high().get(i))));
        }
        check(
                3,
                isArithmeticKind(o.kind()) && x.dtype().isArithmetic(),
                o.kind().text(),
                " of ",
                x);
        return x.with(Shape.of(dims));
    }

    private Dim windowed(int constraint, Dim d, long window, long stride, long dilation, long padding) {
        long dilated = Math.addExact(Math.multiplyExact(window - 1, dilation), 1);
        long padded = Math.addExact(d.extent(), padding);
        check(constraint, padded >= dilated, "window ", dilated, " over ", padded);
        if (dilated == 1 && stride == 1 && padding == 0) return d;
        long extent = (padded - dilated) / stride + 1;
        return d.derive(extent, "((" + d.term() + "+" + (padding - dilated) + ")/" + stride + "+1)");
    }

    private TensorType contraction(Op.Contraction o) {
        TensorType l = in.get(0);
        TensorType r = in.get(1);
        check(
                1,
                o.leftBatch().size() == o.rightBatch().size()
                        && o.leftSum().size() == o.rightSum().size(),
                o);
        check(
                1,
                distinctAxes(l, o.leftBatch(), o.leftSum()) && distinctAxes(r, o.rightBatch(), o.rightSum()),
                o,
                " of ",
                in);
        List<Dim> dims = new ArrayList<>();
        for (int i = 0; i < o.leftBatch().size(); i++) {
            Dim a = l.shape().dim(o.leftBatch().get(i));
            Dim b = r.shape().dim(o.rightBatch().get(i));
            check(2, a.equals(b), l, " and ", r, ", batch pair ", i);
            dims.add(a.meet(b));
        }
        for (int i = 0; i < o.leftSum().size(); i++) {
            check(
                    2,
                    l.shape()
                            .dim(o.leftSum().get(i))
                            .equals(r.shape().dim(o.rightSum().get(i))),
                    l,
                    " and ",
                    r,
                    ", sum pair ",
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
        check(constraint, floats || integers, a, " and ", b, " to ", result);
    }

    private TensorType convolution(Op.Convolution o) {
        TensorType x = in.get(0);
        TensorType k = in.get(1);
        check(1, x.rank() >= 2 && x.rank() == k.rank(), x, " and ", k);
        int spatial = x.rank() - 2;
        for (List<Long> l : List.of(o.strides(), o.low(), o.high(), o.inputDilation(), o.kernelDilation()))
            check(1, l.size() == spatial, l, " for ", x);
        check(
                2,
                o.groups() >= 1
                        && x.shape().extent(1) == Math.multiplyExact(k.shape().extent(1), (long) o.groups())
                        && k.shape().extent(0) % o.groups() == 0,
                x,
                ", kernel ",
                k,
                ", groups ",
                o.groups());
        List<Dim> dims = new ArrayList<>(List.of(x.shape().dim(0), k.shape().dim(0)));
        for (int i = 0; i < spatial; i++) {
            check(
                    3,
                    o.strides().get(i) >= 1
                            && o.inputDilation().get(i) >= 1
                            && o.kernelDilation().get(i) >= 1,
                    "spatial axis ",
                    i,
                    " of ",
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
                c,
                " into ",
                x,
                ", batch ",
                o.batch());
        for (int i = 0; i < o.batch(); i++)
            check(1, c.shape().dim(i).equals(x.shape().dim(i)), c, " into ", x, ", batch axis ", i);
        long last = c.shape().extent(c.rank() - 1);
        check(2, o.batch() + last <= x.rank(), c, " into ", x, ", batch ", o.batch());
        List<Dim> dims = new ArrayList<>(c.shape().dims().subList(0, c.rank() - 1));
        dims.addAll(x.shape().dims().subList(o.batch() + (int) last, x.rank()));
        return x.with(Shape.of(dims));
    }

    private TensorType scatterNd(Op.ScatterNd o) {
        TensorType x = in.get(0);
        TensorType c = in.get(1);
        TensorType u = in.get(2);
        check(1, isIndex(c.dtype()) && c.rank() >= 1 && c.shape().extent(c.rank() - 1) <= x.rank(), c, " into ", x);
        List<Dim> dims = new ArrayList<>(c.shape().dims().subList(0, c.rank() - 1));
        dims.addAll(x.shape().dims().subList((int) c.shape().extent(c.rank() - 1), x.rank()));
        check(2, u.equals(x.with(Shape.of(dims))), "updates ", u, ", expected ", x.with(Shape.of(dims)));
        check(3, o.combine() == Op.Combine.SET || x.dtype().isArithmetic(), o.combine(), " of ", x.dtype());
        return x;
    }

    private List<TensorType> scan(Op.Scan o) {
        int own = o.carried() + o.scanned();
        check(
                1,
                o.carried() >= 0 && o.scanned() >= 0 && own <= in.size() && o.steps() >= 0,
                o.carried(),
                " carried, ",
                o.scanned(),
                " scanned of ",
                in.size());
        List<TensorType> expected = new ArrayList<>(in.subList(0, o.carried()));
        for (TensorType t : in.subList(o.carried(), own)) {
            check(2, t.rank() >= 1 && t.shape().extent(0) == o.steps(), t, " for ", o.steps(), " steps");
            expected.add(t.with(t.shape().without(0)));
        }
        expected.addAll(in.subList(own, in.size()));
        check(1, o.body().inputTypes().equals(expected), o.body().inputTypes(), ", expected ", expected);
        List<TensorType> out = o.body().outputTypes();
        check(
                3,
                out.size() >= o.carried() && out.subList(0, o.carried()).equals(in.subList(0, o.carried())),
                out,
                " for ",
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
        check(constraint, isIndex(p.dtype()) && p.rank() == x.rank(), p, " into ", x);
        for (int i = 0; i < x.rank(); i++)
            check(constraint, i == axis || p.shape().extent(i) <= x.shape().extent(i), p, " into ", x, " on axis ", i);
    }

    private void axes(List<Integer> axes) {
        int last = -1;
        for (int a : axes) {
            check(1, a > last && a < in.get(0).rank(), "axes ", axes, " of ", in.get(0));
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

    /** What was found is given in parts, which become text only where the constraint is broken: checks are many, breaches few. */
    private void check(int constraint, boolean holds, Object... found) {
        if (holds) return;
        StringBuilder text = new StringBuilder(OpSpec.of(op).constraint(constraint)).append("; found ");
        for (Object part : found) text.append(part);
        throw new ConstraintException(op.mnemonic(), "C" + constraint, text.toString());
    }
}
