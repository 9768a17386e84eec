package dev.meseta.tests.oracle;

import static dev.meseta.tests.oracle.Draw.FLOATS;

import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.List;

/** Reductions, normalisations and losses. */
final class ReductionRows {
    private static final DType[] SUMMED = {
        DType.F32, DType.F32, DType.F64, DType.F16, DType.I32, DType.I64, DType.U32, DType.U64
    };
    private static final DType[] ORDERED = {DType.F32, DType.F64, DType.F16, DType.I32, DType.I64, DType.I8, DType.U8};

    private ReductionRows() {}

    static void addTo(Catalogue c) {
        c.add("ReduceSum", List.of(1, 11, 13), d -> reduce(d, SUMMED, 13, -4, 4));
        c.add("ReduceMean", List.of(1, 11, 13, 18), d -> reduce(d, SUMMED, 18, -4, 4));
        c.add("ReduceProd", List.of(1, 11, 13, 18), d -> reduce(d, SUMMED, 18, -2, 2));
        c.add("ReduceL1", List.of(1, 11, 13, 18), d -> reduce(d, SUMMED, 18, -4, 4));
        c.add("ReduceL2", List.of(1, 11, 13, 18), d -> reduce(d, SUMMED, 18, -4, 4));
        c.add("ReduceSumSquare", List.of(1, 11, 13, 18), d -> reduce(d, SUMMED, 18, -4, 4));
        c.add("ReduceLogSum", List.of(1, 11, 13, 18), d -> reduce(d, FLOATS, 18, 0.1, 4));
        c.add("ReduceLogSumExp", List.of(1, 11, 13, 18), d -> reduce(d, FLOATS, 18, -20, 20));
        c.add("ReduceMax", List.of(1, 11, 12, 13, 18, 20), d -> reduce(d, ordered(d), 18, -9, 9));
        c.add("ReduceMin", List.of(1, 11, 12, 13, 18, 20), d -> reduce(d, ordered(d), 18, -9, 9));
        for (String name : List.of("ArgMax", "ArgMin")) c.add(name, List.of(1, 11, 12, 13), ReductionRows::position);
        for (String name : List.of("Softmax", "LogSoftmax", "Hardmax"))
            c.add(name, List.of(1, 11, 13), ReductionRows::softmax);
        c.add("CumSum", List.of(11, 14), d -> {
            Tensor x = d.tensor(d.pick(DType.F32, DType.F64, DType.I32, DType.I64, DType.F16), d.filled(1, 4));
            return d.node()
                    .input(x)
                    .operand(
                            Tensor.scalar(
                                    d.pick(DType.I32, DType.I64),
                                    d.axis(x.shape().rank())),
                            d.flag())
                    .with(d.flag(), "exclusive", d.flag())
                    .with(d.flag(), "reverse", d.flag());
        });
        normalisations(c);
        losses(c);
    }

    private static DType[] ordered(Draw d) {
        return d.since(20) && d.rarely(5)
                ? new DType[] {DType.BOOL}
                : d.since(12) ? ORDERED : new DType[] {DType.F32, DType.F64, DType.I32, DType.I64};
    }

    private static NodeCase reduce(Draw d, DType[] types, int axesAsOperand, double low, double high) {
        DType t = d.pick(types);
        Shape s = d.filled(0, 4);
        double from = t.isUnsigned() || t == DType.BOOL ? 0 : low;
        Tensor x = t == DType.BOOL ? d.tensor(t, s) : d.tensor(t, s, from, t.isFloat() ? high : Math.max(1, high));
        NodeCase n = d.node().input(x).with(d.flag(), "keepdims", d.flag());
        long[] axes = d.axes(s.rank(), 0, 3, d.since(11));
        if (!d.since(axesAsOperand)) return n.with(axes.length > 0, "axes", axes);
        boolean noop = d.rarely(3);
        n.with(noop || d.flag(), "noop_with_empty_axes", noop);
        return d.rarely(3) ? n : n.operand(Draw.list(axes), d.flag());
    }

    private static NodeCase position(Draw d) {
        DType t = d.since(12) ? d.pick(ORDERED) : d.pick(DType.F32, DType.I32);
        Tensor x = d.whole(t, d.filled(1, 4), 0, 3);
        int axis =
                d.since(11) ? d.axis(x.shape().rank()) : d.integer(0, x.shape().rank() - 1);
        return d.node()
                .input(x)
                .with(axis != 0 || d.flag(), "axis", axis)
                .with(d.flag(), "keepdims", d.flag())
                .with(d.since(12) && d.flag(), "select_last_index", d.flag());
    }

    private static NodeCase softmax(Draw d) {
        Tensor x = d.tensor(d.pick(FLOATS), d.filled(1, 4));
        int axis =
                d.since(11) ? d.axis(x.shape().rank()) : d.integer(0, x.shape().rank() - 1);
        NodeCase n = d.node().input(x);
        return x.shape().rank() > 1 || d.since(13) ? n.with(!d.rarely(4), "axis", axis) : n.with("axis", 0);
    }

    private static void normalisations(Catalogue c) {
        c.add("BatchNormalization", List.of(7, 9, 14, 15), d -> {
            DType t = d.pick(DType.F32, DType.F64, DType.F16);
            Shape s = d.filled(2, 5);
            long ch = s.extent(1);
            return d.node()
                    .input(d.tensor(t, s))
                    .operand(d.tensor(t, ch), d.flag())
                    .operand(d.tensor(t, ch), d.flag())
                    .operand(d.tensor(t, ch), d.flag())
                    .operand(d.tensor(t, Shape.of(ch), 0.3, 3), d.flag())
                    .with(d.flag(), "epsilon", d.pick(1e-3, 1e-2))
                    .with(d.flag(), "momentum", 0.8);
        });
        c.add("InstanceNormalization", List.of(6, 22), d -> {
            DType t = d.pick(DType.F32, DType.F16);
            Shape s = d.filled(3, 5);
            return d.node()
                    .input(d.tensor(t, s))
                    .operand(d.tensor(t, s.extent(1)), d.flag())
                    .operand(d.tensor(t, s.extent(1)), d.flag())
                    .with(d.flag(), "epsilon", 1e-2)
                    .tolerance(new Tolerance(3, 0));
        });
        c.add("LayerNormalization", List.of(17), d -> {
            DType t = d.pick(FLOATS);
            Tensor x = d.tensor(t, d.filled(1, 4));
            int rank = x.shape().rank();
            int axis = d.axis(rank);
            Shape over = tail(x.shape(), axis < 0 ? axis + rank : axis);
            NodeCase n = d.node()
                    .input(x)
                    .operand(d.tensor(t, over), d.flag())
                    .with(axis != -1 || d.flag(), "axis", axis)
                    .with("epsilon", d.pick(1e-3, 1e-2));
            if (d.flag()) n.operand(d.tensor(t, over), d.flag());
            return n.outputs(t == DType.F32 ? d.integer(1, 3) : 1).tolerance(new Tolerance(3, 0));
        });
        c.add("RMSNormalization", List.of(23), d -> {
            DType t = d.pick(FLOATS);
            Tensor x = d.tensor(t, d.filled(1, 4));
            int rank = x.shape().rank();
            int axis = d.axis(rank);
            return d.node()
                    .input(x)
                    .operand(d.tensor(t, tail(x.shape(), axis < 0 ? axis + rank : axis)), d.flag())
                    .with(axis != -1 || d.flag(), "axis", axis)
                    .with(d.flag(), "epsilon", 1e-3);
        });
        c.add("GroupNormalization", List.of(18, 21), d -> {
            DType t = d.pick(FLOATS);
            int groups = d.integer(1, 3);
            int each = d.integer(1, 4);
            Shape rest = d.filled(1, 3);
            long[] e = new long[rest.rank() + 2];
            e[0] = d.integer(1, 3);
            e[1] = (long) groups * each;
            System.arraycopy(rest.extents(), 0, e, 2, rest.rank());
            long scales = d.since(21) ? e[1] : groups;
            return d.node()
                    .input(d.tensor(t, Shape.of(e)))
                    .operand(d.tensor(t, scales), d.flag())
                    .operand(d.tensor(t, scales), d.flag())
                    .with("num_groups", groups)
                    .with("epsilon", 1e-2)
                    .tolerance(new Tolerance(3, 0));
        });
        c.add(
                "LRN",
                List.of(1, 13),
                d -> d.node()
                        .input(d.tensor(d.pick(DType.F32, DType.F16), d.filled(4, 4)))
                        .with("size", d.pick(1, 3, 5))
                        .with(d.flag(), "alpha", d.real(1e-4, 0.5))
                        .with(d.flag(), "beta", d.real(0.3, 1))
                        .with(d.flag(), "bias", d.real(1, 2)));
        c.add("LpNormalization", List.of(1, 22), d -> {
            Tensor x = d.tensor(d.pick(FLOATS), d.filled(1, 4));
            return d.node()
                    .input(x)
                    .with(d.flag(), "axis", d.axis(x.shape().rank()))
                    .with(d.flag(), "p", d.integer(1, 2));
        });
        c.add("MeanVarianceNormalization", List.of(9, 13), d -> {
            Tensor x = d.tensor(DType.F32, d.filled(4, 4));
            return d.node()
                    .input(x)
                    .with(d.flag(), "axes", d.pick(new long[] {0, 2, 3}, new long[] {0, 1, 2, 3}, new long[] {2, 3}))
                    .tolerance(new Tolerance(3, 0));
        });
        c.addOld("SimplifiedLayerNormalization", List.of(1, 17), d -> {
            DType t = d.pick(DType.F32, DType.F64);
            Tensor x = d.tensor(t, d.filled(2, 3));
            return d.node()
                    .input(x)
                    .operand(d.tensor(t, tail(x.shape(), x.shape().rank() - 1)), d.flag())
                    .with("axis", -1)
                    .with("stash_type", 1);
        });
    }

    static Shape tail(Shape s, int from) {
        long[] e = s.extents();
        return Shape.of(java.util.Arrays.copyOfRange(e, from, e.length));
    }

    private static void losses(Catalogue c) {
        c.add("SoftmaxCrossEntropyLoss", List.of(12, 13), d -> loss(d).outputs(d.integer(1, 2)));
        c.add("NegativeLogLikelihoodLoss", List.of(12, 13, 22), ReductionRows::loss);
    }

    private static NodeCase loss(Draw d) {
        DType t = d.pick(DType.F32, DType.F64, DType.F16);
        int classes = d.integer(2, 5);
        Shape rest = d.flag() ? Shape.of() : d.filled(1, 3);
        long[] e = new long[rest.rank() + 2];
        long[] l = new long[rest.rank() + 1];
        e[0] = l[0] = d.integer(1, 4);
        e[1] = classes;
        for (int i = 0; i < rest.rank(); i++) e[i + 2] = l[i + 1] = rest.extent(i);
        Tensor labels = d.tensor(d.pick(DType.I32, DType.I64), Shape.of(l), 0, classes - 1);
        boolean ignore = d.flag();
        long ignored = d.pick(-1L, (long) classes, 1L);
        if (ignore) {
            for (long i = 0; i < labels.elements(); i++) if (i > 0 && d.rarely(4)) labels.setLong(i, ignored);
            labels.setLong(0, 0);
        }
        NodeCase n = d.node()
                .input(d.tensor(t, Shape.of(e)))
                .input(labels)
                .with(ignore, "ignore_index", ignored)
                .with(d.flag(), "reduction", d.pick("none", "mean", "sum"));
        return d.flag() ? n.input(d.tensor(t, Shape.of(classes), 0.1, 2)) : n;
    }
}
