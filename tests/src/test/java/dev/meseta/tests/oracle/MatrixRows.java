package dev.meseta.tests.oracle;

import static dev.meseta.tests.oracle.Draw.FLOATS;

import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.List;

/** Products of matrices, and quantisation. */
final class MatrixRows {
    private static final DType[] FLOAT8 = {DType.F8E4M3FN, DType.F8E4M3FNUZ, DType.F8E5M2, DType.F8E5M2FNUZ};

    private MatrixRows() {}

    static void addTo(Catalogue c) {
        c.add("MatMul", List.of(1, 9, 13), d -> {
            DType t = d.since(9)
                    ? d.pick(DType.F32, DType.F32, DType.F64, DType.F16, DType.I32, DType.I64, DType.U32, DType.U64)
                    : d.pick(FLOATS);
            Shape[] s = product(d);
            return d.node().operand(d.tensor(t, s[0]), d.rarely(6)).operand(d.tensor(t, s[1]), d.flag());
        });
        c.add("Gemm", List.of(7, 9, 11, 13), MatrixRows::gemm);
        c.add("MatMulInteger", List.of(10), MatrixRows::integers);
        c.add("QLinearMatMul", List.of(10, 21), MatrixRows::quantisedProduct);
        c.add("Einsum", List.of(12), MatrixRows::einsum);
        c.add("Det", List.of(11, 22), d -> {
            long n = d.integer(1, 5);
            return d.node().input(d.tensor(DType.F32, d.flag() ? Shape.of(n, n) : Shape.of(d.integer(1, 3), n, n)));
        });
        c.add("QuantizeLinear", List.of(10, 13, 19, 21, 23), MatrixRows::quantise);
        c.add("DequantizeLinear", List.of(10, 13, 19, 21, 23), MatrixRows::dequantise);
        c.add(
                "DynamicQuantizeLinear",
                List.of(11),
                d -> d.node()
                        .input(d.tensor(DType.F32, d.filled(1, 4), d.pick(-3.0, 0.5), d.pick(4.0, 90.0)))
                        .outputs(3)
                        .tolerance(Tolerance.ONE_STEP));
    }

    /** Shapes that can be multiplied, as numpy's matmul has it. */
    static Shape[] product(Draw d) {
        long m = d.extent();
        long k = d.extent();
        long n = d.extent();
        if (d.rarely(8)) return new Shape[] {Shape.of(k), d.flag() ? Shape.of(k) : Shape.of(k, n)};
        if (d.rarely(8)) return new Shape[] {d.flag() ? Shape.of(m, k) : Shape.of(2, m, k), Shape.of(k)};
        Shape batch = d.flag() ? Shape.of() : Shape.of(d.integers(d.integer(1, 2), 1, 3));
        return new Shape[] {
            join(d.flag() ? batch : d.broadcasting(batch), m, k),
            join(d.flag() ? Shape.of() : d.broadcasting(batch), k, n)
        };
    }

    static Shape join(Shape s, long... more) {
        long[] e = java.util.Arrays.copyOf(s.extents(), s.rank() + more.length);
        System.arraycopy(more, 0, e, s.rank(), more.length);
        return Shape.of(e);
    }

    private static NodeCase gemm(Draw d) {
        DType t = d.since(9) ? d.pick(DType.F32, DType.F32, DType.F64, DType.F16) : d.pick(DType.F32, DType.F64);
        long m = d.extent();
        long k = d.extent();
        long n = d.extent();
        boolean ta = d.flag();
        boolean tb = d.flag();
        NodeCase c = d.node()
                .input(d.tensor(t, ta ? Shape.of(k, m) : Shape.of(m, k)))
                .operand(d.tensor(t, tb ? Shape.of(n, k) : Shape.of(k, n)), d.flag())
                .with(ta || d.flag(), "transA", ta)
                .with(tb || d.flag(), "transB", tb)
                .with(d.flag(), "alpha", d.real(-2, 2))
                .with(d.flag(), "beta", d.real(-2, 2));
        return d.since(11) && d.flag() ? c : c.operand(d.tensor(t, d.broadcasting(Shape.of(m, n))), d.flag());
    }

    private static NodeCase integers(Draw d) {
        DType x = d.pick(DType.U8, DType.U8, DType.I8);
        DType y = d.pick(DType.U8, DType.I8);
        Shape[] s = product(d);
        NodeCase n = d.node().input(d.extreme(x, s[0])).operand(d.extreme(y, s[1]), d.flag());
        if (d.flag()) {
            n.operand(d.tensor(x, Shape.of()), d.flag());
            boolean columns = s[1].rank() == 2 && d.flag();
            if (d.flag()) n.operand(d.tensor(y, columns ? Shape.of(s[1].extent(1)) : Shape.of()), d.flag());
        }
        return n;
    }

    private static NodeCase quantisedProduct(Draw d) {
        DType x = d.pick(DType.U8, DType.I8);
        DType y = x == DType.I8 ? DType.I8 : d.pick(DType.U8, DType.I8);
        Shape[] s = product(d);
        boolean columns = s[1].rank() == 2 && d.flag();
        Shape per = columns ? Shape.of(s[1].extent(1)) : Shape.of();
        boolean constant = d.flag();
        return d.node()
                .input(d.tensor(x, s[0], x.minInteger(), x.maxInteger()))
                .operand(Tensor.scalar(DType.F32, d.real(0.01, 0.1)), constant)
                .operand(d.tensor(x, Shape.of()), constant)
                .operand(d.tensor(y, s[1], y.minInteger(), y.maxInteger()), constant)
                .operand(d.tensor(DType.F32, per, 0.01, 0.1), constant)
                .operand(d.tensor(y, per), constant)
                .operand(Tensor.scalar(DType.F32, d.real(0.05, 0.9)), constant)
                .operand(d.tensor(x, Shape.of()), constant)
                .tolerance(Tolerance.ONE_STEP);
    }

    private static NodeCase einsum(Draw d) {
        long i = d.integer(1, 5);
        long j = d.integer(1, 5);
        long k = d.integer(1, 5);
        long b = d.integer(1, 3);
        DType t = d.pick(DType.F32, DType.F32, DType.F64, DType.I32, DType.I64);
        record Form(String equation, Shape... shapes) {}
        Form f = d.pick(
                new Form("ij,jk->ik", Shape.of(i, j), Shape.of(j, k)),
                new Form("ij,jk", Shape.of(i, j), Shape.of(j, k)),
                new Form("bij, bjk -> bik", Shape.of(b, i, j), Shape.of(b, j, k)),
                new Form("...ij,...jk->...ik", Shape.of(b, 2, i, j), Shape.of(1, j, k)),
                new Form("ij->ji", Shape.of(i, j)),
                new Form("ba", Shape.of(i, j)),
                new Form("ii->i", Shape.of(i, i)),
                new Form("ii", Shape.of(i, i)),
                new Form("ij->", Shape.of(i, j)),
                new Form("ij->j", Shape.of(i, j)),
                new Form("i,j->ij", Shape.of(i), Shape.of(j)),
                new Form("i,i", Shape.of(i), Shape.of(i)),
                new Form("i,i->", Shape.of(i), Shape.of(i)),
                new Form("ij,j->i", Shape.of(i, j), Shape.of(j)),
                new Form("bhid,bhjd->bhij", Shape.of(b, 2, i, k), Shape.of(b, 2, j, k)),
                new Form("bij,jk,kl->bil", Shape.of(b, i, j), Shape.of(j, k), Shape.of(k, 2)),
                new Form("...i->...", Shape.of(b, i)),
                new Form("...ii->...i", Shape.of(b, i, i)),
                new Form("ab...,b...->a...", Shape.of(i, j, k), Shape.of(j, k)),
                new Form("Aij,Ajk->Aki", Shape.of(b, i, j), Shape.of(b, j, k)),
                new Form("b i d c, b j d c -> b d i j", Shape.of(b, i, 2, k), Shape.of(b, j, 2, k)));
        NodeCase n = d.node().with("equation", f.equation());
        for (Shape s : f.shapes()) n.operand(d.tensor(t, s), d.rarely(3));
        return n;
    }

    /** How scales lie on a tensor. */
    private record Scaling(Shape shape, int axis, int block) {
        static Scaling of(Draw d, Shape s) {
            if (!d.since(13) || d.rarely(3))
                return new Scaling(d.flag() || !d.since(13) ? Shape.of() : Shape.of(1), 1, 0);
            int axis = d.axis(s.rank());
            int along = axis < 0 ? axis + s.rank() : axis;
            if (!d.since(21) || d.flag()) return new Scaling(Shape.of(s.extent(along)), axis, 0);
            int block = d.integer(1, (int) s.extent(along));
            long[] e = s.extents();
            e[along] = (e[along] + block - 1) / block;
            return new Scaling(Shape.of(e), axis, block);
        }

        NodeCase on(NodeCase n) {
            return n.with(shape.rank() > 0, "axis", axis).with(block > 0, "block_size", block);
        }
    }

    private static DType coded(Draw d) {
        if (d.since(21) && d.flag()) return d.pick(DType.I4, DType.U4, DType.I16, DType.U16);
        return d.since(19) && d.rarely(3) ? d.pick(FLOAT8) : d.pick(DType.I8, DType.U8);
    }

    private static NodeCase quantise(Draw d) {
        DType to = coded(d);
        // Halves to four bits the oracle cuts off, and does not round; and eight bits of a float have no step to be off
        // by.
        DType t = d.since(19) && to.isInteger() && to.bits() > 4 ? d.pick(DType.F32, DType.F32, DType.F16) : DType.F32;
        Shape s = d.filled(1, 4);
        Scaling scaling = Scaling.of(d, s);
        NodeCase n = d.node().input(d.tensor(t, s, -40, 40)).operand(d.tensor(t, scaling.shape(), 0.05, 0.9), d.flag());
        scaling.on(n);
        boolean named = d.since(21) && d.rarely(3);
        if (!named && (to != DType.U8 || d.flag())) {
            Tensor zero = to.isFloat() ? Tensor.allocate(to, scaling.shape()) : d.tensor(to, scaling.shape());
            n.operand(zero, d.flag());
        }
        if (named) n.with("output_dtype", (long) NodeCase.number(to).getNumber());
        // In blocks, the oracle saturates whatever it is told.
        boolean saturates = to.isFloat() && scaling.block() == 0 && d.flag();
        return n.with(saturates, "saturate", d.flag()).tolerance(Tolerance.ONE_STEP);
    }

    private static NodeCase dequantise(Draw d) {
        DType from = d.rarely(6) ? DType.I32 : coded(d);
        DType t = d.since(19) ? d.pick(DType.F32, DType.F32, DType.F16) : DType.F32;
        Shape s = d.filled(1, 4);
        Scaling scaling = Scaling.of(d, s);
        NodeCase n = d.node().input(d.tensor(from, s)).operand(d.tensor(t, scaling.shape(), 0.05, 0.9), d.flag());
        if (d.flag()) {
            boolean none = from.isFloat() || from == DType.I32;
            n.operand(none ? Tensor.allocate(from, scaling.shape()) : d.tensor(from, scaling.shape()), d.flag());
        }
        return scaling.on(n);
    }
}
