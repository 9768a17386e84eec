package dev.meseta.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Optional;

/**
 * Calls of native functions whose arguments and results are whole numbers or addresses, where errno is of no interest. One signature serves
 * all: whoever takes fewer arguments leaves the others alone, whoever takes an int reads the low half, and a handle takes some ten
 * milliseconds to make and to call for the first time. Thread-safe.
 */
public final class Calls {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle CALL = LINKER.downcallHandle(
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));

    private Calls() {}

    /** A function of Linux's C library; empty where it has none of that name, and on other systems, whose constants differ. */
    static Optional<MemorySegment> function(String name) {
        return System.getProperty("os.name").equals("Linux")
                ? LINKER.defaultLookup().find(name)
                : Optional.empty();
    }

    /**
     * Makes all that calls need, and the first calls. Others find it made; a thread that does this while a model is read saves whoever reads
     * it the time.
     */
    public static void prepare() {
        MemorySegment[] held = new MemorySegment[MOST_HELD];
        Arrays.fill(held, MemorySegment.NULL);
        function("getpid").ifPresent(f -> {
            call(f, 0, 0, 0);
            call(f, 0, 0, 0, 0, 0, 0, held);
        });
    }

    /** Calls a function, of the C library or another. Of a result that is an int the upper half means nothing. */
    public static long call(MemorySegment function, long a, long b, long c, long d, long e, long f) {
        try {
            return (long) CALL.invokeExact(function, a, b, c, d, e, f);
        } catch (Throwable t) {
            throw new IllegalStateException("a native function could not be called", t);
        }
    }

    /** Memory that one call can hold. */
    public static final int MOST_HELD = 12;

    /** Made only where it is needed. */
    private static final class Holding {
        /** What is called does not look behind its sixth argument: the others are there for the JVM, which keeps their memory. */
        private static final MethodHandle CALL =
                LINKER.downcallHandle(descriptor()).asSpreader(6 + 1, MemorySegment[].class, MOST_HELD);

        private static FunctionDescriptor descriptor() {
            FunctionDescriptor d =
                    FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
            for (int i = 0; i < MOST_HELD; i++) d = d.appendArgumentLayouts(ADDRESS);
            return d;
        }
    }

    /**
     * As {@link #call(MemorySegment, long, long, long, long, long, long)}; nobody can close the arenas of the memory held while the call
     * lasts.
     *
     * @param held {@link #MOST_HELD} native segments, {@link MemorySegment#NULL} where there are fewer
     * @throws IllegalStateException if one of them has been closed
     */
    public static long call(
            MemorySegment function, long a, long b, long c, long d, long e, long f, MemorySegment[] held) {
        try {
            return (long) Holding.CALL.invokeExact(function, a, b, c, d, e, f, held);
        } catch (IllegalStateException closed) {
            throw closed;
        } catch (Throwable t) {
            throw new IllegalStateException("a native function could not be called", t);
        }
    }

    static long call(MemorySegment function, long a, long b, long c) {
        return call(function, a, b, c, 0, 0, 0);
    }
}
