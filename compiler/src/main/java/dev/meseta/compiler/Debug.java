package dev.meseta.compiler;

import java.util.Arrays;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** What the environment variable {@code MESETA_DEBUG} asks for: a list of stages, separated by commas, that print to standard error. */
final class Debug {
    private static final Set<String> STAGES = Arrays.stream(
                    System.getenv().getOrDefault("MESETA_DEBUG", "").split(","))
            .map(String::strip)
            .collect(Collectors.toUnmodifiableSet());

    private Debug() {}

    static void print(String stage, Supplier<String> text) {
        if (STAGES.contains(stage) || STAGES.contains("all")) System.err.println(text.get());
    }
}
