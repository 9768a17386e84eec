package dev.meseta.compiler;

import dev.meseta.compiler.Flow.N;
import dev.meseta.compiler.Flow.V;
import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Rewriter;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.CommandList.Binding;
import dev.meseta.driver.CommandList.Command;
import dev.meseta.driver.CommandList.Copy;
import dev.meseta.driver.CommandList.Launch;
import dev.meseta.driver.CommandList.TemporarySlot;
import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.Op;
import dev.meseta.graph.TensorType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A scan as one kernel: all steps are a loop in it, and an iteration of its grid computes some rows (sequences of a batch), which no other
 * one needs. So threads do not wait for each other at each step, and nothing is started for a step. The kernel is put together from those of
 * a step for these rows. Carried values have two places, read and written in turn. Number of steps and distances in memory are arguments,
 * so that another length of the sequences, or another batch, is the same kernel where a step's kernels are.
 */
final class ScanKernel {
    /**
     * A step that reads more constants than this is worth dividing between threads within the step, where there is one sequence: what a
     * core reads from its second-level cache takes longer than meeting the others.
     */
    private static final long ALONE_BYTES = 160 << 10;

    private final Assembly a;
    private final N n;
    private final Op.Scan o;
    private final Graph body;
    private final long parts;

    /** For each slot of a step's commands, what it stands for. */
    private final Map<Integer, Memory> memories = new LinkedHashMap<>();

    private final List<Long> extents = new ArrayList<>();
    private final List<Kernel.Buffer> buffers = new ArrayList<>();
    private final List<Binding> bindings = new ArrayList<>();
    private final Map<Integer, Integer> numbers = new LinkedHashMap<>();

    /** For each buffer, how many bytes of its slot are touched. */
    private final List<Long> reach = new ArrayList<>();

    private static final Expr STEP = Kernels.variable("step");

    /** What a slot of a step's commands stands for: a place in a slot of the scan's, by step, and by the number of the part. */
    private record Memory(int slot, long offset, Moves moves, long each, long part) {}

    /** How a place depends on the number of the step. */
    private enum Moves {
        NOT,
        /** {@code each} bytes a step, in the direction of the scan. */
        ALONG,
        /** It is that of two halves, of {@code each} bytes, which this step reads. */
        READ_HALF,
        /** The other half. */
        WRITTEN_HALF
    }

    private ScanKernel(Assembly a, N n, Op.Scan o, Graph body, long parts) {
        this.a = a;
        this.n = n;
        this.o = o;
        this.body = body;
        this.parts = parts;
    }

    /** Adds a scan's commands; false, with none added, if it does not fit into one kernel, or is better off as commands of its own. */
    static boolean add(Assembly a, N n, Op.Scan o) {
        if (a.target.lockstep() || o.carried() == 0) return false;
        long parts = parts(a, o);
        Graph body = o.body();
        if (parts > 1) body = RowSplit.of(body, o.carried() + o.scanned(), parts);
        if (body == null) {
            body = o.body();
            parts = 1;
        }
        if (parts == 1 && a.target.threads() > 1 && constantBytes(n, o) > ALONE_BYTES) return false;
        try {
            new ScanKernel(a, n, o, body, parts).add();
            return true;
        } catch (Unfit _) {
            return false;
        }
    }

    /** Into how many parts the rows are divided: one for each thread, if they can be. */
    private static long parts(Assembly a, Op.Scan o) {
        TensorType first = o.body().inputTypes().getFirst();
        long rows = first.rank() == 0 ? 1 : first.shape().extent(0);
        return rows > 0 && rows % a.target.threads() == 0 ? a.target.threads() : 1;
    }

    private static long constantBytes(N n, Op.Scan o) {
        long bytes = 0;
        for (int i = o.carried() + o.scanned(); i < n.in.size(); i++)
            bytes += n.in.get(i).type.bytes();
        return bytes;
    }

    private void add() {
        List<Place> inputs = new ArrayList<>();
        List<Place> targets = new ArrayList<>();
        List<Place> halves = new ArrayList<>();
        int stacked = n.out.size() - o.carried();
        for (int i = 0; i < n.in.size(); i++) {
            TensorType type = body.inputTypes().get(i);
            if (i < o.carried()) inputs.add(half(i, type, Moves.READ_HALF, halves));
            else if (i < o.carried() + o.scanned()) inputs.add(slice(a.place(n.in.get(i)), type));
            else inputs.add(a.place(n.in.get(i)));
        }
        for (int i = 0; i < o.carried(); i++)
            targets.add(half(i, body.outputTypes().get(i), Moves.WRITTEN_HALF, halves));
        for (int i = o.carried(); i < o.carried() + stacked; i++)
            targets.add(slice(a.place(n.out.get(i)), body.outputTypes().get(i)));
        int firstOwn = a.slots.size();
        List<Command> step = a.collect(true, () -> Lowering.body(a, body, inputs, targets));
        int endOwn = a.slots.size();
        for (int i = firstOwn; i < endOwn; i++) own(i);
        Launch launch = launch(step);
        for (int i = 0; i < o.carried(); i++)
            a.copy(a.place(n.in.get(i)), halves.get(i), n.in.get(i).type.bytes());
        a.add(launch);
        for (int i = 0; i < o.carried(); i++) {
            V result = n.out.get(i);
            if (result.consumers.isEmpty() && !result.output) continue;
            long bytes = result.type.bytes();
            Place last =
                    new Place(halves.get(i).slot(), o.steps() % 2 * bytes, List.of(), Assembly.elements(result.type));
            a.copy(last, a.place(result), bytes);
        }
    }

    /** A stand-in for what a step reads or writes of a carried value, which has two halves. */
    private Place half(int i, TensorType type, Moves moves, List<Place> halves) {
        long whole = n.in.get(i).type.bytes();
        if (halves.size() == i)
            halves.add(a.temporary(2 * whole, Size.of(2 * n.in.get(i).elements())));
        Place p = a.temporary(type);
        memories.put(p.slot(), new Memory(halves.get(i).slot(), 0, moves, whole, whole / parts));
        return p;
    }

    /** A stand-in for what a step reads or writes of a value that has a slice for each. */
    private Place slice(Place p, TensorType type) {
        if (!p.strides().isEmpty()) throw new Unfit();
        Place s = a.temporary(type);
        memories.put(s.slot(), new Memory(p.slot(), p.offset(), Moves.ALONG, type.bytes() * parts, type.bytes()));
        return s;
    }

    /** Memory that a step works in: each part has its own. */
    private void own(int slot) {
        if (!(a.slots.get(slot) instanceof TemporarySlot t)) return;
        long bytes = (t.bytes() + 63) / 64 * 64;
        int all = parts == 1 ? slot : a.add(new TemporarySlot(bytes * parts, 0));
        memories.put(slot, new Memory(all, 0, Moves.NOT, 0, bytes));
    }

    private Launch launch(List<Command> step) {
        Expr steps = argument(o.steps());
        List<Stmt> statements = new ArrayList<>();
        String origin = n.origin;
        for (int i = 0; i < step.size(); i++) {
            switch (step.get(i)) {
                case Launch l -> {
                    launch(l, "s" + i + "_", statements);
                    if (origin.isEmpty()) origin = l.origin();
                }
                case Copy c -> copy(c, "s" + i + "_", statements);
                default -> throw new Unfit();
            }
        }
        Stmt loop = Kernels.loop("step", Kernels.index(0), steps, 1, Kernels.block(statements));
        List<Kernel.Buffer> declared = new ArrayList<>();
        for (int i = 0; i < buffers.size(); i++) {
            Kernel.Buffer b = buffers.get(i);
            declared.add(new Kernel.Buffer(
                    b.name(),
                    b.dtype(),
                    b.access(),
                    argument(reach.get(i) / b.dtype().bytes())));
        }
        Kernel kernel = new Kernel("scan", declared, extents.size(), Kernels.index(parts), loop);
        return new Launch(kernel, bindings, extents, origin);
    }

    private void launch(Launch l, String prefix, List<Stmt> into) {
        Kernel k = l.kernel();
        if (k.team() != 1) throw new Unfit();
        List<Expr> values = new ArrayList<>();
        for (long e : l.extents()) values.add(argument(e));
        List<Integer> to = new ArrayList<>();
        List<Expr> starts = new ArrayList<>();
        for (int i = 0; i < k.buffers().size(); i++) {
            Kernel.Buffer b = k.buffers().get(i);
            long bytes = Kernels.evaluate(b.elements(), l.extents()) * b.dtype().bytes();
            Binding at = l.bindings().get(i);
            int number = buffer(at, b.dtype(), b.access(), bytes);
            to.add(number);
            starts.add(start(at, b.dtype(), prefix + "o" + i, into));
        }
        Expr grid = Kernels.variable(prefix + "g");
        Rewriter r = new Rewriter(prefix, grid, to, starts, values);
        into.add(Kernels.loop(prefix + "g", Kernels.index(0), r.of(k.grid()), 1, r.of(k.body())));
    }

    /** Copies by vectors, and what is left one by one. */
    private void copy(Copy c, String prefix, List<Stmt> into) {
        DType dtype = known(c.from());
        if (dtype == null) dtype = known(c.to());
        if (dtype == null || Type.widened(dtype) != dtype || c.bytes() % dtype.bytes() != 0) throw new Unfit();
        int lanes = Math.min(32, Math.max(1, a.target.vectorBytes() / dtype.bytes()));
        Expr count = argument(c.bytes() / dtype.bytes());
        int from = buffer(c.from(), dtype, Kernel.Access.READ, c.bytes());
        int to = buffer(c.to(), dtype, Kernel.Access.WRITE, c.bytes());
        Expr read = start(c.from(), dtype, prefix + "r", into);
        Expr written = start(c.to(), dtype, prefix + "w", into);
        into.add(new Stmt.Let(prefix + "v", Kernels.sub(count, Kernels.rem(count, Kernels.index(lanes)))));
        Expr whole = Kernels.variable(prefix + "v");
        into.add(move(prefix + "i", Kernels.index(0), whole, new Type(dtype, lanes), from, read, to, written));
        into.add(move(prefix + "j", whole, count, Type.of(dtype), from, read, to, written));
    }

    private static Stmt move(String i, Expr begin, Expr end, Type type, int from, Expr read, int to, Expr written) {
        Expr at = Kernels.variable(i);
        Stmt store = Kernels.store(to, Kernels.add(written, at), Kernels.load(from, Kernels.add(read, at), type));
        return Kernels.loop(i, begin, end, type.lanes(), store);
    }

    /** The type of a place's elements, if a kernel of this step has said it. */
    private @Nullable DType known(Binding b) {
        Integer number = numbers.get(memory(b).slot);
        return number == null ? null : buffers.get(number).dtype();
    }

    private Memory memory(Binding b) {
        Memory m = memories.get(b.slot());
        return m != null ? m : new Memory(b.slot(), 0, Moves.NOT, 0, 0);
    }

    /** The number of the buffer for a slot, which is one buffer however often a step uses it. */
    private int buffer(Binding b, DType dtype, Kernel.Access access, long bytes) {
        if (!b.strides().stream().allMatch(s -> s == 0)) throw new Unfit();
        Memory m = memory(b);
        long most = switch (m.moves) {
            case NOT -> 0;
            case ALONG -> (o.steps() - 1) * m.each;
            case READ_HALF, WRITTEN_HALF -> m.each;
        };
        long end = m.offset + b.offset() + most + (parts - 1) * m.part + bytes;
        Integer number = numbers.get(m.slot);
        if (number == null) {
            number = buffers.size();
            numbers.put(m.slot, number);
            buffers.add(new Kernel.Buffer("b" + number, dtype, access, Kernels.index(0)));
            bindings.add(Binding.of(m.slot));
            reach.add(end);
            return number;
        }
        Kernel.Buffer known = buffers.get(number);
        if (known.dtype() != dtype) throw new Unfit();
        if (known.access() != access)
            buffers.set(number, new Kernel.Buffer(known.name(), dtype, Kernel.Access.READ_WRITE, known.elements()));
        reach.set(number, Math.max(reach.get(number), end));
        return number;
    }

    /** The first element of a place, for the step and the part at hand. */
    private Expr start(Binding b, DType dtype, String name, List<Stmt> into) {
        Memory m = memory(b);
        Expr turn = switch (m.moves) {
            case NOT -> Kernels.index(0);
            case ALONG -> o.reverse() ? Kernels.sub(argument(o.steps() - 1), STEP) : STEP;
            case READ_HALF -> Kernels.rem(STEP, Kernels.index(2));
            case WRITTEN_HALF -> Kernels.rem(Kernels.add(STEP, 1), Kernels.index(2));
        };
        Expr at = Kernels.mul(turn, elements(m.each, dtype));
        at = Kernels.add(
                at, Kernels.mul(parts == 1 ? Kernels.index(0) : Kernel.GRID_VARIABLE, elements(m.part, dtype)));
        at = Kernels.add(at, elements(m.offset + b.offset(), dtype));
        if (at instanceof Expr.Int) return at;
        into.add(new Stmt.Let(name, at));
        return Kernels.variable(name);
    }

    private Expr elements(long bytes, DType dtype) {
        if (bytes % dtype.bytes() != 0) throw new Unfit();
        return bytes == 0 ? Kernels.index(0) : argument(bytes / dtype.bytes());
    }

    /** An argument of the kernel with a value. */
    private Expr argument(long value) {
        extents.add(value);
        return Kernels.extent(extents.size() - 1);
    }
}
