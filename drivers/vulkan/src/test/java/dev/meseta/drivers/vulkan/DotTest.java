package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
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
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sums of products of bytes are exact, by the device's instruction and without. */
class DotTest {
    private static final int GRID = 9;

    private static Kernel kernel(int lanes) {
        Type sums = new Type(DType.I32, lanes);
        Expr four = Kernels.mul(Kernel.GRID_VARIABLE, 4L * lanes);
        Expr one = Kernels.mul(Kernel.GRID_VARIABLE, lanes);
        Expr dot = new Expr.Dot(
                Kernels.load(0, four, new Type(DType.U8, 4 * lanes)),
                Kernels.load(1, four, new Type(DType.I8, 4 * lanes)),
                Kernels.load(2, one, sums),
                false);
        return new Kernel(
                "dot",
                List.of(
                        new Kernel.Buffer("left", DType.U8, Kernel.Access.READ, Kernels.index(4L * lanes * GRID)),
                        new Kernel.Buffer("right", DType.I8, Kernel.Access.READ, Kernels.index(4L * lanes * GRID)),
                        new Kernel.Buffer("sum", DType.I32, Kernel.Access.READ, Kernels.index((long) lanes * GRID)),
                        new Kernel.Buffer("to", DType.I32, Kernel.Access.WRITE, Kernels.index((long) lanes * GRID))),
                0,
                Kernels.index(GRID),
                Kernels.store(3, one, dot));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 8})
    void isExact(int lanes) {
        Random random = new Random(lanes);
        Tensor left = Tensor.allocate(DType.U8, Shape.of(4L * lanes * GRID));
        Tensor right = Tensor.allocate(DType.I8, left.shape());
        Tensor sum = Tensor.allocate(DType.I32, Shape.of((long) lanes * GRID));
        for (long i = 0; i < left.elements(); i++) {
            left.setLong(i, random.nextInt(3) == 0 ? 255 : random.nextInt(256));
            right.setLong(i, random.nextInt(3) == 0 ? -128 : random.nextInt(-128, 128));
        }
        for (long i = 0; i < sum.elements(); i++) sum.setLong(i, random.nextInt());
        KernelRunner.compare(
                kernel(lanes), List.of(left, right, sum, Tensor.allocate(DType.I32, sum.shape())), List.of(), 0);
    }

    @Test
    void areValid() throws IOException, InterruptedException {
        Validator validator = Validator.find();
        for (boolean dots : new boolean[] {false, true}) {
            Kernel k = kernel(4);
            Bounds bounds = Bounds.of(k, List.of(), List.of(16L, 16L, 16L, 16L), 0);
            ShaderOptions options = new ShaderOptions(64, false, FloatControls.ALL, dots, false, 0, Long.MAX_VALUE);
            validator.check(KernelEmitter.emit(k, bounds, options), "dots " + dots, k);
        }
    }
}
