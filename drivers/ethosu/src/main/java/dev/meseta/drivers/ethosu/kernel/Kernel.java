package dev.meseta.drivers.ethosu.kernel;

import java.lang.foreign.MemorySegment;

/** Who answers {@link Request}s on one open file: the kernel itself, or a model of it. Thread-safe. */
public interface Kernel extends AutoCloseable {
    /**
     * A system call.
     *
     * @param request its number
     * @param structure native; it may be changed
     * @return 0, or errno
     */
    int ioctl(long request, MemorySegment structure);

    /**
     * Maps memory, until {@link #unmap}. Throws {@link dev.meseta.linux.SystemCallException} where that is refused, a model {@link
     * IllegalArgumentException}.
     */
    MemorySegment map(long offset, long bytes);

    /** Gives back what was mapped. */
    void unmap(MemorySegment memory);

    /** Where to read why a job did not end well, for the end of a message. */
    String log();

    @Override
    void close();
}
