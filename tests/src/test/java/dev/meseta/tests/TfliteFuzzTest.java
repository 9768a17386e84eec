package dev.meseta.tests;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.meseta.compiler.specialize.Specializer;
import dev.meseta.frontends.tflite.TfliteReader;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.Verifier;
import dev.meseta.graph.interpreter.Interpreter;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import dev.meseta.runtime.Input;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
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
            Program program = TfliteReader.read(MemorySegment.ofArray(named));
            List<Data> inputs = new ArrayList<>();
            for (Port port : program.inputs()) {
                Tensor input = ModelFuzzTest.input(port);
                if (input == null && !port.optional()) return;
                inputs.add(port.optional() ? null : input);
            }
            Verifier.verify(new Specializer(Interpreter::evaluate)
                    .begin(program, Input.of(inputs))
                    .graph());
        } catch (InvalidInputException e) {
            // What a file that is no model deserves: one message.
            Assertions.assertFalse(e.getMessage().isBlank());
        }
    }
}
