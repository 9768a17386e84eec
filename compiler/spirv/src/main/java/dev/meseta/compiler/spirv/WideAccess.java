package dev.meseta.compiler.spirv;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.graph.DType;

/**
 * Loads and stores of elements that lie behind each other as words of eight bytes, two at a time where they are aligned so: one access
 * costs about the same whatever its width.
 */
final class WideAccess {
    private static final int WORD = 8;

    private final LaneBuilder b;
    private final ModuleBuilder m;
    private final Kernel kernel;
    private final Bounds bounds;
    private final Memory memory;
    private final boolean checking;

    WideAccess(LaneBuilder b, Kernel kernel, Bounds bounds, Memory memory, boolean checking) {
        this.b = b;
        this.m = b.m;
        this.kernel = kernel;
        this.bounds = bounds;
        this.memory = memory;
        this.checking = checking;
    }

    private int bytes(int buffer) {
        return kernel.buffers().get(buffer).dtype().bytes();
    }

    /** Whether elements from an index on are whole words. */
    boolean fit(int buffer, Value index, int lanes) {
        int bytes = bytes(buffer);
        return !checking && bytes < WORD && lanes * bytes % WORD == 0 && alignment(buffer, index) >= WORD;
    }

    private long alignment(int buffer, Value index) {
        return Math.min(bounds.alignments().get(buffer), (long) bytes(buffer) << index.zeros());
    }

    Value load(int buffer, Value index, int lanes) {
        int words = lanes * bytes(buffer) / WORD;
        boolean pairs = alignment(buffer, index) >= 2 * WORD;
        int u64 = m.typeInt(64);
        int[] loaded = new int[words];
        for (int i = 0; i < words; i++) {
            if (!pairs || i + 1 == words) {
                int at = memory.pointer(buffer, index, u64, WORD * i);
                loaded[i] = m.emit(Opcode.LOAD, u64, at, Memory.ALIGNED, WORD);
                continue;
            }
            int pair = m.typeVector(u64, 2);
            int at = memory.pointer(buffer, index, pair, WORD * i);
            int both = m.emit(Opcode.LOAD, pair, at, Memory.ALIGNED, 2 * WORD);
            loaded[i] = m.emit(Opcode.COMPOSITE_EXTRACT, u64, both, 0);
            loaded[i + 1] = m.emit(Opcode.COMPOSITE_EXTRACT, u64, both, 1);
            i++;
        }
        return unpack(loaded, Conversions.storage(kernel.buffers().get(buffer).dtype()), lanes);
    }

    /** Words as elements, the lowest first. */
    private Value unpack(int[] words, DType storage, int lanes) {
        int perWord = lanes / words.length;
        int type = m.type(storage);
        int half = storage.bits() == 32 ? type : m.typeInt(32);
        int halves = m.typeVector(half, 2);
        int[] parts = new int[2 * words.length];
        for (int i = 0; i < parts.length; i += 2) {
            int both = m.emit(Opcode.BITCAST, halves, words[i / 2]);
            parts[i] = m.emit(Opcode.COMPOSITE_EXTRACT, half, both, 0);
            parts[i + 1] = m.emit(Opcode.COMPOSITE_EXTRACT, half, both, 1);
        }
        int perHalf = perWord / 2;
        return b.value(storage, lanes, i -> {
            int part = parts[i / perHalf];
            if (perHalf == 1) return part;
            int shift = i % perHalf * storage.bits();
            int moved = shift == 0 ? part : m.emit(Opcode.SHIFT_RIGHT_LOGICAL, half, part, m.constantInt(32, shift));
            return m.emit(Opcode.U_CONVERT, type, moved);
        });
    }

    /** @param v of the storage type */
    void store(int buffer, Value index, Value v) {
        int[] words = pack(v, bytes(buffer));
        int u64 = m.typeInt(64);
        boolean pairs = alignment(buffer, index) >= 2 * WORD;
        for (int i = 0; i < words.length; i++) {
            if (!pairs || i + 1 == words.length) {
                m.run(Opcode.STORE, memory.pointer(buffer, index, u64, WORD * i), words[i], Memory.ALIGNED, WORD);
                continue;
            }
            int pair = m.typeVector(u64, 2);
            int both = m.emit(Opcode.COMPOSITE_CONSTRUCT, pair, words[i], words[i + 1]);
            m.run(Opcode.STORE, memory.pointer(buffer, index, pair, WORD * i), both, Memory.ALIGNED, 2 * WORD);
            i++;
        }
    }

    private int[] pack(Value v, int bytes) {
        int u32 = m.typeInt(32);
        int perHalf = 4 / bytes;
        int half = perHalf == 1 ? m.type(v.element()) : u32;
        int halves = m.typeVector(half, 2);
        int[] words = new int[v.lanes() / perHalf / 2];
        for (int w = 0; w < words.length; w++) {
            int[] parts = new int[2];
            for (int h = 0; h < 2; h++) {
                int first = (2 * w + h) * perHalf;
                parts[h] = perHalf == 1 ? v.ids()[first] : join(v, first, perHalf, u32);
            }
            int both = m.emit(Opcode.COMPOSITE_CONSTRUCT, halves, parts[0], parts[1]);
            words[w] = m.emit(Opcode.BITCAST, m.typeInt(64), both);
        }
        return words;
    }

    private int join(Value v, int first, int count, int u32) {
        int all = m.emit(Opcode.U_CONVERT, u32, v.ids()[first]);
        for (int i = 1; i < count; i++) {
            int next = m.emit(Opcode.U_CONVERT, u32, v.ids()[first + i]);
            int shift = m.constantInt(32, i * v.element().bits());
            all = m.emit(Opcode.BITWISE_OR, u32, all, m.emit(Opcode.SHIFT_LEFT_LOGICAL, u32, next, shift));
        }
        return all;
    }
}
