package dev.meseta.compiler;

import dev.meseta.compiler.Flow.Group;
import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Op.Cast.Rounding;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The value of an element as an expression: asked for a value at an index, it asks the operands at theirs, up to what is stored in
 * memory. Movement becomes arithmetic on indices.
 */
final class Pull {
    private final Points points;
    private final @Nullable Group group;
    private final Function<V, Place> places;
    private final Map<Key, Point> known = new HashMap<>();

    /** Which half of a 128-bit element is asked for. */
    private final Lin half;

    /** What the kernel around has computed; null where that is nothing. */
    private final @Nullable Computed computed;

    /** Results of nodes that a kernel has in registers when an element is asked for. */
    interface Computed {
        /** Whether it has a node's result. */
        boolean holds(N n);

        /** An element of the result. */
        Point at(N n, List<Lin> index);
    }

    private record Key(V value, List<Lin> index, @Nullable Point mask) {}

    Pull(Points points, @Nullable Group group, Function<V, Place> places) {
        this(points, group, places, Lin.ZERO, null);
    }

    Pull(Points points, @Nullable Group group, Function<V, Place> places, Lin half) {
        this(points, group, places, half, null);
    }

    Pull(Points points, @Nullable Group group, Function<V, Place> places, Computed computed) {
        this(points, group, places, Lin.ZERO, computed);
    }

    private Pull(
            Points points, @Nullable Group group, Function<V, Place> places, Lin half, @Nullable Computed computed) {
        this.points = points;
        this.group = group;
        this.places = places;
        this.half = half;
        this.computed = computed;
    }

    /** The element type in which kernels see a type in memory: complex numbers are words that move. */
    static DType storage(DType t) {
        return t.kind() == DType.Kind.COMPLEX ? DType.I64 : t;
    }

    /** Whether a bitcast is another view of memory, rather than an operation on registers. */
    static boolean isStorageBitcast(DType from, DType to) {
        return Type.widened(storage(from)) != from && from.isFloat()
                || to.isFloat() && Type.widened(to) != to
                || from.kind() == DType.Kind.COMPLEX
                || to.kind() == DType.Kind.COMPLEX;
    }

    /** Whether the bytes of the two types differ although the bits are the same: one extends its sign into the byte, the other does not. */
    static boolean differsInMemory(DType from, DType to) {
        return from == DType.F4E2M1 && to == DType.I4 || from == DType.I4 && to == DType.F4E2M1;
    }

    private boolean isInline(N n) {
        return n.group == null ? !(n.op instanceof Op.Constant) : n.group == group && !Fusion.isAnchor(n);
    }

    Point at(V v, List<Lin> index) {
        return at(v, index, null);
    }

    /** The element; what it is where the mask does not hold does not matter, but nothing is read there. */
    Point at(V v, List<Lin> index, @Nullable Point mask) {
        Double literal = Fusion.literal(v);
        if (literal != null) return literal(v, literal);
        if (v.producer != null && computed != null && computed.holds(v.producer)) return computed.at(v.producer, index);
        if (v.producer == null || !isInline(v.producer)) return leaf(v, index, mask);
        Key key = new Key(v, index, mask);
        Point p = known.get(key);
        if (p == null) {
            p = expression(v.producer, index, mask);
            known.put(key, p);
        }
        return p;
    }

    private Point literal(V v, double d) {
        return points.literal(v.dtype(), d);
    }

    private Point leaf(V v, List<Lin> index, @Nullable Point mask) {
        Lin flat = v.layout.offset(v.shape(), index);
        if (v.dtype() == DType.C128) flat = flat.times(Size.of(2)).plus(half);
        return points.load(places.apply(v), storage(v.dtype()), flat, mask);
    }

    /** The element of the root, given the anchor's element. All values between have equally many elements in the same order. */
    Point epilogue(N anchor, List<Lin> index, Point given, V root) {
        Map<V, Point> done = new IdentityHashMap<>();
        done.put(anchor.result(), given);
        return behind(anchor, index, done, root);
    }

    private boolean depends(V v, N anchor, Map<V, Boolean> known) {
        if (v.producer == anchor) return true;
        if (v.producer == null || !isInline(v.producer)) return false;
        Boolean k = known.get(v);
        if (k != null) return k;
        boolean d = v.producer.in.stream().anyMatch(o -> depends(o, anchor, known));
        known.put(v, d);
        return d;
    }

    private final Map<V, Boolean> dependent = new IdentityHashMap<>();

    private Point behind(N anchor, List<Lin> index, Map<V, Point> done, V v) {
        Point p = done.get(v);
        if (p != null) return p;
        N n = v.producer;
        if (n == null) throw new IllegalStateException("no producer behind an anchor");
        List<Lin> here = points.reshaped(anchor.result().shape(), index, v.shape());
        List<Point> operands = new ArrayList<>();
        for (V o : n.in) {
            if (depends(o, anchor, dependent)) operands.add(behind(anchor, index, done, o));
            else if (n.op instanceof Op.Quantize || n.op instanceof Op.Dequantize)
                operands.add(channel(n, o, here, null));
            else operands.add(at(o, here));
        }
        p = n.op instanceof Op.Reshape ? operands.getFirst() : compute(n, operands);
        done.put(v, p);
        return p;
    }

    /** The scale or zero point that belongs to an element. */
    private Point channel(N n, V o, List<Lin> index, @Nullable Point mask) {
        if (o == n.in.getFirst()) return at(o, index, mask);
        int axis = n.op instanceof Op.Quantize q ? q.axis() : ((Op.Dequantize) n.op).axis();
        return at(o, o.type.rank() == 0 ? List.of() : List.of(index.get(axis)), mask);
    }

    private Point expression(N n, List<Lin> index, @Nullable Point mask) {
        return switch (n.op) {
            case Op.Map _, Op.Cast _, Op.Bitcast _ ->
                compute(n, n.in.stream().map(o -> at(o, index, mask)).toList());
            case Op.Quantize _, Op.Dequantize _ ->
                compute(n, n.in.stream().map(o -> channel(n, o, index, mask)).toList());
            case Op.Iota o -> points.convert(o.dtype(), Rounding.WRAP, points.number(index.get(o.axis())));
            case Op.RandomBits _ ->
                RandomPoints.bits(
                        points,
                        at(n.in.getFirst(), List.of(), mask),
                        Points.flat(n.result().shape(), index));
            case Op.Reshape _ -> {
                V x = n.in.getFirst();
                yield at(x, points.reshaped(n.result().shape(), index, x.shape()), mask);
            }
            case Op.Transpose o -> {
                Lin[] in = new Lin[index.size()];
                for (int i = 0; i < in.length; i++) in[o.permutation().get(i)] = index.get(i);
                yield at(n.in.getFirst(), List.of(in), mask);
            }
            case Op.Broadcast o -> {
                V x = n.in.getFirst();
                List<Lin> in = new ArrayList<>();
                for (int i = 0; i < index.size(); i++) {
                    boolean same = Size.of(x.type.shape().dim(i))
                            .equals(Size.of(o.shape().dim(i)));
                    in.add(same || x.type.shape().extent(i) != 1 ? index.get(i) : Lin.ZERO);
                }
                yield at(x, in, mask);
            }
            case Op.Slice o -> {
                List<Lin> in = new ArrayList<>();
                for (int i = 0; i < index.size(); i++)
                    in.add(index.get(i)
                            .times(Size.of(o.steps().get(i)))
                            .plus(o.starts().get(i)));
                yield at(n.in.getFirst(), in, mask);
            }
            case Op.Pad o -> pad(n, o, index, mask);
            case Op.Gather o -> gather(n, o, index, mask);
            case Op.GatherElements o -> {
                V x = n.in.get(0);
                Point position = at(n.in.get(1), index, mask);
                List<Lin> in = new ArrayList<>(index);
                in.set(o.axis(), points.read(position, x.shape().get(o.axis()), mask));
                yield at(x, in, nonEmpty(x, mask));
            }
            case Op.GatherNd o -> gatherNd(n, o, index, mask);
            default -> throw new IllegalStateException(n.op.mnemonic() + " is no expression");
        };
    }

    /** Nothing can be read from an empty tensor; that a position is outside has been reported by then. */
    private @Nullable Point nonEmpty(V x, @Nullable Point mask) {
        return x.elements() == 0 ? points.bool(false) : mask;
    }

    private Point pad(N n, Op.Pad o, List<Lin> index, @Nullable Point mask) {
        V x = n.in.getFirst();
        Point inside = null;
        List<Lin> in = new ArrayList<>();
        for (int i = 0; i < index.size(); i++) {
            Lin at = index.get(i).plus(-o.low().get(i));
            in.add(at);
            if (o.low().get(i) != 0 || o.high().get(i) != 0)
                inside = points.both(
                        inside, points.within(at, Lin.ZERO, Lin.of(x.shape().get(i))));
        }
        Point value = at(x, in, points.both(mask, inside));
        return inside == null
                ? value
                : points.apply(MapFunction.SELECT, inside, value, at(n.in.get(1), List.of(), mask));
    }

    private Point gather(N n, Op.Gather o, List<Lin> index, @Nullable Point mask) {
        V x = n.in.get(0);
        V positions = n.in.get(1);
        int r = positions.type.rank();
        Point position = at(positions, index.subList(o.axis(), o.axis() + r), mask);
        List<Lin> in = new ArrayList<>(index.subList(0, o.axis()));
        in.add(points.read(position, x.shape().get(o.axis()), mask));
        in.addAll(index.subList(o.axis() + r, index.size()));
        return at(x, in, nonEmpty(x, mask));
    }

    private Point gatherNd(N n, Op.GatherNd o, List<Lin> index, @Nullable Point mask) {
        V x = n.in.get(0);
        V coordinates = n.in.get(1);
        int leading = coordinates.type.rank() - 1;
        int count = (int) coordinates.type.shape().extent(leading);
        List<Lin> in = new ArrayList<>(index.subList(0, o.batch()));
        for (int i = 0; i < count; i++) {
            List<Lin> at = new ArrayList<>(index.subList(0, leading));
            at.add(Lin.of(i));
            Size extent = x.shape().get(o.batch() + i);
            in.add(points.read(at(coordinates, at, mask), extent, mask));
        }
        in.addAll(index.subList(leading, index.size()));
        return at(x, in, nonEmpty(x, mask));
    }

    /** An element-wise node's element from its operands' elements. */
    private Point compute(N n, List<Point> in) {
        DType type = n.result().dtype();
        return switch (n.op) {
            case Op.Map o -> {
                Point p = points.apply(o.function(), in);
                yield isExact(o.function()) ? p : points.convert(type, Rounding.WRAP, p);
            }
            case Op.Cast o -> points.convert(o.dtype(), o.rounding(), in.getFirst());
            case Op.Bitcast o -> bitcast(n.in.getFirst().dtype(), o.dtype(), in.getFirst());
            case Op.Quantize _ -> quantize(n, in);
            case Op.Dequantize _ -> dequantize(n, in);
            default -> throw new IllegalStateException(n.op.mnemonic() + " is not element-wise");
        };
    }

    private Point bitcast(DType from, DType to, Point x) {
        if (Type.widened(to) == to && Type.widened(from) == from) return points.bits(to, x);
        return points.convert(to, Rounding.WRAP, x);
    }

    /** Whether a function of numbers of a narrow type gives a number of that type. */
    private static boolean isExact(MapFunction f) {
        return f.isPredicate()
                || switch (f) {
                    case NEG, ABS, SIGN, FLOOR, CEIL, ROUND, TRUNC, MIN, MAX, SELECT, CLAMP -> true;
                    default -> false;
                };
    }

    private Point quantize(N n, List<Point> in) {
        DType to = n.result().dtype();
        boolean wide = n.in.get(0).dtype() == DType.F64 || n.in.get(1).dtype() == DType.F64;
        DType t = wide ? DType.F64 : DType.F32;
        Point x = points.convert(t, Rounding.WRAP, in.get(0));
        Point quotient = points.apply(MapFunction.DIV, x, points.convert(t, Rounding.WRAP, in.get(1)));
        if (to.isFloat()) return points.convert(to, to.bits() >= 16 ? Rounding.WRAP : Rounding.SATURATE, quotient);
        Point rounded = points.apply(MapFunction.ROUND, quotient);
        // In f32 the sum is exact for all results that are not out of range, if they have at most 16 bits.
        DType sum = wide || to.bits() > 16 ? DType.F64 : DType.F32;
        return points.convert(
                to,
                Rounding.SATURATE,
                points.apply(
                        MapFunction.ADD,
                        points.convert(sum, Rounding.WRAP, rounded),
                        points.convert(sum, Rounding.WRAP, in.get(2))));
    }

    private Point dequantize(N n, List<Point> in) {
        DType from = n.in.getFirst().dtype();
        DType to = n.result().dtype();
        boolean wide = to == DType.F64 || n.in.get(1).dtype() == DType.F64;
        DType t = wide ? DType.F64 : DType.F32;
        DType difference =
                from.isInteger() ? from.bits() <= 16 ? DType.I32 : DType.F64 : from == DType.F64 ? DType.F64 : t;
        Point d = points.apply(
                MapFunction.SUB,
                points.convert(difference, Rounding.WRAP, in.get(0)),
                points.convert(difference, Rounding.WRAP, in.get(2)));
        Point scale = points.convert(t, Rounding.WRAP, in.get(1));
        return points.convert(
                to, Rounding.WRAP, points.apply(MapFunction.MUL, points.convert(t, Rounding.WRAP, d), scale));
    }
}
