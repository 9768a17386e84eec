package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.FloatFormat;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op.Cast.Rounding;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes points and atoms, each once. One for a kernel under construction. */
final class Points {
    /** The bit of what depends on a value that the kernel around has computed. */
    static final long GIVEN = 1L << 62;

    /** Quotients of an index that are looked at: more than dimensions need. */
    private static final int MOST_QUOTIENTS = 12;

    private final Map<Point.Form, Point> points = new HashMap<>();
    private final Map<Atom.Form, Atom> atoms = new HashMap<>();
    private int loops;

    /** A new loop variable. */
    Atom loop(Size extent) {
        if (loops == 60) throw new IllegalStateException("more than 60 loop variables in a kernel");
        return atom(new Atom.Loop(loops++, extent));
    }

    private Atom atom(Atom.Form form) {
        Atom a = atoms.get(form);
        if (a == null) {
            a = new Atom(atoms.size(), form);
            atoms.put(form, a);
        }
        return a;
    }

    private Point point(Point.Form form) {
        Point p = points.get(form);
        if (p == null) {
            p = new Point(form);
            points.put(form, p);
        }
        return p;
    }

    // Indices

    /** lin div d for a lin that is not negative. */
    Lin quotient(Lin lin, Size d) {
        if (d.is(1)) return lin;
        if (lin.min() >= 0 && lin.max() < d.value()) return Lin.ZERO;
        Lin[] parts = lin.split(d);
        if (parts[1].min() < 0) return Lin.of(atom(new Atom.Quotient(lin, d)));
        if (parts[1].max() < d.value()) return parts[0];
        return parts[0].plus(Lin.of(atom(new Atom.Quotient(parts[1], d))));
    }

    /** lin mod d for a lin that is not negative. */
    Lin remainder(Lin lin, Size d) {
        if (d.is(1)) return Lin.ZERO;
        Atom one = lin.atom();
        if (one != null && one.form() instanceof Atom.Remainder r && r.by().over(d) != null)
            return remainder(r.of(), d);
        if (lin.min() >= 0 && lin.max() < d.value()) return lin;
        Lin[] parts = lin.split(d);
        if (parts[1].min() < 0) return Lin.of(atom(new Atom.Remainder(lin, d)));
        if (parts[1].max() < d.value()) return parts[1];
        return Lin.of(atom(new Atom.Remainder(parts[1], d)));
    }

    /**
     * A sum without quotients and remainders where they cancel each other, and otherwise as it is: d * (x div d) is x less its remainder.
     * They do when loops were made one that an index then takes apart, as with the groups of a convolution.
     */
    private Lin withoutQuotients(Lin lin) {
        Lin sum = lin;
        for (int i = 0; i < MOST_QUOTIENTS && !sum.isAffine(); i++) {
            Lin next = withoutFirstQuotient(sum);
            if (next == null) return lin;
            sum = next;
        }
        return sum.isAffine() ? sum : lin;
    }

    private @Nullable Lin withoutFirstQuotient(Lin lin) {
        for (Lin.Term t : lin.terms()) {
            if (t.atom() == null || !(t.atom().form() instanceof Atom.Quotient q)) continue;
            Size times = t.coefficient().over(q.by());
            if (times == null) return null;
            return lin.plus(Lin.of(t.atom()).times(t.coefficient()).times(Size.of(-1)))
                    .plus(q.of().times(times))
                    .plus(remainder(q.of(), q.by()).times(times).times(Size.of(-1)));
        }
        return null;
    }

    /** The lesser of two, by literals if the numbers are certain for all extents. */
    Lin least(Lin a, Lin b, boolean certain) {
        if (certain && a.max() <= b.min()) return a;
        if (certain && b.max() <= a.min()) return b;
        return Lin.of(atom(new Atom.Least(a, b)));
    }

    Lin read(Point position, Size extent, @Nullable Point mask) {
        Point p = position;
        if (p.type() != DType.I64) p = convert(DType.I64, Rounding.WRAP, p);
        return Lin.of(atom(new Atom.Read(point(new Point.Checked(p, extent, mask)), extent)));
    }

    /** Row-major position of an index in a dense shape. */
    static Lin flat(List<Size> shape, List<Lin> index) {
        Lin sum = Lin.ZERO;
        List<Size> strides = Size.strides(shape);
        for (int i = 0; i < shape.size(); i++) sum = sum.plus(index.get(i).times(strides.get(i)));
        return sum;
    }

    /** The index in shape {@code to} of the element that has an index in shape {@code from}; both have equally many elements. */
    List<Lin> reshaped(List<Size> from, List<Lin> index, List<Size> to) {
        List<Lin> result = new ArrayList<>();
        int f = 0;
        int t = 0;
        while (f < from.size() || t < to.size()) {
            int fEnd = f < from.size() ? f + 1 : f;
            int tEnd = t < to.size() ? t + 1 : t;
            Size a = fEnd > f ? from.get(f) : Size.ONE;
            Size b = tEnd > t ? to.get(t) : Size.ONE;
            while (!a.equals(b)) {
                if (a.value() == b.value() && fEnd > f && tEnd > t) break;
                if ((a.value() <= b.value() || tEnd == to.size()) && fEnd < from.size()) a = a.times(from.get(fEnd++));
                else if (tEnd < to.size()) b = b.times(to.get(tEnd++));
                else break;
            }
            group(from.subList(f, fEnd), index.subList(f, fEnd), to.subList(t, tEnd), result);
            f = fEnd;
            t = tEnd;
        }
        return result;
    }

    private void group(List<Size> from, List<Lin> index, List<Size> to, List<Lin> result) {
        if (from.size() == 1 && to.size() == 1) {
            result.add(index.getFirst());
            return;
        }
        Lin rest = flat(from, index);
        List<Size> strides = Size.strides(to);
        for (int i = 0; i < to.size(); i++) {
            if (i == to.size() - 1) {
                result.add(rest);
            } else {
                result.add(quotient(rest, strides.get(i)));
                rest = remainder(rest, strides.get(i));
            }
        }
    }

    // Values

    Point literal(DType type, double value) {
        DType t = Type.widened(type);
        return t.isFloat() ? point(new Point.Real(t, value)) : point(new Point.Int(t, (long) value));
    }

    Point integer(DType type, long value) {
        return point(new Point.Int(Type.widened(type), value));
    }

    Point bool(boolean value) {
        return point(new Point.Int(DType.BOOL, value ? 1 : 0));
    }

    Point load(Place place, DType storage, Lin at, @Nullable Point mask) {
        Lin offset = withoutQuotients(at);
        if (mask != null && mask.form() instanceof Point.Int m) {
            if (m.value() == 0) return literal(storage, 0);
            return point(new Point.Load(place, storage, offset, null));
        }
        return point(new Point.Load(place, storage, offset, mask));
    }

    Point number(Lin index) {
        return point(new Point.Number(withoutQuotients(index)));
    }

    /** A value that the kernel around has computed for an index. */
    Point given(int number, DType type, List<Lin> index) {
        long vars = GIVEN;
        for (Lin l : index) vars |= l.vars();
        return point(new Point.Given(number, Type.widened(type), vars));
    }

    Point apply(MapFunction f, Point... operands) {
        return apply(f, List.of(operands));
    }

    Point apply(MapFunction f, List<Point> operands) {
        if (f == MapFunction.SELECT && operands.get(0).form() instanceof Point.Int c)
            return operands.get(c.value() != 0 ? 1 : 2);
        if (f == MapFunction.SELECT && operands.get(1) == operands.get(2)) return operands.get(1);
        return point(new Point.Apply(f, operands));
    }

    /** A conversion; left out where it changes nothing. */
    Point convert(DType to, Rounding rounding, Point operand) {
        boolean storage = Type.widened(to) != to;
        if (operand.type() == to && !storage) return operand;
        if (operand.form() instanceof Point.Load l && l.storage() == to) return operand;
        if (operand.form() instanceof Point.Convert c && c.to() == to) return operand;
        return point(new Point.Convert(to, rounding, operand));
    }

    Point bits(DType to, Point operand) {
        return operand.type() == to ? operand : point(new Point.Bits(to, operand));
    }

    /** The unsigned integers that are as wide in memory as a narrow float. */
    static DType bits(DType storage) {
        return storage.bytes() == 2 ? DType.U16 : DType.U8;
    }

    /** A value of a narrow float type as its bits, if it is only moved; else null. */
    @Nullable
    Point moved(Point p, DType storage) {
        if (!storage.isFloat() || Type.widened(storage) == storage) return null;
        return switch (p.form()) {
            case Point.Load l when l.storage() == storage -> load(l.place(), bits(storage), l.offset(), l.mask());
            case Point.Apply a
            when a.function() == MapFunction.SELECT -> {
                Point x = moved(a.operands().get(1), storage);
                Point y = moved(a.operands().get(2), storage);
                yield x == null || y == null
                        ? null
                        : apply(MapFunction.SELECT, a.operands().get(0), x, y);
            }
            case Point.Real r -> integer(bits(storage), code(storage, r.value()));
            default -> null;
        };
    }

    private static long code(DType storage, double value) {
        return switch (storage) {
            case F16 -> FloatFormat.doubleToF16(value) & 0xffff;
            case BF16 -> FloatFormat.doubleToBf16(value) & 0xffff;
            default -> FloatFormat.of(storage).encode(value, false);
        };
    }

    /** Both conditions; null is true. */
    @Nullable
    Point both(@Nullable Point a, @Nullable Point b) {
        if (a == null || a == b) return b;
        if (b == null) return a;
        return apply(MapFunction.AND, a, b);
    }

    /** Whether low <= index < high, null if that is certain. */
    @Nullable
    Point within(Lin index, Lin low, Lin high) {
        Point a = null;
        Lin above = index.minus(low);
        Lin below = high.minus(index);
        if (above.max() < 0 || below.max() <= 0) return bool(false);
        if (above.min() < 0) a = apply(MapFunction.GE, number(index), number(low));
        if (below.min() <= 0) a = both(a, apply(MapFunction.LT, number(index), number(high)));
        return a;
    }
}
