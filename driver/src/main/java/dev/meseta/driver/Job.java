package dev.meseta.driver;

import java.lang.foreign.MemorySegment;

/**
 * One run of an executable, as a driver sees it: checked, its dependencies fulfilled, its memory held until it has ended. Thread-safe.
 */
public interface Job {
    /** What to run. */
    Executable executable();

    /** What is bound to a region of the executable: at least its bytes, from its first byte on. */
    Buffer buffer(int region);

    /** The host's view of what is bound to a region, for devices that work on host memory. */
    MemorySegment memory(int region);

    /** The driver has begun: after this the job is not run again, whatever happens. A driver that does not know when need not say. */
    void started();

    /** It has ended well. For devices that are not synchronous; called once, from any thread. */
    void done();

    /** It has failed. For devices that are not synchronous; called once, from any thread. */
    void failed(RuntimeException reason);

    /** Whether nobody waits for it any more. A device may stop early, and need not. */
    boolean isCancelled();
}
