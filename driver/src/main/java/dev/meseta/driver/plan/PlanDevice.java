package dev.meseta.driver.plan;

import dev.meseta.driver.Job;
import dev.meseta.driver.KernelDevice;
import dev.meseta.driver.Limits;
import dev.meseta.driver.Target;

/** A device whose executables are {@link PlanExecutable}s. Thread-safe. */
public abstract class PlanDevice implements KernelDevice {
    private final String name;
    private final String description;
    private final Target target;
    private final Limits limits;

    protected PlanDevice(String name, String description, Target target, Limits limits) {
        this.name = name;
        this.description = description;
        this.target = target;
        this.limits = limits;
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final String description() {
        return description;
    }

    @Override
    public final Target target() {
        return target;
    }

    @Override
    public final Limits limits() {
        return limits;
    }

    @Override
    public final void run(Job job) {
        ((PlanExecutable) job.executable()).run(job);
    }

    /** Counts rounds of the loops that a job's plan has, and what else {@link PlanRun#advance} is called for. */
    @Override
    public final long progress(Job job) {
        return ((PlanExecutable) job.executable()).progress();
    }
}
