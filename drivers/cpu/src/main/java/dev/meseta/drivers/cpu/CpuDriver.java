package dev.meseta.drivers.cpu;

import dev.meseta.compiler.llvm.KernelCompiler;
import dev.meseta.driver.Contract;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import dev.meseta.driver.Feature;
import dev.meseta.driver.Handshake;
import java.util.List;
import java.util.Set;

/** The driver of the processor that this runs on: one device, {@code cpu}. */
public final class CpuDriver implements Driver {
    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public Handshake handshake() {
        return new Handshake(
                Contract.MAJOR,
                Contract.MINOR,
                Contract.LAYOUTS,
                Set.of(),
                Set.of(Feature.RESULTS, Feature.SHARING),
                0);
    }

    /** The processor, once it is asked for. */
    private static final class Here {
        static final CpuDevice DEVICE = new CpuDevice();
    }

    @Override
    public List<Device> devices() {
        return unavailable().isEmpty() ? List.of(Here.DEVICE) : List.of();
    }

    @Override
    public String unavailable() {
        return KernelCompiler.unavailable();
    }
}
