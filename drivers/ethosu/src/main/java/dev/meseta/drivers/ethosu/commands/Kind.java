package dev.meseta.drivers.ethosu.commands;

import dev.meseta.graph.InvalidInputException;

/** What an operation on feature maps computes, and the command for it with its parameter. */
public enum Kind {
    CONVOLUTION(Opcode.OP_CONV, 0),
    DEPTHWISE(Opcode.OP_DEPTHWISE, 0),
    MAX_POOL(Opcode.OP_POOL, 0),
    AVERAGE_POOL(Opcode.OP_POOL, 1),
    SUM_CHANNELS(Opcode.OP_POOL, 2),
    MUL(Opcode.OP_ELEMENTWISE, 0),
    ADD(Opcode.OP_ELEMENTWISE, 1),
    SUB(Opcode.OP_ELEMENTWISE, 2),
    MIN(Opcode.OP_ELEMENTWISE, 3),
    MAX(Opcode.OP_ELEMENTWISE, 4),
    LEAKY(Opcode.OP_ELEMENTWISE, 5),
    ABS(Opcode.OP_ELEMENTWISE, 6),
    LEADING_ZEROS(Opcode.OP_ELEMENTWISE, 7),
    SHIFT_RIGHT(Opcode.OP_ELEMENTWISE, 8),
    SHIFT_LEFT(Opcode.OP_ELEMENTWISE, 9);

    private final Opcode opcode;
    private final int mode;

    Kind(Opcode opcode, int mode) {
        this.opcode = opcode;
        this.mode = mode;
    }

    /** Of a command that computes. Throws {@link InvalidInputException} for a parameter that is not known. */
    static Kind of(Command c) {
        for (Kind k : values()) if (k.opcode == c.opcode() && k.mode == c.parameter()) return k;
        throw new InvalidInputException(c.opcode() + " has no mode " + c.parameter());
    }

    /** The command for it. */
    public Opcode opcode() {
        return opcode;
    }

    /** The command's parameter. */
    public int mode() {
        return mode;
    }

    /** Whether it is element by element. */
    public boolean isElementwise() {
        return opcode == Opcode.OP_ELEMENTWISE;
    }

    /** Whether it has one operand. */
    public boolean isUnary() {
        return this == LEAKY || this == ABS || this == LEADING_ZEROS || !isElementwise();
    }

    /** Whether it has weights. */
    public boolean hasWeights() {
        return this == CONVOLUTION || this == DEPTHWISE;
    }

    /** Whether each channel of a result is made of all of the operand's. */
    public boolean isOverChannels() {
        return this == CONVOLUTION || this == SUM_CHANNELS;
    }
}
