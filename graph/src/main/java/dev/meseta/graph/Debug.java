package dev.meseta.graph;

import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * What the environment variable MESETA_DEBUG (a list with commas, or {@code all}) asks to be printed to the standard error: each stage of a
 * graph's way to machine code. The one place where a library prints.
 */
public enum Debug {
    /** Each graph in the op set, as it reaches a device. */
    GRAPH,
    /** The groups of nodes that become one kernel. */
    FUSED,
    /** The commands, with their buffers and memory. */
    PLAN,
    /** Each kernel, before it is compiled. */
    KERNELS,
    /** Each kernel in LLVM's language, before and after the passes. */
    LLVM,
    /** Each kernel's assembly. */
    ASM,
    /** How long each launch took, at the end of the process. */
    TIMES;

    private static final List<String> ASKED =
            List.of(System.getenv().getOrDefault("MESETA_DEBUG", "").split("[, ]+"));

    /** Whether this stage is to be printed. */
    public boolean isOn() {
        return ASKED.contains("all") || ASKED.contains(name().toLowerCase(Locale.ROOT));
    }

    /** Prints a text if it was asked for; one write, so that threads do not mix their texts. */
    public void print(Supplier<String> text) {
        if (isOn()) System.err.println(text.get());
    }
}
