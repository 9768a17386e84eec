package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.Debug;
import dev.meseta.graph.Graph;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Op.Cast.Rounding;
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Makes the commands of a group. */
final class Lowering {
    /** A reduction to fewer numbers than this has too little work at once for many threads, */
    private static final int FEW_RESULTS = 16;

    /** and is worth two kernels from so many elements on, */
    private static final long LONG_REDUCTION = 1 << 15;

    /** of which the first has this many results at least, */
    private static final long PARTS = 64;

    /** each of this many elements at least. */
    private static final long PART = 256;

    private final Assembly a;

    private Lowering(Assembly a) {
        this.a = a;
    }

    /**
     * Adds the commands of a graph.
     *
     * @param inputs where the inputs are
     * @param targets where the outputs go; null where each gets a slot of its own, or stays where it is if it is an input or a constant
     * @return the outputs
     */
    static List<V> body(Assembly a, Graph graph, List<Place> inputs, @Nullable List<Place> targets) {
        Flow flow = Flow.of(graph);
        for (int i = 0; i < inputs.size(); i++) flow.inputs.get(i).place = inputs.get(i);
        List<Group> groups = Fusion.groups(flow);
        Layouts.choose(flow, groups);
        for (int i = 0; i < flow.outputs.size(); i++) {
            V base = Assembly.base(flow.outputs.get(i));
            boolean computed = base.producer != null && !(base.producer.op instanceof Op.Constant);
            if (computed && base.place == null) base.place = targets == null ? a.output(base.type) : targets.get(i);
        }
        List<Group> joined = PartGroups.join(a, AttentionGroups.join(a, RowGroups.join(a, flow, groups)));
        Debug.FUSED.print(() -> Describe.groups(graph.name(), flow, joined));
        Lowering l = new Lowering(a);
        for (Group g : joined) a.repeats.lower(g, () -> l.group(g));
        if (targets != null) {
            for (int i = 0; i < flow.outputs.size(); i++) {
                V v = flow.outputs.get(i);
                Place p = a.place(v);
                if (!p.binding().equals(targets.get(i).binding())) a.copy(p, targets.get(i), v.type.bytes());
            }
        }
        return flow.outputs;
    }

    private void group(Group g) {
        N root = g.root;
        if (g.parts != null) {
            a.add(g.parts);
            return;
        }
        if (Assembly.isAlias(root.result())) return;
        if (root.op instanceof Op.Scan || root.op instanceof Op.If || root.op instanceof Op.While) {
            ControlFlow.lower(a, root);
            return;
        }
        if (root.result().elements() == 0) return;
        Place out = a.place(root.result());
        N anchor = g.anchor;
        if (root.op instanceof Op.Bitcast b
                && Pull.differsInMemory(root.in.getFirst().dtype(), b.dtype())) {
            nibbles(g, root.in.getFirst(), b.dtype(), out);
            return;
        }
        if (!g.reductions.isEmpty()) {
            Objects.requireNonNull(g.rowKernel != null ? g.rowKernel : RowKernel.of(a, g))
                    .add(out);
            return;
        }
        if (g.attention != null) {
            Objects.requireNonNull(
                            g.attentionKernel != null ? g.attentionKernel : AttentionKernel.of(a, g, g.attention))
                    .add(out);
            return;
        }
        if (anchor == null) {
            map(g, root.result(), out);
            return;
        }
        switch (anchor.op) {
            case Op.Reduce o -> reduce(g, anchor, o, out);
            case Op.WindowReduce o -> windowReduce(g, anchor, o, out);
            case Op.Contraction o -> new Products(a, g, anchor, out).contraction(o);
            case Op.Convolution o -> new Convolutions(a, g, anchor, o, out).lower();
            case Op.Concat o -> concat(g, anchor, o, out);
            case Op.ArgReduce o -> OrderKernels.argReduce(a, g, anchor, o, out);
            case Op.Cumulative o -> OrderKernels.cumulative(a, g, anchor, o, out);
            case Op.TopK o -> SortKernels.topK(a, g, anchor, o);
            case Op.ScatterElements o -> ScatterKernels.elements(a, g, anchor, o, out);
            case Op.ScatterNd o -> ScatterKernels.nd(a, g, anchor, o, out);
            default -> throw new IllegalStateException(anchor.op.mnemonic());
        }
    }

    static String origin(Group g) {
        N n = g.anchor != null ? g.anchor : g.root;
        return n.origin.isEmpty() ? n.op.mnemonic() : n.origin;
    }

    private void map(Group g, V v, Place out) {
        store(a, g, v, out, v.layout, (_, index) -> v.layout.offset(v.shape(), index), name(g));
    }

    /** A bitcast between four bits that are a float and four that are a signed integer, by way of unsigned ones. */
    private void nibbles(Group g, V x, DType to, Place out) {
        DType read = to == DType.I4 ? DType.U4 : DType.I4;
        DType written = to == DType.I4 ? DType.I4 : DType.U4;
        a.add(MapKernel.of(
                a.target,
                "bitcast",
                x.shape(),
                (points, index) -> points.convert(
                        written, Rounding.WRAP, points.load(a.place(x), read, Points.flat(x.shape(), index), null)),
                out,
                written,
                (_, index) -> Points.flat(x.shape(), index),
                origin(g)));
    }

    static String name(Group g) {
        N n = g.anchor != null ? g.anchor : g.root;
        return n.op instanceof Op.Map m ? m.function().text() : n.op.mnemonic();
    }

    /**
     * Adds a kernel that computes all elements of a value and stores them.
     *
     * @param walked the order of the loops
     * @param move where an element goes, in elements, by its index
     */
    static void store(
            Assembly a, @Nullable Group g, V v, Place out, Layout walked, MapKernel.Offset move, String name) {
        if (v.elements() == 0) return;
        boolean halves = v.dtype() == DType.C128;
        List<Size> shape = new ArrayList<>(walked.stored(v.shape()));
        int rank = shape.size();
        if (halves) shape.add(Size.of(2));
        a.add(MapKernel.of(
                a.target,
                name,
                shape,
                (points, index) -> new Pull(points, g, a::place, halves ? index.getLast() : Lin.ZERO)
                        .at(v, walked.logical(index.subList(0, rank))),
                out,
                Pull.storage(v.dtype()),
                (points, index) -> {
                    Lin at = move.at(points, walked.logical(index.subList(0, rank)));
                    return halves ? at.times(Size.of(2)).plus(index.getLast()) : at;
                },
                g == null ? name : origin(g)));
    }

    private void concat(Group g, N n, Op.Concat o, Place out) {
        V v = n.result();
        Lin offset = Lin.ZERO;
        for (V part : n.in) {
            Lin from = offset;
            offset = offset.plus(Lin.of(part.shape().get(o.axis())));
            if (part.whole == v) continue;
            store(
                    a,
                    g,
                    part,
                    out,
                    new Layout(v.layout.order(), null),
                    (_, index) -> {
                        List<Lin> at = new ArrayList<>(index);
                        at.set(o.axis(), at.get(o.axis()).plus(from));
                        return v.layout.offset(v.shape(), at);
                    },
                    "concat");
        }
    }

    /** What is stored for an anchor's element, and where: the epilogue of a group. */
    static final class Epilogue {
        private final Assembly a;
        private final Group g;
        private final N anchor;

        Epilogue(Assembly a, Group g, N anchor) {
            this.a = a;
            this.g = g;
            this.anchor = anchor;
        }

        /** The stored element, given the anchor's in the type in which it was accumulated. */
        Point finish(Points points, List<Lin> index, Point total) {
            Point rounded = points.convert(anchor.result().dtype(), Rounding.WRAP, total);
            return new Pull(points, g, a::place).epilogue(anchor, index, rounded, g.root.result());
        }

        /** Where the stored element goes that belongs to the anchor's at an index. */
        Lin offset(Points points, List<Lin> index) {
            V root = g.root.result();
            if (root.layout.isPlain(root.shape()))
                return Points.flat(anchor.result().shape(), index);
            return root.layout.offset(
                    root.shape(), points.reshaped(anchor.result().shape(), index, root.shape()));
        }

        /** The order in which the anchor's elements are best walked. */
        Layout walked() {
            V root = g.root.result();
            boolean same = root.shape().equals(anchor.result().shape());
            return same
                    ? new Layout(root.layout.order(), null)
                    : Layout.plain(anchor.result().type.rank());
        }

        DType storage() {
            return g.root.result().dtype();
        }
    }

    private void reduce(Group g, N anchor, Op.Reduce o, Place out) {
        V x = anchor.in.getFirst();
        List<Size> shape = x.shape();
        List<Integer> axes =
                Layouts.of(g, x).order().stream().filter(o.axes()::contains).toList();
        reduction(
                g,
                anchor,
                "reduce_" + o.kind().text(),
                o.kind(),
                axes.stream().map(shape::get).toList(),
                out,
                (points, k, r) -> {
                    List<Lin> index = new ArrayList<>();
                    int ki = 0;
                    for (int i = 0; i < shape.size(); i++) {
                        int ri = axes.indexOf(i);
                        index.add(ri >= 0 ? r.get(ri) : k.get(ki++));
                    }
                    return new Pull(points, g, a::place).at(x, index);
                });
    }

    private void windowReduce(Group g, N anchor, Op.WindowReduce o, Place out) {
        V x = anchor.in.getFirst();
        List<Size> shape = x.shape();
        DType type = Type.widened(x.dtype());
        reduction(
                g,
                anchor,
                "window_" + o.kind().text(),
                o.kind(),
                o.window().stream().map(Size::of).toList(),
                out,
                (points, k, r) -> {
                    List<Lin> index = new ArrayList<>();
                    Point inside = null;
                    for (int i = 0; i < shape.size(); i++) {
                        Lin at = k.get(i)
                                .times(Size.of(o.strides().get(i)))
                                .plus(r.get(i).times(Size.of(o.dilations().get(i))))
                                .plus(-o.low().get(i));
                        if (o.low().get(i) != 0 || o.high().get(i) != 0)
                            inside = points.both(inside, points.within(at, Lin.ZERO, Lin.of(shape.get(i))));
                        index.add(at);
                    }
                    Point value = new Pull(points, g, a::place).at(x, index, inside);
                    return inside == null
                            ? value
                            : points.apply(
                                    MapFunction.SELECT, inside, value, ReduceKernel.identity(points, o.kind(), type));
                });
    }

    /** An element of what is reduced, by the indices of what is kept and of what is reduced. */
    private interface Reduced {
        Point at(Points points, List<Lin> kept, List<Lin> reduced);
    }

    private void reduction(
            Group g, N anchor, String name, ReduceKind kind, List<Size> reduced, Place out, Reduced element) {
        Epilogue epilogue = new Epilogue(a, g, anchor);
        Layout walked = epilogue.walked();
        DType type = Type.widened(anchor.in.getFirst().dtype());
        List<Size> kept = walked.stored(anchor.result().shape());
        Reduced rest = (points, k, r) -> element.at(points, walked.logical(k), r);
        List<Size> left = reduced;
        int apart = apart(kept, reduced);
        if (apart > 0) {
            left = reduced.subList(0, apart);
            rest = parts(g, name, kind, type, kept, reduced, apart, rest);
        }
        Reduced whole = rest;
        ReduceKernel.Spec spec = new ReduceKernel.Spec() {
            @Override
            public Point element(Points points, List<Lin> k, List<Lin> r) {
                return whole.at(points, k, r);
            }

            @Override
            public Point finish(Points points, List<Lin> k, Point total) {
                return epilogue.finish(points, walked.logical(k), total);
            }

            @Override
            public Lin offset(Points points, List<Lin> k) {
                return epilogue.offset(points, walked.logical(k));
            }
        };
        a.add(ReduceKernel.of(a.target, name, kind, type, kept, left, spec, out, epilogue.storage(), origin(g)));
    }

    /**
     * How many of the outermost loops of a long reduction to a few numbers are best left to a kernel of their own, so that there is work
     * for all threads before it; 0 for none. That depends on the extents alone, so that sums are the same with any number of threads.
     */
    private int apart(List<Size> kept, List<Size> reduced) {
        long results = Size.product(kept).value();
        long all = results * Size.product(reduced).value();
        if (a.target.lockstep() || results >= FEW_RESULTS || all < LONG_REDUCTION) return 0;
        long parts = results;
        for (int i = 0; i + 1 < reduced.size(); i++) {
            parts *= reduced.get(i).value();
            if (parts >= PARTS && all / parts >= PART) return i + 1;
        }
        return 0;
    }

    /** Reduces all but some outermost loops, and gives what is left to reduce. */
    private Reduced parts(
            Group g,
            String name,
            ReduceKind kind,
            DType type,
            List<Size> kept,
            List<Size> reduced,
            int apart,
            Reduced element) {
        List<Size> places = joined(kept, reduced.subList(0, apart));
        Place place = a.temporary(type, places);
        ReduceKernel.Spec spec = new ReduceKernel.Spec() {
            @Override
            public Point element(Points points, List<Lin> k, List<Lin> r) {
                int n = kept.size();
                return element.at(points, k.subList(0, n), joined(k.subList(n, k.size()), r));
            }

            @Override
            public Point finish(Points points, List<Lin> k, Point total) {
                return total;
            }

            @Override
            public Lin offset(Points points, List<Lin> k) {
                return Points.flat(places, k);
            }
        };
        List<Size> left = reduced.subList(apart, reduced.size());
        a.add(ReduceKernel.of(a.target, name, kind, type, places, left, spec, place, type, origin(g)));
        return (points, k, r) -> points.load(place, type, Points.flat(places, joined(k, r)), null);
    }

    private static <T> List<T> joined(List<T> first, List<T> second) {
        List<T> all = new ArrayList<>(first);
        all.addAll(second);
        return all;
    }
}
