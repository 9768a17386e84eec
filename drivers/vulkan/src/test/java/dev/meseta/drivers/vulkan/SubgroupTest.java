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
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What members of a subgroup read of each other, in every round of a loop. */
class SubgroupTest {
    /** Every member adds what every third shares, and what its neighbour does, three times. */
    private static Kernel kernel(int team, DType dtype) {
        Type pair = new Type(Type.widened(dtype), 2);
        Expr.Var sum = new Expr.Var("sum", pair);
        List<Stmt> body = new ArrayList<>();
        body.add(new Stmt.Share("x", sum));
        Expr next = new Expr.Var("x", pair);
        for (int m = 0; m < team; m += 3) next = Kernels.add(next, new Expr.OfMember("x", Kernels.index(m), pair));
        Expr neighbour = Kernels.apply(MapFunction.XOR, Kernel.MEMBER_VARIABLE, Kernels.index(1));
        next = Kernels.add(next, new Expr.OfMember("x", neighbour, pair));
        body.add(new Stmt.Assign("sum", next));
        return TeamKernels.of("subgroup", team, dtype, pair, 3, Kernels.block(body));
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "I32", "F64", "I64", "F16"})
    void share(DType dtype) throws IOException, InterruptedException {
        int team = KernelRunner.device().target().subgroup();
        Assumptions.assumeTrue(team > 1, "the device has no subgroups that share registers");
        Kernel k = kernel(team, dtype);
        Tensor from = Tensor.allocate(dtype, Shape.of(2L * team * TeamKernels.GRID));
        for (long i = 0; i < from.elements(); i++) from.setDouble(i, i % 7);
        KernelRunner.compare(k, List.of(from, Tensor.allocate(dtype, from.shape())), List.of(), 0);
        Validator validator = Validator.find();
        for (boolean checking : new boolean[] {false, true}) {
            Bounds bounds = Bounds.of(k, List.of(), List.of(16L, 16L), checking ? 0 : 1);
            ShaderOptions options =
                    new ShaderOptions(team, checking, FloatControls.ALL, true, !checking, team, Long.MAX_VALUE);
            validator.check(KernelEmitter.emit(k, bounds, options), "a subgroup", k);
        }
    }
}
