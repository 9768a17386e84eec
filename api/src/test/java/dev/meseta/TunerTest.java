package dev.meseta;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.driver.KernelDevice;
import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.program.Call;
import dev.meseta.graph.program.Lowering;
import dev.meseta.graph.program.Port;
import dev.meseta.graph.program.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The search for choices on a product with a constant, of small integers, so that every answer gives the same bits. */
class TunerTest {
    private static final Duration LONG = Duration.ofMinutes(5);
    private static final Tensor X = integers(1, 37, 64);
    private static final Lowering.Expand PRODUCT = c -> {
        var b = c.builder();
        return List.of(b.matmul(c.operand(0), c.operand(1), DType.F32));
    };
    private static final Program PROGRAM = new Program(
            "product",
            List.of(Port.tensor("x", DType.F32, X.shape())),
            List.of(Port.any("y")),
            Map.of("w", integers(2, 64, 96)),
            List.of(new Call("op", "test.Product", List.of("x", "w"), List.of("y"), PRODUCT)));
    private static final Meseta MESETA = Meseta.open();

    @TempDir
    Path folder;

    private static Tensor integers(long seed, long... extents) {
        Random random = new Random(seed);
        Tensor t = Tensor.allocate(DType.F32, Shape.of(extents));
        for (long i = 0; i < t.elements(); i++) t.setDouble(i, random.nextInt(-8, 9));
        return t;
    }

    private static KernelDevice cpu() {
        return (KernelDevice) MESETA.device("cpu");
    }

    private Path file() {
        return folder.resolve("deeper/tuned.txt");
    }

    /** A search in which every race ends alike. */
    private Tuner.Result search(double ratio, Duration limit) {
        Tuner.Race race = (first, second) -> {
            first.run();
            second.run();
            return ratio;
        };
        return new Tuner(MESETA.load(PROGRAM), cpu(), Map.of("x", X), race)
                .search(Findings.at(Optional.of(file())), limit, (done, total) -> assertTrue(done <= total));
    }

    private static float[] run(Findings findings) {
        Session session =
                MESETA.load(PROGRAM).session(cpu(), Compiling.compilerFor(cpu(), findings.choices((_, _) -> {})));
        return session.run(Map.of("x", X)).get("y").toFloats();
    }

    @Test
    void whatIsFasterIsRemembered() {
        Tuner.Result result = search(1.5, LONG);
        assertTrue(result.complete());
        assertTrue(result.questions() > 0 && result.tried() >= result.questions(), result.toString());
        assertEquals(1.5, result.gain());
        assertFalse(result.found().isEmpty());
        Findings kept = Findings.at(Optional.of(file()));
        assertEquals(result.found(), kept.answers());
        float[] expected = MESETA.load(PROGRAM)
                .on("reference")
                .prepare()
                .run(Map.of("x", X))
                .get("y")
                .toFloats();
        assertArrayEquals(expected, run(kept));
        assertArrayEquals(expected, run(Findings.at(Optional.empty())));
    }

    @Test
    void whatIsNoFasterIsForgotten() {
        Tuner.Result result = search(0.9, LONG);
        assertEquals(Map.of(), result.found());
        assertEquals(1, result.gain());
        assertFalse(Files.exists(file()));
    }

    @Test
    void theSearchEndsWhenItsTimeIsUp() {
        Tuner.Result result = search(1.5, Duration.ZERO);
        assertFalse(result.complete());
        assertEquals(0, result.tried());
    }

    @Test
    void aDamagedFileIsAsGoodAsNone() throws IOException {
        Files.createDirectories(file().getParent());
        byte[] noise = new byte[5000];
        new Random(3).nextBytes(noise);
        Files.write(file(), noise);
        run(Findings.at(Optional.of(file())));
        Files.writeString(file(), "tile = 1000x1000\n\n = \nno answer");
        Findings findings = Findings.at(Optional.of(file()));
        assertEquals(Map.of("tile", "1000x1000"), findings.answers());
        Findings.keep(file(), Map.of("another", "1"));
        assertEquals(
                Map.of("tile", "1000x1000", "another", "1"),
                Findings.at(Optional.of(file())).answers());
        assertEquals(Map.of(), Findings.at(Optional.of(folder)).answers());
    }

    @Test
    void adviceIsGivenWhereNothingCanBeTuned() {
        Model reference = MESETA.load(PROGRAM).on("reference");
        assertThrows(InvalidInputException.class, () -> Tuner.tune(reference, Map.of("x", X), LONG, (_, _) -> {}));
        Tuner tuner = new Tuner(MESETA.load(PROGRAM), cpu(), Map.of("x", X), (_, _) -> 1);
        assertThrows(
                InvalidInputException.class, () -> tuner.search(Findings.at(Optional.empty()), LONG, (_, _) -> {}));
    }
}
