package dev.meseta.compiler;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelInterpreter;
import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.CommandList;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.interpreter.Interpreter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongConsumer;

/** Runs command lists by walking their kernels, and checks what kernels promise: bounds, declared accesses, and that iterations of a grid write disjoint elements. */
final class SlowDevice {
    static final class PositionOutside extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private final CommandList list;
    private final MemorySegment[] slots;
    private final List<Long> iterations = new ArrayList<>();

    private final LongConsumer prefetched;

    private SlowDevice(CommandList list, List<Tensor> inputs, LongConsumer prefetched) {
        this.list = list;
        this.prefetched = prefetched;
        this.slots = new MemorySegment[list.slots().size()];
        MemorySegment arena = Arena.ofAuto().allocate(Math.max(1, list.arenaBytes()), 64);
        arena.fill((byte) 0x55);
        for (int i = 0; i < slots.length; i++) {
            slots[i] = switch (list.slots().get(i)) {
                case CommandList.ConstantSlot c -> c.value().data().asReadOnly();
                case CommandList.OutputSlot o -> {
                    MemorySegment m =
                            Arena.ofAuto().allocate(Math.max(1, o.bytes()), 64).asSlice(0, o.bytes());
                    m.fill((byte) 0x55);
                    yield m;
                }
                case CommandList.TemporarySlot t ->
                    t.bytes() == 0 || t.offset() + t.bytes() > arena.byteSize() && list.arenaBytes() == 0
                            ? MemorySegment.NULL
                            : arena.asSlice(t.offset(), t.bytes());
                case CommandList.InputSlot _ -> MemorySegment.NULL;
            };
        }
        for (int i = 0; i < inputs.size(); i++)
            slots[list.inputs().get(i)] = inputs.get(i).data().asReadOnly();
    }

    static List<Tensor> run(CommandList list, List<Tensor> inputs) {
        return run(list, inputs, _ -> {});
    }

    /** @param prefetched takes the index of each element that is asked for, in its buffer */
    static List<Tensor> run(CommandList list, List<Tensor> inputs, LongConsumer prefetched) {
        SlowDevice d = new SlowDevice(list, inputs, prefetched);
        d.commands(list.commands());
        List<Tensor> out = new ArrayList<>();
        for (CommandList.Output o : list.outputs())
            out.add(Tensor.wrap(o.type(), d.slots[o.slot()].asSlice(0, o.type().bytes())));
        return out;
    }

    private MemorySegment at(CommandList.Binding b) {
        long offset = b.offset();
        for (int i = 0; i < b.strides().size(); i++) offset += b.strides().get(i) * iterations.get(i);
        return slots[b.slot()].asSlice(offset);
    }

    private void commands(List<CommandList.Command> commands) {
        for (CommandList.Command c : commands) {
            switch (c) {
                case CommandList.Launch l
                when l.kernel().team() > 1 || KernelText.of(l.kernel()).contains(" matrix ") ->
                    KernelInterpreter.run(
                            l.kernel(), l.bindings().stream().map(this::at).toList(), l.extents());
                case CommandList.Launch l -> new Run(l).grid();
                case CommandList.Copy x -> MemorySegment.copy(at(x.from()), 0, at(x.to()), 0, x.bytes());
                case CommandList.Repeat r -> {
                    for (long i = 0; i < r.steps(); i++) {
                        iterations.add(r.reverse() ? r.steps() - 1 - i : i);
                        commands(r.body());
                        iterations.removeLast();
                    }
                }
                case CommandList.Conditional x ->
                    commands(
                            at(x.condition()).get(java.lang.foreign.ValueLayout.JAVA_BYTE, 0) != 0
                                    ? x.then()
                                    : x.otherwise());
                case CommandList.RepeatWhile w -> {
                    commands(w.test());
                    while (at(w.condition()).get(java.lang.foreign.ValueLayout.JAVA_BYTE, 0) != 0) {
                        commands(w.body());
                        commands(w.test());
                    }
                }
            }
        }
    }

    /** One launch. Values are tensors of as many elements as lanes. */
    private final class Run {
        final Kernel kernel;
        final List<Long> extents;
        final Tensor[] buffers;
        final BitSet[] written;
        BitSet[] own;
        Map<String, Tensor> variables = new HashMap<>();
        Map<String, Tensor> locals = new HashMap<>();

        Run(CommandList.Launch l) {
            kernel = l.kernel();
            extents = l.extents();
            buffers = new Tensor[kernel.buffers().size()];
            written = new BitSet[buffers.length];
            for (int i = 0; i < buffers.length; i++) {
                Kernel.Buffer b = kernel.buffers().get(i);
                long n = eval(b.elements()).getLong(0);
                TensorType t = TensorType.of(b.dtype(), n);
                MemorySegment m = at(l.bindings().get(i));
                if (m.byteSize() < t.bytes())
                    throw new AssertionError(kernel.name() + ": buffer " + i + " is " + m.byteSize() + ", needs " + t);
                if (b.access() != Kernel.Access.READ && m.isReadOnly())
                    throw new AssertionError("writes a read-only slot");
                buffers[i] = Tensor.wrap(t, m.asSlice(0, t.bytes()));
                written[i] = new BitSet();
                for (int j = 0; j < i; j++) {
                    boolean overlap = m.address()
                                    < buffers[j].data().address()
                                            + buffers[j].data().byteSize()
                            && buffers[j].data().address() < m.address() + t.bytes();
                    boolean writes = b.access() != Kernel.Access.READ
                            || kernel.buffers().get(j).access() != Kernel.Access.READ;
                    if (overlap && writes)
                        throw new AssertionError(kernel.name() + ": buffers " + j + " and " + i + " overlap");
                }
            }
            own = new BitSet[buffers.length];
        }

        void grid() {
            long n = eval(kernel.grid()).getLong(0);
            for (long g = 0; g < n; g++) {
                variables = new HashMap<>();
                variables.put(Kernel.GRID, index(g));
                for (int i = 0; i < own.length; i++) own[i] = new BitSet();
                exec(kernel.body());
                for (int i = 0; i < own.length; i++) {
                    if (own[i].intersects(written[i]))
                        throw new AssertionError(kernel.name() + ": iterations write the same element");
                    written[i].or(own[i]);
                }
            }
        }

        static Tensor index(long v) {
            return Tensor.of(new long[] {v}, 1);
        }

        static TensorType type(Type t) {
            return TensorType.of(t.element(), t.lanes());
        }

        Tensor map(MapFunction f, List<Tensor> in) {
            return op(new Op.Map(f), in);
        }

        static Tensor op(Op op, List<Tensor> in) {
            return Interpreter.evaluate(op, in).getFirst();
        }

        Tensor eval(Expr e) {
            Tensor t = compute(e);
            if (!t.type().equals(type(e.type()))) throw new AssertionError(e + " gave " + t.type());
            return t;
        }

        Tensor compute(Expr e) {
            return switch (e) {
                case Expr.Real r ->
                    fill(r.type(), t -> {
                        for (int i = 0; i < t.elements(); i++) t.setDouble(i, r.value());
                    });
                case Expr.Int x ->
                    fill(x.type(), t -> {
                        for (int i = 0; i < t.elements(); i++) t.setLong(i, x.value());
                    });
                case Expr.Var v -> {
                    Tensor t = variables.get(v.name());
                    if (t == null) throw new AssertionError("no value for " + v.name() + " in " + kernel.name());
                    yield t;
                }
                case Expr.Extent x -> index(extents.get(x.number()));
                case Expr.Load l -> load(l);
                case Expr.LoadLocal l -> {
                    Tensor array = Objects.requireNonNull(locals.get(l.array()), l.array());
                    long at = local(array, l.array(), l.index(), l.type().lanes());
                    yield fill(l.type(), t -> {
                        for (int k = 0; k < l.type().lanes(); k++) copy(array, at + k, t, k);
                    });
                }
                case Expr.OfMember o -> throw new AssertionError(o.name() + " of a team");
                case Expr.Apply a -> {
                    List<Tensor> in = a.operands().stream().map(this::eval).toList();
                    if (in.getFirst().elements() == 1 && in.getFirst().dtype() == DType.I64 && in.size() == 2) {
                        long x = in.get(0).getLong(0);
                        long y = in.get(1).getLong(0);
                        switch (a.function()) {
                            case ADD -> {
                                yield index(x + y);
                            }
                            case MUL -> {
                                yield index(x * y);
                            }
                            case SUB -> {
                                yield index(x - y);
                            }
                            case MIN -> {
                                yield index(Math.min(x, y));
                            }
                            case DIV -> {
                                yield index(y == 0 ? 0 : x / y);
                            }
                            case REM -> {
                                yield index(y == 0 ? 0 : x % y);
                            }
                            default -> {}
                        }
                    }
                    yield map(a.function(), in);
                }
                case Expr.Fma f -> {
                    Tensor a = eval(f.a());
                    Tensor b = eval(f.b());
                    Tensor c = eval(f.c());
                    yield fill(f.type(), t -> {
                        for (int i = 0; i < t.elements(); i++)
                            t.setDouble(
                                    i,
                                    t.dtype() == DType.F32
                                            ? Math.fma((float) a.getDouble(i), (float) b.getDouble(i), (float)
                                                    c.getDouble(i))
                                            : Math.fma(a.getDouble(i), b.getDouble(i), c.getDouble(i)));
                    });
                }
                case Expr.Dot d -> {
                    Tensor a = eval(d.left());
                    Tensor b = eval(d.right());
                    Tensor c = eval(d.sum());
                    yield fill(d.type(), t -> {
                        for (int i = 0; i < t.elements(); i++) {
                            long sum = c.getLong(i);
                            int n = (int) (a.elements() / t.elements());
                            for (int j = n * i; j < n * i + n; j += 2) {
                                long two = a.getLong(j) * b.getLong(j) + a.getLong(j + 1) * b.getLong(j + 1);
                                sum += d.saturates() ? Math.max(-32768, Math.min(32767, two)) : two;
                            }
                            t.setLong(i, (int) sum);
                        }
                    });
                }
                case Expr.Convert c ->
                    op(
                            new Op.Cast(Type.widened(c.to()), Op.Cast.Rounding.WRAP),
                            List.of(op(new Op.Cast(c.to(), c.rounding()), List.of(eval(c.operand())))));
                case Expr.Bits b -> op(new Op.Bitcast(b.to()), List.of(eval(b.operand())));
                case Expr.Splat s -> {
                    Tensor x = eval(s.operand());
                    if (x.elements() != 1) throw new AssertionError("splat of a vector");
                    yield fill(s.type(), t -> {
                        for (int i = 0; i < t.elements(); i++) copy(x, 0, t, i);
                    });
                }
                case Expr.Ramp r -> {
                    long b = eval(r.base()).getLong(0);
                    yield fill(r.type(), t -> {
                        for (int i = 0; i < t.elements(); i++) t.setLong(i, b + i * r.step());
                    });
                }
                case Expr.Combine c -> {
                    Tensor x = eval(c.operand());
                    Tensor acc = fill(Type.of(x.dtype()), t -> copy(x, 0, t, 0));
                    MapFunction f = ReduceKernel.function(c.kind());
                    for (int i = 1; i < x.elements(); i++) {
                        int k = i;
                        acc = map(f, List.of(acc, fill(Type.of(x.dtype()), t -> copy(x, k, t, 0))));
                    }
                    yield acc;
                }
                case Expr.Shuffle s -> {
                    Tensor a = eval(s.a());
                    Tensor b = eval(s.b());
                    yield fill(s.type(), t -> {
                        for (int i = 0; i < t.elements(); i++) {
                            int k = s.lanes().get(i);
                            if (k < a.elements()) copy(a, k, t, i);
                            else copy(b, k - a.elements(), t, i);
                        }
                    });
                }
            };
        }

        static void copy(Tensor from, long i, Tensor to, long j) {
            int n = from.dtype().bytes();
            MemorySegment.copy(from.data(), i * n, to.data(), j * n, n);
        }

        Tensor fill(Type t, java.util.function.Consumer<Tensor> f) {
            Tensor x = Tensor.wrap(type(t), MemorySegment.ofArray(new byte[(int) type(t).bytes()]));
            f.accept(x);
            return x;
        }

        Tensor load(Expr.Load l) {
            Tensor b = buffers[l.buffer()];
            Tensor i = eval(l.index());
            Tensor m = l.mask() == null ? null : eval(l.mask());
            int lanes = l.type().lanes();
            if (m != null && m.elements() != lanes) throw new AssertionError("mask lanes");
            Tensor raw = Tensor.wrap(
                    TensorType.of(b.dtype(), lanes),
                    MemorySegment.ofArray(new byte[lanes * b.dtype().bytes()]));
            for (int k = 0; k < lanes; k++) {
                if (m != null && m.getLong(k) == 0) continue;
                long p = i.elements() == 1 ? i.getLong(0) + k : i.getLong(k);
                if (p < 0 || p >= b.elements())
                    throw new AssertionError(kernel.name() + ": reads " + p + " of " + b.type() + " by " + l);
                copy(b, p, raw, k);
            }
            Tensor x = op(new Op.Cast(l.type().element(), Op.Cast.Rounding.WRAP), List.of(raw));
            if (m != null && !l.type().element().isFloat()) return x;
            return x;
        }

        void exec(Stmt s) {
            switch (s) {
                case Stmt.Block b -> b.statements().forEach(this::exec);
                case Stmt.For f -> {
                    long begin = eval(f.begin()).getLong(0);
                    long end = eval(f.end()).getLong(0);
                    for (long i = begin; i < end; i += f.step()) {
                        variables.put(f.variable(), index(i));
                        exec(f.body());
                    }
                }
                case Stmt.While w -> {
                    while (eval(w.condition()).getLong(0) != 0) exec(w.body());
                }
                case Stmt.If i -> {
                    if (eval(i.condition()).getLong(0) != 0) exec(i.then());
                    else if (i.otherwise() != null) exec(i.otherwise());
                }
                case Stmt.Let l -> variables.put(l.name(), eval(l.value()));
                case Stmt.Declare d -> variables.put(d.name(), eval(d.initial()));
                case Stmt.Assign a -> {
                    if (!variables.containsKey(a.name())) throw new AssertionError(a.name());
                    variables.put(a.name(), eval(a.value()));
                }
                case Stmt.Store st -> store(st);
                case Stmt.Prefetch p -> prefetched.accept(eval(p.index()).getLong(0));
                case Stmt.LocalArray a ->
                    locals.put(a.name(), Tensor.allocate(a.element().element(), Shape.of(a.size())));
                case Stmt.SharedArray _, Stmt.Barrier _, Stmt.Share _, Stmt.Total _, Stmt.OnMatrices _ ->
                    throw new AssertionError("no teams here");
                case Stmt.StoreLocal t -> {
                    Tensor array = Objects.requireNonNull(locals.get(t.array()), t.array());
                    Tensor v = eval(t.value());
                    long at = local(array, t.array(), t.index(), v.elements());
                    for (int k = 0; k < v.elements(); k++) copy(v, k, array, at + k);
                }
                case Stmt.Check c -> {
                    if (eval(c.condition()).getLong(0) == 0) throw new PositionOutside();
                }
            }
        }

        long local(Tensor array, String name, Expr index, long lanes) {
            long at = eval(index).getLong(0);
            if (at < 0 || at + lanes > array.elements())
                throw new AssertionError(
                        kernel.name() + ": " + lanes + " elements at " + at + " of " + name + " " + array.type());
            return at;
        }

        void store(Stmt.Store s) {
            Tensor b = buffers[s.buffer()];
            if (kernel.buffers().get(s.buffer()).access() == Kernel.Access.READ)
                throw new AssertionError("stores to a read buffer");
            Tensor i = eval(s.index());
            Tensor v = eval(s.value());
            Tensor raw = op(new Op.Cast(b.dtype(), Op.Cast.Rounding.WRAP), List.of(v));
            Tensor m = s.mask() == null ? null : eval(s.mask());
            for (int k = 0; k < v.elements(); k++) {
                if (m != null && m.getLong(k) == 0) continue;
                long p = i.elements() == 1 ? i.getLong(0) + k : i.getLong(k);
                if (p < 0 || p >= b.elements())
                    throw new AssertionError(kernel.name() + ": writes " + p + " of " + b.type());
                copy(raw, k, b, p);
                own[s.buffer()].set((int) p);
            }
        }
    }
}
