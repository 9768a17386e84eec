package dev.meseta.compiler.spirv;

import dev.meseta.graph.DType;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes a module: hands out ids, keeps types and constants unique, and puts the sections in their order. Instructions go to the function
 * that is being written. All integer types are unsigned in the module; instructions say what is signed.
 */
final class ModuleBuilder {
    static final int STORAGE_UNIFORM_CONSTANT = 0;
    static final int STORAGE_INPUT = 1;
    static final int STORAGE_UNIFORM = 2;
    static final int STORAGE_WORKGROUP = 4;
    static final int STORAGE_FUNCTION = 7;
    static final int STORAGE_PUSH_CONSTANT = 9;
    static final int STORAGE_PHYSICAL = 5349;

    static final int DECORATION_BLOCK = 2;
    static final int DECORATION_ARRAY_STRIDE = 6;
    static final int DECORATION_BUILT_IN = 11;
    static final int DECORATION_NON_WRITABLE = 24;
    static final int DECORATION_BINDING = 33;
    static final int DECORATION_DESCRIPTOR_SET = 34;
    static final int DECORATION_OFFSET = 35;
    static final int DECORATION_NO_CONTRACTION = 42;

    private static final int MAGIC = 0x0723_0203;
    private static final int VERSION_1_5 = 0x0001_0500;
    private static final int ADDRESSING_PHYSICAL_STORAGE_BUFFER_64 = 5348;
    private static final int MEMORY_MODEL_VULKAN = 3;
    private static final int EXECUTION_MODEL_COMPUTE = 5;

    private final Set<Capability> capabilities = EnumSet.of(
            Capability.SHADER,
            Capability.INT64,
            Capability.VULKAN_MEMORY_MODEL,
            Capability.PHYSICAL_STORAGE_BUFFER_ADDRESSES);
    private final Words modes = new Words();
    private final Words decorations = new Words();
    private final Words globals = new Words();
    private final Words functions = new Words();
    private final Map<List<Object>, Integer> unique = new HashMap<>();
    private final List<Integer> interfaces = new ArrayList<>();
    private int next = 1;
    private final int extended = id();

    /** Variables and instructions of the function that is being written. */
    private Words variables = new Words();

    private Words code = new Words();
    private int block;

    int id() {
        return next++;
    }

    void need(Capability c) {
        capabilities.add(c);
    }

    boolean needs(Capability c) {
        return capabilities.contains(c);
    }

    void mode(int entry, int mode, int... literals) {
        modes.instruction(Opcode.EXECUTION_MODE, Words.concat(new int[] {entry, mode}, literals));
    }

    void decorate(int target, int decoration, int... literals) {
        decorations.instruction(Opcode.DECORATE, Words.concat(new int[] {target, decoration}, literals));
    }

    void decorateMember(int target, int member, int decoration, int... literals) {
        decorations.instruction(Opcode.MEMBER_DECORATE, Words.concat(new int[] {target, member, decoration}, literals));
    }

    // Types and constants

    private int global(Opcode opcode, Object... operands) {
        List<Object> key = new ArrayList<>(List.of(operands));
        key.add(opcode);
        Integer known = unique.get(key);
        if (known != null) return known;
        int id = id();
        int[] words = new int[operands.length + 1];
        words[0] = id;
        for (int i = 0; i < operands.length; i++) words[i + 1] = (Integer) operands[i];
        globals.instruction(opcode, words);
        unique.put(key, id);
        return id;
    }

    int typeVoid() {
        return global(Opcode.TYPE_VOID);
    }

    int typeBool() {
        return global(Opcode.TYPE_BOOL);
    }

    int typeInt(int bits) {
        if (bits == 8) need(Capability.INT8);
        if (bits == 16) need(Capability.INT16);
        return global(Opcode.TYPE_INT, bits, 0);
    }

    int typeFloat(int bits) {
        if (bits == 64) need(Capability.FLOAT64);
        if (bits == 16) need(Capability.FLOAT16);
        return global(Opcode.TYPE_FLOAT, bits);
    }

    int typeVector(int component, int count) {
        return global(Opcode.TYPE_VECTOR, component, count);
    }

    int typeArray(int element, int count) {
        return global(Opcode.TYPE_ARRAY, element, constantInt(32, count));
    }

    /** An image that is read and written without a sampler. */
    int typeImage(int sampled, int dimension, int format) {
        return global(Opcode.TYPE_IMAGE, sampled, dimension, 0, 0, 0, 2, format);
    }

    /** A matrix of a scope; all but the component are constants. */
    int typeMatrix(int component, int scope, int rows, int columns, int use) {
        return global(Opcode.TYPE_COOPERATIVE_MATRIX, component, scope, rows, columns, use);
    }

    /** A block of one array without a known end. */
    int typeBlockArray(int element, int bytes) {
        List<Object> key = List.of("array", element);
        Integer known = unique.get(key);
        if (known != null) return known;
        int array = id();
        decorate(array, DECORATION_ARRAY_STRIDE, bytes);
        globals.instruction(Opcode.TYPE_RUNTIME_ARRAY, array, element);
        int id = id();
        decorateMember(id, 0, DECORATION_OFFSET, 0);
        decorate(id, DECORATION_BLOCK);
        globals.instruction(Opcode.TYPE_STRUCT, id, array);
        unique.put(key, id);
        return id;
    }

    int constantNull(int type) {
        List<Object> key = List.of("null", type);
        Integer known = unique.get(key);
        if (known != null) return known;
        int id = id();
        globals.instruction(Opcode.CONSTANT_NULL, type, id);
        unique.put(key, id);
        return id;
    }

    int typePointer(int storage, int type) {
        return global(Opcode.TYPE_POINTER, storage, type);
    }

    int typeFunction(int result, int... parameters) {
        Object[] operands = new Object[parameters.length + 1];
        operands[0] = result;
        for (int i = 0; i < parameters.length; i++) operands[i + 1] = parameters[i];
        return global(Opcode.TYPE_FUNCTION, operands);
    }

    /** A block of numbers of 64 bits, one behind the other. */
    int typeBlock(int members) {
        Integer known = unique.get(List.<Object>of("block", members));
        if (known != null) return known;
        int number = typeInt(64);
        int id = id();
        int[] words = new int[members + 1];
        words[0] = id;
        for (int i = 0; i < members; i++) {
            words[i + 1] = number;
            decorateMember(id, i, DECORATION_OFFSET, 8 * i);
        }
        decorate(id, DECORATION_BLOCK);
        globals.instruction(Opcode.TYPE_STRUCT, words);
        unique.put(List.of("block", members), id);
        return id;
    }

    /** The type in which a register holds an element type that expressions have. */
    int type(DType element) {
        if (element == DType.BOOL) return typeBool();
        return element.isFloat() ? typeFloat(element.bits()) : typeInt(element.bits());
    }

    int constantInt(int bits, long value) {
        int type = typeInt(bits);
        if (bits == 64) return global2(type, (int) value, (int) (value >> 32));
        int word = bits == 32 ? (int) value : (int) value & ((1 << bits) - 1);
        return global2(type, word);
    }

    private int global2(int type, int... value) {
        List<Object> key = new ArrayList<>(List.of("constant", type));
        for (int w : value) key.add(w);
        Integer known = unique.get(key);
        if (known != null) return known;
        int id = id();
        globals.instruction(Opcode.CONSTANT, Words.concat(new int[] {type, id}, value));
        unique.put(key, id);
        return id;
    }

    int constant(DType element, long value) {
        if (element != DType.BOOL) return constantInt(element.bits(), value);
        Opcode opcode = value != 0 ? Opcode.CONSTANT_TRUE : Opcode.CONSTANT_FALSE;
        List<Object> key = List.of(opcode);
        Integer known = unique.get(key);
        if (known != null) return known;
        int id = id();
        globals.instruction(opcode, typeBool(), id);
        unique.put(key, id);
        return id;
    }

    int constant(DType element, double value) {
        if (element == DType.F32) return global2(typeFloat(32), Float.floatToRawIntBits((float) value));
        long bits = Double.doubleToRawLongBits(value);
        return global2(typeFloat(64), (int) bits, (int) (bits >> 32));
    }

    /** A variable of the module; part of the entry point's interface. */
    int globalVariable(int storage, int type) {
        int pointer = typePointer(storage, type);
        int id = id();
        globals.instruction(Opcode.VARIABLE, pointer, id, storage);
        interfaces.add(id);
        return id;
    }

    /** A variable that the device sets. */
    int builtIn(int type, int number) {
        Integer known = unique.get(List.<Object>of("built-in", number));
        if (known != null) return known;
        int variable = globalVariable(STORAGE_INPUT, type);
        decorate(variable, DECORATION_BUILT_IN, number);
        unique.put(List.of("built-in", number), variable);
        return variable;
    }

    // Functions

    /** Begins a function; its first block is open after this. Returns its parameters' ids. */
    int[] begin(int function, int result, int... parameters) {
        variables = new Words();
        code = new Words();
        functions.instruction(Opcode.FUNCTION, result, function, 0, typeFunction(result, parameters));
        int[] ids = new int[parameters.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = id();
            functions.instruction(Opcode.FUNCTION_PARAMETER, parameters[i], ids[i]);
        }
        block = id();
        functions.instruction(Opcode.LABEL, block);
        return ids;
    }

    /** Returns from the function and closes it. */
    void end() {
        code.instruction(Opcode.RETURN);
        functions.addAll(variables);
        functions.addAll(code);
        functions.instruction(Opcode.FUNCTION_END);
    }

    /** A variable of the function that is being written; its address. */
    int variable(int type) {
        int id = id();
        variables.instruction(Opcode.VARIABLE, typePointer(STORAGE_FUNCTION, type), id, STORAGE_FUNCTION);
        return id;
    }

    void run(Opcode opcode, int... operands) {
        code.instruction(opcode, operands);
    }

    int emit(Opcode opcode, int type, int... operands) {
        int id = id();
        code.add((operands.length + 3) << 16 | opcode.number());
        code.add(type);
        code.add(id);
        for (int o : operands) code.add(o);
        return id;
    }

    /** An instruction of the set GLSL.std.450. */
    int extended(int instruction, int type, int... operands) {
        return emit(Opcode.EXT_INST, type, Words.concat(new int[] {extended, instruction}, operands));
    }

    /** The block that is open. */
    int block() {
        return block;
    }

    void open(int label) {
        block = label;
        code.instruction(Opcode.LABEL, label);
    }

    void jump(int label) {
        code.instruction(Opcode.BRANCH, label);
    }

    // The whole

    SpirvModule module(int entry) {
        Words all = new Words();
        all.add(MAGIC);
        all.add(VERSION_1_5);
        all.add(0);
        all.add(next);
        all.add(0);
        for (Capability c : capabilities) all.instruction(Opcode.CAPABILITY, c.number());
        if (capabilities.contains(Capability.DOT_PRODUCT))
            all.instruction(Opcode.EXTENSION, Words.text("SPV_KHR_integer_dot_product"));
        if (capabilities.contains(Capability.COOPERATIVE_MATRIX))
            all.instruction(Opcode.EXTENSION, Words.text("SPV_KHR_cooperative_matrix"));
        all.instruction(Opcode.EXT_INST_IMPORT, Words.concat(new int[] {extended}, Words.text("GLSL.std.450")));
        all.instruction(Opcode.MEMORY_MODEL, ADDRESSING_PHYSICAL_STORAGE_BUFFER_64, MEMORY_MODEL_VULKAN);
        int[] head = Words.concat(new int[] {EXECUTION_MODEL_COMPUTE, entry}, Words.text(SpirvModule.ENTRY));
        all.instruction(
                Opcode.ENTRY_POINT,
                Words.concat(head, interfaces.stream().mapToInt(i -> i).toArray()));
        all.addAll(modes);
        all.addAll(decorations);
        all.addAll(globals);
        all.addAll(functions);
        return new SpirvModule(all.toArray(), capabilities, 0);
    }
}
