package dev.meseta.drivers.cpu;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.compiler.llvm.KernelCompiler;
import dev.meseta.driver.plan.ObjectCache;
import dev.meseta.graph.Debug;
import dev.meseta.machine.Dispatcher;
import dev.meseta.machine.MachineCode;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The kernels that this process has compiled, by what they compute. A kernel that is here costs nothing; one that no executable holds goes
 * when memory is short. Thread-safe; a kernel that two threads want at once is compiled once.
 */
final class KernelCache {

    /** For how long a thread that compiles waits for more. */
    private static final long IDLE_SECONDS = 1;

    private final KernelCompiler compiler;
    private final int threads;
    private final ThreadPoolExecutor compilers;
    private final ObjectCache objects;
    private @Nullable MachineCode dispatcher;
    private final AtomicBoolean prepared = new AtomicBoolean();
    private final CodeCache codes;

    /** Whether what is compiled is for the processor that this runs on. */
    private final boolean here;

    private final Map<String, FutureTask<MachineCode>> underWay = new ConcurrentHashMap<>();

    private static final class Holder {
        static final KernelCache INSTANCE = new KernelCache(
                new KernelCompiler(Instructions.identity(), Instructions::target, checkedByDefault()),
                objects(),
                WorkerPool.configured(),
                CodeCache.get(),
                true);
    }

    private static ObjectCache objects() {
        return ObjectCache.configured("kernels");
    }

    /** The process's own. */
    static KernelCache get() {
        return Holder.INSTANCE;
    }

    /** The property {@code meseta.check}, or the variable MESETA_CHECK: test every access of every kernel. */
    static boolean checkedByDefault() {
        return Boolean.getBoolean("meseta.check")
                || System.getenv().getOrDefault("MESETA_CHECK", "0").equals("1");
    }

    /** @param objects where object files are kept beyond this process */
    KernelCache(KernelCompiler compiler, ObjectCache objects, int threads) {
        this(compiler, objects, threads, new CodeCache(), true);
    }

    private KernelCache(KernelCompiler compiler, ObjectCache objects, int threads, CodeCache codes, boolean here) {
        this.codes = codes;
        this.here = here;
        this.compiler = compiler;
        this.objects = objects;
        this.threads = threads;
        this.compilers = new ThreadPoolExecutor(
                threads,
                threads,
                IDLE_SECONDS,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                Thread.ofPlatform().daemon().name("meseta-compiler-", 1).factory());
        compilers.allowCoreThreadTimeOut(true);
    }

    /** One whose kernels are for a processor that need not be here: they are laid out, and never run. */
    static KernelCache forTarget(KernelCompiler compiler, int threads) {
        return new KernelCache(compiler, objects(), threads, new CodeCache(), false);
    }

    boolean checking() {
        return compiler.checking();
    }

    /** Begins, beside, what any plan needs: whoever has nothing to compile yet need not wait for LLVM to be opened later. */
    void prepare() {
        if (threads > 1 && prepared.compareAndSet(false, true)) compilers.submit(this::dispatcher);
    }

    /** The code of a kernel; what is not here is compiled on a thread beside, if there are several. */
    Future<MachineCode> begin(Kernel kernel) {
        FutureTask<MachineCode> task = new FutureTask<>(() -> one(compiler.symbol(kernel), kernel));
        if (threads < 2) task.run();
        else compilers.execute(task);
        return task;
    }

    /** The code that runs launches. */
    synchronized MachineCode dispatcher() {
        if (dispatcher == null) dispatcher = load(Dispatcher.SYMBOL, compiler::dispatcher);
        return dispatcher;
    }

    private MachineCode one(String symbol, Kernel kernel) {
        FutureTask<MachineCode> mine = new FutureTask<>(() -> make(symbol, kernel));
        FutureTask<MachineCode> other = underWay.putIfAbsent(symbol, mine);
        if (other != null) return get(other);
        try {
            mine.run();
            return get(mine);
        } finally {
            underWay.remove(symbol, mine);
        }
    }

    private MachineCode make(String symbol, Kernel kernel) {
        MachineCode code = codes.find(symbol);
        if (code != null) return code;
        print(kernel);
        code = load(symbol, () -> compiler.object(kernel));
        codes.put(code);
        return code;
    }

    /** The code behind a symbol, kept or made. */
    private MachineCode load(String symbol, Supplier<byte[]> maker) {
        String key = compiler.key(symbol);
        return objects.find(key).flatMap(object -> load(object, symbol)).orElseGet(() -> {
            byte[] object = maker.get();
            objects.put(key, object);
            return place(object, symbol);
        });
    }

    private MachineCode place(byte[] object, String symbol) {
        return here ? MachineCode.load(object, symbol) : MachineCode.place(object, symbol);
    }

    private Optional<MachineCode> load(byte[] object, String symbol) {
        try {
            return Optional.of(place(object, symbol));
        } catch (IllegalArgumentException e) {
            System.getLogger(KernelCache.class.getName())
                    .log(System.Logger.Level.DEBUG, "the cached kernel {0} is made again: {1}", symbol, e.getMessage());
            return Optional.empty();
        }
    }

    static <T> T get(Future<T> future) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return future.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof RuntimeException r) throw r;
                    if (e.getCause() instanceof Error r) throw r;
                    throw new IllegalStateException(e.getCause());
                }
            }
        } finally {
            if (interrupted) Thread.currentThread().interrupt();
        }
    }

    /** What MESETA_DEBUG asks for. */
    private void print(Kernel kernel) {
        Debug.KERNELS.print(() -> KernelText.of(kernel));
        Debug.LLVM.print(() -> "; " + kernel.name() + ", before the passes\n" + compiler.ir(kernel));
        Debug.LLVM.print(() -> "; " + kernel.name() + ", after the passes\n" + compiler.optimisedIr(kernel));
        Debug.ASM.print(() -> "# " + kernel.name() + "\n" + compiler.assembly(kernel));
    }
}
