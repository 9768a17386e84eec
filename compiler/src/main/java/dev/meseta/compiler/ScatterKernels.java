package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import java.util.ArrayList;
import java.util.List;

/**
 * Scatters: the operand is copied, then the updates are applied. Updates that may meet are applied in order by one iteration of the
 * grid; those that never meet (elements of a slice, other lines of an axis) by different ones.
 */
final class ScatterKernels {
    private ScatterKernels() {}

    static void elements(Assembly a, Group g, N n, Op.ScatterElements o, Place out) {
        V x = n.in.get(0);
        V updates = n.in.get(2);
        Lowering.store(a, g, x, out, Layout.plain(x.type.rank()), (_, index) -> Points.flat(x.shape(), index), "copy");
        if (updates.elements() == 0) return;
        List<Size> lines = new ArrayList<>(updates.shape());
        Size extent = lines.remove(o.axis());
        apply(a, g, n, o.combine(), out, lines, List.of(extent), (points, pull, line, along) -> {
            List<Lin> at = new ArrayList<>(line);
            at.add(o.axis(), along.getFirst());
            List<Lin> to = new ArrayList<>(at);
            to.set(o.axis(), points.read(pull.at(n.in.get(1), at), x.shape().get(o.axis()), null));
            return new Update(pull.at(updates, at), Points.flat(x.shape(), to));
        });
    }

    static void nd(Assembly a, Group g, N n, Op.ScatterNd o, Place out) {
        V x = n.in.get(0);
        V coordinates = n.in.get(1);
        V updates = n.in.get(2);
        Lowering.store(a, g, x, out, Layout.plain(x.type.rank()), (_, index) -> Points.flat(x.shape(), index), "copy");
        if (updates.elements() == 0) return;
        int leading = coordinates.type.rank() - 1;
        int count = (int) coordinates.type.shape().extent(leading);
        List<Size> order = coordinates.shape().subList(0, leading);
        List<Size> slice = x.shape().subList(count, x.type.rank());
        apply(a, g, n, o.combine(), out, slice, order, (points, pull, inside, at) -> {
            List<Lin> to = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                List<Lin> c = new ArrayList<>(at);
                c.add(Lin.of(i));
                to.add(points.read(pull.at(coordinates, c), x.shape().get(i), null));
            }
            to.addAll(inside);
            List<Lin> from = new ArrayList<>(at);
            from.addAll(inside);
            return new Update(pull.at(updates, from), Points.flat(x.shape(), to));
        });
    }

    private record Update(Point value, Lin to) {}

    private interface Updates {
        Update at(Points points, Pull pull, List<Lin> parallel, List<Lin> ordered);
    }

    private static void apply(
            Assembly a,
            Group g,
            N n,
            Op.Combine combine,
            Place out,
            List<Size> parallel,
            List<Size> ordered,
            Updates updates) {
        DType dtype = n.result().dtype();
        boolean halves = dtype == DType.C128;
        List<Size> lines = new ArrayList<>(parallel);
        if (halves) lines.add(Size.of(2));
        Nest nest = Nest.of(List.of(lines, ordered), (points, index) -> {
            List<Lin> line = index.get(0);
            Lin half = halves ? line.getLast() : Lin.ZERO;
            Pull pull = new Pull(points, g, a::place, half);
            Update u = updates.at(points, pull, line.subList(0, parallel.size()), index.get(1));
            Lin to = halves ? u.to().times(Size.of(2)).plus(half) : u.to();
            return List.of(u.value(), points.number(to));
        });
        Point value = nest.result().get(0);
        Lin to = ((Point.Number) nest.result().get(1).form()).index();
        DType storage = Pull.storage(dtype);
        Emitter e = new Emitter("scatter");
        int b = e.buffer(out, storage, Kernel.Access.READ_WRITE);
        e.open();
        Schedule.decompose(e, Schedule.GRID, nest.loops(0));
        e.loops(nest.loops(1), 0, () -> {
            Expr v = e.let("y", e.value(value));
            Expr at = e.let("y", e.index(to));
            if (combine != Op.Combine.SET) {
                Expr old = new Expr.Load(b, at, Type.of(Type.widened(storage)), null);
                MapFunction f = switch (combine) {
                    case ADD -> MapFunction.ADD;
                    case MUL -> MapFunction.MUL;
                    case MIN -> MapFunction.MIN;
                    default -> MapFunction.MAX;
                };
                v = new Expr.Apply(f, List.of(old, v));
            }
            e.add(new Stmt.Store(b, at, v, null));
        });
        Expr grid = Schedule.count(e, nest.loops(0));
        e.add(e.close());
        a.add(e.launch(grid, Lowering.origin(g)));
    }
}
