package dev.meseta.tests;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.meseta.frontends.onnx.OnnxReader;
import dev.meseta.graph.InvalidInputException;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Tag;

/**
 * Bytes that claim to be a model: read, or refused by an {@link InvalidInputException}, and nothing else. The build replays the
 * inputs under {@code src/test/resources}; with {@code JAZZER_FUZZ=1} in the environment the fuzzer looks for new ones.
 */
@Tag("fuzz")
final class ModelFuzzTest {
    @FuzzTest(maxDuration = "10m")
    void anyBytesAreReadOrRefused(byte[] bytes) {
        try {
            OnnxReader.read(MemorySegment.ofArray(bytes), null);
        } catch (InvalidInputException _) {
            // What a file that is no model deserves.
        }
    }
}
