package dev.meseta.tests;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.meseta.drivers.ethosu.commands.CommandStream;
import dev.meseta.drivers.ethosu.commands.Disassembler;
import dev.meseta.drivers.ethosu.model.DeviceModel;
import dev.meseta.drivers.ethosu.model.StreamUse;
import dev.meseta.drivers.ethosu.model.Timeline;
import dev.meseta.graph.InvalidInputException;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Tag;

/** As {@link ModelFuzzTest}, of command streams of Ethos-U: as the kernel takes them, and as files hold them; read, printed and run. */
@Tag("fuzz")
final class CommandStreamFuzzTest {
    private static final int REGION_BYTES = 4096;
    private static final double WORK = 1e6;

    @FuzzTest(maxDuration = "20m")
    void anyBytesAreRunOrRefused(byte[] bytes) {
        MemorySegment words = MemorySegment.ofArray(bytes);
        attempt(() -> CommandStream.ofWords(words));
        attempt(() -> CommandStream.ofWords(CommandStream.bare(words).words()));
        byte[] named = bytes.clone();
        // The identifier is no part of what is looked for.
        if (named.length >= 4) System.arraycopy(new byte[] {'C', 'O', 'P', '1'}, 0, named, 0, 4);
        attempt(() -> CommandStream.ofWords(
                CommandStream.bare(MemorySegment.ofArray(named)).words()));
        try {
            StreamUse.of(words);
        } catch (InvalidInputException e) {
            Assertions.assertFalse(String.valueOf(e.getMessage()).isBlank());
        }
    }

    private static void attempt(Supplier<CommandStream> read) {
        try {
            CommandStream stream = read.get();
            Disassembler.lines(stream, Timeline.of(stream).notes());
            MemorySegment[] regions = new MemorySegment[3];
            for (int i = 0; i < regions.length; i++) regions[i] = MemorySegment.ofArray(new byte[REGION_BYTES]);
            DeviceModel.run(stream, WORK, regions);
        } catch (InvalidInputException e) {
            Assertions.assertFalse(String.valueOf(e.getMessage()).isBlank());
        }
    }
}
