package dev.meseta.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Functions of the C library whose arguments and results are whole numbers or addresses. Thread-safe. */
final class LibC {
    static final int EINTR = 4;

    private static final Linker LINKER = Linker.nativeLinker();

    /**
     * One signature serves all: whoever takes fewer arguments leaves the others alone, whoever takes an int reads the low half, and each
     * handle takes time to make. The first argument is where errno goes.
     */
    private static final MethodHandle CALL = LINKER.downcallHandle(
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
            Linker.Option.captureCallState("errno"));

    private final String name;
    private final MemorySegment address;

    private LibC(String name) {
        this.name = name;
        this.address = LINKER.defaultLookup()
                .find(name)
                .orElseThrow(() -> new IllegalStateException("the C library has no function " + name));
    }

    static LibC function(String name) {
        return new LibC(name);
    }

    /**
     * Calls it; what fails with EINTR is called again.
     *
     * @param what the call in words, for the message of {@link SystemCallException}, which is thrown where the result as an int is -1
     */
    long call(String what, long... arguments) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = arena.allocate(JAVA_INT);
            while (true) {
                long result = invoke(errno, arguments);
                if ((int) result != -1) return result;
                int code = errno.get(JAVA_INT, 0);
                if (code != EINTR) throw new SystemCallException(what, code);
            }
        }
    }

    private long invoke(MemorySegment errno, long[] a) {
        try {
            return (long) CALL.invokeExact(address, errno, at(a, 0), at(a, 1), at(a, 2), at(a, 3), at(a, 4), at(a, 5));
        } catch (Throwable t) {
            throw new IllegalStateException(name + " could not be called", t);
        }
    }

    private static long at(long[] arguments, int i) {
        return i < arguments.length ? arguments[i] : 0;
    }
}
