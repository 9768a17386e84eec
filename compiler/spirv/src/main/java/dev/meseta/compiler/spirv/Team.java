package dev.meseta.compiler.spirv;

import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.List;

/** What the members of a team, which is a workgroup, have in common: shared memory, by the rules of the Vulkan memory model, and registers. */
final class Team {
    private static final int WORKGROUP = 2;
    private static final int SUBGROUP = 3;
    private static final int ACQUIRE_RELEASE = 8;
    private static final int WORKGROUP_MEMORY = 0x100;
    private static final int MAKE_AVAILABLE = 8;
    private static final int MAKE_VISIBLE = 0x10;
    private static final int NON_PRIVATE = 0x20;
    private static final int BUILT_IN_NUM_SUBGROUPS = 38;
    private static final int BUILT_IN_SUBGROUP_ID = 40;

    private static final int BUILT_IN_SUBGROUP_MEMBER = 41;
    private static final int BUILT_IN_WORKGROUP_MEMBER = 29;

    /** Members that a processor permutes by numbers that it does not know beforehand; other teams only by those that it knows. */
    static final int PERMUTED = 8;

    /** Of a group operation: over all invocations of the group. */
    private static final int REDUCE = 0;

    private final LaneBuilder b;
    private final ModuleBuilder m;
    private final Arithmetic arithmetic;
    private final int size;

    /** Whether the team is one subgroup, its members in order. */
    private final boolean oneSubgroup;

    private final List<Integer> names = new ArrayList<>();

    Team(LaneBuilder b, Arithmetic arithmetic, int size, ShaderOptions options) {
        this.b = b;
        this.m = b.m;
        this.arithmetic = arithmetic;
        this.size = size;
        this.oneSubgroup = size == options.subgroup();
    }

    /**
     * Gives the members numbers that no compiler knows: a processor takes another's register by one instruction then, and by two where it
     * makes something of the number.
     *
     * @param zero a zero that no compiler knows, an integer of 32 bits
     */
    void nameMembers(int zero) {
        int type = m.typeInt(32);
        for (int i = 0; i < size; i++) names.add(m.emit(Opcode.I_ADD, type, zero, m.constantInt(32, i)));
    }

    /** What holds a member's number. Of a subgroup's members a processor knows it beforehand, and what is computed of it. */
    int member() {
        if (!oneSubgroup) return BUILT_IN_WORKGROUP_MEMBER;
        m.need(Capability.GROUP_NON_UNIFORM);
        return BUILT_IN_SUBGROUP_MEMBER;
    }

    void barrier() {
        int workgroup = m.constantInt(32, WORKGROUP);
        m.run(Opcode.CONTROL_BARRIER, workgroup, workgroup, m.constantInt(32, ACQUIRE_RELEASE | WORKGROUP_MEMORY));
    }

    /** Stores to shared memory. */
    void store(int address, int id) {
        m.run(Opcode.STORE, address, id, NON_PRIVATE | MAKE_AVAILABLE, m.constantInt(32, WORKGROUP));
    }

    /** The operands of what stores to shared memory. */
    List<Integer> available() {
        return List.of(NON_PRIVATE | MAKE_AVAILABLE, m.constantInt(32, WORKGROUP));
    }

    /** Loads from shared memory. */
    int load(int type, int address) {
        return m.emit(Opcode.LOAD, type, address, NON_PRIVATE | MAKE_VISIBLE, m.constantInt(32, WORKGROUP));
    }

    /** From a register of another invocation of the subgroup, of which a team is all. */
    Value ofMember(Value v, Value member) {
        boolean named = member.isConstant() && !names.isEmpty();
        return shuffle(v, named ? names.get((int) member.low()) : b.low(member).id());
    }

    private Value shuffle(Value v, int member) {
        m.need(Capability.GROUP_NON_UNIFORM);
        m.need(Capability.GROUP_NON_UNIFORM_SHUFFLE);
        int scope = m.constantInt(32, SUBGROUP);
        int type = m.type(v.element());
        return b.value(
                v.element(), v.lanes(), i -> m.emit(Opcode.GROUP_NON_UNIFORM_SHUFFLE, type, scope, v.ids()[i], member));
    }

    // Totals

    /**
     * A scalar combined over all members.
     *
     * @param number this member's, an integer of 32 bits
     */
    Value total(ReduceKind kind, Value own, int number) {
        return oneSubgroup ? byExchange(kind, own, number) : bySubgroups(kind, own);
    }

    /** Halves of the team exchange what they have, then halves of the halves, and so on. */
    private Value byExchange(ReduceKind kind, Value own, int number) {
        int type = m.typeInt(32);
        Value v = own;
        for (int half = size / 2; half > 0; half /= 2) {
            int partner = m.emit(Opcode.BITWISE_XOR, type, number, m.constantInt(32, half));
            v = arithmetic.apply(Kernels.combining(kind), List.of(v, shuffle(v, partner)));
        }
        return v;
    }

    /** Each subgroup combines what it has by the device's instruction, whatever its size, and all read what came of it from shared memory. */
    private Value bySubgroups(ReduceKind kind, Value own) {
        m.need(Capability.GROUP_NON_UNIFORM);
        m.need(Capability.GROUP_NON_UNIFORM_ARITHMETIC);
        boolean ordered = own.element().isFloat() && (kind == ReduceKind.MIN || kind == ReduceKind.MAX);
        Value x = ordered ? sortable(kind, own) : own;
        int type = m.type(x.element());
        int scope = m.constantInt(32, SUBGROUP);
        int part = m.emit(operation(kind, x.element()), type, scope, REDUCE, x.id());
        int array = m.globalVariable(ModuleBuilder.STORAGE_WORKGROUP, m.typeArray(type, size));
        int pointer = m.typePointer(ModuleBuilder.STORAGE_WORKGROUP, type);
        int u32 = m.typeInt(32);
        int subgroup = m.emit(Opcode.LOAD, u32, m.builtIn(u32, BUILT_IN_SUBGROUP_ID));
        int subgroups = m.emit(Opcode.LOAD, u32, m.builtIn(u32, BUILT_IN_NUM_SUBGROUPS));
        // Nobody writes before all have read what was there the last time.
        barrier();
        b.when(
                m.emit(Opcode.GROUP_NON_UNIFORM_ELECT, m.typeBool(), scope),
                () -> store(m.emit(Opcode.ACCESS_CHAIN, pointer, array, subgroup), part));
        barrier();
        int sum = m.variable(type);
        m.run(Opcode.STORE, sum, load(type, m.emit(Opcode.ACCESS_CHAIN, pointer, array, m.constantInt(32, 0))));
        b.loop(1, subgroups, i -> {
            Value so = Value.of(x.element(), m.emit(Opcode.LOAD, type, sum));
            Value next = Value.of(x.element(), load(type, m.emit(Opcode.ACCESS_CHAIN, pointer, array, i)));
            m.run(
                    Opcode.STORE,
                    sum,
                    arithmetic.apply(Kernels.combining(kind), List.of(so, next)).id());
        });
        Value all = Value.of(x.element(), m.emit(Opcode.LOAD, type, sum));
        return ordered ? b.bits(ordered(all), DType.F32) : all;
    }

    /**
     * An F32 as an I32 of the same order, and NaN as the one that wins: what an instruction makes of NaN is the device's business.
     */
    private Value sortable(ReduceKind kind, Value x) {
        Value number = ordered(b.bits(x, DType.I32));
        int most = kind == ReduceKind.MAX ? Integer.MAX_VALUE : Integer.MIN_VALUE;
        return b.select(b.isNan(x), b.integer(number, most), number);
    }

    /** Turns the order of negative numbers of sign and magnitude around; its own inverse. */
    private Value ordered(Value x) {
        Value magnitude = b.integer(x, Integer.MAX_VALUE);
        Value turned = arithmetic.apply(MapFunction.XOR, List.of(x, magnitude));
        return b.select(b.compare(Opcode.S_LESS_THAN, x, b.integer(x, 0)), turned, x);
    }

    private static Opcode operation(ReduceKind kind, DType t) {
        return switch (kind) {
            case SUM -> t.isFloat() ? Opcode.GROUP_NON_UNIFORM_F_ADD : Opcode.GROUP_NON_UNIFORM_I_ADD;
            case PROD -> t.isFloat() ? Opcode.GROUP_NON_UNIFORM_F_MUL : Opcode.GROUP_NON_UNIFORM_I_MUL;
            case MIN -> Opcode.GROUP_NON_UNIFORM_S_MIN;
            case MAX -> Opcode.GROUP_NON_UNIFORM_S_MAX;
            case AND, OR -> throw new IllegalArgumentException("no total of " + kind.text());
        };
    }
}
