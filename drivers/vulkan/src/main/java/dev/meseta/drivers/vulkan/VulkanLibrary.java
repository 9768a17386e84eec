package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.driver.DeviceException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

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

    private final Map<Function, MemorySegment> functions = new EnumMap<>(Function.class);

    VulkanLibrary(SymbolLookup symbols) {
        for (Function f : Function.values())
            functions.put(
                    f,
                    symbols.find(f.name())
                            .orElseThrow(() -> new IllegalArgumentException("the Vulkan loader has no " + f
                                    + ": it is older than Vulkan 1.2; install a newer libvulkan1")));
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

    long call(Function f, long... arguments) {
        return call(Objects.requireNonNull(functions.get(f)), arguments);
    }

    /** The result of a function that was looked up; an int is its low half. */
    static long call(MemorySegment function, long... arguments) {
        long[] a = arguments.length == MOST_ARGUMENTS ? arguments : Arrays.copyOf(arguments, MOST_ARGUMENTS);
        try {
            return (long) CALL.invokeExact(function, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]);
        } catch (Throwable t) {
            throw new IllegalStateException("a function of Vulkan could not be called", t);
        }
    }

    /** Calls a function that returns a VkResult, and throws what that says is wrong. */
    int check(String device, Function f, long... arguments) {
        return check(device, f.name(), (int) call(f, arguments));
    }

    static int check(String device, String function, int result) {
        switch (result) {
            case Vk.ERROR_DEVICE_LOST -> throw DeviceException.lost(device);
            case Vk.ERROR_OUT_OF_HOST_MEMORY, Vk.ERROR_OUT_OF_DEVICE_MEMORY, Vk.ERROR_TOO_MANY_OBJECTS ->
                throw new DeviceException(
                        DeviceException.Kind.MEMORY,
                        device + " has no memory left for " + function + " (" + result + ")");
            default -> {
                if (result < 0)
                    throw new DeviceException(
                            DeviceException.Kind.FAILED, function + " on " + device + " failed with " + result);
                return result;
            }
        }
    }
}
