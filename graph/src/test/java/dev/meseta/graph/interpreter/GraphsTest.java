package dev.meseta.graph.interpreter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.graph.DType;
import dev.meseta.graph.Graph;
import dev.meseta.graph.GraphText;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Op;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.graph.Verifier;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Structure: scans, branches, loops and composites; and quantisation, whose order of rounding matters. */
class GraphsTest {
    private static List<Tensor> run(String text, Tensor... inputs) {
        Graph g = GraphText.parse(text);
        Verifier.verify(g);
        return Interpreter.run(g, List.of(inputs));
    }

    private static final String RUNNING_SUM = """
            graph (%0: f32[], %1: f32[3], %2: f32[]) {
              %3, %4 = scan %0, %1, %2 {carried=1,scanned=1,steps=3,reverse=REVERSE} (%0: f32[], %1: f32[], %2: f32[]) {
                %3 = map.mul %1, %2 : f32[]
                %4 = map.add %0, %3 : f32[]
                return %4, %4
              } : f32[], f32[3]
              return %3, %4
            }""";

    @Test
    void scansCarryAndStack() {
        Tensor[] in = {Tensor.scalar(DType.F32, 1.0), Tensor.of(new float[] {1, 2, 3}), Tensor.scalar(DType.F32, 10.0)};
        List<Tensor> out = run(RUNNING_SUM.replace("REVERSE", "false"), in);
        assertEquals(61, out.get(0).getDouble(0));
        assertArrayEquals(new double[] {11, 31, 61}, out.get(1).toDoubles());
        out = run(RUNNING_SUM.replace("REVERSE", "true"), in);
        assertArrayEquals(new double[] {61, 51, 31}, out.get(1).toDoubles());
    }

    @Test
    void aScanOfNoStepsGivesWhatItWasGiven() {
        String text = RUNNING_SUM
                .replace("REVERSE", "false")
                .replace("f32[3]", "f32[0]")
                .replace("steps=3", "steps=0");
        List<Tensor> out = run(
                text,
                Tensor.scalar(DType.F32, 1.0),
                Tensor.allocate(TensorType.of(DType.F32, 0)),
                Tensor.scalar(DType.F32, 1.0));
        assertEquals(1, out.get(0).getDouble(0));
        assertEquals(0, out.get(1).elements());
    }

    @Test
    void branchesAndLoops() {
        String choice =
                "graph (%0: bool[], %1: f32[]) { %2 = if %0, %1 (%0: f32[]) { return %0 } (%0: f32[]) { %1 = map.neg %0 : f32[] return %1 } : f32[] return %2 }";
        assertEquals(
                5,
                run(choice, Tensor.scalar(DType.BOOL, 1L), Tensor.scalar(DType.F32, 5.0))
                        .getFirst()
                        .getDouble(0));
        assertEquals(
                -5,
                run(choice, Tensor.scalar(DType.BOOL, 0L), Tensor.scalar(DType.F32, 5.0))
                        .getFirst()
                        .getDouble(0));
        String doubling = """
                graph (%0: i64[], %1: i64[]) {
                  %2 = while %0, %1 {carried=1}
                    (%0: i64[], %1: i64[]) { %2 = map.lt %0, %1 : bool[] return %2 }
                    (%0: i64[], %1: i64[]) { %2 = map.add %0, %0 : i64[] return %2 } : i64[]
                  return %2
                }""";
        assertEquals(
                128,
                run(doubling, Tensor.scalar(DType.I64, 1L), Tensor.scalar(DType.I64, 100L))
                        .getFirst()
                        .getLong(0));
        assertEquals(
                200,
                run(doubling, Tensor.scalar(DType.I64, 200L), Tensor.scalar(DType.I64, 100L))
                        .getFirst()
                        .getLong(0));
    }

    @Test
    void inputsThatDoNotMatchAreRefused() {
        String text = "graph \"g\" (%0 \"x\": f32[2]) { return %0, %0 }";
        InvalidInputException e =
                assertThrows(InvalidInputException.class, () -> run(text, Tensor.of(new float[] {1, 2, 3})));
        assertTrue(e.getMessage().contains("input 0 x is f32[2], got f32[3]"), e.getMessage());
        assertThrows(InvalidInputException.class, () -> run(text));
        assertEquals(2, run(text, Tensor.of(new float[] {1, 2})).size());
    }

    @Test
    void quantisationRoundsToEvenAndSaturates() {
        Tensor x = Tensor.of(new float[] {0.5f, 1.5f, -0.5f, 300, -300, Float.NaN});
        Tensor zero = Tensor.scalar(DType.U8, 128L);
        Tensor y = Interpreter.evaluate(new Op.Quantize(0, DType.U8), List.of(x, Tensor.scalar(DType.F32, 1.0), zero))
                .getFirst();
        assertArrayEquals(new long[] {128, 130, 128, 255, 0, 0}, y.toLongs());
        Tensor back = Interpreter.evaluate(
                        new Op.Dequantize(0, DType.F32), List.of(y, Tensor.scalar(DType.F32, 0.5), zero))
                .getFirst();
        assertArrayEquals(new double[] {0, 1, 0, 63.5, -64, -64}, back.toDoubles());
    }

    @Test
    void quantisationDividesInSinglePrecision() {
        // In single precision the quotient is 2.5, a tie; in double precision it is a little above.
        float scale = 0.1f;
        float v = 0.25f;
        assertTrue(v / scale == 2.5f && (double) v / (double) scale != 2.5);
        Tensor y = Interpreter.evaluate(
                        new Op.Quantize(0, DType.I8),
                        List.of(
                                Tensor.of(new float[] {v}, 1),
                                Tensor.scalar(DType.F32, scale),
                                Tensor.scalar(DType.I8, 0L)))
                .getFirst();
        assertEquals(2, y.getLong(0));
    }

    @Test
    void everyChannelHasItsScale() {
        Tensor x = Tensor.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 2, 2);
        Tensor scale = Tensor.of(new float[] {1, 0.5f}, 2);
        Tensor zero = Tensor.allocate(TensorType.of(DType.I4, 2));
        zero.setLong(1, -2);
        Tensor y = Interpreter.evaluate(new Op.Quantize(1, DType.I4), List.of(x, scale, zero))
                .getFirst();
        assertArrayEquals(new long[] {1, 2, 4, 6, 5, 6, 7, 7}, y.toLongs());
        Tensor back = Interpreter.evaluate(new Op.Dequantize(1, DType.F16), List.of(y, scale, zero))
                .getFirst();
        assertArrayEquals(new double[] {1, 2, 3, 4, 5, 6, 4.5, 4.5}, back.toDoubles());
    }

    @Test
    void floatCodesSaturate() {
        Tensor y = Interpreter.evaluate(
                        new Op.Quantize(0, DType.F8E4M3FN),
                        List.of(
                                Tensor.of(new float[] {1000, -3}),
                                Tensor.scalar(DType.F32, 2.0),
                                Tensor.scalar(DType.F8E4M3FN, 0.0)))
                .getFirst();
        assertArrayEquals(new double[] {448, -1.5}, y.toDoubles());
    }
}
