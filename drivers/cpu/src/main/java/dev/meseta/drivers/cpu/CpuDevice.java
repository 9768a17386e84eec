package dev.meseta.drivers.cpu;

import dev.meseta.compiler.llvm.KernelCompiler;
import dev.meseta.driver.Access;
import dev.meseta.driver.Allocation;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Executable;
import dev.meseta.driver.HostAllocations;
import dev.meseta.driver.Image;
import dev.meseta.driver.Limits;
import dev.meseta.driver.Loading;
import dev.meseta.driver.Target;
import dev.meseta.driver.plan.PlanDevice;
import dev.meseta.linux.FileStamp;
import dev.meseta.linux.Processors;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The processor. LLVM is opened when the first command list is loaded. */
final class CpuDevice extends PlanDevice {
    private static final List<String> SHOWN = List.of(
            "sse4_2",
            "avx",
            "avx2",
            "fma",
            "f16c",
            "avx_vnni",
            "avx512f",
            "avx512_vnni",
            "avx512_bf16",
            "asimd",
            "sve");

    private final Set<String> features;

    CpuDevice() {
        Processors here = Processors.here();
        Set<String> features = Instructions.features();
        Target target = Instructions.schedules(
                Instructions.Architecture.here(), features, WorkerPool.configured(), here.l1Bytes(), here.l2Bytes());
        // As many jobs at once as there are threads; each has a share of them. Kernels have an end, so that a long time
        // without a step is no hang.
        Limits limits = new Limits(target.threads(), true, true, 64, Duration.ofMinutes(10), Duration.ofDays(1));
        super("cpu", here.model(), target, limits);
        this.features = features;
    }

    @Override
    public Map<String, String> properties() {
        Map<String, String> p = new LinkedHashMap<>();
        p.put("architecture", System.getProperty("os.arch"));
        p.put(
                "instructions",
                String.join(" ", SHOWN.stream().filter(features::contains).toList()));
        p.put("vectors", target().vectorRegisters() + " of " + target().vectorBytes() * 8 + " bits");
        p.put("threads", Integer.toString(target().threads()));
        p.put("L1 data cache", target().l1Bytes() / 1024 + " KiB");
        p.put("L2 cache", target().l2Bytes() / 1024 + " KiB");
        return p;
    }

    @Override
    public Allocation allocate(long bytes, boolean shareable) {
        return HostAllocations.allocate(bytes, shareable);
    }

    @Override
    public Allocation importMemory(int descriptor, long bytes, Access access) {
        return HostAllocations.importMemory(descriptor, bytes, access);
    }

    @Override
    public String identity() {
        return String.join(
                "\n",
                Instructions.identity(),
                target().text(),
                "checking " + KernelCache.checkedByDefault(),
                KernelCompiler.library(),
                FileStamp.ofClasses(CpuDevice.class, Processors.class, KernelCompiler.class));
    }

    @Override
    public String lacks(String requirements) {
        return Instructions.lacking(requirements, Instructions.Architecture.here(), features);
    }

    @Override
    public Executable load(Image image) {
        WorkerPool pool = WorkerPool.get();
        return PlanImage.load(image, CodeCache.get()).executable(pool);
    }

    @Override
    public Loading loading() {
        return new KernelBatch(KernelCache.get(), WorkerPool.get().threads());
    }

    @Override
    public Executable load(CommandList commands) {
        return loading().load(commands);
    }
}
