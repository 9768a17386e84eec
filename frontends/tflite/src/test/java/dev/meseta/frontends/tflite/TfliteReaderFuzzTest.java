package dev.meseta.frontends.tflite;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.meseta.graph.InvalidInputException;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Assertions;

/**
 * Whatever the bytes are, reading them gives a program or one clear message: no other exception, no hang, no memory beyond what the bytes
 * can fill. In an ordinary run of the tests this reads the inputs in the resources; to look for new ones:
 *
 * <pre>JAZZER_FUZZ=1 ./mvnw -pl frontends/tflite -am test -Dtest=TfliteReaderFuzzTest#model -Dsurefire.failIfNoSpecifiedTests=false</pre>
 */
class TfliteReaderFuzzTest {
    @FuzzTest(maxDuration = "5m")
    void model(byte[] bytes) {
        // The identifier is no part of what is looked for.
        byte[] named = bytes.clone();
        if (named.length >= 8) System.arraycopy(new byte[] {'T', 'F', 'L', '3'}, 0, named, 4, 4);
        try {
            TfliteReader.read(MemorySegment.ofArray(named));
        } catch (InvalidInputException e) {
            Assertions.assertFalse(e.getMessage().isBlank());
        }
    }
}
