package dev.meseta.drivers.cpu;

import static dev.meseta.compiler.kernel.Kernels.add;
import static dev.meseta.compiler.kernel.Kernels.apply;
import static dev.meseta.compiler.kernel.Kernels.extent;
import static dev.meseta.compiler.kernel.Kernels.index;
import static dev.meseta.compiler.kernel.Kernels.load;
import static dev.meseta.compiler.kernel.Kernels.store;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.compiler.llvm.KernelCompiler;
import dev.meseta.compiler.llvm.LlvmTarget;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.CommandList.Binding;
import dev.meseta.driver.Driver;
import dev.meseta.driver.Executable;
import dev.meseta.driver.KernelDevice;
import dev.meseta.driver.plan.ObjectCache;
import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

class CpuExecutableTest {
    private static final Type F32 = Type.of(DType.F32);
    private static final WorkerPool TWO = new WorkerPool(2);

    private static KernelCache cache(boolean checking) {
        return new KernelCache(new KernelCompiler(LlvmTarget.host(), checking), ObjectCache.configured("kernels"), 2);
    }

    private static final KernelCache PLAIN = cache(false);
    private static final KernelCache CHECKED = cache(true);

    private static Executable executable(CommandList list) {
        return Plan.of(list, new KernelBatch(PLAIN, 2)).executable(TWO);
    }

    private static Kernel.Buffer buffer(String name, DType t, Kernel.Access access, Expr elements) {
        return new Kernel.Buffer(name, t, access, elements);
    }

    /** y[i] = x[i] + c[0]. */
    private static Kernel addScalar() {
        return new Kernel(
                "add_scalar",
                List.of(
                        buffer("x", DType.F32, Kernel.Access.READ, extent(0)),
                        buffer("c", DType.F32, Kernel.Access.READ, index(1)),
                        buffer("y", DType.F32, Kernel.Access.WRITE, extent(0))),
                1,
                extent(0),
                store(2, Kernel.GRID_VARIABLE, add(load(0, Kernel.GRID_VARIABLE, F32), load(1, index(0), F32))));
    }

    private static CommandList.Launch launch(Kernel k, List<Binding> bindings, Long... extents) {
        return new CommandList.Launch(k, bindings, List.of(extents), "node 'test'");
    }

    private static TensorType f32(long n) {
        return new TensorType(DType.F32, Shape.of(n));
    }

    static CommandList chain(long n) {
        return new CommandList(
                List.of(
                        new CommandList.InputSlot(4 * n),
                        new CommandList.ConstantSlot(Tensor.of(new float[] {1.5f})),
                        new CommandList.TemporarySlot(4 * n, 0),
                        new CommandList.OutputSlot(4 * n)),
                List.of(
                        launch(addScalar(), List.of(Binding.of(0), Binding.of(1), Binding.of(2)), n),
                        launch(addScalar(), List.of(Binding.of(2), Binding.of(1), Binding.of(3)), n)),
                List.of(0),
                List.of(
                        new CommandList.Output(3, f32(n)),
                        new CommandList.Output(0, f32(n)),
                        new CommandList.Output(3, f32(n))),
                (4 * n + 63) / 64 * 64);
    }

    @Test
    void theDriverOffersTheProcessor() {
        Driver cpu = new CpuDriver();
        assertEquals("", cpu.unavailable());
        KernelDevice device = (KernelDevice) cpu.devices().getFirst();
        assertTrue(device.target().threads() >= 1);
        Executable e = device.load(chain(3));
        assertArrayEquals(
                new float[] {4, 5, 6},
                TestJob.run(e, List.of(Tensor.of(new float[] {1, 2, 3})))
                        .getFirst()
                        .toFloats());
        assertTrue(e.describe().contains("add_scalar"), e.describe());
    }

    @Test
    void outputsOfEveryKindWork() {
        Executable e = executable(chain(3));
        Tensor x = Tensor.of(new float[] {1, 2, 3});
        for (int i = 0; i < 3; i++) {
            List<Tensor> out = TestJob.run(e, List.of(x));
            assertArrayEquals(new float[] {4, 5, 6}, out.get(0).toFloats());
            assertArrayEquals(new float[] {1, 2, 3}, out.get(1).toFloats());
            assertArrayEquals(new float[] {4, 5, 6}, out.get(2).toFloats());
        }
    }

    @Test
    void bigLaunchesAreShared() {
        long n = 1 << 20;
        Executable e = executable(chain(n));
        assertTrue(e.describe().contains(" by "), e.describe());
        Tensor x = Tensor.allocate(f32(n));
        for (int i = 0; i < n; i++) x.setDouble(i, i % 1000);
        Tensor y = TestJob.run(e, List.of(x)).getFirst();
        for (int i = 0; i < n; i++) assertEquals(i % 1000 + 3, y.getDouble(i));
    }

    @Test
    void manyThreadsRunOneExecutable() throws Exception {
        long n = 50_000;
        Executable e = executable(chain(n));
        try (var executor = Executors.newFixedThreadPool(6)) {
            var futures = new ArrayList<java.util.concurrent.Future<?>>();
            for (int t = 0; t < 6; t++) {
                int value = t;
                futures.add(executor.submit(() -> {
                    Tensor x = Tensor.allocate(f32(n));
                    for (int i = 0; i < n; i++) x.setDouble(i, value);
                    for (int r = 0; r < 50; r++) {
                        Tensor y = TestJob.run(e, List.of(x)).getFirst();
                        for (int i = 0; i < n; i += 97) assertEquals(value + 3, y.getDouble(i));
                    }
                }));
            }
            for (var f : futures) f.get();
        }
    }

    /** A plan with every kind of command: input 0 is counted down, what input 1 holds is taken in reverse. */
    static CommandList control() {
        // Slot 3 counts down to 0; slot 4 says whether it is still above.
        Kernel countDown = new Kernel(
                "count_down",
                List.of(
                        buffer("n", DType.F32, Kernel.Access.READ_WRITE, index(1)),
                        buffer("more", DType.BOOL, Kernel.Access.WRITE, index(1))),
                0,
                index(1),
                Kernels.block(
                        store(1, index(0), apply(MapFunction.GT, load(0, index(0), F32), Kernels.f32(1, 1))),
                        store(0, index(0), add(load(0, index(0), F32), Kernels.f32(-1, 1)))));
        Kernel accumulate = addScalar();
        return new CommandList(
                List.of(
                        new CommandList.InputSlot(4),
                        new CommandList.InputSlot(16),
                        new CommandList.OutputSlot(4),
                        new CommandList.TemporarySlot(4, 0),
                        new CommandList.TemporarySlot(1, 64),
                        new CommandList.TemporarySlot(4, 128),
                        new CommandList.OutputSlot(16)),
                List.of(
                        new CommandList.Copy(Binding.of(0), Binding.of(3), 4),
                        new CommandList.Copy(Binding.of(0), Binding.of(2), 4),
                        new CommandList.RepeatWhile(
                                List.of(launch(countDown, List.of(Binding.of(3), Binding.of(4)))),
                                Binding.of(4),
                                List.of(
                                        launch(accumulate, List.of(Binding.of(2), Binding.of(0), Binding.of(5)), 1L),
                                        new CommandList.Copy(Binding.of(5), Binding.of(2), 4))),
                        new CommandList.Repeat(
                                2,
                                true,
                                List.of(new CommandList.Repeat(
                                        2,
                                        false,
                                        List.of(launch(
                                                accumulate,
                                                List.of(
                                                        new Binding(1, 0, List.of(8L, 4L)),
                                                        Binding.of(2),
                                                        new Binding(6, 12, List.of(-8L, -4L))),
                                                1L))))),
                        new CommandList.Conditional(
                                Binding.of(4),
                                List.of(new CommandList.Copy(Binding.of(1), Binding.of(6), 16)),
                                List.of())),
                List.of(0, 1),
                List.of(new CommandList.Output(2, f32(1)), new CommandList.Output(6, f32(4))),
                192);
    }

    @Test
    void controlCommandsFollowTheirBytes() {
        CommandList list = control();
        List<Tensor> out =
                TestJob.run(executable(list), List.of(Tensor.of(new float[] {5}), Tensor.of(new float[] {1, 2, 3, 4})));
        assertArrayEquals(new float[] {25}, out.get(0).toFloats());
        assertArrayEquals(new float[] {29, 28, 27, 26}, out.get(1).toFloats());
    }

    @Test
    void aCommandThatLeavesItsSlotIsRefused() {
        CommandList good = chain(4);
        for (Binding bad : List.of(
                Binding.of(3, 4), Binding.of(3, -4), Binding.of(1), Binding.of(9), new Binding(3, 0, List.of(4L)))) {
            CommandList list = new CommandList(
                    good.slots(),
                    List.of(launch(addScalar(), List.of(Binding.of(0), Binding.of(1), bad), 4L)),
                    good.inputs(),
                    good.outputs(),
                    good.arenaBytes());
            String message = assertThrows(IllegalArgumentException.class, () -> executable(list))
                    .getMessage();
            assertTrue(message.contains("node 'test'"), message);
        }
    }

    @Test
    void failuresAreReported() {
        Kernel bad = new Kernel(
                "bad",
                List.of(buffer("y", DType.F32, Kernel.Access.WRITE, index(4))),
                1,
                index(1),
                Kernels.block(
                        new Stmt.Check(Kernels.lt(extent(0), index(10)), Stmt.Failure.POSITION_OUTSIDE),
                        store(0, extent(0), Kernels.f32(1, 1))));
        for (long at : new long[] {3, 4, -1, 12}) {
            CommandList list = new CommandList(
                    List.of(new CommandList.OutputSlot(16)),
                    List.of(launch(bad, List.of(Binding.of(0)), at)),
                    List.of(),
                    List.of(new CommandList.Output(0, f32(4))),
                    0);
            Executable e = Plan.of(list, new KernelBatch(CHECKED, 2)).executable(TWO);
            if (at == 3) {
                assertArrayEquals(
                        new float[] {0, 0, 0, 1},
                        TestJob.run(e, List.of()).getFirst().toFloats());
            } else if (at == 12) {
                String message = assertThrows(InvalidInputException.class, () -> TestJob.run(e, List.of()))
                        .getMessage();
                assertTrue(message.contains("node 'test'"), message);
            } else {
                String message = assertThrows(IllegalStateException.class, () -> TestJob.run(e, List.of()))
                        .getMessage();
                assertTrue(message.contains("index " + at) && message.contains("(y, f32) of 4"), message);
            }
        }
    }
}
