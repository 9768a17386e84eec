package dev.meseta.drivers.cpu;

import static dev.meseta.compiler.kernel.Kernels.add;
import static dev.meseta.compiler.kernel.Kernels.extent;
import static dev.meseta.compiler.kernel.Kernels.f32;
import static dev.meseta.compiler.kernel.Kernels.load;
import static dev.meseta.compiler.kernel.Kernels.store;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.CommandList.Binding;
import dev.meseta.driver.plan.PlanExecutable;
import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** Runs that are helped do each iteration once, whoever calls and however many at once. */
class WorkerPoolTest {
    private static final int LAUNCHES = 20;

    /** Adds 1 to its own element, so that an iteration that ran twice, or not at all, shows; long enough to be worth two threads. */
    private static Kernel count() {
        Type scalar = Type.of(DType.F32);
        Expr here = Kernel.GRID_VARIABLE;
        Expr.Var sum = Kernels.variable("s", scalar);
        return new Kernel(
                "count",
                List.of(
                        new Kernel.Buffer("x", DType.F32, Kernel.Access.READ, extent(0)),
                        new Kernel.Buffer("y", DType.F32, Kernel.Access.READ_WRITE, extent(0))),
                1,
                extent(0),
                Kernels.block(
                        new Stmt.Declare("s", load(0, here, scalar)),
                        Kernels.loop(
                                "i", Kernels.index(0), Kernels.index(50), 1, new Stmt.Assign("s", add(sum, f32(0, 1)))),
                        store(1, here, add(load(1, here, scalar), add(sum, f32(1, 1))))));
    }

    private static CommandList counting(long n) {
        List<CommandList.Command> commands = new ArrayList<>();
        commands.add(new CommandList.Copy(Binding.of(0), Binding.of(1), 4 * n));
        Kernel k = count();
        for (int i = 0; i < LAUNCHES; i++)
            commands.add(new CommandList.Launch(k, List.of(Binding.of(0), Binding.of(1)), List.of(n), "count"));
        return new CommandList(
                List.of(new CommandList.InputSlot(4 * n), new CommandList.OutputSlot(4 * n)),
                commands,
                List.of(0),
                List.of(new CommandList.Output(1, TensorType.of(DType.F32, n))),
                0);
    }

    private static void runsOnce(PlanExecutable executable, int n) {
        Tensor zeros = Tensor.allocate(TensorType.of(DType.F32, n));
        float[] y = TestJob.run(executable, List.of(zeros)).getFirst().toFloats();
        for (int i = 0; i < n; i++) assertEquals(LAUNCHES, y[i], "iteration " + i + " of " + n);
    }

    @Test
    void everyIterationRunsOnceWhoeverCalls() {
        WorkerPool pool = new WorkerPool(5);
        assertTimeoutPreemptively(Duration.ofSeconds(300), () -> {
            try (var executor = Executors.newFixedThreadPool(4)) {
                List<Future<?>> futures = new ArrayList<>();
                for (int t = 0; t < 4; t++) {
                    int n = 700 + 500 * t;
                    Random random = new Random(t);
                    PlanExecutable executable = Plan.of(counting(n), new KernelBatch(KernelCache.get(), pool.threads()))
                            .executable(pool);
                    futures.add(executor.submit(() -> {
                        for (int i = 0; i < 400; i++) {
                            runsOnce(executable, n);
                            // Sometimes long enough for the workers to fall asleep.
                            if (random.nextInt(50) == 0) LockSupport.parkNanos(3_000_000);
                        }
                    }));
                }
                for (Future<?> f : futures) f.get();
            }
        });
    }

    @Test
    void theWorkersAreDividedBetweenTheRuns() {
        WorkerPool pool = new WorkerPool(7);
        WorkerPool.Helper alone = _ -> false;
        WorkerPool.Helper first = _ -> false;
        WorkerPool.Helper second = _ -> false;
        assertEquals(0, pool.begin(alone, false));
        assertEquals(2, pool.begin(first, true));
        assertEquals(1, pool.begin(second, true));
        pool.end(alone);
        pool.end(first);
        pool.end(second);
        assertEquals(6, pool.begin(first, true));
        pool.end(first);
    }

    @Test
    void asManyRunsAsProcessorsAreAlone() {
        WorkerPool pool = new WorkerPool(2);
        WorkerPool.Helper first = _ -> false;
        WorkerPool.Helper second = _ -> false;
        assertEquals(1, pool.begin(first, true));
        assertEquals(0, pool.begin(second, true));
        pool.end(second);
        pool.end(first);
        assertEquals(1, pool.begin(second, true));
        pool.end(second);
    }

    @Test
    void oneThreadNeedsNoOther() {
        WorkerPool pool = new WorkerPool(1);
        assertEquals(0, pool.begin(_ -> false, true));
        runsOnce(Plan.of(counting(999), new KernelBatch(KernelCache.get(), 1)).executable(pool), 999);
    }
}
