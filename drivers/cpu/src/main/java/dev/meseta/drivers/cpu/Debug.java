package dev.meseta.drivers.cpu;

import java.util.List;
import java.util.Locale;

/** What the variable MESETA_DEBUG (a list with commas) asks this driver to print to the standard error. */
enum Debug {
    KERNELS,
    LLVM,
    ASM;

    private static final List<String> ASKED =
            List.of(System.getenv().getOrDefault("MESETA_DEBUG", "").split(","));

    boolean isOn() {
        return ASKED.contains("all") || ASKED.contains(name().toLowerCase(Locale.ROOT));
    }

    /** One write, so that threads do not mix their texts. */
    static void print(String text) {
        System.err.println(text);
    }
}
