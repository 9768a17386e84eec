package dev.meseta.tests.ethosu;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meseta.conformance.TestData;
import dev.meseta.drivers.ethosu.commands.CommandStream;
import dev.meseta.frontends.tflite.TfliteReader;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.CustomOperator;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * A model that Vela compiled: one custom operator, whose operands are its stream, its weights, the memory of feature maps, a faster one, and
 * then the model's inputs, which lie in the memory of feature maps.
 */
record VelaModel(CustomOperator operator, CommandStream stream) {
    static VelaModel read(String name) {
        CustomOperator o = TfliteReader.customOperators(folder().resolve("vela").resolve(name))
                .getFirst();
        return new VelaModel(
                o, CommandStream.ofWords(CommandStream.bare(bytes(o, 0)).words()));
    }

    /** The shared test data; skips the test without it. */
    static Path folder() {
        TestData.Source source = TestData.ofThisMachine().shared();
        if (source instanceof TestData.Missing missing) assumeTrue(false, missing.reason());
        return ((TestData.Found) source).folder();
    }

    private static MemorySegment bytes(CustomOperator o, int i) {
        return o.inputs().get(i).constant().orElseThrow();
    }

    MemorySegment weights() {
        return bytes(operator, 1);
    }

    long[] regionSizes() {
        return new long[] {
            weights().byteSize(),
            operator.inputs().get(2).bytes(),
            operator.inputs().get(3).bytes()
        };
    }

    /** The regions of a run. */
    MemorySegment[] regions() {
        return new MemorySegment[] {
            weights(),
            MemorySegment.ofArray(new byte[(int) regionSizes()[1]]),
            MemorySegment.ofArray(new byte[(int) regionSizes()[2]])
        };
    }

    /** The regions of a run with an input. */
    MemorySegment[] regions(Tensor input) {
        MemorySegment[] regions = regions();
        long at = operator.inputs().get(4).offset();
        MemorySegment.copy(input.data(), 0, regions[1], at, input.data().byteSize());
        return regions;
    }

    /** The result in the regions of a run. */
    MemorySegment result(MemorySegment[] regions) {
        CustomOperator.Operand o = operator.outputs().getFirst();
        return regions[1].asSlice(o.offset(), o.bytes());
    }
}
