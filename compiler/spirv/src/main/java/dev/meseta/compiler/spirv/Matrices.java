package dev.meseta.compiler.spirv;

import dev.meseta.compiler.kernel.MatrixType;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.graph.DType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntSupplier;

/**
 * Products of small matrices that a subgroup holds together (SPV_KHR_cooperative_matrix): a team that uses them is one subgroup, which the
 * driver sees to. Factors are read from buffers, sums are written to shared memory.
 */
final class Matrices {
    private static final int SUBGROUP = 3;
    private static final int LEFT = 0;
    private static final int RIGHT = 1;
    private static final int SUM = 2;
    private static final int BY_ROWS = 0;
    private static final int BY_COLUMNS = 1;
    private static final int ALIGNMENT = 16;
    private static final int LEFT_SIGNED = 1;
    private static final int RIGHT_SIGNED = 2;
    private static final int SUM_SIGNED = 12;

    /**
     * @param id of the matrix, or the address of the variable of a sum
     */
    private record Matrix(MatrixType type, int typeId, int id) {}

    private final ModuleBuilder m;
    private final Memory memory;
    private final Map<String, Matrix> known = new HashMap<>();

    Matrices(ModuleBuilder m, Memory memory) {
        this.m = m;
        this.memory = memory;
    }

    private int type(MatrixType t, int use) {
        m.need(Capability.COOPERATIVE_MATRIX);
        return m.typeMatrix(
                component(t.element()),
                m.constantInt(32, SUBGROUP),
                m.constantInt(32, t.rows()),
                m.constantInt(32, t.columns()),
                m.constantInt(32, use));
    }

    private int component(DType element) {
        return element == DType.F16 ? m.typeFloat(16) : m.type(element);
    }

    /** The index must be inside, all of the matrix with it. */
    void load(Stmt.LoadMatrix l, Value index) {
        MatrixType t = l.type();
        int typeId = type(t, l.left() ? LEFT : RIGHT);
        int component = component(t.element());
        Value at = memory.within(l.buffer(), index, l.last());
        int array = m.typeBlockArray(component, t.element().bytes());
        int base = memory.pointer(l.buffer(), at, array, 0);
        int zero = m.constantInt(32, 0);
        int first =
                m.emit(Opcode.ACCESS_CHAIN, m.typePointer(ModuleBuilder.STORAGE_PHYSICAL, component), base, zero, zero);
        int order = switch (l.order()) {
            case ROWS -> BY_ROWS;
            case COLUMNS -> BY_COLUMNS;
            case FOURS -> throw new IllegalArgumentException("GPUs have no matrices by fours, as " + l.name() + " is");
        };
        int layout = m.constantInt(32, order);
        int stride = m.constantInt(32, l.stride());
        int id = m.emit(Opcode.COOPERATIVE_MATRIX_LOAD, typeId, first, layout, stride, Memory.ALIGNED, ALIGNMENT);
        known.put(l.name(), new Matrix(t, typeId, id));
    }

    void zero(Stmt.ZeroMatrix z) {
        int typeId = type(z.type(), SUM);
        int variable = m.variable(typeId);
        m.run(Opcode.STORE, variable, m.constantNull(typeId));
        known.put(z.name(), new Matrix(z.type(), typeId, variable));
    }

    void multiply(Stmt.MultiplyMatrices x) {
        Matrix sum = get(x.sum());
        Matrix left = get(x.left());
        Matrix right = get(x.right());
        int before = m.emit(Opcode.LOAD, sum.typeId(), sum.id());
        int signs = 0;
        if (left.type().element() == DType.I8) signs |= LEFT_SIGNED;
        if (right.type().element() == DType.I8) signs |= RIGHT_SIGNED;
        if (sum.type().element() == DType.I32) signs |= SUM_SIGNED;
        int after = signs == 0
                ? m.emit(Opcode.COOPERATIVE_MATRIX_MUL_ADD, sum.typeId(), left.id(), right.id(), before)
                : m.emit(Opcode.COOPERATIVE_MATRIX_MUL_ADD, sum.typeId(), left.id(), right.id(), before, signs);
        m.run(Opcode.STORE, sum.id(), after);
    }

    /** @param to the address of the first element */
    void store(Stmt.StoreMatrix t, IntSupplier to, List<Integer> access) {
        Matrix sum = get(t.sum());
        int value = m.emit(Opcode.LOAD, sum.typeId(), sum.id());
        int[] operands = {to.getAsInt(), value, m.constantInt(32, BY_ROWS), m.constantInt(32, t.stride())};
        m.run(
                Opcode.COOPERATIVE_MATRIX_STORE,
                Words.concat(operands, access.stream().mapToInt(i -> i).toArray()));
    }

    private Matrix get(String name) {
        Matrix x = known.get(name);
        if (x == null) throw new IllegalArgumentException("there is no matrix " + name);
        return x;
    }
}
