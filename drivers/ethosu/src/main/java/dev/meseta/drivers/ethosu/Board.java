package dev.meseta.drivers.ethosu;

import static dev.meseta.linux.SystemCallException.*;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.meseta.driver.DeviceException;
import dev.meseta.driver.DeviceException.Kind;
import dev.meseta.linux.AccelDevice;
import dev.meseta.linux.DeviceKernel;
import dev.meseta.linux.DeviceRequest;
import dev.meseta.linux.EthosuRequests;
import dev.meseta.linux.SystemCallException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A device, by way of the kernel: its memory, its command streams, its jobs. Thread-safe. What fails throws {@link DeviceException}.
 *
 * @param name for messages
 * @param device closed with the board
 */
public record Board(String name, AccelDevice device, Info info) implements AutoCloseable {
    private static final String DRIVER = "ethosu";

    /** How often somebody who waits looks whether it is still wanted. */
    private static final long LOOK_NANOS = 50_000_000;

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
            return List.of("U55", "U65", "U85", "?").get(Math.min(3, configuration >>> PRODUCT_SHIFT)) + "-"
                    + (1 << (configuration & 0xf));
        }

        /**
         * Whether it executes what was made for a configuration (the same family, with as many products a cycle) and uses so many bytes of the
         * fast memory.
         */
        public boolean runs(int made, long fast) {
            int other = made ^ configuration;
            return other >>> PRODUCT_SHIFT == 0 && (other & 0xf) == 0 && fast <= fastBytes;
        }

        /** Architecture and release, such as {@code 1.0.6, r0p1}. */
        public String version() {
            return (id >>> 28) + "." + (id >>> 20 & 0xff) + "." + (id >>> 16 & 0xf) + ", r" + (id >>> 8 & 0xf) + "p"
                    + (id >>> 4 & 0xf);
        }
    }

    /**
     * The device of an open file; empty where it is another driver's. Closing the board closes the file.
     *
     * @param name for messages
     */
    public static Optional<Board> of(String name, DeviceKernel kernel) {
        AccelDevice device = new AccelDevice(kernel);
        if (!device.driver().equals(DRIVER)) return Optional.empty();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment facts = arena.allocate(EthosuRequests.NPU_INFO);
            Object[] query = {"size", facts.byteSize(), "pointer", facts.address()};
            device.ask("asking what it is", EthosuRequests.DEV_QUERY, "size", query);
            Info info = new Info(
                    (int) DeviceRequest.get(EthosuRequests.NPU_INFO, facts, "id"),
                    (int) DeviceRequest.get(EthosuRequests.NPU_INFO, facts, "config"),
                    DeviceRequest.get(EthosuRequests.NPU_INFO, facts, "sram_size"));
            return Optional.of(new Board(name, device, info));
        } catch (SystemCallException e) {
            throw translated(name, device, e);
        }
    }

    /** Memory, zeroed. */
    public AccelDevice.Memory allocate(long bytes) {
        return attempt(() -> {
            String what = "allocating " + bytes + " bytes";
            long handle = device.ask(what, EthosuRequests.BO_CREATE, "handle", "size", Math.max(1, bytes));
            long offset = device.ask(what, EthosuRequests.BO_MMAP_OFFSET, "offset", "handle", handle);
            return device.memory(handle, offset, bytes);
        });
    }

    /** A command stream that the kernel has taken. Give it to {@link #unload}. */
    public long load(MemorySegment words) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(words.byteSize(), 4).copyFrom(words);
            Object[] fields = {"size", words.byteSize(), "data", copy.address()};
            return attempt(
                    () -> device.ask("loading a command stream", EthosuRequests.CMDSTREAM_BO_CREATE, "handle", fields));
        }
    }

    /** Gives a command stream back. */
    public void unload(long stream) {
        device.close(stream);
    }

    /**
     * Queues one job.
     *
     * @param fastBytes of the fast memory, which is the region {@link EthosuRequests#FAST_REGION} then; 0 for none
     * @param regions by number; null where the stream uses none, and for the fast memory
     */
    public void submit(long stream, long fastBytes, AccelDevice.@Nullable Memory[] regions) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment job = arena.allocate(EthosuRequests.JOB);
            DeviceRequest.set(EthosuRequests.JOB, job, "cmd_bo", stream);
            DeviceRequest.set(EthosuRequests.JOB, job, "sram_size", fastBytes);
            long at = DeviceRequest.offset(EthosuRequests.JOB, "region_bo_handles");
            for (int i = 0; i < regions.length; i++) {
                AccelDevice.Memory m = regions[i];
                if (m != null) job.set(JAVA_INT, at + 4L * i, (int) m.handle());
            }
            Object[] fields = {"jobs", job.address(), "job_count", 1};
            attempt(() -> device.ask("submitting a job", EthosuRequests.SUBMIT, "job_count", fields));
        }
    }

    /**
     * Waits until no job writes to memory any more.
     *
     * @param givenUp whether nobody waits any longer
     * @return false if that is so
     */
    public boolean await(AccelDevice.Memory memory, BooleanSupplier givenUp) {
        while (true) {
            try {
                // The clock of System.nanoTime is the one that the kernel means.
                Object[] fields = {"handle", memory.handle(), "timeout_ns", System.nanoTime() + LOOK_NANOS};
                device.ask("waiting for a job", EthosuRequests.BO_WAIT, "handle", fields);
                return true;
            } catch (SystemCallException e) {
                int errno = e.errno();
                if (errno != ETIME && errno != EBUSY && errno != ETIMEDOUT) throw translated(name, device, e);
                if (givenUp.getAsBoolean()) return false;
            }
        }
    }

    /** Where to read why a job did not end well. */
    public String log() {
        return device.log();
    }

    private <T> T attempt(Supplier<T> call) {
        try {
            return call.get();
        } catch (SystemCallException e) {
            throw translated(name, device, e);
        }
    }

    /** What the kernel says, and what to do about it. */
    private static DeviceException translated(String name, AccelDevice device, SystemCallException e) {
        if (e.errno() == ENODEV) return DeviceException.lost(name);
        Kind kind = switch (e.errno()) {
            case ENOMEM -> Kind.MEMORY;
            case EOVERFLOW, ENOENT -> Kind.BUFFER;
            case ENOTTY -> Kind.UNSUPPORTED;
            default -> Kind.FAILED;
        };
        String advice = switch (e.errno()) {
            case ENOMEM -> "it must be in one piece: make the kernel's pool for that larger (cma=)";
            case ENOTTY -> "the kernel's driver is too old";
            default -> device.log();
        };
        return new DeviceException(kind, name + ": " + e.getMessage() + "; " + advice, e);
    }

    @Override
    public void close() {
        device.close();
    }
}
