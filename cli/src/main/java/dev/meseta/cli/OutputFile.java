package dev.meseta.cli;

import dev.meseta.graph.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What {@code --output} names, before there is anything to write. */
final class OutputFile {
    private OutputFile() {}

    /**
     * Refuses what cannot be written, and what is read.
     *
     * @param source what the command reads
     * @param what the source is, for people
     */
    static void check(Path output, Path source, String what) {
        Path folder = output.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder))
            throw new InvalidInputException("--output " + output + ": the folder does not exist");
        if (Files.isDirectory(output)) throw new InvalidInputException("--output " + output + ": is a folder");
        if (same(output, source)) throw new InvalidInputException("--output " + output + ": is " + what);
    }

    private static boolean same(Path a, Path b) {
        try {
            // By name where they are not there yet.
            return Files.isSameFile(
                    a.toAbsolutePath().normalize(), b.toAbsolutePath().normalize());
        } catch (IOException e) {
            return false;
        }
    }
}
