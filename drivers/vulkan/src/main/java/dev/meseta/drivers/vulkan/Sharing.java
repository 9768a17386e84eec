package dev.meseta.drivers.vulkan;

import dev.meseta.driver.Allocation;
import dev.meseta.driver.DeviceException;
import dev.meseta.linux.Descriptor;
import dev.meseta.linux.SystemCallException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Memory for jobs, and how it crosses to other processes: by file descriptors, which all drivers of the system understand where the device can do
 * that (dma-buf), or else those of its kind alone.
 */
final class Sharing {
    static final String EXTENSION = "VK_KHR_external_memory_fd";
    static final String DMA_BUF = "VK_EXT_external_memory_dma_buf";
    private static final String FOR_ITS_KIND = "VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT";
    private static final String FOR_ALL = "VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT";
    private static final String BOTH_WAYS =
            "VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT|VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT";

    private Sharing() {}

    /** What a device's descriptors are. */
    static String kind(Context c) {
        Struct may = Struct.of("VkExternalBufferProperties");
        Struct asked = Struct.of("VkPhysicalDeviceExternalBufferInfo usage handleType", DeviceBuffer.USAGE, FOR_ALL);
        c.vk.call("vkGetPhysicalDeviceExternalBufferProperties", c.physical.handle, asked, may);
        boolean both = may.has("externalMemoryFeatures", BOTH_WAYS);
        return both && c.physical.extensions.contains(DMA_BUF) ? FOR_ALL : FOR_ITS_KIND;
    }

    /** A bit for each kind of memory that a descriptor may be taken for, which is said of those for all alone. */
    private static int types(Context c, int descriptor) {
        if (kind(c).equals(FOR_ITS_KIND)) return -1;
        Struct said = Struct.of("VkMemoryFdPropertiesKHR");
        c.check("vkGetMemoryFdPropertiesKHR", c.device, kind(c), descriptor, said);
        return (int) said.get("memoryTypeBits");
    }

    /** Zeroed memory. */
    static Allocation allocate(Context c, long bytes, boolean shareable) {
        long size = Math.max(1, bytes);
        if (!shareable) return allocation(DeviceBuffer.onHost(c, size), bytes, -1);
        check(c, "share");
        Struct crossing = Struct.of("VkExportMemoryAllocateInfo handleTypes", kind(c));
        DeviceBuffer b = new DeviceBuffer(c, size, size + DeviceBuffer.MARGIN, -1, false, crossing);
        b.view().fill((byte) 0);
        Struct info = Struct.of("VkMemoryGetFdInfoKHR handleType memory", kind(c), b.memory);
        return allocation(b, bytes, (int) c.get("vkGetMemoryFdKHR", c.device, info));
    }

    /** Memory behind a descriptor, which stays the caller's. */
    static Allocation open(Context c, int descriptor, long bytes) {
        check(c, "import");
        long size = Math.max(1, bytes);
        // Some drivers close what they refuse, which they should not: that closing fails then is of no account.
        try (Descriptor own = Descriptor.duplicate(descriptor)) {
            check(own.number(), size);
            Struct crossing = Struct.of("VkImportMemoryFdInfoKHR handleType fd", kind(c), own.number());
            DeviceBuffer b = new DeviceBuffer(c, size, size, types(c, own.number()), false, crossing);
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
