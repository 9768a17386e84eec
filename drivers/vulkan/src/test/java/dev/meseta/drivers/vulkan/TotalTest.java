package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.compiler.spirv.Bounds;
import dev.meseta.compiler.spirv.FloatControls;
import dev.meseta.compiler.spirv.KernelEmitter;
import dev.meseta.compiler.spirv.ShaderOptions;
import dev.meseta.graph.DType;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What all members of a team have, combined: of teams that are a subgroup, of some subgroups, and less than one; twice, in a loop. */
class TotalTest {
    /** Every member adds to its number what all have, and then what all have of that. */
    private static Kernel kernel(int team, ReduceKind kind, DType dtype) {
        Type type = Type.of(dtype);
        Expr.Var sum = new Expr.Var("sum", type);
        Stmt body = Kernels.block(
                new Stmt.Total("all", kind, sum), new Stmt.Assign("sum", Kernels.add(sum, new Expr.Var("all", type))));
        return TeamKernels.of("total", team, dtype, type, 2, body);
    }

    /** Small integers, whose sums and products are exact in any order; the last team's floats hold what instructions do not promise. */
    private static Tensor numbers(int team, ReduceKind kind, DType dtype) {
        Tensor from = Tensor.allocate(dtype, Shape.of((long) team * TeamKernels.GRID));
        for (int i = 0; i < from.elements(); i++) {
            double x = kind == ReduceKind.PROD ? (i % 5 == 0 ? -2 : 1) : i % 13 - 6;
            if (dtype == DType.F32 && kind == ReduceKind.PROD && team > 64) x = i % 50 == 0 ? -2 : 1;
            from.setDouble(i, x);
        }
        if (!dtype.isFloat()) return from;
        from.setDouble(2L * team - 1, Double.NEGATIVE_INFINITY);
        from.setDouble(2L * team + 1, -Double.NaN);
        return from;
    }

    @ParameterizedTest
    @CsvSource({
        "SUM, F32",
        "PROD, F32",
        "MIN, F32",
        "MAX, F32",
        "SUM, I32",
        "PROD, I32",
        "MIN, I32",
        "MAX, I32",
    })
    void combine(ReduceKind kind, DType dtype) {
        Assumptions.assumeTrue(
                KernelRunner.device().target().totals() > 0, "the device combines nothing over its subgroups");
        for (int team : new int[] {2, 4, 8, 16, 64, 256}) {
            Tensor from = numbers(team, kind, dtype);
            KernelRunner.compare(
                    kernel(team, kind, dtype), List.of(from, Tensor.allocate(dtype, from.shape())), List.of(), 0);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 8})
    void areValid(int subgroup) throws IOException, InterruptedException {
        Validator validator = Validator.find();
        for (boolean checking : new boolean[] {false, true}) {
            for (ReduceKind kind : List.of(ReduceKind.SUM, ReduceKind.PROD, ReduceKind.MIN, ReduceKind.MAX)) {
                for (DType dtype : List.of(DType.F32, DType.I32)) {
                    Kernel k = kernel(8, kind, dtype);
                    Bounds bounds = Bounds.of(k, List.of(), List.of(16L, 16L), checking ? 0 : 1);
                    ShaderOptions options = new ShaderOptions(
                            8, checking, FloatControls.ALL, true, !checking, subgroup, Long.MAX_VALUE);
                    validator.check(KernelEmitter.emit(k, bounds, options), "a total", k);
                }
            }
        }
    }
}
