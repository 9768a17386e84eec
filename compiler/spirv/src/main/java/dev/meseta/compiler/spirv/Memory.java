package dev.meseta.compiler.spirv;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.graph.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The buffers of a kernel, its arguments, and its status, as a module reaches them. */
final class Memory {
    static final int ALIGNED = 2;
    private static final int SCOPE_QUEUE_FAMILY = 5;

    private final LaneBuilder b;
    private final ModuleBuilder m;
    private final Kernel kernel;
    private final Bounds bounds;
    private final ShaderArguments arguments;
    private final boolean checking;
    private final int block;
    private final int report;
    private boolean reports;

    /** Of each argument what was loaded, in 64 bits; in the function's first block, so that it is known everywhere. */
    private final List<Integer> loaded = new ArrayList<>();

    Memory(LaneBuilder b, Kernel kernel, Bounds bounds, ShaderArguments arguments, boolean checking) {
        this.b = b;
        this.m = b.m;
        this.kernel = kernel;
        this.bounds = bounds;
        this.arguments = arguments;
        this.checking = checking;
        this.block = m.globalVariable(ModuleBuilder.STORAGE_UNIFORM, m.typeBlock(arguments.count()));
        m.decorate(block, ModuleBuilder.DECORATION_DESCRIPTOR_SET, 0);
        m.decorate(block, ModuleBuilder.DECORATION_BINDING, 0);
        this.report = m.id();
        for (Kernel.Buffer k : kernel.buffers()) {
            int bytes = k.dtype().bytes();
            if (bytes == 1) m.need(Capability.STORAGE_BUFFER_8_BIT_ACCESS);
            if (bytes == 2) m.need(Capability.STORAGE_BUFFER_16_BIT_ACCESS);
        }
    }

    /** In the first block of the entry point. */
    void begin() {
        for (int i = 0; i < arguments.count(); i++) loaded.add(read(i));
    }

    private int read(int place) {
        int pointer = m.typePointer(ModuleBuilder.STORAGE_UNIFORM, m.typeInt(64));
        int at = m.emit(Opcode.ACCESS_CHAIN, pointer, block, m.constantInt(32, place));
        return m.emit(Opcode.LOAD, m.typeInt(64), at);
    }

    /** An argument from 0 to a bound. */
    Value argument(int place, long most) {
        Value wide = Value.of(DType.I64, loaded.get(place));
        return most == Long.MAX_VALUE ? wide : b.ranged(wide, 0, Math.max(1, most));
    }

    /** The high half of an argument. */
    int high(int place) {
        int moved = m.emit(Opcode.SHIFT_RIGHT_LOGICAL, m.typeInt(64), loaded.get(place), m.constantInt(32, 32));
        return m.emit(Opcode.U_CONVERT, m.typeInt(32), moved);
    }

    /** An element of the storage type. @param mask a BOOL without which nothing is read and 0 is given; 0 for none */
    int load(int buffer, Value index, int mask) {
        int type = m.type(Conversions.storage(kernel.buffers().get(buffer).dtype()));
        Value at = index;
        int condition = mask;
        if (checking) {
            Value inside = isInside(index, b.wide(size(buffer)));
            Value asked = mask == 0 ? b.integer(DType.BOOL, 1, 1) : Value.of(DType.BOOL, mask);
            b.when(b.and(asked, b.not(inside)).id(), () -> report(ShaderArguments.BUFFER + buffer, index));
            condition = b.and(asked, inside).id();
        }
        if (condition == 0) return m.emit(Opcode.LOAD, type, pointer(buffer, at), ALIGNED, bytes(buffer));
        // Element 0 is always there to be read, so that lanes need not part ways.
        Value none = b.index(0, 1);
        at = at.narrow()
                ? b.narrow(b.select(Value.of(DType.BOOL, condition), b.low(at), b.low(none)), at.low(), at.high())
                : b.select(Value.of(DType.BOOL, condition), at, b.wide(none)).ranged(at.low(), at.high());
        int v = m.emit(Opcode.LOAD, type, pointer(buffer, at), ALIGNED, bytes(buffer));
        DType storage = Conversions.storage(kernel.buffers().get(buffer).dtype());
        int zero = storage.isFloat() ? m.constant(storage, 0.0) : m.constant(storage, 0L);
        return m.emit(Opcode.SELECT, type, condition, v, zero);
    }

    void store(int buffer, Value index, int id) {
        if (!checking) {
            m.run(Opcode.STORE, pointer(buffer, index), id, ALIGNED, bytes(buffer));
            return;
        }
        Value inside = isInside(index, b.wide(size(buffer)));
        b.when(b.not(inside).id(), () -> report(ShaderArguments.BUFFER + buffer, index));
        b.when(inside.id(), () -> m.run(Opcode.STORE, pointer(buffer, index), id, ALIGNED, bytes(buffer)));
    }

    private int bytes(int buffer) {
        return kernel.buffers().get(buffer).dtype().bytes();
    }

    private Value size(int buffer) {
        return Value.of(DType.I64, loaded.get(arguments.size(buffer)));
    }

    private Value isInside(Value index, Value size) {
        return b.compare(Opcode.U_LESS_THAN, b.wide(index), b.wide(size));
    }

    private int pointer(int buffer, Value index) {
        DType storage = Conversions.storage(kernel.buffers().get(buffer).dtype());
        return pointer(buffer, index, m.type(storage), 0);
    }

    /** What lies so many bytes behind an element, as a pointer to a type: within buffers below 2 GiB offsets are 32 bits. */
    int pointer(int buffer, Value index, int pointee, int behind) {
        int type = m.typePointer(ModuleBuilder.STORAGE_PHYSICAL, pointee);
        int u64 = m.typeInt(64);
        int shift = Integer.numberOfTrailingZeros(bytes(buffer));
        boolean small = bounds.bytes().get(buffer) <= Integer.MAX_VALUE;
        int bits = small ? 32 : 64;
        int offset = small ? b.low(index).id() : b.wide(index).id();
        if (shift > 0) offset = m.emit(Opcode.SHIFT_LEFT_LOGICAL, m.typeInt(bits), offset, m.constantInt(bits, shift));
        if (small) offset = m.emit(Opcode.U_CONVERT, u64, offset);
        int address = m.emit(Opcode.I_ADD, u64, loaded.get(arguments.buffer(buffer)), offset);
        if (behind > 0) address = m.emit(Opcode.I_ADD, u64, address, m.constantInt(64, behind));
        return m.emit(Opcode.CONVERT_U_TO_PTR, type, address);
    }

    /** The index of an element, or 0 where it or one so far behind it lies outside, which checking mode reports. */
    Value within(int buffer, Value index, long last) {
        if (!checking) return index;
        Value end = b.ranged(b.op(Opcode.I_ADD, b.wide(index), b.integer(DType.I64, 1, last)), 0, Long.MAX_VALUE);
        Value inside = isInside(end, b.wide(size(buffer)));
        b.when(b.not(inside).id(), () -> report(ShaderArguments.BUFFER + buffer, index));
        return b.ranged(b.select(inside, b.wide(index), b.integer(DType.I64, 1, 0)), index.low(), index.high());
    }

    // Local arrays

    /** The index, or 0 where it is outside of [0, size), which checking mode reports. */
    Value inside(Value index, int size, int what) {
        if (index.low() >= 0 && index.high() < size || !checking) return index;
        Value inside = isInside(index, b.index(size, 1));
        b.when(b.not(inside).id(), () -> report(what, index));
        return b.ranged(b.select(inside, b.wide(index), b.wide(b.index(0, 1))), 0, size);
    }

    /** Does something with an index unless it is outside of [0, size), which checking mode reports. */
    void guarded(Value index, int size, int what, Consumer<Value> body) {
        if (index.low() >= 0 && index.high() < size || !checking) {
            body.accept(index);
            return;
        }
        Value inside = isInside(index, b.index(size, 1));
        b.when(b.not(inside).id(), () -> report(what, index));
        b.when(inside.id(), () -> body.accept(index));
    }

    // The status

    void report(int what, Value index) {
        reports = true;
        int code = m.constantInt(32, what);
        m.emit(Opcode.FUNCTION_CALL, m.typeVoid(), report, code, b.wide(index).id());
    }

    /** Behind the entry point: the function that reports. The first failure wins: its code is set at once, its index behind it. */
    void end() {
        if (!reports) return;
        int u32 = m.typeInt(32);
        int u64 = m.typeInt(64);
        int[] parameters = m.begin(report, m.typeVoid(), u32, u64);
        int status = read(arguments.status());
        int launch = m.emit(Opcode.U_CONVERT, u32, read(arguments.launch()));
        int first = m.emit(Opcode.I_MUL, u32, launch, m.constantInt(32, ShaderArguments.CODES));
        int code = m.emit(Opcode.I_ADD, u32, first, parameters[0]);
        int words = m.typePointer(ModuleBuilder.STORAGE_PHYSICAL, u32);
        int numbers = m.typePointer(ModuleBuilder.STORAGE_PHYSICAL, u64);
        int zero = m.constantInt(32, 0);
        int scope = m.constantInt(32, SCOPE_QUEUE_FAMILY);
        int at = m.emit(Opcode.CONVERT_U_TO_PTR, words, status);
        int before = m.emit(Opcode.ATOMIC_COMPARE_EXCHANGE, u32, at, scope, zero, zero, code, zero);
        int mine = m.emit(Opcode.I_EQUAL, m.typeBool(), before, zero);
        b.when(mine, () -> {
            int place = m.emit(Opcode.I_ADD, u64, status, m.constantInt(64, 8));
            m.run(Opcode.STORE, m.emit(Opcode.CONVERT_U_TO_PTR, numbers, place), parameters[1], ALIGNED, 8);
        });
        m.end();
    }
}
