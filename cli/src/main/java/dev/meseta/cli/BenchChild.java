package dev.meseta.cli;

import java.io.File;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
        List<String> options =
                new ArrayList<>(ManagementFactory.getRuntimeMXBean().getInputArguments());
        settings.forEach((key, value) -> options.add("-D" + key + "=" + value));
        options.addAll(List.of("-cp", System.getProperty("java.class.path")));
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        // In a file, because ONNX Runtime 1.29 crashes in a process whose command line is as long as our class path.
        command.add("@" + write(options, job.inputs().resolveSibling("options")));
        command.add(BenchWorker.class.getName());
        command.addAll(job.arguments());
        try {
            Process process = new ProcessBuilder(command)
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

    private static Path write(List<String> options, Path file) {
        try {
            return Files.write(
                    file,
                    options.stream()
                            .map(o -> '"' + o.replace("\\", "\\\\").replace("\"", "\\\"") + '"')
                            .toList());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + file + ": " + e.getMessage(), e);
        }
    }
}
