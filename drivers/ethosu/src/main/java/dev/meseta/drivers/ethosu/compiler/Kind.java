package dev.meseta.drivers.ethosu.compiler;

import dev.meseta.drivers.ethosu.commands.Opcode;

/** What an operation computes. */
enum Kind {
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
    LEADING_ZEROS(Opcode.OP_ELEMENTWISE, 7),
    SHIFT_RIGHT(Opcode.OP_ELEMENTWISE, 8),
    SHIFT_LEFT(Opcode.OP_ELEMENTWISE, 9);

    final Opcode opcode;
    final int mode;

    Kind(Opcode opcode, int mode) {
        this.opcode = opcode;
        this.mode = mode;
    }

    boolean isElementwise() {
        return opcode == Opcode.OP_ELEMENTWISE;
    }

    /** Whether each channel of a result is made of all of the operand's. */
    boolean isOverChannels() {
        return this == CONVOLUTION || this == SUM_CHANNELS;
    }
}
