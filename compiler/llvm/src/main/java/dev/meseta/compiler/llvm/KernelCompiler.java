package dev.meseta.compiler.llvm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.machine.Dispatcher;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;

/** Compiles kernels to object files for one target. Thread-safe: every compilation has a context of its own, and a target machine for as long as it takes. */
public final class KernelCompiler {
    /**
     * The passes. The code is vectorised and unrolled as it should be when it gets here, so that what is left is to make registers of
     * variables, to fold index arithmetic, and to move what does not change out of loops.
     */
    private static final String PASSES =
            "function(sroa,early-cse<memssa>,instcombine<max-iterations=1;no-verify-fixpoint>,simplifycfg,"
                    + "loop-mssa(licm<allowspeculation>),gvn,loop-mssa(licm<allowspeculation>),dse,"
                    + "instcombine<max-iterations=1;no-verify-fixpoint>,simplifycfg)";

    private static final int ASSEMBLY = 0;
    private static final int OBJECT = 1;
    private static final int RETURN_STATUS = 2;

    private final String processor;
    private final Supplier<LlvmTarget> target;
    private final boolean checking;

    /**
     * A compiler.
     *
     * @param checking compile a test of its bounds into every access
     */
    public KernelCompiler(LlvmTarget target, boolean checking) {
        this(target.toString(), () -> target, checking);
    }

    /**
     * A compiler that finds out what it compiles for, and opens LLVM, when it has something to compile.
     *
     * @param processor names all that decides about the target
     * @param target the target, the same at every call; it may open LLVM
     * @param checking compile a test of its bounds into every access
     */
    public KernelCompiler(String processor, Supplier<LlvmTarget> target, boolean checking) {
        this.processor = processor;
        this.target = target;
        this.checking = checking;
    }

    /** Why kernels cannot be compiled on this machine and what to do about it; empty if they can. Does not open LLVM. */
    public static String unavailable() {
        return LlvmLibrary.unavailable();
    }

    /** Names the LLVM that would be opened. Opens nothing. */
    public static String library() {
        return LlvmLibrary.name();
    }

    /** What it compiles for. */
    public LlvmTarget target() {
        return target.get();
    }

    /** Whether accesses are tested. */
    public boolean checking() {
        return checking;
    }

    /** The name of the function of a kernel, another one for each processor. */
    public String symbol(Kernel kernel) {
        return "meseta_" + KernelText.hash(KernelText.key(kernel) + checking + processor);
    }

    /**
     * What the object file behind a symbol depends on, as a hash of 32 hexadecimal digits: the kernel, the processor, LLVM's library and the
     * code of this module. Does not open LLVM.
     */
    public String key(String symbol) {
        return KernelText.hash(String.join("\n", symbol, processor, LlvmLibrary.identity(), OwnCode.checksum()));
    }

    /** The kernel's LLVM IR as it is before the passes. */
    public String ir(Kernel kernel) {
        return IrEmitter.emit(kernel, target(), symbol(kernel), checking);
    }

    /** The kernel's LLVM IR after the passes. */
    public String optimisedIr(Kernel kernel) {
        return with(
                kernel, (llvm, module, machine) -> llvm.message(Llvm.callPointer(llvm.printModuleToString, module)));
    }

    /** The kernel's assembly. */
    public String assembly(Kernel kernel) {
        return with(
                kernel,
                (llvm, module, machine) -> new String(emit(llvm, module, machine, ASSEMBLY), StandardCharsets.UTF_8));
    }

    /** An object file with the kernel's function. */
    public byte[] object(Kernel kernel) {
        return with(kernel, (llvm, module, machine) -> emit(llvm, module, machine, OBJECT));
    }

    /** An object file with {@link Dispatcher#SYMBOL}. */
    public byte[] dispatcher() {
        return with(
                DispatcherIr.ir(target().architecture()),
                "dispatcher",
                (llvm, module, machine) -> emit(llvm, module, machine, OBJECT));
    }

    @FunctionalInterface
    private interface Work<T> {
        T on(Llvm llvm, MemorySegment module, MemorySegment machine);
    }

    private <T> T with(Kernel kernel, Work<T> work) {
        try {
            return with(ir(kernel), kernel.name(), work);
        } catch (IllegalStateException e) {
            throw new IllegalStateException(e.getMessage() + "\nThe kernel:\n" + KernelText.of(kernel), e);
        }
    }

    private <T> T with(String text, String name, Work<T> work) {
        Llvm llvm = Llvm.get();
        return llvm.onMachine(target(), machine -> with(llvm, machine, text, name, work));
    }

    private <T> T with(Llvm llvm, MemorySegment machine, String text, String name, Work<T> work) {
        MemorySegment context = Llvm.callPointer(llvm.contextCreate);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment module = parse(llvm, arena, context, text, name);
            try {
                prepare(llvm, arena, module, machine);
                return work.on(llvm, module, machine);
            } finally {
                Llvm.call(llvm.disposeModule, module);
            }
        } finally {
            Llvm.call(llvm.contextDispose, context);
        }
    }

    private static MemorySegment parse(Llvm llvm, Arena arena, MemorySegment context, String text, String name) {
        MemorySegment source = arena.allocateFrom(text);
        MemorySegment result = arena.allocate(ADDRESS);
        MemorySegment error = arena.allocate(ADDRESS);
        // Without the terminating zero; the parser takes the buffer over.
        MemorySegment buffer =
                Llvm.callPointer(llvm.createMemoryBuffer, source, source.byteSize() - 1, arena.allocateFrom(name));
        if (Llvm.callInt(llvm.parseIrInContext, context, buffer, result, error) != 0)
            throw broken(name, text, llvm.message(error.get(ADDRESS, 0)));
        MemorySegment module = result.get(ADDRESS, 0);
        if (Llvm.callInt(llvm.verifyModule, module, RETURN_STATUS, error) != 0) {
            Llvm.call(llvm.disposeModule, module);
            throw broken(name, text, llvm.message(error.get(ADDRESS, 0)));
        }
        llvm.message(error.get(ADDRESS, 0));
        return module;
    }

    private static IllegalStateException broken(String name, String ir, String message) {
        return new IllegalStateException("LLVM refuses the code of " + name + ": " + message
                + "\nThis is a mistake of Meseta's. The code:\n" + ir);
    }

    private void prepare(Llvm llvm, Arena arena, MemorySegment module, MemorySegment machine) {
        Llvm.call(llvm.setTarget, module, arena.allocateFrom(target().triple()));
        MemorySegment layout = Llvm.callPointer(llvm.createTargetDataLayout, machine);
        Llvm.call(llvm.setModuleDataLayout, module, layout);
        Llvm.call(llvm.disposeTargetData, layout);
        MemorySegment options = Llvm.callPointer(llvm.createPassBuilderOptions);
        try {
            llvm.check(
                    Llvm.callPointer(llvm.runPasses, module, arena.allocateFrom(PASSES), machine, options),
                    "LLVM's passes failed");
        } finally {
            Llvm.call(llvm.disposePassBuilderOptions, options);
        }
    }

    private static byte[] emit(Llvm llvm, MemorySegment module, MemorySegment machine, int kind) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment error = arena.allocate(ADDRESS);
            MemorySegment result = arena.allocate(ADDRESS);
            if (Llvm.callInt(llvm.emitToMemoryBuffer, machine, module, kind, error, result) != 0)
                throw new IllegalStateException("LLVM generates no code: " + llvm.message(error.get(ADDRESS, 0)));
            MemorySegment buffer = result.get(ADDRESS, 0);
            long size = Llvm.call(llvm.getBufferSize, buffer);
            byte[] bytes = Llvm.callPointer(llvm.getBufferStart, buffer)
                    .reinterpret(size)
                    .toArray(JAVA_BYTE);
            Llvm.call(llvm.disposeMemoryBuffer, buffer);
            return bytes;
        }
    }
}
