package dev.meseta.drivers.ethosu.commands;

/**
 * One command.
 *
 * @param word its place in the stream, in words of 32 bits
 * @param opcode what it is
 * @param parameter 16 bits
 * @param payload of a command that has one: 32 bits, or with those of the parameter 40; else 0
 */
public record Command(int word, Opcode opcode, int parameter, long payload) {
    /** Whether its opcode has a name. */
    public boolean is(String name) {
        return opcode.name().equals(name);
    }
}
