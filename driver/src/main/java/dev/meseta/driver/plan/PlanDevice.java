package dev.meseta.driver.plan;

import dev.meseta.driver.Job;
import dev.meseta.driver.KernelDevice;

/** A device whose executables are {@link PlanExecutable}s. Thread-safe. */
public interface PlanDevice extends KernelDevice {
    @Override
    default void run(Job job) {
        ((PlanExecutable) job.executable()).run(job);
    }

    /** Counts iterations of the loops that a job's plan has, and what is submitted to a device. */
    @Override
    default long progress(Job job) {
        return ((PlanExecutable) job.executable()).progress();
    }
}
