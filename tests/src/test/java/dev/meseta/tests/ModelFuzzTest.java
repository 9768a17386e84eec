package dev.meseta.tests;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.meseta.frontends.onnx.OnnxReader;
import dev.meseta.graph.InvalidInputException;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Tag;

/**
 * Bytes that claim to be a model, all the way to a verified graph: read, specialised to small shapes, and verified; or refused by an
 * {@link InvalidInputException} on the way, and nothing else. The build replays the inputs under {@code src/test/resources}; with
 * {@code JAZZER_FUZZ=1} in the environment the fuzzer looks for new ones.
 */
@Tag("fuzz")
final class ModelFuzzTest {
    @FuzzTest(maxDuration = "20m")
    void anyBytesAreReadOrRefused(byte[] bytes) {
        try {
            ModelAttempt.verify(OnnxReader.read(MemorySegment.ofArray(bytes), null));
        } catch (InvalidInputException e) {
            // What a file that is no model deserves: one message.
            Assertions.assertFalse(e.getMessage().isBlank());
        }
    }
}
