package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.List;

/** Kernels that walk one axis in order: the place of an extreme, and running combinations. Lanes are places on the other axes. */
final class OrderKernels {
    private OrderKernels() {}

    /** What happens at each place of the other axes. */
    private interface Walk {
        void run(Emitter e, Axis axis, Point element, Lin to);
    }

    /** The loops over the axis, and the step that they are at. */
    private record Axis(List<Atom> loops, Lin step) {}

    /** Loops over all axes but one; the walk makes its own loop over that one. */
    private static void emit(
            Assembly a,
            Group g,
            String name,
            V x,
            int axis,
            boolean reverse,
            boolean keepsAxis,
            List<Size> outShape,
            Walk walk) {
        List<Size> others = new ArrayList<>(x.shape());
        Size extent = others.remove(axis);
        Nest nest = Nest.of(List.of(others, List.of(extent)), (points, index) -> {
            List<Lin> at = new ArrayList<>(index.get(0));
            Lin along = index.get(1).getFirst();
            if (reverse) along = Lin.of(extent).plus(-1).minus(along);
            List<Lin> to = new ArrayList<>(at);
            at.add(axis, along);
            if (keepsAxis) to.add(axis, along);
            return List.of(
                    new Pull(points, g, a::place).at(x, at),
                    points.number(Points.flat(outShape, to)),
                    points.number(index.get(1).getFirst()));
        });
        Point element = nest.result().get(0);
        Lin to = ((Point.Number) nest.result().get(1).form()).index();
        Emitter e = new Emitter(name);
        List<Atom> loops = nest.loops(0);
        Axis along =
                new Axis(nest.loops(1), ((Point.Number) nest.result().get(2).form()).index());
        int most = Schedule.lanes(a.target, nest.result());
        int lanes =
                loops.isEmpty() || Nest.order(element, loops.getLast()) < 1 ? 1 : Schedule.lanes(most, loops.getLast());
        e.open();
        Expr grid;
        if (loops.isEmpty()) {
            walk.run(e, along, element, to);
            grid = Kernels.index(1);
        } else {
            Atom inner = loops.getLast();
            List<Atom> outer = loops.subList(0, loops.size() - 1);
            Expr size = e.size(inner.extent());
            Expr blocks = Kernels.max(Kernels.index(1), Kernels.div(size, Kernels.index(lanes)));
            Expr number = e.let("g", Kernels.rem(Schedule.GRID, blocks));
            Schedule.decompose(e, e.let("g", Kernels.div(Schedule.GRID, blocks)), outer);
            Expr begin = e.let("g", Kernels.mul(number, lanes));
            Expr end = e.let(
                    "g",
                    Kernels.select(
                            new Expr.Apply(MapFunction.EQ, List.of(Kernels.add(number, 1), blocks)),
                            size,
                            Kernels.add(begin, lanes)));
            MapKernel.row(e, inner, lanes, begin, end, () -> walk.run(e, along, element, to));
            grid = Kernels.mul(blocks, Schedule.count(e, outer));
        }
        e.add(e.close());
        a.add(e.launch(grid, Lowering.origin(g)));
    }

    static void argReduce(Assembly a, Group g, N n, Op.ArgReduce o, Place out) {
        V x = n.in.getFirst();
        DType type = Type.widened(x.dtype());
        emit(a, g, "arg_reduce", x, o.axis(), false, false, n.result().shape(), (e, axis, element, to) -> {
            int lanes = e.lanes();
            Expr first = ReduceKernel.identity(o.largest() ? ReduceKind.MAX : ReduceKind.MIN, type);
            Expr.Var best = e.declare("a", Kernels.splat(first, lanes));
            Expr.Var position = e.declare("p", Kernels.splat(Kernels.index(0), lanes));
            e.loops(axis.loops(), 0, () -> {
                Expr v = e.let("y", e.wide(element));
                MapFunction f = o.largest()
                        ? o.lastOnTie() ? MapFunction.GE : MapFunction.GT
                        : o.lastOnTie() ? MapFunction.LE : MapFunction.LT;
                Expr better = new Expr.Apply(f, List.of(v, best));
                if (type.isFloat()) {
                    Expr nan = new Expr.Apply(MapFunction.IS_NAN, List.of(v));
                    if (!o.lastOnTie()) {
                        Expr known = new Expr.Apply(MapFunction.IS_NAN, List.of(best));
                        nan = Kernels.and(nan, new Expr.Apply(MapFunction.NOT, List.of(known)));
                    }
                    better = new Expr.Apply(MapFunction.OR, List.of(better, nan));
                }
                Expr take = e.let("y", better);
                Expr here = Kernels.splat(e.index(axis.step()), lanes);
                e.assign(best, new Expr.Apply(MapFunction.SELECT, List.of(take, v, best)));
                e.assign(position, new Expr.Apply(MapFunction.SELECT, List.of(take, here, position)));
            });
            e.store(out, DType.I64, to, position);
        });
    }

    static void cumulative(Assembly a, Group g, N n, Op.Cumulative o, Place out) {
        V x = n.in.getFirst();
        DType type = Type.widened(x.dtype());
        emit(a, g, "cumulative", x, o.axis(), o.reverse(), true, n.result().shape(), (e, axis, element, to) -> {
            Expr.Var sum = e.declare("a", Kernels.splat(ReduceKernel.identity(o.kind(), type), e.lanes()));
            e.loops(axis.loops(), 0, () -> {
                Expr v = e.let("y", e.wide(element));
                if (o.exclusive()) e.store(out, x.dtype(), to, sum);
                e.assign(sum, new Expr.Apply(ReduceKernel.function(o.kind()), List.of(sum, v)));
                if (!o.exclusive()) e.store(out, x.dtype(), to, sum);
            });
        });
    }
}
