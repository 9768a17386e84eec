package dev.meseta.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** The file of a device, open for reading and writing. Thread-safe; nothing may use it once it is closed. */
public final class DeviceFile implements AutoCloseable {
    private static final LibC OPEN = LibC.function("open");
    private static final LibC IOCTL = LibC.function("ioctl");
    private static final LibC MMAP = LibC.function("mmap");
    private static final LibC MUNMAP = LibC.function("munmap");

    private static final int O_RDWR_CLOEXEC = 0x80002;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 1;

    private static final int WRITE = 1;
    private static final int READ = 2;
    private static final int DIRECTION_SHIFT = 30;
    private static final int SIZE_SHIFT = 16;
    private static final int TYPE_SHIFT = 8;

    private final Descriptor descriptor;

    private DeviceFile(Descriptor descriptor) {
        this.descriptor = descriptor;
    }

    /** Opens it. Throws {@link SystemCallException} where that is refused. */
    public static DeviceFile open(Path path) {
        try (Arena arena = Arena.ofConfined()) {
            long name = arena.allocateFrom(path.toString()).address();
            return new DeviceFile(Descriptor.own((int) OPEN.call("opening " + path, name, O_RDWR_CLOEXEC)));
        }
    }

    /**
     * The number of a request (source: {@code asm-generic/ioctl.h}).
     *
     * @param type the letter of the subsystem
     * @param size bytes of the structure
     * @param read whether the kernel writes into the structure as well as it reads it
     */
    public static long request(char type, int number, long size, boolean read) {
        long direction = read ? READ | WRITE : WRITE;
        return direction << DIRECTION_SHIFT | size << SIZE_SHIFT | (long) type << TYPE_SHIFT | number;
    }

    /**
     * A request of the device's driver.
     *
     * @param structure native; the kernel may change it
     * @return 0, or the number of the reason for which it was refused (errno)
     */
    public int ioctl(long request, MemorySegment structure) {
        try {
            IOCTL.call("asking a device", descriptor.number(), request, structure.address());
            return 0;
        } catch (SystemCallException e) {
            return e.errno();
        }
    }

    /** Maps memory of the device, until {@link #unmap}. Throws {@link SystemCallException} where that is refused. */
    public MemorySegment map(long offset, long bytes) {
        String what = "mapping " + bytes + " bytes of a device";
        return MemorySegment.ofAddress(
                        MMAP.call(what, 0, bytes, PROT_READ_WRITE, MAP_SHARED, descriptor.number(), offset))
                .reinterpret(bytes);
    }

    /** Gives back what {@link #map} gave, all of it. Nothing may touch it any more. */
    public static void unmap(MemorySegment memory) {
        MUNMAP.call("unmapping memory of a device", memory.address(), memory.byteSize());
    }

    @Override
    public void close() {
        descriptor.close();
    }
}
