package dev.meseta.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Whether somebody watches. */
final class Terminal {
    private Terminal() {}

    /** Whether what goes to stderr is seen, while stdout goes elsewhere or is quiet: where progress may be shown. */
    static boolean showsErrors() {
        return isTerminal(2);
    }

    static boolean showsOutput() {
        return isTerminal(1);
    }

    private static boolean isTerminal(int descriptor) {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor))
                    .toString();
            return List.of("/dev/pts/", "/dev/tty", "/dev/console").stream().anyMatch(target::startsWith);
        } catch (IOException | UnsupportedOperationException | SecurityException e) {
            return false;
        }
    }
}
