package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Elements behind each other are read and written as words of eight bytes where they are aligned so: with every type, and at every place. */
class WideAccessTest {
    private static final int GRID = 5;

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
