package dev.meseta.compiler.spirv;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.graph.DType;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Loads of buffers that are images of texels of 16 bytes: what a processor that plays a GPU reads without a branch for each invocation, and
 * four words at once. The argument of such a buffer is where it begins in its image, in bytes, and not an address. What lies outside the
 * image is 0.
 */
final class Texels {
    private static final int WORDS = 4;
    private static final int FORMAT_RGBA32UI = 30;
    private static final int DIMENSION_BUFFER = 5;

    private final LaneBuilder b;
    private final ModuleBuilder m;
    private final Kernel kernel;
    private final Bounds bounds;
    private final Memory memory;
    private final ShaderArguments arguments;
    private final int[] images = new int[Bounds.MOST_TEXELS];
    private final @Nullable Integer[] loaded = new Integer[Bounds.MOST_TEXELS];

    Texels(LaneBuilder b, Kernel kernel, Bounds bounds, Memory memory, ShaderArguments arguments) {
        this.b = b;
        this.m = b.m;
        this.kernel = kernel;
        this.bounds = bounds;
        this.memory = memory;
        this.arguments = arguments;
    }

    boolean has(int buffer) {
        return bounds.isTexels(buffer);
    }

    /** In the first block of the entry point, behind the arguments. */
    void begin() {
        int type = 0;
        for (int i = 0; i < Math.min(Bounds.MOST_TEXELS, kernel.buffers().size()); i++) {
            if (!has(i)) continue;
            m.need(Capability.IMAGE_BUFFER);
            type = m.typeImage(m.typeInt(32), DIMENSION_BUFFER, FORMAT_RGBA32UI);
            images[i] = m.globalVariable(ModuleBuilder.STORAGE_UNIFORM_CONSTANT, type);
            m.decorate(images[i], ModuleBuilder.DECORATION_DESCRIPTOR_SET, 1);
            m.decorate(images[i], ModuleBuilder.DECORATION_BINDING, i);
            m.decorate(images[i], ModuleBuilder.DECORATION_NON_WRITABLE);
        }
        for (int i = 0; i < images.length; i++) if (images[i] != 0) loaded[i] = m.emit(Opcode.LOAD, type, images[i]);
    }

    /** Elements of the storage type, from a scalar index on. */
    Value load(int buffer, Value index, int lanes) {
        DType storage = Conversions.storage(kernel.buffers().get(buffer).dtype());
        int bytes = storage.bytes();
        int u32 = m.typeInt(32);
        int shift = Integer.numberOfTrailingZeros(bytes);
        int offset = shift == 0
                ? b.low(index).id()
                : m.emit(Opcode.SHIFT_LEFT_LOGICAL, u32, b.low(index).id(), m.constantInt(32, shift));
        int begin = b.low(memory.argument(arguments.buffer(buffer), Integer.MAX_VALUE))
                .id();
        int at = m.emit(Opcode.I_ADD, u32, begin, offset);
        int aligned = (int) Math.min(bounds.alignments().get(buffer), (long) bytes << index.zeros());
        if (aligned >= 4 || lanes == 1 && bytes >= 4)
            return elements(window(buffer, at, lanes * bytes, aligned), storage, lanes);
        int type = m.type(storage);
        return b.value(storage, lanes, i -> {
            int place = i == 0 ? at : m.emit(Opcode.I_ADD, u32, at, m.constantInt(32, i * bytes));
            int word = window(buffer, place, 4, 4)[0];
            int bits = m.emit(
                    Opcode.SHIFT_LEFT_LOGICAL,
                    u32,
                    m.emit(Opcode.BITWISE_AND, u32, place, m.constantInt(32, 3)),
                    m.constantInt(32, 3));
            return m.emit(Opcode.U_CONVERT, type, m.emit(Opcode.SHIFT_RIGHT_LOGICAL, u32, word, bits));
        });
    }

    /** The words that hold so many bytes from a place on. @param aligned a power of two, at least 4, that the place is a multiple of */
    private int[] window(int buffer, int at, int bytes, int aligned) {
        int u32 = m.typeInt(32);
        int words = Math.max(1, bytes / 4);
        int beyond = WORDS - Math.min(WORDS, aligned / 4);
        // A place before the image is a negative number: the texels behind it may lie within.
        int texel = m.emit(Opcode.SHIFT_RIGHT_ARITHMETIC, u32, at, m.constantInt(32, 4));
        int[] all = new int[(words + beyond + WORDS - 1) / WORDS * WORDS];
        int four = m.typeVector(u32, WORDS);
        for (int i = 0; i < all.length; i += WORDS) {
            int coordinate = i == 0 ? texel : m.emit(Opcode.I_ADD, u32, texel, m.constantInt(32, i / WORDS));
            int v = m.emit(Opcode.IMAGE_READ, four, image(buffer), coordinate);
            for (int k = 0; k < WORDS; k++) all[i + k] = m.emit(Opcode.COMPOSITE_EXTRACT, u32, v, k);
        }
        if (aligned < 8) all = moved(all, words + 2, 1, at, 4);
        if (aligned < 16) all = moved(all, words, 2, at, 8);
        return Arrays.copyOf(all, words);
    }

    private int image(int buffer) {
        Integer id = loaded[buffer];
        if (id == null) throw new IllegalStateException("buffer " + buffer + " is no image");
        return id;
    }

    /** Words from number {@code by} on where a bit of the place is set, else from the first on. */
    private int[] moved(int[] all, int count, int by, int at, int bit) {
        int u32 = m.typeInt(32);
        int one = m.emit(Opcode.BITWISE_AND, u32, at, m.constantInt(32, bit));
        int set = m.emit(Opcode.I_NOT_EQUAL, m.typeBool(), one, m.constantInt(32, 0));
        int[] r = new int[Math.min(count, all.length - by)];
        for (int i = 0; i < r.length; i++) r[i] = m.emit(Opcode.SELECT, u32, set, all[i + by], all[i]);
        return r;
    }

    private Value elements(int[] words, DType storage, int lanes) {
        int type = m.type(storage);
        int bytes = storage.bytes();
        return b.value(storage, lanes, i -> {
            if (bytes == 4) return storage.isFloat() ? m.emit(Opcode.BITCAST, type, words[i]) : words[i];
            if (bytes == 8) {
                int pair = m.emit(
                        Opcode.COMPOSITE_CONSTRUCT, m.typeVector(m.typeInt(32), 2), words[2 * i], words[2 * i + 1]);
                return m.emit(Opcode.BITCAST, type, pair);
            }
            int word = words[i * bytes / 4];
            int shift = i * bytes % 4 * 8;
            int moved = shift == 0
                    ? word
                    : m.emit(Opcode.SHIFT_RIGHT_LOGICAL, m.typeInt(32), word, m.constantInt(32, shift));
            return m.emit(Opcode.U_CONVERT, type, moved);
        });
    }
}
