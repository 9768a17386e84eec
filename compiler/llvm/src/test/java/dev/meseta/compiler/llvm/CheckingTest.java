package dev.meseta.compiler.llvm;

import static dev.meseta.compiler.kernel.Kernels.index;
import static dev.meseta.compiler.kernel.Kernels.load;
import static dev.meseta.compiler.kernel.Kernels.store;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelInterpreter;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.machine.ArgumentLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

/** In checking mode an access outside is reported with its index and does not happen. */
class CheckingTest {
    private static final Type I64X4 = new Type(DType.I64, 4);
    private static final Type F32X4 = new Type(DType.F32, 4);
    private static final long MARK = 77;

    private static final int BUFFERS = 10;

    /** Runs a statement on x: f32[8] (buffer 0) and y: f32[8] (buffer 1), which sits in the middle of a larger tensor of marks. */
    private static void outside(long code, long index, Stmt body) {
        List<Kernel.Buffer> buffers = List.of(
                new Kernel.Buffer("x", DType.F32, Kernel.Access.READ, index(8)),
                new Kernel.Buffer("y", DType.F32, Kernel.Access.READ_WRITE, index(8)));
        Kernel k = new Kernel("outside", buffers, 1, index(1), body);
        Tensor x = Tensor.allocate(DType.F32, Shape.of(8));
        Tensor y = Tensor.allocate(DType.F32, Shape.of(BUFFERS * 8));
        for (int i = 0; i < y.elements(); i++) y.setDouble(i, MARK);
        long[] status = new long[2];
        List<Tensor> after = Runner.machine(k, List.of(x, y), List.of(6L), true, status);
        assertEquals(code, status[0]);
        assertEquals(index, status[1]);
        for (int i = 8; i < y.elements(); i++) assertEquals(MARK, after.get(1).getDouble(i), "element " + i);
        assertThrows(KernelInterpreter.Violation.class, () -> Runner.interpreted(k, List.of(x, y), List.of(6L)));
    }

    private static Expr vector(long a, long b, long c, long d) {
        Expr v = new Expr.Int(I64X4, a);
        long[] all = {a, b, c, d};
        for (int i = 1; i < 4; i++) {
            List<Integer> lanes = List.of(0, i > 1 ? 1 : 4, i > 2 ? 2 : i == 2 ? 4 : 0, i == 3 ? 4 : 0);
            v = new Expr.Shuffle(v, new Expr.Int(I64X4, all[i]), lanes);
        }
        return v;
    }

    @Test
    void scalars() {
        outside(ArgumentLayout.BUFFER + 1, 8, store(1, index(8), Kernels.f32(1, 1)));
        outside(ArgumentLayout.BUFFER + 1, -1, store(1, index(-1), Kernels.f32(1, 1)));
        outside(ArgumentLayout.BUFFER, 8, store(1, index(0), load(0, index(8), Type.of(DType.F32))));
        outside(
                ArgumentLayout.BUFFER,
                Long.MAX_VALUE,
                store(1, index(0), load(0, index(Long.MAX_VALUE), Type.of(DType.F32))));
    }

    @Test
    void runsOfLanes() {
        // 6, 7, 8, 9: the report names the last lane outside.
        outside(ArgumentLayout.BUFFER + 1, 9, store(1, Kernels.extent(0), Kernels.f32(1, 4)));
        outside(ArgumentLayout.BUFFER, 9, store(1, index(0), load(0, Kernels.extent(0), F32X4)));
    }

    @Test
    void scatteredLanes() {
        outside(ArgumentLayout.BUFFER + 1, 8, store(1, vector(1, 8, 2, 3), Kernels.f32(1, 4)));
        outside(ArgumentLayout.BUFFER, -5, store(1, index(0), load(0, vector(1, 0, -5, 3), F32X4)));
    }

    @Test
    void lanesThatTakeNoPartMayPointAnywhere() {
        Expr mask = Kernels.apply(MapFunction.LT, Kernels.ramp(Kernels.extent(0), 1, 4), new Expr.Int(I64X4, 8));
        List<Kernel.Buffer> buffers = List.of(new Kernel.Buffer("y", DType.F32, Kernel.Access.READ_WRITE, index(8)));
        Stmt body = store(0, Kernels.extent(0), load(0, Kernels.extent(0), F32X4, mask), mask);
        Kernel k = new Kernel("masked", buffers, 1, index(1), body);
        Tensor y = Tensor.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8});
        Runner.compare(k, List.of(y), List.of(6L), new double[1], true);
    }

    @Test
    void localArrays() {
        Stmt body = Kernels.block(
                new Stmt.LocalArray("a", Type.of(DType.F32), 4),
                new Stmt.StoreLocal("a", Kernels.extent(0), Kernels.f32(1, 1)));
        outside(ArgumentLayout.LOCAL_ARRAY, 6, body);
    }
}
