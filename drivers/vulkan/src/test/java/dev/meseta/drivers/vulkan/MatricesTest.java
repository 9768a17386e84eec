package dev.meseta.drivers.vulkan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelVerifier;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.MatrixType;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.compiler.spirv.Bounds;
import dev.meseta.compiler.spirv.Capability;
import dev.meseta.compiler.spirv.FloatControls;
import dev.meseta.compiler.spirv.KernelEmitter;
import dev.meseta.compiler.spirv.ShaderOptions;
import dev.meseta.compiler.spirv.SpirvModule;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products of small matrices: their modules, and which of a device's are used. No device that has them is here. */
class MatricesTest {
    private static Kernel kernel(DType left, DType right, DType sum) {
        int depth = left == DType.F16 ? 16 : 32;
        MatrixType a = new MatrixType(left, 16, depth);
        MatrixType b = new MatrixType(right, depth, 16);
        Expr at = Kernels.mul(Kernel.MEMBER_VARIABLE, 8);
        Type eight = new Type(sum, 8);
        return new Kernel(
                "matrices",
                List.of(
                        new Kernel.Buffer("a", left, Kernel.Access.READ, Kernels.index(16L * 4 * depth)),
                        new Kernel.Buffer("b", right, Kernel.Access.READ, Kernels.index(16L * 4 * depth)),
                        new Kernel.Buffer("c", sum, Kernel.Access.WRITE, Kernels.index(256))),
                0,
                Kernels.index(1),
                32,
                Kernels.block(
                        new Stmt.SharedArray("sums", Type.of(sum), 256),
                        new Stmt.ZeroMatrix("s", new MatrixType(sum, 16, 16)),
                        Kernels.loop(
                                "k",
                                Kernels.index(0),
                                Kernels.index(4L * depth),
                                depth,
                                Kernels.block(
                                        new Stmt.LoadMatrix(
                                                "x", a, true, 0, Kernels.variable("k"), 4L * depth, Stmt.Order.ROWS),
                                        new Stmt.LoadMatrix(
                                                "y",
                                                b,
                                                false,
                                                1,
                                                Kernels.variable("k"),
                                                4L * depth,
                                                Stmt.Order.COLUMNS),
                                        new Stmt.MultiplyMatrices("s", "x", "y"))),
                        new Stmt.StoreMatrix("s", "sums", Kernels.index(0), 16),
                        new Stmt.Barrier(),
                        Kernels.store(2, at, new Expr.LoadLocal("sums", at, eight))));
    }

    @ParameterizedTest
    @CsvSource({"F16, F16, F32", "I8, I8, I32", "U8, I8, I32", "U8, U8, I32"})
    void areValid(DType left, DType right, DType sum) throws IOException, InterruptedException {
        Kernel k = kernel(left, right, sum);
        KernelVerifier.verify(k);
        // Debian 12's does not know SPV_KHR_cooperative_matrix.
        Validator validator = Validator.find().since(2023, 5);
        for (boolean checking : new boolean[] {false, true}) {
            ShaderOptions options = new ShaderOptions(64, checking, FloatControls.ALL, true, false, 0, Long.MAX_VALUE);
            SpirvModule module = KernelEmitter.emit(k, Bounds.of(k, List.of(), List.of(16L, 16L, 16L), 0), options);
            assertTrue(module.needs().contains(Capability.COOPERATIVE_MATRIX));
            validator.check(module, "matrices", k);
        }
    }

    /** As a device lists one: rows, columns, depth, the types of both factors, of the sum before and after, saturation, scope. */
    private static Struct listed(Object... fields) {
        return Struct.of(
                "VkCooperativeMatrixPropertiesKHR MSize NSize KSize AType BType CType ResultType saturatingAccumulation scope",
                fields);
    }

    @Test
    void areChosen() {
        List<Struct> all = List.of(
                listed(16, 8, 16, 0, 0, 1, 1, 0, 3),
                listed(16, 8, 16, 0, 0, 0, 0, 0, 3), // sums of F16
                listed(16, 8, 32, 7, 3, 5, 5, 0, 3),
                listed(16, 8, 32, 7, 3, 5, 5, 1, 3), // saturates
                listed(16, 16, 16, 0, 0, 1, 1, 0, 2), // of a workgroup
                listed(16, 8, 32, 3, 3, 5, 5, 0, 3));
        Target.Matrix mixed = new Target.Matrix(16, 8, 32, DType.U8, DType.I8, DType.I32, 32);
        Target.Matrix bytes = new Target.Matrix(16, 8, 32, DType.I8, DType.I8, DType.I32, 32);
        Target.Matrix halves = new Target.Matrix(16, 8, 16, DType.F16, DType.F16, DType.F32, 32);
        assertEquals(List.of(halves, mixed, bytes), Matrices.usable(all, 32, true));
        assertEquals(List.of(mixed, bytes), Matrices.usable(all, 32, false));
    }
}
