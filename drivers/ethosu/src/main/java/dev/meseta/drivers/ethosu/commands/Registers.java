package dev.meseta.drivers.ethosu.commands;

import dev.meseta.graph.InvalidInputException;
import java.util.EnumMap;
import java.util.Map;

/** The registers that commands set, and what they mean for the next operation. For one thread. */
public final class Registers {
    private final Map<Opcode, Command> set = new EnumMap<>(Opcode.class);

    /** Sets a register. */
    public void set(Command command) {
        set.put(command.opcode(), command);
    }

    private Command get(Opcode register) {
        Command c = set.get(register);
        if (c == null) throw new InvalidInputException(register + " is not set");
        return c;
    }

    /** Of 16 bits without a sign. */
    public int unsigned(Opcode register) {
        return get(register).parameter();
    }

    /** Of 16 bits with a sign. */
    public int signed(Opcode register) {
        return (short) get(register).parameter();
    }

    /** A register's value or 0 if it was never set. */
    public int unsignedOrZero(Opcode register) {
        Command c = set.get(register);
        return c == null ? 0 : c.parameter();
    }

    /** An address or a length: 40 bits. */
    public long address(Opcode register) {
        Command c = get(register);
        return c.payload() | (long) (c.parameter() & 0xff) << 32;
    }

    /** As {@link #address}, 0 if it was never set. */
    public long addressOrZero(Opcode register) {
        return set.containsKey(register) ? address(register) : 0;
    }

    /** A stride: 40 bits with a sign. */
    public long stride(Opcode register) {
        return address(register) << 24 >> 24;
    }

    /** The factor of a scale: 32 bits. */
    public long factor(Opcode register) {
        return get(register).payload();
    }

    /** The shift of a scale. */
    public int shift(Opcode register) {
        return get(register).parameter() & 0x3f;
    }
}
