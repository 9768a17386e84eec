package dev.meseta.tests;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.meseta.compiler.specialize.Specializer;
import dev.meseta.frontends.onnx.OnnxReader;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
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

/**
 * Bytes that claim to be a model, all the way to a verified graph: read, specialised to small shapes, and verified; or refused by an
 * {@link InvalidInputException} on the way, and nothing else. The build replays the inputs under {@code src/test/resources}; with
 * {@code JAZZER_FUZZ=1} in the environment the fuzzer looks for new ones.
 */
@Tag("fuzz")
final class ModelFuzzTest {
    /** The extent of a dim that the model leaves open. */
    private static final long OPEN = 2;

    /** Inputs beyond this size are not made: the model may ask for them, this test need not. */
    private static final long LARGEST_INPUT = 1 << 16;

    @FuzzTest(maxDuration = "20m")
    void anyBytesAreReadOrRefused(byte[] bytes) {
        try {
            Program program = OnnxReader.read(MemorySegment.ofArray(bytes), null);
            List<Data> inputs = new ArrayList<>();
            for (Port port : program.inputs()) {
                Tensor input = input(port);
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

    /** Zeros of the port's type; null for what is not a tensor, or too large. */
    static Tensor input(Port port) {
        if (port.kind() != Port.Kind.TENSOR || port.dtype() == null) return null;
        Shape stated = port.shape() == null ? Shape.SCALAR : port.shape();
        long[] extents = stated.dims().stream()
                .mapToLong(d -> d.isKnown() ? d.extent() : OPEN)
                .toArray();
        try {
            TensorType type = TensorType.of(port.dtype(), extents);
            return type.bytes() > LARGEST_INPUT ? null : Tensor.allocate(type);
        } catch (ArithmeticException e) {
            return null;
        }
    }
}
