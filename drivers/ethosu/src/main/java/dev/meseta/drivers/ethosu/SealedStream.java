package dev.meseta.drivers.ethosu;

import dev.meseta.drivers.ethosu.commands.Checker;
import dev.meseta.drivers.ethosu.commands.CommandStream;
import dev.meseta.drivers.ethosu.commands.CommandWriter;
import dev.meseta.drivers.ethosu.commands.Opcode;
import java.lang.foreign.MemorySegment;

/**
 * A program's stream as it is submitted: checked, with something in front and something at the end.
 *
 * <p>In front, registers get values of which the kernel wants to know, though the device does not look at them: a pool's scales, and a second
 * operand where it is a number. At the end, a mark is copied from region 0 to region 1: the kernel does not say whether a job has ended
 * well or was given up, and a mark that is not there does.
 *
 * @param words what is submitted
 * @param constantBytes of region 0, with the mark
 * @param mapBytes of region 1, with room for the mark, which is there at the end once the job has ended
 * @param markFrom where the mark is in region 0
 */
record SealedStream(MemorySegment words, long constantBytes, long mapBytes, long markFrom) {
    /** Bytes of the mark, and what they are. */
    static final int MARK_BYTES = 16;

    /** Seals a program. Throws {@link dev.meseta.graph.InvalidInputException} if its stream leaves its regions. */
    static SealedStream of(Program p) {
        CommandStream stream = p.stream();
        Checker.check(stream, p.regionBytes());
        long from = Program.aligned(p.constants().byteSize());
        long to = Program.aligned(p.mapBytes());
        CommandWriter out = new CommandWriter();
        for (Opcode o : Opcode.all()) {
            if (o.name().startsWith("SCALE_") || o.name().startsWith("IFM2_")) out.set(o.name(), 0);
        }
        long end = 4L * stream.commands().getLast().word();
        out.append(p.words().asSlice(0, end));
        out.operation("OP_KERNEL_WAIT", 0);
        out.copy(Program.CONSTANTS, from, Program.MAPS, to, MARK_BYTES);
        out.operation("OP_DMA_START", 0);
        out.operation("OP_DMA_WAIT", 0);
        out.append(p.words().asSlice(end, 4));
        SealedStream sealed = new SealedStream(out.finish(), from + MARK_BYTES, to + MARK_BYTES, from);
        CommandStream whole = CommandStream.ofWords(sealed.words);
        Checker.check(whole, new long[] {sealed.constantBytes, sealed.mapBytes, p.fastBytes()});
        return sealed;
    }
}
