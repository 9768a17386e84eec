package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.driver.DeviceException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The loader {@code libvulkan.so.1}, and calls of its functions. One signature serves all: arguments are numbers, handles or addresses, and
 * whoever takes fewer leaves the others alone. Thread-safe.
 */
final class VulkanLibrary {
    private static final int MOST_ARGUMENTS = 10;
    private static final MethodHandle CALL = Linker.nativeLinker()
            .downcallHandle(FunctionDescriptor.of(
                    JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                    JAVA_LONG, JAVA_LONG));

    private final SymbolLookup symbols;
    private final Map<String, MemorySegment> functions = new ConcurrentHashMap<>();

    /** Throws {@link IllegalArgumentException} for a loader that is too old. */
    VulkanLibrary(SymbolLookup symbols) {
        this.symbols = symbols;
        // Of Vulkan 1.2, as the newest that are called.
        function("vkWaitSemaphores");
    }

    /** The loader; empty where there is none. Throws {@link IllegalArgumentException} for one that is too old. */
    static Optional<VulkanLibrary> open() {
        return symbols().map(VulkanLibrary::new);
    }

    static Optional<SymbolLookup> symbols() {
        try {
            return Optional.of(SymbolLookup.libraryLookup("libvulkan.so.1", Arena.global()));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private MemorySegment function(String name) {
        return functions.computeIfAbsent(
                name,
                n -> symbols.find(n)
                        .orElseThrow(() -> new IllegalArgumentException("the Vulkan loader has no " + n
                                + ": it is older than Vulkan 1.2; install a newer libvulkan1")));
    }

    /** The result of a function; an int is its low half. Arguments are as {@link Struct#number} takes them. */
    long call(String function, Object... arguments) {
        return call(function(function), arguments);
    }

    static long call(MemorySegment function, Object... arguments) {
        long[] a = new long[MOST_ARGUMENTS];
        for (int i = 0; i < arguments.length; i++) a[i] = Struct.number(arguments[i]);
        try {
            return (long) CALL.invokeExact(function, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]);
        } catch (Throwable t) {
            throw new IllegalStateException("a function of Vulkan could not be called", t);
        }
    }

    /** What a function lists: the parts one after the other. Its last two arguments are their number, and where they are to be. */
    MemorySegment list(Arena arena, String function, long bytes, Object... of) {
        Object[] arguments = Arrays.copyOf(of, of.length + 2);
        MemorySegment count = arena.allocate(JAVA_LONG);
        arguments[of.length] = count;
        arguments[of.length + 1] = 0;
        call(function, arguments);
        MemorySegment parts = arena.allocate(Math.max(1, bytes * count.get(JAVA_INT, 0)), 8);
        arguments[of.length + 1] = parts;
        call(function, arguments);
        return parts.asSlice(0, bytes * count.get(JAVA_INT, 0));
    }

    /** Throws what a VkResult says is wrong. */
    static int check(String device, String function, long result) {
        int code = (int) result;
        switch (code) {
            case Vk.ERROR_DEVICE_LOST -> throw DeviceException.lost(device);
            case Vk.ERROR_OUT_OF_HOST_MEMORY, Vk.ERROR_OUT_OF_DEVICE_MEMORY, Vk.ERROR_TOO_MANY_OBJECTS ->
                throw new DeviceException(
                        DeviceException.Kind.MEMORY,
                        device + " has no memory left for " + function + " (" + code + ")");
            default -> {
                if (code < 0)
                    throw new DeviceException(
                            DeviceException.Kind.FAILED, function + " on " + device + " failed with " + code);
                return code;
            }
        }
    }
}
