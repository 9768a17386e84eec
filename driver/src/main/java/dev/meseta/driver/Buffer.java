package dev.meseta.driver;

import dev.meseta.graph.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Memory that jobs of a device read and write, or a part of it. Thread-safe; what is in it is the business of those who share it.
 *
 * <p>Parts live as long as the whole, and closing one closes nothing. Jobs under way keep the memory: it is given back when they have ended.
 * A buffer that nobody closes is given back when neither it, nor a part, nor a view of it can be reached. After {@code close}, what needs
 * the memory throws {@link DeviceException} of kind BUFFER, and every access to a view {@link IllegalStateException}.
 */
public final class Buffer implements AutoCloseable {
    private static final Cleaner CLEANER =
            Cleaner.create(Thread.ofPlatform().daemon().name("meseta-buffers").factory());

    private final Memory whole;
    private final long offset;
    private final MemorySegment view;
    private final boolean writable;
    private final boolean owns;
    private final boolean borrowed;
    private @Nullable Access open;

    private Buffer(Memory whole, long offset, MemorySegment view, boolean writable, boolean owns, boolean borrowed) {
        this.whole = whole;
        this.owns = owns;
        this.borrowed = borrowed;
        this.offset = offset;
        this.view = view;
        this.writable = writable;
    }

    /**
     * New memory, zeroed.
     *
     * @param bytes 0 or more
     * @param shareable whether it must be possible to {@link #export} it
     * @throws DeviceException as {@link Device#allocate}
     */
    public static Buffer allocate(Device device, long bytes, boolean shareable) {
        if (bytes < 0) throw new IllegalArgumentException("a buffer has 0 bytes or more, got " + bytes);
        return over(device, device.allocate(bytes, shareable), true);
    }

    /**
     * Memory behind a file descriptor, from another process or another device, without a copy.
     *
     * @param descriptor stays the caller's
     * @param access what this process does with it
     * @throws DeviceException as {@link Device#importMemory}
     */
    public static Buffer importMemory(Device device, int descriptor, long bytes, Access access) {
        if (bytes < 0) throw new IllegalArgumentException("a buffer has 0 bytes or more, got " + bytes);
        return over(device, device.importMemory(descriptor, bytes, access), access.writes());
    }

    /**
     * Memory that the process has, for devices that work on it. Closing the buffer leaves it as it is. It is {@link #isBorrowed}: whoever
     * closes its arena while a job runs is refused, or the job fails.
     *
     * @param memory native; kept reachable by the buffer
     */
    public static Buffer wrap(Device device, MemorySegment memory) {
        return wrap(device, memory, true);
    }

    /** The memory of a tensor, as {@link #wrap(Device, MemorySegment)}; borrowed only if somebody can close it. */
    public static Buffer wrap(Device device, Tensor tensor) {
        return wrap(device, tensor.data(), !tensor.isAutomatic());
    }

    private static Buffer wrap(Device device, MemorySegment memory, boolean borrowed) {
        if (!device.limits().hostMemory())
            throw DeviceException.unsupported(device.name() + " cannot use memory of the process; allocate a buffer");
        if (!memory.isNative() && memory.byteSize() > 0)
            throw DeviceException.unsupported("an array of Java's cannot be a buffer; native memory can");
        return new Buffer(new Memory(device, memory), 0, memory, !memory.isReadOnly(), true, borrowed);
    }

    private static Buffer over(Device device, Allocation allocation, boolean writable) {
        Memory whole = new Memory(device, allocation);
        return new Buffer(whole, 0, whole.view, writable && !whole.view.isReadOnly(), true, false);
    }

    public Device device() {
        return whole.device;
    }

    /** What the driver allocated; null for {@link #wrap}ped memory. */
    public @Nullable Allocation allocation() {
        return whole.allocation;
    }

    /** Where this part begins in the whole, in bytes. */
    public long offset() {
        return offset;
    }

    public long bytes() {
        return view.byteSize();
    }

    public boolean isWritable() {
        return writable;
    }

    /**
     * Whether the memory may go while a job holds the buffer, because somebody else owns it. Whoever gives its address to native code gives
     * the segment too, so that the JVM holds it ({@code Calls.call}).
     */
    public boolean isBorrowed() {
        return borrowed;
    }

    /** Whether only one thread may close the memory, and only that thread may touch it: the memory of a confined arena. */
    public boolean isConfined() {
        return borrowed && Tensor.isConfined(view);
    }

    /** Bytes [begin, begin + bytes) of this, as a buffer. */
    public Buffer part(long begin, long bytes) {
        if (begin < 0 || bytes < 0 || begin > bytes() - bytes)
            throw new IndexOutOfBoundsException(
                    "bytes " + begin + " to " + (begin + bytes) + " of a buffer of " + bytes() + " bytes");
        return new Buffer(whole, offset + begin, view.asSlice(begin, bytes), writable, false, borrowed);
    }

    /** The same memory, which jobs and {@link #begin} may not write through this. */
    public Buffer readOnly() {
        return new Buffer(whole, offset, view.asReadOnly(), false, false, borrowed);
    }

    /**
     * The memory, for drivers and for jobs; the host reads and writes it between {@link #begin} and {@link #end}.
     */
    public MemorySegment memory() {
        return view;
    }

    /**
     * Begins an access by the host. Nothing waits for jobs: whoever calls this knows that they have ended.
     *
     * @return the memory, as far as access allows
     */
    public MemorySegment begin(Access access) {
        if (access.writes() && !writable)
            throw new DeviceException(DeviceException.Kind.BUFFER, "the buffer is read-only");
        synchronized (this) {
            if (open != null) throw new IllegalStateException("an access of the buffer has begun and not ended");
            if (!hold()) throw closed();
            open = access;
        }
        if (whole.allocation != null) whole.device.beginAccess(whole.allocation, offset, bytes(), access);
        return access.writes() ? view : view.asReadOnly();
    }

    /** Ends the access that {@link #begin} began. */
    public void end() {
        Access access;
        synchronized (this) {
            access = open;
            if (access == null) throw new IllegalStateException("no access of the buffer has begun");
            open = null;
        }
        try {
            if (whole.allocation != null) whole.device.endAccess(whole.allocation, offset, bytes(), access);
        } finally {
            release();
        }
    }

    /**
     * A file descriptor of the whole memory, for another process or device; it stays the buffer's: whoever wants to keep it duplicates it.
     *
     * @throws DeviceException of kind UNSUPPORTED: the buffer was not made to be shared
     */
    public int export() {
        if (isClosed()) throw closed();
        Allocation a = whole.allocation;
        if (a == null || a.descriptor() < 0)
            throw DeviceException.unsupported(
                    "the buffer cannot be shared with another process; allocate it shareable");
        return a.descriptor();
    }

    /** Whether two buffers have bytes in common. */
    public boolean overlaps(Buffer other) {
        long a = view.address();
        long b = other.view.address();
        return a < b + other.bytes() && b < a + bytes();
    }

    /** Keeps the memory until {@link #release}; false if it is closed or freed. For the runtime. */
    public boolean hold() {
        return whole.hold();
    }

    /** Undoes a {@link #hold}. */
    public void release() {
        whole.release();
    }

    public boolean isClosed() {
        return whole.isClosed();
    }

    private static DeviceException closed() {
        return new DeviceException(DeviceException.Kind.BUFFER, "the buffer is closed");
    }

    /** Gives the memory back as soon as no job holds it. Closing again does nothing, nor does closing a part. */
    @Override
    public void close() {
        if (owns) whole.close();
    }

    @Override
    public String toString() {
        return "buffer of " + bytes() + " bytes on " + whole.device.name();
    }

    /** All of an allocation. */
    private static final class Memory {
        private static final int CLOSED = 1 << 31;

        final Device device;
        final @Nullable Allocation allocation;
        final MemorySegment view;
        private final @Nullable Arena arena;
        /** How many hold it; negative once it is closed. */
        private final AtomicInteger holds = new AtomicInteger();

        Memory(Device device, MemorySegment memory) {
            this.device = device;
            this.allocation = null;
            this.arena = null;
            this.view = memory;
        }

        Memory(Device device, Allocation allocation) {
            this.device = device;
            this.allocation = allocation;
            Once free = new Once(allocation.free());
            Arena views = Arena.ofShared();
            this.arena = views;
            // The arena keeps this object as long as one of its segments can be reached; the cleaner does not keep the
            // arena.
            this.view = allocation.memory().reinterpret(allocation.memory().byteSize(), views, _ -> free.run(this));
            CLEANER.register(this, free);
        }

        boolean isClosed() {
            return holds.get() < 0 || !view.scope().isAlive();
        }

        boolean hold() {
            if (allocation == null && !view.scope().isAlive()) return false;
            for (int n = holds.get(); n >= 0; n = holds.get()) if (holds.compareAndSet(n, n + 1)) return true;
            return false;
        }

        void release() {
            if (holds.decrementAndGet() == CLOSED) free();
        }

        void close() {
            for (int n = holds.get(); n >= 0; n = holds.get()) {
                if (!holds.compareAndSet(n, n | CLOSED)) continue;
                if (n == 0) free();
                return;
            }
        }

        private void free() {
            if (arena == null) return;
            try {
                arena.close();
            } catch (IllegalStateException e) {
                // A copy or a call of native code is under way in a view; the cleaner gives the memory back later.
            }
        }
    }

    /** Gives memory back once, whoever comes first. Does not refer to the buffer, so that the cleaner does not keep it. */
    private static final class Once implements Runnable {
        private final Runnable free;
        private final AtomicBoolean done = new AtomicBoolean();

        Once(Runnable free) {
            this.free = free;
        }

        @Override
        public void run() {
            if (done.compareAndSet(false, true)) free.run();
        }

        /** As {@link #run}; whoever keeps this call keeps the memory. */
        void run(Memory kept) {
            if (kept.allocation != null) run();
        }
    }
}
