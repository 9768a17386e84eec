package dev.meseta.graph.program;

import java.nio.file.Path;

/** What reads model files of one format, found by {@link java.util.ServiceLoader}. Thread-safe. */
public interface Frontend {
    /** Whether the first bytes of a file say that it is of this format. False for every file of a format that does not say so. */
    boolean recognizes(Path file);

    /** Reads a file. Throws {@link dev.meseta.graph.InvalidInputException} for one that is no model, or that cannot be run. */
    Program read(Path file);
}
