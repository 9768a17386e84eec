package dev.meseta.drivers.ethosu.commands;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Writes the words of a command stream; registers are written where they change. For one thread. */
public final class CommandWriter {
    private static final int INSIDE_BIT = 0x103;

    private final Map<Opcode, Command> written = new HashMap<>();
    private final Registers registers = new Registers();
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
        boolean payload = register.hasPayload();
        Command c = new Command(0, register, payload ? high : (int) low & 0xffff, payload ? low & 0xffff_ffffL : 0);
        if (c.equals(written.put(register, c))) return;
        registers.set(c);
        words.add(register.number() | c.parameter() << 16);
        if (payload) words.add((int) low);
    }

    /** What an operation touches with the registers as they are. */
    public List<Access> touched(String opcode, int parameter) {
        Operation o = Operation.of(new Command(0, Opcode.of(opcode), parameter, 0), registers);
        return o == null ? List.of() : Access.of(o);
    }

    /** A command without a payload. */
    public void operation(String opcode, int parameter) {
        words.add(Opcode.of(opcode).number() | parameter << 16);
    }

    /** Sets what a copy between regions is, of which {@link Operation#INSIDE} may be one. */
    public void copy(int fromRegion, long from, int toRegion, long to, long bytes) {
        int target = toRegion == Operation.INSIDE ? INSIDE_BIT : toRegion;
        set("DMA0_", "SRC_REGION SRC DST_REGION DST LEN", fromRegion, from, target, to, bytes);
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
