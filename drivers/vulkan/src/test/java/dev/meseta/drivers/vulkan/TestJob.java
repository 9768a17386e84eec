package dev.meseta.drivers.vulkan;

import dev.meseta.driver.Buffer;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Job;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** A job for a synchronous device that nobody schedules. */
record TestJob(Executable executable, List<Buffer> buffers) implements Job {
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
