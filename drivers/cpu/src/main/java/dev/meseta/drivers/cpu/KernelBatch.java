package dev.meseta.drivers.cpu;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Loading;
import dev.meseta.machine.MachineCode;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Future;

/** The kernels of one command list on their way to machine code, which begins when they are named. */
final class KernelBatch implements Loading {
    private final KernelCache cache;
    private final int threads;
    private final Map<Kernel, Future<MachineCode>> begun = new IdentityHashMap<>();

    /** @param threads how many run the command list */
    KernelBatch(KernelCache cache, int threads) {
        this.cache = cache;
        this.threads = threads;
        cache.prepare();
    }

    @Override
    public void expect(Kernel kernel) {
        begun.computeIfAbsent(kernel, cache::begin);
    }

    @Override
    public Executable load(CommandList commands) {
        return Plan.of(commands, this).executable(WorkerPool.get());
    }

    KernelCache cache() {
        return cache;
    }

    /** How many threads run the command list. */
    int threads() {
        return threads;
    }

    /** The code of a kernel that was expected. */
    MachineCode code(Kernel kernel) {
        return KernelCache.get(Objects.requireNonNull(begun.get(kernel)));
    }
}
