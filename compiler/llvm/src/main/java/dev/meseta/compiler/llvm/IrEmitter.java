package dev.meseta.compiler.llvm;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.compiler.kernel.ScalarFunctions;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.compiler.llvm.IrBuilder.Value;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.ReduceKind;
import dev.meseta.machine.ArgumentLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes a kernel as a module of LLVM IR. The module has one visible function, {@code void (ptr arguments, i64 begin, i64 end)}, that runs
 * the iterations [begin, end) of the grid; {@link ArgumentLayout} says what lies behind {@code arguments}. It loads them and calls the body,
 * whose pointer parameters say that buffers do not overlap.
 *
 * <p>Buffers are accessed with an alignment of one byte: a tensor may lie anywhere in a mapped file, and on today's processors an access
 * that happens to be aligned costs the same.
 */
final class IrEmitter {
    /** A local array: its memory, element type and size. */
    private record Local(String address, Type element, int size) {}

    /** A declared variable: its memory (which becomes a register) and type. */
    private record Slot(String address, Type type) {}

    private final Kernel kernel;
    private final boolean checking;
    private final int sveBits;
    private final IrBuilder b = new IrBuilder();
    private final IrMath math = new IrMath(b);
    private final IrConversions conversions;
    private final IrDot dot;
    private final IrMatrices matrices;
    private final Map<String, Value> values = new HashMap<>();
    private final Map<String, Slot> slots = new HashMap<>();
    private final Map<String, Local> locals = new HashMap<>();

    private IrEmitter(Kernel kernel, LlvmTarget target, boolean checking) {
        this.kernel = kernel;
        this.conversions = new IrConversions(b, !target.architecture().equals("x86_64") || target.has("f16c"));
        this.dot = new IrDot(b, target);
        this.matrices = new IrMatrices(b, target);
        this.checking = checking;
        this.sveBits = target.sveBits();
    }

    /**
     * The module's text.
     *
     * @param symbol name of the visible function
     * @param checking test every access against the buffer's number of elements, report a violation and skip the access
     */
    static String emit(Kernel kernel, LlvmTarget target, String symbol, boolean checking) {
        return new IrEmitter(kernel, target, checking).module(symbol);
    }

    private String module(String symbol) {
        loop(Kernel.GRID, new Value("%begin", Type.INDEX), new Value("%end", Type.INDEX), 1, kernel.body());
        StringBuilder out = new StringBuilder();
        out.append("define internal void @body(").append(parameters()).append(") nounwind ");
        // Arm's SVE leaves the length of vectors open. Where it is known, vectors of that length take one register.
        if (sveBits > 0) out.append("vscale_range(" + sveBits / 128 + "," + sveBits / 128 + ") ");
        out.append("\"min-legal-vector-width\"=\"512\" {\nentry:\n")
                .append(b.allocas())
                .append(matrices.begin())
                .append(b.code())
                .append(matrices.end());
        out.append("  ret void\n}\n\n");
        entry(out, symbol);
        report(out);
        b.declarations().forEach(d -> out.append(d).append('\n'));
        return out.toString();
    }

    private String parameters() {
        List<String> p = new ArrayList<>();
        for (int i = 0; i < kernel.buffers().size(); i++)
            p.add("ptr noalias " + (kernel.buffers().get(i).access() == Kernel.Access.READ ? "readonly " : "")
                    + "%buffer" + i);
        for (int i = 0; i < kernel.extents(); i++) p.add("i64 %extent" + i);
        for (int i = 0; i < kernel.buffers().size(); i++) p.add("i64 %size" + i);
        p.add("ptr noalias %status");
        p.add("i64 %begin");
        p.add("i64 %end");
        return String.join(", ", p);
    }

    private void entry(StringBuilder out, String symbol) {
        ArgumentLayout layout = ArgumentLayout.of(kernel);
        List<String> arguments = new ArrayList<>();
        out.append("define void @").append(symbol).append("(ptr %arguments, i64 %begin, i64 %end) nounwind {\n");
        for (int i = 0; i < kernel.buffers().size(); i++)
            arguments.add(argument(out, "ptr", "buffer" + i, layout.buffer(i)));
        for (int i = 0; i < kernel.extents(); i++) arguments.add(argument(out, "i64", "extent" + i, layout.extent(i)));
        for (int i = 0; i < kernel.buffers().size(); i++)
            arguments.add(argument(out, "i64", "size" + i, layout.size(i)));
        arguments.add(argument(out, "ptr", "status", layout.status()));
        arguments.add("i64 %begin");
        arguments.add("i64 %end");
        out.append("  call void @body(").append(String.join(", ", arguments)).append(")\n  ret void\n}\n\n");
    }

    private static String argument(StringBuilder out, String type, String name, long offset) {
        out.append("  %p.")
                .append(name)
                .append(" = getelementptr i8, ptr %arguments, i64 ")
                .append(offset)
                .append('\n');
        out.append("  %")
                .append(name)
                .append(" = load ")
                .append(type)
                .append(", ptr %p.")
                .append(name)
                .append('\n');
        return type + " %" + name;
    }

    /** The first failure wins: its code is set at once, its index behind it. */
    private static void report(StringBuilder out) {
        out.append("""
                define internal void @report(ptr %status, i64 %code, i64 %index) noinline cold nounwind {
                  %r = cmpxchg ptr %status, i64 0, i64 %code monotonic monotonic
                  %first = extractvalue { i64, i1 } %r, 1
                  br i1 %first, label %set, label %done
                set:
                  %p = getelementptr i64, ptr %status, i64 1
                  store i64 %index, ptr %p
                  br label %done
                done:
                  ret void
                }

                """);
    }

    // Statements

    private void statement(Stmt s) {
        switch (s) {
            case Stmt.Block k -> k.statements().forEach(this::statement);
            case Stmt.For f when f.unroll() -> unroll(f);
            case Stmt.For f -> loop(f.variable(), expression(f.begin()), expression(f.end()), f.step(), f.body());
            case Stmt.While w -> repeat(w);
            case Stmt.If i -> choose(expression(i.condition()), i.then(), i.otherwise());
            case Stmt.Let l -> values.put(l.name(), expression(l.value()));
            case Stmt.Declare d -> {
                Value v = expression(d.initial());
                Slot slot = new Slot(b.alloca(IrBuilder.ir(v.type()), 64), v.type());
                b.run("store " + v.typed() + ", ptr " + slot.address());
                slots.put(d.name(), slot);
            }
            case Stmt.Assign a -> {
                Value v = expression(a.value());
                b.run("store " + v.typed() + ", ptr " + slot(a.name()).address());
            }
            case Stmt.Store t -> store(t);
            case Stmt.Prefetch p -> {
                String storage =
                        conversions.storage(kernel.buffers().get(p.buffer()).dtype());
                b.declare("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)");
                String at = address("%buffer" + p.buffer(), storage, expression(p.index()));
                b.run("call void @llvm.prefetch.p0(ptr " + at + ", i32 0, i32 3, i32 1)");
            }
            case Stmt.LocalArray a -> {
                String type = "[" + a.size() + " x " + memory(a.element().element()) + "]";
                locals.put(a.name(), new Local(b.alloca(type, 64), a.element(), a.size()));
            }
            case Stmt.SharedArray _, Stmt.Barrier _, Stmt.Share _, Stmt.Total _ ->
                throw new IllegalArgumentException(
                        "kernel " + kernel.name() + " is for a team, which processors do not have");
            case Stmt.StoreLocal t -> storeLocal(t);
            case Stmt.OnMatrices x -> matrices(x);
            case Stmt.Check c -> {
                Value bad = b.op("xor", expression(c.condition()), IrBuilder.integer(Type.BOOL, 1));
                report(bad, ArgumentLayout.POSITION_OUTSIDE, IrBuilder.integer(Type.INDEX, 0));
            }
        }
    }

    private Slot slot(String name) {
        Slot slot = slots.get(name);
        if (slot == null) throw unknown(name);
        return slot;
    }

    private Local local(String name) {
        Local local = locals.get(name);
        if (local == null) throw unknown(name);
        return local;
    }

    private IllegalArgumentException unknown(String name) {
        return new IllegalArgumentException(
                "kernel " + kernel.name() + " has no " + name + "\n" + KernelText.of(kernel));
    }

    private void unroll(Stmt.For f) {
        Long begin = expression(f.begin()).constant();
        Long end = expression(f.end()).constant();
        if (begin == null || end == null)
            throw new IllegalArgumentException(
                    "the bounds of the unrolled loop " + f.variable() + " are no literals\n" + KernelText.of(kernel));
        for (long i = begin; i < end; i += f.step()) {
            values.put(f.variable(), IrBuilder.integer(Type.INDEX, i));
            body(f.body());
        }
    }

    /** One round of a loop, with whose end matrices go that got their names in it. */
    private void body(Stmt s) {
        int mark = matrices.mark();
        statement(s);
        matrices.release(mark);
    }

    private void when(Value condition, Runnable then) {
        String yes = b.label();
        String after = b.label();
        b.branch(condition, yes, after);
        b.block(yes);
        then.run();
        b.jump(after);
        b.block(after);
    }

    /** In rotated form: the condition is tested before the loop, and then at its end. */
    private void loop(String variable, Value begin, Value end, long step, Stmt body) {
        String before = b.label();
        String start = b.label();
        String latch = b.label();
        String after = b.label();
        b.jump(before);
        b.block(before);
        b.branch(b.compare("icmp slt", begin, end), start, after);
        b.block(start);
        Value i = new Value(b.fresh(), Type.INDEX);
        String following = b.fresh();
        b.run(i.text() + " = phi i64 [ " + begin.text() + ", %" + before + " ], [ " + following + ", %" + latch + " ]");
        values.put(variable, i);
        body(body);
        b.jump(latch);
        b.block(latch);
        // i < end: with a step of 1 the sum cannot overflow.
        b.run(following + " = add " + (step == 1 ? "nsw " : "") + "i64 " + i.text() + ", " + step);
        b.branch(b.compare("icmp slt", new Value(following, Type.INDEX), end), start, after);
        b.block(after);
    }

    private void repeat(Stmt.While w) {
        String test = b.label();
        String body = b.label();
        String after = b.label();
        b.jump(test);
        b.block(test);
        b.branch(expression(w.condition()), body, after);
        b.block(body);
        body(w.body());
        b.jump(test);
        b.block(after);
    }

    private void choose(Value condition, Stmt then, @Nullable Stmt otherwise) {
        String yes = b.label();
        String no = b.label();
        String after = b.label();
        b.branch(condition, yes, otherwise == null ? after : no);
        b.block(yes);
        statement(then);
        b.jump(after);
        if (otherwise != null) {
            b.block(no);
            statement(otherwise);
            b.jump(after);
        }
        b.block(after);
    }

    private void report(Value bad, long code, Value index) {
        when(bad, () -> b.run("call void @report(ptr %status, i64 " + code + ", " + index.typed() + ")"));
    }

    // Memory

    private static String memory(DType element) {
        return element == DType.BOOL ? "i8" : IrBuilder.ir(element);
    }

    private String address(String base, String storage, Value index) {
        return b.emit("getelementptr " + storage + ", ptr " + base + ", i64 " + index.text());
    }

    /** Where one access to memory goes, and which lanes take part (null: all). */
    private record Access(Value index, int lanes, @Nullable Value mask) {}

    /** In checking mode reports the first lane that is outside [0, size) and takes such lanes out of the mask. */
    private Access checked(Access a, Value size, long code) {
        if (!checking) return a;
        Value lanes = a.index().lanes() == 1 ? ramp(a.index(), a.lanes()) : a.index();
        Value inside = b.compare("icmp ult", lanes, b.splat(size, a.lanes()));
        Value outside = b.op("xor", inside, IrBuilder.integer(inside.type(), 1));
        Value bad = a.mask() == null ? outside : b.op("and", outside, a.mask());
        Value shown = lanes;
        if (a.lanes() > 1) {
            Value marked = b.select(bad, lanes, IrBuilder.integer(lanes.type(), Long.MIN_VALUE));
            String full = "@llvm.vector.reduce.smax." + IrBuilder.suffix(marked.type());
            b.declare("declare i64 " + full + "(" + IrBuilder.ir(marked.type()) + ")");
            shown = b.value(Type.INDEX, "call i64 " + full + "(" + marked.typed() + ")");
        }
        report(b.any(bad), code, shown);
        return new Access(a.index(), a.lanes(), a.mask() == null ? inside : b.op("and", inside, a.mask()));
    }

    private Value ramp(Value index, int lanes) {
        return lanes == 1 ? index : b.ramp(index, 1, lanes);
    }

    private Access access(int buffer, Expr index, int lanes, @Nullable Expr mask) {
        Access a = new Access(expression(index), lanes, mask == null ? null : expression(mask));
        return checked(a, new Value("%size" + buffer, Type.INDEX), ArgumentLayout.BUFFER + buffer);
    }

    private Value load(Expr.Load l) {
        DType dtype = kernel.buffers().get(l.buffer()).dtype();
        Access a = access(l.buffer(), l.index(), l.type().lanes(), l.mask());
        return conversions.decode(read("%buffer" + l.buffer(), conversions.storage(dtype), a), dtype, l.type());
    }

    /** Reads memory; lanes that take no part give 0. Returns the name of the value. */
    private String read(String base, String storage, Access a) {
        String type = IrBuilder.vector(storage, a.lanes());
        Value mask = a.mask();
        if (a.index().lanes() > 1) {
            String pointers = pointers(base, storage, a);
            String full = "@llvm.masked.gather." + IrBuilder.suffix(storage, a.lanes()) + "."
                    + IrBuilder.suffix("ptr", a.lanes());
            String masks = "<" + a.lanes() + " x i1>";
            b.declare("declare " + type + " " + full + "(<" + a.lanes() + " x ptr>, i32, " + masks + ", " + type + ")");
            return b.emit("call " + type + " " + full + "(" + pointers + ", i32 1, " + masks + " "
                    + (mask == null ? "splat (i1 true)" : mask.text()) + ", " + type + " zeroinitializer)");
        }
        if (mask == null) return b.emit("load " + type + ", ptr " + address(base, storage, a.index()) + ", align 1");
        if (a.lanes() == 1) return readIf(base, storage, a.index(), mask);
        String full = "@llvm.masked.load." + IrBuilder.suffix(storage, a.lanes()) + ".p0";
        b.declare("declare " + type + " " + full + "(ptr, i32, " + IrBuilder.ir(mask.type()) + ", " + type + ")");
        return b.emit("call " + type + " " + full + "(ptr " + address(base, storage, a.index()) + ", i32 1, "
                + mask.typed() + ", " + type + " zeroinitializer)");
    }

    private String readIf(String base, String storage, Value index, Value condition) {
        String before = b.label();
        String yes = b.label();
        String after = b.label();
        b.jump(before);
        b.block(before);
        b.branch(condition, yes, after);
        b.block(yes);
        String v = b.emit("load " + storage + ", ptr " + address(base, storage, index) + ", align 1");
        b.jump(after);
        b.block(after);
        String zero = storage.startsWith("i") ? "0" : "zeroinitializer";
        return b.emit("phi " + storage + " [ " + v + ", %" + yes + " ], [ " + zero + ", %" + before + " ]");
    }

    private String pointers(String base, String storage, Access a) {
        String p = b.emit(
                "getelementptr " + storage + ", ptr " + base + ", " + a.index().typed());
        return "<" + a.lanes() + " x ptr> " + p;
    }

    private void store(Stmt.Store t) {
        DType dtype = kernel.buffers().get(t.buffer()).dtype();
        Value v = expression(t.value());
        Access a = access(t.buffer(), t.index(), v.lanes(), t.mask());
        write("%buffer" + t.buffer(), conversions.storage(dtype), a, conversions.encode(v, dtype));
    }

    private void write(String base, String storage, Access a, String v) {
        String type = IrBuilder.vector(storage, a.lanes());
        Value mask = a.mask();
        if (a.index().lanes() > 1) {
            String full = "@llvm.masked.scatter." + IrBuilder.suffix(storage, a.lanes()) + "."
                    + IrBuilder.suffix("ptr", a.lanes());
            String masks = "<" + a.lanes() + " x i1>";
            b.declare("declare void " + full + "(" + type + ", <" + a.lanes() + " x ptr>, i32, " + masks + ")");
            b.run("call void " + full + "(" + type + " " + v + ", " + pointers(base, storage, a) + ", i32 1, " + masks
                    + " " + (mask == null ? "splat (i1 true)" : mask.text()) + ")");
        } else if (mask == null) {
            b.run("store " + type + " " + v + ", ptr " + address(base, storage, a.index()) + ", align 1");
        } else if (a.lanes() == 1) {
            when(
                    mask,
                    () -> b.run(
                            "store " + type + " " + v + ", ptr " + address(base, storage, a.index()) + ", align 1"));
        } else {
            String full = "@llvm.masked.store." + IrBuilder.suffix(storage, a.lanes()) + ".p0";
            b.declare("declare void " + full + "(" + type + ", ptr, i32, " + IrBuilder.ir(mask.type()) + ")");
            b.run("call void " + full + "(" + type + " " + v + ", ptr " + address(base, storage, a.index())
                    + ", i32 1, " + mask.typed() + ")");
        }
    }

    private Access localAccess(Local array, Expr index, int lanes) {
        Value size = IrBuilder.integer(Type.INDEX, array.size());
        return checked(new Access(expression(index), lanes, null), size, ArgumentLayout.LOCAL_ARRAY);
    }

    private Value loadLocal(Expr.LoadLocal l) {
        Local array = local(l.array());
        DType element = array.element().element();
        String raw = read(
                array.address(),
                memory(element),
                localAccess(array, l.index(), l.type().lanes()));
        return conversions.decode(raw, element, l.type());
    }

    private void storeLocal(Stmt.StoreLocal t) {
        Local array = local(t.array());
        DType element = array.element().element();
        Value v = expression(t.value());
        write(
                array.address(),
                memory(element),
                localAccess(array, t.index(), v.lanes()),
                conversions.encode(v, element));
    }

    private void matrices(Stmt.OnMatrices s) {
        switch (s) {
            case Stmt.ZeroMatrix z -> matrices.zero(z);
            case Stmt.MultiplyMatrices x -> matrices.multiply(x);
            case Stmt.LoadMatrix l -> {
                matrices.declare(l);
                Value first = expression(l.index());
                Value size = new Value("%size" + l.buffer(), Type.INDEX);
                String base = "%buffer" + l.buffer();
                within(
                        first,
                        l.last(),
                        size,
                        ArgumentLayout.BUFFER + l.buffer(),
                        () -> matrices.load(l, address(base, "i8", first)));
            }
            case Stmt.StoreMatrix t -> {
                Local array = local(t.array());
                Value first = expression(t.index());
                Value size = IrBuilder.integer(Type.INDEX, array.size());
                within(
                        first,
                        matrices.last(t),
                        size,
                        ArgumentLayout.LOCAL_ARRAY,
                        () -> matrices.store(t, address(array.address(), "i32", first)));
            }
        }
    }

    /** In checking mode, leaves an access out that goes outside [0, size) with its first or its last element, and reports it. */
    private void within(Value first, long last, Value size, long code, Runnable access) {
        if (!checking) {
            access.run();
            return;
        }
        Value end = b.op("add", first, IrBuilder.integer(Type.INDEX, last));
        Value low = b.compare("icmp ult", first, size);
        Value high = b.compare("icmp ult", end, size);
        Value inside = b.op("and", low, high);
        report(b.op("xor", inside, IrBuilder.integer(inside.type(), 1)), code, b.select(low, end, first));
        when(inside, access);
    }

    // Expressions

    private Value expression(Expr e) {
        return switch (e) {
            case Expr.Real r -> IrBuilder.real(r.type(), r.value());
            case Expr.Int i -> IrBuilder.integer(i.type(), i.value());
            case Expr.Var v -> variable(v);
            case Expr.Extent x -> new Value("%extent" + x.number(), Type.INDEX);
            case Expr.Load l -> load(l);
            case Expr.LoadLocal l -> loadLocal(l);
            case Expr.OfMember o ->
                throw new IllegalArgumentException("kernel " + kernel.name() + " reads " + o.name() + " of a team");
            case Expr.Apply a -> apply(a);
            case Expr.Dot d ->
                dot.emit(expression(d.left()), expression(d.right()), expression(d.sum()), d.saturates());
            case Expr.Fma f -> b.fma(expression(f.a()), expression(f.b()), expression(f.c()));
            case Expr.Convert c -> conversions.convert(expression(c.operand()), c.to(), c.rounding());
            case Expr.Bits t -> bits(expression(t.operand()), t.to());
            case Expr.Splat s -> b.splat(expression(s.operand()), s.lanes());
            case Expr.Ramp r -> b.ramp(expression(r.base()), r.step(), r.lanes());
            case Expr.Combine c -> combine(c.kind(), expression(c.operand()));
            case Expr.Shuffle s -> shuffle(expression(s.a()), expression(s.b()), s.lanes());
        };
    }

    private Value variable(Expr.Var v) {
        Slot slot = slots.get(v.name());
        if (slot != null) return b.value(slot.type(), "load " + IrBuilder.ir(slot.type()) + ", ptr " + slot.address());
        Value value = values.get(v.name());
        if (value == null) throw unknown(v.name());
        return value;
    }

    private Value apply(Expr.Apply a) {
        List<Value> operands = a.operands().stream().map(this::expression).toList();
        if (a.type().equals(Type.INDEX) && operands.stream().allMatch(v -> v.constant() != null)) {
            long[] v = operands.stream().mapToLong(o -> o.constant()).toArray();
            return IrBuilder.integer(Type.INDEX, ScalarFunctions.integer(a.function(), DType.I64, v));
        }
        return math.apply(a.function(), operands);
    }

    private Value bits(Value v, DType to) {
        boolean sameInIr = IrBuilder.ir(to).equals(IrBuilder.ir(v.element()));
        return sameInIr ? b.retype(v, to) : b.cast("bitcast", v, to);
    }

    private Value combine(ReduceKind kind, Value v) {
        MapFunction f = switch (kind) {
            case SUM -> MapFunction.ADD;
            case PROD -> MapFunction.MUL;
            case MIN -> MapFunction.MIN;
            case MAX -> MapFunction.MAX;
            case AND -> MapFunction.AND;
            case OR -> MapFunction.OR;
        };
        while (v.lanes() > 1) {
            int half = v.lanes() / 2;
            v = math.apply(f, List.of(part(v, 0, half), part(v, half, half)));
        }
        return v;
    }

    private Value part(Value v, int from, int count) {
        List<Integer> lanes = new ArrayList<>();
        for (int i = 0; i < count; i++) lanes.add(from + i);
        return shuffle(v, v, lanes);
    }

    /** Whether lanes repeat a short vector over and over that fits a general register. */
    private static boolean isRepetition(Type of, List<Integer> lanes) {
        int bits = of.lanes() * of.element().bits();
        if (of.lanes() < 2 || of.element() == DType.BOOL || lanes.size() <= of.lanes()) return false;
        if (bits != 16 && bits != 32 && bits != 64 || lanes.size() % of.lanes() != 0) return false;
        for (int i = 0; i < lanes.size(); i++) if (lanes.get(i) != i % of.lanes()) return false;
        return true;
    }

    /** As one wide number in every lane, which processors can load so. */
    private Value repeat(Value a, Type to) {
        int times = to.lanes() / a.lanes();
        String whole = "i" + a.lanes() * a.element().bits();
        String vector = IrBuilder.vector(whole, times);
        String one = b.emit("bitcast " + a.typed() + " to " + whole);
        String first = b.emit("insertelement " + vector + " poison, " + whole + " " + one + ", i64 0");
        String all = b.emit("shufflevector " + vector + " " + first + ", " + vector + " poison, <" + times
                + " x i32> zeroinitializer");
        return b.value(to, "bitcast " + vector + " " + all + " to " + IrBuilder.ir(to));
    }

    private Value shuffle(Value a, Value c, List<Integer> lanes) {
        Type t = a.type().with(lanes.size());
        if (isRepetition(a.type(), lanes)) return repeat(a, t);
        if (lanes.size() == 1 || a.lanes() == 1) {
            Value result = new Value("poison", t);
            for (int i = 0; i < lanes.size(); i++) {
                int from = lanes.get(i);
                Value lane = from < a.lanes() ? b.lane(a, from) : b.lane(c, from - a.lanes());
                if (lanes.size() == 1) return lane;
                result = b.insert(result, lane, i);
            }
            return result;
        }
        StringBuilder mask = new StringBuilder("<");
        for (int i = 0; i < lanes.size(); i++)
            mask.append(i == 0 ? "" : ", ").append("i32 ").append(lanes.get(i));
        return b.value(
                t,
                "shufflevector " + a.typed() + ", " + c.typed() + ", <" + lanes.size() + " x i32> " + mask.append('>'));
    }
}
