package dev.meseta.driver.plan;

import dev.meseta.driver.Buffer;
import dev.meseta.driver.Job;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/** The memory of one run of a plan: used by one job at a time, and by many one after the other. */
public interface PlanRun {
    /** Whether it can still be used. */
    default boolean isTimely() {
        return true;
    }

    /**
     * Binds an input or output slot.
     *
     * @param memory of the buffer, as the host sees it
     */
    void bind(int slot, Buffer buffer, MemorySegment memory);

    /** Runs the plan on what is bound, and counts steps. */
    void run(Job job, AtomicLong steps);

    /** The bytes of an output after the run, as the host sees them. */
    MemorySegment output(int number);

    /** Lets go of what is bound. */
    void unbind();
}
