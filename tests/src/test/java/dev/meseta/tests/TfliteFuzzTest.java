package dev.meseta.tests;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.meseta.frontends.tflite.TfliteReader;
import dev.meseta.graph.InvalidInputException;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Tag;

/** As {@link ModelFuzzTest}, of TFLite files. */
@Tag("fuzz")
final class TfliteFuzzTest {
    @FuzzTest(maxDuration = "20m")
    void anyBytesAreReadOrRefused(byte[] bytes) {
        byte[] named = bytes.clone();
        // The identifier is no part of what is looked for.
        if (named.length >= 8) System.arraycopy(new byte[] {'T', 'F', 'L', '3'}, 0, named, 4, 4);
        try {
            ModelAttempt.verify(TfliteReader.read(MemorySegment.ofArray(named)));
        } catch (InvalidInputException e) {
            // What a file that is no model deserves: one message.
            Assertions.assertFalse(e.getMessage().isBlank());
        }
    }
}
