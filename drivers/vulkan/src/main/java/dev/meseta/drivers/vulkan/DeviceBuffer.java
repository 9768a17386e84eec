package dev.meseta.drivers.vulkan;

import dev.meseta.driver.DeviceException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import org.jspecify.annotations.Nullable;

/** A buffer with memory of its own; freed when it is closed or no longer reachable. No run may use it then. */
final class DeviceBuffer implements AutoCloseable {
    private static final Cleaner CLEANER =
            Cleaner.create(Thread.ofPlatform().daemon().name("meseta-vulkan").factory());
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

    private record Free(Context c, long handle, long memory, long texels) implements Runnable {
        @Override
        public void run() {
            if (texels != 0) c.vk.call(Function.vkDestroyBufferView, c.device, texels, 0);
            c.vk.call(Function.vkDestroyBuffer, c.device, handle, 0);
            c.vk.call(Function.vkFreeMemory, c.device, memory, 0);
        }
    }

    /** How memory crosses to other processes. */
    private enum Crossing {
        NONE,
        EXPORT,
        IMPORT
    }

    private DeviceBuffer(Context c, long bytes, boolean forKernels, Crossing crossing, int descriptor) {
        this.bytes = bytes;
        try (Arena arena = Arena.ofConfined()) {
            Struct info = Struct.of(arena, Vk.TYPE_BUFFER_CREATE_INFO, 56)
                    .set(24, crossing == Crossing.IMPORT ? bytes : bytes + MARGIN)
                    .set(32, USAGE);
            if (crossing != Crossing.NONE)
                info.next(Struct.of(arena, Vk.TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO, 24)
                        .set(16, Vk.HANDLE_OPAQUE_FD));
            this.handle = c.create(arena, Function.vkCreateBuffer, info);
            Struct needs = Struct.plain(arena, 24);
            c.vk.call(Function.vkGetBufferMemoryRequirements, c.device, handle, needs.address());
            var type = PhysicalDevice.MemoryType.choose(c.physical.memory(), needs.getInt(16), forKernels);
            this.memory = allocate(c, arena, needs.getLong(0), type.number(), crossing, descriptor);
            c.vk.check(c.name, Function.vkBindBufferMemory, c.device, handle, memory, 0);
            Struct query =
                    Struct.of(arena, Vk.TYPE_BUFFER_DEVICE_ADDRESS_INFO, 24).set(16, handle);
            this.address = c.vk.call(Function.vkGetBufferDeviceAddress, c.device, query.address());
            MemorySegment view = null;
            if (type.isMapped()) {
                Struct out = Struct.plain(arena, 8);
                c.vk.check(c.name, Function.vkMapMemory, c.device, memory, 0, -1L, 0, out.address());
                view = MemorySegment.ofAddress(out.getLong(0)).reinterpret(bytes);
            }
            this.mapped = view;
            boolean image = crossing == Crossing.NONE && c.texelLayout != 0 && bytes <= MOST_TEXEL_BYTES;
            Struct texel = Struct.of(arena, Vk.TYPE_BUFFER_VIEW_CREATE_INFO, 56)
                    .set(24, handle)
                    .set(32, Vk.FORMAT_RGBA32UI)
                    .set(48, (bytes + MARGIN) / 16 * 16);
            this.texels = image ? c.create(arena, Function.vkCreateBufferView, texel) : 0;
        }
        this.cleanable = CLEANER.register(this, new Free(c, handle, memory, texels));
    }

    private long allocate(Context c, Arena arena, long size, int type, Crossing crossing, int descriptor) {
        Struct flags =
                Struct.of(arena, Vk.TYPE_MEMORY_ALLOCATE_FLAGS_INFO, 24).set(16, Vk.MEMORY_ALLOCATE_DEVICE_ADDRESS);
        if (crossing == Crossing.EXPORT)
            flags.next(Struct.of(arena, Vk.TYPE_EXPORT_MEMORY_ALLOCATE_INFO, 24).set(16, Vk.HANDLE_OPAQUE_FD));
        if (crossing == Crossing.IMPORT)
            flags.next(Struct.of(arena, Vk.TYPE_IMPORT_MEMORY_FD_INFO, 24)
                    .set(16, Vk.HANDLE_OPAQUE_FD)
                    .set(20, descriptor));
        Struct info = Struct.of(arena, Vk.TYPE_MEMORY_ALLOCATE_INFO, 32)
                .set(16, size)
                .set(24, type)
                .next(flags);
        try {
            return c.create(arena, Function.vkAllocateMemory, info);
        } catch (DeviceException e) {
            c.vk.call(Function.vkDestroyBuffer, c.device, handle, 0);
            if (e.kind() != DeviceException.Kind.MEMORY) throw e;
            throw new DeviceException(
                    DeviceException.Kind.MEMORY, c.name + " has no " + bytes + " bytes left: " + e.getMessage(), e);
        }
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
