package dev.meseta.driver;

/** A device whose driver compiles kernels (a processor, a GPU). */
public non-sealed interface KernelDevice extends Device {
    /** What schedules need to know. */
    Target target();

    /** All that an image depends on beside the command list, as a text: the hardware, the driver's version, its settings. */
    String identity();

    /**
     * Makes ready to run what a device of the same identity gave as an {@link Executable#image}. Throws {@link IllegalArgumentException} for
     * an image that cannot be such a one.
     */
    Executable load(Image image);

    /** Compiles the kernels of a command list and makes it ready to run. */
    Executable load(CommandList commands);
}
