package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.commands.Opcode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;

/** Words of a command stream; registers are written where they change. */
final class Stream {
    private static final int WITH_PAYLOAD = 0x4000;

    private final Map<Opcode, Long> registers = new EnumMap<>(Opcode.class);
    private int[] words = new int[256];
    private int size;

    private void word(int w) {
        if (size == words.length) words = Arrays.copyOf(words, 2 * size);
        words[size++] = w;
    }

    /** Sets a register of 16 bits. */
    void set(Opcode register, int value) {
        Long before = registers.put(register, (long) value & 0xffff);
        if (before == null || before != (value & 0xffff)) word(register.number() | value << 16);
    }

    /** Sets a register of 32 bits and 16 more. */
    void set(Opcode register, long low, int high) {
        long value = low & 0xffff_ffffL | (long) high << 32;
        Long before = registers.put(register, value);
        if (before != null && before == value) return;
        word(register.number() | WITH_PAYLOAD | high << 16);
        word((int) low);
    }

    /** Sets an address, a length or a stride: 40 bits. */
    void address(Opcode register, long value) {
        set(register, value, (int) (value >> 32) & 0xff);
    }

    void operation(Opcode opcode, int parameter) {
        word(opcode.number() | parameter << 16);
    }

    byte[] bytes() {
        ByteBuffer b = ByteBuffer.allocate(4 * size).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < size; i++) b.putInt(words[i]);
        return b.array();
    }
}
