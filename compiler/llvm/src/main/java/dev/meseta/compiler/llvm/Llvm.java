package dev.meseta.compiler.llvm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.HashSet;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The functions of LLVM's C API that Meseta calls, by their own names. Opened on first use; one a process. Calls on different contexts
 * are safe in parallel; initialising a target is locked here.
 */
final class Llvm {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final int OPTIMISATION_DEFAULT = 2;
    private static final int RELOCATION_PIC = 2;

    /**
     * One signature serves all functions, as those of the C library: each that Java has not seen takes it milliseconds, and what a function
     * does not take it leaves alone.
     */
    private static final MethodHandle CALL = LINKER.downcallHandle(
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));

    private static final int MOST_ARGUMENTS = 6;

    private final SymbolLookup library = LlvmLibrary.open();
    private final Set<String> initialised = new HashSet<>();
    /** Target machines that nobody uses; as many of a target as threads have compiled for it at once. */
    private final Map<LlvmTarget, Queue<MemorySegment>> idle = new ConcurrentHashMap<>();

    private final MemorySegment getDefaultTargetTriple = function("LLVMGetDefaultTargetTriple");
    private final MemorySegment getHostCpuName = function("LLVMGetHostCPUName");
    private final MemorySegment getHostCpuFeatures = function("LLVMGetHostCPUFeatures");
    private final MemorySegment disposeMessage = function("LLVMDisposeMessage");
    private final MemorySegment getTargetFromTriple = function("LLVMGetTargetFromTriple");
    private final MemorySegment createTargetMachineOptions = function("LLVMCreateTargetMachineOptions");
    private final MemorySegment setCpu = function("LLVMTargetMachineOptionsSetCPU");
    private final MemorySegment setFeatures = function("LLVMTargetMachineOptionsSetFeatures");
    private final MemorySegment setLevel = function("LLVMTargetMachineOptionsSetCodeGenOptLevel");
    private final MemorySegment setRelocation = function("LLVMTargetMachineOptionsSetRelocMode");
    private final MemorySegment createTargetMachine = function("LLVMCreateTargetMachineWithOptions");
    private final MemorySegment disposeTargetMachineOptions = function("LLVMDisposeTargetMachineOptions");
    private final MemorySegment getErrorMessage = function("LLVMGetErrorMessage");
    private final MemorySegment disposeErrorMessage = function("LLVMDisposeErrorMessage");

    private final MemorySegment disposeTargetMachine = function("LLVMDisposeTargetMachine");
    final MemorySegment createTargetDataLayout = function("LLVMCreateTargetDataLayout");
    final MemorySegment disposeTargetData = function("LLVMDisposeTargetData");
    final MemorySegment setModuleDataLayout = function("LLVMSetModuleDataLayout");
    final MemorySegment setTarget = function("LLVMSetTarget");
    final MemorySegment contextCreate = function("LLVMContextCreate");
    final MemorySegment contextDispose = function("LLVMContextDispose");
    final MemorySegment createMemoryBuffer = function("LLVMCreateMemoryBufferWithMemoryRangeCopy");
    final MemorySegment parseIrInContext = function("LLVMParseIRInContext");
    final MemorySegment verifyModule = function("LLVMVerifyModule");
    final MemorySegment printModuleToString = function("LLVMPrintModuleToString");
    final MemorySegment disposeModule = function("LLVMDisposeModule");
    final MemorySegment createPassBuilderOptions = function("LLVMCreatePassBuilderOptions");
    final MemorySegment disposePassBuilderOptions = function("LLVMDisposePassBuilderOptions");
    final MemorySegment runPasses = function("LLVMRunPasses");
    final MemorySegment emitToMemoryBuffer = function("LLVMTargetMachineEmitToMemoryBuffer");
    final MemorySegment getBufferStart = function("LLVMGetBufferStart");
    final MemorySegment getBufferSize = function("LLVMGetBufferSize");
    final MemorySegment disposeMemoryBuffer = function("LLVMDisposeMemoryBuffer");

    private static final class Holder {
        static final Llvm INSTANCE = new Llvm();
    }

    /** The library, opened now if it was not. Throws {@link IllegalStateException} where there is none. */
    static Llvm get() {
        try {
            return Holder.INSTANCE;
        } catch (ExceptionInInitializerError e) {
            if (e.getCause() instanceof IllegalStateException i) throw i;
            throw e;
        }
    }

    private MemorySegment function(String name) {
        return library.find(name)
                .orElseThrow(() -> new IllegalStateException("this LLVM has no " + name + "; version 20 is needed"));
    }

    /** A call that returns a pointer. */
    static MemorySegment callPointer(MemorySegment function, Object... arguments) {
        return MemorySegment.ofAddress(call(function, arguments));
    }

    /** A call that returns an int. */
    static int callInt(MemorySegment function, Object... arguments) {
        return (int) call(function, arguments);
    }

    /**
     * Any call. These are rare and long: boxing does not matter.
     *
     * @param arguments pointers and integers
     */
    static long call(MemorySegment function, Object... arguments) {
        long[] a = new long[MOST_ARGUMENTS];
        for (int i = 0; i < arguments.length; i++)
            a[i] = arguments[i] instanceof MemorySegment m ? m.address() : ((Number) arguments[i]).longValue();
        try {
            return (long) CALL.invokeExact(function, a[0], a[1], a[2], a[3], a[4], a[5]);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** The text of a message of LLVM's, which is freed. */
    String message(MemorySegment text) {
        if (text.equals(MemorySegment.NULL)) return "";
        String s = text.reinterpret(Long.MAX_VALUE).getString(0);
        call(disposeMessage, text);
        return s;
    }

    /** Throws if an LLVMErrorRef is an error. */
    void check(MemorySegment error, String what) {
        if (error.equals(MemorySegment.NULL)) return;
        MemorySegment text = callPointer(getErrorMessage, error);
        String s = text.reinterpret(Long.MAX_VALUE).getString(0);
        call(disposeErrorMessage, text);
        throw new IllegalStateException(what + ": " + s);
    }

    LlvmTarget host() {
        return new LlvmTarget(
                message(callPointer(getDefaultTargetTriple)),
                message(callPointer(getHostCpuName)),
                message(callPointer(getHostCpuFeatures)));
    }

    /** What is done with a target machine. */
    @FunctionalInterface
    interface Work<T> {
        T with(MemorySegment machine);
    }

    /**
     * Does something with a target machine that nobody else uses meanwhile. Machines are used again: what one has found out about its target
     * takes a millisecond, a tenth of what a kernel takes. Throws {@link IllegalStateException} for a target that LLVM has not.
     */
    <T> T onMachine(LlvmTarget target, Work<T> work) {
        Queue<MemorySegment> machines = idle.computeIfAbsent(target, _ -> new ConcurrentLinkedQueue<>());
        MemorySegment known = machines.poll();
        MemorySegment machine = known == null ? targetMachine(target) : known;
        boolean done = false;
        try {
            T result = work.with(machine);
            done = true;
            return result;
        } finally {
            // Of one that has failed nobody knows what state it is in.
            if (done) machines.add(machine);
            else call(disposeTargetMachine, machine);
        }
    }

    private MemorySegment targetMachine(LlvmTarget target) {
        initialise(target.architecture());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment result = arena.allocate(ADDRESS);
            MemorySegment error = arena.allocate(ADDRESS);
            MemorySegment triple = arena.allocateFrom(target.triple());
            if (callInt(getTargetFromTriple, triple, result, error) != 0)
                throw new IllegalStateException(
                        "LLVM has no target " + target.triple() + ": " + message(error.get(ADDRESS, 0)));
            MemorySegment options = callPointer(createTargetMachineOptions);
            call(setCpu, options, arena.allocateFrom(target.cpu()));
            call(setFeatures, options, arena.allocateFrom(target.features()));
            call(setLevel, options, OPTIMISATION_DEFAULT);
            call(setRelocation, options, RELOCATION_PIC);
            MemorySegment machine = callPointer(createTargetMachine, result.get(ADDRESS, 0), triple, options);
            call(disposeTargetMachineOptions, options);
            return machine;
        }
    }

    /** LLVM's name of an architecture, as in its functions' names. */
    private static String family(String architecture) {
        return switch (architecture) {
            case "x86_64", "i386", "i686" -> "X86";
            case "aarch64", "arm64" -> "AArch64";
            case "riscv64", "riscv32" -> "RISCV";
            default -> throw new IllegalStateException("no code generation for " + architecture);
        };
    }

    private synchronized void initialise(String architecture) {
        String family = family(architecture);
        if (!initialised.add(family)) return;
        for (String part : new String[] {"TargetInfo", "Target", "TargetMC", "AsmPrinter", "AsmParser"})
            call(function("LLVMInitialize" + family + part));
    }
}
