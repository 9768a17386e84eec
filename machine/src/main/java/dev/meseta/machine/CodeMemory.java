package dev.meseta.machine;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Memory that is written first and executed then, never both at once. Given back when no segment of it is reachable. Thread-safe. */
final class CodeMemory {
    private static final long READ = 1;
    private static final long WRITE = 2;
    private static final long EXECUTE = 4;
    private static final long PRIVATE_ANONYMOUS = 0x22;
    private static final long PAGE_BYTES = 4096;

    private static final Linker LINKER = Linker.nativeLinker();

    /** One signature serves three functions: whoever takes fewer arguments leaves the others alone, and each handle takes time to make. */
    private static final MethodHandle CALL = LINKER.downcallHandle(
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));

    private static final MemorySegment MMAP = function("mmap");
    private static final MemorySegment MPROTECT = function("mprotect");
    private static final MemorySegment MUNMAP = function("munmap");

    private CodeMemory() {}

    /** The address of a function of the C library. Throws {@link IllegalArgumentException} where it has none of that name. */
    static MemorySegment function(String name) {
        return LINKER.defaultLookup()
                .find(name)
                .orElseThrow(() -> new IllegalArgumentException(
                        "the object file or its loader needs " + name + ", which the C library has not"));
    }

    /** At least so many bytes of zeros, to be written; page-aligned. */
    static MemorySegment allocate(long bytes) {
        long size = Math.max(PAGE_BYTES, (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
        long address = call(MMAP, 0, size, READ | WRITE, PRIVATE_ANONYMOUS, -1, 0);
        if (address == -1) throw new IllegalStateException("the system gives no " + size + " bytes for code");
        return MemorySegment.ofAddress(address)
                .reinterpret(size, Arena.ofAuto(), s -> call(MUNMAP, s.address(), size, 0, 0, 0, 0));
    }

    /** Ends the writing: from now on, all of an allocation can be read and executed. */
    static void seal(MemorySegment memory) {
        if ((int) call(MPROTECT, memory.address(), memory.byteSize(), READ | EXECUTE, 0, 0, 0) != 0)
            throw new IllegalStateException("the system refuses to execute code that was written to memory");
    }

    private static long call(MemorySegment function, long a, long b, long c, long d, long e, long f) {
        try {
            return (long) CALL.invokeExact(function, a, b, c, d, e, f);
        } catch (Throwable t) {
            throw new IllegalStateException("the C library could not be called", t);
        }
    }
}
