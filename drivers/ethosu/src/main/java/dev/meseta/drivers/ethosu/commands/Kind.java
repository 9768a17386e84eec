package dev.meseta.drivers.ethosu.commands;

import dev.meseta.graph.InvalidInputException;

/** What an operation on feature maps computes, and the command for it with its parameter. */
public enum Kind {
    CONVOLUTION("OP_CONV", 0),
    DEPTHWISE("OP_DEPTHWISE", 0),
    MAX_POOL("OP_POOL", 0),
    AVERAGE_POOL("OP_POOL", 1),
    SUM_CHANNELS("OP_POOL", 2),
    MUL("OP_ELEMENTWISE", 0),
    ADD("OP_ELEMENTWISE", 1),
    SUB("OP_ELEMENTWISE", 2),
    MIN("OP_ELEMENTWISE", 3),
    MAX("OP_ELEMENTWISE", 4),
    LEAKY("OP_ELEMENTWISE", 5),
    ABS("OP_ELEMENTWISE", 6),
    LEADING_ZEROS("OP_ELEMENTWISE", 7),
    SHIFT_RIGHT("OP_ELEMENTWISE", 8),
    SHIFT_LEFT("OP_ELEMENTWISE", 9);

    /** The command for it. */
    public final String opcode;

    /** The command's parameter. */
    public final int mode;

    Kind(String opcode, int mode) {
        this.opcode = opcode;
        this.mode = mode;
    }

    /** Of a command that computes. Throws {@link InvalidInputException} for a parameter that is not known. */
    static Kind of(Command c) {
        for (Kind k : values()) if (c.is(k.opcode) && k.mode == c.parameter()) return k;
        throw new InvalidInputException(c.opcode().name() + " has no mode " + c.parameter());
    }

    /** Whether it is element by element. */
    public boolean isElementwise() {
        return opcode.equals("OP_ELEMENTWISE");
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
