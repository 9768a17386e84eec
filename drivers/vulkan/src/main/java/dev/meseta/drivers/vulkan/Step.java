package dev.meseta.drivers.vulkan;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.spirv.ShaderArguments;
import dev.meseta.compiler.spirv.SpirvModule;
import dev.meseta.driver.CommandList;
import dev.meseta.graph.DType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the host does for a run. */
sealed interface Step {
    /** Submits segment number {@code segment} and waits for its end. */
    record Submit(int segment) implements Step {}

    /** Goes on with one of two lists by the byte that a segment left at a place of the control memory. */
    record Choose(int condition, List<Step> then, List<Step> otherwise) implements Step {}

    /** Runs {@code test}, then, while the byte is not 0, {@code body} and {@code test} again. */
    record While(List<Step> test, int condition, List<Step> body) implements Step {}

    /** A kernel as a shader. */
    record Shader(String kernel, SpirvModule module) {}

    /** The slot of a {@link Use} that is the control memory. */
    int CONTROL = -1;

    /** What a launch has as one of its buffers: a place in a slot, and how many bytes from there it touches. */
    record Use(String name, DType dtype, Kernel.Access access, int slot, long offset, long bytes) {
        boolean isRead() {
            return access != Kernel.Access.WRITE;
        }

        boolean isWritten() {
            return access != Kernel.Access.READ;
        }

        long elements() {
            return bytes / dtype.bytes();
        }

        /** Throws {@link IllegalArgumentException} if it is not within its slot, or writes what is read only. */
        void check(List<CommandList.Slot> slots, String who) {
            if (slot == CONTROL) return;
            VulkanPlan.check(slot >= 0 && slot < slots.size(), () -> who + " uses slot " + slot);
            CommandList.Slot s = slots.get(slot);
            VulkanPlan.check(
                    bytes >= 0 && offset >= 0 && offset <= s.bytes() - bytes,
                    () -> who + " touches bytes " + offset + " to " + (offset + bytes) + " of slot " + slot
                            + ", which has " + s.bytes());
            boolean writable = s instanceof CommandList.OutputSlot || s instanceof CommandList.TemporarySlot;
            VulkanPlan.check(!isWritten() || writable, () -> who + " writes slot " + slot + ", which is read only");
            VulkanPlan.check(
                    offset % dtype.bytes() == 0,
                    () -> who + " has a place that is not aligned: " + slot + "+" + offset);
        }
    }

    /**
     * A launch.
     *
     * @param number its number among the launches of the plan
     * @param shader the number of its shader
     * @param argumentsAt byte offset of its arguments
     * @param groups workgroups
     * @param texels {@link dev.meseta.compiler.spirv.Bounds#texels}
     */
    record Launch(
            int number,
            int shader,
            String kernel,
            long argumentsAt,
            List<Use> uses,
            List<Long> extents,
            long grid,
            long groups,
            long texels,
            String origin) {
        /** What uniform buffers are aligned to at most. */
        private static final long ARGUMENT_ALIGNMENT = 256;

        /** The launch that follows another, or the first. */
        static Launch after(
                @Nullable Launch last,
                int shader,
                String kernel,
                List<Use> uses,
                List<Long> extents,
                long grid,
                long groups,
                long texels,
                String origin) {
            int number = last == null ? 1 : last.number + 1;
            long at = last == null ? 0 : Math.ceilDiv(last.argumentsEnd(), ARGUMENT_ALIGNMENT) * ARGUMENT_ALIGNMENT;
            return new Launch(number, shader, kernel, at, uses, extents, grid, groups, texels, origin);
        }

        ShaderArguments layout() {
            return new ShaderArguments(uses.size(), extents.size());
        }

        long argumentsEnd() {
            return argumentsAt + 8L * layout().count();
        }
    }
}
