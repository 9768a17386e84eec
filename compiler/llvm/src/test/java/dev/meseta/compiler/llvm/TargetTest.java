package dev.meseta.compiler.llvm;

import static dev.meseta.compiler.kernel.Kernels.add;
import static dev.meseta.compiler.kernel.Kernels.index;
import static dev.meseta.compiler.kernel.Kernels.load;
import static dev.meseta.compiler.kernel.Kernels.mul;
import static dev.meseta.compiler.kernel.Kernels.splat;
import static dev.meseta.compiler.kernel.Kernels.store;
import static dev.meseta.compiler.kernel.Kernels.variable;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The register tile of a matrix product becomes multiply-adds on registers, and nothing else, on every family of processors. */
class TargetTest {
    private static Kernel tile(int rows, int vectors, int lanes) {
        Type v = new Type(DType.F32, lanes);
        int columns = vectors * lanes;
        List<Stmt> body = new ArrayList<>();
        List<Stmt> step = new ArrayList<>();
        Expr.Var k = variable("k");
        for (int c = 0; c < vectors; c++) step.add(new Stmt.Let("b" + c, load(1, add(mul(k, columns), c * lanes), v)));
        for (int r = 0; r < rows; r++) {
            step.add(new Stmt.Let("a" + r, splat(load(0, add(k, r * 64), Type.of(DType.F32)), lanes)));
            for (int c = 0; c < vectors; c++) {
                String name = "c" + r + "_" + c;
                body.add(new Stmt.Declare(name, Kernels.f32(0, lanes)));
                Expr product = Kernels.fma(variable("a" + r, v), variable("b" + c, v), variable(name, v));
                step.add(new Stmt.Assign(name, product));
            }
        }
        body.add(Kernels.loop("k", index(0), index(64), 1, Kernels.block(step)));
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < vectors; c++)
                body.add(store(2, index((long) r * columns + c * lanes), variable("c" + r + "_" + c, v)));
        return new Kernel(
                "tile",
                List.of(
                        new Kernel.Buffer("a", DType.F32, Kernel.Access.READ, index(rows * 64L)),
                        new Kernel.Buffer("b", DType.F32, Kernel.Access.READ, index(columns * 64L)),
                        new Kernel.Buffer("c", DType.F32, Kernel.Access.WRITE, index((long) rows * columns))),
                0,
                index(1),
                Kernels.block(body));
    }

    private static long count(String assembly, String instruction) {
        return Pattern.compile(instruction).matcher(assembly).results().count();
    }

    private static String assembly(String triple, String cpu, Kernel kernel) {
        return assembly(new LlvmTarget(triple, cpu, ""), kernel);
    }

    private static String assembly(LlvmTarget target, Kernel kernel) {
        return new KernelCompiler(target, false).assembly(kernel);
    }

    @Test
    void avx2() {
        String code = assembly("x86_64-unknown-linux-gnu", "znver3", tile(6, 2, 8));
        assertEquals(12, count(code, "vfmadd\\w+ps.*%ymm"), code);
        assertEquals(0, count(code, "vmov[au]ps.*\\(%rsp\\)"), code);
    }

    @Test
    void avx512() {
        String code = assembly("x86_64-unknown-linux-gnu", "skylake-avx512", tile(12, 2, 16));
        assertEquals(24, count(code, "vfmadd\\w+ps.*%zmm"), code);
        assertEquals(0, count(code, "vmov[au]ps.*\\(%rsp\\)"), code);
    }

    /** The others have SVE, too, whose vectors may have any length where nothing is said. */
    @ParameterizedTest
    @ValueSource(strings = {"cortex-a76", "neoverse-v1", "neoverse-n2", "neoverse-v2"})
    void neon(String cpu) {
        String code = assembly("aarch64-unknown-linux-gnu", cpu, tile(6, 4, 4));
        assertEquals(24, count(code, "\\bfmla\\s+v"), code);
        assertEquals(0, count(code, "(str|ldr)\\s+q\\d+, \\[sp"), code);
    }

    @ParameterizedTest
    @CsvSource({"neoverse-v1,256", "a64fx,512"})
    void sve(String cpu, int bits) {
        LlvmTarget target = new LlvmTarget("aarch64-unknown-linux-gnu", cpu, "", bits);
        String code = assembly(target, tile(8, 3, bits / 32));
        assertEquals(24, count(code, "\\b(fmla|fmad)\\s+z\\d+\\.s"), code);
        assertEquals(0, count(code, "\\b(fmla|ldr|ldp|ld1)\\s+[vq]\\d"), code);
        assertEquals(0, count(code, "(str|ldr|st1w|ld1w)\\s+[{]? ?z\\d.*\\[sp"), code);
    }

    @Test
    void anUnknownTargetIsRefused() {
        KernelCompiler compiler = new KernelCompiler(new LlvmTarget("z80-unknown-none", "", ""), false);
        String message = assertThrows(IllegalStateException.class, () -> compiler.object(tile(1, 1, 1)))
                .getMessage();
        assertTrue(message.contains("z80"), message);
    }
}
