package dev.meseta.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Pages of memory, zero at first: the process's own, or behind a descriptor that other processes can map too. {@link #segment} stays valid
 * until {@link #close}, and nothing guards it after: this is for owners that see to that. Thread-safe.
 */
public final class HostMemory implements AutoCloseable {
    public static final long PAGE_BYTES = 4096;

    private static final LibC MEMFD_CREATE = LibC.function("memfd_create");
    private static final LibC FTRUNCATE = LibC.function("ftruncate");
    private static final LibC FCNTL = LibC.function("fcntl");
    private static final LibC LSEEK = LibC.function("lseek");
    private static final LibC MMAP = LibC.function("mmap");
    private static final LibC MUNMAP = LibC.function("munmap");

    private static final int MFD_CLOEXEC = 1;
    private static final int MFD_ALLOW_SEALING = 2;
    private static final int F_ADD_SEALS = 1033;
    private static final int F_GET_SEALS = 1034;
    private static final int F_SEAL_SHRINK = 2;
    private static final int F_SEAL_GROW = 4;
    private static final int F_SEAL_WRITE = 8;
    private static final int F_SEAL_FUTURE_WRITE = 16;
    private static final int SEEK_END = 2;
    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int MAP_SHARED = 1;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x22;

    private final MemorySegment segment;
    private final long mapped;
    private final @Nullable Descriptor descriptor;
    private final AtomicBoolean closed = new AtomicBoolean();

    private HostMemory(MemorySegment segment, long mapped, @Nullable Descriptor descriptor) {
        this.segment = segment;
        this.mapped = mapped;
        this.descriptor = descriptor;
    }

    /** Memory of this process alone. Throws {@link SystemCallException} where the system has no more. */
    public static HostMemory anonymous(long bytes) {
        return map(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE_ANONYMOUS, null);
    }

    /**
     * Memory behind a descriptor (memfd). Its size is sealed, so that no process can take pages away from under another one.
     *
     * @param name for people: {@code /proc/PID/maps} shows it
     */
    public static HostMemory shareable(String name, long bytes) {
        check(bytes);
        try (Arena arena = Arena.ofConfined()) {
            Descriptor d = Descriptor.own((int) MEMFD_CREATE.call(
                    "making memory that can be shared",
                    arena.allocateFrom(name).address(),
                    MFD_CLOEXEC | MFD_ALLOW_SEALING));
            try {
                FTRUNCATE.call("reserving " + bytes + " bytes that can be shared", d.number(), pages(bytes));
                FCNTL.call("sealing shared memory", d.number(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
                return map(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, d);
            } catch (RuntimeException e) {
                d.close();
                throw e;
            }
        }
    }

    /**
     * Maps memory that another process made, or this one.
     *
     * @param number a descriptor, which stays the caller's: it is duplicated
     * @param writable whether this process will write to it
     * @throws IllegalArgumentException it holds fewer bytes, or it could be made to hold fewer while it is mapped, or may not be written
     * @throws SystemCallException it is no open descriptor of memory
     */
    public static HostMemory open(int number, long bytes, boolean writable) {
        check(bytes);
        Descriptor d = Descriptor.duplicate(number);
        try {
            int seals = (int) FCNTL.call("asking descriptor " + number + " for its seals", d.number(), F_GET_SEALS, 0);
            if ((seals & F_SEAL_SHRINK) == 0)
                throw new IllegalArgumentException("descriptor " + number
                        + " is memory that its owner can shrink at any time, which would crash whoever reads it; it must be"
                        + " sealed with F_SEAL_SHRINK");
            if (writable && (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0)
                throw new IllegalArgumentException("descriptor " + number + " is sealed against writing");
            long size = LSEEK.call("asking descriptor " + number + " for its size", d.number(), 0, SEEK_END);
            if (size < bytes)
                throw new IllegalArgumentException(
                        "descriptor " + number + " holds " + size + " bytes, " + bytes + " are needed");
            return map(bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, d);
        } catch (RuntimeException e) {
            d.close();
            throw e;
        }
    }

    private static HostMemory map(long bytes, int protection, int flags, @Nullable Descriptor descriptor) {
        check(bytes);
        long size = pages(bytes);
        long address = MMAP.call(
                "mapping " + bytes + " bytes",
                0,
                size,
                protection,
                flags,
                descriptor == null ? -1 : descriptor.number(),
                0);
        MemorySegment memory = MemorySegment.ofAddress(address).reinterpret(bytes);
        return new HostMemory((protection & PROT_WRITE) == 0 ? memory.asReadOnly() : memory, size, descriptor);
    }

    private static void check(long bytes) {
        if (bytes < 0 || bytes > Long.MAX_VALUE - PAGE_BYTES)
            throw new IllegalArgumentException("a size must be 0 or more, got " + bytes);
    }

    /** Whole pages, at least one. */
    private static long pages(long bytes) {
        return Math.max(PAGE_BYTES, (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
    }

    /** The bytes, page-aligned; read-only where it was opened so. */
    public MemorySegment segment() {
        return segment;
    }

    /** The number of the descriptor behind it, which stays this object's; -1 for memory of this process alone. */
    public int descriptor() {
        return descriptor == null ? -1 : descriptor.number();
    }

    /** Gives the memory back. Nothing may touch {@link #segment} any more. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) return;
        MUNMAP.call("giving back " + mapped + " bytes", segment.address(), mapped);
        if (descriptor != null) descriptor.close();
    }
}
