package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The value of one element as an expression over loop variables; made by {@link Points}, which makes equal ones identical. */
final class Point {
    /** What a point is. */
    sealed interface Form {}

    record Real(DType type, double value) implements Form {}

    record Int(DType type, long value) implements Form {}

    /** An element in memory; where the mask is false, nothing is read and the value is 0. */
    record Load(
            Place place,
            DType storage,
            Lin offset,
            @Nullable Point mask) implements Form {}

    /** An index as a number, I64. */
    record Number(Lin index) implements Form {}

    record Apply(MapFunction function, List<Point> operands) implements Form {}

    record Convert(DType to, Op.Cast.Rounding rounding, Point operand) implements Form {}

    record Bits(DType to, Point operand) implements Form {}

    /** A position, checked against an extent (where the mask holds) and brought into range. */
    record Checked(Point position, Size extent, @Nullable Point mask) implements Form {}

    /** A value that the kernel around has computed. */
    record Given(int number, DType type, long vars) implements Form {}

    private final Form form;
    private final DType type;
    private final long vars;

    Point(Form form) {
        this.form = form;
        switch (form) {
            case Real r -> {
                type = r.type;
                vars = 0;
            }
            case Int i -> {
                type = i.type;
                vars = 0;
            }
            case Load l -> {
                type = Type.widened(l.storage);
                vars = l.offset.vars() | (l.mask == null ? 0 : l.mask.vars);
            }
            case Number n -> {
                type = DType.I64;
                vars = n.index.vars();
            }
            case Apply a -> {
                type = a.function.isPredicate() ? DType.BOOL : a.operands.getLast().type;
                long v = 0;
                for (Point p : a.operands) v |= p.vars;
                vars = v;
            }
            case Convert c -> {
                type = Type.widened(c.to);
                vars = c.operand.vars;
            }
            case Bits b -> {
                type = b.to;
                vars = b.operand.vars;
            }
            case Checked c -> {
                type = DType.I64;
                vars = c.position.vars | (c.mask == null ? 0 : c.mask.vars);
            }
            case Given g -> {
                type = g.type;
                vars = g.vars;
            }
        }
    }

    Form form() {
        return form;
    }

    /** The element type that expressions have. */
    DType type() {
        return type;
    }

    /** Bits of the loop variables that it depends on. */
    long vars() {
        return vars;
    }
}
