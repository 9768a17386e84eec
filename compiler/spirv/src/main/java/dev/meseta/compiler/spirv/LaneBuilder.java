package dev.meseta.compiler.spirv;

import dev.meseta.graph.DType;
import java.util.Arrays;
import java.util.function.IntConsumer;
import java.util.function.IntSupplier;
import java.util.function.IntUnaryOperator;

/** Instructions on every lane of {@link Value}s. Operands of one instruction have equal lanes and widths. */
final class LaneBuilder {
    static final int ROUND_EVEN = 2;
    static final int TRUNC = 3;
    static final int F_ABS = 4;
    static final int FLOOR = 8;
    static final int CEIL = 9;
    static final int SQRT = 31;
    static final int FMA = 50;

    final ModuleBuilder m;

    LaneBuilder(ModuleBuilder m) {
        this.m = m;
    }

    /** The type of a lane's id. */
    int laneType(Value v) {
        return v.narrow() ? m.typeInt(32) : m.type(v.element());
    }

    Value value(DType element, int lanes, IntUnaryOperator lane) {
        int[] ids = new int[lanes];
        for (int i = 0; i < lanes; i++) ids[i] = lane.applyAsInt(i);
        return Value.of(element, ids);
    }

    private static Value splat(DType element, int lanes, int id) {
        int[] ids = new int[lanes];
        Arrays.fill(ids, id);
        return Value.of(element, ids);
    }

    /** An integer or BOOL of a type, in each of some lanes; I64 in 64 bits. */
    Value integer(DType element, int lanes, long v) {
        return splat(element, lanes, m.constant(element, v));
    }

    Value integer(Value like, long v) {
        return integer(like.element(), like.lanes(), v);
    }

    Value real(DType element, int lanes, double v) {
        return splat(element, lanes, m.constant(element, v));
    }

    Value real(Value like, double v) {
        return real(like.element(), like.lanes(), v);
    }

    /** An I64, held as narrow as it can be. */
    Value index(long v, int lanes) {
        boolean narrow = Value.fits32(v, v);
        int id = m.constantInt(narrow ? 32 : 64, v);
        return new Value(DType.I64, splat(DType.I64, lanes, id).ids(), narrow, v, v, Value.zeros(v));
    }

    private int emit(Opcode opcode, int type, boolean exact, int... operands) {
        int id = m.emit(opcode, type, operands);
        if (exact) m.decorate(id, ModuleBuilder.DECORATION_NO_CONTRACTION);
        return id;
    }

    private static boolean contracts(Opcode opcode) {
        return switch (opcode) {
            case F_ADD, F_SUB, F_MUL -> true;
            default -> false;
        };
    }

    /** A result of the first operand's type. */
    Value op(Opcode opcode, Value a, Value b) {
        int type = m.type(a.element());
        return value(a.element(), a.lanes(), i -> emit(opcode, type, contracts(opcode), a.ids()[i], b.ids()[i]));
    }

    Value op(Opcode opcode, Value a) {
        int type = m.type(a.element());
        return value(a.element(), a.lanes(), i -> m.emit(opcode, type, a.ids()[i]));
    }

    /** A predicate. */
    Value compare(Opcode opcode, Value a, Value b) {
        int type = m.typeBool();
        return value(DType.BOOL, a.lanes(), i -> m.emit(opcode, type, a.ids()[i], b.ids()[i]));
    }

    Value cast(Opcode opcode, Value a, DType to) {
        int type = m.type(to);
        return value(to, a.lanes(), i -> m.emit(opcode, type, a.ids()[i]));
    }

    /** The same bits; of types that are held alike the same ids. */
    Value bits(Value a, DType to) {
        if (a.element().isFloat() == to.isFloat()) return a.as(to);
        return cast(Opcode.BITCAST, a, to);
    }

    Value select(Value condition, Value yes, Value no) {
        int type = m.type(yes.element());
        return value(
                yes.element(),
                yes.lanes(),
                i -> m.emit(Opcode.SELECT, type, condition.ids()[i], yes.ids()[i], no.ids()[i]));
    }

    Value extended(int instruction, Value... operands) {
        int type = m.type(operands[0].element());
        return value(operands[0].element(), operands[0].lanes(), i -> {
            int[] ids = new int[operands.length];
            for (int k = 0; k < ids.length; k++) ids[k] = operands[k].ids()[i];
            return m.extended(instruction, type, ids);
        });
    }

    /**
     * A whole number by FLOOR, CEIL, TRUNC or ROUND_EVEN. Lavapipe's of F64 are wrong for halves and large numbers in vectors of 512 bits, and a
     * package does not know where it will run: there a number from which on all are whole is added to the magnitude, which rounds it, and taken
     * away again.
     */
    Value whole(int instruction, Value a) {
        if (a.element() != DType.F64) return extended(instruction, a);
        Value most = real(a, 0x1p52);
        Value one = real(a, 1);
        Value x = abs(a);
        Value r = op(Opcode.F_SUB, op(Opcode.F_ADD, x, most), most);
        if (instruction == TRUNC) r = select(compare(Opcode.F_ORD_GREATER_THAN, r, x), op(Opcode.F_SUB, r, one), r);
        r = copySign(r, a);
        if (instruction == FLOOR) r = select(compare(Opcode.F_ORD_GREATER_THAN, r, a), op(Opcode.F_SUB, r, one), r);
        if (instruction == CEIL)
            r = copySign(select(compare(Opcode.F_ORD_LESS_THAN, r, a), op(Opcode.F_ADD, r, one), r), a);
        return select(compare(Opcode.F_ORD_LESS_THAN, x, most), r, a);
    }

    Value fma(Value a, Value b, Value c) {
        return extended(FMA, a, b, c);
    }

    Value abs(Value a) {
        return extended(F_ABS, a);
    }

    Value negate(Value a) {
        return op(Opcode.F_NEGATE, a);
    }

    Value not(Value a) {
        return a.element() == DType.BOOL ? op(Opcode.LOGICAL_NOT, a) : op(Opcode.NOT, a);
    }

    Value and(Value a, Value b) {
        return op(a.element() == DType.BOOL ? Opcode.LOGICAL_AND : Opcode.BITWISE_AND, a, b);
    }

    Value or(Value a, Value b) {
        return op(a.element() == DType.BOOL ? Opcode.LOGICAL_OR : Opcode.BITWISE_OR, a, b);
    }

    Value isNan(Value a) {
        // Compared as numbers, a compiler might take it that there is no NaN.
        boolean wide = a.element() == DType.F64;
        Value bits = bits(a, wide ? DType.U64 : DType.U32);
        Value magnitude = and(bits, integer(bits, wide ? Long.MAX_VALUE : Integer.MAX_VALUE));
        Value infinity = integer(bits, wide ? 0x7ff0_0000_0000_0000L : 0x7f80_0000L);
        return compare(Opcode.U_GREATER_THAN, magnitude, infinity);
    }

    /** The magnitude of a with the sign of b. */
    Value copySign(Value a, Value b) {
        boolean wide = a.element() == DType.F64;
        DType whole = wide ? DType.U64 : DType.U32;
        Value x = bits(a, whole);
        Value y = bits(b, whole);
        Value magnitude = and(x, integer(x, wide ? Long.MAX_VALUE : Integer.MAX_VALUE));
        Value sign = and(y, integer(y, wide ? Long.MIN_VALUE : Integer.MIN_VALUE));
        return bits(or(magnitude, sign), a.element());
    }

    // I64 in 32 bits

    /** In 64 bits, for what is not narrow by nature. */
    Value wide(Value v) {
        if (!v.narrow()) return v;
        if (v.isConstant())
            return integer(DType.I64, v.lanes(), v.low())
                    .ranged(v.low(), v.high())
                    .withZeros(v.zeros());
        int type = m.typeInt(64);
        Value w = value(DType.I64, v.lanes(), i -> m.emit(Opcode.S_CONVERT, type, v.ids()[i]));
        return w.ranged(v.low(), v.high()).withZeros(v.zeros());
    }

    /** The low 32 bits of an I64, as an I32. */
    Value low(Value v) {
        if (v.narrow()) return v.as(DType.I32);
        return cast(Opcode.U_CONVERT, v, DType.I32);
    }

    /** An I32 that stands for an I64 of a range. */
    Value narrow(Value v, long low, long high) {
        if (low == high) return index(low, v.lanes());
        return new Value(DType.I64, v.ids(), true, low, high, 0);
    }

    /** An I64 in 64 bits with a range, held narrow where that is possible. */
    Value ranged(Value v, long low, long high) {
        return Value.fits32(low, high) ? narrow(low(v), low, high) : v.ranged(low, high);
    }

    // Blocks

    /** Repeats what is given a fixed number of times. */
    void loop(int times, Runnable body) {
        loop(0, m.constantInt(32, times), _ -> body.run());
    }

    /** Runs what is given for each number from one on and below another, both integers of 32 bits. */
    void loop(int first, int end, IntConsumer body) {
        int type = m.typeInt(32);
        int before = m.block();
        int header = m.id();
        int test = m.id();
        int inner = m.id();
        int latch = m.id();
        int after = m.id();
        int next = m.id();
        m.jump(header);
        m.open(header);
        int i = m.emit(Opcode.PHI, type, m.constantInt(32, first), before, next, latch);
        m.run(Opcode.LOOP_MERGE, after, latch, 0);
        m.jump(test);
        m.open(test);
        int more = m.emit(Opcode.U_LESS_THAN, m.typeBool(), i, end);
        m.run(Opcode.BRANCH_CONDITIONAL, more, inner, after);
        m.open(inner);
        body.accept(i);
        m.jump(latch);
        m.open(latch);
        m.run(Opcode.I_ADD, type, next, i, m.constantInt(32, 1));
        m.jump(header);
        m.open(after);
    }

    /** Repeats a body while a condition gives a BOOL that holds. */
    void repeat(IntSupplier condition, Runnable body) {
        int header = m.id();
        int test = m.id();
        int inner = m.id();
        int latch = m.id();
        int after = m.id();
        m.jump(header);
        m.open(header);
        m.run(Opcode.LOOP_MERGE, after, latch, 0);
        m.jump(test);
        m.open(test);
        m.run(Opcode.BRANCH_CONDITIONAL, condition.getAsInt(), inner, after);
        m.open(inner);
        body.run();
        m.jump(latch);
        m.open(latch);
        m.jump(header);
        m.open(after);
    }

    /** Runs what is given where a BOOL holds. */
    void when(int condition, Runnable body) {
        int yes = m.id();
        int after = m.id();
        m.run(Opcode.SELECTION_MERGE, after, 0);
        m.run(Opcode.BRANCH_CONDITIONAL, condition, yes, after);
        m.open(yes);
        body.run();
        m.jump(after);
        m.open(after);
    }
}
