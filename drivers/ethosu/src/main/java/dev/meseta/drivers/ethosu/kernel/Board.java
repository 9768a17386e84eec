package dev.meseta.drivers.ethosu.kernel;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.meseta.driver.DeviceException;
import dev.meseta.driver.DeviceException.Kind;
import dev.meseta.linux.SystemCallException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A device, by way of the kernel: its memory, its command streams, its jobs. Thread-safe. What fails throws {@link DeviceException}. */
public final class Board implements AutoCloseable {
    private static final String DRIVER = "ethosu";

    private static final int ENOENT = 2;
    private static final int ENOMEM = 12;
    private static final int EACCES = 13;
    private static final int EBUSY = 16;
    private static final int ENODEV = 19;
    private static final int EINVAL = 22;
    private static final int ENOTTY = 25;
    private static final int ETIME = 62;
    private static final int EOVERFLOW = 75;
    private static final int ETIMEDOUT = 110;

    /** How often somebody who waits looks whether it is still wanted. */
    private static final long LOOK_NANOS = 50_000_000;

    private static final int O_RDWR_CLOEXEC = 0x80002;
    private static final int MOST_NAME = 64;

    private final String name;
    private final Kernel kernel;
    private final Info info;

    /** How many have each handle: the kernel gives the same one to whoever imports the same memory twice. */
    private final Map<Long, Integer> holders = new HashMap<>();

    /**
     * What the device is.
     *
     * @param id of the version, as its register {@code ID} says
     * @param configuration as its register {@code CONFIG} says
     * @param fastBytes of the fast memory
     */
    public record Info(int id, int configuration, long fastBytes) {
        private static final int PRODUCT_SHIFT = 28;

        /** {@code U65-256}: the family, and products that it adds in a cycle. */
        public String model() {
            String family = switch (configuration >>> PRODUCT_SHIFT) {
                case 0 -> "U55";
                case 1 -> "U65";
                case 2 -> "U85";
                default -> "unknown";
            };
            return family + "-" + (1 << (configuration & 0xf));
        }

        /** Whether it executes what was made for a configuration: the same family, with as many products a cycle. */
        public boolean runs(int made) {
            return (made ^ configuration) >>> PRODUCT_SHIFT == 0 && ((made ^ configuration) & 0xf) == 0;
        }

        /** Architecture and release, such as {@code 1.0.6, r0p1}. */
        public String version() {
            return (id >>> 28) + "." + (id >>> 20 & 0xff) + "." + (id >>> 16 & 0xf) + ", r" + (id >>> 8 & 0xf) + "p"
                    + (id >>> 4 & 0xf);
        }
    }

    private Board(String name, Kernel kernel, Info info) {
        this.name = name;
        this.kernel = kernel;
        this.info = info;
    }

    /**
     * The device of an open file; empty where it is another driver's. Closing the board closes the file.
     *
     * @param name for messages
     */
    public static Optional<Board> of(String name, Kernel kernel) {
        if (!driver(kernel).equals(DRIVER)) return Optional.empty();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment facts = arena.allocate(Request.NPU_INFO);
            MemorySegment query = arena.allocate(Request.DEV_QUERY.layout());
            Request.DEV_QUERY.set(query, "size", facts.byteSize());
            Request.DEV_QUERY.set(query, "pointer", facts.address());
            check(name, kernel, "asking what it is", kernel.ioctl(Request.DEV_QUERY.number(), query));
            Info info = new Info(
                    (int) Request.get(Request.NPU_INFO, facts, "id"),
                    (int) Request.get(Request.NPU_INFO, facts, "config"),
                    Request.get(Request.NPU_INFO, facts, "sram_size"));
            return Optional.of(new Board(name, kernel, info));
        }
    }

    /** What a driver calls itself; empty where nothing answers. */
    private static String driver(Kernel kernel) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(MOST_NAME);
            MemorySegment version = arena.allocate(Request.VERSION.layout());
            Request.VERSION.set(version, "name", text.address());
            Request.VERSION.set(version, "name_len", MOST_NAME);
            if (kernel.ioctl(Request.VERSION.number(), version) != 0) return "";
            long length = Math.min(MOST_NAME, Request.VERSION.get(version, "name_len"));
            byte[] bytes = text.asSlice(0, length).toArray(JAVA_BYTE);
            return new String(bytes, StandardCharsets.US_ASCII);
        }
    }

    public String name() {
        return name;
    }

    public Info info() {
        return info;
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
            return (int) ask(
                    "exporting memory", Request.PRIME_HANDLE_TO_FD, "fd", "handle", handle, "flags", O_RDWR_CLOEXEC);
        }

        /** Gives it back. Jobs under way keep it. */
        @Override
        public synchronized void close() {
            if (closed) return;
            closed = true;
            kernel.unmap(mapped);
            release(handle);
        }
    }

    /** Memory, zeroed. */
    public Memory allocate(long bytes) {
        if (bytes > Long.MAX_VALUE - 4096 || bytes < 0)
            throw new DeviceException(Kind.MEMORY, bytes + " bytes are beyond any memory");
        long size = Math.max(1, bytes);
        long handle = ask("allocating " + bytes + " bytes", Request.BO_CREATE, "handle", "size", size);
        return map(handle, bytes);
    }

    /** Memory that was exported. The descriptor stays the caller's. Throws with kind BUFFER where it is none of this device. */
    public Memory importMemory(int descriptor, long bytes) {
        long handle = ask("importing memory", Request.PRIME_FD_TO_HANDLE, "handle", "fd", descriptor);
        return map(handle, bytes);
    }

    private Memory map(long handle, long bytes) {
        synchronized (holders) {
            holders.merge(handle, 1, Integer::sum);
        }
        try {
            long offset = ask("finding memory", Request.BO_MMAP_OFFSET, "offset", "handle", handle);
            return new Memory(handle, kernel.map(offset, Math.max(1, bytes)), bytes);
        } catch (SystemCallException | IllegalArgumentException e) {
            release(handle);
            throw new DeviceException(
                    Kind.BUFFER, name + ": " + bytes + " bytes cannot be mapped: " + e.getMessage(), e);
        } catch (RuntimeException e) {
            release(handle);
            throw e;
        }
    }

    private void release(long handle) {
        synchronized (holders) {
            Integer left = holders.merge(handle, -1, Integer::sum);
            if (left != null && left > 0) return;
            holders.remove(handle);
            ask("giving memory back", Request.GEM_CLOSE, "handle", "handle", handle);
        }
    }

    /** A command stream that the kernel has taken. Give it to {@link #unload}. */
    public long load(MemorySegment words) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(words.byteSize(), 4).copyFrom(words);
            return ask(
                    "loading a command stream",
                    Request.CMDSTREAM_BO_CREATE,
                    "handle",
                    "size",
                    words.byteSize(),
                    "data",
                    copy.address());
        }
    }

    /** Gives a command stream back. */
    public void unload(long stream) {
        ask("giving a command stream back", Request.GEM_CLOSE, "handle", "handle", stream);
    }

    /**
     * Queues one job.
     *
     * @param fastBytes of the fast memory, which is the region {@link Request#FAST_REGION} then; 0 for none
     * @param regions by number; null where the stream uses none, and for the fast memory
     */
    public void submit(long stream, long fastBytes, @Nullable Memory[] regions) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment job = arena.allocate(Request.JOB);
            job.set(JAVA_INT, Request.offset(Request.JOB, "cmd_bo"), (int) stream);
            job.set(JAVA_INT, Request.offset(Request.JOB, "sram_size"), (int) fastBytes);
            long at = Request.offset(Request.JOB, "region_bo_handles");
            for (int i = 0; i < regions.length; i++) {
                Memory m = regions[i];
                if (m != null) job.set(JAVA_INT, at + 4L * i, (int) m.handle);
            }
            ask("submitting a job", Request.SUBMIT, "job_count", "jobs", job.address(), "job_count", 1);
        }
    }

    /**
     * Waits until no job writes to memory any more.
     *
     * @param given up whether nobody waits any longer
     * @return whether that is so
     */
    public boolean await(Memory memory, BooleanSupplier givenUp) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment wait = arena.allocate(Request.BO_WAIT.layout());
            while (true) {
                Request.BO_WAIT.set(wait, "handle", memory.handle);
                // The clock of System.nanoTime is the one that the kernel means.
                Request.BO_WAIT.set(wait, "timeout_ns", System.nanoTime() + LOOK_NANOS);
                int errno = kernel.ioctl(Request.BO_WAIT.number(), wait);
                if (errno == 0) return true;
                if (errno != ETIME && errno != EBUSY && errno != ETIMEDOUT)
                    check(name, kernel, "waiting for a job", errno);
                if (givenUp.getAsBoolean()) return false;
            }
        }
    }

    /** Where to read why a job did not end well. */
    public String log() {
        return kernel.log();
    }

    /** Makes a request with some fields set (names and values in turn) and gives a field of what comes back. */
    private long ask(String what, Request request, String answer, Object... fields) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment structure = arena.allocate(request.layout());
            for (int i = 0; i < fields.length; i += 2) {
                request.set(structure, (String) fields[i], ((Number) fields[i + 1]).longValue());
            }
            check(name, kernel, what, kernel.ioctl(request.number(), structure));
            return request.get(structure, answer);
        }
    }

    private static void check(String name, Kernel kernel, String what, int errno) {
        if (errno == 0) return;
        if (errno == ENODEV) throw DeviceException.lost(name);
        Kind kind = switch (errno) {
            case ENOMEM -> Kind.MEMORY;
            case EOVERFLOW, ENOENT -> Kind.BUFFER;
            case ENOTTY -> Kind.UNSUPPORTED;
            default -> Kind.FAILED;
        };
        throw new DeviceException(kind, name + ": " + what + " is refused: " + reason(errno, kernel));
    }

    private static String reason(int errno, Kernel kernel) {
        return switch (errno) {
            case ENOMEM ->
                "ENOMEM, no such memory is left (it must be in one piece: make the kernel's pool larger, cma=)";
            case EACCES -> "EACCES, access is denied: join the group of /dev/accel/accel*, mostly render";
            case EINVAL -> "EINVAL, the kernel does not take it; " + kernel.log();
            case EOVERFLOW -> "EOVERFLOW, the command stream reaches beyond a region's memory; " + kernel.log();
            case ENOENT -> "ENOENT, the kernel does not know that memory";
            case ENOTTY -> "ENOTTY, the kernel's driver has no such request: it is too old";
            default -> "errno " + errno + "; " + kernel.log();
        };
    }

    @Override
    public void close() {
        kernel.close();
    }
}
