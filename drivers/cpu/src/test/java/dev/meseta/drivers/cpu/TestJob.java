package dev.meseta.drivers.cpu;

import dev.meseta.driver.Buffer;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Job;
import dev.meseta.graph.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** A job for a synchronous device that nobody schedules. */
record TestJob(Executable executable, List<Buffer> buffers) implements Job {
    private static final CpuDevice DEVICE = new CpuDevice();

    /** Runs an executable of the processor on tensors. */
    static List<Tensor> run(Executable executable, List<Tensor> inputs) {
        List<Tensor> outputs =
                executable.outputs().stream().map(Tensor::allocate).toList();
        List<Buffer> buffers = new ArrayList<>();
        for (Tensor t : inputs) buffers.add(Buffer.wrap(DEVICE, t));
        for (Tensor t : outputs) buffers.add(Buffer.wrap(DEVICE, t));
        DEVICE.run(new TestJob(executable, buffers));
        return outputs;
    }

    @Override
    public Buffer buffer(int region) {
        return buffers.get(region);
    }

    @Override
    public MemorySegment memory(int region) {
        return buffers.get(region).memory();
    }

    @Override
    public void started() {}

    @Override
    public void done() {
        throw new IllegalStateException("the device is synchronous");
    }

    @Override
    public void failed(RuntimeException reason) {
        throw new IllegalStateException("the device is synchronous", reason);
    }

    @Override
    public boolean isCancelled() {
        return false;
    }
}
