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
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** F16 to F32 and back, of every code there is, by the device's registers where it promises how, and bit by bit where not. */
class HalvesTest {
    private static final int CODES = 1 << 16;

    private static Kernel copy(DType from, DType to, int elements) {
        Expr x = Kernels.load(0, Kernel.GRID_VARIABLE, Type.of(DType.F32));
        return new Kernel(
                "halves",
                List.of(
                        new Kernel.Buffer("from", from, Kernel.Access.READ, Kernels.index(elements)),
                        new Kernel.Buffer("to", to, Kernel.Access.WRITE, Kernels.index(elements))),
                0,
                Kernels.index(elements),
                Kernels.store(1, Kernel.GRID_VARIABLE, x));
    }

    private static Tensor codes() {
        Tensor all = Tensor.allocate(DType.F16, Shape.of(CODES));
        for (int i = 0; i < CODES; i++) all.data().set(ValueLayout.JAVA_SHORT, 2L * i, (short) i);
        return all;
    }

    @Test
    void areRead() {
        Tensor to = Tensor.allocate(DType.F32, Shape.of(CODES));
        KernelRunner.compare(copy(DType.F16, DType.F32, CODES), List.of(codes(), to), List.of(), 0);
    }

    /** Each number that there is, halfway to the next, and a step to either side of it. */
    @Test
    void areWritten() {
        Tensor codes = codes();
        Tensor from = Tensor.allocate(DType.F32, Shape.of(4L * CODES));
        for (int i = 0; i < CODES; i++) {
            float x = (float) codes.getDouble(i);
            float next = (float) codes.getDouble(Math.min(i + 1, CODES - 1));
            if (Float.isInfinite(next)) next = Math.copySign(65536, next);
            float half = Float.isFinite(x) ? (x + next) / 2 : x;
            float[] values = {x, half, Math.nextUp(half), Math.nextDown(half)};
            for (int k = 0; k < values.length; k++) from.setDouble(4L * i + k, values[k]);
        }
        Tensor to = Tensor.allocate(DType.F16, from.shape());
        KernelRunner.compare(copy(DType.F32, DType.F16, 4 * CODES), List.of(from, to), List.of(), 0);
    }

    @Test
    void areValid() throws IOException, InterruptedException {
        Validator validator = Validator.find();
        FloatControls flushed = new FloatControls(true, true, true, true, true, false);
        for (FloatControls floats : List.of(FloatControls.ALL, flushed, FloatControls.NONE)) {
            for (Kernel k : Stream.of(copy(DType.F16, DType.F32, 8), copy(DType.F32, DType.F16, 8))
                    .toList()) {
                ShaderOptions options = new ShaderOptions(64, false, floats, true, false, 0, Long.MAX_VALUE);
                Bounds bounds = Bounds.of(k, List.of(), List.of(16L, 16L), 0);
                validator.check(KernelEmitter.emit(k, bounds, options), "halves", k);
            }
        }
    }
}
