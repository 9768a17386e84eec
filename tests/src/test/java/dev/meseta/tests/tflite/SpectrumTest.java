package dev.meseta.tests.tflite;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.frontends.tflite.TfliteReader;
import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Program;
import dev.meseta.tests.tflite.FlatBufferWriter.Table;
import dev.meseta.tests.tflite.Subgraphs.Graph;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Transforms of real signals to complex spectra, which are moved, and taken apart, against TFLite. */
final class SpectrumTest {
    private static byte[] model(int[] shape, int height, int width) {
        Subgraphs m = new Subgraphs();
        Graph g = m.graph();
        int x = g.tensor(DType.F32, shape);
        int half = width / 2 + 1;
        int rank = shape.length;
        int[] spectrum = shape.clone();
        spectrum[rank - 2] = height;
        spectrum[rank - 1] = half;
        int flat = height * half;
        for (int i = 0; i < rank - 2; i++) flat *= shape[i];
        int z = g.tensor(DType.C64, spectrum);
        int moved = g.tensor(DType.C64, flat);
        int[] parts = {g.tensor(DType.F32, flat), g.tensor(DType.F32, flat), g.tensor(DType.F32, flat)};
        g.inputs(x)
                .operator("RFFT2D", null, Subgraphs.of(x, g.constant(Tensor.of(new int[] {height, width}, 2))), z)
                .operator(
                        "RESHAPE",
                        new Table().set(0, new int[] {flat}),
                        Subgraphs.of(z, g.constant(Tensor.of(new int[] {flat}, 1))),
                        moved)
                .operator("REAL", null, Subgraphs.of(moved), parts[0])
                .operator("IMAG", null, Subgraphs.of(moved), parts[1])
                .operator("COMPLEX_ABS", null, Subgraphs.of(moved), parts[2])
                .outputs(parts);
        return m.bytes();
    }

    @Test
    void spectraAreThoseOfTflite() throws Exception {
        Draws d = new Draws(new Random(17));
        try (TflitePeer peer = TflitePeer.open()) {
            for (int i = 0; i < 12; i++) {
                int height = 1 << (i % 3 == 0 ? d.between(1, 4) : 0);
                int width = 1 << d.between(1, i < 10 ? 9 : 11);
                int rows = height == 1 ? 1 : d.between(Math.max(1, height - 2), height + 2);
                int columns = d.between(Math.max(1, width - 3), width + 3);
                int[] shape = d.flag() ? new int[] {rows, columns} : new int[] {d.between(1, 3), rows, columns};
                byte[] model = model(shape, height, width);
                long[] extents = java.util.Arrays.stream(shape).asLongStream().toArray();
                List<Tensor> inputs = List.of(d.floats(-1, 1, extents));
                List<Tensor> expected = peer.run(model, inputs);
                Program program = TfliteReader.read(MemorySegment.ofArray(model));
                for (String device : List.of("reference", "cpu")) {
                    List<Tensor> found = TfliteOperatorsTest.ours(program, device, inputs);
                    for (int k = 0; k < expected.size(); k++) {
                        TfliteOperatorsTest.compare(
                                "result " + k + " of " + java.util.Arrays.toString(shape) + " by " + height + "x"
                                        + width + " on " + device,
                                expected.get(k),
                                found.get(k),
                                0,
                                TfliteOperatorsTest.TOLERANCE);
                    }
                }
            }
        }
    }

    @Test
    void lengthsThatAreNoPowersOfTwoAreRefused() {
        for (int width : new int[] {0, -4, 12, 1 << 24}) {
            byte[] model = model(new int[] {1, 16}, 1, width);
            InvalidInputException e = assertThrows(InvalidInputException.class, () -> {
                Program program = TfliteReader.read(MemorySegment.ofArray(model));
                TfliteOperatorsTest.ours(program, "reference", List.of(new Draws(new Random(1)).floats(-1, 1, 1, 16)));
            });
            assertTrue(e.getMessage().contains("power of two"), e.getMessage());
        }
    }
}
