package dev.meseta.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** The kernel, by the file of a device, open for reading and writing. Thread-safe; nothing may use it once it is closed. */
public final class DeviceFile implements DeviceKernel {
    private static final LibC OPEN = LibC.function("open");
    private static final LibC IOCTL = LibC.function("ioctl");
    private static final LibC MMAP = LibC.function("mmap");
    private static final LibC MUNMAP = LibC.function("munmap");

    private static final int O_RDWR_CLOEXEC = 0x80002;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 1;

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

    @Override
    public int ioctl(long request, MemorySegment structure) {
        try {
            IOCTL.call("asking a device", descriptor.number(), request, structure.address());
            return 0;
        } catch (SystemCallException e) {
            return e.errno();
        }
    }

    @Override
    public MemorySegment map(long offset, long bytes) {
        String what = "mapping " + bytes + " bytes of a device";
        return MemorySegment.ofAddress(
                        MMAP.call(what, 0, bytes, PROT_READ_WRITE, MAP_SHARED, descriptor.number(), offset))
                .reinterpret(bytes);
    }

    @Override
    public void unmap(MemorySegment memory) {
        MUNMAP.call("unmapping memory of a device", memory.address(), memory.byteSize());
    }

    @Override
    public String log() {
        return "the kernel's log (dmesg) says more";
    }

    @Override
    public void close() {
        descriptor.close();
    }
}
