package dev.meseta.cli;

import dev.meseta.conformance.JavaProcess;
import java.io.File;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Properties;

/** Starts a JVM like this one for one measurement: nothing that was loaded, compiled or allocated before is charged to it, or helps it. */
final class BenchChild {
    private BenchChild() {}

    /**
     * Measures in a process of its own.
     *
     * @param settings system properties beside those of this process
     * @return what {@link BenchWorker} found; an {@code error} if it did not end well
     */
    static Properties measure(BenchJob job, Map<String, String> settings) {
        try {
            Process process = JavaProcess.of(
                            BenchWorker.class.getName(),
                            settings,
                            job.inputs().resolveSibling("options"),
                            job.arguments())
                    .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            try {
                Properties figures = new Properties();
                try (Reader reader = process.inputReader(StandardCharsets.UTF_8)) {
                    figures.load(reader);
                }
                int status = process.waitFor();
                if (status != 0 || figures.isEmpty()) {
                    figures.setProperty("mistake", "ours");
                    figures.setProperty("error", "the process that measures ended with status " + status);
                }
                return figures;
            } finally {
                process.destroyForcibly();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("no process to measure in: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while measuring", e);
        }
    }
}
