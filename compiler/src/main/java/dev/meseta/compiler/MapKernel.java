package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import java.util.List;

/**
 * A kernel that computes every element of a shape by an expression and stores it: scalar maps, movement, and what was fused of them. The
 * innermost loop is a vector; where its extent is no multiple of the lanes, the last step overlaps the one before, which is harmless
 * since what is written is never read.
 */
final class MapKernel {
    /** An element by its index. */
    interface Value {
        Point at(Points points, List<Lin> index);
    }

    /** A place by an index, in elements. */
    interface Offset {
        Lin at(Points points, List<Lin> index);
    }

    private MapKernel() {}

    static CommandList.Launch of(
            Target target,
            String name,
            List<Size> shape,
            Value value,
            Place out,
            DType storage,
            Offset offset,
            String origin) {
        Nest nest = Nest.of(List.of(shape), (points, index) -> {
            Point p = value.at(points, index.getFirst());
            Point bits = points.moved(p, storage);
            return List.of(bits == null ? p : bits, points.number(offset.at(points, index.getFirst())));
        });
        Point element = nest.result().get(0);
        // Narrow floats that only move keep their bits, and are not widened.
        DType stored = !storage.isFloat() || element.type().isFloat() ? storage : Points.bits(storage);
        Lin to = ((Point.Number) nest.result().get(1).form()).index();
        Emitter e = new Emitter(name);
        List<Atom> loops = nest.loops(0);
        Runnable store = () -> e.store(out, stored, to, e.value(element));
        if (loops.isEmpty()) {
            e.open();
            store.run();
            e.add(e.close());
            return e.launch(Kernels.index(1), origin);
        }
        Atom inner = loops.getLast();
        List<Atom> outer = loops.subList(0, loops.size() - 1);
        int lanes = Schedule.lanes(Schedule.lanes(target, nest.result()), inner);
        boolean chunked = !inner.extent().isLiteral() || inner.extent().value() >= 2 * Schedule.chunk(target);
        int inside = chunked ? 0 : Schedule.inside(target, outer, inner.extent().value());
        List<Atom> grid = outer.subList(0, outer.size() - inside);
        Expr n = e.size(inner.extent());
        Expr chunks = chunked
                ? Kernels.max(Kernels.index(1), Kernels.div(n, Kernels.index(Schedule.chunk(target))))
                : Kernels.index(1);
        e.open();
        Expr chunk = chunked ? e.let("g", Kernels.rem(Schedule.GRID, chunks)) : Kernels.index(0);
        Schedule.decompose(e, chunked ? e.let("g", Kernels.div(Schedule.GRID, chunks)) : Schedule.GRID, grid);
        Expr begin = Kernels.index(0);
        Expr end = n;
        if (chunked) {
            begin = e.let("g", Kernels.mul(chunk, Schedule.chunk(target)));
            Expr last = new Expr.Apply(dev.meseta.graph.MapFunction.EQ, List.of(Kernels.add(chunk, 1), chunks));
            end = e.let("g", Kernels.select(last, n, Kernels.add(begin, Schedule.chunk(target))));
        }
        Expr from = begin;
        Expr to2 = end;
        e.loops(outer.subList(outer.size() - inside, outer.size()), 0, () -> row(e, inner, lanes, from, to2, store));
        e.add(e.close());
        return e.launch(Kernels.mul(chunks, Schedule.count(e, grid)), origin);
    }

    /** Walks a loop from begin to end in vectors; the last one ends where the loop does. */
    static void row(Emitter e, Atom inner, int lanes, Expr begin, Expr end, Runnable body) {
        String v = e.fresh("i");
        e.open();
        Expr i = Kernels.variable(v);
        boolean whole =
                end instanceof Expr.Int n && begin instanceof Expr.Int b && (n.value() - b.value()) % lanes == 0;
        if (lanes > 1 && !whole) i = e.let("v", Kernels.min(i, Kernels.sub(end, Kernels.index(lanes))));
        e.bindVector(inner, i, lanes);
        body.run();
        e.scalar();
        e.add(new Stmt.For(v, begin, end, lanes, false, e.close()));
    }
}
