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
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Teams: what one member writes to shared arrays, the others see behind a barrier, in every round of a loop. */
class TeamTest {
    private static final int ROUNDS = 3;

    /** Every member gives its number to the one opposite, and adds what it got, three times. */
    private static Kernel kernel(int team, int grid) {
        Type f32 = Type.of(DType.F32);
        Expr me = Kernel.MEMBER_VARIABLE;
        Expr at = Kernels.add(Kernels.mul(Kernel.GRID_VARIABLE, team), me);
        Expr opposite = Kernels.sub(Kernels.index(team - 1), me);
        Expr.Var sum = new Expr.Var("sum", f32);
        Stmt body = Kernels.block(
                new Stmt.StoreLocal("shared", me, sum),
                new Stmt.Barrier(),
                new Stmt.Assign("sum", Kernels.add(sum, new Expr.LoadLocal("shared", opposite, f32))),
                new Stmt.Barrier());
        int elements = team * grid;
        return new Kernel(
                "team",
                List.of(
                        new Kernel.Buffer("from", DType.F32, Kernel.Access.READ, Kernels.index(elements)),
                        new Kernel.Buffer("to", DType.F32, Kernel.Access.WRITE, Kernels.index(elements))),
                0,
                Kernels.index(grid),
                team,
                Kernels.block(
                        new Stmt.SharedArray("shared", f32, team),
                        new Stmt.Declare("sum", Kernels.load(0, at, f32)),
                        Kernels.loop("i", Kernels.index(0), Kernels.index(ROUNDS), 1, body),
                        Kernels.store(1, at, sum)));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 8, 20, 64, 256})
    void share(int team) {
        Kernel k = kernel(team, 3);
        Tensor from = Tensor.allocate(DType.F32, Shape.of(team * 3L));
        for (long i = 0; i < from.elements(); i++) from.setDouble(i, i);
        KernelRunner.compare(k, List.of(from, Tensor.allocate(DType.F32, from.shape())), List.of(), 0);
    }

    @Test
    void areValid() throws IOException, InterruptedException {
        Validator validator = Validator.find();
        for (boolean checking : new boolean[] {false, true}) {
            Kernel k = kernel(64, 5);
            Bounds bounds = Bounds.of(k, List.of(), List.of(16L, 16L), checking ? 0 : 1);
            ShaderOptions options =
                    new ShaderOptions(64, checking, FloatControls.ALL, true, !checking, 0, Long.MAX_VALUE);
            validator.check(KernelEmitter.emit(k, bounds, options), "a team", k);
        }
    }
}
