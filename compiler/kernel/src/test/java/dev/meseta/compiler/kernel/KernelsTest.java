package dev.meseta.compiler.kernel;

import static dev.meseta.compiler.kernel.Kernels.add;
import static dev.meseta.compiler.kernel.Kernels.div;
import static dev.meseta.compiler.kernel.Kernels.extent;
import static dev.meseta.compiler.kernel.Kernels.index;
import static dev.meseta.compiler.kernel.Kernels.mul;
import static dev.meseta.compiler.kernel.Kernels.rem;
import static dev.meseta.compiler.kernel.Kernels.sub;
import static dev.meseta.compiler.kernel.Kernels.variable;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.ReduceKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class KernelsTest {
    private static final Expr I = variable("i");

    @Test
    void indexArithmeticFolds() {
        assertEquals(I, add(I, 0));
        assertEquals(I, mul(I, 1));
        assertEquals(index(0), mul(I, 0));
        assertEquals(I, div(mul(I, 12), index(12)));
        assertEquals(mul(I, 3), div(mul(I, 12), index(4)));
        assertEquals(index(0), rem(mul(I, 12), index(4)));
        assertEquals(add(I, 7), add(add(I, 3), 4));
        assertEquals(index(0), sub(I, I));
        assertEquals(rem(I, index(4)), rem(add(I, 8), index(4)));
    }

    /** What is simplified has the value of what was written, for indices that are not negative. */
    @Test
    void simplificationKeepsTheValue() {
        long seed = 5;
        Random random = new Random(seed);
        for (int n = 0; n < 20_000; n++) {
            List<Expr> plain = new ArrayList<>(List.of(I, extent(0), index(random.nextInt(5))));
            List<Expr> simple = new ArrayList<>(plain);
            for (int step = 0; step < 6; step++) {
                int a = random.nextInt(plain.size());
                int b = random.nextInt(plain.size());
                Expr c = index(1 + random.nextInt(6));
                switch (random.nextInt(4)) {
                    case 0 -> {
                        plain.add(Kernels.apply(MapFunction.ADD, plain.get(a), plain.get(b)));
                        simple.add(add(simple.get(a), simple.get(b)));
                    }
                    case 1 -> {
                        plain.add(Kernels.apply(MapFunction.MUL, plain.get(a), c));
                        simple.add(mul(simple.get(a), c));
                    }
                    case 2 -> {
                        plain.add(Kernels.apply(MapFunction.DIV, plain.get(a), c));
                        simple.add(div(simple.get(a), c));
                    }
                    default -> {
                        plain.add(Kernels.apply(MapFunction.REM, plain.get(a), c));
                        simple.add(rem(simple.get(a), c));
                    }
                }
            }
            Map<String, Long> values = Map.of("i", (long) random.nextInt(50));
            List<Long> extents = List.of((long) random.nextInt(50));
            assertEquals(
                    Kernels.evaluate(plain.getLast(), extents, values),
                    Kernels.evaluate(simple.getLast(), extents, values),
                    KernelText.of(plain.getLast()) + " became " + KernelText.of(simple.getLast()));
        }
    }

    private static Kernel kernel(String name, Stmt body) {
        return new Kernel(
                name,
                List.of(
                        new Kernel.Buffer("x", DType.F32, Kernel.Access.READ, extent(0)),
                        new Kernel.Buffer("y", DType.F32, Kernel.Access.WRITE, extent(0))),
                1,
                extent(0),
                body);
    }

    private static final Type F32 = Type.of(DType.F32);
    private static final Expr X = Kernels.load(0, Kernel.GRID_VARIABLE, F32);

    @Test
    void textTellsKernelsApartAndNamesDoNot() {
        Kernel a = kernel("a", Kernels.store(1, Kernel.GRID_VARIABLE, X));
        Kernel b = kernel("b", Kernels.store(1, Kernel.GRID_VARIABLE, X));
        Kernel c = kernel("c", Kernels.store(1, Kernel.GRID_VARIABLE, Kernels.apply(MapFunction.NEG, X)));
        assertEquals(KernelText.key(a), KernelText.key(b));
        assertEquals(KernelText.hash(a), KernelText.hash(b));
        assertNotEquals(KernelText.key(a), KernelText.key(c));
        assertNotEquals(KernelText.of(a), KernelText.of(b));
        assertTrue(KernelText.of(c).contains("store #1[grid] = neg(#0[grid]:f32)"), KernelText.of(c));
    }

    private static void refused(String reason, Stmt body) {
        String message = assertThrows(IllegalArgumentException.class, () -> KernelVerifier.verify(kernel("bad", body)))
                .getMessage();
        assertTrue(message.contains(reason), message);
    }

    @Test
    void theVerifierFindsMistakes() {
        KernelVerifier.verify(kernel("good", Kernels.store(1, Kernel.GRID_VARIABLE, X)));
        refused("only", Kernels.store(0, Kernel.GRID_VARIABLE, X));
        refused("no buffer 7", Kernels.store(7, Kernel.GRID_VARIABLE, X));
        refused("holds f32", Kernels.store(1, Kernel.GRID_VARIABLE, index(1)));
        refused("no variable", Kernels.store(1, variable("nothing"), X));
        refused("not of f32", Kernels.store(1, index(0), Kernels.apply(MapFunction.ADD, Kernels.f32(1, 4), X)));
        refused("not of bool", new Stmt.If(index(1), Kernels.store(1, index(0), X), null));
        refused("not declared", new Stmt.Assign("nothing", X));
        refused("used twice", Kernels.block(new Stmt.Let("a", X), new Stmt.Let("a", X)));
        refused(
                "no variable",
                Kernels.block(
                        Kernels.loop("k", index(0), index(2), 1, new Stmt.Let("a", X)),
                        Kernels.store(1, index(0), variable("a", F32))));
        refused("literals", new Stmt.For("k", index(0), extent(0), 1, true, new Stmt.Let("a", X)));
        refused("is used twice", Kernels.loop(Kernel.GRID, index(0), index(1), 1, new Stmt.Let("a", X)));
        refused("sin of i64", new Stmt.Let("a", Kernels.apply(MapFunction.SIN, index(1))));
        refused("power of two", new Stmt.Let("a", new Expr.Combine(ReduceKind.SUM, Kernels.f32(1, 3))));
    }
}
