package dev.meseta.drivers.ethosu.commands;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;

/** Writes the words of a command stream; registers are written where they change. For one thread. */
public final class CommandWriter {
    private static final int INSIDE_BIT = 0x103;

    private final Map<Opcode, Long> registers = new HashMap<>();
    private final IntStream.Builder words = IntStream.builder();

    /** Sets a register: to the low 16 bits of a value, or if it has a payload, as for addresses, lengths and strides, to 40. */
    public void set(String register, long value) {
        set(register, value, Opcode.of(register).hasPayload() ? (int) (value >> 32) & 0xff : 0);
    }

    /** Sets registers, whose names are separated by spaces and begin alike. */
    public void set(String prefix, String registers, long... values) {
        String[] names = registers.split(" ");
        for (int i = 0; i < values.length; i++) set(prefix + names[i], values[i]);
    }

    /** Sets a register with a payload, and the 16 bits beside it. */
    public void set(String name, long low, int high) {
        Opcode register = Opcode.of(name);
        long value = register.hasPayload() ? low & 0xffff_ffffL | (long) high << 32 : low & 0xffff;
        Long before = registers.put(register, value);
        if (before != null && before == value) return;
        words.add(register.number() | (register.hasPayload() ? high : (int) low) << 16);
        if (register.hasPayload()) words.add((int) low);
    }

    /** A command without a payload. */
    public void operation(String opcode, int parameter) {
        words.add(Opcode.of(opcode).number() | parameter << 16);
    }

    /** Copies bytes between regions, of which {@link Operation#INSIDE} may be one. */
    public void copy(int fromRegion, long from, int toRegion, long to, long bytes) {
        int target = toRegion == Operation.INSIDE ? INSIDE_BIT : toRegion;
        set("DMA0_", "SRC_REGION SRC DST_REGION DST LEN", fromRegion, from, target, to, bytes);
        operation("OP_DMA_START", 0);
    }

    /** Words that were written elsewhere. */
    public void append(MemorySegment other) {
        for (long i = 0; i < other.byteSize(); i += 4) words.add(other.get(JAVA_INT_UNALIGNED, i));
    }

    /** The stream; nothing can be written any more. */
    public MemorySegment finish() {
        return MemorySegment.ofArray(words.build().toArray()).asReadOnly();
    }
}
