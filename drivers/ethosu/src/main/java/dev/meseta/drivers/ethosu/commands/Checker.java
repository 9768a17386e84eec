package dev.meseta.drivers.ethosu.commands;

import dev.meseta.graph.InvalidInputException;
import java.util.List;

/**
 * Says whether a stream stays inside its memory: every range of bytes of every operation must lie in its region. What passes here runs in
 * the {@code model} without touching anything else, and is what the kernel accepts.
 */
public final class Checker {
    /** Sees each operation of a stream with what it touches. */
    public interface Visitor {
        void visit(Command command, Operation operation, List<Access> accesses);
    }

    private Checker() {}

    /**
     * Walks over a stream.
     *
     * @param regions bytes of each region; of those behind the last one there are none
     * @throws InvalidInputException that names the command, the range and the region
     */
    public static void check(CommandStream stream, long[] regions) {
        walk(stream, (_, _, accesses) -> {
            for (Access a : accesses) {
                long size = a.region() == Operation.INSIDE
                        ? Operation.INSIDE_BYTES
                        : a.region() < regions.length ? regions[a.region()] : 0;
                if (a.begin() < 0 || a.end() < a.begin() || a.end() > size) {
                    throw new InvalidInputException("its " + a.what() + " are bytes " + a.begin() + " to " + a.end()
                            + " of region " + a.region() + ", which has " + size);
                }
            }
        });
    }

    /** Gives each operation to a visitor, without a check; what the visitor refuses, is refused with the command's name and place. */
    public static void walk(CommandStream stream, Visitor visitor) {
        Registers registers = new Registers();
        for (Command c : stream.commands()) {
            if (!c.opcode().isOperation()) {
                registers.set(c);
                continue;
            }
            try {
                Operation o = Operation.of(c, registers);
                if (o != null) visitor.visit(c, o, Access.of(o));
            } catch (InvalidInputException e) {
                String where =
                        "command stream, word " + c.word() + ", " + c.opcode().name() + ": ";
                throw new InvalidInputException(where + e.getMessage(), e);
            }
        }
    }
}
