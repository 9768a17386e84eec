package dev.meseta.benchmarks;

import static dev.meseta.compiler.kernel.Kernels.add;
import static dev.meseta.compiler.kernel.Kernels.block;
import static dev.meseta.compiler.kernel.Kernels.fma;
import static dev.meseta.compiler.kernel.Kernels.index;
import static dev.meseta.compiler.kernel.Kernels.load;
import static dev.meseta.compiler.kernel.Kernels.loop;
import static dev.meseta.compiler.kernel.Kernels.mul;
import static dev.meseta.compiler.kernel.Kernels.store;
import static dev.meseta.compiler.kernel.Kernels.variable;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Executable;
import dev.meseta.driver.KernelDevice;
import dev.meseta.graph.DType;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.runtime.TensorJobs;
import java.util.ArrayList;
import java.util.List;

/**
 * Chains of fused multiply-adds in F32 that touch no memory: what a device can do at most. Each iteration of the grid does the same, so that
 * as many iterations as the device has threads keep all of them busy.
 */
final class PeakKernel {
    private final TensorJobs jobs;
    private final List<Tensor> inputs;
    private final double flops;

    /**
     * @param steps how often each chain is lengthened
     * @param launches how often all of it is done, one after the other
     * @param grid iterations, which may run at once
     */
    PeakKernel(KernelDevice device, long steps, int launches, int grid) {
        int lanes = device.target().vectorBytes() / Float.BYTES;
        // More than the units and their latency need, and few enough for the registers.
        int chains = device.target().vectorRegisters() * 3 / 4;
        flops = 2.0 * chains * lanes * steps * grid;
        Kernel kernel = kernel(chains, lanes, steps, grid);
        List<CommandList.Command> commands = new ArrayList<>();
        for (int i = 0; i < launches; i++) {
            commands.add(new CommandList.Launch(
                    kernel, List.of(CommandList.Binding.of(0), CommandList.Binding.of(1)), List.of(), "peak"));
        }
        long results = (long) lanes * grid;
        Executable executable = device.load(new CommandList(
                List.of(
                        new CommandList.InputSlot((long) Float.BYTES * lanes),
                        new CommandList.OutputSlot(Float.BYTES * results)),
                commands,
                List.of(0),
                List.of(new CommandList.Output(1, TensorType.of(DType.F32, results))),
                0));
        jobs = KernelBenchmark.jobs(device, executable);
        Tensor one = Tensor.allocate(DType.F32, Shape.of(lanes));
        for (int i = 0; i < lanes; i++) one.setDouble(i, 1);
        inputs = List.of(one);
    }

    private static Kernel kernel(int chains, int lanes, long steps, int grid) {
        Type v = new Type(DType.F32, lanes);
        List<Stmt> body = new ArrayList<>();
        List<Stmt> step = new ArrayList<>();
        body.add(new Stmt.Let("x", load(0, index(0), v)));
        for (int i = 0; i < chains; i++) {
            body.add(new Stmt.Declare("s" + i, load(0, index(0), v)));
            step.add(new Stmt.Assign("s" + i, fma(variable("s" + i, v), variable("x", v), variable("x", v))));
        }
        body.add(loop("k", index(0), index(steps), 1, block(step)));
        var sum = (dev.meseta.compiler.kernel.Expr) variable("s0", v);
        for (int i = 1; i < chains; i++) sum = add(sum, variable("s" + i, v));
        body.add(store(1, mul(Kernel.GRID_VARIABLE, lanes), sum));
        return new Kernel(
                "peak",
                List.of(
                        new Kernel.Buffer("x", DType.F32, Kernel.Access.READ, index(lanes)),
                        new Kernel.Buffer("y", DType.F32, Kernel.Access.WRITE, index((long) lanes * grid))),
                0,
                index(grid),
                block(body));
    }

    /** Milliseconds of one run. */
    double run() {
        long start = System.nanoTime();
        jobs.run(inputs);
        return (System.nanoTime() - start) / 1e6;
    }

    /** GFLOP/s of one run. */
    double speed() {
        return flops / run() / 1e6;
    }
}
