package dev.meseta.drivers.cpu;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A rough guess at what one iteration of a kernel's grid costs, for the choice between one thread and many: instructions by the trip counts
 * of their loops. Right within a factor of a few, which suffices: the choice matters by powers of ten.
 */
final class KernelCost {
    private static final double NANOSECONDS_PER_INSTRUCTION = 0.3;
    private static final double UNKNOWN_TRIPS = 8;

    private final List<Long> extents;
    private final Map<String, Long> variables = new HashMap<>();

    private KernelCost(List<Long> extents) {
        this.extents = extents;
    }

    /** Nanoseconds that an iteration takes, about. */
    static double nanoseconds(Kernel kernel, List<Long> extents) {
        KernelCost cost = new KernelCost(extents);
        cost.variables.put(Kernel.GRID, 0L);
        return NANOSECONDS_PER_INSTRUCTION * cost.of(kernel.body());
    }

    private double of(Stmt s) {
        return switch (s) {
            case Stmt.Block b -> {
                double sum = 0;
                for (Stmt t : b.statements()) sum += of(t);
                yield sum;
            }
            case Stmt.For f -> {
                double trips = trips(f);
                Long begin = value(f.begin());
                variables.put(f.variable(), begin == null ? 0L : begin);
                double body = of(f.body()) + (f.unroll() ? 0 : 2);
                variables.remove(f.variable());
                yield trips * body;
            }
            case Stmt.While w -> UNKNOWN_TRIPS * (of(w.condition()) + of(w.body()));
            case Stmt.If i -> of(i.condition()) + Math.max(of(i.then()), i.otherwise() == null ? 0 : of(i.otherwise()));
            case Stmt.Let l -> of(l.value());
            case Stmt.Declare d -> of(d.initial());
            case Stmt.Assign a -> of(a.value());
            case Stmt.Store t ->
                1
                        + of(t.index()) * 0.5
                        + of(t.value())
                        + (t.index().type().isVector() ? 2 * t.value().type().lanes() : 0);
            case Stmt.LocalArray _ -> 0;
            case Stmt.StoreLocal t -> 1 + of(t.value());
            case Stmt.Check c -> 1 + of(c.condition());
        };
    }

    private double trips(Stmt.For f) {
        Long begin = value(f.begin());
        Long end = value(f.end());
        if (begin == null || end == null) return UNKNOWN_TRIPS;
        return Math.max(0, Math.ceil((end - begin) / (double) f.step()));
    }

    private @Nullable Long value(Expr e) {
        try {
            return Kernels.evaluate(e, extents, variables);
        } catch (IllegalArgumentException unknown) {
            return null;
        }
    }

    private double of(Expr e) {
        return switch (e) {
            case Expr.Real _, Expr.Int _, Expr.Var _, Expr.Extent _ -> 0;
            case Expr.Load l ->
                1
                        + of(l.index()) * 0.5
                        + (l.index().type().isVector() ? 2 * l.type().lanes() : registers(e));
            case Expr.LoadLocal l -> registers(e) + of(l.index()) * 0.5;
            case Expr.Apply a -> {
                double sum = function(a);
                for (Expr o : a.operands()) sum += of(o);
                yield sum;
            }
            case Expr.Fma f -> registers(e) + of(f.a()) + of(f.b()) + of(f.c());
            case Expr.Dot d -> 2 * registers(e) + of(d.left()) + of(d.right()) + of(d.sum());
            case Expr.Convert c -> 2 * registers(e) + of(c.operand());
            case Expr.Bits t -> of(t.operand());
            case Expr.Splat s -> 1 + of(s.operand());
            case Expr.Ramp r -> 1 + of(r.base());
            case Expr.Combine c -> 6 + of(c.operand());
            case Expr.Shuffle s -> 1 + of(s.a()) + of(s.b());
        };
    }

    private static double registers(Expr e) {
        return Math.max(1, e.type().lanes() * e.type().element().bytes() / 32.0);
    }

    private static double function(Expr.Apply a) {
        double each = switch (a.function()) {
            case EXP, LOG, LOG1P, EXPM1, SIN, COS, TANH, ERF, SIGMOID -> 20;
            case TAN, ASIN, ACOS, ATAN, SINH, COSH, ASINH, ACOSH, ATANH, POW, ATAN2 ->
                20.0 * a.type().lanes();
            case DIV, REM, MOD, SQRT -> 8;
            default -> 1;
        };
        return each * registers(a);
    }
}
