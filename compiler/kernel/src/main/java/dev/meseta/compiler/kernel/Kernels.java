package dev.meseta.compiler.kernel;

import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes expressions and statements, and simplifies index arithmetic on the way: literals fold, x + 0 and x * 1 vanish, (x * c) / c is
 * x. Index arithmetic is taken not to overflow, as element numbers of real buffers do not.
 */
public final class Kernels {
    private Kernels() {}

    // Literals and names

    /** An I64 literal. */
    public static Expr index(long value) {
        return new Expr.Int(Type.INDEX, value);
    }

    /** A literal of any type; rounded to F32 where the type says so. */
    public static Expr literal(Type type, double value) {
        if (type.element().isFloat()) return new Expr.Real(type, type.element() == DType.F32 ? (float) value : value);
        return new Expr.Int(type, (long) value);
    }

    public static Expr f32(double value, int lanes) {
        return literal(new Type(DType.F32, lanes), value);
    }

    public static Expr.Var variable(String name) {
        return new Expr.Var(name, Type.INDEX);
    }

    public static Expr.Var variable(String name, Type type) {
        return new Expr.Var(name, type);
    }

    public static Expr extent(int number) {
        return new Expr.Extent(number);
    }

    // Arithmetic

    public static Expr add(Expr a, Expr b) {
        if (!isIndex(a, b)) return apply(MapFunction.ADD, a, b);
        if (a instanceof Expr.Int x && b instanceof Expr.Int y) return index(x.value() + y.value());
        if (isLiteral(a, 0)) return b;
        if (isLiteral(b, 0)) return a;
        if (a instanceof Expr.Int) return add(b, a);
        // (x + c) + d = x + (c + d), and (x + c) + y = (x + y) + c: literals gather on the right.
        if (a instanceof Expr.Apply s
                && s.function() == MapFunction.ADD
                && s.operands().get(1) instanceof Expr.Int c) {
            Expr x = s.operands().get(0);
            return b instanceof Expr.Int d ? add(x, index(c.value() + d.value())) : add(add(x, b), c);
        }
        if (b instanceof Expr.Apply s
                && s.function() == MapFunction.ADD
                && s.operands().get(1) instanceof Expr.Int c)
            return add(add(a, s.operands().get(0)), c);
        return apply(MapFunction.ADD, a, b);
    }

    public static Expr sub(Expr a, Expr b) {
        if (!isIndex(a, b)) return apply(MapFunction.SUB, a, b);
        if (b instanceof Expr.Int y) return add(a, index(-y.value()));
        if (a.equals(b)) return index(0);
        return apply(MapFunction.SUB, a, b);
    }

    public static Expr mul(Expr a, Expr b) {
        if (!isIndex(a, b)) return apply(MapFunction.MUL, a, b);
        if (a instanceof Expr.Int x && b instanceof Expr.Int y) return index(x.value() * y.value());
        if (a instanceof Expr.Int) return mul(b, a);
        if (isLiteral(b, 0)) return b;
        if (isLiteral(b, 1)) return a;
        if (b instanceof Expr.Int d && a instanceof Expr.Apply s && s.operands().getLast() instanceof Expr.Int c) {
            Expr x = s.operands().getFirst();
            if (s.function() == MapFunction.MUL) return mul(x, index(c.value() * d.value()));
            if (s.function() == MapFunction.ADD) return add(mul(x, d), index(c.value() * d.value()));
        }
        return apply(MapFunction.MUL, a, b);
    }

    /** a * b + sum; rounded once if they are floats. */
    public static Expr multiplyAdd(Expr a, Expr b, Expr sum) {
        return sum.type().element().isFloat() ? new Expr.Fma(a, b, sum) : add(sum, mul(a, b));
    }

    /** a * literal. */
    public static Expr mul(Expr a, long factor) {
        return mul(a, index(factor));
    }

    /** a + literal. */
    public static Expr add(Expr a, long term) {
        return add(a, index(term));
    }

    /** a / b; indices must not be negative. */
    public static Expr div(Expr a, Expr b) {
        if (!isIndex(a, b)) return apply(MapFunction.DIV, a, b);
        if (isLiteral(b, 1)) return a;
        if (a instanceof Expr.Int x && b instanceof Expr.Int y)
            return index(y.value() == 0 ? 0 : x.value() / y.value());
        if (b instanceof Expr.Int d && d.value() > 0 && a instanceof Expr.Apply s) {
            Expr x = s.operands().getFirst();
            if (s.operands().getLast() instanceof Expr.Int c) {
                if (s.function() == MapFunction.MUL && c.value() > 0 && c.value() % d.value() == 0)
                    return mul(x, c.value() / d.value());
                if (s.function() == MapFunction.MUL && c.value() > 0 && d.value() % c.value() == 0)
                    return div(x, index(d.value() / c.value()));
                if (s.function() == MapFunction.DIV && c.value() > 0) return div(x, index(c.value() * d.value()));
                if (s.function() == MapFunction.ADD && c.value() >= 0 && c.value() % d.value() == 0)
                    return add(div(x, d), c.value() / d.value());
            }
        }
        return apply(MapFunction.DIV, a, b);
    }

    /** a rem b; indices must not be negative. */
    public static Expr rem(Expr a, Expr b) {
        if (!isIndex(a, b)) return apply(MapFunction.REM, a, b);
        if (isLiteral(b, 1)) return index(0);
        if (a instanceof Expr.Int x && b instanceof Expr.Int y)
            return index(y.value() == 0 ? 0 : x.value() % y.value());
        if (b instanceof Expr.Int d
                && d.value() > 0
                && a instanceof Expr.Apply s
                && s.operands().getLast() instanceof Expr.Int c) {
            if (s.function() == MapFunction.MUL && c.value() > 0 && c.value() % d.value() == 0) return index(0);
            if (s.function() == MapFunction.ADD && c.value() >= 0 && c.value() % d.value() == 0)
                return rem(s.operands().getFirst(), b);
            if (s.function() == MapFunction.REM && c.value() > 0 && c.value() % d.value() == 0)
                return rem(s.operands().getFirst(), b);
        }
        return apply(MapFunction.REM, a, b);
    }

    /** The least integer not below a / b; indices must not be negative. */
    public static Expr ceilDiv(Expr a, long b) {
        return div(add(a, b - 1), index(b));
    }

    public static Expr min(Expr a, Expr b) {
        if (isIndex(a, b)) {
            if (a instanceof Expr.Int x && b instanceof Expr.Int y) return index(Math.min(x.value(), y.value()));
            if (a.equals(b)) return a;
        }
        return apply(MapFunction.MIN, a, b);
    }

    public static Expr max(Expr a, Expr b) {
        if (isIndex(a, b)) {
            if (a instanceof Expr.Int x && b instanceof Expr.Int y) return index(Math.max(x.value(), y.value()));
            if (a.equals(b)) return a;
        }
        return apply(MapFunction.MAX, a, b);
    }

    public static Expr fma(Expr a, Expr b, Expr c) {
        return new Expr.Fma(a, b, c);
    }

    public static Expr apply(MapFunction function, Expr... operands) {
        return new Expr.Apply(function, List.of(operands));
    }

    /** The function of two operands that a reduction repeats. */
    public static MapFunction combining(ReduceKind kind) {
        return switch (kind) {
            case SUM -> MapFunction.ADD;
            case PROD -> MapFunction.MUL;
            case MIN -> MapFunction.MIN;
            case MAX -> MapFunction.MAX;
            case AND -> MapFunction.AND;
            case OR -> MapFunction.OR;
        };
    }

    public static Expr lt(Expr a, Expr b) {
        if (isIndex(a, b) && a instanceof Expr.Int x && b instanceof Expr.Int y)
            return new Expr.Int(Type.BOOL, x.value() < y.value() ? 1 : 0);
        return apply(MapFunction.LT, a, b);
    }

    public static Expr and(Expr a, Expr b) {
        return apply(MapFunction.AND, a, b);
    }

    public static Expr select(Expr condition, Expr yes, Expr no) {
        if (condition instanceof Expr.Int c) return c.value() != 0 ? yes : no;
        return apply(MapFunction.SELECT, condition, yes, no);
    }

    public static Expr convert(DType to, Op.Cast.Rounding rounding, Expr operand) {
        return operand.type().element() == to ? operand : new Expr.Convert(to, rounding, operand);
    }

    /** A scalar in every lane; the scalar itself for one lane. */
    public static Expr splat(Expr operand, int lanes) {
        if (lanes == 1) return operand;
        return switch (operand) {
            case Expr.Int i -> new Expr.Int(i.type().with(lanes), i.value());
            case Expr.Real r -> new Expr.Real(r.type().with(lanes), r.value());
            default -> new Expr.Splat(operand, lanes);
        };
    }

    /** base, base + step, …; base itself for one lane. */
    public static Expr ramp(Expr base, long step, int lanes) {
        return lanes == 1 ? base : new Expr.Ramp(base, step, lanes);
    }

    /** Elements of a buffer that are stored in one type, for arithmetic in another. */
    public static Expr loadAs(DType type, int buffer, DType storage, Expr index, int lanes) {
        return convert(type, Op.Cast.Rounding.WRAP, load(buffer, index, new Type(Type.widened(storage), lanes)));
    }

    public static Expr load(int buffer, Expr index, Type type) {
        return new Expr.Load(buffer, index, type, null);
    }

    public static Expr load(int buffer, Expr index, Type type, @Nullable Expr mask) {
        return new Expr.Load(buffer, index, type, mask);
    }

    // Statements

    public static Stmt block(Stmt... statements) {
        return statements.length == 1 ? statements[0] : new Stmt.Block(List.of(statements));
    }

    public static Stmt block(List<Stmt> statements) {
        return statements.size() == 1 ? statements.getFirst() : new Stmt.Block(statements);
    }

    public static Stmt loop(String variable, Expr begin, Expr end, long step, Stmt body) {
        return new Stmt.For(variable, begin, end, step, false, body);
    }

    public static Stmt unrolled(String variable, long begin, long end, long step, Stmt body) {
        return new Stmt.For(variable, index(begin), index(end), step, true, body);
    }

    public static Stmt store(int buffer, Expr index, Expr value) {
        return new Stmt.Store(buffer, index, value, null);
    }

    public static Stmt store(int buffer, Expr index, Expr value, @Nullable Expr mask) {
        return new Stmt.Store(buffer, index, value, mask);
    }

    // Values of scalar index expressions

    /**
     * The value of an I64 or BOOL scalar expression over literals, extents and the given variables, as the kernel would compute it.
     * Throws {@link IllegalArgumentException} for an expression that reads anything else.
     */
    public static long evaluate(Expr e, List<Long> extents, Map<String, Long> variables) {
        return switch (e) {
            case Expr.Int i -> i.value();
            case Expr.Extent x -> extents.get(x.number());
            case Expr.Var v when variables.containsKey(v.name()) -> variables.get(v.name());
            case Expr.Apply a -> {
                long[] v = new long[a.operands().size()];
                for (int i = 0; i < v.length; i++) v[i] = evaluate(a.operands().get(i), extents, variables);
                yield ScalarFunctions.integer(
                        a.function(), a.operands().getLast().type().element(), v);
            }
            default -> throw new IllegalArgumentException(KernelText.of(e) + " is not an expression over extents");
        };
    }

    /** The value of an expression over literals and extents. */
    public static long evaluate(Expr e, List<Long> extents) {
        return evaluate(e, extents, Map.of());
    }

    private static boolean isIndex(Expr a, Expr b) {
        return a.type().equals(Type.INDEX) && b.type().equals(Type.INDEX);
    }

    private static boolean isLiteral(Expr e, long value) {
        return e instanceof Expr.Int i && i.value() == value;
    }
}
