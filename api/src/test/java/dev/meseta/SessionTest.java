package dev.meseta;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.graph.DType;
import dev.meseta.graph.Dim;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The API on a program of one call, on each device. */
class SessionTest {
    private static final Lowering.Expand TWICE_PLUS_ONE = c -> {
        var b = c.builder();
        var x = c.operand(0);
        return List.of(b.plus(b.plus(x, x), b.scalar(DType.F32, 1.0)));
    };

    private static final Program PROGRAM = new Program(
            "twice",
            List.of(Port.tensor("x", DType.F32, Shape.of(List.of(new Dim(Dim.UNKNOWN, "n"))))),
            List.of(Port.any("y")),
            Map.of(),
            List.of(new Call("op", "test.TwicePlusOne", List.of("x"), List.of("y"), TWICE_PLUS_ONE)));

    private static Session open(String device) {
        return Meseta.open().load(PROGRAM).on(device).prepare();
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "reference"})
    void runs(String device) {
        try (Session session = open(device)) {
            for (int n : new int[] {1, 2, 7, 8, 9, 63, 1000, 0}) {
                float[] x = new float[n];
                float[] y = new float[n];
                for (int i = 0; i < n; i++) {
                    x[i] = i - 3;
                    y[i] = 2 * x[i] + 1;
                }
                assertArrayEquals(
                        y, session.run(Map.of("x", Tensor.of(x, n))).get("y").toFloats());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "reference"})
    void isSharedBetweenThreads(String device) throws Exception {
        Session session = open(device);
        List<Callable<Boolean>> work = new ArrayList<>();
        for (int t = 0; t < 64; t++) {
            int n = 1 + t % 5 * 100;
            float value = t;
            work.add(() -> {
                float[] x = new float[n];
                java.util.Arrays.fill(x, value);
                float[] y = session.run(Map.of("x", Tensor.of(x, n))).first().toFloats();
                for (float f : y) if (f != 2 * value + 1) return false;
                return y.length == n;
            });
        }
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<Boolean> f : threads.invokeAll(work)) assertTrue(f.get());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "reference"})
    void saysWhatIsWrong(String device) {
        Session session = open(device);
        assertEquals("input 'x' (f32[n]) is missing", message(() -> session.run(Map.of())));
        assertEquals(
                "the model has no input 'z'; it takes 'x' (f32[n])",
                message(() -> session.run(Map.of("x", Tensor.of(new float[2], 2), "z", Tensor.of(new float[2], 2)))));
        assertEquals(
                "input 'x' is i64[2], expected f32[n]",
                message(() -> session.run(Map.of("x", Tensor.of(new long[2], 2)))));
        Outputs out = session.run(Map.of("x", Tensor.of(new float[2], 2)));
        assertEquals("no output 'q'; there are [y]", message(() -> out.get("q")));
        session.close();
        assertThrows(IllegalStateException.class, () -> session.run(Map.of("x", Tensor.of(new float[2], 2))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"npu", ""})
    void namesTheDevicesThereAre(String device) {
        String message = message(() -> Meseta.open().load(PROGRAM).on(device));
        assertTrue(message.contains("cpu") && message.contains("reference"), message);
    }

    private static String message(org.junit.jupiter.api.function.Executable work) {
        return assertThrows(InvalidInputException.class, work).getMessage();
    }
}
