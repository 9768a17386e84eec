package dev.meseta.driver;

import java.time.Duration;
import java.util.Map;

/**
 * Something that computes. Thread-safe. All that is here is what a driver implements; scheduling, checks, time-outs and traces are the
 * runtime's, and the same for all devices.
 */
public sealed interface Device permits KernelDevice, GraphDevice {
    /** Its name among all devices, such as {@code cpu} or {@code vulkan:0}. */
    String name();

    /** What it is, for people: the processor's name. */
    String description();

    /** Facts for people, such as instruction set, threads and caches, in a fixed order. */
    Map<String, String> properties();

    /** How it takes jobs. */
    default Limits limits() {
        return new Limits(1, true, true, 64, Duration.ofSeconds(10), Duration.ofHours(1));
    }

    /**
     * Memory for jobs, zeroed.
     *
     * @param bytes 0 or more
     * @param shareable whether it must have a descriptor that other processes can import
     * @throws DeviceException of kind MEMORY where there is none left, of kind UNSUPPORTED where it cannot be shared
     */
    default Allocation allocate(long bytes, boolean shareable) {
        throw DeviceException.unsupported(name() + " allocates no buffers");
    }

    /**
     * Memory that another process, or another device, exported.
     *
     * @param descriptor stays the caller's
     * @param bytes how much of it is wanted, from its beginning
     * @throws DeviceException of kind UNSUPPORTED where the device cannot use it
     */
    default Allocation importMemory(int descriptor, long bytes, Access access) {
        throw DeviceException.unsupported(name() + " imports no memory");
    }

    /** Makes bytes [offset, offset + bytes) of the host's view what the device sees; before the host reads or writes them. */
    default void beginAccess(Allocation allocation, long offset, long bytes, Access access) {}

    /** Makes them what the host wrote, for the device. */
    default void endAccess(Allocation allocation, long offset, long bytes, Access access) {}

    /**
     * All that an image depends on beside what was compiled, as a text: the hardware, the driver's version, its settings. Empty where
     * executables have no images.
     */
    default String identity() {
        return "";
    }

    /**
     * Makes ready to run what a device of the same identity, or of requirements of which nothing is missing, gave as an {@link
     * Executable#image}. Throws {@link IllegalArgumentException} or {@link dev.meseta.graph.InvalidInputException} for an image that cannot be such a one.
     */
    default Executable load(Image image) {
        throw DeviceException.unsupported(name() + " loads no images");
    }

    /** What a machine must have to load the images that this device gives, as a text of the driver's own for packages. */
    default String requirements() {
        throw DeviceException.unsupported(name() + " makes no packages");
    }

    /** What is missing here to load an image with these requirements; empty if nothing is. */
    default String lacks(String requirements) {
        return name() + " runs no packages";
    }

    /**
     * Runs a job, or begins to: {@link Limits#synchronous} says which. Called with at most {@link Limits#credits} jobs at once, from any
     * thread. Throws what the job fails with; {@link DeviceException#lost} says that the device is gone.
     */
    default void run(Job job) {
        throw DeviceException.unsupported(name() + " runs no jobs");
    }

    /** A number that changes while a job makes progress. */
    default long progress(Job job) {
        return 0;
    }

    /**
     * Ends a job that was given up, as well as the device can. After it has returned, nothing more comes of the jobs that are dead: no
     * {@link Job#done} and no {@link Job#failed}, so that a driver calls these with the lock that it takes here.
     */
    default Stop stop(Job job) {
        return Stop.STOPPED;
    }
}
