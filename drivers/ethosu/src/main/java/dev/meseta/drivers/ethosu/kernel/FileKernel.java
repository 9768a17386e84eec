package dev.meseta.drivers.ethosu.kernel;

import dev.meseta.linux.DeviceFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** The kernel of this machine, by the file of a device. */
public final class FileKernel implements Kernel {
    private final DeviceFile file;

    /** Opens a file. Throws {@link dev.meseta.linux.SystemCallException} where that is refused. */
    public FileKernel(Path path) {
        this.file = DeviceFile.open(path);
    }

    @Override
    public int ioctl(long request, MemorySegment structure) {
        return file.ioctl(request, structure);
    }

    @Override
    public MemorySegment map(long offset, long bytes) {
        return file.map(offset, bytes);
    }

    @Override
    public void unmap(MemorySegment memory) {
        DeviceFile.unmap(memory);
    }

    @Override
    public String log() {
        return "the kernel's log (dmesg) says more";
    }

    @Override
    public void close() {
        file.close();
    }
}
