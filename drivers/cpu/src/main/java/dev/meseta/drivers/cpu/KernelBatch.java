package dev.meseta.drivers.cpu;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.Executable;
import dev.meseta.driver.Loading;
import dev.meseta.machine.MachineCode;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.Map;
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
    }

    @Override
    public void expect(Kernel kernel) {
        begin(kernel);
    }

    private Future<MachineCode> begin(Kernel kernel) {
        return begun.computeIfAbsent(kernel, cache::begin);
    }

    @Override
    public Executable load(CommandList commands) {
        return new CpuExecutable(new Plan(commands, this), WorkerPool.get());
    }

    KernelCache cache() {
        return cache;
    }

    /** How many threads run the command list. */
    int threads() {
        return threads;
    }

    /** The code of each kernel, by identity. */
    Map<Kernel, MachineCode> compile(Collection<Kernel> kernels) {
        // All begin before the first is waited for.
        kernels.forEach(this::begin);
        Map<Kernel, MachineCode> codes = new IdentityHashMap<>();
        for (Kernel k : kernels) codes.put(k, KernelCache.get(begin(k)));
        return codes;
    }
}
