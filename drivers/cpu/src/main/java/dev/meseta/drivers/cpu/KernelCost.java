package dev.meseta.drivers.cpu;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A guess at what a launch costs, for the choice between one thread and many: the instructions of the grid's first iteration by the trip
 * counts of their loops, or the time to read and write the memory that it touches, whichever is more. Right within a factor of two or
 * three: too high a guess wakes threads for nothing, too low a one leaves them idle.
 */
final class KernelCost {
    /** A vector instruction of 32 bytes: some two a cycle. */
    private static final double NANOSECONDS_PER_INSTRUCTION = 0.12;

    /** What one core reads and writes in its second-level cache, and beyond it. */
    private static final double NEAR_BYTES_PER_NANOSECOND = 60;

    private static final double FAR_BYTES_PER_NANOSECOND = 20;

    /** Of what a launch touches so much is likely to be near. */
    private static final double NEAR_BYTES = 512 << 10;

    private static final double REGISTER_BYTES = 32;
    private static final double UNKNOWN_TRIPS = 8;

    /** Index arithmetic mostly moves out of loops or into addresses. */
    private static final double INDEX = 0.25;

    private final List<Long> extents;
    private final Map<String, Long> variables = new HashMap<>();

    /** Elements of each buffer that one iteration of the grid reads and writes. */
    private final double[] touched;

    /** How often the statement at hand runs in one iteration of the grid. */
    private double times = 1;

    private KernelCost(Kernel kernel, List<Long> extents) {
        this.extents = extents;
        this.touched = new double[kernel.buffers().size()];
        variables.put(Kernel.GRID, 0L);
    }

    /**
     * What a launch costs, about.
     *
     * @param nanoseconds on one thread
     * @param bytes for each buffer, what is read and written of it, each byte counted once
     * @param repeated for each buffer, how often a byte is read or written by different iterations of the grid
     */
    record Cost(double nanoseconds, double[] bytes, double[] repeated) {}

    static Cost of(Kernel kernel, List<Long> extents, long grid) {
        KernelCost cost = new KernelCost(kernel, extents);
        double instructions = NANOSECONDS_PER_INSTRUCTION * cost.of(kernel.body()) * grid;
        double memory = 0;
        int buffers = kernel.buffers().size();
        double[] bytes = new double[buffers];
        double[] repeated = new double[buffers];
        for (int i = 0; i < buffers; i++) {
            Kernel.Buffer b = kernel.buffers().get(i);
            double whole = Math.max(1, Kernels.evaluate(b.elements(), extents));
            double each = Math.min(whole, cost.touched[i]);
            repeated[i] = Math.max(1, each * grid / whole);
            bytes[i] = Math.min(whole, each * grid) * b.dtype().bytes();
            memory += bytes[i];
        }
        double near = Math.min(memory, NEAR_BYTES);
        double far = memory - near;
        double moved = near / NEAR_BYTES_PER_NANOSECOND + far / FAR_BYTES_PER_NANOSECOND;
        return new Cost(Math.max(instructions, moved), bytes, repeated);
    }

    private double of(Stmt s) {
        return switch (s) {
            case Stmt.Block b -> {
                double sum = 0;
                for (Stmt t : b.statements()) sum += of(t);
                yield sum;
            }
            case Stmt.For f -> loop(f);
            case Stmt.While w -> {
                double outer = times;
                times *= UNKNOWN_TRIPS;
                double each = of(w.condition()) + of(w.body());
                times = outer;
                yield UNKNOWN_TRIPS * each;
            }
            case Stmt.If i -> branch(i);
            case Stmt.Let l -> {
                Long value = l.value().type().equals(Type.INDEX) ? value(l.value()) : null;
                if (value != null) variables.put(l.name(), value);
                yield of(l.value());
            }
            case Stmt.Declare d -> of(d.initial());
            case Stmt.Assign a -> of(a.value());
            case Stmt.Store t ->
                access(t.buffer(), t.index(), t.value().type()) + of(t.value()) + (t.mask() == null ? 0 : of(t.mask()));
            case Stmt.LocalArray _, Stmt.SharedArray _, Stmt.Barrier _, Stmt.OnMatrices _ -> 0;
            case Stmt.Share h -> of(h.value());
            case Stmt.Total t -> of(t.value());
            case Stmt.Prefetch _ -> 1;
            case Stmt.StoreLocal t -> registers(t.value().type()) + of(t.index()) + of(t.value());
            case Stmt.Check c -> 1 + of(c.condition());
        };
    }

    private double loop(Stmt.For f) {
        Long begin = value(f.begin());
        Long end = value(f.end());
        double trips = begin == null || end == null
                ? UNKNOWN_TRIPS
                : Math.max(0, Math.ceil((end - begin) / (double) f.step()));
        variables.put(f.variable(), begin == null ? 0L : begin);
        double outer = times;
        times *= trips;
        double body = of(f.body()) + (f.unroll() ? 0 : 1);
        times = outer;
        return trips * body + of(f.begin()) + of(f.end());
    }

    /** Where the condition follows from the grid's number, the branch that the first iteration takes; else the dearer one. */
    private double branch(Stmt.If i) {
        double condition = of(i.condition());
        Long known = value(i.condition());
        Stmt otherwise = i.otherwise();
        if (known != null) {
            if (known != 0) return condition + of(i.then());
            return condition + (otherwise == null ? 0 : of(otherwise));
        }
        return condition + Math.max(of(i.then()), otherwise == null ? 0 : of(otherwise));
    }

    private @Nullable Long value(Expr e) {
        if (!isKnown(e)) return null;
        try {
            return Kernels.evaluate(e, extents, variables);
        } catch (IllegalArgumentException unknown) {
            return null;
        }
    }

    /** Whether an expression reads nothing but literals, extents and variables that are known: most do not, and exceptions are slow. */
    private boolean isKnown(Expr e) {
        return switch (e) {
            case Expr.Int _, Expr.Extent _ -> true;
            case Expr.Var v -> variables.containsKey(v.name());
            case Expr.Apply a -> {
                for (Expr o : a.operands()) if (!isKnown(o)) yield false;
                yield true;
            }
            default -> false;
        };
    }

    /** A load or store. With a vector for an index it is one for each lane. */
    private double access(int buffer, Expr index, Type type) {
        touched[buffer] += times * type.lanes();
        return of(index) + (index.type().isVector() ? 2 * type.lanes() : registers(type));
    }

    private double of(Expr e) {
        return switch (e) {
            case Expr.Real _, Expr.Int _, Expr.Var _, Expr.Extent _ -> 0;
            case Expr.Load l -> access(l.buffer(), l.index(), l.type()) + (l.mask() == null ? 0 : of(l.mask()));
            case Expr.LoadLocal l -> registers(l.type()) + of(l.index());
            case Expr.OfMember o -> registers(o.type());
            case Expr.Apply a -> {
                double sum = function(a);
                for (Expr o : a.operands()) sum += of(o);
                yield sum;
            }
            case Expr.Fma f -> registers(f.type()) + of(f.a()) + of(f.b()) + of(f.c());
            case Expr.Dot d -> 2 * registers(d.type()) + of(d.left()) + of(d.right()) + of(d.sum());
            case Expr.Convert c -> 2 * registers(c.type()) + of(c.operand());
            case Expr.Bits t -> of(t.operand());
            case Expr.Splat s -> 0.5 + of(s.operand());
            case Expr.Ramp r -> INDEX + of(r.base());
            case Expr.Combine c -> 6 + of(c.operand());
            case Expr.Shuffle s -> registers(s.type()) + of(s.a()) + of(s.b());
        };
    }

    private static double registers(Type type) {
        return Math.max(1, type.lanes() * type.element().bytes() / REGISTER_BYTES);
    }

    private static double function(Expr.Apply a) {
        boolean division = switch (a.function()) {
            case DIV, REM, MOD -> true;
            default -> false;
        };
        if (a.type().equals(Type.INDEX)) return division ? 4 : INDEX;
        double each = switch (a.function()) {
            case EXP, LOG, LOG1P, EXPM1, SIN, COS, TANH, ERF, SIGMOID -> 20;
            case TAN, ASIN, ACOS, ATAN, SINH, COSH, ASINH, ACOSH, ATANH, POW, ATAN2 ->
                20.0 * a.type().lanes();
            case DIV, REM, MOD, SQRT -> 8;
            default -> 1;
        };
        if (division && a.type().element() != DType.F32 && a.type().element() != DType.F64)
            each = 8.0 * a.type().lanes();
        return each * registers(a.type());
    }
}
