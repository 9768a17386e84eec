package dev.meseta.compiler;

import static dev.meseta.compiler.kernel.Kernels.add;
import static dev.meseta.compiler.kernel.Kernels.apply;
import static dev.meseta.compiler.kernel.Kernels.index;
import static dev.meseta.compiler.kernel.Kernels.min;
import static dev.meseta.compiler.kernel.Kernels.select;
import static dev.meseta.compiler.kernel.Kernels.variable;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import java.util.ArrayList;
import java.util.List;

/**
 * Sorting: a stable merge sort from the bottom up, of the values and their positions, one line of the axis an iteration of the grid. The
 * lines are copied together first.
 */
final class SortKernels {
    private SortKernels() {}

    static void topK(Assembly a, Group g, N n, Op.TopK o) {
        V x = n.in.getFirst();
        List<Size> lines = new ArrayList<>(x.shape());
        Size length = lines.remove(o.axis());
        List<Size> sorted = new ArrayList<>(lines);
        sorted.add(length);
        Place values = a.temporary(x.dtype(), sorted);
        Place positions = a.temporary(DType.I64, sorted);
        Lowering.store(
                a,
                g,
                x,
                values,
                Layout.plain(x.type.rank()),
                (_, i) -> Points.flat(sorted, axisLast(i, o.axis())),
                "lines");
        sort(a, g, x.dtype(), values, positions, lines, length, sorted, o.largest());
        result(a, g, n.out.get(0), values, sorted, o.axis());
        result(a, g, n.out.get(1), positions, sorted, o.axis());
    }

    private static List<Lin> axisLast(List<Lin> index, int axis) {
        List<Lin> i = new ArrayList<>(index);
        i.add(i.remove(axis));
        return i;
    }

    private static void result(Assembly a, Group g, V v, Place from, List<Size> sorted, int axis) {
        a.add(MapKernel.of(
                a.target,
                "top_k",
                v.shape(),
                (points, index) -> points.load(from, v.dtype(), Points.flat(sorted, axisLast(index, axis)), null),
                a.place(v),
                v.dtype(),
                (_, index) -> Points.flat(v.shape(), index),
                Lowering.origin(g)));
    }

    private static void sort(
            Assembly a,
            Group g,
            DType dtype,
            Place values,
            Place positions,
            List<Size> lines,
            Size length,
            List<Size> shape,
            boolean descending) {
        Place spareValues = a.temporary(dtype, shape);
        Place sparePositions = a.temporary(DType.I64, shape);
        Emitter e = new Emitter("sort");
        int v0 = e.buffer(values, dtype, Kernel.Access.READ_WRITE);
        int p0 = e.buffer(positions, DType.I64, Kernel.Access.READ_WRITE);
        int v1 = e.buffer(spareValues, dtype, Kernel.Access.READ_WRITE);
        int p1 = e.buffer(sparePositions, DType.I64, Kernel.Access.READ_WRITE);
        Type type = Type.of(Type.widened(dtype));
        Expr n = e.size(length);
        Expr last = Kernels.sub(n, index(1));
        e.open();
        Expr base = e.let("b", Kernels.mul(Schedule.GRID, n));
        e.add(Kernels.loop("c", index(0), n, 1, Kernels.store(p0, add(base, variable("c")), variable("c"))));
        Expr.Var width = e.declare("width", index(1));
        e.open();
        Expr.Var low = e.declare("low", index(0));
        e.open();
        Expr middle = e.let("m", min(add(low, width), n));
        Expr high = e.let("m", min(add(middle, width), n));
        Expr.Var i = e.declare("l", low);
        Expr.Var j = e.declare("r", middle);
        e.open();
        Expr left = e.let("y", Kernels.load(v0, add(base, min(i, last)), type));
        Expr right = e.let("y", Kernels.load(v0, add(base, min(j, last)), type));
        Expr first = before(right, left, descending);
        Expr take = e.let(
                "y", Kernels.and(Kernels.lt(j, high), apply(MapFunction.OR, apply(MapFunction.GE, i, middle), first)));
        Expr from = e.let("y", add(base, select(take, j, i)));
        Expr to = e.let("y", add(base, variable("d")));
        e.add(Kernels.store(v1, to, select(take, right, left)));
        e.add(Kernels.store(p1, to, Kernels.load(p0, from, Type.INDEX)));
        e.assign(j, select(take, add(j, 1), j));
        e.assign(i, select(take, i, add(i, 1)));
        e.add(Kernels.loop("d", low, high, 1, e.close()));
        e.assign(low, high);
        e.add(new Stmt.While(Kernels.lt(low, n), e.close()));
        Expr at = add(base, variable("f"));
        e.add(Kernels.loop(
                "f",
                index(0),
                n,
                1,
                Kernels.block(
                        Kernels.store(v0, at, Kernels.load(v1, at, type)),
                        Kernels.store(p0, at, Kernels.load(p1, at, Type.INDEX)))));
        e.assign(width, Kernels.mul(width, 2));
        e.add(new Stmt.While(Kernels.lt(width, n), e.close()));
        Expr grid = e.size(Size.product(lines));
        e.add(e.close());
        a.add(e.launch(grid, Lowering.origin(g)));
    }

    /** Whether a stands strictly before b in the order; NaN is larger than any number. */
    private static Expr before(Expr a, Expr b, boolean descending) {
        Expr x = descending ? a : b;
        Expr y = descending ? b : a;
        Expr greater = apply(MapFunction.GT, x, y);
        if (!a.type().element().isFloat()) return greater;
        Expr nan = Kernels.and(apply(MapFunction.IS_NAN, x), apply(MapFunction.NOT, apply(MapFunction.IS_NAN, y)));
        return apply(MapFunction.OR, greater, nan);
    }
}
