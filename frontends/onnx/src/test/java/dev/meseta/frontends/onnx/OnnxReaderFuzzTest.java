package dev.meseta.frontends.onnx;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.program.Port;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Assertions;

/**
 * Whatever the bytes are, reading them gives a result or one clear message: no other exception, no hang, no memory beyond what the bytes
 * can fill. In an ordinary run of the tests this reads the inputs in the resources; to look for new ones:
 *
 * <pre>JAZZER_FUZZ=1 ./mvnw -pl frontends/onnx -am test -Dtest=OnnxReaderFuzzTest#model -Dsurefire.failIfNoSpecifiedTests=false</pre>
 */
class OnnxReaderFuzzTest {
    @FuzzTest(maxDuration = "5m")
    void model(byte[] bytes) {
        try {
            OnnxReader.read(MemorySegment.ofArray(bytes), null);
        } catch (InvalidInputException e) {
            Assertions.assertFalse(e.getMessage().isBlank());
        }
    }

    @FuzzTest(maxDuration = "5m")
    void data(byte[] bytes) {
        if (bytes.length == 0) return;
        Port.Kind kind = Port.Kind.values()[Math.floorMod(bytes[0], Port.Kind.values().length)];
        try {
            OnnxData.read(MemorySegment.ofArray(bytes).asSlice(1), kind);
        } catch (InvalidInputException e) {
            Assertions.assertFalse(e.getMessage().isBlank());
        }
    }
}
