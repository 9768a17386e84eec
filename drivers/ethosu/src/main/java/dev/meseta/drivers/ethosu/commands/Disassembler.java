package dev.meseta.drivers.ethosu.commands;

import dev.meseta.drivers.ethosu.commands.Operation.Block;
import dev.meseta.drivers.ethosu.commands.Operation.Dma;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Prints command streams: a line a command, and below an operation a line of what it does and what it touches. */
public final class Disassembler {
    private Disassembler() {}

    /** The lines of a stream. Throws as {@link Checker#walk} does. */
    public static List<String> lines(CommandStream stream) {
        return lines(stream, Map.of());
    }

    /** As {@link #lines(CommandStream)}, with a line more below operations of which there is something to say, by the word of the command. */
    public static List<String> lines(CommandStream stream, Map<Integer, String> notes) {
        Map<Integer, String> operations = new HashMap<>();
        Checker.walk(stream, (c, o, accesses) -> operations.put(c.word(), describe(o, accesses)));
        List<String> lines = new ArrayList<>();
        for (Command c : stream.commands()) {
            String value = c.opcode().hasPayload()
                    ? String.format(Locale.ROOT, "%d, 0x%x", c.parameter(), c.payload())
                    : String.valueOf(c.parameter());
            lines.add(String.format(Locale.ROOT, "%6x  %-20s %s", 4 * c.word(), c.opcode(), value));
            String operation = operations.get(c.word());
            if (operation != null) lines.add("        " + operation);
            String note = notes.get(c.word());
            if (note != null) lines.add("        " + note);
        }
        return lines;
    }

    private static String describe(Operation operation, List<Access> accesses) {
        StringBuilder text = new StringBuilder();
        switch (operation) {
            case Dma d -> text.append("copy ").append(d.length()).append(" bytes");
            case Block b -> {
                text.append(b.kind().name().toLowerCase(Locale.ROOT))
                        .append(' ')
                        .append(shape(b.first()));
                FeatureMap second = b.second();
                if (second != null) text.append(", ").append(shape(second));
                if (b.isScalar()) text.append(", ").append(b.scalar());
                text.append(" -> ").append(shape(b.result()));
                if (!b.kind().isElementwise()) {
                    text.append(", window ")
                            .append(b.kernel().height())
                            .append('x')
                            .append(b.kernel().width());
                }
            }
        }
        for (Access a : accesses) {
            text.append(String.format(
                    Locale.ROOT,
                    "; %s %s %s[0x%x..0x%x]",
                    a.written() ? "writes" : "reads",
                    a.what(),
                    a.region() == Operation.INSIDE ? "inside" : "region " + a.region(),
                    a.begin(),
                    a.end()));
        }
        return text.toString();
    }

    private static String shape(FeatureMap f) {
        String type = (f.signed() ? "i" : "u") + 8 * f.bytes();
        return type + "[" + f.height() + "," + f.width() + "," + f.depth() + "]" + (f.bricks() ? " bricks" : "");
    }
}
