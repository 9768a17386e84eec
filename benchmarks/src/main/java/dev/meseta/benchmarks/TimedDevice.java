package dev.meseta.benchmarks;

import dev.meseta.driver.Allocation;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.driver.Job;
import dev.meseta.driver.KernelDevice;
import dev.meseta.driver.Limits;
import dev.meseta.driver.Target;
import java.util.Map;

/** Another device, which notes when it got its last job. */
final class TimedDevice implements KernelDevice {
    private final KernelDevice device;
    volatile long began;

    TimedDevice(KernelDevice device) {
        this.device = device;
    }

    @Override
    public void run(Job job) {
        began = System.nanoTime();
        device.run(job);
    }

    @Override
    public String name() {
        return device.name();
    }

    @Override
    public String description() {
        return device.description();
    }

    @Override
    public Map<String, String> properties() {
        return device.properties();
    }

    @Override
    public Limits limits() {
        return device.limits();
    }

    @Override
    public Allocation allocate(long bytes, boolean shareable) {
        return device.allocate(bytes, shareable);
    }

    @Override
    public Target target() {
        return device.target();
    }

    @Override
    public String identity() {
        return device.identity();
    }

    @Override
    public Executable load(Image image) {
        return device.load(image);
    }

    @Override
    public Executable load(CommandList commands) {
        return device.load(commands);
    }
}
