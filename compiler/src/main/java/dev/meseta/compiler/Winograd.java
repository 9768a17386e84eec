package dev.meseta.compiler;

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
import dev.meseta.graph.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.WeakHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions with kernels of 3×3 by fewer products: the input is cut into overlapping tiles, tiles and kernels are transformed, their
 * products element by element are one matrix product for each element of a tile, and the sums are transformed back. Channels-last, in
 * three launches. After A. Lavin and S. Gray, "Fast algorithms for convolutional neural networks", CVPR 2016.
 */
final class Winograd {
    /**
     * The transforms for tiles of some outputs.
     *
     * @param outputs of a tile along an axis; it reads two more inputs
     * @param input of a line of the input
     * @param kernel of a line of the kernel
     * @param output of a line of sums
     */
    private record Transform(int outputs, double[][] input, double[][] kernel, double[][] output) {
        int size() {
            return outputs + 2;
        }
    }

    private static final Transform TWO = new Transform(
            2,
            new double[][] {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}},
            new double[][] {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}},
            new double[][] {{1, 1, 1, 0}, {0, 1, -1, 1}});

    private static final Transform FOUR = new Transform(
            4,
            new double[][] {
                {4, 0, -5, 0, 1, 0},
                {0, -4, -4, 1, 1, 0},
                {0, 4, -4, -1, 1, 0},
                {0, -2, -1, 2, 1, 0},
                {0, 2, -1, -2, 1, 0},
                {0, 4, 0, -5, 0, 1}
            },
            new double[][] {
                {0.25, 0, 0},
                {-1 / 6.0, -1 / 6.0, -1 / 6.0},
                {-1 / 6.0, 1 / 6.0, -1 / 6.0},
                {1 / 24.0, 1 / 12.0, 1 / 6.0},
                {1 / 24.0, -1 / 12.0, 1 / 6.0},
                {0, 0, 1}
            },
            new double[][] {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}});

    /** Products that a core makes in the time in which a byte comes from memory; chosen by the table of {@code docs/benchmarks.md}. */
    private static final double PRODUCTS_PER_BYTE = 2;

    /** Products that a core makes in the time in which an element is transformed and moved through the caches. */
    private static final double PRODUCTS_PER_ELEMENT = 16;

    /** Transformed kernels, as long as the models that they belong to are in use. */
    private static final Map<Tensor, Map<List<Long>, Tensor>> KERNELS = new WeakHashMap<>();

    private final Assembly a;
    private final Group g;
    private final N anchor;
    private final Op.Convolution op;
    private final Place out;
    private final V left;
    private final V root;
    private final Transform t;
    private final WinogradKernels kernel;
    private final Size channels;
    private final Size features;
    private final List<Size> tiles;
    private final Lowering.Epilogue epilogue;

    private Winograd(Assembly a, Group g, N anchor, Op.Convolution op, Place out, Transform t, WinogradKernels kernel) {
        this.a = a;
        this.g = g;
        this.anchor = anchor;
        this.op = op;
        this.out = out;
        this.left = anchor.in.get(0);
        this.root = g.root.result();
        this.t = t;
        this.kernel = kernel;
        this.channels = left.shape().get(1);
        this.features = root.shape().get(1);
        List<Size> s = root.shape();
        this.tiles = List.of(s.get(0), tiles(s.get(2)), tiles(s.get(3)));
        this.epilogue = new Lowering.Epilogue(a, g, anchor);
    }

    /** Adds the launches of a convolution if they take less time than the direct way; returns whether they were added. */
    static boolean lower(Assembly a, Group g, N anchor, Op.Convolution o, Place out) {
        V left = anchor.in.get(0);
        V root = g.root.result();
        List<Size> w = anchor.in.get(1).shape();
        if (w.size() != 4 || !w.get(2).is(3) || !w.get(3).is(3) || o.groups() != 1) return false;
        boolean plain = o.strides().equals(List.of(1L, 1L))
                && o.kernelDilation().equals(List.of(1L, 1L))
                && o.inputDilation().equals(List.of(1L, 1L));
        if (!plain || left.dtype() != DType.F32 || anchor.result().dtype() != DType.F32) return false;
        List<Integer> order = Layout.channelsLast(4).order();
        if (!root.layout.order().equals(order) || !Layouts.of(g, left).order().equals(order)) return false;
        WinogradKernels kernels = WinogradKernels.of(a, g, anchor.in.get(1));
        Transform t = best(a.choices, root.shape(), w);
        return t != null && kernels != null && new Winograd(a, g, anchor, o, out, t, kernels).emit();
    }

    /** The transform with the least work; null if that is more than the direct way's. */
    private static @Nullable Transform best(Choices choices, List<Size> result, List<Size> kernel) {
        double o = kernel.get(0).value();
        double c = kernel.get(1).value();
        if (c < 16 || o < 16) return null;
        double places = (double) result.get(0).value()
                * result.get(2).value()
                * result.get(3).value();
        Map<Optional<Transform>, Double> costs = new LinkedHashMap<>();
        costs.put(Optional.empty(), places * o * c * 9 + o * c * 9 * 4 * PRODUCTS_PER_BYTE);
        for (Transform t : List.of(TWO, FOUR)) {
            double count = (double) result.get(0).value()
                    * Math.ceilDiv(result.get(2).value(), t.outputs())
                    * Math.ceilDiv(result.get(3).value(), t.outputs());
            double size = t.size() * t.size();
            double cost = count * size * c * o
                    + size * o * c * 4 * PRODUCTS_PER_BYTE
                    + count * size * (c + o) * PRODUCTS_PER_ELEMENT;
            costs.put(Optional.of(t), cost);
        }
        String shape = result.stream()
                .map(s -> s.isLiteral() ? Long.toString(s.value()) : "?")
                .collect(Collectors.joining("x"));
        return choices.pick(
                        "3x3 convolution of " + kernel.get(1).value() + " to " + shape,
                        costs,
                        t -> t.map(x -> "tiles of " + x.outputs()).orElse("direct"))
                .orElse(null);
    }

    private Size tiles(Size extent) {
        long n = Math.ceilDiv(extent.value(), t.outputs());
        return extent.isLiteral()
                ? Size.of(n)
                : new Size(1, List.of(new Size.Symbol("tiles " + t.outputs() + " " + extent, n)));
    }

    private List<Size> transformed(Size last) {
        return List.of(Size.of((long) t.size() * t.size()), tiles.get(0), tiles.get(1), tiles.get(2), last);
    }

    private boolean emit() {
        Place input = a.temporary(DType.F32, transformed(channels));
        Place sums = a.temporary(DType.F32, transformed(features));
        if (!transformInput(input)) return false;
        multiply(input, sums);
        transformSums(sums);
        return true;
    }

    /** The loops of a transform: over tiles and channels, and over the elements of a tile. */
    private record Loops(Nest nest, List<Atom> tiles, Atom channel, List<Atom> element) {}

    /** What a transform computes, by the index of a tile, the channel, and the element in the tile. */
    private interface Elements {
        List<Point> at(Points points, List<Lin> tile, Lin channel, List<Lin> element);
    }

    private @Nullable Loops loops(Size last, int size, Elements elements) {
        List<List<Lin>> indices = new ArrayList<>();
        List<Size> kept = new ArrayList<>(tiles);
        kept.add(last);
        Nest nest = Nest.of(List.of(kept, List.of(Size.of(size), Size.of(size))), (points, index) -> {
            indices.clear();
            indices.addAll(index);
            List<Point> result = new ArrayList<>(
                    elements.at(points, index.get(0).subList(0, 3), index.get(0).get(3), index.get(1)));
            // Each loop stays a loop of its own.
            for (List<Lin> l : index) for (Lin i : l) result.add(points.number(i));
            return result;
        });
        List<Atom> outer = new ArrayList<>();
        for (Lin l : indices.get(0).subList(0, 3)) if (l.atom() != null) outer.add(l.atom());
        Atom channel = indices.get(0).get(3).atom();
        Atom row = indices.get(1).get(0).atom();
        Atom column = indices.get(1).get(1).atom();
        return channel == null || row == null || column == null
                ? null
                : new Loops(nest, outer, channel, List.of(row, column));
    }

    private Lin element(List<Lin> element) {
        return element.get(0).times(Size.of(t.size())).plus(element.get(1));
    }

    private Lin place(Lin element, List<Lin> tile, Lin channel, Size last) {
        List<Lin> index = new ArrayList<>(List.of(element));
        index.addAll(tile);
        index.add(channel);
        return Points.flat(transformed(last), index);
    }

    /** Where a tile begins or an element of it lies along a spatial axis (0 or 1), in the result's or, with the padding, the input's terms. */
    private Lin along(int axis, List<Lin> tile, Lin element, long low) {
        return tile.get(axis + 1).times(Size.of(t.outputs())).plus(element).plus(-low);
    }

    private boolean transformInput(Place to) {
        Loops l = loops(channels, t.size(), (points, tile, channel, element) -> {
            Lin h = along(0, tile, element.get(0), op.low().get(0));
            Lin w = along(1, tile, element.get(1), op.low().get(1));
            Pull pull = new Pull(points, g, a::place);
            return List.of(
                    pull.at(left, List.of(tile.get(0), channel, h, w)),
                    points.number(place(element(element), tile, channel, channels)),
                    points.number(h),
                    points.number(w));
        });
        if (l == null) return false;
        List<Point> p = l.nest().result();
        TileKernel.Operand x = TileKernel.Operand.of(p.get(0));
        if (x == null || !x.isContiguousIn(l.channel())) return false;
        Lin h = index(p.get(2));
        Lin w = index(p.get(3));
        List<Size> extents = left.shape().subList(2, 4);
        Emitter e = new Emitter("winograd_input");
        e.open();
        Share share = share(e, l, channels);
        int last = t.size() - 1;
        Stmt edge = input(e, l, share, x, index(p.get(1)), to, List.of(h, w));
        if (a.target.lockstep()) {
            // Iterations that part ways take both.
            e.add(edge);
        } else {
            Expr inside = Kernels.and(
                    Kernels.and(inside(e, l, h, 0, extents.get(0)), inside(e, l, h, last, extents.get(0))),
                    Kernels.and(inside(e, l, w, 0, extents.get(1)), inside(e, l, w, last, extents.get(1))));
            e.add(new Stmt.If(inside, input(e, l, share, x, index(p.get(1)), to, List.of()), edge));
        }
        e.add(e.close());
        a.add(e.launch(share.grid, Lowering.origin(g)));
        return true;
    }

    /**
     * What an iteration transforms: one tile, all its channels one after the other, or where iterations run in lockstep one vector of them, so
     * that neighbours read what lies behind each other, and few tiles are many iterations.
     *
     * @param begin where the vector begins; null for all channels
     */
    private record Share(
            Size channels, int lanes, Expr grid, @Nullable Expr begin) {
        void each(Emitter e, Atom channel, Runnable body) {
            if (begin == null) {
                MapKernel.row(e, channel, lanes, Kernels.index(0), e.size(channels), body);
                return;
            }
            e.bindVector(channel, begin, lanes);
            body.run();
            e.scalar();
        }
    }

    /** Gives the loops over tiles their values. */
    private Share share(Emitter e, Loops l, Size last) {
        int lanes = DepthwiseKernel.lanes(a.target, DType.F32, last);
        Expr count = Schedule.count(e, l.tiles());
        if (!a.target.lockstep()) {
            Schedule.decompose(e, Schedule.GRID, l.tiles());
            return new Share(last, lanes, count, null);
        }
        Expr vectors = Kernels.ceilDiv(e.size(last), lanes);
        Schedule.decompose(e, e.let("g", Kernels.div(Schedule.GRID, vectors)), l.tiles());
        Expr at = Kernels.mul(e.let("g", Kernels.rem(Schedule.GRID, vectors)), lanes);
        boolean whole = last.isLiteral() && last.value() % lanes == 0;
        Expr begin = whole ? at : Kernels.min(at, Kernels.sub(e.size(last), Kernels.index(lanes)));
        return new Share(last, lanes, Kernels.mul(vectors, count), e.let("c", begin));
    }

    private static Lin index(Point p) {
        return ((Point.Number) p.form()).index();
    }

    /** Whether the line of a number in a tile lies inside the input. */
    private Expr inside(Emitter e, Loops l, Lin line, int number, Size extent) {
        return inside(e, l, line, Kernels.index(number), extent);
    }

    private Expr inside(Emitter e, Loops l, Lin line, Expr number, Size extent) {
        e.open();
        for (Atom element : l.element()) e.bind(element, number);
        Expr at = e.let("y", e.index(line));
        e.closeInline();
        return e.let(
                "y",
                Kernels.and(
                        new Expr.Apply(MapFunction.GE, List.of(at, Kernels.index(0))), Kernels.lt(at, e.size(extent))));
    }

    /** Which elements of a tile lie inside: each line of an axis is asked for once. */
    private final class Inside {
        private final Emitter e;
        private final Loops l;
        private final List<Lin> lines;
        private final List<Size> extents;
        private final List<Map<Expr, Expr>> known = List.of(new HashMap<>(), new HashMap<>());

        Inside(Emitter e, Loops l, List<Lin> lines, List<Size> extents) {
            this.e = e;
            this.l = l;
            this.lines = lines;
            this.extents = extents;
        }

        /** Null if all do. */
        @Nullable
        Expr at(Expr row, Expr column) {
            return lines.isEmpty() ? null : Kernels.and(line(0, row), line(1, column));
        }

        private Expr line(int axis, Expr number) {
            return known.get(axis).computeIfAbsent(number, n -> inside(e, l, lines.get(axis), n, extents.get(axis)));
        }
    }

    /** The passes of a transform. Where iterations run in lockstep, registers are many and a local array is slow. */
    private TwoPasses passes(Emitter e, double[][] map, int results, int lanes) {
        String array = a.target.lockstep() ? "" : e.fresh("l");
        return new TwoPasses(new LinearMap(map), t.size(), results, lanes, array);
    }

    /** Transforms one tile for all channels; where lines are given, what lies outside the input is 0. */
    private Stmt input(Emitter e, Loops l, Share share, TileKernel.Operand x, Lin to, Place place, List<Lin> lines) {
        Inside inside = new Inside(e, l, lines, left.shape().subList(2, 4));
        int lanes = share.lanes;
        e.open();
        share.each(e, l.channel(), () -> {
            int b = e.buffer(x.place(), x.storage(), Kernel.Access.READ);
            passes(e, t.input(), t.size(), lanes)
                    .emit(
                            e,
                            (i, j) -> {
                                Expr row = Kernels.index(i);
                                Expr is = inside.at(row, j);
                                Expr mask = is == null ? null : Kernels.splat(is, lanes);
                                Expr at = at(e, l, row, j, x.offset());
                                return Kernels.load(b, at, new Type(DType.F32, lanes), mask);
                            },
                            (i, values) -> {
                                for (int j = 0; j < t.size(); j++) {
                                    e.open();
                                    bind(e, l, i, Kernels.index(j));
                                    e.store(place, DType.F32, to, values.get(j));
                                    e.closeInline();
                                }
                            });
        });
        return e.close();
    }

    private static void bind(Emitter e, Loops l, Expr row, Expr column) {
        e.bind(l.element().get(0), row);
        e.bind(l.element().get(1), column);
    }

    private static Expr at(Emitter e, Loops l, Expr row, Expr column, Lin offset) {
        e.open();
        bind(e, l, row, column);
        Expr index = e.index(offset);
        e.closeInline();
        return index;
    }

    private void multiply(Place input, Place sums) {
        Size elements = Size.of((long) t.size() * t.size());
        Size count = Size.product(tiles);
        List<Size> u = List.of(elements, channels, features);
        Place weights = a.derived(kernel.constant(), this::transformed);
        Nest nest = Nest.of(List.of(List.of(elements, count, features), List.of(channels)), (points, index) -> {
            List<Lin> k = index.get(0);
            Lin c = index.get(1).getFirst();
            return List.of(
                    points.load(
                            input,
                            DType.F32,
                            Points.flat(List.of(elements, count, channels), List.of(k.get(0), k.get(1), c)),
                            null),
                    points.load(weights, DType.F32, Points.flat(u, List.of(k.get(0), c, k.get(2))), null),
                    points.given(0, DType.F32, k),
                    points.number(Points.flat(List.of(elements, count, features), k)));
        });
        TileKernel.Operand x =
                Objects.requireNonNull(TileKernel.Operand.of(nest.result().get(0)));
        TileKernel.Operand y =
                Objects.requireNonNull(TileKernel.Operand.of(nest.result().get(1)));
        TileKernel.Shape s = TileKernel.shape(a, DType.F32, nest.loops(0), nest.loops(1), x, y);
        if (s == null) throw new IllegalStateException("no tile for " + root.type + " of " + g.root.origin);
        Lin to = index(nest.result().get(3));
        SubgroupTile subgroups = SubgroupTile.of(a, "winograd", DType.F32, s, null);
        if (subgroups != null) {
            a.add(subgroups.emit(nest.points(), nest.result().get(2), to, sums, DType.F32, Lowering.origin(g)));
            return;
        }
        Panels panels = Panels.of(a, nest.points(), s, Lowering.origin(g));
        a.add(TileKernel.of(
                "winograd",
                DType.F32,
                s,
                panels,
                null,
                List.of(new TileKernel.Stored(nest.result().get(2), to, sums, DType.F32)),
                Lowering.origin(g)));
    }

    /** The kernels transformed: an element of a tile, then channels, then features. */
    private Tensor transformed(Tensor from) {
        List<Long> key = new ArrayList<>(kernel.steps());
        key.addAll(List.of(kernel.base(), channels.value(), features.value(), (long) t.outputs()));
        synchronized (KERNELS) {
            return KERNELS.computeIfAbsent(from, _ -> new HashMap<>())
                    .computeIfAbsent(
                            key, _ -> kernel.of(from).transformed(t.kernel(), channels.value(), features.value()));
        }
    }

    private void transformSums(Place sums) {
        Loops l = loops(features, t.outputs(), (points, tile, channel, element) -> {
            Lin h = along(0, tile, element.get(0), 0);
            Lin w = along(1, tile, element.get(1), 0);
            List<Lin> index = List.of(tile.get(0), channel, h, w);
            List<Lin> all = new ArrayList<>(List.of(channel));
            all.addAll(tile);
            all.addAll(element);
            return List.of(
                    epilogue.finish(points, index, points.given(0, DType.F32, all)),
                    points.number(epilogue.offset(points, index)),
                    points.number(place(Lin.ZERO, tile, channel, features)),
                    points.number(h),
                    points.number(w));
        });
        if (l == null) throw new IllegalStateException("a loop is missing for " + g.root.origin);
        List<Point> p = l.nest().result();
        Emitter e = new Emitter("winograd_output");
        e.open();
        Share share = share(e, l, features);
        List<Size> s = root.shape();
        boolean exact = tiles.get(1).times(t.outputs()).equals(s.get(2))
                && tiles.get(2).times(t.outputs()).equals(s.get(3));
        if (exact) {
            e.add(output(e, l, share, p, sums, List.of()));
        } else {
            Stmt edge = output(e, l, share, p, sums, List.of(index(p.get(3)), index(p.get(4))));
            if (a.target.lockstep()) {
                e.add(edge);
            } else {
                Expr inside = Kernels.and(
                        inside(e, l, index(p.get(3)), t.outputs() - 1, s.get(2)),
                        inside(e, l, index(p.get(4)), t.outputs() - 1, s.get(3)));
                e.add(new Stmt.If(inside, output(e, l, share, p, sums, List.of()), edge));
            }
        }
        e.add(e.close());
        a.add(e.launch(share.grid, Lowering.origin(g)));
    }

    /** Transforms one tile of sums for all features and stores it; where lines are given, what lies outside is left out. */
    private Stmt output(Emitter e, Loops l, Share share, List<Point> p, Place sums, List<Lin> lines) {
        Inside inside = new Inside(e, l, lines, root.shape().subList(2, 4));
        Type type = new Type(DType.F32, share.lanes);
        e.open();
        share.each(e, l.channel(), () -> {
            int b = e.buffer(sums, DType.F32, Kernel.Access.READ);
            Expr first = e.index(index(p.get(2)));
            Expr step = e.size(Size.product(tiles).times(features));
            passes(e, t.output(), t.outputs(), share.lanes)
                    .emit(
                            e,
                            (i, j) -> {
                                Expr element = Kernels.add(j, (long) i * t.size());
                                return Kernels.load(b, Kernels.add(first, Kernels.mul(element, step)), type);
                            },
                            (i, values) -> {
                                for (int j = 0; j < t.outputs(); j++) {
                                    Expr column = Kernels.index(j);
                                    Expr is = inside.at(i, column);
                                    e.open();
                                    bind(e, l, i, column);
                                    e.give(0, values.get(j));
                                    e.store(out, epilogue.storage(), index(p.get(1)), e.value(p.get(0)));
                                    Stmt pixel = e.close();
                                    e.add(is == null ? pixel : new Stmt.If(is, pixel, null));
                                }
                            });
        });
        return e.close();
    }
}
