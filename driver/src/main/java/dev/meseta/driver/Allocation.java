package dev.meseta.driver;

import java.lang.foreign.MemorySegment;

/**
 * Memory as a driver gives it: what a {@link Buffer} is made over. The stack guards it; a driver need not.
 *
 * @param memory the host's view, valid until {@code free}. A device whose memory the host cannot see gives memory of the host's in its
 *     place, and copies in {@link Device#beginAccess} and {@link Device#endAccess}.
 * @param descriptor a file descriptor that other processes can import, owned by the allocation; -1 if there is none
 * @param handle the driver's own name for it; the stack does not look at it
 * @param free gives it back; called once, from any thread, when no job holds the memory and nobody can reach it
 */
public record Allocation(MemorySegment memory, int descriptor, long handle, Runnable free) {}
