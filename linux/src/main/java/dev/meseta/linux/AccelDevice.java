package dev.meseta.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * What all devices of {@code /dev/accel} have: a driver with a name, requests, and memory by handles. Thread-safe. What is refused throws {@link
 * SystemCallException}.
 */
public final class AccelDevice implements AutoCloseable {
    private static final int O_RDWR_CLOEXEC = 0x80002;
    private static final int MOST_NAME = 64;

    private final DeviceKernel kernel;

    /** Closing the device closes the file. */
    public AccelDevice(DeviceKernel kernel) {
        this.kernel = kernel;
    }

    /** What the driver calls itself; empty where nothing answers. */
    public String driver() {
        try (Arena arena = Arena.ofConfined()) {
            DeviceRequest r = DeviceRequest.VERSION;
            MemorySegment text = arena.allocate(MOST_NAME);
            MemorySegment version = arena.allocate(r.layout());
            r.set(version, "name", text.address());
            r.set(version, "name_len", MOST_NAME);
            if (kernel.ioctl(r.number(), version) != 0) return "";
            long length = Math.min(MOST_NAME, r.get(version, "name_len"));
            return new String(text.asSlice(0, length).toArray(JAVA_BYTE), StandardCharsets.US_ASCII);
        }
    }

    /** Makes a request with some fields set (names and values in turn), and gives a field of what comes back. */
    public long ask(String what, DeviceRequest request, String answer, Object... fields) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment structure = arena.allocate(request.layout());
            for (int i = 0; i < fields.length; i += 2) {
                request.set(structure, (String) fields[i], ((Number) fields[i + 1]).longValue());
            }
            int errno = kernel.ioctl(request.number(), structure);
            if (errno != 0) throw new SystemCallException(what, errno);
            return request.get(structure, answer);
        }
    }

    /** Memory of a handle, which it takes over, mapped from where the driver says that it is in the file. */
    public Memory memory(long handle, long offset, long bytes) {
        try {
            return new Memory(handle, kernel.map(offset, Math.max(1, bytes)), bytes);
        } catch (RuntimeException e) {
            close(handle);
            throw e;
        }
    }

    /** Gives a handle back. */
    public void close(long handle) {
        ask("giving memory back", DeviceRequest.GEM_CLOSE, "handle", "handle", handle);
    }

    /** Memory of the device, which the host sees. */
    public final class Memory implements AutoCloseable {
        private final long handle;
        private final MemorySegment mapped;
        private final MemorySegment segment;
        private boolean closed;

        private Memory(long handle, MemorySegment mapped, long bytes) {
            this.handle = handle;
            this.mapped = mapped;
            this.segment = mapped.asSlice(0, bytes);
        }

        /** The bytes, valid until it is closed. */
        public MemorySegment segment() {
            return segment;
        }

        /** The kernel's number for it. */
        public long handle() {
            return handle;
        }

        /** A descriptor for other processes, which the caller closes. */
        public int export() {
            DeviceRequest r = DeviceRequest.PRIME_HANDLE_TO_FD;
            return (int) ask("exporting memory", r, "fd", "handle", handle, "flags", O_RDWR_CLOEXEC);
        }

        /** Gives it back. Jobs under way keep it. */
        @Override
        public synchronized void close() {
            if (closed) return;
            closed = true;
            kernel.unmap(mapped);
            AccelDevice.this.close(handle);
        }
    }

    /** Where to read why something was refused. */
    public String log() {
        return kernel.log();
    }

    @Override
    public void close() {
        kernel.close();
    }
}
