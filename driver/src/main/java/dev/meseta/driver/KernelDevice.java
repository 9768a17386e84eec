package dev.meseta.driver;

/** A device whose driver compiles kernels (a processor, a GPU). */
public non-sealed interface KernelDevice extends Device {
    /** What schedules need to know. */
    Target target();

    /** All that an image depends on beside the command list, as a text: the hardware, the driver's version, its settings. */
    String identity();

    /**
     * Makes ready to run what a device of the same identity, or of requirements of which nothing is missing, gave as an {@link Executable#image}. Throws {@link IllegalArgumentException} for
     * an image that cannot be such a one.
     */
    Executable load(Image image);

    /** What a machine must have to load the images that this device gives, as a text of the driver's own for packages. */
    default String requirements() {
        throw DeviceException.unsupported(name() + " makes no packages");
    }

    /** What is missing here to load an image with these requirements; empty if nothing is. */
    default String lacks(String requirements) {
        return name() + " runs no packages";
    }

    /** Compiles the kernels of a command list and makes it ready to run. */
    Executable load(CommandList commands);
}
