package dev.meseta.drivers.vulkan;

import dev.meseta.driver.Allocation;
import dev.meseta.driver.DeviceException;
import dev.meseta.linux.Descriptor;
import dev.meseta.linux.SystemCallException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Memory for jobs, and how it crosses to other processes: by file descriptors, of the kind that only drivers of this kind understand. */
final class Sharing {
    static final String EXTENSION = "VK_KHR_external_memory_fd";
    static final String KIND = "VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT";

    private Sharing() {}

    /** Zeroed memory. */
    static Allocation allocate(Context c, long bytes, boolean shareable) {
        long size = Math.max(1, bytes);
        if (!shareable) return allocation(DeviceBuffer.onHost(c, size), bytes, -1);
        check(c, "share");
        Struct crossing = Struct.of("VkExportMemoryAllocateInfo handleTypes", KIND);
        DeviceBuffer b = DeviceBuffer.shared(c, size, size + DeviceBuffer.MARGIN, crossing);
        b.view().fill((byte) 0);
        Struct info = Struct.of("VkMemoryGetFdInfoKHR handleType memory", KIND, b.memory);
        return allocation(b, bytes, (int) c.get("vkGetMemoryFdKHR", c.device, info));
    }

    /** Memory behind a descriptor, which stays the caller's. */
    static Allocation open(Context c, int descriptor, long bytes) {
        check(c, "import");
        long size = Math.max(1, bytes);
        // Some drivers close what they refuse, which they should not: that closing fails then is of no account.
        try (Descriptor own = Descriptor.duplicate(descriptor)) {
            check(own.number(), size);
            Struct crossing = Struct.of("VkImportMemoryFdInfoKHR handleType fd", KIND, own.number());
            DeviceBuffer b = DeviceBuffer.shared(c, size, size, crossing);
            // An import that succeeds takes the descriptor over.
            own.give();
            return allocation(b, bytes, -1);
        } catch (DeviceException | SystemCallException | IOException e) {
            throw new DeviceException(
                    DeviceException.Kind.BUFFER,
                    "the memory cannot be imported by " + c.name + ": " + e.getMessage(),
                    e);
        }
    }

    private static void check(Context c, String what) {
        if (!c.physical.extensions.contains(EXTENSION))
            throw DeviceException.unsupported(c.name + " cannot " + what + " memory: it lacks " + EXTENSION);
    }

    /** Drivers do not all look; where the system knows how much there is, it decides. */
    private static void check(int descriptor, long bytes) throws IOException {
        long size = Files.size(Path.of("/proc/self/fd/" + descriptor));
        if (size > 0 && size < bytes)
            throw new DeviceException(
                    DeviceException.Kind.BUFFER, "it holds " + size + " bytes, " + bytes + " are needed");
    }

    private static Allocation allocation(DeviceBuffer b, long bytes, int descriptor) {
        return new Allocation(b.view().asSlice(0, bytes), descriptor, b.address, () -> {
            if (descriptor >= 0) Descriptor.own(descriptor).close();
            b.close();
        });
    }
}
