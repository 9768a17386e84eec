package dev.meseta.drivers.cpu;

import dev.meseta.compiler.llvm.KernelCompiler;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Image;
import dev.meseta.driver.KernelDevice;
import dev.meseta.driver.Loading;
import dev.meseta.driver.Target;
import java.util.LinkedHashMap;
import java.util.Map;

/** A processor that need not be here: it compiles, and runs nothing. */
final class TargetDevice implements KernelDevice {
    /** Code for one thread has no launches that are shared: others could not help. */
    private static final int LEAST_THREADS = 2;

    private final CpuTarget cpu;
    private final Target target;
    private final KernelCache kernels;

    TargetDevice(CpuTarget cpu) {
        int threads = Math.max(LEAST_THREADS, WorkerPool.configured());
        this.cpu = cpu;
        this.target = Instructions.schedules(cpu.architecture(), cpu.features(), threads, cpu.l1Bytes(), cpu.l2Bytes());
        this.kernels = KernelCache.forTarget(
                new KernelCompiler("target " + cpu.llvm(), cpu::llvm, KernelCache.checkedByDefault()), threads);
    }

    @Override
    public String name() {
        return "cpu:" + cpu.name();
    }

    @Override
    public String description() {
        return CpuTarget.names().getOrDefault(cpu.name(), cpu.name());
    }

    @Override
    public Map<String, String> properties() {
        Map<String, String> p = new LinkedHashMap<>();
        p.put("architecture", cpu.architecture().text());
        p.put("instructions", String.join(" ", cpu.features()));
        return p;
    }

    @Override
    public Target target() {
        return target;
    }

    @Override
    public String identity() {
        return name() + "\n" + requirements();
    }

    @Override
    public String requirements() {
        return Requirements.of(cpu.architecture(), cpu.features());
    }

    @Override
    public Executable load(Image image) {
        throw new IllegalArgumentException(name() + " compiles, and loads nothing");
    }

    @Override
    public Loading loading() {
        return new KernelBatch(kernels, target.threads());
    }

    @Override
    public Executable load(CommandList commands) {
        return loading().load(commands);
    }
}
