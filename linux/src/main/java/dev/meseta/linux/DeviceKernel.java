package dev.meseta.linux;

import java.lang.foreign.MemorySegment;

/** Who answers the requests of an open file of a device: the kernel ({@link DeviceFile}), or a model of it. Thread-safe. */
public interface DeviceKernel extends AutoCloseable {
    /**
     * A system call.
     *
     * @param request its number
     * @param structure native; it may be changed
     * @return 0, or the number of the reason for which it is refused (errno)
     */
    int ioctl(long request, MemorySegment structure);

    /**
     * Maps memory of the device, until {@link #unmap}. Throws {@link SystemCallException} where that is refused, a model {@link
     * IllegalArgumentException}.
     */
    MemorySegment map(long offset, long bytes);

    /** Gives back what was mapped, all of it. Nothing may touch it any more. */
    void unmap(MemorySegment memory);

    /** What an address in a structure points to, for a model that answers requests. Whoever wrote the structure answers for it. */
    static MemorySegment at(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    /** Where to read why a request was refused or a job did not end well, for the end of a message. */
    String log();

    @Override
    void close();
}
