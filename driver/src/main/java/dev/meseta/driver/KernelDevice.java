package dev.meseta.driver;

/** A device whose driver compiles kernels (a processor, a GPU). */
public non-sealed interface KernelDevice extends Device {
    /** What schedules need to know. */
    Target target();

    /** Compiles the kernels of a command list and makes it ready to run. */
    Executable load(CommandList commands);

    /** Begins to load a command list that is still being made. A device that compiles nothing before it has all of it leaves this as it is. */
    default Loading loading() {
        return this::load;
    }
}
