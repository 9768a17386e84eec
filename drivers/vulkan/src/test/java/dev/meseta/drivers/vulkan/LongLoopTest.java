package dev.meseta.drivers.vulkan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.compiler.spirv.Bounds;
import dev.meseta.compiler.spirv.FloatControls;
import dev.meseta.compiler.spirv.KernelEmitter;
import dev.meseta.compiler.spirv.ShaderOptions;
import dev.meseta.driver.Device;
import dev.meseta.driver.DeviceException;
import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Loops of more rounds than a device takes that ends them: they are right, or refused. */
class LongLoopTest {
    private static final Type I32 = Type.of(DType.I32);

    /** The sum of all elements, by one iteration of the grid. */
    private static Kernel sum(Expr elements, int extents) {
        Expr.Var sum = new Expr.Var("sum", I32);
        Stmt add = new Stmt.Assign("sum", Kernels.add(sum, Kernels.load(0, Kernels.variable("i"), I32)));
        return new Kernel(
                "sum",
                List.of(
                        new Kernel.Buffer("from", DType.I32, Kernel.Access.READ, elements),
                        new Kernel.Buffer("to", DType.I32, Kernel.Access.WRITE, Kernels.index(1))),
                extents,
                Kernels.index(1),
                Kernels.block(
                        new Stmt.Declare("sum", new Expr.Int(I32, 0)),
                        Kernels.loop("i", Kernels.index(0), elements, 1, add),
                        Kernels.store(1, Kernels.index(0), sum)));
    }

    private static Tensor numbers(long n) {
        Tensor from = Tensor.allocate(DType.I32, Shape.of(n));
        for (long i = 0; i < n; i++) from.setLong(i, i % 101 + 1);
        return from;
    }

    @ParameterizedTest
    @ValueSource(longs = {65_000, 70_001, 200_000, 1_000_003})
    void areWhole(long n) {
        List<Tensor> buffers = List.of(numbers(n), Tensor.allocate(DType.I32, Shape.of(1)));
        KernelRunner.compare(sum(Kernels.index(n), 0), buffers, List.of(), 0);
        KernelRunner.compare(sum(Kernels.extent(0), 1), buffers, List.of(n), 0);
    }

    @Test
    void areRefusedWhereTheyAreTooLong() {
        Device device = KernelRunner.unchecked();
        Assumptions.assumeTrue(
                device.properties().getOrDefault("kind", "").startsWith("a processor"), "only some devices end loops");
        long n = 5_000_000;
        Kernel k = sum(Kernels.index(n), 0);
        List<Tensor> buffers = List.of(numbers(n), Tensor.allocate(DType.I32, Shape.of(1)));
        DeviceException e = assertThrows(
                DeviceException.class,
                () -> KernelRunner.run(
                        device, KernelRunner.unchecked().load(KernelRunner.commands(k, buffers, List.of())), buffers));
        assertTrue(String.valueOf(e.getMessage()).contains("rounds of loops"), e.getMessage());
    }

    @Test
    void takeSeveralStepsARound() throws IOException, InterruptedException {
        Kernel k = sum(Kernels.index(200_000), 0);
        Bounds bounds = Bounds.of(k, List.of(), List.of(16L, 16L), 1);
        ShaderOptions options = new ShaderOptions(8, false, FloatControls.ALL, true, true, 0, 65_535);
        var module = KernelEmitter.emit(k, bounds, options);
        assertEquals(50_000, module.rounds());
        Validator.find().check(module, "a long loop", k);
    }
}
