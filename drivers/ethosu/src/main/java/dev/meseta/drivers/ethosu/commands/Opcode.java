package dev.meseta.drivers.ethosu.commands;

import dev.meseta.driver.TextTable;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A command of Ethos-U65, as {@code opcodes.txt} lists them. Those whose names begin with {@code OP_} do something with the registers that the others set. A register keeps its
 * value until it is set again.
 *
 * @param number the 16 bits that name it
 */
public record Opcode(String name, int number) {
    private static final int WITH_PAYLOAD = 0x4000;
    private static final Map<String, Opcode> BY_NAME = new LinkedHashMap<>();
    private static final Map<Integer, Opcode> BY_NUMBER = new HashMap<>();

    static {
        for (List<String> row : TextTable.rows(Opcode.class.getResourceAsStream("opcodes.txt"))) {
            for (int i = 1; i < row.size(); i++) {
                if (row.get(i).equals("-")) continue;
                Opcode o = new Opcode(row.get(i), Integer.parseInt(row.getFirst(), 16) + i - 1);
                BY_NAME.put(o.name, o);
                BY_NUMBER.put(o.number, o);
            }
        }
    }

    /** The command of a name. Throws {@link IllegalArgumentException} for a name that the table does not have. */
    public static Opcode of(String name) {
        Opcode o = BY_NAME.get(name);
        if (o == null) throw new IllegalArgumentException("there is no command " + name);
        return o;
    }

    /** All commands, by number. */
    public static Collection<Opcode> all() {
        return BY_NAME.values();
    }

    static @Nullable Opcode find(int number) {
        return BY_NUMBER.get(number);
    }

    /** Whether a word of 32 bits follows, whose upper eight bits are in the command's parameter. */
    public boolean hasPayload() {
        return (number & WITH_PAYLOAD) != 0;
    }

    /** Whether it does something; otherwise it sets a register. */
    public boolean isOperation() {
        return name.startsWith("OP_");
    }
}
