package dev.meseta.drivers.cpu;

import dev.meseta.driver.Contract;
import dev.meseta.driver.Device;
import dev.meseta.driver.Driver;
import dev.meseta.driver.Feature;
import dev.meseta.driver.Handshake;
import dev.meseta.driver.KernelDevice;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.linux.Calls;
import dev.meseta.machine.CodeGenerator;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.zip.CRC32C;

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

    /** A thread that prepares what the device will need, from when devices are first asked for. */
    private static final class Beside {
        static {
            Thread.ofPlatform().daemon().name("meseta-prepare").start(Beside::prepare);
        }

        /** Begins, the first time. */
        static void begin() {}

        /** Has Java make, beside, what loading a model will need: a third of the time to load a small one in a new process. */
        private static void prepare() {
            new CRC32C().update(new byte[1]);
            Calls.prepare();
        }
    }

    @Override
    public List<Device> devices() {
        Beside.begin();
        return unavailable().isEmpty() ? List.of(Here.DEVICE) : List.of();
    }

    @Override
    public Map<String, String> targets() {
        return CpuTarget.names();
    }

    @Override
    public KernelDevice target(String name) {
        if (!unavailable().isEmpty())
            throw new InvalidInputException("nothing can be compiled for target 'cpu:" + name + "': " + unavailable());
        return CpuTarget.parse(name).device();
    }

    @Override
    public List<Device> loaders() {
        return List.of(Here.DEVICE);
    }

    @Override
    public String unavailable() {
        return ServiceLoader.load(CodeGenerator.class)
                .findFirst()
                .map(CodeGenerator::unavailable)
                .orElse(
                        "there is no code generator, so that only packages run; add the module dev.meseta.compiler.llvm");
    }
}
