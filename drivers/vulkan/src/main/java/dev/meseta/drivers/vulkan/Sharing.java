package dev.meseta.drivers.vulkan;

import dev.meseta.driver.DeviceException;
import dev.meseta.linux.Descriptor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory that crosses to other processes by file descriptors, of the kind that only drivers of this kind understand. */
final class Sharing {
    private Sharing() {}

    /** A descriptor of a buffer that was made to be exported. */
    static int export(Context c, DeviceBuffer b) {
        try (Arena arena = Arena.ofConfined()) {
            Struct info = Struct.of(arena, Vk.TYPE_MEMORY_GET_FD_INFO, 32)
                    .set(16, b.memory)
                    .set(24, Vk.HANDLE_OPAQUE_FD);
            Struct out = Struct.plain(arena, 8);
            long function = c.vk.call(
                    Function.vkGetDeviceProcAddr,
                    c.device,
                    arena.allocateFrom("vkGetMemoryFdKHR").address());
            if (function == 0) throw DeviceException.unsupported(c.name + " has no vkGetMemoryFdKHR");
            int result = (int)
                    VulkanLibrary.call(MemorySegment.ofAddress(function), c.device, info.address(), out.address());
            VulkanLibrary.check(c.name, "vkGetMemoryFdKHR", result);
            return out.getInt(0);
        }
    }

    /** Memory behind a descriptor, which stays the caller's. */
    static DeviceBuffer open(Context c, int descriptor, long bytes) {
        Descriptor own = Descriptor.duplicate(descriptor);
        try {
            // An import that succeeds takes the descriptor over.
            return DeviceBuffer.imported(c, bytes, own.number());
        } catch (RuntimeException e) {
            own.close();
            throw new DeviceException(
                    DeviceException.Kind.BUFFER,
                    "the memory cannot be imported by " + c.name + ": " + e.getMessage(),
                    e);
        }
    }

    static void close(int descriptor) {
        if (descriptor >= 0) Descriptor.own(descriptor).close();
    }
}
