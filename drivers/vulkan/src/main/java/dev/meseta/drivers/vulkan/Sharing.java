package dev.meseta.drivers.vulkan;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.meseta.driver.DeviceException;
import dev.meseta.linux.Descriptor;
import dev.meseta.linux.SystemCallException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/** Memory that crosses to other processes by file descriptors, of the kind that only drivers of this kind understand. */
final class Sharing {
    private static final System.Logger LOG = System.getLogger(Sharing.class.getName());

    private Sharing() {}

    /** A descriptor of a buffer that was made to be exported. */
    static int export(Context c, DeviceBuffer b) {
        try (Arena arena = Arena.ofConfined()) {
            long function = c.vk.call("vkGetDeviceProcAddr", c.device, arena.allocateFrom("vkGetMemoryFdKHR"));
            if (function == 0) throw DeviceException.unsupported(c.name + " has no vkGetMemoryFdKHR");
            Struct info = Struct.of(arena, "VkMemoryGetFdInfoKHR memory handleType", b.memory, Vk.HANDLE_OPAQUE_FD);
            MemorySegment out = arena.allocate(JAVA_INT);
            long result = VulkanLibrary.call(MemorySegment.ofAddress(function), c.device, info, out);
            VulkanLibrary.check(c.name, "vkGetMemoryFdKHR", result);
            return out.get(JAVA_INT, 0);
        }
    }

    /** Memory behind a descriptor, which stays the caller's. */
    static DeviceBuffer open(Context c, int descriptor, long bytes) {
        try {
            Descriptor own = Descriptor.duplicate(descriptor);
            try {
                check(own.number(), bytes);
                // An import that succeeds takes the descriptor over.
                return DeviceBuffer.imported(c, bytes, own.number());
            } catch (RuntimeException | IOException e) {
                release(own);
                throw e;
            }
        } catch (DeviceException | SystemCallException | IOException e) {
            throw new DeviceException(
                    DeviceException.Kind.BUFFER,
                    "the memory cannot be imported by " + c.name + ": " + e.getMessage(),
                    e);
        }
    }

    /** Drivers do not all look; where the system knows how much there is, it decides. */
    private static void check(int descriptor, long bytes) throws IOException {
        long size = Files.size(Path.of("/proc/self/fd/" + descriptor));
        if (size > 0 && size < bytes)
            throw new DeviceException(
                    DeviceException.Kind.BUFFER, "it holds " + size + " bytes, " + bytes + " are needed");
    }

    /** Some drivers close what they refuse, which they should not. */
    private static void release(Descriptor d) {
        try {
            d.close();
        } catch (SystemCallException e) {
            LOG.log(System.Logger.Level.DEBUG, "a descriptor was closed already: {0}", e.getMessage());
        }
    }

    static void close(int descriptor) {
        if (descriptor >= 0) Descriptor.own(descriptor).close();
    }
}
