package dev.meseta.drivers.vulkan;

import dev.meseta.driver.DeviceException;
import dev.meseta.driver.plan.Launch;
import dev.meseta.driver.plan.LaunchPlan;
import dev.meseta.driver.plan.PlanExecutable;
import dev.meseta.driver.plan.PlanRun;
import dev.meseta.driver.plan.Step;
import java.util.List;
import java.util.function.Supplier;

/**
 * A plan whose kernels are shaders. Throws {@link IllegalArgumentException} for a plan that is none, {@link
 * DeviceException} for one that is too long. Immutable.
 *
 * @param shaders by the numbers that launches have
 * @param submissions the launches as they are submitted
 */
record VulkanPlan(LaunchPlan launches, List<Shader> shaders, Submissions submissions) {
    VulkanPlan {
        shaders = List.copyOf(shaders);
        for (Launch l : launches.launches()) {
            check(l.code() >= 0 && l.code() < shaders.size(), l);
            check(shaders.get(l.code()).texels() >> l.uses().size() == 0, l);
            for (Launch.Use u : l.uses()) {
                check(u.place().offset() % u.dtype().bytes() == 0, l);
                for (long s : u.place().strides()) check(s % u.dtype().bytes() == 0, l);
            }
        }
    }

    VulkanPlan(LaunchPlan launches, List<Shader> shaders) {
        this(launches, shaders, new Submissions(launches));
    }

    private static void check(boolean condition, Launch l) {
        if (!condition)
            throw new IllegalArgumentException(l.who() + " has a shader or a place that cannot be its own: " + l);
    }

    /** Ready to be run, in what {@code runs} makes. */
    PlanExecutable executable(Supplier<PlanRun> runs) {
        return new PlanExecutable(launches, runs, () -> PlanImage.of(this), this::describe);
    }

    String describe() {
        long always = submissions.steps.stream()
                .filter(s -> s instanceof Step.Launches)
                .count();
        return launches.describe(_ -> "") + "submissions per run: " + always
                + (always < submissions.steps.size() ? " and those that conditions ask for\n" : "\n");
    }
}
