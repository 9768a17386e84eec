package dev.meseta.compiler.spirv;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.ScalarFunctions;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op.Cast.Rounding;
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes a kernel as a compute shader: an invocation runs one iteration of the grid, and those beyond it do nothing. The lanes of a vector
 * are registers of their own, because today's devices are wide over invocations and not within one.
 *
 * <p>Buffers are reached by their addresses, which {@link ShaderArguments} holds: they may lie anywhere, and be of any size.
 */
public final class KernelEmitter {
    /** Workgroups in one row of a dispatch; a larger grid takes several rows. */
    public static final int ROW = 32768;

    /** A declared variable: the address of each lane. */
    private record Slot(DType element, int[] addresses) {}

    /** @param shared whether the members of a team share it */
    private record Local(int address, DType element, int size, boolean shared) {}

    private final Kernel kernel;
    private final Bounds bounds;
    private final ShaderOptions options;
    private final Rounds rounds;
    private int depth;
    private final int localSize;
    private final ShaderArguments arguments;
    private final ModuleBuilder m = new ModuleBuilder();
    private final LaneBuilder b = new LaneBuilder(m);
    private final Arithmetic arithmetic = new Arithmetic(b);
    private final Conversions conversions;
    private final Memory memory;
    private final WideAccess words;
    private final Texels texels;
    private final Team team;
    private final Matrices matrices;
    private final Map<String, Value> values = new HashMap<>();
    private final Map<String, Slot> slots = new HashMap<>();
    private final Map<String, Local> locals = new HashMap<>();

    private KernelEmitter(Kernel kernel, Bounds bounds, ShaderOptions options, Rounds rounds) {
        this.kernel = kernel;
        this.rounds = rounds;
        this.bounds = bounds;
        this.localSize = localSize(kernel, options);
        this.options = options;
        this.conversions = new Conversions(b, options.floats());
        this.arguments = ShaderArguments.of(kernel);
        this.memory = new Memory(b, kernel, bounds, arguments, options.checking());
        this.words = new WideAccess(b, kernel, bounds, memory, options.checking());
        this.texels = new Texels(b, kernel, bounds, memory, arguments);
        this.matrices = new Matrices(m, memory);
        this.team = new Team(b, arithmetic, kernel.team(), options);
    }

    /**
     * The module.
     *
     * @param bounds what launches must keep to
     */
    public static SpirvModule emit(Kernel kernel, Bounds bounds, ShaderOptions options) {
        Rounds rounds = new Rounds();
        SpirvModule module = new KernelEmitter(kernel, bounds, options, rounds).module();
        // How long loops are is known when they are written.
        if (rounds.of(kernel.body()) > options.rounds() && rounds.fit(kernel.body(), options.rounds()))
            module = new KernelEmitter(kernel, bounds, options, rounds).module();
        return module.withRounds(rounds.certain(kernel.body()));
    }

    /** Invocations of a workgroup: a team is one. */
    public static int localSize(Kernel kernel, ShaderOptions options) {
        return kernel.team() > 1 ? kernel.team() : options.localSize();
    }

    /** Workgroups that a number of iterations takes. */
    public static long groups(Kernel kernel, ShaderOptions options, long grid) {
        return kernel.team() > 1 ? grid : Math.ceilDiv(grid, options.localSize());
    }

    private SpirvModule module() {
        int entry = m.id();
        int vector = m.typeVector(m.typeInt(32), 3);
        int group = m.builtIn(vector, 26);
        int local = m.builtIn(m.typeInt(32), team.member());
        m.begin(entry, m.typeVoid());
        memory.begin();
        texels.begin();
        // The high half of the grid's extent is 0.
        if (options.texels() && kernel.team() == Team.PERMUTED) team.nameMembers(memory.high(arguments.grid()));
        Value position = position(vector, group, local);
        values.put(Kernel.GRID, position);
        if (kernel.team() > 1 && bounds.grid() <= ROW) {
            // Every workgroup is an iteration, and there is one condition less: processors take straight code to be run
            // by all.
            statement(kernel.body());
        } else {
            Value grid = memory.argument(arguments.grid(), bounds.grid());
            Value inside = arithmetic.apply(MapFunction.LT, List.of(position, grid));
            b.when(inside.id(), () -> statement(kernel.body()));
        }
        m.end();
        memory.end();
        modes(entry);
        return m.module(entry);
    }

    private void modes(int entry) {
        m.mode(entry, 17, localSize, 1, 1);
        FloatControls f = options.floats();
        boolean halves = m.needs(Capability.FLOAT16);
        if (halves && f.denormals16()) mode(entry, Capability.DENORM_PRESERVE, 4459, 16);
        if (f.denormals32()) mode(entry, Capability.DENORM_PRESERVE, 4459, 32);
        if (f.denormals64()) mode(entry, Capability.DENORM_PRESERVE, 4459, 64);
        for (int width = halves ? 16 : 32; width <= 64; width *= 2) {
            if (f.specials()) mode(entry, Capability.SIGNED_ZERO_INF_NAN_PRESERVE, 4461, width);
            if (f.nearest()) mode(entry, Capability.ROUNDING_MODE_RTE, 4462, width);
        }
    }

    private void mode(int entry, Capability c, int mode, int width) {
        m.need(c);
        m.mode(entry, mode, width);
    }

    /** The number of the iteration: workgroups lie in rows. */
    private Value position(int vector, int group, int local) {
        int each = kernel.team() > 1 ? 1 : localSize;
        boolean narrow = bounds.grid() <= Integer.MAX_VALUE - (long) ROW * each;
        int u32 = m.typeInt(32);
        int groups = m.emit(Opcode.LOAD, vector, group);
        Value x = index32(m.emit(Opcode.COMPOSITE_EXTRACT, u32, groups, 0), ROW - 1);
        Value y = index32(m.emit(Opcode.COMPOSITE_EXTRACT, u32, groups, 1), bounds.grid() / ROW / each);
        Value lane = index32(m.emit(Opcode.LOAD, u32, local), localSize - 1);
        if (kernel.team() > 1) values.put(Kernel.MEMBER, b.narrow(b.low(lane), 0, localSize - 1));
        Value row = arithmetic.apply(MapFunction.MUL, List.of(y, b.index(ROW, 1)));
        Value number = arithmetic.apply(MapFunction.ADD, List.of(row, x));
        Value first = arithmetic.apply(MapFunction.MUL, List.of(number, b.index(each, 1)));
        Value all = kernel.team() > 1 ? first : arithmetic.apply(MapFunction.ADD, List.of(first, lane));
        return narrow ? b.narrow(b.low(all), 0, Math.max(1, bounds.grid() - 1)) : b.wide(all);
    }

    private Value index32(int id, long most) {
        return b.narrow(Value.of(DType.I32, id), 0, Math.max(1, Math.min(most, Integer.MAX_VALUE)));
    }

    // Statements

    private void statement(Stmt s) {
        switch (s) {
            case Stmt.Block k -> k.statements().forEach(this::statement);
            case Stmt.For f when f.unroll() -> unroll(f);
            case Stmt.For f -> loop(f);
            case Stmt.While w -> b.repeat(() -> expression(w.condition()).id(), () -> statement(w.body()));
            case Stmt.If i -> choose(expression(i.condition()).id(), i.then(), i.otherwise());
            case Stmt.Let l -> values.put(l.name(), expression(l.value()));
            case Stmt.Declare d -> {
                Value v = b.wide(expression(d.initial()));
                int[] addresses = new int[v.lanes()];
                for (int i = 0; i < addresses.length; i++) addresses[i] = m.variable(m.type(v.element()));
                Slot slot = new Slot(v.element(), addresses);
                slots.put(d.name(), slot);
                assign(slot, v);
            }
            case Stmt.Assign a -> {
                Slot slot = slots.get(a.name());
                if (slot == null) throw unknown(a.name());
                assign(slot, b.wide(expression(a.value())));
            }
            case Stmt.Store t -> store(t);
            case Stmt.Prefetch _ -> {}
            case Stmt.LocalArray a -> {
                int type = m.typeArray(m.type(a.element().element()), a.size());
                locals.put(a.name(), new Local(m.variable(type), a.element().element(), a.size(), false));
            }
            case Stmt.SharedArray a -> {
                int type = m.typeArray(m.type(a.element().element()), a.size());
                int variable = m.globalVariable(ModuleBuilder.STORAGE_WORKGROUP, type);
                locals.put(a.name(), new Local(variable, a.element().element(), a.size(), true));
            }
            case Stmt.Barrier _ -> team.barrier();
            case Stmt.Share h -> values.put(h.name(), b.wide(expression(h.value())));
            case Stmt.LoadMatrix l -> matrices.load(l, expression(l.index()));
            case Stmt.ZeroMatrix z -> matrices.zero(z);
            case Stmt.MultiplyMatrices x -> matrices.multiply(x);
            case Stmt.StoreMatrix t -> {
                Value first = expression(t.index());
                matrices.store(t, () -> element(local(t.array()), first), team.available());
            }
            case Stmt.Total t -> {
                Value member = b.low(lookUp(Kernel.MEMBER));
                values.put(t.name(), team.total(t.kind(), expression(t.value()), member.id()));
            }
            case Stmt.StoreLocal t -> {
                Local array = local(t.array());
                Value v = b.wide(expression(t.value()));
                Value index = expression(t.index());
                for (int i = 0; i < v.lanes(); i++) {
                    int id = v.ids()[i];
                    memory.guarded(
                            lane(index, i),
                            array.size(),
                            ShaderArguments.LOCAL_ARRAY,
                            at -> storeElement(array, at, id));
                }
            }
            case Stmt.Check c -> {
                Value bad = b.not(expression(c.condition()));
                b.when(bad.id(), () -> memory.report(ShaderArguments.POSITION_OUTSIDE, b.index(0, 1)));
            }
        }
    }

    private void assign(Slot slot, Value v) {
        for (int i = 0; i < v.lanes(); i++) m.run(Opcode.STORE, slot.addresses()[i], v.ids()[i]);
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
        Value begin = expression(f.begin());
        Value end = expression(f.end());
        if (!begin.isConstant() || !end.isConstant())
            throw new IllegalArgumentException(
                    "the bounds of the unrolled loop " + f.variable() + " are no literals\n" + KernelText.of(kernel));
        rounds.note(f, begin, end, 0);
        for (long i = begin.low(); i < end.low(); i += f.step()) {
            values.put(f.variable(), b.index(i, 1));
            statement(f.body());
        }
    }

    private void loop(Stmt.For f) {
        Value begin = expression(f.begin());
        Value end = expression(f.end());
        rounds.note(f, begin, end, depth);
        int each = rounds.each(f);
        long round = f.step() * each;
        boolean narrow =
                begin.fits32() && end.fits32() && Value.fits32(0, round) && end.high() + round <= Integer.MAX_VALUE;
        int type = m.typeInt(narrow ? 32 : 64);
        int first = (narrow ? b.low(begin) : b.wide(begin)).id();
        int last = (narrow ? b.low(end) : b.wide(end)).id();
        int before = m.block();
        int header = m.id();
        int test = m.id();
        int inner = m.id();
        int latch = m.id();
        int after = m.id();
        int next = m.id();
        m.jump(header);
        m.open(header);
        int i = m.emit(Opcode.PHI, type, first, before, next, latch);
        m.run(Opcode.LOOP_MERGE, after, latch, 0);
        m.jump(test);
        m.open(test);
        m.run(Opcode.BRANCH_CONDITIONAL, m.emit(Opcode.S_LESS_THAN, m.typeBool(), i, last), inner, after);
        m.open(inner);
        long high = Math.max(begin.low() + 1, end.high() - 1);
        int zeros = Math.min(begin.zeros(), Value.zeros(f.step()));
        values.put(f.variable(), new Value(DType.I64, new int[] {i}, narrow, begin.low(), high, zeros));
        depth++;
        statement(f.body());
        for (int n = 1; n < each; n++) {
            int more = m.emit(Opcode.I_ADD, type, i, m.constantInt(narrow ? 32 : 64, n * f.step()));
            int inside = m.emit(Opcode.S_LESS_THAN, m.typeBool(), more, last);
            values.put(f.variable(), new Value(DType.I64, new int[] {more}, narrow, begin.low(), high, zeros));
            b.when(inside, () -> statement(f.body()));
        }
        depth--;
        m.jump(latch);
        m.open(latch);
        m.run(Opcode.I_ADD, type, next, i, m.constantInt(narrow ? 32 : 64, round));
        m.jump(header);
        m.open(after);
    }

    private void choose(int condition, Stmt then, @Nullable Stmt otherwise) {
        int yes = m.id();
        int no = m.id();
        int after = m.id();
        m.run(Opcode.SELECTION_MERGE, after, 0);
        m.run(Opcode.BRANCH_CONDITIONAL, condition, yes, otherwise == null ? after : no);
        m.open(yes);
        statement(then);
        m.jump(after);
        if (otherwise != null) {
            m.open(no);
            statement(otherwise);
            m.jump(after);
        }
        m.open(after);
    }

    // Memory

    /** The index of a lane: from a scalar on, or that of the lane itself. */
    private Value lane(Value index, int i) {
        if (index.lanes() > 1) return index.like(index.ids()[i]);
        return i == 0 ? index : arithmetic.apply(MapFunction.ADD, List.of(index, b.index(i, 1)));
    }

    private void storeElement(Local array, Value at, int id) {
        int to = element(array, at);
        if (!array.shared()) m.run(Opcode.STORE, to, id);
        else team.store(to, id);
    }

    private int loadElement(Local array, Value at) {
        int type = m.type(array.element());
        int from = element(array, at);
        return array.shared() ? team.load(type, from) : m.emit(Opcode.LOAD, type, from);
    }

    private int element(Local array, Value at) {
        int storage = array.shared() ? ModuleBuilder.STORAGE_WORKGROUP : ModuleBuilder.STORAGE_FUNCTION;
        int pointer = m.typePointer(storage, m.type(array.element()));
        return m.emit(Opcode.ACCESS_CHAIN, pointer, array.address(), b.low(at).id());
    }

    private Value load(Expr.Load l) {
        DType dtype = kernel.buffers().get(l.buffer()).dtype();
        Value index = expression(l.index());
        Value mask = l.mask() == null ? null : expression(l.mask());
        int lanes = l.type().lanes();
        if (texels.has(l.buffer())) return conversions.decode(texels(l.buffer(), index, lanes, mask), dtype);
        if (mask == null && index.lanes() == 1 && words.fit(l.buffer(), index, lanes))
            return conversions.decode(words.load(l.buffer(), index, lanes), dtype);
        int[] ids = new int[lanes];
        for (int i = 0; i < lanes; i++)
            ids[i] = memory.load(l.buffer(), lane(index, i), mask == null ? 0 : mask.ids()[i]);
        return conversions.decode(Value.of(Conversions.storage(dtype), ids), dtype);
    }

    /** What lies outside of an image can be read, and is thrown away. */
    private Value texels(int buffer, Value index, int lanes, @Nullable Value mask) {
        Value v;
        if (index.lanes() == 1) {
            v = texels.load(buffer, index, lanes);
        } else {
            int[] ids = new int[lanes];
            for (int i = 0; i < lanes; i++)
                ids[i] = texels.load(buffer, lane(index, i), 1).id();
            v = Value.of(Conversions.storage(kernel.buffers().get(buffer).dtype()), ids);
        }
        if (mask == null) return v;
        return b.select(mask, v, v.element().isFloat() ? b.real(v, 0) : b.integer(v, 0));
    }

    private void store(Stmt.Store t) {
        DType dtype = kernel.buffers().get(t.buffer()).dtype();
        Value v = conversions.encode(expression(t.value()), dtype);
        Value index = expression(t.index());
        Value mask = t.mask() == null ? null : expression(t.mask());
        if (mask == null && index.lanes() == 1 && words.fit(t.buffer(), index, v.lanes())) {
            words.store(t.buffer(), index, v);
            return;
        }
        for (int i = 0; i < v.lanes(); i++) {
            int id = v.ids()[i];
            Value at = lane(index, i);
            if (mask == null) memory.store(t.buffer(), at, id);
            else b.when(mask.ids()[i], () -> memory.store(t.buffer(), at, id));
        }
    }

    private Value loadLocal(Expr.LoadLocal l) {
        Local array = local(l.array());
        Value index = expression(l.index());
        int[] ids = new int[l.type().lanes()];
        for (int i = 0; i < ids.length; i++) {
            Value at = memory.inside(lane(index, i), array.size(), ShaderArguments.LOCAL_ARRAY);
            ids[i] = loadElement(array, at);
        }
        return Value.of(array.element(), ids);
    }

    // Expressions

    private Value expression(Expr e) {
        return switch (e) {
            case Expr.Real r -> b.real(r.type().element(), r.type().lanes(), r.value());
            case Expr.Int i
            when i.type().element() == DType.I64 -> b.index(i.value(), i.type().lanes());
            case Expr.Int i -> b.integer(i.type().element(), i.type().lanes(), i.value());
            case Expr.Var v -> variable(v);
            case Expr.Extent x ->
                memory.argument(arguments.extent(x.number()), bounds.extents().get(x.number()));
            case Expr.Load l -> load(l);
            case Expr.LoadLocal l -> loadLocal(l);
            case Expr.OfMember o -> team.ofMember(lookUp(o.name()), expression(o.member()));
            case Expr.Apply a ->
                arithmetic.apply(
                        a.function(),
                        a.operands().stream().map(this::expression).toList());
            case Expr.Dot d -> dot(expression(d.left()), expression(d.right()), expression(d.sum()));
            case Expr.Fma f -> b.fma(expression(f.a()), expression(f.b()), expression(f.c()));
            case Expr.Convert c -> conversions.convert(expression(c.operand()), c.to(), c.rounding());
            case Expr.Bits t -> b.bits(b.wide(expression(t.operand())), t.to());
            case Expr.Splat s -> splat(expression(s.operand()), s.lanes());
            case Expr.Ramp r -> ramp(r);
            case Expr.Combine c -> combine(c.kind(), expression(c.operand()));
            case Expr.Shuffle s -> shuffle(expression(s.a()), expression(s.b()), s.lanes());
        };
    }

    private Value variable(Expr.Var v) {
        Slot slot = slots.get(v.name());
        if (slot != null) {
            int type = m.type(slot.element());
            return b.value(
                    slot.element(), slot.addresses().length, i -> m.emit(Opcode.LOAD, type, slot.addresses()[i]));
        }
        return lookUp(v.name());
    }

    private Value lookUp(String name) {
        Value value = values.get(name);
        if (value == null) throw unknown(name);
        return value;
    }

    private static Value splat(Value v, int lanes) {
        int[] ids = new int[lanes];
        Arrays.fill(ids, v.id());
        return v.like(ids);
    }

    private Value ramp(Expr.Ramp r) {
        Value base = expression(r.base());
        if (base.element() != DType.I64) {
            int type = m.type(base.element());
            return b.value(base.element(), r.lanes(), i -> {
                long step = i * r.step();
                int literal = m.constant(base.element(), ScalarFunctions.wrap(step, base.element()));
                return m.emit(Opcode.I_ADD, type, base.id(), literal);
            });
        }
        List<Value> lanes = new ArrayList<>();
        for (int i = 0; i < r.lanes(); i++)
            lanes.add(arithmetic.apply(MapFunction.ADD, List.of(base, b.index(i * r.step(), 1))));
        return gather(lanes);
    }

    /** Scalars as lanes of one I64. */
    private Value gather(List<Value> lanes) {
        long low = lanes.stream().mapToLong(Value::low).min().orElse(0);
        long high = lanes.stream().mapToLong(Value::high).max().orElse(0);
        boolean narrow = lanes.stream().allMatch(Value::narrow);
        int[] ids =
                lanes.stream().mapToInt(v -> narrow ? v.id() : b.wide(v).id()).toArray();
        return new Value(DType.I64, ids, narrow, low, high, 0);
    }

    private Value combine(ReduceKind kind, Value v) {
        MapFunction f = Kernels.combining(kind);
        while (v.lanes() > 1) {
            int half = v.lanes() / 2;
            v = arithmetic.apply(f, List.of(part(v, 0, half), part(v, half, 2 * half)));
        }
        return v;
    }

    private static Value part(Value v, int from, int to) {
        return v.like(Arrays.copyOfRange(v.ids(), from, to));
    }

    private Value shuffle(Value a, Value c, List<Integer> lanes) {
        boolean narrow = a.narrow() && c.narrow();
        Value x = narrow ? a : b.wide(a);
        Value y = narrow ? c : b.wide(c);
        int[] ids = new int[lanes.size()];
        for (int i = 0; i < ids.length; i++) {
            int from = lanes.get(i);
            ids[i] = from < x.lanes() ? x.ids()[from] : y.ids()[from - x.lanes()];
        }
        return new Value(a.element(), ids, narrow, Math.min(x.low(), y.low()), Math.max(x.high(), y.high()), 0);
    }

    private Value dot(Value left, Value right, Value sum) {
        boolean bytes = left.lanes() == 4 * sum.lanes();
        return bytes && options.dots() ? dotOfFour(left, right, sum) : dotInSteps(left, right, sum);
    }

    /** By the device's instruction, for four bytes without signs and four with. */
    private Value dotOfFour(Value left, Value right, Value sum) {
        m.need(Capability.DOT_PRODUCT);
        m.need(Capability.DOT_PRODUCT_INPUT_4X8_BIT);
        int four = m.typeVector(m.typeInt(8), 4);
        int type = m.typeInt(32);
        return b.value(DType.I32, sum.lanes(), i -> {
            int x = m.emit(Opcode.COMPOSITE_CONSTRUCT, four, Arrays.copyOfRange(left.ids(), 4 * i, 4 * i + 4));
            int y = m.emit(Opcode.COMPOSITE_CONSTRUCT, four, Arrays.copyOfRange(right.ids(), 4 * i, 4 * i + 4));
            return m.emit(Opcode.I_ADD, type, sum.ids()[i], m.emit(Opcode.SU_DOT, type, y, x));
        });
    }

    private Value dotInSteps(Value left, Value right, Value sum) {
        Value l = conversions.convert(left, DType.I32, Rounding.WRAP);
        Value r = conversions.convert(right, DType.I32, Rounding.WRAP);
        Value products = b.op(Opcode.I_MUL, l, r);
        int n = left.lanes() / sum.lanes();
        int type = m.typeInt(32);
        return b.value(DType.I32, sum.lanes(), i -> {
            int total = sum.ids()[i];
            for (int j = 0; j < n; j++) total = m.emit(Opcode.I_ADD, type, total, products.ids()[n * i + j]);
            return total;
        });
    }
}
