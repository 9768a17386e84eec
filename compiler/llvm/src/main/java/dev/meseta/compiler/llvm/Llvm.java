package dev.meseta.compiler.llvm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
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
    private static final int CODE_MODEL_DEFAULT = 0;

    private final SymbolLookup library = LlvmLibrary.open();
    private final Set<String> initialised = new HashSet<>();
    /** Target machines that nobody uses; as many of a target as threads have compiled for it at once. */
    private final Map<LlvmTarget, Queue<MemorySegment>> idle = new ConcurrentHashMap<>();

    private final MethodHandle getDefaultTargetTriple = pointer("LLVMGetDefaultTargetTriple");
    private final MethodHandle getHostCpuName = pointer("LLVMGetHostCPUName");
    private final MethodHandle getHostCpuFeatures = pointer("LLVMGetHostCPUFeatures");
    private final MethodHandle disposeMessage = nothing("LLVMDisposeMessage", ADDRESS);
    private final MethodHandle getTargetFromTriple = integer("LLVMGetTargetFromTriple", ADDRESS, ADDRESS, ADDRESS);
    private final MethodHandle createTargetMachine =
            pointer("LLVMCreateTargetMachine", ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT);
    private final MethodHandle getErrorMessage = pointer("LLVMGetErrorMessage", ADDRESS);
    private final MethodHandle disposeErrorMessage = nothing("LLVMDisposeErrorMessage", ADDRESS);

    private final MethodHandle disposeTargetMachine = nothing("LLVMDisposeTargetMachine", ADDRESS);
    final MethodHandle createTargetDataLayout = pointer("LLVMCreateTargetDataLayout", ADDRESS);
    final MethodHandle disposeTargetData = nothing("LLVMDisposeTargetData", ADDRESS);
    final MethodHandle setModuleDataLayout = nothing("LLVMSetModuleDataLayout", ADDRESS, ADDRESS);
    final MethodHandle setTarget = nothing("LLVMSetTarget", ADDRESS, ADDRESS);
    final MethodHandle contextCreate = pointer("LLVMContextCreate");
    final MethodHandle contextDispose = nothing("LLVMContextDispose", ADDRESS);
    final MethodHandle createMemoryBuffer =
            pointer("LLVMCreateMemoryBufferWithMemoryRangeCopy", ADDRESS, JAVA_LONG, ADDRESS);
    final MethodHandle parseIrInContext = integer("LLVMParseIRInContext", ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    final MethodHandle verifyModule = integer("LLVMVerifyModule", ADDRESS, JAVA_INT, ADDRESS);
    final MethodHandle printModuleToString = pointer("LLVMPrintModuleToString", ADDRESS);
    final MethodHandle disposeModule = nothing("LLVMDisposeModule", ADDRESS);
    final MethodHandle createPassBuilderOptions = pointer("LLVMCreatePassBuilderOptions");
    final MethodHandle disposePassBuilderOptions = nothing("LLVMDisposePassBuilderOptions", ADDRESS);
    final MethodHandle runPasses = pointer("LLVMRunPasses", ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    final MethodHandle emitToMemoryBuffer =
            integer("LLVMTargetMachineEmitToMemoryBuffer", ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
    final MethodHandle getBufferStart = pointer("LLVMGetBufferStart", ADDRESS);
    final MethodHandle getBufferSize = handle("LLVMGetBufferSize", FunctionDescriptor.of(JAVA_LONG, ADDRESS));
    final MethodHandle disposeMemoryBuffer = nothing("LLVMDisposeMemoryBuffer", ADDRESS);

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

    private MethodHandle handle(String name, FunctionDescriptor descriptor) {
        MemorySegment address = library.find(name)
                .orElseThrow(() -> new IllegalStateException("this LLVM has no " + name + "; version 20 is needed"));
        return LINKER.downcallHandle(address, descriptor);
    }

    private MethodHandle pointer(String name, MemoryLayout... parameters) {
        return handle(name, FunctionDescriptor.of(ADDRESS, parameters));
    }

    private MethodHandle integer(String name, MemoryLayout... parameters) {
        return handle(name, FunctionDescriptor.of(JAVA_INT, parameters));
    }

    private MethodHandle nothing(String name, MemoryLayout... parameters) {
        return handle(name, FunctionDescriptor.ofVoid(parameters));
    }

    /** A call that returns a pointer. */
    static MemorySegment callPointer(MethodHandle function, Object... arguments) {
        return (MemorySegment) call(function, arguments);
    }

    /** A call that returns an int. */
    static int callInt(MethodHandle function, Object... arguments) {
        return (int) call(function, arguments);
    }

    /** Any call. These are rare and long: boxing does not matter. */
    static Object call(MethodHandle function, Object... arguments) {
        try {
            return function.invokeWithArguments(arguments);
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
            return callPointer(
                    createTargetMachine,
                    result.get(ADDRESS, 0),
                    triple,
                    arena.allocateFrom(target.cpu()),
                    arena.allocateFrom(target.features()),
                    OPTIMISATION_DEFAULT,
                    RELOCATION_PIC,
                    CODE_MODEL_DEFAULT);
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
            call(nothing("LLVMInitialize" + family + part));
    }
}
