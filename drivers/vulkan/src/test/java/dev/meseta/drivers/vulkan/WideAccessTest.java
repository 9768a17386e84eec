package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Elements behind each other are read and written as words of eight bytes where they are aligned so: with every type, and at every place. */
class WideAccessTest {
    private static final int GRID = 5;

    /** Lanes that a mask leaves out may lie before the first element and behind the last one. */
    @ParameterizedTest
    @ValueSource(ints = {-7, -4, -3, -2, -1, 0, 1, 2, 3, 5})
    void masksReachBeyond(int first) {
        int lanes = 4;
        int elements = 6;
        for (DType t : List.of(DType.F32, DType.I64, DType.U8, DType.F16)) {
            Tensor from = Tensor.allocate(t, Shape.of(elements));
            for (int i = 0; i < elements; i++) {
                if (t.isFloat()) from.setDouble(i, i + 1);
                else from.setLong(i, i + 1);
            }
            Expr index = new Expr.Ramp(Kernels.index(first), 1, lanes);
            Expr inside = Kernels.and(
                    Kernels.apply(MapFunction.GE, index, Kernels.splat(Kernels.index(0), lanes)),
                    Kernels.lt(index, Kernels.splat(Kernels.index(elements), lanes)));
            Expr value = Kernels.load(0, Kernels.index(first), new Type(Type.widened(t), lanes), inside);
            Kernel kernel = new Kernel(
                    "beyond",
                    List.of(
                            new Kernel.Buffer("from", t, Kernel.Access.READ, Kernels.index(elements)),
                            new Kernel.Buffer("to", t, Kernel.Access.WRITE, Kernels.index(lanes))),
                    0,
                    Kernels.index(1),
                    Kernels.store(1, Kernels.index(0), value));
            KernelRunner.compare(kernel, List.of(from, Tensor.allocate(t, Shape.of(lanes))), List.of(), 0);
        }
    }

    @ParameterizedTest
    @CsvSource({"2, 0", "4, 0", "8, 0", "16, 0", "8, 1", "8, 2", "8, 4", "16, 8", "3, 0", "12, 4"})
    void moves(int lanes, int first) {
        Random random = new Random(lanes * 100L + first);
        int elements = GRID * lanes + first;
        List<Kernel.Buffer> buffers = new ArrayList<>();
        List<Tensor> tensors = new ArrayList<>();
        List<Stmt> body = new ArrayList<>();
        Expr at = Kernels.add(Kernels.mul(Kernel.GRID_VARIABLE, lanes), first);
        for (DType t : DType.values()) {
            if (t.kind() == DType.Kind.COMPLEX) continue;
            for (Kernel.Access access : List.of(Kernel.Access.READ, Kernel.Access.WRITE)) {
                buffers.add(new Kernel.Buffer("b" + buffers.size(), t, access, Kernels.index(elements)));
                Tensor x = Tensor.allocate(t, Shape.of(elements));
                for (int i = 0; access == Kernel.Access.READ && i < elements; i++) {
                    if (t.isFloat()) x.setDouble(i, random.nextGaussian());
                    else x.setLong(i, random.nextInt());
                }
                tensors.add(x);
            }
            Expr value = Kernels.load(buffers.size() - 2, at, new Type(Type.widened(t), lanes));
            body.add(Kernels.store(buffers.size() - 1, at, value));
        }
        Kernel kernel = new Kernel("moves", buffers, 0, Kernels.index(GRID), Kernels.block(body));
        KernelRunner.compare(kernel, tensors, List.of(), 0);
    }
}
