package dev.meseta.compiler.kernel;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes a kernel's body as a part of another kernel's: its buffers and extents get other numbers, an index into a buffer counts from
 * another element, the number of the iteration is a value of the other kernel, and all names get a prefix, so that they stay unique.
 *
 * @param prefix of all names
 * @param grid what stands for the iteration
 * @param buffers for each buffer, its number in the other kernel
 * @param starts for each buffer, the element that its elements count from there; I64 scalars
 * @param extents for each extent, its value there
 */
public record Rewriter(String prefix, Expr grid, List<Integer> buffers, List<Expr> starts, List<Expr> extents) {
    public Rewriter {
        buffers = List.copyOf(buffers);
        starts = List.copyOf(starts);
        extents = List.copyOf(extents);
    }

    /** A statement, there. */
    public Stmt of(Stmt s) {
        return switch (s) {
            case Stmt.Block b ->
                new Stmt.Block(b.statements().stream().map(this::of).toList());
            case Stmt.For f ->
                new Stmt.For(prefix + f.variable(), of(f.begin()), of(f.end()), f.step(), f.unroll(), of(f.body()));
            case Stmt.While w -> new Stmt.While(of(w.condition()), of(w.body()));
            case Stmt.If i ->
                new Stmt.If(of(i.condition()), of(i.then()), i.otherwise() == null ? null : of(i.otherwise()));
            case Stmt.Let l -> new Stmt.Let(prefix + l.name(), of(l.value()));
            case Stmt.Declare d -> new Stmt.Declare(prefix + d.name(), of(d.initial()));
            case Stmt.Assign a -> new Stmt.Assign(prefix + a.name(), of(a.value()));
            case Stmt.Store t ->
                new Stmt.Store(
                        buffers.get(t.buffer()), index(t.buffer(), t.index()), of(t.value()), ofNullable(t.mask()));
            case Stmt.Prefetch p -> new Stmt.Prefetch(buffers.get(p.buffer()), index(p.buffer(), p.index()));
            case Stmt.LocalArray a -> new Stmt.LocalArray(prefix + a.name(), a.element(), a.size());
            case Stmt.SharedArray a -> new Stmt.SharedArray(prefix + a.name(), a.element(), a.size());
            case Stmt.Barrier b -> b;
            case Stmt.LoadMatrix l ->
                new Stmt.LoadMatrix(
                        prefix + l.name(),
                        l.type(),
                        l.left(),
                        buffers.get(l.buffer()),
                        index(l.buffer(), l.index()),
                        l.stride(),
                        l.order());
            case Stmt.ZeroMatrix z -> new Stmt.ZeroMatrix(prefix + z.name(), z.type());
            case Stmt.MultiplyMatrices x ->
                new Stmt.MultiplyMatrices(prefix + x.sum(), prefix + x.left(), prefix + x.right());
            case Stmt.StoreMatrix t ->
                new Stmt.StoreMatrix(prefix + t.sum(), prefix + t.array(), of(t.index()), t.stride());
            case Stmt.Share h -> new Stmt.Share(prefix + h.name(), of(h.value()));
            case Stmt.Total t -> new Stmt.Total(prefix + t.name(), t.kind(), of(t.value()));
            case Stmt.StoreLocal t -> new Stmt.StoreLocal(prefix + t.array(), of(t.index()), of(t.value()));
            case Stmt.Check c -> new Stmt.Check(of(c.condition()), c.failure());
        };
    }

    /** An expression, there. */
    public Expr of(Expr e) {
        return switch (e) {
            case Expr.Real _, Expr.Int _ -> e;
            case Expr.Var v when v.name().equals(Kernel.GRID) -> grid;
            case Expr.Var v -> new Expr.Var(prefix + v.name(), v.type());
            case Expr.Extent x -> extents.get(x.number());
            case Expr.Load l ->
                new Expr.Load(buffers.get(l.buffer()), index(l.buffer(), l.index()), l.type(), ofNullable(l.mask()));
            case Expr.LoadLocal l -> new Expr.LoadLocal(prefix + l.array(), of(l.index()), l.type());
            case Expr.OfMember o -> new Expr.OfMember(prefix + o.name(), of(o.member()), o.type());
            case Expr.Apply a -> new Expr.Apply(a.function(), all(a.operands()));
            case Expr.Fma f -> new Expr.Fma(of(f.a()), of(f.b()), of(f.c()));
            case Expr.Dot d -> new Expr.Dot(of(d.left()), of(d.right()), of(d.sum()), d.saturates());
            case Expr.Convert c -> new Expr.Convert(c.to(), c.rounding(), of(c.operand()));
            case Expr.Bits b -> new Expr.Bits(b.to(), of(b.operand()));
            case Expr.Splat s -> new Expr.Splat(of(s.operand()), s.lanes());
            case Expr.Ramp r -> new Expr.Ramp(of(r.base()), r.step(), r.lanes());
            case Expr.Combine c -> new Expr.Combine(c.kind(), of(c.operand()));
            case Expr.Shuffle s -> new Expr.Shuffle(of(s.a()), of(s.b()), s.lanes());
        };
    }

    private @Nullable Expr ofNullable(@Nullable Expr e) {
        return e == null ? null : of(e);
    }

    private List<Expr> all(List<Expr> list) {
        List<Expr> result = new ArrayList<>();
        for (Expr e : list) result.add(of(e));
        return result;
    }

    private Expr index(int buffer, Expr index) {
        Expr there = of(index);
        return Kernels.add(there, Kernels.splat(starts.get(buffer), there.type().lanes()));
    }
}
