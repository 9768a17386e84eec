package dev.meseta.drivers.ethosu.commands;

import dev.meseta.graph.InvalidInputException;
import java.util.HashMap;
import java.util.Map;

/** The registers that commands set, and what they mean for the next operation. For one thread. */
public final class Registers {
    private final Map<String, Command> set = new HashMap<>();

    /** As they are now. */
    Registers copy() {
        Registers now = new Registers();
        now.set.putAll(set);
        return now;
    }

    /** Sets a register. */
    public void set(Command command) {
        set.put(command.opcode().name(), command);
    }

    /** The command that set a register. */
    public Command get(String register) {
        Command c = set.get(register);
        if (c == null) throw new InvalidInputException(register + " is not set");
        return c;
    }

    /** Of 16 bits without a sign. */
    public int unsigned(String register) {
        return get(register).parameter();
    }

    /** Of 16 bits with a sign. */
    public int signed(String register) {
        return (short) get(register).parameter();
    }

    /** A register's value or 0 if it was never set. */
    public int unsignedOrZero(String register) {
        Command c = set.get(register);
        return c == null ? 0 : c.parameter();
    }

    /** An address or a length: 40 bits. */
    public long address(String register) {
        Command c = get(register);
        return c.payload() | (long) (c.parameter() & 0xff) << 32;
    }

    /** As {@link #address}, 0 if it was never set. */
    public long addressOrZero(String register) {
        return set.containsKey(register) ? address(register) : 0;
    }

    /** A stride: 40 bits with a sign. */
    public long stride(String register) {
        return address(register) << 24 >> 24;
    }
}
