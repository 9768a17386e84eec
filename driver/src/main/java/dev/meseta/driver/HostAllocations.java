package dev.meseta.driver;

import dev.meseta.linux.HostMemory;
import dev.meseta.linux.SystemCallException;

/** What a device that works on the memory of this machine answers to {@link Device#allocate} and {@link Device#importMemory}. Thread-safe. */
public final class HostAllocations {
    private HostAllocations() {}

    /** Whole pages, zeroed; shareable ones behind a descriptor whose size is sealed. */
    public static Allocation allocate(long bytes, boolean shareable) {
        try {
            return of(shareable ? HostMemory.shareable("meseta", bytes) : HostMemory.anonymous(bytes));
        } catch (SystemCallException e) {
            throw new DeviceException(
                    DeviceException.Kind.MEMORY, bytes + " bytes are not to be had: " + e.getMessage(), e);
        } catch (IllegalArgumentException e) {
            throw new DeviceException(DeviceException.Kind.MEMORY, bytes + " bytes are beyond any memory", e);
        }
    }

    /** Maps what is behind a descriptor; refused, with kind BUFFER, where it is too small or could shrink while it is used. */
    public static Allocation importMemory(int descriptor, long bytes, Access access) {
        try {
            return of(HostMemory.open(descriptor, bytes, access.writes()));
        } catch (SystemCallException | IllegalArgumentException e) {
            throw new DeviceException(
                    DeviceException.Kind.BUFFER, "the memory cannot be imported: " + e.getMessage(), e);
        }
    }

    private static Allocation of(HostMemory memory) {
        return new Allocation(memory.segment(), memory.descriptor(), 0, memory::close);
    }
}
