package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.spirv.ShaderArguments;
import java.util.List;

/** What the host does for a run. */
sealed interface Step {
    /** Submits segment number {@code segment} and waits for its end. */
    record Submit(int segment) implements Step {}

    /** Goes on with one of two lists by the byte that a segment left at a place of the control memory. */
    record Choose(int condition, List<Step> then, List<Step> otherwise) implements Step {}

    /** Runs {@code test}, then, while the byte is not 0, {@code body} and {@code test} again. */
    record While(List<Step> test, int condition, List<Step> body) implements Step {}

    /** A place in a slot; the slot {@link #CONTROL} is the control memory. */
    record Place(int slot, long offset) {
        static final int CONTROL = -1;
    }

    /**
     * A launch.
     *
     * @param number its number among the launches of the plan
     * @param argumentsAt byte offset of its arguments
     * @param texels {@link dev.meseta.compiler.spirv.Bounds#texels}
     * @param bytes how far it reaches into each buffer
     */
    record Launch(
            int number,
            Kernel kernel,
            long pipeline,
            ShaderArguments layout,
            long argumentsAt,
            List<Place> places,
            List<Long> bytes,
            List<Long> extents,
            long grid,
            long texels,
            String origin) {}
}
