package dev.meseta.compiler.kernel;

import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.ReduceKind;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Tests that a kernel is well formed: names, types, lanes, numbers of buffers and extents, bounds of unrolled loops. Indices are not its business. */
public final class KernelVerifier {
    private final Kernel kernel;
    private final Map<String, Type> scope = new HashMap<>();
    private final Set<String> assignable = new HashSet<>();
    private final Map<String, Stmt.LocalArray> arrays = new HashMap<>();
    private final Set<String> constants = new HashSet<>();
    private final Map<String, MatrixType> matrices = new HashMap<>();
    private final Set<String> shared = new HashSet<>();
    private final Set<String> all = new HashSet<>();

    private KernelVerifier(Kernel kernel) {
        this.kernel = kernel;
    }

    /** Throws {@link IllegalArgumentException} with the first mistake and the kernel's text. */
    public static void verify(Kernel kernel) {
        new KernelVerifier(kernel).kernel();
    }

    private void kernel() {
        require(kernel.name().matches("\\w+"), "the name is no name", null);
        overExtents(kernel.grid());
        for (Kernel.Buffer b : kernel.buffers()) {
            require(b.dtype().kind() != DType.Kind.COMPLEX, "buffer " + b.name() + " is complex", null);
            overExtents(b.elements());
        }
        define(Kernel.GRID, Type.INDEX);
        require(kernel.team() >= 1, "a team of " + kernel.team(), null);
        if (kernel.team() > 1) define(Kernel.MEMBER, Type.INDEX);
        statement(kernel.body());
    }

    private void require(boolean condition, String message, @Nullable Expr where) {
        if (condition) return;
        throw new IllegalArgumentException("kernel " + kernel.name() + ": " + message
                + (where == null ? "" : " in " + KernelText.of(where)) + "\n" + KernelText.of(kernel));
    }

    private void overExtents(Expr e) {
        require(e.type().equals(Type.INDEX), "not an I64 scalar:", e);
        switch (e) {
            case Expr.Int _ -> {}
            case Expr.Extent x -> extent(x);
            case Expr.Apply a
            when a.function() != MapFunction.SELECT -> a.operands().forEach(this::overExtents);
            default -> require(false, "only extents and literals are known outside of the body:", e);
        }
    }

    /** The bound of an unrolled loop: over literals and the variables of unrolled loops around it. */
    private void literal(Expr e) {
        switch (e) {
            case Expr.Int _ -> {}
            case Expr.Var v when constants.contains(v.name()) -> {}
            case Expr.Apply a -> a.operands().forEach(this::literal);
            default -> require(false, "the bounds of an unrolled loop are no literals:", e);
        }
    }

    private void extent(Expr.Extent x) {
        require(x.number() >= 0 && x.number() < kernel.extents(), "there is no extent " + x.number(), null);
    }

    private void define(String name, Type type) {
        require(name.matches("[A-Za-z_]\\w*"), "the name \"" + name + "\" is no name", null);
        require(all.add(name), "the name " + name + " is used twice", null);
        scope.put(name, type);
    }

    /** What a block defines is unknown behind it. */
    private void block(Stmt s) {
        Set<String> names = new HashSet<>(scope.keySet());
        Set<String> known = new HashSet<>(arrays.keySet());
        statement(s);
        scope.keySet().retainAll(names);
        assignable.retainAll(names);
        arrays.keySet().retainAll(known);
    }

    private void statement(Stmt s) {
        switch (s) {
            case Stmt.Block b -> b.statements().forEach(this::statement);
            case Stmt.For f -> {
                typed(f.begin(), Type.INDEX);
                typed(f.end(), Type.INDEX);
                if (f.unroll()) {
                    literal(f.begin());
                    literal(f.end());
                    constants.add(f.variable());
                }
                require(f.step() > 0, "the step of " + f.variable() + " is " + f.step(), null);
                define(f.variable(), Type.INDEX);
                block(f.body());
                scope.remove(f.variable());
            }
            case Stmt.While w -> {
                typed(w.condition(), Type.BOOL);
                block(w.body());
            }
            case Stmt.If i -> {
                typed(i.condition(), Type.BOOL);
                block(i.then());
                if (i.otherwise() != null) block(i.otherwise());
            }
            case Stmt.Let l -> {
                expression(l.value());
                define(l.name(), l.value().type());
            }
            case Stmt.Declare d -> {
                expression(d.initial());
                define(d.name(), d.initial().type());
                assignable.add(d.name());
            }
            case Stmt.Assign a -> {
                Type t = scope.get(a.name());
                require(t != null && assignable.contains(a.name()), a.name() + " is not declared here", null);
                if (t != null) typed(a.value(), t);
            }
            case Stmt.Store t -> {
                expression(t.value());
                access(t.buffer(), t.index(), t.value().type(), t.mask(), true);
            }
            case Stmt.Prefetch p -> {
                require(
                        p.buffer() >= 0 && p.buffer() < kernel.buffers().size(),
                        "there is no buffer " + p.buffer(),
                        null);
                typed(p.index(), Type.INDEX);
            }
            case Stmt.SharedArray a -> {
                require(kernel.team() > 1, "the shared array " + a.name() + " without a team", null);
                statement(new Stmt.LocalArray(a.name(), a.element(), a.size()));
            }
            case Stmt.Barrier _ -> require(kernel.team() > 1, "a barrier without a team", null);
            case Stmt.Share h -> {
                require(kernel.team() > 1, h.name() + " is shared without a team", null);
                expression(h.value());
                define(h.name(), h.value().type());
                shared.add(h.name());
            }
            case Stmt.OnMatrices x -> matrices(x);
            case Stmt.Total t -> {
                require(kernel.team() > 1, t.name() + " is the total of no team", null);
                expression(t.value());
                Type type = t.value().type();
                boolean logical = t.kind() == ReduceKind.AND || t.kind() == ReduceKind.OR;
                require(Integer.bitCount(kernel.team()) == 1, "a total of a team of " + kernel.team(), null);
                boolean sums = type.equals(Type.of(DType.F32)) || type.equals(Type.of(DType.I32));
                require(sums && !logical, t.kind().text() + " of " + type + " of all members", t.value());
                define(t.name(), type);
            }
            case Stmt.LocalArray a -> {
                require(
                        a.element().lanes() == 1 && a.size() > 0,
                        "local array " + a.name() + " is not of some scalars",
                        null);
                require(all.add(a.name()), "the name " + a.name() + " is used twice", null);
                arrays.put(a.name(), a);
            }
            case Stmt.StoreLocal t -> {
                expression(t.value());
                local(t.array(), t.index(), t.value().type());
            }
            case Stmt.Check c -> typed(c.condition(), Type.BOOL);
        }
    }

    private void matrices(Stmt.OnMatrices s) {
        switch (s) {
            case Stmt.LoadMatrix l -> {
                DType element = l.type().element();
                boolean factor = element == DType.F16 || element == DType.I8 || element == DType.U8;
                require(factor, l.name() + " is a factor of " + element, null);
                access(l.buffer(), l.index(), Type.of(Type.widened(element)), null, false);
                require(kernel.buffers().get(l.buffer()).dtype() == element, l.name() + " lies otherwise", l.index());
                require(l.stride() > 0, l.name() + " has a stride of " + l.stride(), null);
                boolean fours =
                        l.order() != Stmt.Order.FOURS || !l.left() && l.type().rows() % 4 == 0 && element != DType.F16;
                require(fours, l.name() + " cannot lie by fours", null);
                require(all.add(l.name()), "the name " + l.name() + " is used twice", null);
                matrices.put(l.name(), l.type());
            }
            case Stmt.ZeroMatrix z -> {
                DType element = z.type().element();
                require(element == DType.F32 || element == DType.I32, z.name() + " is a sum of " + element, null);
                require(all.add(z.name()), "the name " + z.name() + " is used twice", null);
                matrices.put(z.name(), z.type());
            }
            case Stmt.MultiplyMatrices x -> {
                MatrixType sum = matrices.get(x.sum());
                MatrixType left = matrices.get(x.left());
                MatrixType right = matrices.get(x.right());
                boolean fit = sum != null
                        && left != null
                        && right != null
                        && left.rows() == sum.rows()
                        && right.columns() == sum.columns()
                        && left.columns() == right.rows()
                        && (left.element() == DType.F16) == (sum.element() == DType.F32)
                        && (right.element() == DType.F16) == (sum.element() == DType.F32);
                require(fit, x.sum() + " is no sum of " + x.left() + " x " + x.right(), null);
            }
            case Stmt.StoreMatrix t -> {
                MatrixType sum = matrices.get(t.sum());
                require(sum != null, "there is no matrix " + t.sum(), null);
                if (sum != null) local(t.array(), t.index(), Type.of(sum.element()));
            }
        }
    }

    private void access(int buffer, Expr index, Type type, @Nullable Expr mask, boolean write) {
        require(buffer >= 0 && buffer < kernel.buffers().size(), "there is no buffer " + buffer, null);
        Kernel.Buffer b = kernel.buffers().get(buffer);
        require(Type.widened(b.dtype()) == type.element(), b.name() + " holds " + b.dtype() + ", not " + type, index);
        Kernel.Access forbidden = write ? Kernel.Access.READ : Kernel.Access.WRITE;
        require(b.access() != forbidden, b.name() + " is " + b.access() + " only", index);
        expression(index);
        int lanes = index.type().lanes();
        require(
                index.type().element() == DType.I64 && (lanes == 1 || lanes == type.lanes()),
                "the index is of " + index.type(),
                index);
        if (mask != null) typed(mask, type.with(DType.BOOL));
    }

    private void local(String name, Expr index, Type type) {
        Stmt.LocalArray a = arrays.get(name);
        require(a != null && a.element().element() == type.element(), "no local array " + name + " of " + type, index);
        typed(index, Type.INDEX);
    }

    private void typed(Expr e, Type type) {
        expression(e);
        require(e.type().equals(type), "not of " + type + " but of " + e.type() + ":", e);
    }

    private void expression(Expr e) {
        Type t = e.type();
        switch (e) {
            case Expr.Real _ -> require(t.element().isFloat(), "a real of " + t, e);
            case Expr.Int i -> {
                require(!t.element().isFloat(), "an integer of " + t, e);
                require(ScalarFunctions.wrap(i.value(), t.element()) == i.value(), "the literal is not of " + t, e);
            }
            case Expr.Var v -> require(t.equals(scope.get(v.name())), "no variable of this name and type", e);
            case Expr.Extent x -> extent(x);
            case Expr.Load l -> access(l.buffer(), l.index(), t, l.mask(), false);
            case Expr.LoadLocal l -> local(l.array(), l.index(), t);
            case Expr.OfMember o -> {
                typed(o.member(), Type.INDEX);
                boolean there = !(o.member() instanceof Expr.Int i) || i.value() >= 0 && i.value() < kernel.team();
                require(t.equals(scope.get(o.name())) && shared.contains(o.name()) && there, "nothing is shared so", e);
            }
            case Expr.Apply a -> apply(a);
            case Expr.Fma f -> {
                require(t.element().isFloat(), "fma of " + t, e);
                for (Expr o : List.of(f.a(), f.b(), f.c())) typed(o, t);
            }
            case Expr.Dot d -> {
                require(t.element() == DType.I32 && t.lanes() <= 16, "a dot product to " + t, e);
                boolean pairs = d.left().type().element() == DType.I16;
                int lanes = (pairs ? 2 : 4) * t.lanes();
                typed(d.left(), new Type(pairs ? DType.I16 : DType.U8, lanes));
                typed(d.right(), new Type(pairs ? DType.I16 : DType.I8, lanes));
                expression(d.sum());
            }
            case Expr.Convert c -> expression(c.operand());
            case Expr.Bits b -> {
                expression(b.operand());
                require(
                        b.operand().type().element().bits() == b.to().bits() && Type.widened(b.to()) == b.to(),
                        "not as many bits",
                        e);
            }
            case Expr.Splat s -> {
                expression(s.operand());
                require(s.operand().type().lanes() == 1, "a splat of a vector", e);
            }
            case Expr.Ramp r -> {
                expression(r.base());
                require(
                        r.base().type().lanes() == 1 && t.element().isInteger(),
                        "a ramp from " + r.base().type(),
                        e);
            }
            case Expr.Combine c -> {
                expression(c.operand());
                int lanes = c.operand().type().lanes();
                boolean logical = c.kind() == ReduceKind.AND || c.kind() == ReduceKind.OR;
                require(Integer.bitCount(lanes) == 1, "not a power of two of lanes", e);
                require(logical == (t.element() == DType.BOOL), c.kind().text() + " of " + t, e);
            }
            case Expr.Shuffle s -> {
                expression(s.a());
                typed(s.b(), s.a().type());
                int n = 2 * s.a().type().lanes();
                require(s.lanes().stream().allMatch(i -> i >= 0 && i < n), "a lane outside", e);
            }
        }
    }

    private void apply(Expr.Apply a) {
        MapFunction f = a.function();
        require(a.operands().size() == f.arity(), f.text() + " takes " + f.arity() + " operands", a);
        Type t = a.operands().getLast().type();
        for (int i = 0; i < f.arity(); i++)
            typed(a.operands().get(i), f == MapFunction.SELECT && i == 0 ? t.with(DType.BOOL) : t);
        require(f.accepts(t.element()), f.text() + " of " + t, a);
    }
}
