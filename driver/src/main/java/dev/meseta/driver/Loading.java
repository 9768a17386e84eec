package dev.meseta.driver;

import dev.meseta.compiler.kernel.Kernel;

/**
 * A command list on its way to a device, which may compile kernels while the compiler still makes others. Used by one thread, for one
 * command list; one that is given up is left to the garbage collector.
 */
@FunctionalInterface
public interface Loading {
    /** Names a kernel that the command list is likely to have (as this very object). A hint: it may turn out otherwise. */
    default void expect(Kernel kernel) {}

    /** The whole command list, as {@link KernelDevice#load} takes it. Called once. */
    Executable load(CommandList commands);
}
