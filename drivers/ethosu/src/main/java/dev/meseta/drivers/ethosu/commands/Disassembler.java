package dev.meseta.drivers.ethosu.commands;

import dev.meseta.drivers.ethosu.commands.Operation.Block;
import dev.meseta.drivers.ethosu.commands.Operation.Dma;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Prints command streams: a line a command, and below an operation a line of what it does and what it touches. */
public final class Disassembler {
    private Disassembler() {}

    /**
     * The lines of a stream. Throws as {@link Checker#walk} does.
     *
     * @param notes what there is to say of operations, by the word of the command: a line more below each
     */
    public static List<String> lines(CommandStream stream, Map<Integer, String> notes) {
        Map<Integer, String> operations = new HashMap<>();
        Checker.walk(stream, (c, o, accesses) -> operations.put(c.word(), describe(o, accesses)));
        List<String> lines = new ArrayList<>();
        for (Command c : stream.commands()) {
            String value = c.opcode().hasPayload()
                    ? String.format(Locale.ROOT, "%d, 0x%x", c.parameter(), c.payload())
                    : String.valueOf(c.parameter());
            lines.add(String.format(
                    Locale.ROOT, "%6x  %-20s %s", 4 * c.word(), c.opcode().name(), value));
            String operation = operations.get(c.word());
            if (operation != null) lines.add("        " + operation);
            String note = notes.get(c.word());
            if (note != null) lines.add("        " + note);
        }
        return lines;
    }

    private static String describe(Operation operation, List<Access> accesses) {
        String what = switch (operation) {
            case Dma d -> "copy " + d.length() + " bytes";
            case Block b -> describe(b);
        };
        return what + accesses.stream().map(Disassembler::describe).collect(Collectors.joining());
    }

    private static String describe(Block b) {
        FeatureMap second = b.second();
        String other = second != null ? ", " + shape(second) : "";
        if (second == null && !b.kind().isUnary()) other = ", " + b.registers().signed("IFM2_SCALAR");
        String window =
                ", window " + b.kernel().y().size() + "x" + b.kernel().x().size();
        String operands = b.kind().name().toLowerCase(Locale.ROOT) + " " + shape(b.first()) + other;
        return operands + " -> " + shape(b.result()) + (b.kind().isElementwise() ? "" : window);
    }

    private static String describe(Access a) {
        String memory = a.region() == Operation.INSIDE ? "inside" : "region " + a.region();
        String does = a.written() ? "writes" : "reads";
        return String.format(Locale.ROOT, "; %s %s %s[0x%x..0x%x]", does, a.what(), memory, a.begin(), a.end());
    }

    private static String shape(FeatureMap f) {
        String type = (f.signed() ? "i" : "u") + 8 * f.bytes();
        return type + "[" + f.height() + "," + f.width() + "," + f.depth() + "]" + (f.bricks() ? " bricks" : "");
    }
}
