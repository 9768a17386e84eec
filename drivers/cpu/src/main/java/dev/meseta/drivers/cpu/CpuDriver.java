package dev.meseta.drivers.cpu;

import dev.meseta.compiler.llvm.KernelCompiler;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import java.util.List;

/** The driver of the processor that this runs on: one device, {@code cpu}. */
public final class CpuDriver implements Driver {
    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public List<Device> devices() {
        return unavailable().isEmpty() ? List.of(new CpuDevice()) : List.of();
    }

    @Override
    public String unavailable() {
        return KernelCompiler.unavailable();
    }
}
