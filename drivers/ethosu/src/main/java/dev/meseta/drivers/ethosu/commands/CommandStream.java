package dev.meseta.drivers.ethosu.commands;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import dev.meseta.graph.InvalidInputException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A command stream.
 *
 * @param commands in order; the last one is {@link Opcode#OP_STOP}
 */
public record CommandStream(List<Command> commands) {
    /** What the bytes begin with that Arm's driver takes: actions, one of which is the stream. */
    private static final int ACTIONS = 'C' | 'O' << 8 | 'P' << 16 | '1' << 24;

    private static final int CONFIG = 1;
    private static final int STREAM = 2;
    private static final int READ = 3;
    private static final int DUMP = 4;
    private static final int NOTHING = 5;

    public CommandStream {
        commands = List.copyOf(commands);
    }

    /** A stream as the kernel takes it, and the device that it is for, as its register {@code CONFIG} says; 0 if the stream does not. */
    public record Bare(MemorySegment words, int configuration) {}

    /** The stream in what Arm's driver takes, not read yet. Throws {@link InvalidInputException} for anything else. */
    public static Bare bare(MemorySegment bytes) {
        int words = (int) Math.min(bytes.byteSize() / 4, Integer.MAX_VALUE);
        if (words == 0 || word(bytes, 0) != ACTIONS) {
            throw new InvalidInputException("the bytes do not begin with 'COP1'");
        }
        int configuration = 0;
        for (int at = 1; at < words; at++) {
            int action = word(bytes, at);
            switch (action & 0xff) {
                case CONFIG -> {
                    if (at + 1 < words) configuration = word(bytes, at + 1);
                    at += 2;
                }
                case STREAM -> {
                    int length = action >>> 16 | (action >>> 8 & 0xff) << 16;
                    if (length > words - at - 1) {
                        throw broken(at, "the stream has " + length + " words, " + (words - at - 1) + " are there");
                    }
                    return new Bare(bytes.asSlice(4L * (at + 1), 4L * length), configuration);
                }
                case READ, DUMP, NOTHING -> {}
                default -> throw broken(at, "there is no action " + (action & 0xff));
            }
        }
        throw broken(words, "there is no stream");
    }

    /** Commands without anything around them, as the kernel takes them. */
    public static CommandStream ofWords(MemorySegment bytes) {
        List<Command> commands = new ArrayList<>();
        int words = (int) Math.min(bytes.byteSize() / 4, Integer.MAX_VALUE);
        int at = 0;
        while (at < words) {
            int word = word(bytes, at);
            Opcode opcode = Opcode.find(word & 0xffff);
            if (opcode == null) throw broken(at, String.format("there is no command %04x", word & 0xffff));
            boolean payload = opcode.hasPayload();
            if (payload && at + 1 >= words) throw broken(at, opcode.name() + " is cut off");
            int parameter = word >>> 16;
            long value = payload ? word(bytes, at + 1) & 0xffff_ffffL : 0;
            Command command = new Command(at, opcode, parameter, value);
            commands.add(command);
            at += payload ? 2 : 1;
            if (command.is("OP_STOP")) return new CommandStream(commands);
        }
        throw broken(at, "the stream does not end with OP_STOP");
    }

    private static int word(MemorySegment bytes, int at) {
        return bytes.get(JAVA_INT_UNALIGNED, 4L * at);
    }

    private static InvalidInputException broken(int at, String what) {
        return new InvalidInputException("command stream, word " + at + ": " + what);
    }
}
