package dev.meseta.drivers.vulkan;

import dev.meseta.driver.DeviceException;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A buffer with memory of its own; freed when it is closed or no longer reachable. No run may use it then. */
final class DeviceBuffer implements AutoCloseable {
    static final String USAGE = "VK_BUFFER_USAGE_TRANSFER_SRC_BIT|VK_BUFFER_USAGE_TRANSFER_DST_BIT"
            + "|VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT|VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT"
            + "|VK_BUFFER_USAGE_STORAGE_BUFFER_BIT|VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT";

    /** More than any access may reach beyond an empty slot. */
    static final long MARGIN = 64;

    private static final int TEXEL_BYTES = 16;

    /** Places in images are numbers of 32 bits. */
    static final long MOST_TEXEL_BYTES = 1L << 30;

    final long handle;
    final long memory;
    final long address;
    /** The host's view; null where it has none. */
    final @Nullable MemorySegment mapped;

    /** Its texels, as an image; 0 where kernels do not read images, or it is larger than they reach. */
    final long texels;

    /** What it is a copy of, whose address stays taken for as long as this is; null where it is none. */
    @Nullable
    MemorySegment source;

    private final Handles handles;

    /** What lies in a buffer from an offset on. */
    record Part(DeviceBuffer buffer, long offset) {
        long address() {
            return buffer.address + offset;
        }
    }

    /**
     * A buffer.
     *
     * @param size of its memory, of which the first {@code bytes} are used
     * @param types a bit for each kind of memory that will do
     * @param crossing how its memory crosses to other processes; 0 where it does not
     */
    DeviceBuffer(Context c, long bytes, long size, int types, boolean forKernels, Object crossing) {
        this.handles = Handles.of(c, this);
        try {
            Object kind = crossing instanceof Struct ? Sharing.kind(c) : 0;
            Struct external = Struct.of("VkExternalMemoryBufferCreateInfo handleTypes", kind);
            this.handle = handles.create("Buffer", "size usage pNext", size, USAGE, external);
            Struct needs = Struct.of("VkMemoryRequirements");
            c.vk.call("vkGetBufferMemoryRequirements", c.device, handle, needs);
            int allowed = (int) needs.get("memoryTypeBits") & types;
            MemoryType type = MemoryType.choose(c.physical.memory, allowed, forKernels);
            Struct flags =
                    Struct.of("VkMemoryAllocateFlagsInfo flags=VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT pNext", crossing);
            String fields = "VkMemoryAllocateInfo allocationSize memoryTypeIndex pNext";
            Struct wanted = Struct.of(fields, needs.get("size"), type.number(), flags);
            this.memory = handles.add("vkFreeMemory", c.get("vkAllocateMemory", c.device, wanted, 0));
            c.check("vkBindBufferMemory", c.device, handle, memory, 0);
            this.address = c.vk.call(
                    "vkGetBufferDeviceAddress", c.device, Struct.of("VkBufferDeviceAddressInfo buffer", handle));
            this.mapped = type.isMapped()
                    ? MemorySegment.ofAddress(c.get("vkMapMemory", c.device, memory, 0, -1L, 0))
                            .reinterpret(bytes)
                    : null;
            long whole = size / TEXEL_BYTES * TEXEL_BYTES;
            boolean image = c.texelLayout != 0 && whole > 0 && bytes <= MOST_TEXEL_BYTES;
            this.texels = image
                    ? handles.create("BufferView", "format=VK_FORMAT_R32G32B32A32_UINT buffer range", handle, whole)
                    : 0;
        } catch (DeviceException e) {
            handles.close();
            if (e.kind() != DeviceException.Kind.MEMORY) throw e;
            throw new DeviceException(
                    DeviceException.Kind.MEMORY, c.name + " has no " + bytes + " bytes left: " + e.getMessage(), e);
        }
    }

    /** Memory that the device uses. */
    static DeviceBuffer onDevice(Context c, long bytes) {
        return new DeviceBuffer(c, bytes, bytes + MARGIN, -1, true, 0);
    }

    /** Zeroed memory that the host reads and writes, and the device too. */
    static DeviceBuffer onHost(Context c, long bytes) {
        DeviceBuffer b = new DeviceBuffer(c, bytes, bytes + MARGIN, -1, false, 0);
        b.view().fill((byte) 0);
        return b;
    }

    /** The host's view of memory that has one. */
    MemorySegment view() {
        return Objects.requireNonNull(mapped, "the host has no view of this memory");
    }

    @Override
    public void close() {
        handles.close();
    }
}
