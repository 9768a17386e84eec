package dev.meseta.compiler.kernel;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.meseta.graph.DType;
import dev.meseta.graph.FloatFormat;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op;
import dev.meseta.graph.ReduceKind;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Runs kernels in plain Java: what they mean. Every access is tested against the buffer's footprint and memory. Slow. An interpreter runs
 * one kernel on one set of buffers and is not thread-safe.
 *
 * <p>A value is an array of as many numbers as it has lanes: {@code long[]} for integers (extended by their sign, or by zeros) and BOOL,
 * {@code double[]} for floats.
 */
public final class KernelInterpreter {
    /** A failed {@link Stmt.Check}, or an access outside a buffer or local array. */
    public static final class Violation extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Violation(String message) {
            super(message);
        }
    }

    private record Local(Type element, Object values) {}

    private final Kernel kernel;
    private final List<MemorySegment> buffers;
    private final List<Long> extents;
    private final long[] sizes;
    private final Map<String, Object> variables = new HashMap<>();
    private final Map<String, Local> arrays = new HashMap<>();
    private final Map<String, Matrix> matrices = new HashMap<>();
    private @Nullable Team team;

    private KernelInterpreter(Kernel kernel, List<MemorySegment> buffers, List<Long> extents) {
        this.kernel = kernel;
        this.buffers = buffers;
        this.extents = extents;
        this.sizes = new long[buffers.size()];
        for (int i = 0; i < sizes.length; i++) {
            Kernel.Buffer b = kernel.buffers().get(i);
            sizes[i] = Kernels.evaluate(b.elements(), extents);
            if (sizes[i] * b.dtype().bytes() > buffers.get(i).byteSize())
                throw new Violation("buffer " + b.name() + " has "
                        + buffers.get(i).byteSize() + " bytes, not " + sizes[i] + " elements of " + b.dtype());
        }
    }

    /** Runs all iterations of the grid in order. Throws {@link Violation}. */
    public static void run(Kernel kernel, List<MemorySegment> buffers, List<Long> extents) {
        KernelInterpreter interpreter = new KernelInterpreter(kernel, buffers, extents);
        long grid = Kernels.evaluate(kernel.grid(), extents);
        for (long i = 0; i < grid; i++) {
            interpreter.variables.put(Kernel.GRID, new long[] {i});
            if (kernel.team() > 1) Team.run(kernel, buffers, extents, i);
            else interpreter.run(kernel.body());
        }
    }

    /** What the members of a team have in common. */
    private record Team(CyclicBarrier barrier, Map<String, Local> arrays, AtomicReference<RuntimeException> failure) {
        /** Runs an iteration, each member on a thread of its own. */
        static void run(Kernel kernel, List<MemorySegment> buffers, List<Long> extents, long iteration) {
            Team team = new Team(new CyclicBarrier(kernel.team()), new ConcurrentHashMap<>(), new AtomicReference<>());
            List<Thread> members = new ArrayList<>();
            for (long m = 0; m < kernel.team(); m++) {
                KernelInterpreter k = new KernelInterpreter(kernel, buffers, extents);
                k.team = team;
                k.variables.put(Kernel.GRID, new long[] {iteration});
                k.variables.put(Kernel.MEMBER, new long[] {m});
                members.add(Thread.ofVirtual().start(() -> team.member(k)));
            }
            for (Thread t : members) join(t);
            RuntimeException failure = team.failure.get();
            if (failure != null) throw failure;
        }

        private void member(KernelInterpreter k) {
            try {
                k.run(k.kernel.body());
            } catch (RuntimeException e) {
                failure.compareAndSet(null, e);
                barrier.reset();
            }
        }

        void await() {
            try {
                barrier.await();
            } catch (BrokenBarrierException | InterruptedException e) {
                throw new Violation("a member of the team does not come to the barrier: " + e);
            }
        }

        private static void join(Thread t) {
            try {
                t.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Violation("interrupted");
            }
        }
    }

    // Statements

    private void run(Stmt s) {
        switch (s) {
            case Stmt.Block b -> b.statements().forEach(this::run);
            case Stmt.For f -> {
                long end = integer(f.end());
                for (long i = integer(f.begin()); i < end; i += f.step()) {
                    variables.put(f.variable(), new long[] {i});
                    run(f.body());
                }
            }
            case Stmt.While w -> {
                while (integer(w.condition()) != 0) run(w.body());
            }
            case Stmt.If i -> {
                if (integer(i.condition()) != 0) run(i.then());
                else if (i.otherwise() != null) run(i.otherwise());
            }
            case Stmt.Let l -> variables.put(l.name(), evaluate(l.value()));
            case Stmt.Declare d -> variables.put(d.name(), evaluate(d.initial()));
            case Stmt.Assign a -> variables.put(a.name(), evaluate(a.value()));
            case Stmt.Store t -> store(t);
            case Stmt.Prefetch p -> evaluate(p.index());
            case Stmt.LocalArray a -> arrays.put(a.name(), local(a.element(), a.size()));
            case Stmt.SharedArray a ->
                arrays.put(
                        a.name(),
                        Objects.requireNonNull(team, "no team")
                                .arrays()
                                .computeIfAbsent(a.name(), _ -> local(a.element(), a.size())));
            case Stmt.Barrier _ -> Objects.requireNonNull(team, "no team").await();
            case Stmt.Share h -> share(h);
            case Stmt.Total t -> total(t);
            case Stmt.OnMatrices x -> matrices(x);
            case Stmt.StoreLocal t -> {
                Object v = evaluate(t.value());
                Local array = array(t.array());
                int at = position(
                        array, t.array(), integer(t.index()), t.value().type().lanes());
                System.arraycopy(v, 0, array.values(), at, t.value().type().lanes());
            }
            case Stmt.Check c -> {
                if (integer(c.condition()) == 0) throw new Violation(c.failure() + ": " + KernelText.of(c.condition()));
            }
        }
    }

    /** Not before all have read what was there. */
    private void share(Stmt.Share s) {
        Team t = Objects.requireNonNull(team, "no team");
        t.await();
        int lanes = s.value().type().lanes();
        int all = t.barrier().getParties() * lanes;
        Local array =
                t.arrays().computeIfAbsent(s.name(), _ -> local(s.value().type().with(1), all));
        int member = (int) ((long[]) Objects.requireNonNull(variables.get(Kernel.MEMBER)))[0];
        Object own = evaluate(s.value());
        variables.put(s.name(), own);
        System.arraycopy(own, 0, array.values(), member * lanes, lanes);
        t.await();
        arrays.put(s.name(), array);
    }

    /** In the order of the members' numbers. */
    private void total(Stmt.Total s) {
        Stmt.Share each = new Stmt.Share(s.name(), s.value());
        share(each);
        Type type = s.value().type();
        Object all = Objects.requireNonNull(arrays.get(s.name())).values();
        variables.put(s.name(), combine(s.kind(), type.element(), all));
    }

    // Matrices: every member has all of them

    private record Matrix(MatrixType type, double[] values) {}

    private Matrix matrix(String name) {
        Matrix m = matrices.get(name);
        if (m == null) throw new IllegalArgumentException("no matrix " + name);
        return m;
    }

    private void matrices(Stmt.OnMatrices s) {
        switch (s) {
            case Stmt.LoadMatrix l -> {
                Matrix x = new Matrix(
                        l.type(), new double[l.type().rows() * l.type().columns()]);
                Type type = Type.of(Type.widened(l.type().element()));
                for (int r = 0; r < l.type().rows(); r++)
                    for (int c = 0; c < l.type().columns(); c++) {
                        long at = l.at(r, c);
                        Object v = evaluate(Kernels.load(l.buffer(), Kernels.add(l.index(), at), type));
                        x.values()[r * l.type().columns() + c] = v instanceof double[] d ? d[0] : ((long[]) v)[0];
                    }
                matrices.put(l.name(), x);
            }
            case Stmt.ZeroMatrix z ->
                matrices.put(
                        z.name(),
                        new Matrix(
                                z.type(), new double[z.type().rows() * z.type().columns()]));
            case Stmt.MultiplyMatrices x -> multiply(matrix(x.sum()), matrix(x.left()), matrix(x.right()));
            case Stmt.StoreMatrix t -> {
                Matrix x = matrix(t.sum());
                Local array = array(t.array());
                int columns = x.type().columns();
                for (int i = 0; i < x.values().length; i++) {
                    long index = integer(t.index()) + (long) (i / columns) * t.stride() + i % columns;
                    int at = position(array, t.array(), index, 1);
                    if (array.values() instanceof double[] d) d[at] = x.values()[i];
                    else ((long[]) array.values())[at] = (long) x.values()[i];
                }
            }
        }
    }

    private static void multiply(Matrix sum, Matrix left, Matrix right) {
        int depth = left.type().columns();
        int columns = sum.type().columns();
        boolean real = sum.type().element().isFloat();
        for (int i = 0; i < sum.values().length; i++) {
            double s = sum.values()[i];
            for (int k = 0; k < depth; k++) {
                s += left.values()[i / columns * depth + k] * right.values()[k * columns + i % columns];
                s = real ? (float) s : (int) (long) s;
            }
            sum.values()[i] = s;
        }
    }

    private static Local local(Type element, int size) {
        return new Local(element, element.element().isFloat() ? new double[size] : new long[size]);
    }

    private Local array(String name) {
        Local array = arrays.get(name);
        if (array == null) throw new IllegalArgumentException("no local array " + name);
        return array;
    }

    private static int position(Local array, String name, long index, int lanes) {
        int size = array.values() instanceof double[] d ? d.length : ((long[]) array.values()).length;
        if (index < 0 || index + lanes > size)
            throw new Violation("local array " + name + " of " + size + " is accessed at " + index);
        return (int) index;
    }

    private void store(Stmt.Store t) {
        Object v = evaluate(t.value());
        int lanes = t.value().type().lanes();
        long[] index = (long[]) evaluate(t.index());
        boolean[] mask = mask(t.mask(), lanes);
        for (int i = 0; i < lanes; i++) {
            if (!mask[i]) continue;
            long at = check(t.buffer(), index.length == lanes && lanes > 1 ? index[i] : index[0] + i);
            write(t.buffer(), at, v, i);
        }
    }

    private boolean[] mask(@Nullable Expr mask, int lanes) {
        boolean[] m = new boolean[lanes];
        Arrays.fill(m, true);
        if (mask == null) return m;
        long[] v = (long[]) evaluate(mask);
        for (int i = 0; i < lanes; i++) m[i] = v[i] != 0;
        return m;
    }

    private long check(int buffer, long index) {
        if (index >= 0 && index < sizes[buffer]) return index;
        throw new Violation("buffer " + kernel.buffers().get(buffer).name() + " of " + sizes[buffer]
                + " elements is accessed at " + index);
    }

    private void write(int buffer, long at, Object value, int lane) {
        MemorySegment m = buffers.get(buffer);
        DType t = kernel.buffers().get(buffer).dtype();
        if (value instanceof double[] d) {
            double v = ScalarFunctions.toFloat(d[lane], t, Op.Cast.Rounding.WRAP);
            switch (t) {
                case F64 -> m.set(JAVA_DOUBLE_UNALIGNED, at * 8, v);
                case F32 -> m.set(JAVA_FLOAT_UNALIGNED, at * 4, (float) v);
                case F16 -> m.set(JAVA_SHORT_UNALIGNED, at * 2, FloatFormat.doubleToF16(v));
                case BF16 -> m.set(JAVA_SHORT_UNALIGNED, at * 2, FloatFormat.doubleToBf16(v));
                default -> m.set(JAVA_BYTE, at, (byte) FloatFormat.of(t).encode(v, false));
            }
            return;
        }
        long v = ScalarFunctions.wrap(((long[]) value)[lane], t);
        switch (t.bytes()) {
            case 8 -> m.set(JAVA_LONG_UNALIGNED, at * 8, v);
            case 4 -> m.set(JAVA_INT_UNALIGNED, at * 4, (int) v);
            case 2 -> m.set(JAVA_SHORT_UNALIGNED, at * 2, (short) v);
            default -> m.set(JAVA_BYTE, at, (byte) v);
        }
    }

    private double readFloat(int buffer, long at) {
        MemorySegment m = buffers.get(buffer);
        DType t = kernel.buffers().get(buffer).dtype();
        return switch (t) {
            case F64 -> m.get(JAVA_DOUBLE_UNALIGNED, at * 8);
            case F32 -> m.get(JAVA_FLOAT_UNALIGNED, at * 4);
            case F16 -> Float.float16ToFloat(m.get(JAVA_SHORT_UNALIGNED, at * 2));
            case BF16 -> FloatFormat.bf16ToFloat(m.get(JAVA_SHORT_UNALIGNED, at * 2));
            default -> FloatFormat.of(t).decode(m.get(JAVA_BYTE, at) & 0xff);
        };
    }

    private long readInteger(int buffer, long at) {
        MemorySegment m = buffers.get(buffer);
        DType t = kernel.buffers().get(buffer).dtype();
        if (t == DType.BOOL) return m.get(JAVA_BYTE, at) != 0 ? 1 : 0;
        long v = switch (t.bytes()) {
            case 8 -> m.get(JAVA_LONG_UNALIGNED, at * 8);
            case 4 -> m.get(JAVA_INT_UNALIGNED, at * 4);
            case 2 -> m.get(JAVA_SHORT_UNALIGNED, at * 2);
            default -> m.get(JAVA_BYTE, at);
        };
        return ScalarFunctions.wrap(v, Type.widened(t));
    }

    // Expressions

    private long integer(Expr e) {
        return ((long[]) evaluate(e))[0];
    }

    private Object evaluate(Expr e) {
        int lanes = e.type().lanes();
        DType t = e.type().element();
        return switch (e) {
            case Expr.Real r -> {
                double[] d = new double[lanes];
                Arrays.fill(d, t == DType.F32 ? (float) r.value() : r.value());
                yield d;
            }
            case Expr.Int i -> {
                long[] v = new long[lanes];
                Arrays.fill(v, ScalarFunctions.wrap(i.value(), t));
                yield v;
            }
            case Expr.Var v -> {
                Object value = variables.get(v.name());
                if (value == null) throw new IllegalArgumentException("no variable " + v.name());
                yield value;
            }
            case Expr.Extent x -> new long[] {extents.get(x.number())};
            case Expr.Load l -> load(l);
            case Expr.LoadLocal l -> {
                Local array = array(l.array());
                int at = position(array, l.array(), integer(l.index()), lanes);
                yield array.values() instanceof double[] d
                        ? Arrays.copyOfRange(d, at, at + lanes)
                        : Arrays.copyOfRange((long[]) array.values(), at, at + lanes);
            }
            case Expr.OfMember o -> {
                Object values = array(o.name()).values();
                int at = position(array(o.name()), o.name(), integer(o.member()) * lanes, lanes);
                yield values instanceof double[] d
                        ? Arrays.copyOfRange(d, at, at + lanes)
                        : Arrays.copyOfRange((long[]) values, at, at + lanes);
            }
            case Expr.Apply a ->
                apply(a.function(), a.operands().getLast().type().element(), operands(a), lanes);
            case Expr.Fma f -> fma(t, evaluate(f.a()), evaluate(f.b()), evaluate(f.c()));
            case Expr.Dot d ->
                dot(
                        (long[]) evaluate(d.left()),
                        (long[]) evaluate(d.right()),
                        (long[]) evaluate(d.sum()),
                        d.saturates());
            case Expr.Convert c -> convert(c, evaluate(c.operand()));
            case Expr.Bits b -> bits(b.to(), b.operand().type().element(), evaluate(b.operand()));
            case Expr.Splat s -> {
                Object v = evaluate(s.operand());
                if (v instanceof double[] d) {
                    double[] all = new double[lanes];
                    Arrays.fill(all, d[0]);
                    yield all;
                }
                long[] all = new long[lanes];
                Arrays.fill(all, ((long[]) v)[0]);
                yield all;
            }
            case Expr.Ramp r -> {
                long[] v = new long[lanes];
                long base = integer(r.base());
                for (int i = 0; i < lanes; i++) v[i] = ScalarFunctions.wrap(base + i * r.step(), t);
                yield v;
            }
            case Expr.Combine c -> combine(c.kind(), t, evaluate(c.operand()));
            case Expr.Shuffle s ->
                shuffle(evaluate(s.a()), evaluate(s.b()), s.a().type().lanes(), s.lanes());
        };
    }

    private static long[] dot(long[] left, long[] right, long[] sum, boolean saturates) {
        long[] result = new long[sum.length];
        int n = left.length / Math.max(1, sum.length);
        for (int i = 0; i < result.length; i++) {
            long s = sum[i];
            for (int j = n * i; j < n * i + n; j += 2) {
                long two = left[j] * right[j] + left[j + 1] * right[j + 1];
                s += saturates ? Math.clamp(two, Short.MIN_VALUE, Short.MAX_VALUE) : two;
            }
            result[i] = (int) s;
        }
        return result;
    }

    private List<Object> operands(Expr.Apply a) {
        return a.operands().stream().map(this::evaluate).toList();
    }

    private Object load(Expr.Load l) {
        int lanes = l.type().lanes();
        long[] index = (long[]) evaluate(l.index());
        boolean[] mask = mask(l.mask(), lanes);
        boolean floats = l.type().element().isFloat();
        double[] d = new double[floats ? lanes : 0];
        long[] v = new long[floats ? 0 : lanes];
        for (int i = 0; i < lanes; i++) {
            if (!mask[i]) continue;
            long at = check(l.buffer(), l.index().type().isVector() ? index[i] : index[0] + i);
            if (floats) d[i] = readFloat(l.buffer(), at);
            else v[i] = readInteger(l.buffer(), at);
        }
        return floats ? d : v;
    }

    /** On operands of the element type t (the last operand's). */
    private static Object apply(MapFunction f, DType t, List<Object> operands, int lanes) {
        if (f == MapFunction.SELECT) return select(operands, lanes);
        double[] d = new double[lanes];
        long[] v = new long[lanes];
        for (int i = 0; i < lanes; i++) {
            if (operands.getFirst() instanceof double[]) {
                double[] x = new double[operands.size()];
                for (int k = 0; k < x.length; k++) x[k] = ((double[]) operands.get(k))[i];
                if (f.isPredicate()) v[i] = ScalarFunctions.test(f, x[0], x[x.length - 1]) ? 1 : 0;
                else d[i] = ScalarFunctions.floating(f, t, x);
            } else {
                long[] x = new long[operands.size()];
                for (int k = 0; k < x.length; k++) x[k] = ((long[]) operands.get(k))[i];
                v[i] = ScalarFunctions.integer(f, t, x);
            }
        }
        return operands.getFirst() instanceof double[] && !f.isPredicate() ? d : v;
    }

    private static Object select(List<Object> operands, int lanes) {
        long[] condition = (long[]) operands.getFirst();
        Integer[] from = new Integer[lanes];
        for (int i = 0; i < lanes; i++) from[i] = condition[i] != 0 ? i : lanes + i;
        return shuffle(operands.get(1), operands.get(2), lanes, List.of(from));
    }

    private static Object fma(DType t, Object a, Object b, Object c) {
        double[] x = (double[]) a;
        double[] y = (double[]) b;
        double[] z = (double[]) c;
        double[] r = new double[z.length];
        for (int i = 0; i < r.length; i++)
            r[i] = t == DType.F32 ? Math.fma((float) x[i], (float) y[i], (float) z[i]) : Math.fma(x[i], y[i], z[i]);
        return r;
    }

    private static Object convert(Expr.Convert c, Object operand) {
        DType from = c.operand().type().element();
        int lanes = c.type().lanes();
        double[] d = new double[lanes];
        long[] v = new long[lanes];
        for (int i = 0; i < lanes; i++) {
            if (operand instanceof double[] x) {
                if (c.to().isFloat()) d[i] = ScalarFunctions.toFloat(x[i], c.to(), c.rounding());
                else v[i] = ScalarFunctions.toInteger(x[i], c.to(), c.rounding());
            } else {
                long x = ((long[]) operand)[i];
                if (c.to().isFloat()) d[i] = ScalarFunctions.toFloat(x, from, c.to(), c.rounding());
                else v[i] = ScalarFunctions.toInteger(x, from, c.to(), c.rounding());
            }
        }
        return c.to().isFloat() ? d : v;
    }

    private static Object bits(DType to, DType from, Object operand) {
        int lanes = operand instanceof double[] d ? d.length : ((long[]) operand).length;
        double[] d = new double[lanes];
        long[] v = new long[lanes];
        for (int i = 0; i < lanes; i++) {
            long raw = operand instanceof double[] x
                    ? from == DType.F32 ? Float.floatToRawIntBits((float) x[i]) : Double.doubleToRawLongBits(x[i])
                    : ((long[]) operand)[i];
            if (to == DType.F32) d[i] = Float.intBitsToFloat((int) raw);
            else if (to == DType.F64) d[i] = Double.longBitsToDouble(raw);
            else v[i] = ScalarFunctions.wrap(raw, to);
        }
        return to.isFloat() ? d : v;
    }

    private static Object combine(ReduceKind kind, DType t, Object v) {
        MapFunction f = Kernels.combining(kind);
        for (int half = length(v) / 2; half > 0; half /= 2) {
            int h = half;
            Integer[] low = new Integer[h];
            Integer[] high = new Integer[h];
            for (int i = 0; i < h; i++) {
                low[i] = i;
                high[i] = h + i;
            }
            Object whole = v;
            v = apply(
                    f,
                    t,
                    List.of(shuffle(whole, whole, 2 * h, List.of(low)), shuffle(whole, whole, 2 * h, List.of(high))),
                    h);
        }
        return v;
    }

    private static int length(Object v) {
        return v instanceof double[] d ? d.length : ((long[]) v).length;
    }

    private static Object shuffle(Object a, Object b, int split, List<Integer> lanes) {
        if (a instanceof double[] x) {
            double[] r = new double[lanes.size()];
            for (int i = 0; i < r.length; i++)
                r[i] = lanes.get(i) < split ? x[lanes.get(i)] : ((double[]) b)[lanes.get(i) - split];
            return r;
        }
        long[] r = new long[lanes.size()];
        for (int i = 0; i < r.length; i++)
            r[i] = lanes.get(i) < split ? ((long[]) a)[lanes.get(i)] : ((long[]) b)[lanes.get(i) - split];
        return r;
    }
}
