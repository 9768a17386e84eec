package dev.meseta.drivers.ethosu;

import static dev.meseta.drivers.ethosu.commands.Opcode.*;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import dev.meseta.drivers.ethosu.commands.Checker;
import dev.meseta.drivers.ethosu.commands.CommandStream;
import dev.meseta.drivers.ethosu.commands.Opcode;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A program's stream as it is submitted: checked, with something in front and something at the end.
 *
 * <p>In front, registers get values of which the kernel wants to know, though the device does not look at them: a pool's scales, and a second
 * operand where it is a number. At the end, a mark is copied from region 0 to region 1: the kernel does not say whether a job has ended
 * well or was given up, and a mark that is not there does.
 *
 * @param words what is submitted
 * @param constantBytes of region 0, with the mark
 * @param mapBytes of region 1, with room for the mark
 * @param markFrom where the mark is in region 0
 * @param markTo where it is in region 1, once the job has ended
 */
record SealedStream(MemorySegment words, long constantBytes, long mapBytes, long markFrom, long markTo) {
    /** Bytes of the mark, and what they are. */
    static final int MARK_BYTES = 16;

    private static final int ALIGNMENT = 16;
    private static final int WITH_PAYLOAD = 0x4000;
    /** Seals a program. Throws {@link dev.meseta.graph.InvalidInputException} if its stream leaves its regions. */
    static SealedStream of(Program p) {
        CommandStream stream = p.stream();
        Checker.check(stream, p.regionBytes());
        long from = up(p.constants().byteSize());
        long to = up(p.mapBytes());
        List<Integer> words = new ArrayList<>();
        for (Opcode o : Opcode.values()) {
            if (o.name().startsWith("SCALE_") || o.name().startsWith("IFM2_")) set(words, o, 0);
        }
        int stop = stream.commands().getLast().word();
        for (int i = 0; i < stop; i++) words.add(p.words().get(JAVA_INT_UNALIGNED, 4L * i));
        set(words, OP_KERNEL_WAIT, 0);
        set(words, DMA0_SRC_REGION, Program.CONSTANTS);
        set(words, DMA0_SRC, from);
        set(words, DMA0_DST_REGION, Program.MAPS);
        set(words, DMA0_DST, to);
        set(words, DMA0_LEN, MARK_BYTES);
        set(words, OP_DMA_START, 0);
        set(words, OP_DMA_WAIT, 0);
        words.add(p.words().get(JAVA_INT_UNALIGNED, 4L * stop));
        int[] array = words.stream().mapToInt(Integer::intValue).toArray();
        SealedStream sealed =
                new SealedStream(MemorySegment.ofArray(array), from + MARK_BYTES, to + MARK_BYTES, from, to);
        CommandStream whole = CommandStream.ofWords(sealed.words, p.configuration());
        Checker.check(whole, new long[] {sealed.constantBytes, sealed.mapBytes, p.fastBytes()});
        return sealed;
    }

    private static long up(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private static void set(List<Integer> words, Opcode register, long value) {
        if (!register.hasPayload()) {
            words.add(register.number() | (int) value << 16);
            return;
        }
        words.add(register.number() | WITH_PAYLOAD | (int) (value >> 32 & 0xff) << 16);
        words.add((int) value);
    }
}
