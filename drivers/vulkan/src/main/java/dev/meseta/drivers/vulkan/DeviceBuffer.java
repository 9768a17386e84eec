package dev.meseta.drivers.vulkan;

import dev.meseta.driver.DeviceException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import org.jspecify.annotations.Nullable;

/** A buffer with memory of its own; freed when it is closed or no longer reachable. No run may use it then. */
final class DeviceBuffer implements AutoCloseable {
    private static final int USAGE = Vk.USAGE_TRANSFER_SRC
            | Vk.USAGE_TRANSFER_DST
            | Vk.USAGE_STORAGE_TEXEL
            | Vk.USAGE_UNIFORM
            | Vk.USAGE_STORAGE
            | Vk.USAGE_DEVICE_ADDRESS;

    /** More than any access may reach beyond an empty slot. */
    private static final long MARGIN = 64;

    /** Places in images are numbers of 32 bits. */
    static final long MOST_TEXEL_BYTES = 1L << 30;

    final long handle;
    final long memory;
    final long address;
    final long bytes;
    /** The host's view; null where it has none. */
    final @Nullable MemorySegment mapped;

    /** Its texels of 16 bytes, as an image; 0 where kernels do not read images, or it is larger than they reach. */
    final long texels;

    private final Cleaner.Cleanable cleanable;

    /** How memory crosses to other processes. */
    private enum Crossing {
        NONE,
        EXPORT,
        IMPORT
    }

    private DeviceBuffer(Context c, long bytes, boolean forKernels, Crossing crossing, int descriptor) {
        this.bytes = bytes;
        Handles handles = new Handles(c);
        try (Arena arena = Arena.ofConfined()) {
            long size = crossing == Crossing.IMPORT ? bytes : bytes + MARGIN;
            Object external = crossing == Crossing.NONE
                    ? 0
                    : Struct.of(arena, "VkExternalMemoryBufferCreateInfo handleTypes", Vk.HANDLE_OPAQUE_FD);
            Struct info = Struct.of(arena, "VkBufferCreateInfo size usage pNext", size, USAGE, external);
            this.handle = handles.create("vkCreateBuffer", info, "vkDestroyBuffer");
            Struct needs = Struct.of(arena, "VkMemoryRequirements");
            c.vk.call("vkGetBufferMemoryRequirements", c.device, handle, needs);
            var type = PhysicalDevice.MemoryType.choose(
                    c.physical.memory(), (int) needs.get("memoryTypeBits"), forKernels);
            Struct wanted = Struct.of(
                    arena,
                    "VkMemoryAllocateInfo allocationSize memoryTypeIndex pNext",
                    needs.get("size"),
                    type.number(),
                    crossing(arena, crossing, descriptor));
            this.memory = handles.create("vkAllocateMemory", wanted, "vkFreeMemory");
            c.check("vkBindBufferMemory", c.device, handle, memory, 0);
            this.address = c.vk.call(
                    "vkGetBufferDeviceAddress", c.device, Struct.of(arena, "VkBufferDeviceAddressInfo buffer", handle));
            this.mapped = type.isMapped()
                    ? MemorySegment.ofAddress(c.get("vkMapMemory", c.device, memory, 0, -1L, 0))
                            .reinterpret(bytes)
                    : null;
            boolean image = crossing == Crossing.NONE && c.texelLayout != 0 && bytes <= MOST_TEXEL_BYTES;
            long whole = (bytes + MARGIN) / 16 * 16;
            Struct view =
                    Struct.of(arena, "VkBufferViewCreateInfo buffer format range", handle, Vk.FORMAT_RGBA32UI, whole);
            this.texels = image ? handles.create("vkCreateBufferView", view, "vkDestroyBufferView") : 0;
        } catch (DeviceException e) {
            handles.run();
            if (e.kind() != DeviceException.Kind.MEMORY) throw e;
            throw new DeviceException(
                    DeviceException.Kind.MEMORY, c.name + " has no " + bytes + " bytes left: " + e.getMessage(), e);
        }
        this.cleanable = handles.ownedBy(this);
    }

    /** What is asked for beside memory. */
    private static Struct crossing(Arena arena, Crossing crossing, int descriptor) {
        Object more = switch (crossing) {
            case NONE -> 0;
            case EXPORT -> Struct.of(arena, "VkExportMemoryAllocateInfo handleTypes", Vk.HANDLE_OPAQUE_FD);
            case IMPORT -> Struct.of(arena, "VkImportMemoryFdInfoKHR handleType fd", Vk.HANDLE_OPAQUE_FD, descriptor);
        };
        return Struct.of(arena, "VkMemoryAllocateFlagsInfo flags pNext", Vk.MEMORY_ALLOCATE_DEVICE_ADDRESS, more);
    }

    /** Memory that the device uses. */
    static DeviceBuffer onDevice(Context c, long bytes) {
        return new DeviceBuffer(c, bytes, true, Crossing.NONE, -1);
    }

    /** Memory that the host reads and writes, and the device too. */
    static DeviceBuffer onHost(Context c, long bytes) {
        return new DeviceBuffer(c, bytes, false, Crossing.NONE, -1);
    }

    /** Memory of the host's that other processes can import. */
    static DeviceBuffer exportable(Context c, long bytes) {
        return new DeviceBuffer(c, bytes, false, Crossing.EXPORT, -1);
    }

    /** Memory of another process; the descriptor is the buffer's from here on. */
    static DeviceBuffer imported(Context c, long bytes, int descriptor) {
        return new DeviceBuffer(c, bytes, false, Crossing.IMPORT, descriptor);
    }

    /** The host's view of memory that has one. */
    MemorySegment view() {
        MemorySegment m = mapped;
        if (m == null) throw new IllegalStateException("the host has no view of this memory");
        return m;
    }

    @Override
    public void close() {
        cleanable.clean();
    }
}
