package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.meseta.driver.DeviceException;
import dev.meseta.linux.Processors;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * The loader {@code libvulkan.so.1}, an instance of it, and calls of its functions. One signature serves all: arguments are numbers, handles or
 * addresses, as {@link Passing#number} takes them, and whoever takes fewer leaves the others alone. Thread-safe.
 */
final class VulkanLibrary {
    static final String INSTALL = "on Debian: apt install libvulkan1 mesa-vulkan-drivers";

    private static final int MOST_ARGUMENTS = 10;
    private static final MethodHandle CALL = Linker.nativeLinker()
            .downcallHandle(FunctionDescriptor.of(
                    JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                    JAVA_LONG, JAVA_LONG));

    private static final long LOST = Struct.number("VK_ERROR_DEVICE_LOST");
    private static final List<Long> OUT_OF_MEMORY = Stream.of(
                    "VK_ERROR_OUT_OF_HOST_MEMORY", "VK_ERROR_OUT_OF_DEVICE_MEMORY", "VK_ERROR_TOO_MANY_OBJECTS")
            .map(Struct::number)
            .toList();

    private final SymbolLookup symbols;
    private final Map<String, MemorySegment> functions = new ConcurrentHashMap<>();

    /** Its VkInstance. */
    final long instance;

    /** Throws {@link IllegalArgumentException} for a loader that is too old. */
    VulkanLibrary(SymbolLookup symbols) {
        this.symbols = symbols;
        // Of Vulkan 1.2, as the newest that are called.
        if (symbols.find("vkWaitSemaphores").isEmpty())
            throw new IllegalArgumentException(
                    "the Vulkan loader is older than Vulkan 1.2; install a newer libvulkan1");
        // Mesa's software device takes vectors of 256 bits unless it is told that the processor has wider ones.
        if (Processors.here().features().contains("avx512f"))
            call("setenv", Struct.text("LP_NATIVE_VECTOR_WIDTH"), Struct.text("512"), 0);
        byte[] name = Struct.text("meseta");
        Struct application = Struct.of("VkApplicationInfo apiVersion=VK_API_VERSION_1_2 pApplicationName", name);
        Struct info = Struct.of("VkInstanceCreateInfo pApplicationInfo", application);
        this.instance = get("Vulkan", "vkCreateInstance", info, 0);
    }

    /** The loader's functions; throws {@link IllegalArgumentException} where there is none. */
    static SymbolLookup symbols() {
        try {
            return SymbolLookup.libraryLookup("libvulkan.so.1", Arena.global());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("there is no Vulkan loader (libvulkan.so.1); " + INSTALL, e);
        }
    }

    /** A function of the loader's, or of an extension. */
    private MemorySegment find(String name) {
        return symbols.find(name).orElseGet(() -> {
            MemorySegment f = MemorySegment.ofAddress(call("vkGetInstanceProcAddr", instance, Struct.text(name)));
            if (f.address() == 0) throw DeviceException.unsupported("Vulkan has no " + name);
            return f;
        });
    }

    /** The result of a function; an int is its low half. */
    long call(String function, Object... arguments) {
        MemorySegment f = functions.get(function);
        if (f == null) functions.put(function, f = find(function));
        try (Passing passing = new Passing()) {
            long[] a = new long[MOST_ARGUMENTS];
            for (int i = 0; i < arguments.length; i++) a[i] = passing.number(arguments[i]);
            return (long) CALL.invokeExact(f, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]);
        } catch (Throwable t) {
            throw new IllegalStateException("a function of Vulkan could not be called", t);
        }
    }

    /** Calls a function that returns a VkResult, and throws what that says is wrong with a device. */
    void check(String device, String function, Object... arguments) {
        int result = (int) call(function, arguments);
        if (result >= 0) return;
        if (result == LOST) throw DeviceException.lost(device);
        boolean memory = OUT_OF_MEMORY.contains((long) result);
        throw new DeviceException(
                memory ? DeviceException.Kind.MEMORY : DeviceException.Kind.FAILED,
                function + " on " + device + (memory ? " finds no memory: " : " failed with ") + result);
    }

    /** As {@link #check}, of a function whose last argument, which is not given, is where it leaves what is returned. */
    long get(String device, String function, Object... arguments) {
        long[] out = new long[1];
        check(device, function, with(arguments, out));
        return out[0];
    }

    /** What a function lists, whose last two arguments, which are not given, are the number of the parts and where they are to be. */
    List<Struct> list(String function, String structure, Object... arguments) {
        int[] count = new int[1];
        call(function, with(arguments, count, 0));
        List<Struct> parts =
                Stream.generate(() -> Struct.of(structure)).limit(count[0]).toList();
        call(function, with(arguments, count, parts));
        return parts.subList(0, count[0]);
    }

    static Object[] with(Object[] arguments, Object... more) {
        Object[] all = Arrays.copyOf(arguments, arguments.length + more.length);
        System.arraycopy(more, 0, all, arguments.length, more.length);
        return all;
    }
}
