package dev.meseta.drivers.vulkan;

import dev.meseta.driver.ByteForm;
import dev.meseta.driver.Image;
import dev.meseta.driver.plan.LaunchPlan;
import dev.meseta.driver.plan.PlanExecutable;
import dev.meseta.driver.plan.PlanForm;
import dev.meseta.driver.plan.PlanRun;
import dev.meseta.driver.plan.Step;
import java.util.List;
import java.util.function.Supplier;

/**
 * A plan whose kernels are shaders. Throws as {@link Submissions}. Immutable.
 *
 * @param shaders by the numbers that launches have
 * @param submissions the launches as they are submitted
 */
record VulkanPlan(LaunchPlan launches, List<Shader> shaders, Submissions submissions) {
    /** Version of the form, and of what shaders and the host agree on; to be raised with any change of either ({@code PlanFormTest} sees to it). */
    static final int FORM = 2;

    VulkanPlan(LaunchPlan launches, List<Shader> shaders) {
        this(launches, List.copyOf(shaders), new Submissions(launches, shaders));
    }

    /** With shaders in SPIR-V. */
    Image image() {
        return PlanForm.image(FORM, launches, out -> {
            ByteForm.list(out, shaders, (o, s) -> s.write(o));
        });
    }

    /** What can be told of a wrong image is an {@link IllegalArgumentException}. */
    static VulkanPlan load(Image image) {
        return PlanForm.load(image, FORM, (plan, in) -> {
            return new VulkanPlan(plan, ByteForm.list(in, Shader::read));
        });
    }

    /** Ready to be run, in what {@code runs} makes. */
    PlanExecutable executable(Supplier<PlanRun> runs) {
        return new PlanExecutable(launches, runs, this::image, this::describe);
    }

    String describe() {
        List<Step> steps = submissions.steps;
        long always = steps.stream().filter(s -> s instanceof Step.Launches).count();
        return launches.describe(_ -> "") + "submissions per run: " + always
                + (always < steps.size() ? " and those that conditions ask for\n" : "\n");
    }
}
