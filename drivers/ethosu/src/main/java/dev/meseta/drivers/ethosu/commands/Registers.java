package dev.meseta.drivers.ethosu.commands;

import dev.meseta.graph.InvalidInputException;
import java.util.HashMap;
import java.util.Map;

/** The registers that commands set, and what they mean for the next operation. For one thread. */
public final class Registers {
    /** Those that a stream need not set: they are 0. */
    private static final String ZERO = "IFM_UPSCALE PARALLEL_MODE ACC_FORMAT SCALE_LENGTH"
            + " WEIGHT1_BASE WEIGHT1_LENGTH SCALE1_BASE SCALE1_LENGTH";

    private final Map<String, Command> set = new HashMap<>();

    /** As they are before the first command. */
    public Registers() {
        for (String name : ZERO.split(" ")) set(new Command(0, Opcode.of(name), 0, 0));
    }

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

    /** An address or a length: 40 bits. */
    public long address(String register) {
        Command c = get(register);
        return c.payload() | (long) (c.parameter() & 0xff) << 32;
    }

    /** A stride: 40 bits with a sign. */
    public long stride(String register) {
        return address(register) << 24 >> 24;
    }
}
