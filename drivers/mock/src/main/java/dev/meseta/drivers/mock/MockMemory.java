package dev.meseta.drivers.mock;

import dev.meseta.driver.Allocation;
import dev.meseta.driver.DeviceException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** Memory that the host does not see: what it sees is another piece, and accesses copy between the two. Thread-safe. */
final class MockMemory {
    private final Map<Long, MemorySegment> contents = new ConcurrentHashMap<>();
    private final AtomicLong handles = new AtomicLong();
    private final AtomicLong bytesInUse = new AtomicLong();

    Allocation allocate(long bytes) {
        Arena arena = Arena.ofShared();
        try {
            MemorySegment host = arena.allocate(Math.max(1, bytes), 64).asSlice(0, bytes);
            MemorySegment own = arena.allocate(Math.max(1, bytes), 64).asSlice(0, bytes);
            long handle = handles.incrementAndGet();
            contents.put(handle, own);
            bytesInUse.addAndGet(bytes);
            return new Allocation(host, -1, handle, () -> {
                contents.remove(handle);
                bytesInUse.addAndGet(-bytes);
                arena.close();
            });
        } catch (OutOfMemoryError | IllegalArgumentException e) {
            arena.close();
            throw new DeviceException(DeviceException.Kind.MEMORY, bytes + " bytes are not to be had", e);
        }
    }

    long bytesInUse() {
        return bytesInUse.get();
    }

    MemorySegment of(Allocation a) {
        return Objects.requireNonNull(contents.get(a.handle()), "memory of another device");
    }

    void toHost(Allocation a, long offset, long bytes) {
        MemorySegment.copy(of(a), offset, a.memory(), offset, bytes);
    }

    void fromHost(Allocation a, long offset, long bytes) {
        MemorySegment.copy(a.memory(), offset, of(a), offset, bytes);
    }
}
