package dev.meseta.compiler.llvm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Loads object files into this process with ORC. One a process; thread-safe. Functions of the C library that kernels call are given to it by
 * address: a JVM's global symbols need not include them.
 */
public final class Jit {
    /** What kernels and LLVM's own code generation may call; each also with F32's suffix. */
    private static final List<String> MATHEMATICS = List.of(
            "exp",
            "log",
            "log1p",
            "expm1",
            "sin",
            "cos",
            "tan",
            "asin",
            "acos",
            "atan",
            "sinh",
            "cosh",
            "tanh",
            "asinh",
            "acosh",
            "atanh",
            "erf",
            "fmod",
            "pow",
            "atan2",
            "fma",
            "floor",
            "ceil",
            "trunc",
            "roundeven",
            "sqrt");

    private static final List<String> MEMORY = List.of("memcpy", "memset", "memmove");
    private static final byte EXPORTED_CALLABLE = 1 | 4;
    private static final long SYMBOL_BYTES = 24;
    private static final Cleaner CLEANER = Cleaner.create();

    private final Llvm llvm = Llvm.get();
    private final MemorySegment jit;
    private final MemorySegment dylib;
    private final Map<String, MemorySegment> live = new HashMap<>();
    private long number;

    private static final class Holder {
        static final Jit INSTANCE = new Jit();
    }

    /** The process's own, made on first use. */
    public static Jit get() {
        return Holder.INSTANCE;
    }

    private Jit() {
        LlvmTarget host = llvm.host();
        Llvm.call(llvm.disposeTargetMachine, llvm.targetMachine(host, true));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment result = arena.allocate(ADDRESS);
            llvm.check(
                    Llvm.callPointer(llvm.orcCreateLljit, result, MemorySegment.NULL),
                    "LLVM's JIT could not be started");
            jit = result.get(ADDRESS, 0);
            dylib = Llvm.callPointer(llvm.orcGetMainDylib, jit);
        }
        define();
    }

    private void define() {
        Linker linker = Linker.nativeLinker();
        List<String> names = new ArrayList<>(MEMORY);
        for (String m : MATHEMATICS) {
            names.add(m);
            names.add(m + "f");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pairs = arena.allocate(SYMBOL_BYTES * names.size(), 8);
            long count = 0;
            for (String name : names) {
                MemorySegment address = linker.defaultLookup().find(name).orElse(MemorySegment.NULL);
                if (address.equals(MemorySegment.NULL)) continue;
                MemorySegment pair = pairs.asSlice(SYMBOL_BYTES * count++);
                pair.set(ADDRESS, 0, Llvm.callPointer(llvm.orcMangleAndIntern, jit, arena.allocateFrom(name)));
                pair.set(ADDRESS, 8, address);
                pair.set(JAVA_BYTE, 16, EXPORTED_CALLABLE);
            }
            MemorySegment unit = Llvm.callPointer(llvm.orcAbsoluteSymbols, pairs, count);
            llvm.check(Llvm.callPointer(llvm.orcDefine, dylib, unit), "the C library's functions could not be defined");
        }
    }

    /** Code in memory. It stays while this object is reachable. */
    public static final class Code {
        private final MemorySegment entry;

        private Code(MemorySegment entry) {
            this.entry = entry;
        }

        /** Address of the function {@code void (void *arguments, int64_t begin, int64_t end)}. */
        public MemorySegment entry() {
            return entry;
        }
    }

    /**
     * Loads an object file that {@link KernelCompiler#object} made. Code that was loaded before under the same symbol is removed: none of it
     * may be in use.
     */
    public synchronized Code load(byte[] object, String symbol) {
        MemorySegment old = live.remove(symbol);
        if (old != null) free(old);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(object.length, 16);
            MemorySegment.copy(object, 0, bytes, JAVA_BYTE, 0, object.length);
            MemorySegment buffer = Llvm.callPointer(
                    llvm.createMemoryBuffer, bytes, bytes.byteSize(), arena.allocateFrom(symbol + "." + number++));
            MemorySegment tracker = Llvm.callPointer(llvm.orcCreateResourceTracker, dylib);
            llvm.check(Llvm.callPointer(llvm.orcAddObjectFile, jit, tracker, buffer), "code could not be loaded");
            MemorySegment address = arena.allocate(JAVA_LONG);
            llvm.check(
                    Llvm.callPointer(llvm.orcLookup, jit, address, arena.allocateFrom(symbol)),
                    "code could not be linked");
            Code code = new Code(MemorySegment.ofAddress(address.get(JAVA_LONG, 0)));
            live.put(symbol, tracker);
            CLEANER.register(code, () -> remove(symbol, tracker));
            return code;
        }
    }

    private synchronized void remove(String symbol, MemorySegment tracker) {
        if (live.remove(symbol, tracker)) free(tracker);
    }

    private void free(MemorySegment tracker) {
        llvm.check(Llvm.callPointer(llvm.orcRemove, tracker), "code could not be removed");
        Llvm.call(llvm.orcReleaseTracker, tracker);
    }
}
