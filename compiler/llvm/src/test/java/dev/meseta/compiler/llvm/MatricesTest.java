package dev.meseta.compiler.llvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelVerifier;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.MatrixType;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.linux.MatrixRegisters;
import dev.meseta.machine.ArgumentLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products of matrices by x86's registers for them: the code that is made, and on a processor that has them what it computes. */
class MatricesTest {
    private static final LlvmTarget XEON =
            new LlvmTarget("x86_64-unknown-linux-gnu", "sapphirerapids", "+amx-tile,+amx-int8");
    private static final int DEPTH = 128;

    /** A product of 16 rows of a by 16 columns of b, by fours, for each iteration; a's and b's first elements are wherever extent 0 says. */
    private static Kernel kernel(DType left, DType right, int sums) {
        MatrixType a = new MatrixType(left, 16, 64);
        MatrixType b = new MatrixType(right, 64, 16);
        List<Stmt> body = new ArrayList<>();
        body.add(new Stmt.LocalArray("array", Type.of(DType.I32), 16 * 20));
        for (int i = 0; i < sums; i++) body.add(new Stmt.ZeroMatrix("s" + i, new MatrixType(DType.I32, 16, 16)));
        Expr k = Kernels.variable("k");
        Expr from = Kernels.add(Kernels.mul(Kernel.GRID_VARIABLE, 16L * DEPTH), Kernels.extent(0));
        body.add(Kernels.loop(
                "k",
                Kernels.index(0),
                Kernels.index(DEPTH),
                64,
                Kernels.block(
                        new Stmt.LoadMatrix("x", a, true, 0, Kernels.add(from, k), DEPTH, Stmt.Order.ROWS),
                        new Stmt.LoadMatrix(
                                "y", b, false, 1, Kernels.add(from, Kernels.mul(k, 16)), 64, Stmt.Order.FOURS),
                        new Stmt.MultiplyMatrices("s0", "x", "y"))));
        body.add(new Stmt.StoreMatrix("s0", "array", Kernels.index(3), 20));
        Type row = new Type(DType.I32, 16);
        Expr r = Kernels.variable("r");
        Expr to = Kernels.mul(Kernels.add(Kernels.mul(Kernel.GRID_VARIABLE, 16), r), 16);
        body.add(Kernels.loop(
                "r",
                Kernels.index(0),
                Kernels.index(16),
                1,
                Kernels.store(2, to, new Expr.LoadLocal("array", Kernels.add(Kernels.mul(r, 20), 3), row))));
        return new Kernel(
                "matrices",
                List.of(
                        new Kernel.Buffer("a", left, Kernel.Access.READ, Kernels.index(2L * 16 * DEPTH)),
                        new Kernel.Buffer("b", right, Kernel.Access.READ, Kernels.index(2L * 16 * DEPTH)),
                        new Kernel.Buffer("c", DType.I32, Kernel.Access.WRITE, Kernels.index(2 * 256))),
                1,
                Kernels.index(2),
                Kernels.block(body));
    }

    private static List<Tensor> buffers(DType left, DType right) {
        Random random = new Random(5);
        List<Tensor> all = new ArrayList<>();
        for (DType t : List.of(left, right)) {
            Tensor x = Tensor.allocate(t, Shape.of(2 * 16 * DEPTH));
            for (long i = 0; i < x.elements(); i++)
                x.setLong(
                        i,
                        random.nextInt(3) == 0 ? t.maxInteger() : random.nextLong(t.minInteger(), t.maxInteger() + 1));
            all.add(x);
        }
        all.add(Tensor.allocate(DType.I32, Shape.of(2 * 256)));
        return all;
    }

    @ParameterizedTest
    @CsvSource({"U8, U8, uu", "U8, I8, us", "I8, U8, su", "I8, I8, ss"})
    void areInstructions(DType left, DType right, String signs) {
        Kernel k = kernel(left, right, 1);
        KernelVerifier.verify(k);
        String code = new KernelCompiler(XEON, false).assembly(k);
        List<String> wanted =
                List.of("ldtilecfg", "tilezero", "tileloadd", "tdpb" + signs + "d", "tilestored", "tilerelease");
        for (String w : wanted) assertTrue(code.contains(w), w + " is not in\n" + code);
    }

    private static void assumeHere() {
        Assumptions.assumeTrue(
                LlvmTarget.host().has("amx-int8") && MatrixRegisters.ask(), "this processor has no matrices");
    }

    @ParameterizedTest
    @CsvSource({"U8, U8", "U8, I8", "I8, U8", "I8, I8"})
    void areExact(DType left, DType right) {
        assumeHere();
        Runner.compare(kernel(left, right, 1), buffers(left, right), List.of(0L), new double[3], true);
    }

    /** The second iteration reads behind the end by a few elements, or the first before the beginning. */
    @ParameterizedTest
    @CsvSource({"7, 4102", "-5, -5"})
    void areTested(long from, long index) {
        assumeHere();
        long[] status = new long[2];
        Runner.machine(kernel(DType.U8, DType.I8, 1), buffers(DType.U8, DType.I8), List.of(from), true, status);
        assertEquals(ArgumentLayout.BUFFER, status[0]);
        assertEquals(index, status[1]);
    }

    @Test
    void moreThanThereAreRegisters() {
        KernelCompiler compiler = new KernelCompiler(XEON, false);
        compiler.assembly(kernel(DType.U8, DType.I8, 6));
        String message = assertThrows(
                        IllegalArgumentException.class, () -> compiler.assembly(kernel(DType.U8, DType.I8, 7)))
                .getMessage();
        assertTrue(message.contains("no register is left"), message);
    }

    @Test
    void whereThereAreNone() {
        LlvmTarget older = new LlvmTarget("x86_64-unknown-linux-gnu", "icelake-server", "");
        String message = assertThrows(
                        IllegalArgumentException.class,
                        () -> new KernelCompiler(older, false).assembly(kernel(DType.U8, DType.I8, 1)))
                .getMessage();
        assertTrue(message.contains("no matrices"), message);
    }
}
